"""The store on disk: each method of a store is work for one of the database's threads.

The rule: a method submits its work to the database, and returns when it is done and committed.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from tornado_stream.store import (
    defaults,
    listing,
    logs,
    presets,
    prompts,
    search,
    sessions,
    spend,
    tables,
    usage,
    waiting_questions,
)
from tornado_stream.store.base import (
    AlreadyStored,
    Appended,
    Begun,
    DiskFull,
    NewAnswer,
    Progress,
    Session,
    Store,
    StoredGeneration,
    StoreError,
    UsageRow,
    WaitingQuestion,
)
from tornado_stream.store.database import Database
from tornado_stream.store.extent import NO_LIMIT, Extent
from tornado_stream.store.health import StoreHealth
from tornado_stream.store.migrate import remove_copies
from tornado_stream.store.pages import CURRENT, Page, Which
from tornado_stream.store.searches import Stop, Turns
from tornado_stream.store.sqlite_adopting import SQLiteAdopting
from tornado_stream.store.sqlite_calls import SQLiteCalls
from tornado_stream.store.sqlite_files import SQLiteFiles
from tornado_stream.store.sqlite_shares import SQLiteShares
from tornado_stream.values.defaults import Defaults
from tornado_stream.values.messages import Conversation, Message
from tornado_stream.values.presets import Preset

P = ParamSpec("P")
T = TypeVar("T")


class SQLiteStore(SQLiteFiles, SQLiteCalls, SQLiteShares, SQLiteAdopting, Store):
    """Creating it blocks, so do it before the loop serves requests. Raises `OpenError`.

    `connection_class` is for tests in which single calls fail.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        synchronous: str = "normal",
        largest: Extent = NO_LIMIT,
        lock: int | None = None,
        connection_class: type[sqlite3.Connection] = sqlite3.Connection,
    ) -> None:
        self._database = Database(
            data_dir,
            connection_class,
            on_commit=lambda seconds: self.on_commit(seconds),
            synchronous=synchronous,
            lock=lock,
        )
        self._share = self._database.shared.add
        self._reader = self._database.reader
        self.instance = self._database.instances.name
        self._turns = Turns()
        self._largest = largest

    async def begin(self, new: NewAnswer) -> None:
        size = sum(len(message.content) for message in new.messages) + len(new.frame)
        await self._share(size, self._begin, new)

    async def append(self, batch: list[Progress]) -> Appended:
        if not batch:
            asked = await self._reader.transact(logs.asked_to_stop, self.instance)
            return Appended(asked_to_stop=asked)
        size = sum(sum(map(len, progress.frames)) for progress in batch)
        return Appended(await self._share(size, logs.append, self._database.log_ends, batch))

    async def ask_stop(self, id: str) -> None:
        await self._database.write(logs.ask_stop, self.owner, id)

    async def settle(self, spent: list[Progress], begun: Sequence[Begun] = ()) -> None:
        await self._share(0, spend.write, self.instance, spent, begun)

    async def settle_lost(self) -> None:
        await self._database.write(spend.settle_lost, self.is_alive)

    async def usage(
        self, by: str, first: int, last: int, *, currency: str = "", everybody: bool = False
    ) -> list[UsageRow]:
        owner = None if everybody else self.owner
        return await self._reader.transact(usage.rows, owner, by, first, last, currency)

    async def spent_since(self, day: int, owner: str | None = None) -> dict[str, tuple[int, int]]:
        return await self._reader.transact(usage.spent_since, day, owner)

    async def orphans(self) -> list[StoredGeneration]:
        self._database.instances.look()
        found = await self._reader.transact(logs.orphans, self.is_alive)
        if not found:
            return []
        try:
            return await self._database.write(logs.take_over, self.instance, found)
        except StoreError:  # nobody can write now; who reads them gets their ends all the same
            return found

    async def prompt_lengths(self, answers: Sequence[StoredGeneration]) -> list[int]:
        return await prompts.lengths(self, answers)

    def is_alive(self, instance: str) -> bool:
        return self._database.instances.is_alive(instance)

    @property
    def lock(self) -> int | None:
        return self._database.lock.descriptor if self._database.instances.register() else None

    def lead(self, pid: int) -> None:
        self._database.lead(pid)

    @property
    def alone(self) -> bool:
        return not self._database.instances.others

    async def running(self, conversation_id: str) -> dict[str, str]:
        return await self._reader.transact(logs.running, self.owner, conversation_id)

    async def conversation(self, id: str) -> Conversation | None:
        return await self._reader.transact(tables.conversation, self.owner, id)

    async def conversations(
        self,
        *,
        query: str = "",
        limit: int = 50,
        before: str | None = None,
        left: asyncio.Future[None] | None = None,
        which: Which = CURRENT,
    ) -> Page:
        def page(db: sqlite3.Connection, look: Callable[[], None] = lambda: None) -> Page:
            return listing.conversations(db, self.owner, query, limit, before, which, look=look)

        if not query:
            return await self._reader.transact(page)
        left = left or asyncio.get_running_loop().create_future()
        async with self._turns.turn(self.owner, left):
            return await self._search(page, Stop(), left)

    async def _search(
        self, page: Callable[..., Page], stop: Stop, left: asyncio.Future[None]
    ) -> Page:
        def work(db: sqlite3.Connection) -> Page:
            with stop.watching(db) as watched:
                return page(watched, stop.look)

        try:
            found = self._database.searcher.transact(work)
            waiting: set[asyncio.Future[Any]] = {found, left}
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if left.done():
                stop.set()
            return await found
        finally:
            stop.set()

    async def create(self, conversation: Conversation) -> None:
        await self._database.write(tables.create, self.owner, conversation)

    async def update(self, id: str, changes: dict[str, Any]) -> None:
        await self._database.write(tables.update, self.owner, id, changes)

    async def update_many(
        self, changes: dict[str, Any], *, ids: Sequence[str] = (), folder: str | None = None
    ) -> int:
        return await self._database.write(listing.update_many, self.owner, changes, ids, folder)

    async def conversation_ids(self) -> list[str]:
        return await self._reader.transact(tables.conversation_ids, self.owner)

    async def delete(self, *ids: str) -> None:
        """See `Store.delete`.

        If the rows are deleted but wiping their words fails, the error says so. The next deletion
        or start of the program then wipes them. On a full disk, the reserve is used.
        """
        try:
            for id in ids:
                await self._with_room(self._delete, id)
            await self._wipe()
        finally:
            self._database.reserve.settle()

    async def _wipe(self) -> None:
        try:
            for step in (search.wipe_old, search.sweep):
                while await self._with_room(step):
                    pass  # in steps, so that other writes can run between them
            await self._database.empty_wal()
        except StoreError as error:
            raise StoreError(
                "The conversation is deleted, but its words could not be wiped from the disk "
                f"yet: {error.message}"
            ) from error

    async def _with_room(
        self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **more: P.kwargs
    ) -> T:
        """Do a part of a deletion. If the disk is full, make room first."""
        try:
            return await self._database.write(work, *args, **more)
        except DiskFull:
            await self._database.make_room()
            return await self._database.write(work, *args, **more)

    async def message(self, id: str) -> Message | None:
        return await self._reader.transact(tables.message, self.owner, id)

    async def messages(self, conversation_id: str) -> list[Message]:
        return await self._reader.transact(tables.messages, self.owner, conversation_id)

    async def outline(
        self, id: str, *, current: bool = False
    ) -> tuple[Conversation, list[int], int] | None:
        return await self._reader.transact(tables.outline, self.owner, id, current=current)

    async def messages_at(self, places: list[int]) -> list[Message]:
        return await self._reader.transact(tables.messages_at, self.owner, places)

    async def thread(self, message_id: str) -> list[Message]:
        return await self._reader.transact(tables.thread, self.owner, message_id)

    async def generation(self, id: str) -> StoredGeneration | None:
        return await self._reader.transact(logs.generation, self.owner, id)

    async def check(self) -> None:
        await self._database.try_to_write()

    def health(self) -> StoreHealth:
        return self._database.health()

    async def presets(self) -> list[Preset]:
        return await self._reader.transact(presets.presets, self.owner)

    async def add_preset(self, preset: Preset) -> None:
        await self._database.write(presets.add, self.owner, preset)

    async def change_preset(self, preset: Preset) -> None:
        await self._database.write(presets.change, self.owner, preset)

    async def delete_preset(self, id: str) -> None:
        await self._with_room(presets.delete, self.owner, id)

    async def delete_presets(self) -> None:
        await self._with_room(presets.delete_all, self.owner)

    async def defaults(self) -> Defaults:
        return await self._reader.transact(defaults.defaults, self.owner)

    async def save_defaults(self, new: Defaults) -> None:
        await self._database.write(defaults.save, self.owner, new)

    async def delete_defaults(self) -> None:
        await self._with_room(defaults.delete, self.owner)

    async def waiting(self, conversation_id: str) -> WaitingQuestion | None:
        return await self._reader.transact(waiting_questions.waiting, self.owner, conversation_id)

    async def put_waiting(self, question: WaitingQuestion) -> WaitingQuestion:
        return await self._database.write(waiting_questions.put, self.owner, question)

    async def delete_waiting(
        self, conversation_id: str, request_id: str | None = None, version: int | None = None
    ) -> None:
        work = waiting_questions.delete
        await self._with_room(work, self.owner, conversation_id, request_id, version)

    async def sessions(self) -> list[Session]:
        return await self._reader.transact(sessions.sessions)

    async def save_session(self, session: Session) -> None:
        await self._database.write(sessions.save, session)

    async def delete_sessions(self, ids: list[str]) -> None:
        await self._database.write(sessions.delete, ids)

    async def last_uses(self) -> dict[str, int]:
        return await self._reader.transact(sessions.last_uses)

    async def save_last_uses(self, uses: dict[str, int | None]) -> None:
        await self._database.write(sessions.save_last_uses, uses)

    async def close(self) -> None:
        await self._database.close()

    def _begin(self, db: sqlite3.Connection, new: NewAnswer) -> None:
        try:
            tables.begin(db, self.owner, self.instance, self._database.log_ends, new, self._largest)
        except sqlite3.IntegrityError:
            raise AlreadyStored from None

    def _delete(self, db: sqlite3.Connection, id: str) -> None:
        self._database.log_ends.clear()  # an answer of this conversation may be running
        tables.delete(db, self.owner, id, self._database.instances.is_neighbour)
        remove_copies(self._database.path, 0)
