"""Connections to PostgreSQL that outlive it: each is made when it is needed, and made again after
it broke.

The rule: an instance has four connections, whatever it does: one writes, two read, and one listens
and says that the instance lives. Work waits `PATIENCE` seconds for a server that is away, and then
fails with a `StoreError`; while the server stays away, further work fails at once. Everything runs
on the IOLoop's thread.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, Concatenate, ParamSpec, TypeVar

import asyncpg

from tornado_stream.store.base import StoreError
from tornado_stream.store.postgres.errors import (
    Unreachable,
    as_store_error,
    is_lost,
    is_of_the_way,
    was_rolled_back,
)

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

#: Seconds that work waits for a server that is away, or for its turn.
PATIENCE = 5.0
#: Seconds that one attempt to connect may take, and one piece of work.
CONNECTING, WORKING = 2.0, 10.0
#: Seconds between two attempts: the first, and the most.
PAUSE, LONGEST_PAUSE = 0.02, 0.5


class Server:
    """A PostgreSQL as one instance sees it. `options` are settings of each connection."""

    def __init__(self, url: str, **options: str) -> None:
        self._url = url
        self._options = {"application_name": "tornado-stream", "TimeZone": "UTC", **options}
        self._away_since: float | None = None
        #: How many connections broke, or could not be made.
        self.failures = 0
        self.closed = False

    @property
    def away(self) -> float:
        """For how many seconds the server has not answered."""
        return 0.0 if self._away_since is None else monotonic() - self._away_since

    async def open(self) -> asyncpg.Connection:
        """Make a connection. Raises whatever is in the way."""
        return await asyncpg.connect(self._url, timeout=CONNECTING, server_settings=self._options)

    async def connect(self) -> asyncpg.Connection:
        """As `open`, of a server that should be there. Raises `StoreError` once it is `closed`."""
        self.check_open()
        try:
            db = await self.open()
        except Exception:
            self.failed()
            raise
        if self.closed:
            db.terminate()
            self.check_open()
        self.answered()
        return db

    def check_open(self) -> None:
        if self.closed:
            raise StoreError("The store is closed.")

    def answered(self) -> None:
        """Something was done."""
        if self._away_since is not None:
            logger.warning("the database is back after %.1f s", self.away)
            self._away_since = None

    def failed(self) -> None:
        """A connection broke, or could not be made."""
        self.failures += 1
        if self._away_since is None:
            logger.warning("the database cannot be reached; this is tried again and again")
            self._away_since = monotonic()


class Pool:
    """`size` connections to a server, given to pieces of work in the order of the calls."""

    def __init__(
        self, server: Server, size: int, on_done: Callable[[float], None] = lambda seconds: None
    ) -> None:
        self._server = server
        self._on_done = on_done
        self._size = size
        self._closed = False
        self._free = asyncio.Semaphore(size)
        self._idle: list[asyncpg.Connection] = []
        self._used: set[asyncpg.Connection] = set()

    async def transact(
        self,
        work: Callable[Concatenate[asyncpg.Connection, P], Awaitable[T]],
        *args: P.args,
        **more: P.kwargs,
    ) -> T:
        """Call `work` with a connection, in a transaction. If the connection breaks after `work`
        has begun, raises `Unreachable`, and it is not known whether the work was done."""
        done: T = await self._run(work, args, more, repeat=False)
        return done

    async def repeat(
        self,
        work: Callable[Concatenate[asyncpg.Connection, P], Awaitable[T]],
        *args: P.args,
        **more: P.kwargs,
    ) -> T:
        """As `transact`, for work that may be done twice: after a broken connection it is tried
        again."""
        done: T = await self._run(work, args, more, repeat=True)
        return done

    async def read(
        self,
        work: Callable[Concatenate[asyncpg.Connection, P], Awaitable[T]],
        *args: P.args,
        **more: P.kwargs,
    ) -> T:
        """As `repeat`, for work that only reads: all its statements see the same data."""
        done: T = await self._run(work, args, more, repeat=True, reads=True)
        return done

    async def close(self) -> None:
        """Close the connections, after the work that was asked for before. That has `WORKING`
        seconds to end."""
        try:
            async with asyncio.timeout(WORKING):
                for _ in range(self._size):
                    await self._free.acquire()
        except TimeoutError:
            logger.warning("the database did not end its work before the connections were closed")
        for db in (*self._idle, *self._used):
            await _close(db)
        self._idle.clear()
        self._closed = True

    async def _run(
        self, work: Any, args: Any, more: Any, *, repeat: bool, reads: bool = False
    ) -> Any:
        due, pause = monotonic() + PATIENCE, PAUSE
        isolation = "repeatable_read" if reads else "read_committed"
        while True:
            began = 0.0
            try:
                async with self._connection(due) as db, asyncio.timeout(WORKING):
                    async with db.transaction(isolation=isolation, readonly=reads):
                        began = monotonic()
                        done = await work(db, *args, **more)
                self._server.answered()
                self._on_done(monotonic() - began)
                return done
            except Exception as error:
                if isinstance(error, Unreachable) or not is_of_the_way(error):
                    raise
                again = repeat or not began
                if isinstance(error, asyncpg.PostgresError) and not is_lost(error):
                    if not was_rolled_back(error):
                        raise as_store_error(error) from error
                    again = True
                if not again or monotonic() + pause > due or self._server.away > PATIENCE:
                    raise Unreachable from None
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    @asynccontextmanager
    async def _connection(self, due: float) -> AsyncIterator[asyncpg.Connection]:
        """A connection for the block alone. It is closed if the block breaks it."""
        self._server.check_open()
        try:
            async with asyncio.timeout(max(0.0, due - monotonic())):
                await self._free.acquire()
        except TimeoutError:
            raise Unreachable from None
        db: asyncpg.Connection | None = None
        try:
            db = self._open_one() or await self._server.connect()
            self._used.add(db)
            yield db
        except Exception as error:
            if db and is_lost(error) and is_of_the_way(error):
                self._server.failed()
                db.terminate()
            raise
        finally:
            if db:
                self._used.discard(db)
                if not db.is_closed() and db.is_in_transaction():
                    db.terminate()  # the block was left while a statement ran
                if not db.is_closed() and self._closed:
                    db.terminate()
                elif not db.is_closed():
                    self._idle.append(db)
            self._free.release()

    def _open_one(self) -> asyncpg.Connection | None:
        """An idle connection, unless the server has closed it."""
        while self._idle:
            if not (db := self._idle.pop()).is_closed():
                return db
            self._server.failures += 1
        return None


async def _close(db: asyncpg.Connection) -> None:
    try:
        await db.close(timeout=1.0)
    except Exception:  # it was broken, and is closed now
        db.terminate()
