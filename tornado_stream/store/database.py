"""The SQLite database: one file, in a data directory that this process has locked, and two threads.

The rule: each connection is used by one thread, a thread does its work in the order of the calls,
and a write is one transaction. One thread writes and the other reads, so a search or an export
never delays a commit. The journal mode is WAL: what was committed survives a crash of the process
at any moment. With synchronous NORMAL a power failure may lose the newest commits, with FULL none.
"""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from time import monotonic, sleep
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
#: Seconds from a write until deferred work begins, and between two steps of that work.
TIDY_DELAY, TIDY_PAUSE = 1.0, 0.02
#: Seconds between two attempts to empty the write-ahead log while another program reads.
TRUNCATE_PAUSE = 0.05
#: Pages in the write-ahead log at which SQLite moves it into the database. Many rows of running
#: answers are deleted before that happens, so a high number saves writes.
CHECKPOINT = 4000
#: The page cache of each connection, in KiB. It is large because a search reads every shard.
CACHE = "cache_size = -16000"
#: The first SQLite whose FTS5 has the trigram tokenizer.
OLDEST_SQLITE = (3, 34)


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
        self.log_ends: logs.LogEnds = {}
        self._closed: Future[None] | None = None
        self._tidying: asyncio.TimerHandle | None = None
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise OpenError(
                f"this Python has SQLite {sqlite3.sqlite_version}, but 3.34 or newer is needed"
            )
        make_directory(data_dir)
        with ExitStack() as undo:
            self._lock = DirectoryLock(data_dir)
            undo.callback(self._lock.release)
            try:
                make_private(self.path)
                writer = _connect(self.path, connection_class, "rw")
                undo.callback(writer.close)
                _prepare(writer, self.path, synchronous)
                self.numbers = itertools.count(tables.last_number(writer) + 1)
                reader = _connect(self.path, connection_class, "ro")
                undo.callback(reader.close)
                reader.execute(f"PRAGMA {CACHE}")
            except sqlite3.Error as error:
                raise OpenError(
                    f"cannot open {self.path}: {reason(error)}; "
                    "repair it, move it away, or use another --data-dir"
                ) from error
            except OSError as error:
                raise unusable(data_dir, error) from error
            undo.pop_all()
        self.writer = Worker(
            writer,
            "store-writer",
            "BEGIN IMMEDIATE",
            on_failure=self.log_ends.clear,
            on_commit=on_commit,
        )
        self.reader = Worker(reader, "store-reader", "BEGIN")

    def truncate_wal(self, _: sqlite3.Connection) -> None:
        """Empty the write-ahead log. Raises `StoreError` if another program prevents it.

        Call this on the reader's thread. Its connection is then idle, so no snapshot of ours
        prevents it either. While another program reads, for example a backup, the writer does not
        wait: this thread tries again.
        """
        due = monotonic() + BUSY_TIMEOUT
        while not self.writer.submit(_truncate_wal).result():
            if monotonic() > due:
                raise StoreError("another program is reading the database")
            sleep(TRUNCATE_PAUSE)

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
            # The writer closes last: SQLite then moves the write-ahead log into the database.
            self.reader.close().add_done_callback(self._close_writer)
        await asyncio.shield(asyncio.wrap_future(self._closed))

    def _close_writer(self, _: Future[None]) -> None:
        self.writer.close().add_done_callback(self._release)

    def _release(self, _: Future[None]) -> None:
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
        self._db = db
        self._begin = begin
        self._on_failure = on_failure
        self._on_commit = on_commit
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    def transact(
        self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **more: P.kwargs
    ) -> asyncio.Future[T]:
        """Call `work` with the connection, in a transaction of its own."""

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
        """Call `work` with the connection; the future belongs to the running loop."""
        return asyncio.wrap_future(self.submit(work))

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Call `work` with the connection. This method can be called on any thread."""
        try:
            return self._thread.submit(self._guarded, work)
        except RuntimeError as error:
            raise StoreError("The store is closed.") from error

    def close(self) -> Future[None]:
        """Close the connection, after the work that was submitted before."""
        closed = self.submit(sqlite3.Connection.close)
        self._thread.shutdown(wait=False)
        return closed

    def _guarded(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return work(self._db)
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"The conversations cannot be used now: {reason(error)}.") from error


def _tidy(db: sqlite3.Connection) -> bool:
    """One step of the deferred work, of some ten milliseconds. False if nothing is left."""
    return search.catch_up(db) or logs.tidy(db) or search.sweep(db)


def _connect(
    path: Path, connection_class: type[sqlite3.Connection], mode: str
) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_TIMEOUT,
        isolation_level=None,
        check_same_thread=False,  # this thread opens it, then only a worker's thread uses it
        factory=connection_class,
    )


def _prepare(db: sqlite3.Connection, path: Path, synchronous: str) -> None:
    """Configure the connection, finish deletions that a crash interrupted, update the schema."""
    for setting in (
        "journal_mode = WAL",
        f"synchronous = {synchronous}",
        "secure_delete = ON",
        f"wal_autocheckpoint = {CHECKPOINT}",
        "temp_store = MEMORY",
        CACHE,
    ):
        db.execute(f"PRAGMA {setting}").fetchall()
    for suffix in ("-wal", "-shm"):
        # Never open and close a file that SQLite has open: the process would lose its locks on it.
        # Another program would then truncate the shared memory, and SIGBUS would end this one.
        with suppress(FileNotFoundError):  # SQLite gives a new one the mode of the database
            path.with_name(path.name + suffix).chmod(0o600)
    swept = applied_migrations(db, path) == 0
    while not swept:  # a migration copies the database, and the copy must not have deleted words
        with transaction(db):
            swept = not search.sweep(db)
    migrate(db, path)
    with suppress(OSError):
        remove_copies(path)
    _truncate_wal(db)


def _truncate_wal(db: sqlite3.Connection) -> bool:
    """Move all commits into the database and empty the write-ahead log. False, and at once, if a
    reader prevents it."""
    db.execute("PRAGMA busy_timeout = 0")
    try:
        return not db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    finally:
        db.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT * 1000:.0f}")
