"""How often somebody may try: a number of times freely, then after waits that double.

The rule: nobody is held while waiting; who comes too early is told when, and is not counted. A
try counts when it begins, so that many at once are many. What is remembered is bounded: those
who tried longest ago are forgotten first.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from time import monotonic

from tornado_stream.values.errors import TooMany

#: How many are remembered.
MOST = 10_000
#: Seconds after the last wait at which somebody is as good as new.
FORGIVEN = 3600.0


class TooManyTries(TooMany):
    """Too early for another try."""

    def __init__(self, seconds: float) -> None:
        wait = max(1, math.ceil(seconds))
        message = f"Too many tries. The next is possible in {wait} s."
        super().__init__(message, code="too_many_tries", retry_after=wait)


class Tries:
    """Of each key, how many there were; `longest` is the longest wait, in seconds."""

    def __init__(
        self, free: int, longest: float, now: Callable[[], float] = monotonic, most: int = MOST
    ) -> None:
        self._free = free
        self._longest = longest
        self._now = now
        self._most = most
        self._known: OrderedDict[str, tuple[int, float]] = OrderedDict()  # count, when the next may

    def check(self, key: str) -> None:
        """Raises `TooManyTries` where it is too early."""
        _, due = self._known.get(key, (0, 0.0))
        if due > self._now():
            raise TooManyTries(due - self._now())

    def count(self, key: str) -> None:
        """One more."""
        count, due = self._known.get(key, (0, 0.0))
        now = self._now()
        count = 1 if now > due + FORGIVEN else count + 1
        wait = min(2.0 ** min(count - self._free, 30), self._longest) if count >= self._free else 0
        self._known[key] = count, now + wait
        self._known.move_to_end(key)
        while len(self._known) > self._most:
            self._known.popitem(last=False)

    def forget(self, key: str) -> None:
        """It went well."""
        self._known.pop(key, None)


def network(address: str) -> str:
    """Who is behind an address: an IPv6 one has 2**64 neighbours that are the same."""
    try:
        ip = ip_address(address)
    except ValueError:  # a Unix socket has none
        return address
    if isinstance(ip, IPv6Address):
        return str(ip.ipv4_mapped or ip_network((ip.packed, 64), strict=False))
    return str(ip)
