"""The SQLite database: a file in a directory that this process has locked, and three threads.

The rule: each connection is used by one thread, a thread does its work in the order of the calls,
and a write is one transaction. One thread writes, one reads, and one searches, so a search delays
no reading, and neither delays a commit. The journal mode is WAL: what was committed survives a
crash of the process at any moment. With synchronous NORMAL a power failure may lose the newest
commits, with FULL none. At most a minute after a commit, the main file has it too.
"""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from threading import Lock
from time import monotonic, sleep
from typing import Any, Concatenate, ParamSpec, TypeVar

from tornado_stream.store import logs, opening, search, worker
from tornado_stream.store.base import DiskFull, StoreError, StoreHealth
from tornado_stream.store.checkpoints import Checkpoints
from tornado_stream.store.checks import Checker
from tornado_stream.store.lock import DirectoryLock
from tornado_stream.store.private_files import make_directory
from tornado_stream.store.reserve import Reserve
from tornado_stream.store.watch import Watch

P = ParamSpec("P")
T = TypeVar("T")

#: Seconds from a write until deferred work begins, and between two steps of that work.
TIDY_DELAY, TIDY_PAUSE = 1.0, 0.02
#: Seconds between two attempts to empty the write-ahead log while another program reads.
TRUNCATE_PAUSE = 0.05


class Database:
    """The open database. Raises `OpenError`.

    `log_ends` belongs to the writer's thread. `numbers` yields the `seq` of the next rows.
    `connection_class` is for tests in which single calls fail. `on_commit` is called on the
    writer's thread with the seconds of each transaction.
    """

    def __init__(
        self,
        data_dir: Path,
        connection_class: type[sqlite3.Connection],
        on_commit: Callable[[float], None],
        *,
        synchronous: str,
    ) -> None:
        self.path = data_dir / "chat.db"
        self._wal = opening.wal_of(self.path)
        self.log_ends: logs.LogEnds = {}
        self._closed: Future[None] | None = None
        self._tidying: asyncio.TimerHandle | None = None
        self._checkpoints = Checkpoints(
            move=lambda: self.writer.run(opening.checkpoint),
            empty=lambda: self.searcher.run(self._give_back_wal),
            is_roomy=lambda: self.reserve.is_whole,
        )
        make_directory(data_dir)
        with ExitStack() as undo:
            self._lock = DirectoryLock(data_dir)
            undo.callback(self._lock.abandon)
            self.reserve = Reserve(data_dir)
            if self.reserve.is_disk_full():
                self.reserve.release()
            is_new = not opening.size(self.path)
            if is_new:
                opening.refuse_half_restored(data_dir)
            unclean = self._lock.was_unclean or opening.size(self._wal) > 0
            opened = opening.open_connections(
                self.path,
                connection_class,
                undo,
                longest_wal=self.reserve.size // 2,
                synchronous=synchronous,
            )
            self.numbers = itertools.count(opened.last_number + 1)
            undo.pop_all()
        self.read_only = opened.read_only
        self.writer = Worker(
            opened.writer,
            "store-writer",
            "BEGIN IMMEDIATE",
            on_failure=self.log_ends.clear,
            on_commit=on_commit,
        )
        self.reader = Worker(opened.reader, "store-reader", "BEGIN")
        self.searcher = Worker(opened.searcher, "store-searcher", "BEGIN")
        if not self.read_only:
            self.reserve.settle()
            self.reserve.take()
        self._watch = Watch([self.path, self._wal], also=self.reserve.take)
        self._checker = Checker(self.path, is_new=is_new, at_once=unclean)

    def write(
        self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **more: P.kwargs
    ) -> asyncio.Future[T]:
        """Call `work` with the connection that writes, in a transaction of its own."""

        def checked(db: sqlite3.Connection) -> T:
            self._watch.look()
            result = work(db, *args, **more)
            if opening.size(self._wal) > self.reserve.held:
                self.reserve.check(opening.growth_due(db, self.path))
            return result

        self.tidy_soon()
        if self._checkpoints.timer is None:
            self._checkpoints.soon()
        writing = self.writer.transact(checked)
        writing.add_done_callback(self._written)
        return writing

    async def try_to_write(self) -> None:
        """Raise `StoreError` unless a question could be saved now. Changes nothing."""
        trying = self.writer.transact(self._try)
        trying.add_done_callback(self._written)
        await trying

    async def empty_wal(self) -> None:
        """Empty the write-ahead log. Raises `StoreError` if another program prevents it.

        The connections that read are idle meanwhile, so no snapshot of ours prevents it.
        """
        await self.searcher.run(self._empty_wal)

    async def make_room(self) -> None:
        """Give a deletion on a full disk the reserve, and what the write-ahead log takes. Settle
        the reserve afterwards."""
        self.reserve.release()
        with suppress(StoreError):
            await self.empty_wal()

    def health(self) -> StoreHealth:
        return StoreHealth(
            read_only=bool(self.read_only),
            replaced=self._watch.replaced,
            damaged=bool(self._checker.damage),
            checked_at=self._checker.checked_at,
            unsecured=self._checkpoints.unsecured,
            reserve_held=self.reserve.is_whole,
        )

    def tidy_soon(self) -> None:
        """Schedule the deferred work, together with that of other writes until then."""
        if self._tidying is None:
            self._tidy_in(TIDY_DELAY)

    async def close(self) -> None:
        """Do the work that was submitted before, then release threads, files and lock.
        Idempotent."""
        if self._closed is None:
            self._closed = Future()
            if self._tidying:
                self._tidying.cancel()
            self._checkpoints.close()
            self._watch.close()
            # The writer closes last: SQLite then moves the write-ahead log into the database.
            self.searcher.close().add_done_callback(self._close_reader)
        await asyncio.shield(asyncio.wrap_future(self._closed))

    def _close_reader(self, _: Future[None]) -> None:
        self.reader.submit(lambda _: self._checker.close())
        self.reader.close().add_done_callback(self._close_writer)

    def _close_writer(self, _: Future[None]) -> None:
        self.writer.close().add_done_callback(self._release)

    def _release(self, _: Future[None]) -> None:
        self._lock.release()
        if self._closed:
            self._closed.set_result(None)

    def _try(self, db: sqlite3.Connection) -> None:
        self._watch.look()
        if self.reserve.is_disk_full():
            raise DiskFull
        # This sets user_version to the value that it has. Nothing reads it, but SQLite writes one
        # page.
        db.execute("PRAGMA user_version = 0")

    def _empty_wal(self, _: sqlite3.Connection) -> bool:
        def truncate(_: sqlite3.Connection) -> bool:
            return self.writer.submit(opening.truncate_wal).result()

        due = monotonic() + opening.BUSY_TIMEOUT
        with self._checker.paused():
            # While another program reads, for example a backup, the writer does not wait.
            while not self.reader.submit(truncate).result():
                if monotonic() > due:
                    raise StoreError("another program is reading the database")
                sleep(TRUNCATE_PAUSE)
        self._checkpoints.emptied()
        return True

    def _written(self, writing: asyncio.Future[Any]) -> None:
        if not writing.cancelled() and isinstance(writing.exception(), DiskFull):
            self._checkpoints.hurry()

    def _give_back_wal(self, db: sqlite3.Connection) -> bool:
        """Empty the write-ahead log. If the database file has no room for it, use the reserve."""
        try:
            return self._empty_wal(db)
        except DiskFull:
            with self.reserve.lent():
                return self._empty_wal(db)

    def _tidy_in(self, seconds: float) -> None:
        if self._closed is None:
            self._tidying = asyncio.get_running_loop().call_later(seconds, self._tidy)

    def _tidy(self) -> None:
        with suppress(StoreError):
            self.writer.transact(self._tidy_step).add_done_callback(self._tidied)

    def catch_up(self, db: sqlite3.Connection) -> bool:
        """Index some texts, unless the disk is nearly full. False if that is not to be done again
        at once."""
        has_room = self.reserve.has_room_for_index(opening.unused_bytes(db))
        return has_room and search.catch_up(db)

    def _tidy_step(self, db: sqlite3.Connection) -> bool:
        """One step of the deferred work, of some ten milliseconds. False if nothing is left.
        Raises `DiskFull` if other writes need the space."""
        if not self.reserve.has_room_to_tidy():
            raise DiskFull
        return search.wipe_old(db) or self.catch_up(db) or logs.tidy(db) or search.sweep(db)

    def _tidied(self, step: asyncio.Future[bool]) -> None:
        self._tidying = None
        self._checkpoints.soon()
        self._written(step)
        if not step.cancelled() and step.exception() is None and step.result():
            self._tidy_in(TIDY_PAUSE)


class Worker:
    """A connection and the only thread that uses it.

    The futures fail with `StoreError` if SQLite or the disk fails, otherwise with the exception
    of the work itself.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        name: str,
        begin: str,
        on_failure: Callable[[], None] = lambda: None,
        on_commit: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        self._begin = begin
        self._on_failure = on_failure
        self._on_commit = on_commit
        self._jobs = worker.start(db, name)
        self._closing = Lock()
        self._closed = False

    def transact(
        self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **more: P.kwargs
    ) -> asyncio.Future[T]:
        """Call `work` with the connection, in a transaction of its own."""

        def in_transaction(db: sqlite3.Connection) -> T:
            began = monotonic()
            try:
                with worker.transaction(db, self._begin):
                    done = work(db, *args, **more)
            except BaseException:
                self._on_failure()
                raise
            self._on_commit(monotonic() - began)
            return done

        return self.run(in_transaction)

    def run(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """Call `work` with the connection; the future belongs to the running loop. If it is
        cancelled before the thread has begun with it, `work` is not called."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def unless_cancelled(db: sqlite3.Connection) -> T | None:
            return None if future.cancelled() else work(db)

        def deliver(result: T, error: BaseException | None) -> None:
            with suppress(RuntimeError):  # the loop is closed, so no coroutine waits
                loop.call_soon_threadsafe(_settle, future, result, error)

        self._put((unless_cancelled, deliver))
        return future

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Call `work` with the connection. This method can be called on any thread."""
        future: Future[T] = Future()
        self._put((work, partial(_settle, future)))
        return future

    def close(self) -> Future[None]:
        """Close the connection, after the work that was submitted before."""
        closed = self.submit(sqlite3.Connection.close)
        with self._closing:
            self._closed = True
            self._jobs.put(None)
        return closed

    def _put(self, job: worker.Job) -> None:
        with self._closing:
            if self._closed:
                raise StoreError("The store is closed.")
            self._jobs.put(job)


def _settle(
    future: asyncio.Future[T] | Future[T], result: T, error: BaseException | None = None
) -> None:
    if future.cancelled():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
