"""Conversations: listing, searching, reading, changing, deleting.

The rule: a running answer is read from its live log, everything else from the store. So a reader
gets the text of a running answer so far, with the number of the event to continue after.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing, contextmanager, nullcontext, suppress
from dataclasses import replace
from time import time_ns
from typing import TYPE_CHECKING, Any

from tornado_stream.chat.requests import begun_with, new_conversation
from tornado_stream.files.service import Files
from tornado_stream.generations.neighbours import Elsewhere
from tornado_stream.generations.registry import Generations
from tornado_stream.store.base import Store
from tornado_stream.store.pages import CURRENT, Page, Which, current_ids, with_undecided
from tornado_stream.values.errors import InvalidRequest, NotFound, TooMany
from tornado_stream.values.messages import Conversation, Message, files_of
from tornado_stream.values.presets import Preset

if TYPE_CHECKING:
    from tornado_stream.chat.conversation_archive import ConversationArchive

#: Messages, each with the number of its last event if it is a running answer.
Messages = AsyncGenerator[tuple[Message, int | None], None]

MAX_TITLE = 200
#: Conversations that are deleted together, so that their words are wiped from the disk once.
DELETED_TOGETHER = 500
#: Seconds after which an export that was refused may be tried again.
EXPORT_RETRY = 10
#: A conversation is large from so many bytes on; and those of a message but for its texts.
LARGE, MESSAGE_SIZE = 256 * 1024, 600
#: Large conversations that are being read at a time, by all users and by one; and the seconds after
#: which a client that was refused may try again.
LARGE_READS, LARGE_READS_PER_USER, READ_RETRY = 32, 8, 2


class ConversationService:
    """Reads and changes the conversations of an owner. Every method raises `NotFound` for an id
    that does not exist or belongs to another owner."""

    def __init__(
        self,
        store: Store,
        generations: Generations,
        *,
        files: Files | None = None,
    ) -> None:
        """Without `files`, no message has any."""
        self._store = store
        self._files = files
        self._generations = generations
        self._exporting: set[str] = set()
        self._reading: Counter[str] = Counter()

    async def search(
        self,
        owner: str,
        query: str,
        limit: int,
        before: str | None,
        left: asyncio.Future[None] | None = None,
        which: Which = CURRENT,
    ) -> Page:
        """A page of the list; `limit` above 200 means 200. See `Store.conversations`."""
        store = self._store.for_owner(owner)
        page = await store.conversations(
            query=query, limit=max(1, min(limit, 200)), before=before, left=left, which=which
        )
        return with_undecided(page, await store.undecided(current_ids(page)))

    async def create(
        self,
        owner: str,
        title: str | None,
        system: str | None,
        *,
        model: str | None = None,
        options: dict[str, Any] | None = None,
        tools: list[str] | None = None,
        preset: Preset | None = None,
    ) -> Conversation:
        """Create an empty conversation. `model`, `options` and `tools` are for requests that have
        none."""
        conversation = replace(
            new_conversation(title or "", system, tools), model=model, options=options or None
        )
        if preset:
            conversation = begun_with(preset, conversation)
        await self._store.for_owner(owner).create(conversation)
        return conversation

    async def get(self, owner: str, id: str) -> Conversation:
        if conversation := await self._store.for_owner(owner).conversation(id):
            return conversation
        raise _no_conversation()

    async def open(
        self, owner: str, id: str, *, current: bool = False, newest: int = 0, counted: bool = True
    ) -> tuple[Conversation, Messages]:
        """A conversation as it is now, and its messages, which are read in parts; with `current`
        only those of the branch that is shown, with `newest` at most so many of the newest.

        Where an answer is running, its message has the text so far, and the number beside it is
        that of the last event in that text. The messages raise `NotFound` where the conversation
        is deleted while they are read, and at first `TooMany` where too many clients are reading
        large conversations. Who holds one message at a time is not `counted` among these.
        """
        found = await self._store.for_owner(owner).outline(id, current=current)
        if found is None:
            raise _no_conversation()
        conversation, places, size = found
        by = owner if counted else None
        return conversation, self.messages_at(owner, places[-newest:], size=size, by=by)

    async def messages_at(
        self, owner: str, places: list[int], *, size: int, by: str | None
    ) -> Messages:
        """The messages at these places of a conversation, whose texts have `size` bytes, as `open`
        gives them. If it is large, it counts among those that `by` reads; with None it does not."""
        store = self._store.for_owner(owner)
        is_large = by is not None and size + len(places) * MESSAGE_SIZE > LARGE
        with self._reading_much(by or "") if is_large else nullcontext():
            while places:
                messages = await store.messages_at(places)
                if not messages:
                    raise _no_conversation()
                places = places[len(messages) :]
                while messages:  # no reference stays while the caller waits for its client
                    yield await self._present(owner, messages.pop(0))

    async def _present(self, owner: str, message: Message) -> tuple[Message, int | None]:
        """A stored message in its present state, with the number of its last event if it runs."""
        while message.state == "running" and message.generation_id:
            # Text and number belong together, so nothing is awaited between reading them.
            if running := self._generations.so_far(message.generation_id):
                return running
            try:
                generation = await self._generations.get(owner, message.generation_id)
            except Elsewhere as elsewhere:
                return elsewhere.so_far()
            if generation is None:
                raise _no_conversation()
            message = generation.message
        return message, None

    @contextmanager
    def _reading_much(self, owner: str) -> Iterator[None]:
        """Hold a place among the clients that read large responses. Raises `TooMany`."""
        if self._reading[owner] >= LARGE_READS_PER_USER or self._reading.total() >= LARGE_READS:
            raise TooMany(
                "Too many large conversations are being read. Try again shortly.",
                code="too_many_readers",
                retry_after=READ_RETRY,
            )
        self._reading[owner] += 1
        try:
            yield
        finally:
            self._reading[owner] -= 1
            if not self._reading[owner]:
                del self._reading[owner]

    async def change(self, owner: str, id: str, changes: dict[str, Any]) -> Conversation:
        """Set any of `CHANGEABLE`. Raises `InvalidRequest`."""
        if isinstance(title := changes.get("title"), str):
            changes["title"] = title[:MAX_TITLE]
        if current_id := changes.get("current_id"):
            message = await self._store.for_owner(owner).message(current_id)
            if not message or message.conversation_id != id:
                raise InvalidRequest("current_id must name a message of this conversation.")
        await self._store.for_owner(owner).update(id, changes)
        return await self.get(owner, id)

    async def change_many(
        self, owner: str, changes: dict[str, Any], ids: list[str], folder: str | None
    ) -> int:
        """Set any of `PLACE` of these conversations, or of all in a folder; returns how many there
        were."""
        store = self._store.for_owner(owner)
        return await store.update_many(changes, ids=ids, folder=folder)

    async def delete(self, owner: str, id: str) -> None:
        """Stop its answers, also one that is just beginning, wait until they have ended, then
        delete the conversation."""
        await self.get(owner, id)
        async with self._generations.deleting(id, owner):
            await self._store.for_owner(owner).delete(id)
        if self._files:
            await self._files.remove_bytes()

    async def delete_all(self, owner: str) -> int:
        """Delete every conversation that the owner has now, as `delete` does; returns how many
        there were. One that begins meanwhile stays. A failure leaves those that are not deleted
        yet."""
        return await self._delete_many(owner, await self._store.for_owner(owner).conversation_ids())

    async def delete_many(self, owner: str, ids: list[str]) -> int:
        """Delete these conversations, as `delete` does; returns how many there were."""
        wanted = set(ids)
        mine = await self._store.for_owner(owner).conversation_ids()
        return await self._delete_many(owner, [id for id in mine if id in wanted])

    async def _delete_many(self, owner: str, ids: list[str]) -> int:
        for first in range(0, len(ids), DELETED_TOGETHER):
            some = ids[first : first + DELETED_TOGETHER]
            async with AsyncExitStack() as deletions:
                for id in some:
                    await deletions.enter_async_context(self._generations.deleting(id, owner))
                await self._store.for_owner(owner).delete(*some)
        if self._files:
            await self._files.remove_bytes()
        return len(ids)

    async def forget(self, owner: str) -> int:
        """Delete everything of an owner who was removed; returns how many conversations there were
        now."""
        await self._store.for_owner(owner).delete_shares()
        await self._store.for_owner(owner).delete_presets()
        await self._store.for_owner(owner).delete_defaults()
        if self._files:
            await self._files.delete_unused(owner)
        return await self.delete_all(owner)

    async def export_all(self, owner: str) -> AsyncGenerator[bytes, None]:
        """The bytes of a `ConversationArchive` of every conversation that the owner has now. One
        that is deleted meanwhile is left out, or ends with the messages that were read before.
        Raises `TooMany` while another export of the owner runs."""
        if owner in self._exporting:
            raise TooMany(
                "Another export of your conversations is running. Try again when it has ended.",
                code="export_running",
                retry_after=EXPORT_RETRY,
            )
        self._exporting.add(owner)
        try:
            with self._reading_much(owner):
                archive, store = _new_archive(), self._store.for_owner(owner)
                ids = await store.conversation_ids()
                async with aclosing(self._archive(archive, owner, ids)) as pieces:
                    async for piece in pieces:
                        yield piece
                presets, defaults = await store.presets(), await store.defaults()
                if piece := archive.settings(presets, defaults, time_ns() // 1_000_000):
                    yield piece
                yield archive.close()
        finally:
            self._exporting.discard(owner)

    async def export_one(
        self, owner: str, id: str
    ) -> tuple[Conversation, AsyncGenerator[bytes, None]]:
        """A conversation, and the bytes of a `ConversationArchive` of it alone, with its files."""
        conversation = await self.get(owner, id)

        async def pieces() -> AsyncGenerator[bytes, None]:
            archive = _new_archive()
            with self._reading_much(owner):
                async with aclosing(self._archive(archive, owner, [id])) as parts:
                    async for piece in parts:
                        yield piece
            yield archive.close()

        return conversation, pieces()

    async def _archive(
        self, archive: ConversationArchive, owner: str, ids: Sequence[str]
    ) -> AsyncGenerator[bytes, None]:
        """These conversations, each in both forms, and each of their files once."""
        known: set[str] = set()
        for id in ids:
            files: dict[str, dict[str, Any]] = {}
            for ending in archive.ENDINGS:
                async with aclosing(self._archived(archive, owner, id, ending, files)) as pieces:
                    async for piece in pieces:
                        yield piece
            for file in [file for file_id, file in files.items() if file_id not in known]:
                known.add(file["id"])
                async with aclosing(self._archived_file(archive, owner, file)) as pieces:
                    async for piece in pieces:
                        yield piece

    async def _archived_file(
        self, archive: ConversationArchive, owner: str, file: dict[str, Any]
    ) -> AsyncGenerator[bytes, None]:
        """One file of a message, if it still exists."""
        with suppress(NotFound):
            assert self._files
            stored = await self._files.get(owner, file["id"])
            archive.begin_file(file, stored.uploaded_at)
            with suppress(NotFound):
                async with aclosing(self._files.pieces(stored)) as pieces:
                    async for piece in pieces:
                        yield await asyncio.to_thread(archive.add_bytes, piece)
            yield archive.end_file()

    async def _archived(
        self,
        archive: ConversationArchive,
        owner: str,
        id: str,
        ending: str,
        files: dict[str, dict[str, Any]],
    ) -> AsyncGenerator[bytes, None]:
        """One form of a conversation, if it still exists. Notes the files of its messages."""
        with suppress(NotFound):
            current = ending != "json"
            conversation, messages = await self.open(owner, id, current=current, counted=False)
            archive.begin(ending, conversation)
            with suppress(NotFound):
                async with aclosing(messages):
                    async for message, _ in messages:
                        files |= {file["id"]: file for file in files_of(message)}
                        yield await asyncio.to_thread(archive.message, message)
            yield archive.end()


def _no_conversation() -> NotFound:
    return NotFound("There is no conversation with this id.")


def _new_archive() -> ConversationArchive:
    from tornado_stream.chat.conversation_archive import ConversationArchive

    return ConversationArchive()  # most servers export nothing, and do not need its modules
