"""A store in memory: the oracle of the contract, with which `SQLiteStore` is compared."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tornado_stream.store.base import (
    CHANGEABLE,
    AlreadyStored,
    Begun,
    Match,
    NewAnswer,
    Page,
    Progress,
    Session,
    Store,
    StoredGeneration,
    StoreError,
    UsageRow,
)
from tornado_stream.store.search_text import Matcher, parse_cursor, searchable, snippet
from tornado_stream.values.errors import NotFound
from tornado_stream.values.messages import Conversation, Message


class MemoryStore(Store):
    """A store made of dictionaries.

    Every text, a title or a message, has a number; a text that was written later has a higher one.
    """

    def __init__(self) -> None:
        self._conversations: dict[str, Conversation] = {}
        self._messages: dict[str, Message] = {}
        self._generations: dict[str, StoredGeneration] = {}
        self._numbers = itertools.count(1)
        self._number: dict[str, int] = {}  # id of a conversation or message → number of its text
        self._written: dict[str, int] = {}  # conversation → number of its last write
        self._sessions: dict[str, Session] = {}
        self._last_uses: dict[str, int] = {}
        self._owners: dict[str, str] = {}  # conversation → owner
        self._closed: list[bool] = []  # the views of all owners share this list

    async def begin(self, new: NewAnswer) -> None:
        self._check_open()
        message = new.message
        parent = new.conversation or self._mine(message.conversation_id)
        if parent is None:
            raise NotFound("There is no conversation with this id.")
        added = [*new.messages, message]
        used = new.generation_id in self._generations or new.conversation and self._has(parent.id)
        if used or any(self._has(m.id) for m in added):
            raise AlreadyStored
        if new.conversation:
            self._number[parent.id] = next(self._numbers)
            self._owners[parent.id] = self.owner
        for one in added:
            self._messages[one.id] = one
            self._number[one.id] = self._written[parent.id] = next(self._numbers)
        self._generations[new.generation_id] = StoredGeneration(
            new.generation_id,
            new.fingerprint,
            message,
            [new.frame],
            self.owner,
        )
        self._conversations[parent.id] = replace(
            parent, current_id=message.id, updated_at=message.created_at
        )

    async def append(self, batch: list[Progress]) -> frozenset[str]:
        self._check_open()
        gone = set()
        for progress in batch:
            stored = self._generations.get(progress.generation_id)
            if stored is None or stored.owner != progress.owner:
                gone.add(progress.generation_id)
            elif stored.message.state == "running":
                self._append(stored, progress)
        return frozenset(gone)

    def _append(self, stored: StoredGeneration, progress: Progress) -> None:
        known = len(stored.frames) + 1 - progress.first
        if known < 0:
            raise ValueError(
                f"a log that ends at {len(stored.frames)} cannot continue at {progress.first}"
            )
        stored.frames.extend(progress.frames[known:])
        if progress.message:
            self._messages[progress.message.id] = progress.message
            self._generations[stored.id] = replace(stored, message=progress.message)

    async def settle(self, spent: list[Progress], begun: Sequence[Begun] = ()) -> None:
        self._check_open()  # nothing of the contract reads the ledger

    async def settle_lost(self) -> None:
        self._check_open()

    async def usage(
        self, by: str, first: int, last: int, *, currency: str = "", everybody: bool = False
    ) -> list[UsageRow]:
        self._check_open()
        return []

    async def spent_since(self, day: int) -> dict[str, tuple[int, int]]:
        self._check_open()
        return {}

    async def unfinished(self) -> list[StoredGeneration]:
        self._check_open()
        running = [g for g in self._generations.values() if g.message.state == "running"]
        return [replace(stored, frames=list(stored.frames)) for stored in running]

    async def conversation(self, id: str) -> Conversation | None:
        self._check_open()
        return self._mine(id)

    async def conversations(
        self,
        *,
        query: str = "",
        limit: int = 50,
        before: str | None = None,
        left: asyncio.Future[None] | None = None,
    ) -> Page:
        self._check_open()
        cursor = parse_cursor(before)
        query = searchable(query).strip()
        pattern = Matcher(query) if query else None
        found: list[tuple[int, Match]] = []
        for conversation in filter(self._owns, self._conversations.values()):
            number, text = self._newest(conversation, pattern)
            if 0 < number < cursor:
                found.append((number, self._match(conversation, text, pattern)))
        found.sort(key=lambda pair: -pair[0])
        page = [match for _, match in found[:limit]]
        return Page(page, str(found[limit - 1][0]) if len(found) > limit else None)

    async def create(self, conversation: Conversation) -> None:
        self._check_open()
        if self._has(conversation.id):
            raise StoreError("The conversation cannot be stored: its id is already in use.")
        self._conversations[conversation.id] = conversation
        self._owners[conversation.id] = self.owner
        number = next(self._numbers)
        self._number[conversation.id] = self._written[conversation.id] = number

    async def update(self, id: str, changes: dict[str, str | None]) -> None:
        self._check_open()
        conversation = self._mine(id)
        if conversation is None:
            raise NotFound("There is no conversation with this id.")
        known: dict[str, Any] = {n: changes[n] for n in CHANGEABLE if n in changes}
        self._conversations[id] = replace(conversation, **known)

    async def conversation_ids(self) -> list[str]:
        self._check_open()
        mine = [id for id, owner in self._owners.items() if owner == self.owner]
        return sorted(mine, key=lambda id: self._number[id])

    async def delete(self, *ids: str) -> None:
        self._check_open()
        for id in ids:
            self._delete(id)

    def _delete(self, id: str) -> None:
        if not self._mine(id):
            return
        del self._conversations[id], self._owners[id]
        for key, message in list(self._messages.items()):
            if message.conversation_id == id:
                del self._messages[key], self._number[key]
        for key, stored in list(self._generations.items()):
            if stored.message.conversation_id == id:
                del self._generations[key]
        self._number.pop(id, None)
        self._written.pop(id, None)

    async def message(self, id: str) -> Message | None:
        self._check_open()
        message = self._messages.get(id)
        return message if message and self._mine(message.conversation_id) else None

    async def messages(self, conversation_id: str) -> list[Message]:
        self._check_open()
        return self._of(conversation_id) if self._mine(conversation_id) else []

    async def thread(self, message_id: str) -> list[Message]:
        self._check_open()
        thread: list[Message] = []
        next_id: str | None = message_id
        while next_id and (message := await self.message(next_id)):
            thread.append(message)
            next_id = message.parent_id
        return thread[::-1]

    async def generation(self, id: str) -> StoredGeneration | None:
        self._check_open()
        stored = self._generations.get(id)
        mine = stored and stored.owner == self.owner
        return replace(stored, frames=list(stored.frames)) if stored and mine else None

    async def check(self) -> None:
        self._check_open()

    async def sessions(self) -> list[Session]:
        self._check_open()
        return list(self._sessions.values())

    async def save_session(self, session: Session) -> None:
        self._check_open()
        self._sessions[session.id] = session

    async def delete_sessions(self, ids: list[str]) -> None:
        self._check_open()
        for id in ids:
            self._sessions.pop(id, None)

    async def last_uses(self) -> dict[str, int]:
        self._check_open()
        return dict(self._last_uses)

    async def save_last_uses(self, uses: dict[str, int | None]) -> None:
        self._check_open()
        for id, used_at in uses.items():
            self._last_uses.pop(id, None)
            if used_at is not None:
                self._last_uses[id] = used_at

    async def close(self) -> None:
        self._closed.append(True)

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError("The store is closed.")

    def _has(self, id: str) -> bool:
        return id in self._number

    def _mine(self, conversation_id: str) -> Conversation | None:
        conversation = self._conversations.get(conversation_id)
        return conversation if conversation and self._owns(conversation) else None

    def _owns(self, conversation: Conversation) -> bool:
        return self._owners[conversation.id] == self.owner

    def _of(self, conversation_id: str) -> list[Message]:
        return [m for m in self._messages.values() if m.conversation_id == conversation_id]

    def _newest(
        self, conversation: Conversation, pattern: Matcher | None
    ) -> tuple[int, Conversation | Message]:
        """What decides the place of a conversation in a list: its last write, or in a search its
        newest matching text. The number is 0 if no text matches."""
        if pattern is None:
            return self._written[conversation.id], conversation
        for message in reversed(self._of(conversation.id)):
            if pattern.find(searchable(message.content)):
                return self._number[message.id], message
        matches = pattern.find(searchable(conversation.title))
        return self._number[conversation.id] if matches else 0, conversation

    def _match(
        self,
        conversation: Conversation,
        text: Conversation | Message,
        pattern: Matcher | None,
    ) -> Match:
        running = [m for m in self._of(conversation.id) if m.state == "running"]
        generation_id = running[-1].generation_id if running else None
        if pattern is None:
            return Match(conversation, generation_id)
        if isinstance(text, Message):
            return Match(conversation, generation_id, text.id, snippet(text.content, pattern))
        return Match(conversation, generation_id, None, snippet(text.title, pattern))
