"""The store that lasts: one SQLite database in a data directory that is this process's alone.

Two threads, a connection each: one writes, one reads, so that a search or an export never delays
a commit. A method hands its work to a thread and is done when the thread is; work is done in the
order it was asked for. A write is one transaction. WAL with synchronous NORMAL: what was
committed survives a crash of the process at any moment, a power loss may take the newest commits.
"""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from tornado_stream.messages import Conversation, Message
from tornado_stream.store import logs, search, sessions, tables
from tornado_stream.store.base import (
    Page,
    Progress,
    Session,
    Store,
    StoredGeneration,
    StoreError,
    Taken,
    Turn,
)
from tornado_stream.store.lock import (
    DirectoryLock,
    OpenError,
    make_directory,
    make_private,
    unusable,
)
from tornado_stream.store.migrations import applied_migrations, migrate, remove_copies, transaction
from tornado_stream.store.reasons import reason

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


class SQLiteStore(Store):
    """Made before the loop serves; raises `OpenError`. `connection_class` is for tests that let
    single calls fail."""

    def __init__(
        self, data_dir: Path, *, connection_class: type[sqlite3.Connection] = sqlite3.Connection
    ) -> None:
        self._path = data_dir / "chat.db"
        self._closed: Future[None] | None = None
        self._tidying: asyncio.TimerHandle | None = None
        self._places: logs.Places = {}  # the writer's thread has them
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise OpenError(
                f"this Python has SQLite {sqlite3.sqlite_version}; conversations need 3.34 or newer"
            )
        make_directory(data_dir)
        with ExitStack() as undo:
            self._lock = DirectoryLock(data_dir)
            undo.callback(self._lock.release)
            try:
                make_private(self._path)
                writer = _connect(self._path, connection_class, "rw")
                undo.callback(writer.close)
                _prepare(writer, self._path)
                self._numbers = itertools.count(tables.last_number(writer) + 1)
                reader = _connect(self._path, connection_class, "ro")
                undo.callback(reader.close)
                reader.execute(f"PRAGMA {CACHE}")
            except sqlite3.Error as error:
                raise OpenError(
                    f"cannot open {self._path}: {reason(error)}; "
                    "repair or move it, or take another --data-dir"
                ) from error
            except OSError as error:
                raise unusable(data_dir, error) from error
            undo.pop_all()
        self._writer = _Worker(writer, "store-writer", "BEGIN IMMEDIATE", self._places.clear)
        self._reader = _Worker(reader, "store-reader", "BEGIN")

    async def begin(self, turn: Turn) -> None:
        self._tidy_soon()
        await self._writer.transact(self._begin, turn)

    async def append(self, batch: list[Progress]) -> None:
        self._tidy_soon()
        await self._writer.transact(self._append, batch)

    async def unfinished(self) -> list[StoredGeneration]:
        return await self._reader.transact(logs.unfinished)

    async def conversation(self, id: str) -> Conversation | None:
        return await self._reader.transact(tables.conversation, id)

    async def conversations(
        self, *, query: str = "", limit: int = 50, before: str | None = None
    ) -> Page:
        if query:
            with suppress(StoreError):  # what was indexed before can still be found
                while await self._writer.transact(search.catch_up):
                    pass
        return await self._reader.transact(tables.conversations, query, limit, before)

    async def create(self, conversation: Conversation) -> None:
        self._tidy_soon()
        await self._writer.transact(tables.create, self._numbers, conversation)

    async def update(self, id: str, changes: dict[str, str | None]) -> None:
        self._tidy_soon()
        await self._writer.transact(tables.update, id, changes)

    async def delete(self, id: str) -> None:
        """See `Store.delete`. Where only its second half fails the error says so; the next
        deletion or start does it again."""
        await self._writer.transact(self._delete, id)
        try:
            while await self._writer.transact(search.sweep):
                pass  # in steps, so that other writes come in between
            await self._reader.run(self._truncate_log)
        except StoreError as error:
            raise StoreError(
                "The conversation is deleted, but its words could not be wiped from the disk "
                f"yet: {error.message}"
            ) from error

    async def message(self, id: str) -> Message | None:
        return await self._reader.transact(tables.message, id)

    async def messages(self, conversation_id: str) -> list[Message]:
        return await self._reader.transact(tables.messages, conversation_id)

    async def thread(self, message_id: str) -> list[Message]:
        return await self._reader.transact(tables.thread, message_id)

    async def generation(self, id: str) -> StoredGeneration | None:
        return await self._reader.transact(logs.generation, id)

    async def sessions(self) -> list[Session]:
        return await self._reader.transact(sessions.sessions)

    async def keep_session(self, session: Session) -> None:
        await self._writer.transact(sessions.keep, session)

    async def end_sessions(self, ids: list[str]) -> None:
        await self._writer.transact(sessions.end, ids)

    async def close(self) -> None:
        """Do what was asked for before, then let go of threads, files and lock. Idempotent."""
        if self._closed is None:
            self._closed = Future()
            if self._tidying:
                self._tidying.cancel()
            # The writer last: only then does it move the log into the database and remove it.
            self._reader.close().add_done_callback(self._close_writer)
        await asyncio.shield(asyncio.wrap_future(self._closed))

    def _close_writer(self, _: Future[None]) -> None:
        self._writer.close().add_done_callback(self._let_go)

    def _let_go(self, _: Future[None]) -> None:
        self._lock.release()
        if self._closed:
            self._closed.set_result(None)

    def _tidy_soon(self) -> None:
        """Do what can wait, together with what else there will be by then."""
        if self._tidying is None:
            self._tidy_in(TIDY_DELAY)

    def _tidy_in(self, seconds: float) -> None:
        if self._closed is None:
            self._tidying = asyncio.get_running_loop().call_later(seconds, self._tidy)

    def _tidy(self) -> None:
        with suppress(StoreError):
            self._writer.transact(_tidy).add_done_callback(self._tidied)

    def _tidied(self, step: asyncio.Future[bool]) -> None:
        self._tidying = None
        if not step.cancelled() and step.exception() is None and step.result():
            self._tidy_in(TIDY_PAUSE)

    def _begin(self, db: sqlite3.Connection, turn: Turn) -> None:
        with suppress(OSError):
            remove_copies(self._path)  # those whose time has come
        try:
            tables.begin(db, self._numbers, self._places, turn)
        except sqlite3.IntegrityError:
            raise Taken from None

    def _append(self, db: sqlite3.Connection, batch: list[Progress]) -> None:
        logs.append(db, self._places, batch)

    def _delete(self, db: sqlite3.Connection, id: str) -> None:
        self._places.clear()  # some may be gone now
        tables.delete(db, id)
        remove_copies(self._path, 0)

    def _truncate_log(self, _: sqlite3.Connection) -> None:
        """On the reader's thread: it stands still, so that no snapshot of its holds the log."""
        if not self._writer.submit(_truncate_log).result():
            raise StoreError("another program is reading the database")


class _Worker:
    """A connection and the only thread that uses it. Futures fail with `StoreError` where SQLite
    or the disk does, else with what the work raised."""

    def __init__(
        self,
        db: sqlite3.Connection,
        name: str,
        begin: str,
        on_failure: Callable[[], None] = lambda: None,
    ) -> None:
        self._db = db
        self._begin = begin
        self._on_failure = on_failure
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    def transact(
        self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **more: P.kwargs
    ) -> asyncio.Future[T]:
        """Do work in a transaction of its own."""

        def in_transaction(db: sqlite3.Connection) -> T:
            try:
                with transaction(db, self._begin):
                    return work(db, *args, **more)
            except BaseException:
                self._on_failure()
                raise

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
