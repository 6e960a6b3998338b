"""A store in memory: the oracle of the contract, with which `SQLiteStore` is compared."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tornado_stream.store.base import (
    CHANGEABLE,
    CURRENT,
    AlreadyStored,
    Begun,
    Folder,
    Match,
    NewAnswer,
    Page,
    Progress,
    Session,
    Store,
    StoredGeneration,
    StoreError,
    UsageRow,
    WaitingQuestion,
    Which,
)
from tornado_stream.store.folding import fold
from tornado_stream.store.search_text import Matcher, parse_cursor, searchable, snippet
from tornado_stream.values.defaults import Defaults
from tornado_stream.values.errors import Conflict, NotFound
from tornado_stream.values.messages import Conversation, Message
from tornado_stream.values.presets import MAX_PRESETS, Preset


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
        self._waiting: dict[str, WaitingQuestion] = {}
        self._presets: dict[str, tuple[str, Preset]] = {}  # id → owner, preset
        self._defaults: dict[str, Defaults] = {}  # by owner
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
        if waits := self._waiting.get(parent.id):
            if waits.request_id == new.generation_id:
                if not new.messages or new.messages[-1].content != waits.message:
                    raise Conflict("It was changed.", code="changed_meanwhile")
                del self._waiting[parent.id]
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
            parent, current_id=message.id, updated_at=message.created_at, archived=False
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
        which: Which = CURRENT,
    ) -> Page:
        self._check_open()
        cursor = parse_cursor(before)
        asked = bool(searchable(query).strip())
        query = fold(searchable(query)).strip()
        if asked and not query:
            return Page([], None)
        pattern = Matcher(query) if query else None
        found: list[tuple[int, Match]] = []
        mine = list(filter(self._owns, self._conversations.values()))
        for conversation in mine:
            if not _is_in(conversation, which):
                continue
            number, text = self._newest(conversation, pattern)
            if 0 < number < cursor:
                found.append((number, self._match(conversation, text, pattern)))
        found.sort(key=lambda pair: -pair[0])
        page = [match for _, match in found[:limit]]
        next = str(found[limit - 1][0]) if len(found) > limit else None
        if not which.loose or before:
            return Page(page, next)
        there = [one for one in mine if not one.archived]
        pinned = sorted(
            (one for one in there if one.pinned), key=lambda one: -self._written[one.id]
        )
        names = sorted({one.folder for one in there if one.folder})
        folders = [
            Folder(name, len([1 for one in there if one.folder == name and not one.pinned]))
            for name in names
        ]
        return Page(page, next, [self._match(one, one, None) for one in pinned], folders)

    async def create(self, conversation: Conversation) -> None:
        self._check_open()
        if self._has(conversation.id):
            raise StoreError("The conversation cannot be stored: its id is already in use.")
        self._conversations[conversation.id] = conversation
        self._owners[conversation.id] = self.owner
        number = next(self._numbers)
        self._number[conversation.id] = self._written[conversation.id] = number

    async def update_many(
        self, changes: dict[str, Any], *, ids: Sequence[str] = (), folder: str | None = None
    ) -> int:
        self._check_open()
        mine = filter(self._owns, list(self._conversations.values()))
        some = [o.id for o in mine if o.id in ids or folder is not None and o.folder == folder]
        for id in some:
            await self.update(id, changes)
        return len(some)

    async def update(self, id: str, changes: dict[str, Any]) -> None:
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
        self._waiting.pop(id, None)
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

    async def outline(
        self, id: str, *, current: bool = False
    ) -> tuple[Conversation, list[int], int] | None:
        conversation = await self.conversation(id)
        if conversation is None:
            return None
        parts = self.thread(conversation.current_id or "") if current else self.messages(id)
        places = [self._number[message.id] for message in await parts]
        return conversation, places, sum([len(m.content.encode()) for m in await self.messages(id)])

    async def messages_at(self, places: list[int]) -> list[Message]:
        self._check_open()
        one = [m for m in self._messages.values() if self._number[m.id] == places[0]]
        return [message for message in one if self._mine(message.conversation_id)]

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

    async def presets(self) -> list[Preset]:
        self._check_open()
        return [preset for owner, preset in self._presets.values() if owner == self.owner]

    async def add_preset(self, preset: Preset) -> None:
        mine = await self.presets()
        self._check_name(preset, mine)
        if len(mine) >= MAX_PRESETS:
            raise Conflict("That is the most.", code="too_many_presets")
        self._presets[preset.id] = self.owner, preset

    async def change_preset(self, preset: Preset) -> None:
        mine = {one.id: one for one in await self.presets()}
        if preset.id not in mine:
            raise NotFound("There is no preset with this id.")
        if mine[preset.id].version != preset.version - 1:
            raise Conflict("It was changed.", code="changed_meanwhile")
        self._check_name(preset, list(mine.values()))
        self._presets[preset.id] = self.owner, preset

    async def delete_preset(self, id: str) -> None:
        if id not in {one.id for one in await self.presets()}:
            raise NotFound("There is no preset with this id.")
        del self._presets[id]

    async def delete_presets(self) -> None:
        for preset in await self.presets():
            del self._presets[preset.id]

    async def defaults(self) -> Defaults:
        return self._defaults.get(self.owner, Defaults())

    async def save_defaults(self, new: Defaults) -> None:
        version = (await self.defaults()).version
        if version != new.version - 1:
            raise Conflict("They were changed.", code="changed_meanwhile", version=version)
        self._defaults[self.owner] = new

    async def delete_defaults(self) -> None:
        self._defaults.pop(self.owner, None)

    def _check_name(self, preset: Preset, others: list[Preset]) -> None:
        for one in others:
            if one.id != preset.id and one.name.casefold() == preset.name.casefold():
                raise Conflict("Another has this name.", code="name_in_use")

    async def waiting(self, conversation_id: str) -> WaitingQuestion | None:
        self._check_open()
        return self._waiting.get(conversation_id) if self._mine(conversation_id) else None

    async def put_waiting(self, question: WaitingQuestion) -> WaitingQuestion:
        self._check_open()
        id = question.conversation_id
        if not self._mine(id):
            raise NotFound("There is no conversation with this id.")
        self._check_unsent(question.request_id)
        new = replace(question, version=question.version + 1)
        stored = self._waiting.get(id)
        if stored != new and question.version != (stored.version if stored else 0):
            raise Conflict("It was changed.", code="changed_meanwhile")
        self._waiting[id] = new
        return new

    async def delete_waiting(
        self, conversation_id: str, request_id: str | None = None, version: int | None = None
    ) -> None:
        stored = await self.waiting(conversation_id)
        if request_id and (stored is None or stored.request_id != request_id):
            self._check_unsent(request_id)
        if stored and version not in (None, stored.version):
            raise Conflict("It was changed.", code="changed_meanwhile")
        if stored:
            del self._waiting[conversation_id]

    def _check_unsent(self, request_id: str) -> None:
        if request_id in self._generations:
            raise Conflict("It was sent.", code="already_sent")

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
            return Match(conversation, generation_id, text.id, self._snippet(text, pattern))
        return Match(conversation, generation_id, None, snippet(text.title, pattern))

    def _snippet(self, message: Message, pattern: Matcher) -> str:
        return snippet(message.content, pattern, markdown=message.role == "assistant")


def _is_in(one: Conversation, which: Which) -> bool:
    return (
        which.archived in (None, one.archived)
        and which.folder in (None, one.folder)
        and not (which.loose and (one.folder or one.pinned))
    )
