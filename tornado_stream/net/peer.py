"""The address of the client, also where a proxy stands between client and server.

The rule: a header that names the client is believed only where the connection comes from a trusted
proxy of the settings; otherwise any client could write one. Pure functions of a request's parts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

Networks = Sequence[IPv4Network | IPv6Network]


def client_address(peer: str, forwarded_for: str, trusted: Networks) -> str:
    """The address of the client: the last one in `X-Forwarded-For` that is no trusted proxy's.

    `peer` is the address that the connection comes from. Some proxies add the client's port to an
    entry. The search ends at a malformed entry, with the address after it.
    """
    address = peer
    hops = [hop.strip() for hop in forwarded_for.split(",") if hop.strip()]
    while hops and is_trusted(address, trusted):
        hop = hops.pop()
        try:
            address = str(ip_address(_without_port(hop)))
        except ValueError:
            break
    return address


def _without_port(hop: str) -> str:
    """`192.0.2.1` of `192.0.2.1:4711`, and `2001:db8::1` of `[2001:db8::1]:4711`."""
    found = re.fullmatch(r"\[([^\]]*)\](?::\d+)?|([\d.]+):\d+", hop)
    return (found[1] or found[2] or "") if found else hop


def is_trusted(address: str, trusted: Networks) -> bool:
    """Whether this is the address of a trusted proxy."""
    if not trusted:
        return False
    try:
        ip = ip_address(address)
    except ValueError:  # a Unix socket has none
        return False
    mapped = getattr(ip, "ipv4_mapped", None)
    return any((mapped or ip) in network for network in trusted)
