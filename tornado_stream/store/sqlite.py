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
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from tornado_stream.messages import Conversation, Message
from tornado_stream.store import search, tables
from tornado_stream.store.base import Page, Progress, Store, StoredGeneration, StoreError, Turn
from tornado_stream.store.lock import DirectoryLock, OpenError, make_directory, make_private
from tornado_stream.store.lock import unusable
from tornado_stream.store.migrations import migrate, remove_copies, transaction

P = ParamSpec("P")
T = TypeVar("T")
Work = Callable[Concatenate[sqlite3.Connection, P], T]

#: Seconds to wait for another program that has locked the database.
BUSY_TIMEOUT = 5.0
#: The first SQLite whose FTS5 has trigrams.
OLDEST_SQLITE = (3, 34)

#: What SQLite says, and what it means. Its own words may hold content and are not passed on.
_REASONS = {
    "is full": "the disk is full",
    "is locked": "another program has locked the database",
    "readonly": "the database is read-only",
    "disk I/O": "the disk failed (I/O error)",
    "malformed": "the database is damaged",
    "not a database": "the file is damaged or not a database",
    "unable to open": "the database file cannot be opened",
    "out of memory": "there is not enough memory",
}


def reason(error: sqlite3.Error | OSError) -> str:
    """What is wrong, for a person, without any content."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    for words, meaning in _REASONS.items():
        if words in str(error):
            return meaning
    return f"the database failed ({getattr(error, 'sqlite_errorname', type(error).__name__)})"


class SQLiteStore(Store):
    """Made before the loop serves; raises `OpenError`. `connection_class` is for tests that let
    single calls fail."""

    def __init__(
        self, data_dir: Path, *, connection_class: type[sqlite3.Connection] = sqlite3.Connection
    ) -> None:
        self._path = data_dir / "chat.db"
        self._closed: Future[None] | None = None
        make_directory(data_dir)
        with ExitStack() as undo:
            self._lock = DirectoryLock(data_dir)
            undo.callback(self._lock.release)
            try:
                writer = _connect(self._path, connection_class, "rwc")
                undo.callback(writer.close)
                _prepare(writer, self._path)
                self._numbers = itertools.count(tables.last_number(writer) + 1)
                reader = _connect(self._path, connection_class, "ro")
            except sqlite3.Error as error:
                raise OpenError(
                    f"cannot open {self._path}: {reason(error)}; "
                    "repair or move it, or take another --data-dir"
                ) from error
            except OSError as error:
                raise unusable(data_dir, error) from error
            undo.pop_all()
        self._writer = _Worker(writer, "store-writer", "BEGIN IMMEDIATE")
        self._reader = _Worker(reader, "store-reader", "BEGIN")

    async def begin(self, turn: Turn) -> None:
        await self._writer.transact(self._begin, turn)

    async def append(self, batch: list[Progress]) -> None:
        await self._writer.transact(tables.append, batch)

    async def unfinished(self) -> list[StoredGeneration]:
        return await self._reader.transact(tables.unfinished)

    async def conversation(self, id: str) -> Conversation | None:
        return await self._reader.transact(tables.conversation, id)

    async def conversations(
        self, *, query: str = "", limit: int = 50, before: str | None = None
    ) -> Page:
        return await self._reader.transact(tables.conversations, query, limit, before)

    async def create(self, conversation: Conversation) -> None:
        await self._writer.transact(tables.create, self._numbers, conversation)

    async def update(self, conversation: Conversation) -> None:
        await self._writer.transact(tables.update, conversation)

    async def delete(self, id: str) -> None:
        """See `Store.delete`. Where only its second half fails the error says so; the next
        deletion or start does it again."""
        await self._writer.transact(tables.delete, id)
        try:
            await self._writer.run(self._remove_copies, 0)
            while await self._writer.transact(search.sweep):
                pass  # in steps: other writes come in between
            # The reader stands still meanwhile: a snapshot of its would keep the log from going.
            await self._reader.run(lambda _: self._writer.submit(_truncate_log).result())
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
        return await self._reader.transact(tables.generation, id)

    async def close(self) -> None:
        """Do what was asked for before, then let go of threads, files and lock. Idempotent."""
        if self._closed is None:
            self._reader.close()
            self._closed = self._writer.close()
            self._closed.add_done_callback(lambda _: self._lock.release())
        await asyncio.wrap_future(self._closed)

    def _begin(self, db: sqlite3.Connection, turn: Turn) -> None:
        remove_copies(self._path)
        tables.begin(db, self._numbers, turn)

    def _remove_copies(self, db: sqlite3.Connection, lifetime: float) -> None:
        remove_copies(self._path, lifetime)


class _Worker:
    """A connection and the only thread that uses it. Futures fail with `StoreError` where SQLite
    or the disk does, and with what the work itself raised."""

    def __init__(self, db: sqlite3.Connection, name: str, begin: str) -> None:
        self._db = db
        self._begin = begin
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    def transact(
        self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Future[T]:
        """Do work in a transaction of its own."""
        return self.run(partial(self._transact, partial(work, *args, **kwargs)))
