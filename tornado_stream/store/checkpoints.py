"""When the write-ahead log is moved into the database file.

The rule: at most a minute after a commit the file has it, and on a disk that is full the log gives
back at once what it takes. Everything here runs on the IOLoop's thread; the moves do not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

from tornado_stream.store.base import DiskFull, StoreError

#: Seconds from a commit until it is moved into the main file, and until the next try where a
#: reader prevented that. SQLite does it earlier if the write-ahead log is long.
DELAY, PAUSE = 45.0, 1.0

#: Pages, about, that an answer which begins or ends writes to the log.
PAGES = 16

#: Begins to move the log. The result is whether the database file has all commits then.
Move = Callable[[], asyncio.Future[bool]]


class Checkpoints:
    """The timer of the moves. `move` leaves the log its space, `empty` gives the space back;
    `is_roomy` tells whether the log may keep it. `look` lets SQLite move the log if it has more
    than `longest` pages."""

    def __init__(
        self,
        move: Move,
        empty: Move,
        is_roomy: Callable[[], bool],
        look: Callable[[], None],
        longest: int,
    ) -> None:
        self._move, self._empty, self._is_roomy, self._look = move, empty, is_roomy, look
        self._longest = longest
        self._unseen = 0  # pages, about, that were written since the last look
        #: Not None while a move is due.
        self.timer: asyncio.TimerHandle | None = None
        self._is_hurried = False
        self._is_closed = False
        #: The time of the oldest commit that only the write-ahead log has.
        self._unsecured_since: float | None = None

    @property
    def unsecured(self) -> float:
        """For how many seconds the write-ahead log has had what the database file has not."""
        return 0.0 if self._unsecured_since is None else monotonic() - self._unsecured_since

    def soon(self) -> None:
        """Something is written: move it within `DELAY`, unless a move is due."""
        if self.timer is None:
            self._unsecured_since = self._unsecured_since or monotonic()
            self._move_in(DELAY)

    def hurry(self) -> None:
        """The disk is full: give back what the log takes, after `PAUSE`."""
        if not self._is_hurried:
            self._is_hurried = True
            self._move_in(PAUSE)

    def wrote_on_loop(self, writes: int, size: int) -> None:
        """So many writes, with so many bytes of text, were committed on the loop, where SQLite
        moves nothing: let the thread do it before the log is much longer than it may be."""
        self._unseen += PAGES * writes + size // 4096
        if self._unseen > self._longest // 4:
            self._unseen = 0
            self._look()

    def emptied(self) -> None:
        """The log is empty. Any thread may call this."""
        self._unsecured_since = None

    def close(self) -> None:
        self._is_closed = True
        if self.timer:
            self.timer.cancel()

    def _move_in(self, seconds: float) -> None:
        if self.timer:
            self.timer.cancel()
        if not self._is_closed:
            loop = asyncio.get_running_loop()
            self.timer = loop.call_later(seconds, self._begin, monotonic() + seconds)

    def _begin(self, began: float) -> None:
        self.timer = None
        may_keep = self._is_roomy() and not self._is_hurried
        self._is_hurried = False
        with suppress(StoreError):
            moving = self._move() if may_keep else self._empty()
            moving.add_done_callback(lambda moved: self._ended(moved, began))

    def _ended(self, moved: asyncio.Future[bool], began: float) -> None:
        if moved.cancelled() or (error := moved.exception()) or not moved.result():
            self._is_hurried = not moved.cancelled() and isinstance(error, DiskFull)
            self._move_in(PAUSE)
        else:
            self._unsecured_since = began if self.timer else None
