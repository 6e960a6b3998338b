"""Limits how often a client may try to log in: a few tries without a wait, then waits that double.

The rule: the server never makes a request wait. A try that comes too early is refused with the
time of the next one, and is not counted. A try counts when it begins, so that parallel tries all
count. The memory is bounded: the keys that were used longest ago are forgotten first.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from time import monotonic

from tornado_stream.values.errors import TooMany

#: Keys that are remembered.
MAX_KEYS = 10_000
#: Seconds after the end of a key's last wait until its count begins again at 1.
FORGIVEN = 3600.0


class TooManyTries(TooMany):
    """The try came too early; `seconds` is the wait until the next one."""

    def __init__(self, seconds: float) -> None:
        wait = max(1, math.ceil(seconds))
        message = f"Too many tries. The next is possible in {wait} s."
        super().__init__(message, code="too_many_tries", retry_after=wait)


class Tries:
    """Counts tries by a key: an address, or a name.

    The first `free` tries need no wait. `longest` is the longest wait, in seconds.
    """

    def __init__(
        self,
        free: int,
        longest: float,
        now: Callable[[], float] = monotonic,
        max_keys: int = MAX_KEYS,
    ) -> None:
        self._free = free
        self._longest = longest
        self._now = now
        self._max_keys = max_keys
        #: The count of each key, and the time at which its next try is allowed.
        self._known: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def check(self, key: str) -> None:
        """Raises `TooManyTries` if this key has to wait."""
        _, due = self._known.get(key, (0, 0.0))
        if due > self._now():
            raise TooManyTries(due - self._now())

    def count(self, key: str) -> None:
        """Count a try that begins now."""
        count, due = self._known.get(key, (0, 0.0))
        now = self._now()
        count = 1 if now > due + FORGIVEN else count + 1
        wait = min(2.0 ** min(count - self._free, 30), self._longest) if count >= self._free else 0
        self._known[key] = count, now + wait
        self._known.move_to_end(key)
        while len(self._known) > self._max_keys:
            self._known.popitem(last=False)

    def forget(self, key: str) -> None:
        """Reset a key, because its try succeeded."""
        self._known.pop(key, None)


def network(address: str) -> str:
    """The key for a client's address: of IPv6 the /64, because one client can use all of it."""
    try:
        ip = ip_address(address)
    except ValueError:  # a Unix socket has no address
        return address
    if isinstance(ip, IPv6Address):
        return str(ip.ipv4_mapped or ip_network((ip.packed, 64), strict=False))
    return str(ip)
