"""What happens to conversations besides sending: listing, reading, renaming, deleting.

The rule: what is running is read from its live log and everything else from the store, so an
answer under way is shown as far as it has come, together with the event number to go on from.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tornado_stream.chat.requests import new_conversation
from tornado_stream.generations.registry import Generations
from tornado_stream.store.base import Page, Store
from tornado_stream.values.errors import InvalidRequest, NotFound
from tornado_stream.values.messages import Conversation, Message

MAX_TITLE = 200


class ConversationService:
    """The verbs of the list, for one owner each. Every method raises `NotFound` for an id that is
    not there, or another's."""

    def __init__(self, store: Store, generations: Generations) -> None:
        self._store = store
        self._generations = generations

    async def search(self, owner: str, query: str, limit: int, before: str | None) -> Page:
        """Part of the list; `limit` is at most 200."""
        return await self._store.for_owner(owner).conversations(
            query=query, limit=max(1, min(limit, 200)), before=before
        )

    async def create(self, owner: str, title: str | None, system: str | None) -> Conversation:
        """An empty conversation."""
        conversation = replace(new_conversation(title or ""), system=system)
        await self._store.for_owner(owner).create(conversation)
        return conversation

    async def get(self, owner: str, id: str) -> Conversation:
        if conversation := await self._store.for_owner(owner).conversation(id):
            return conversation
        raise NotFound("There is no conversation with this id.")

    async def read(self, owner: str, id: str) -> tuple[Conversation, list[Message], int | None]:
        """A conversation with all its messages. Where one is running, its text so far is in it,
        and the number is that of the last event that is."""
        conversation = await self.get(owner, id)
        messages = await self._store.for_owner(owner).messages(id)
        # Nothing is awaited from here on: text and number belong together.
        running = self._generations.running_in(id)
        if running is None:
            return conversation, await self._generations.with_ends(owner, messages), None
        message, last_number = running
        found = [message if m.id == message.id else m for m in messages]
        if message not in found:  # it began after the store was read
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
        """Stop what runs in it, wait until that has ended, then forget it."""
        await self.get(owner, id)
        await self._generations.stop_in(id)
        await self._store.for_owner(owner).delete(id)
