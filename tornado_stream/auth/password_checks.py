"""Verifies passwords on threads of their own, a bounded number at a time.

The rule: clients that logged in before do not wait behind strangers. They have a thread and a
queue for themselves, so no number of strangers keeps a right password out.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tornado_stream.auth.tries import TooManyTries

T = TypeVar("T")

#: Passwords of strangers that are verified at a time, those of clients that logged in before, and
#: logins of each kind that may wait.
STRANGERS_AT_ONCE, KNOWN_AT_ONCE, WAITING = 2, 1, 20
#: Places that are remembered.
MAX_PLACES = 10_000


class PasswordChecks:
    """Threads that verify and hash passwords. A thread starts when it is first needed."""

    def __init__(self) -> None:
        self._strangers = _Queue(STRANGERS_AT_ONCE, "password")
        self._known = _Queue(KNOWN_AT_ONCE, "known-password")

    def admit(self, *, known: bool) -> None:
        """Raises `TooManyTries` if too many are waiting."""
        self._queue(known).admit()

    async def run(self, work: Callable[[], T], *, known: bool) -> T:
        """Call `work` on a thread. Call `admit` before, without waiting in between."""
        return await self._queue(known).run(work)

    def close(self) -> None:
        self._strangers.close()
        self._known.close()

    def _queue(self, known: bool) -> _Queue:
        return self._known if known else self._strangers


class KnownPlaces:
    """The networks from which each owner has logged in. The oldest are forgotten first."""

    def __init__(self) -> None:
        self._places: OrderedDict[tuple[str, str], None] = OrderedDict()

    def add(self, network: str, owner: str) -> None:
        self._places[network, owner] = None
        self._places.move_to_end((network, owner))
        while len(self._places) > MAX_PLACES:
            self._places.popitem(last=False)

    def __contains__(self, place: tuple[str, str]) -> bool:
        return place in self._places


class _Queue:
    def __init__(self, threads: int, name: str) -> None:
        self._most = threads + WAITING
        self._count = 0
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)

    def admit(self) -> None:
        if self._count >= self._most:
            raise TooManyTries(1)

    async def run(self, work: Callable[[], T]) -> T:
        self._count += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._count -= 1

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
