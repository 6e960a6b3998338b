"""The store over PostgreSQL: each method of a store is work for one of the instance's connections.

The rule: a method returns when the server has committed its work. `--synchronous full` asks the
server to wait for its disk even where it is set up not to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any

import asyncpg

from tornado_stream.store import slots
from tornado_stream.store.base import (
    AlreadyStored,
    Appended,
    Busy,
    Fenced,
    NewAnswer,
    OpenError,
    Progress,
    StoredGeneration,
    StoreError,
)
from tornado_stream.store.extent import NO_LIMIT, Extent
from tornado_stream.store.folding import fold
from tornado_stream.store.pages import CURRENT, Page, Which
from tornado_stream.store.postgres import (
    adopting,
    instances,
    listing,
    logs,
    tables,
)
from tornado_stream.store.postgres.appending import Appending
from tornado_stream.store.postgres.connections import Server
from tornado_stream.store.postgres.errors import is_of, reason
from tornado_stream.store.postgres.file_store import PostgresFiles
from tornado_stream.store.postgres.listener import Listener, notify
from tornado_stream.store.postgres.migrations import migrate
from tornado_stream.store.postgres.personal import PersonalStore
from tornado_stream.store.postgres.share_store import PostgresShares
from tornado_stream.store.search_text import Matcher, parse_cursor, searchable
from tornado_stream.store.searches import LIMIT, SearchTooSlow, Turns
from tornado_stream.store.tail_base import Tail
from tornado_stream.values.messages import Conversation, Message

#: Seconds for which a start waits for other instances that change the schema.
OPENING = 600.0


class PostgresStore(PostgresFiles, PostgresShares, PersonalStore):
    """Open it with `open` before its first use. `url` is that of a database."""

    interval = 0.5
    tails = True

    def __init__(
        self, url: str, *, synchronous: str = "normal", largest: Extent = NO_LIMIT
    ) -> None:
        more = {"synchronous_commit": "on"} if synchronous == "full" else {}
        super().__init__(Server(url, idle_in_transaction_session_timeout="5s", **more))
        self._turns = Turns()
        self._largest = largest
        self._others = instances.Others()
        self._appending = Appending(self._append)
        self._appended_by: asyncpg.Connection | None = None
        self._listener = Listener(self._server, partial(self._writer.repeat, notify))
        self.hints = self._listener.hints

    async def open(self) -> None:
        try:
            db = await self._server.open()
            try:
                async with asyncio.timeout(OPENING), db.transaction():
                    await migrate(db)
                self._rename(await instances.join(db))
            finally:
                await db.close()
            await self.renew()
        except OpenError:
            raise
        except Exception as error:
            raise OpenError(
                f"cannot open the database: {reason(error)}; check --database"
            ) from error

    def _rename(self, instance: str) -> None:
        self.instance = self._listener.instance = instance

    async def begin(self, new: NewAnswer) -> None:
        """If the connection breaks, a second attempt finds out whether the first was committed."""
        tries = 0

        async def work(db: asyncpg.Connection) -> int:
            nonlocal tries
            tries += 1
            found = await logs.begun(db, self.owner, self.instance, new) if tries > 1 else None
            return found or await tables.begin(db, self.owner, self.instance, new, self._largest)

        try:
            seq = await self._writer.repeat(work)
        except (Busy, slots.BusyBeside):
            if await self._reader.read(tables.is_begun, new):
                raise AlreadyStored from None
            raise
        except AlreadyStored as refusal:
            if tries == 1:
                await self._check_slot(new, refusal)
            seq = await self._writer.repeat(work)  # the first was committed after the second look
        self._appending.begun(new.generation_id, seq)

    async def _check_slot(self, new: NewAnswer, refusal: AlreadyStored) -> None:
        """Raise why a new answer was refused; or return, if that reason is gone."""
        if not is_of(refusal, "messages_running") or await self._reader.read(tables.is_begun, new):
            raise refusal
        slots.free_slot(new, await self._reader.read(tables.running, self.owner, new))

    async def append(self, batch: list[Progress]) -> Appended:
        if batch:
            return await self._appending.append(batch)
        return Appended(asked_to_stop=await self._reader.read(logs.asked_to_stop, self.instance))

    async def _append(self, known: logs.Ends, batch: list[Progress]) -> logs.Written:
        async def work(db: asyncpg.Connection) -> logs.Written:
            if db is not self._appended_by:  # a standby may have taken the server's place
                known.clear()
                self._appended_by = db
            written = await logs.append(db, self.instance, known, batch)
            if watched := self._listener.watched(p.generation_id for p in batch):
                await notify(db, "log", *watched)
            return written

        return await self._writer.repeat(work)

    async def generations(self, owners: Mapping[str, str]) -> list[StoredGeneration]:
        return await self._reader.read(logs.generations, owners)

    async def running_here(self) -> dict[str, str]:
        return await self._reader.read(logs.running_here, self.instance)

    async def ask_stop(self, id: str) -> None:
        async def work(db: asyncpg.Connection) -> None:
            if instance := await logs.ask_stop(db, self.owner, id):
                await notify(db, "stop", instance)

        await self._writer.repeat(work)

    async def tail(self, cursors: Mapping[str, int]) -> list[Tail]:
        return await self._reader.read(logs.tail, cursors)

    async def tell_sessions(self) -> None:
        with suppress(StoreError):  # the others look by themselves, a little later
            everybody = await self._reader.read(instances.names)
            await self._listener.tell_sessions(everybody - {self.instance})

    async def watch(self, ids: Collection[str]) -> None:
        await self._writer.repeat(notify, "watch", *ids)

    async def renew(self) -> None:
        with suppress(Exception):  # it is tried again soon, and hints are not needed
            await self._listener.renew()

    async def orphans(self) -> list[StoredGeneration]:
        """If others have taken this instance for dead, it joins anew."""
        began = monotonic()
        look = self._others.look
        try:
            left = await self._writer.transact(
                look, self.instance, lambda: self._server.failures, began
            )
            taken = await self._writer.transact(instances.take_over, self.instance) if left else {}
        except Fenced:
            self._appending.known.clear()
            self._rename(await self._writer.transact(instances.join))
            raise
        if self._others.died and not taken:  # the ends of answers have settled what they could
            await self.settle_lost()
            self._others.died = False
        return await self.generations(taken) if taken else []

    def is_alive(self, instance: str) -> bool:
        return instance == self.instance or self._others.are_alive(instance)

    @property
    def alone(self) -> bool:
        """Others may come at any time, and would soon take this instance for dead if it did not
        look at them."""
        return False

    async def running(self, conversation_id: str) -> dict[str, str]:
        return await self._reader.read(logs.running, self.owner, conversation_id)

    async def conversation(self, id: str) -> Conversation | None:
        return await self._reader.read(tables.conversation, self.owner, id)

    async def conversations(
        self,
        *,
        query: str = "",
        limit: int = 50,
        before: str | None = None,
        left: asyncio.Future[None] | None = None,
        which: Which = CURRENT,
    ) -> Page:
        cursor = parse_cursor(before)
        asked = searchable(query).strip()
        if not asked:
            list, is_first = listing.conversations, not before
            return await self._reader.read(
                list, self.owner, limit, cursor, which, is_first=is_first
            )
        pattern = Matcher(fold(searchable(query)).strip())
        if not pattern.query:  # it has only what a search leaves out
            return Page([], None)
        left = left or asyncio.get_running_loop().create_future()
        async with self._turns.turn(self.owner, left):
            return await self._search(pattern, limit, cursor, which, left)

    async def _search(
        self,
        pattern: Matcher,
        limit: int,
        before: int,
        which: Which,
        left: asyncio.Future[None],
    ) -> Page:
        """The server stops when the time is over, or when the client has left."""

        async def work(db: asyncpg.Connection) -> Page:
            return await listing.search(db, self.owner, pattern, limit, before, which)

        now = asyncio.get_running_loop().time
        try:
            async with asyncio.timeout(LIMIT) as limited:

                def leave(_: asyncio.Future[None]) -> None:
                    if not limited.expired():
                        limited.reschedule(now())

                left.add_done_callback(leave)
                try:
                    return await self._reader.read(work)
                finally:
                    left.remove_done_callback(leave)
        except TimeoutError:
            raise SearchTooSlow from None

    async def create(self, conversation: Conversation) -> None:
        await self._writer.transact(tables.create, self.owner, conversation)

    async def adopt(
        self,
        conversation: Conversation,
        messages: Sequence[Message],
        before: Callable[[bool], None] = lambda is_new: None,
    ) -> bool:
        return await self._writer.transact(
            adopting.adopt, self.owner, self._largest, conversation, messages, before
        )

    async def update(self, id: str, changes: dict[str, Any]) -> None:
        await self._writer.repeat(tables.update, self.owner, id, changes)

    async def update_many(
        self, changes: dict[str, Any], *, ids: Sequence[str] = (), folder: str | None = None
    ) -> int:
        return await self._writer.transact(listing.update_many, self.owner, changes, ids, folder)

    async def conversation_ids(self) -> list[str]:
        return await self._reader.read(tables.conversation_ids, self.owner)

    async def delete(self, *ids: str) -> None:
        """The rows are gone for every reader. When their words leave the disk is the server's
        matter: its VACUUM, its write-ahead log and its backups."""
        for id in ids:
            await self._writer.repeat(tables.delete, self.owner, self.instance, id)

    async def message(self, id: str) -> Message | None:
        return await self._reader.read(tables.message, self.owner, id)

    async def messages(self, conversation_id: str) -> list[Message]:
        return await self._reader.read(tables.messages, self.owner, conversation_id)

    async def outline(
        self, id: str, *, current: bool = False
    ) -> tuple[Conversation, list[int], int] | None:
        return await self._reader.read(tables.outline, self.owner, id, current=current)

    async def messages_at(self, places: list[int]) -> list[Message]:
        return await self._reader.read(tables.messages_at, self.owner, places)

    async def thread(self, message_id: str) -> list[Message]:
        return await self._reader.read(tables.thread, self.owner, message_id)

    async def generation(self, id: str) -> StoredGeneration | None:
        return await self._reader.read(logs.generation, self.owner, id)

    async def check(self) -> None:
        await self._writer.repeat(instances.touch, self.instance)

    async def close(self) -> None:
        if self._server.closed:
            return
        if self.instance:
            with suppress(StoreError):
                await self._writer.repeat(instances.leave, self.instance)
        self._server.closed = True
        await self._writer.close()
        await self._reader.close()
        await self._listener.close()
