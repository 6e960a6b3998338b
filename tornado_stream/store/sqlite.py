"""The store on disk: each method of a store is work for one of the database's two threads.

The rule: a method submits its work to a thread, and returns when the thread has done it.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

from tornado_stream.store import logs, search, sessions, tables
from tornado_stream.store.base import (
    AlreadyStored,
    NewAnswer,
    Page,
    Progress,
    Session,
    Store,
    StoredGeneration,
    StoreError,
)
from tornado_stream.store.database import Database
from tornado_stream.store.migrations import remove_copies
from tornado_stream.values.messages import Conversation, Message


class SQLiteStore(Store):
    """Creating it blocks, so do it before the loop serves requests. Raises `OpenError`.

    `connection_class` is for tests in which single calls fail.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        synchronous: str = "normal",
        connection_class: type[sqlite3.Connection] = sqlite3.Connection,
    ) -> None:
        self._database = Database(
            data_dir,
            connection_class,
            on_commit=lambda seconds: self.on_commit(seconds),
            synchronous=synchronous,
        )
        self._writer = self._database.writer
        self._reader = self._database.reader

    async def begin(self, new: NewAnswer) -> None:
        self._database.tidy_soon()
        await self._writer.transact(self._begin, new)

    async def append(self, batch: list[Progress]) -> frozenset[str]:
        self._database.tidy_soon()
        return await self._writer.transact(logs.append, self._database.log_ends, batch)

    async def unfinished(self) -> list[StoredGeneration]:
        return await self._reader.transact(logs.unfinished)

    async def conversation(self, id: str) -> Conversation | None:
        return await self._reader.transact(tables.conversation, self.owner, id)

    async def conversations(
        self, *, query: str = "", limit: int = 50, before: str | None = None
    ) -> Page:
        if query:
            with suppress(StoreError):  # on a failure, the texts indexed so far are searched
                while await self._writer.transact(search.catch_up):
                    pass
        return await self._reader.transact(tables.conversations, self.owner, query, limit, before)

    async def create(self, conversation: Conversation) -> None:
        self._database.tidy_soon()
        numbers = self._database.numbers
        await self._writer.transact(tables.create, self.owner, numbers, conversation)

    async def update(self, id: str, changes: dict[str, str | None]) -> None:
        self._database.tidy_soon()
        await self._writer.transact(tables.update, self.owner, id, changes)

    async def delete(self, id: str) -> None:
        """See `Store.delete`.

        If the rows are deleted but wiping their words fails, the error says so. The next deletion
        or start of the program then wipes them.
        """
        await self._writer.transact(self._delete, id)
        try:
            while await self._writer.transact(search.sweep):
                pass  # in steps, so that other writes can run between them
            await self._reader.run(self._database.truncate_wal)
        except StoreError as error:
            raise StoreError(
                "The conversation is deleted, but its words could not be wiped from the disk "
                f"yet: {error.message}"
            ) from error

    async def message(self, id: str) -> Message | None:
        return await self._reader.transact(tables.message, self.owner, id)

    async def messages(self, conversation_id: str) -> list[Message]:
        return await self._reader.transact(tables.messages, self.owner, conversation_id)

    async def thread(self, message_id: str) -> list[Message]:
        return await self._reader.transact(tables.thread, self.owner, message_id)

    async def generation(self, id: str) -> StoredGeneration | None:
        return await self._reader.transact(logs.generation, self.owner, id)

    async def check(self) -> None:
        await self._writer.transact(_write_nothing)

    async def sessions(self) -> list[Session]:
        return await self._reader.transact(sessions.sessions)

    async def save_session(self, session: Session) -> None:
        await self._writer.transact(sessions.save, session)

    async def delete_sessions(self, ids: list[str]) -> None:
        await self._writer.transact(sessions.delete, ids)

    async def close(self) -> None:
        await self._database.close()

    def _begin(self, db: sqlite3.Connection, new: NewAnswer) -> None:
        database = self._database
        with suppress(OSError):
            remove_copies(database.path)  # only copies older than COPY_LIFETIME
        try:
            tables.begin(db, self.owner, database.numbers, database.log_ends, new)
        except sqlite3.IntegrityError:
            raise AlreadyStored from None

    def _delete(self, db: sqlite3.Connection, id: str) -> None:
        self._database.log_ends.clear()  # an answer of this conversation may be running
        tables.delete(db, self.owner, id)
        remove_copies(self._database.path, 0)


def _write_nothing(db: sqlite3.Connection) -> None:
    """Set user_version to the value that it has. Nothing reads it, but SQLite writes one page, so
    this fails if the disk is full."""
    db.execute("PRAGMA user_version = 0")
