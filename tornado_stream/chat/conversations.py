"""Conversations: listing, searching, reading, changing, deleting.

The rule: a running answer is read from its live log, everything else from the store. So a reader
gets the text of a running answer so far, with the number of the event to continue after.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

from tornado_stream.chat.conversation_archive import ConversationArchive
from tornado_stream.chat.requests import begun_with, new_conversation
from tornado_stream.generations.registry import Generations
from tornado_stream.store.base import Page, Store
from tornado_stream.values.errors import InvalidRequest, NotFound, TooMany
from tornado_stream.values.messages import Conversation, Message
from tornado_stream.values.presets import Preset

MAX_TITLE = 200
#: Conversations that are deleted together, so that their words are wiped from the disk once.
DELETED_TOGETHER = 500
#: Seconds after which an export that was refused may be tried again.
EXPORT_RETRY = 10


class ConversationService:
    """Reads and changes the conversations of an owner. Every method raises `NotFound` for an id
    that does not exist or belongs to another owner."""

    def __init__(self, store: Store, generations: Generations) -> None:
        self._store = store
        self._generations = generations
        self._exporting: set[str] = set()

    async def search(
        self,
        owner: str,
        query: str,
        limit: int,
        before: str | None,
        left: asyncio.Future[None] | None = None,
    ) -> Page:
        """A page of the list; `limit` above 200 means 200. See `Store.conversations`."""
        return await self._store.for_owner(owner).conversations(
            query=query, limit=max(1, min(limit, 200)), before=before, left=left
        )

    async def create(
        self,
        owner: str,
        title: str | None,
        system: str | None,
        *,
        model: str | None = None,
        options: dict[str, Any] | None = None,
        preset: Preset | None = None,
    ) -> Conversation:
        """Create an empty conversation. `model` and `options` are for requests that have none."""
        conversation = replace(
            new_conversation(title or ""), system=system, model=model, options=options or None
        )
        if preset:
            conversation = begun_with(preset, conversation)
        await self._store.for_owner(owner).create(conversation)
        return conversation

    async def get(self, owner: str, id: str) -> Conversation:
        if conversation := await self._store.for_owner(owner).conversation(id):
            return conversation
        raise NotFound("There is no conversation with this id.")

    async def read(self, owner: str, id: str) -> tuple[Conversation, list[Message], int | None]:
        """A conversation with all its messages. Where an answer is running, its message has the
        text so far, and the number is that of the last event in that text."""
        conversation = await self.get(owner, id)
        messages = await self._store.for_owner(owner).messages(id)
        # Text and number belong together, so nothing is awaited between reading them.
        running = self._generations.running_in(id)
        if running is None:
            messages = await self._generations.with_ends(owner, messages)
            if any(message.state == "running" for message in messages):
                return await self.read(owner, id)  # it has just begun
            return conversation, messages, None
        message, last_number = running
        found = [message if m.id == message.id else m for m in messages]
        if message not in found:  # the answer began after the store was read
            return await self.read(owner, id)
        return conversation, found, last_number

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

    async def delete(self, owner: str, id: str) -> None:
        """Stop its answer, also one that is just beginning, wait until that has ended, then delete
        the conversation."""
        await self.get(owner, id)
        async with self._generations.deleting(id):
            await self._store.for_owner(owner).delete(id)

    async def delete_all(self, owner: str) -> int:
        """Delete every conversation that the owner has now, as `delete` does; returns how many
        there were. One that begins meanwhile stays. A failure leaves those that are not deleted
        yet."""
        ids = await self._store.for_owner(owner).conversation_ids()
        for first in range(0, len(ids), DELETED_TOGETHER):
            some = ids[first : first + DELETED_TOGETHER]
            async with AsyncExitStack() as deletions:
                for id in some:
                    await deletions.enter_async_context(self._generations.deleting(id))
                await self._store.for_owner(owner).delete(*some)
        return len(ids)

    async def forget(self, owner: str) -> int:
        """Delete everything of an owner who was removed; returns how many conversations there were
        now."""
        await self._store.for_owner(owner).delete_presets()
        return await self.delete_all(owner)

    async def export_all(self, owner: str) -> AsyncGenerator[bytes, None]:
        """The bytes of a `ConversationArchive` of every conversation that the owner has now, but
        for one that is deleted meanwhile. Raises `TooMany` while another export of the owner
        runs."""
        if owner in self._exporting:
            raise TooMany(
                "Another export of your conversations is running. Try again when it has ended.",
                code="export_running",
                retry_after=EXPORT_RETRY,
            )
        self._exporting.add(owner)
        try:
            archive = ConversationArchive()
            for id in await self._store.for_owner(owner).conversation_ids():
                try:
                    conversation, messages, _ = await self.read(owner, id)
                except NotFound:
                    continue
                yield await asyncio.to_thread(archive.add, conversation, messages)
            yield archive.close()
        finally:
            self._exporting.discard(owner)
