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
from tornado_stream.values.tries import TryLimit

#: Keys that are remembered.
MAX_KEYS = 10_000


class TooManyTries(TooMany):
    """The try came too early; `seconds` is the wait until the next one."""

    def __init__(self, seconds: float) -> None:
        wait = max(1, math.ceil(seconds))
        message = f"Too many tries. The next is possible in {wait} s."
        super().__init__(message, code="too_many_tries", retry_after=wait)


class Tries:
    """Counts tries by a key: an address, or a name."""

    def __init__(
        self,
        limit: TryLimit,
        now: Callable[[], float] = monotonic,
        max_keys: int = MAX_KEYS,
    ) -> None:
        self.limit = limit
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
        count, wait = self.limit.next(count, now - due)
        self._known[key] = count, now + wait
        self._known.move_to_end(key)
        while len(self._known) > self._max_keys:
            self._known.popitem(last=False)

    def wait(self, key: str, count: int, seconds: float) -> None:
        """Let a key wait, because others have counted so many tries of it."""
        self.take({key: (count, self._now() + seconds)})

    def known(self) -> dict[str, tuple[int, float]]:
        """All counts and times, for another process on this machine: both read the same clock."""
        return dict(self._known)

    def take(self, known: dict[str, tuple[int, float]]) -> None:
        """Go on with what another process has counted."""
        self._known.update((key, (count, due)) for key, (count, due) in known.items())

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
