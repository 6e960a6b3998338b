"""The SQLite database: one file in a data directory that is this process's alone, and two threads.

The rule: a connection is used by one thread, work is done in the order it was asked for, and a
write is one transaction. One thread writes and one reads, so that a search or an export never
delays a commit. WAL with synchronous NORMAL: what was committed survives a crash of the process at
any moment, a power loss may take the newest commits.
"""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from time import monotonic
from typing import Concatenate, ParamSpec, TypeVar

from tornado_stream.store import logs, search, tables
from tornado_stream.store.base import OpenError, StoreError
from tornado_stream.store.lock import DirectoryLock
from tornado_stream.store.migrations import applied_migrations, migrate, remove_copies
from tornado_stream.store.private_files import make_directory, make_private, unusable
from tornado_stream.store.sqlite_errors import reason
from tornado_stream.store.transactions import transaction

P = ParamSpec("P")
T = TypeVar("T")

#: Seconds to wait for another program that has locked the database.
BUSY_TIMEOUT = 5.0
#: Seconds after a write until what can wait is done, and between two steps of that.
TIDY_DELAY, TIDY_PAUSE = 1.0, 0.02
#: Pages after which the log of commits is moved into the database: rows of running answers are
#: often gone again by then, so the fewer moves the less is written.
CHECKPOINT = 4000
#: What each connection holds of the database, in KiB: a search looks into every shard.
CACHE = "cache_size = -16000"
#: The first SQLite whose FTS5 has trigrams.
OLDEST_SQLITE = (3, 34)


class Database:
    """The open database; raises `OpenError`. `places` is the writer's thread's, `numbers` are for
    what is written next. `connection_class` is for tests that let single calls fail; `on_commit`
    is called by the writer's thread with the seconds of each transaction."""

    def __init__(
        self,
        data_dir: Path,
        connection_class: type[sqlite3.Connection],
        on_commit: Callable[[float], None],
    ) -> None:
        self.path = data_dir / "chat.db"
        self.places: logs.Places = {}
        self._closed: Future[None] | None = None
        self._tidying: asyncio.TimerHandle | None = None
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise OpenError(
                f"this Python has SQLite {sqlite3.sqlite_version}; conversations need 3.34 or newer"
            )
        make_directory(data_dir)
        with ExitStack() as undo:
            self._lock = DirectoryLock(data_dir)
            undo.callback(self._lock.release)
            try:
                make_private(self.path)
                writer = _connect(self.path, connection_class, "rw")
                undo.callback(writer.close)
                _prepare(writer, self.path)
                self.numbers = itertools.count(tables.last_number(writer) + 1)
                reader = _connect(self.path, connection_class, "ro")
                undo.callback(reader.close)
                reader.execute(f"PRAGMA {CACHE}")
            except sqlite3.Error as error:
                raise OpenError(
                    f"cannot open {self.path}: {reason(error)}; "
                    "repair or move it, or take another --data-dir"
                ) from error
            except OSError as error:
                raise unusable(data_dir, error) from error
            undo.pop_all()
        self.writer = Worker(
            writer,
            "store-writer",
            "BEGIN IMMEDIATE",
            on_failure=self.places.clear,
            on_commit=on_commit,
        )
        self.reader = Worker(reader, "store-reader", "BEGIN")

    def truncate_log(self, _: sqlite3.Connection) -> None:
        """Empty the log of commits. On the reader's thread: it stands still, so that no snapshot
        of its holds the log."""
        if not self.writer.submit(_truncate_log).result():
            raise StoreError("another program is reading the database")

    def tidy_soon(self) -> None:
        """Do what can wait, together with what else there will be by then."""
        if self._tidying is None:
            self._tidy_in(TIDY_DELAY)

    async def close(self) -> None:
        """Do what was asked for before, then let go of threads, files and lock. Idempotent."""
        if self._closed is None:
            self._closed = Future()
            if self._tidying:
                self._tidying.cancel()
            # The writer last: only then does it move the log into the database and remove it.
            self.reader.close().add_done_callback(self._close_writer)
        await asyncio.shield(asyncio.wrap_future(self._closed))

    def _close_writer(self, _: Future[None]) -> None:
        self.writer.close().add_done_callback(self._let_go)

    def _let_go(self, _: Future[None]) -> None:
        self._lock.release()
        if self._closed:
            self._closed.set_result(None)

    def _tidy_in(self, seconds: float) -> None:
        if self._closed is None:
            self._tidying = asyncio.get_running_loop().call_later(seconds, self._tidy)

    def _tidy(self) -> None:
        with suppress(StoreError):
            self.writer.transact(_tidy).add_done_callback(self._tidied)

    def _tidied(self, step: asyncio.Future[bool]) -> None:
        self._tidying = None
        if not step.cancelled() and step.exception() is None and step.result():
            self._tidy_in(TIDY_PAUSE)


class Worker:
    """A connection and the only thread that uses it. Futures fail with `StoreError` where SQLite
    or the disk does, else with what the work raised."""

    def __init__(
        self,
        db: sqlite3.Connection,
        name: str,
        begin: str,
        on_failure: Callable[[], None] = lambda: None,
        on_commit: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        self._db = db
        self._begin = begin
        self._on_failure = on_failure
        self._on_commit = on_commit
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    def transact(
        self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **more: P.kwargs
    ) -> asyncio.Future[T]:
        """Do work in a transaction of its own."""

        def in_transaction(db: sqlite3.Connection) -> T:
            began = monotonic()
            try:
                with transaction(db, self._begin):
                    done = work(db, *args, **more)
            except BaseException:
                self._on_failure()
                raise
            self._on_commit(monotonic() - began)
            return done

        return self.run(in_transaction)

    def run(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """Do work; the future is the running loop's."""
        return asyncio.wrap_future(self.submit(work))

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Do work; from any thread."""
        try:
            return self._thread.submit(self._guarded, work)
        except RuntimeError as error:
            raise StoreError("The store is closed.") from error

    def close(self) -> Future[None]:
        """Close the connection, after all that was asked for before."""
        closed = self.submit(sqlite3.Connection.close)
        self._thread.shutdown(wait=False)
        return closed

    def _guarded(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return work(self._db)
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"The conversations cannot be used now: {reason(error)}.") from error


def _tidy(db: sqlite3.Connection) -> bool:
    """One step of what can wait; some ten milliseconds. False: there is nothing left to do."""
    return search.catch_up(db) or logs.tidy(db) or search.sweep(db)


def _connect(
    path: Path, connection_class: type[sqlite3.Connection], mode: str
) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_TIMEOUT,
        isolation_level=None,
        check_same_thread=False,  # it is made here and then used by one thread
        factory=connection_class,
    )


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    """Settings, schema, and what a crash in the midst of a deletion has left to do."""
    for setting in (
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "secure_delete = ON",
        f"wal_autocheckpoint = {CHECKPOINT}",
        "temp_store = MEMORY",
        CACHE,
    ):
        db.execute(f"PRAGMA {setting}").fetchall()
    for suffix in ("-wal", "-shm"):
        make_private(path.with_name(path.name + suffix))
    swept = applied_migrations(db, path) == 0
    while not swept:  # before a copy is made of what should be gone
        with transaction(db):
            swept = not search.sweep(db)
    migrate(db, path)
    with suppress(OSError):
        remove_copies(path)
    _truncate_log(db)


def _truncate_log(db: sqlite3.Connection) -> bool:
    """Move all commits into the database and empty their log; False: somebody reads it."""
    return not db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
