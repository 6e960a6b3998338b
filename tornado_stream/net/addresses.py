"""The addresses on which the server listens, and how a browser finds them."""

from __future__ import annotations

import socket
from ipaddress import ip_address

from tornado.netutil import bind_sockets

from tornado_stream.settings import Settings

#: Connections that may wait to be accepted.
BACKLOG = 1024


def bind(settings: Settings) -> list[socket.socket]:
    """Listen on the address of the settings. Raises `OSError`."""
    return bind_sockets(settings.port, _bound_host(settings), backlog=BACKLOG)


def is_reachable(sock: socket.socket) -> bool:
    """Whether other machines can reach the socket's address."""
    if sock.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    return not ip_address(sock.getsockname()[0].partition("%")[0]).is_loopback


def free_port(settings: Settings) -> int:
    """A port above that of the settings on which nobody listens; 0 if none is found."""
    for port in range(settings.port + 1, min(settings.port + 100, 65536)):
        try:
            sockets = bind_sockets(port, _bound_host(settings))
        except OSError:
            continue
        for sock in sockets:
            sock.close()
        return port
    return 0  # then the system chooses a port


def address(settings: Settings, sockets: list[socket.socket]) -> str:
    """The address to open in a browser; with `::` also the families that the server listens on."""
    port = sockets[0].getsockname()[1]
    host = _bound_host(settings)
    if host is None:
        families = {socket.AF_INET: "IPv4", socket.AF_INET6: "IPv6"}
        listening = " and ".join(families[sock.family] for sock in sockets)
        return f"http://localhost:{port}{settings.base_path}/ (all addresses, {listening})"
    if host in ("127.0.0.1", "0.0.0.0"):
        host = "localhost"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{settings.base_path}/"


def _bound_host(settings: Settings) -> str | None:
    """The host for `bind_sockets`. `::` becomes None, which makes Tornado listen on all addresses:
    those of IPv6 and of IPv4 on sockets of their own, so that an IPv4 client keeps the form of its
    address. On a system without IPv6 only the IPv4 socket remains."""
    try:
        is_everywhere = ip_address(settings.host) == ip_address("::")
    except ValueError:  # a name
        is_everywhere = False
    return None if is_everywhere else settings.host
