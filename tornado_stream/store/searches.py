"""Searches: one at a time for each user, limited in time, and stopped when the client has left.

The rule: no search delays another read. Searches have a connection and a thread of their own, and
users take turns there, however many searches one of them has waiting. Everything but `Stop` runs
on the IOLoop's thread.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, cast

from tornado_stream.values.errors import Unavailable

if TYPE_CHECKING:
    import sqlite3

#: Seconds that a search may take, and that it may wait for its turn.
LIMIT, WAIT = 2.0, 10.0
#: Seconds that a search may hold the interpreter's lock, and then leaves it to other threads. They
#: would get it only every 5 ms otherwise, and a thread that reads rows needs it for each of them.
BUSY, PAUSE = 0.0005, 0.0001
#: Instructions of SQLite's virtual machine between two looks at the clock.
INSTRUCTIONS = 1000


class SearchTooSlow(Unavailable):
    """The search took too long, or waited too long for other searches."""

    code = "search_too_slow"

    def __init__(self) -> None:
        super().__init__("The search took too long. Search for a longer or a rarer text.")


class Stop:
    """Ends one search: when it is `set`, or when `LIMIT` seconds have passed."""

    def __init__(self) -> None:
        self._stopped = False
        self._deadline = 0.0
        self._paused_at = 0.0

    def set(self) -> None:
        """End the search at its next look at the clock. Can be called on any thread."""
        self._stopped = True

    def reached(self) -> bool:
        return self._stopped or monotonic() > self._deadline

    def look(self) -> None:
        """Raise `SearchTooSlow` if the stop is reached. Otherwise pause, if it is time for that.
        To be called between the pieces of a long text."""
        if self.reached():
            raise SearchTooSlow
        if monotonic() - self._paused_at > BUSY:
            sleep(PAUSE)
            self._paused_at = monotonic()

    @contextmanager
    def watching(self, db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
        """Within the block, the connection's statements end when the stop is reached, and the one
        that is yielded begins no other. Then raises `SearchTooSlow`. The time is counted from here.
        """
        self._paused_at = monotonic()
        self._deadline = self._paused_at + LIMIT
        if self._stopped:
            raise SearchTooSlow
        db.set_progress_handler(self.reached, INSTRUCTIONS)
        try:
            yield cast("sqlite3.Connection", _Watched(self, db))
        except Exception as error:
            if self.reached() and getattr(error, "sqlite_errorname", "") == "SQLITE_INTERRUPT":
                raise SearchTooSlow from None
            raise
        finally:
            db.set_progress_handler(None, 0)


class _Watched:
    """A connection that looks at the clock before each statement. SQLite counts the instructions of
    each statement apart, so many short ones would end after the stop only."""

    def __init__(self, stop: Stop, db: sqlite3.Connection) -> None:
        self._stop = stop
        self._db = db

    def execute(self, *statement: Any) -> sqlite3.Cursor:
        if self._stop.reached():
            raise SearchTooSlow
        return self._db.execute(*statement)


class Turns:
    """Whose search is next: the users who have one waiting take turns."""

    def __init__(self) -> None:
        self._taken = False
        #: The turns that each owner waits for. The owner who comes next is the first.
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def turn(self, owner: str, left: asyncio.Future[None]) -> AsyncIterator[None]:
        """Wait for the turn, and have it within the block. Raises `SearchTooSlow` after `WAIT`
        seconds, or once the client has `left`."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(turn)
        self._next()
        try:
            first = asyncio.FIRST_COMPLETED
            await asyncio.wait({turn, left}, timeout=WAIT, return_when=first)
            if not turn.done() or left.done():
                raise SearchTooSlow
            yield
        finally:
            if turn.done():
                self._taken = False
                self._next()
            else:
                self._forget(owner, turn)

    def _next(self) -> None:
        if self._taken or not self._waiting:
            return
        owner = next(iter(self._waiting))
        turns = self._waiting.pop(owner)
        turns.popleft().set_result(None)
        self._taken = True
        if turns:
            self._waiting[owner] = turns  # behind all others

    def _forget(self, owner: str, turn: asyncio.Future[None]) -> None:
        turns = self._waiting[owner]
        turns.remove(turn)
        if not turns:
            del self._waiting[owner]
