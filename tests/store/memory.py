"""A store in memory: the oracle of the contract, with which `SQLiteStore` is compared."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

from tornado_stream.store import prompts
from tornado_stream.store.base import (
    CHANGEABLE,
    MAX_FOLDERS,
    AlreadyStored,
    Appended,
    Begun,
    Busy,
    NewAnswer,
    Progress,
    Session,
    Store,
    StoredGeneration,
    StoreError,
    UsageRow,
    WaitingQuestion,
)
from tornado_stream.store.call_base import Decided
from tornado_stream.store.file_base import UNTIMELY
from tornado_stream.store.folding import fold
from tornado_stream.store.pages import CURRENT, Folder, Match, Page, Which
from tornado_stream.store.search_text import Matcher, parse_cursor, searchable, snippet
from tornado_stream.store.slots import BusyBeside
from tornado_stream.store.spend import now
from tornado_stream.store.waiting_questions import is_asked
from tornado_stream.values.calls import Call, decided, still_allowed, with_allowed
from tornado_stream.values.defaults import Defaults
from tornado_stream.values.errors import Conflict, NotFound, TooLarge
from tornado_stream.values.files import FAILED, READING, READY, ReadText, StoredFile
from tornado_stream.values.messages import Conversation, Message, files_of, waiting_calls
from tornado_stream.values.presets import MAX_PRESETS, Preset
from tornado_stream.values.shares import MAX_SHARES, BranchMessage, Share

#: Adopted conversations have numbers below 0, which grow with their times.
BEFORE_ALL = 1 << 62


class MemoryFiles(Store):
    """The files of a `MemoryStore`."""

    def __init__(self) -> None:
        super().__init__()
        self._files: dict[tuple[str, str], StoredFile] = {}  # by owner and sha256
        self._texts: dict[str, str] = {}  # by the id of a file
        self._removed: set[str] = set()
        self._given: dict[str, set[str]] = {}  # by the generation of an answer

    async def add_file(self, file, place, *, most: int = 0, answer=None) -> StoredFile:
        self._check_open()
        key = self.owner, file.sha256
        known = self._files.get(key)
        writing = self._generations.get(answer)
        if writing and writing.owner == self.owner and writing.message.state == "running":
            self._given.setdefault(answer, set()).add((known or file).id)
        if known and answer is not None:
            place()
            return known
        if known:
            file = replace(known, name=file.name, uploaded_at=file.uploaded_at)
            if file.state == FAILED:
                file = replace(file, state=READING, detail="")
        elif most and await self.file_bytes() + file.size > most:
            raise TooLarge("That is the most.", code="files_full")
        place()
        self._files[key] = file
        return file

    async def file(self, id: str) -> StoredFile | None:
        self._check_open()
        return next((file for file in self._own_files() if file.id == id), None)

    async def files(self, ids: Sequence[str]) -> list[StoredFile]:
        return [file for id in ids if (file := await self.file(id))]

    async def unused_files(self, limit: int = 100) -> list[StoredFile]:
        unused = [file for file in self._own_files() if not self._is_used(self.owner, file)]
        return sorted(unused[::-1], key=lambda file: -file.uploaded_at)[:limit]

    async def file_bytes(self) -> int:
        return sum(file.size for file in self._own_files())

    async def file_texts(self, ids: Sequence[str]) -> dict[str, str]:
        mine = {file.id for file in await self.files(ids)}
        return {id: text for id, text in self._texts.items() if id in mine and text}

    async def save_file_text(self, id: str, read: ReadText, tokens: int) -> None:
        file = await self.file(id)
        if file and file.state == READING:
            pages = {name: getattr(read, name) for name in ("pages", "pages_read", "shortened")}
            state = READY if read.text else FAILED
            new = replace(file, state=state, detail=read.detail, tokens=tokens, **pages)
            self._files[self.owner, file.sha256] = new
            self._texts[id] = read.text

    async def delete_file(self, id: str) -> None:
        file = await self.file(id)
        if file is None:
            raise NotFound("There is no file with this id.", code="file_not_found")
        if self._is_used(self.owner, file):
            raise Conflict("A message has it.", code="file_in_use")
        self._delete_file(self.owner, file)

    async def delete_unused_files(self, before: int) -> int:
        old = [
            (owner, file)
            for (owner, _), file in self._files.items()
            if file.uploaded_at < before and not self._is_used(owner, file)
        ]
        for owner, file in old:
            self._delete_file(owner, file)
        return len(old)

    async def unread_files(self) -> list[tuple[str, StoredFile]]:
        files = self._files.items()
        return [(owner, file) for (owner, _), file in files if file.state == READING]

    async def known_bytes(self, sums: Sequence[str]) -> frozenset[str]:
        return frozenset(sum for _, sum in self._files if sum in sums)

    async def remove_bytes(self, remove, also: Sequence[str] = ()) -> int:
        removed = {*self._removed, *also}
        for one in removed - {sum for _, sum in self._files}:
            remove(one)
        self._removed.clear()
        return len(removed)

    def _own_files(self) -> list[StoredFile]:
        return [file for (owner, _), file in self._files.items() if owner == self.owner]

    def _is_used(self, owner: str, file: StoredFile) -> bool:
        mine = (m for m in self._messages.values() if self._owners[m.conversation_id] == owner)
        waiting = (w for w in self._waiting.values() if self._owners[w.conversation_id] == owner)
        return any(self._has_file(m, file) for m in mine) or any(
            file.id in question.files for question in waiting
        )

    def _has_file(self, message: Message, file: StoredFile) -> bool:
        given = self._given.get(message.generation_id or "", set())
        return file.id in given or file.id in [one["id"] for one in files_of(message)]

    def _delete_file(self, owner: str, file: StoredFile) -> None:
        del self._files[owner, file.sha256]
        self._texts.pop(file.id, None)
        self._removed.add(file.sha256)

    def _leave_files(self, messages: list[Message], waited: dict[str, int]) -> None:
        """These messages are deleted, and a question that had these files, each with its time."""
        for file in self._own_files():
            used = [m.created_at for m in messages if self._has_file(m, file)]
            used += [waited[file.id]] if file.id in waited else []
            if used and not self._is_used(self.owner, file) and file.uploaded_at <= max(used):
                self._delete_file(self.owner, file)

    def _let_go(self, question: WaitingQuestion | None) -> None:
        """A waiting question loses its files. They count as uploaded now."""
        for file in self._own_files():
            if question and file.id in question.files:
                self._files[self.owner, file.sha256] = replace(file, uploaded_at=now())


class MemoryShares(Store):
    """The shared links of a `MemoryStore`."""

    def __init__(self) -> None:
        super().__init__()
        self._shares: dict[str, Share] = {}

    async def add_share(self, share: Share) -> None:
        self._check_open()
        leaf = self._messages.get(share.leaf_id)
        if not (leaf and leaf.conversation_id == share.conversation_id):
            raise NotFound("There is no such message.")
        if not self._mine(share.conversation_id):
            raise NotFound("There is no such message.")
        for one in await self.shares():
            if one.is_over(share.created_at):
                del self._shares[one.id]
        if len(await self.shares()) >= MAX_SHARES:
            raise Conflict("That is the most.", code="too_many_shares")
        self._shares[share.id] = share

    async def shares(self) -> list[Share]:
        self._check_open()
        mine = [share for share in self._shares.values() if share.owner == self.owner]
        return [replace(s, title=self._conversations[s.conversation_id].title) for s in mine]

    async def delete_share(self, id: str) -> None:
        if id not in {share.id for share in await self.shares()}:
            raise NotFound("There is no such share.")
        del self._shares[id]

    async def delete_shares(self) -> None:
        for share in await self.shares():
            del self._shares[share.id]

    async def share_with(self, digest: str) -> Share | None:
        self._check_open()
        return next((s for s in self._shares.values() if s.digest == digest), None)

    async def standing_shares(self, ids) -> frozenset[str]:
        self._check_open()
        return frozenset(ids) & self._shares.keys()

    async def branch(self, leaf_id: str) -> list[BranchMessage]:
        return [
            BranchMessage(
                *(self._number[m.id], m.id, m.generation_id),
                tuple(file.id for file in self._own_files() if self._has_file(m, file)),
                m.state == "running",
            )
            for m in await self.thread(leaf_id)
        ]


class MemoryStore(MemoryFiles, MemoryShares):
    """A store made of dictionaries.

    Every text, a title or a message, has a number; a text that was written later has a higher one.
    """

    def __init__(self) -> None:
        super().__init__()
        self._conversations: dict[str, Conversation] = {}
        self._messages: dict[str, Message] = {}
        self._generations: dict[str, StoredGeneration] = {}
        self._numbers = itertools.count(1)
        self._number: dict[str, int] = {}  # id of a conversation or message → number of its text
        self._written: dict[str, int] = {}  # conversation → number of its last write
        self._sessions: dict[str, Session] = {}
        self._last_uses: dict[str, int] = {}
        self._waiting: dict[str, WaitingQuestion] = {}
        self._waited: dict[str, dict[str, int]] = {}  # conversation → files of its question → time
        self._presets: dict[str, tuple[str, Preset]] = {}  # id → owner, preset
        self._defaults: dict[str, Defaults] = {}  # by owner
        self._owners: dict[str, str] = {}  # conversation → owner
        self.instance = "1"
        self._living = {"1"}  # all stores beside each other share what follows, too
        self._ended: set[str] = set()  # the ids of generations that do not count as running
        self._asked: set[str] = set()
        self._calls: dict[tuple[str, str], Call] = {}  # by the ids of the generation and the call
        self._closed: list[bool] = []  # the views of all owners share this list

    def beside(self) -> MemoryStore:
        """The same store, as another process has it open."""
        other = copy(self)
        other.instance = str(len(self._living) + 1)
        other._closed = []
        self._living.add(other.instance)
        return other

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
        self._ended.update(new.ended)
        running = [g.message for g in self._running(parent.id) if g.id not in self._ended]
        if running and not (new.beside and {m.parent_id for m in running} == {message.parent_id}):
            raise Busy([m.generation_id for m in running])
        if new.beside and len(running) >= new.beside:
            raise BusyBeside([m.generation_id for m in running], new.beside)
        mine = {file.id for file in self._own_files()}
        if any(file["id"] not in mine for one in added for file in files_of(one)):
            raise NotFound("There is no file with this id.", code="file_not_found")
        if waits := self._waiting.get(parent.id):
            if waits.request_id == new.generation_id:
                if not is_asked(new, waits.message, waits.files):
                    raise Conflict("It was changed.", code="changed_meanwhile")
                del self._waiting[parent.id]
        if new.decided:
            self._decide(new.decided)
            parent = self._conversations[parent.id]
        if new.conversation:
            self._number[parent.id] = next(self._numbers)
            self._owners[parent.id] = self.owner
        for one in added:
            self._messages[one.id] = one
            self._number[one.id] = self._written[parent.id] = next(self._numbers)
            for _ in files_of(one):
                next(self._numbers)
        self._generations[new.generation_id] = StoredGeneration(
            new.generation_id,
            new.fingerprint,
            message,
            [new.frame],
            self.owner,
            self.instance,
        )
        self._conversations[parent.id] = replace(
            parent,
            current_id=parent.current_id if new.beside else message.id,
            updated_at=message.created_at,
            archived=False,
        )

    def _decide(self, new: Decided) -> None:
        message = self._messages.get(new.message_id)
        mine = message and self._mine(message.conversation_id)
        parts = decided(message.parts if message and mine else [], new.decisions)
        if parts is None:
            raise Conflict("It was decided.", code="already_decided")
        self._messages[message.id] = replace(message, parts=parts)
        home = self._conversations[message.conversation_id]
        always = with_allowed(home.always, parts, new.decisions)
        self._conversations[home.id] = replace(home, always=always)

    async def begin_call(self, generation_id: str, call: Call) -> None:
        stored = await self.generation(generation_id)
        if (generation_id, call.id) in self._calls:
            raise AlreadyStored
        if not stored or stored.message.state != "running" or stored.instance != self.instance:
            raise NotFound("The answer has ended.")
        self._calls[generation_id, call.id] = call

    async def end_call(self, generation_id: str, call: Call) -> None:
        if await self.generation(generation_id) and (generation_id, call.id) in self._calls:
            self._calls[generation_id, call.id] = call

    async def undecided(self, message_ids) -> frozenset[str]:
        found = [self._messages[id] for id in message_ids if id in self._messages]
        mine = [m for m in found if self._mine(m.conversation_id)]
        return frozenset(m.id for m in mine if waiting_calls(m))

    async def calls(self, generation_ids) -> dict[str, list[Call]]:
        found: dict[str, list[Call]] = {}
        for (id, _), call in self._calls.items():
            if id in generation_ids and id in self._generations:
                found.setdefault(id, []).append(call)
        return found

    async def append(self, batch: list[Progress]) -> Appended:
        self._check_open()
        gone = set()
        for progress in batch:
            stored = self._generations.get(progress.generation_id)
            if stored is None or stored.owner != progress.owner:
                gone.add(progress.generation_id)
            elif stored.message.state == "running":
                self._append(stored, progress)
        running = [g for g in self._generations.values() if g.message.state == "running"]
        mine = {g.id for g in running if g.instance == self.instance}
        return Appended(frozenset(gone), frozenset(self._asked & mine))

    def _append(self, stored: StoredGeneration, progress: Progress) -> None:
        known = len(stored.frames) + 1 - progress.first
        if known < 0:
            raise ValueError(
                f"a log that ends at {len(stored.frames)} cannot continue at {progress.first}"
            )
        stored.frames.extend(progress.frames[known:])
        if progress.message:
            self._messages[progress.message.id] = progress.message
            if progress.message.state in UNTIMELY:
                self._given.pop(stored.id, None)
            for key in [key for key in self._calls if key[0] == stored.id]:
                del self._calls[key]
            self._generations[stored.id] = replace(stored, message=progress.message)

    async def ask_stop(self, id: str) -> None:
        if await self.generation(id):
            self._asked.add(id)

    async def settle(self, spent: list[Progress], begun: Sequence[Begun] = ()) -> None:
        self._check_open()  # nothing of the contract reads the ledger

    async def settle_lost(self) -> None:
        self._check_open()

    async def usage(
        self, by: str, first: int, last: int, *, currency: str = "", everybody: bool = False
    ) -> list[UsageRow]:
        self._check_open()
        return []

    async def spent_since(self, day: int, owner: str | None = None) -> dict[str, tuple[int, int]]:
        self._check_open()
        return {}

    async def orphans(self) -> list[StoredGeneration]:
        self._check_open()
        running = [g for g in self._generations.values() if g.message.state == "running"]
        dead = [stored for stored in running if not self.is_alive(stored.instance)]
        for stored in dead:
            self._generations[stored.id] = replace(stored, instance=self.instance)
        taken = [self._generations[stored.id] for stored in dead]
        return [replace(stored, frames=list(stored.frames)) for stored in taken]

    async def prompt_lengths(self, answers: Sequence[StoredGeneration]) -> list[int]:
        return await prompts.lengths(self, answers)

    def is_alive(self, instance: str) -> bool:
        return instance in self._living

    @property
    def alone(self) -> bool:
        return self._living == {self.instance}

    async def running(self, conversation_id: str) -> dict[str, str]:
        mine = bool(self._mine(conversation_id))
        return {g.id: g.instance for g in self._running(conversation_id) if mine}

    def _running(self, conversation_id: str) -> list[StoredGeneration]:
        running = [g for g in self._generations.values() if g.message.state == "running"]
        return [g for g in running if g.message.conversation_id == conversation_id]

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
            if number is not None and number < cursor:
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

    async def adopt(
        self,
        conversation: Conversation,
        messages: Sequence[Message],
        before: Callable[[bool], None] = lambda is_new: None,
    ) -> bool:
        self._check_open()
        mine = self._mine(conversation.id)
        before(not self._has(conversation.id))
        new = [m for m in messages if not (mine and m.id in self._messages)]
        if not mine and self._has(conversation.id) or any(self._has(m.id) for m in new):
            raise AlreadyStored
        if mine and not new:
            return False
        if mine is None:
            self._adopt(conversation)
        else:
            way = {m.id: m.parent_id for m in new}
            step = conversation.current_id
            while step in way:
                step = way[step]
            if step == mine.current_id:
                changed = replace(mine, current_id=conversation.current_id)
                self._conversations[mine.id] = changed
        for message in new:
            self._messages[message.id] = message
            self._number[message.id] = next(self._numbers)
        return True

    def _adopt(self, conversation: Conversation) -> None:
        mine = filter(self._owns, self._conversations.values())
        folders = {one.folder for one in mine} - {None}
        if conversation.folder not in folders and len(folders) >= MAX_FOLDERS:
            conversation = replace(conversation, folder=None)
        self._conversations[conversation.id] = conversation
        self._owners[conversation.id] = self.owner
        self._number[conversation.id] = next(self._numbers)
        self._written[conversation.id] = conversation.updated_at - BEFORE_ALL

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
        if "always" in changes:
            always = still_allowed(conversation.always, changes["always"])
            changes = {**changes, "always": always}
        known: dict[str, Any] = {n: changes[n] for n in CHANGEABLE if n in changes}
        self._conversations[id] = replace(conversation, **known)

    async def conversation_ids(self) -> list[str]:
        self._check_open()
        mine = [id for id, owner in self._owners.items() if owner == self.owner]
        return sorted(mine, key=lambda id: self._number[id])

    async def delete(self, *ids: str) -> None:
        self._check_open()
        for id in ids:
            others = [one for one in self._running(id) if one.instance != self.instance]
            if theirs := [one.id for one in others if self.is_alive(one.instance)]:
                raise Busy(theirs)
            self._delete(id)

    def _delete(self, id: str) -> None:
        if not self._mine(id):
            return
        gone = self._of(id)
        for message in gone:
            del self._messages[message.id], self._number[message.id]
        self._waiting.pop(id, None)
        self._leave_files(gone, self._waited.pop(id, {}))
        del self._conversations[id], self._owners[id]
        for share in [one for one in self._shares.values() if one.conversation_id == id]:
            del self._shares[share.id]
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
        if stored == new:
            return new
        if len(await self.files(question.files)) < len(question.files):
            raise NotFound("There is no file with this id.", code="file_not_found")
        self._let_go(stored)
        self._waiting[id] = new
        self._waited[id] = {file.id: file.uploaded_at for file in await self.files(new.files)}
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
            self._let_go(stored)
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
        self._living.discard(self.instance)

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
    ) -> tuple[int | None, Conversation | Message]:
        """What decides the place of a conversation in a list: its last write, or in a search its
        newest matching text. There is no number if no text matches."""
        if pattern is None:
            return self._written[conversation.id], conversation
        for message in reversed(self._of(conversation.id)):
            for place, file in reversed(list(enumerate(files_of(message), 1))):
                text = self._texts.get(file["id"], "")
                if pattern.find(searchable(text)):  # a use of a file comes after its message
                    return self._number[message.id] + place, replace(message, content=text)
            if pattern.find(searchable(message.content)):
                return self._number[message.id], message
        matches = pattern.find(searchable(conversation.title))
        return self._number[conversation.id] if matches else None, conversation

    def _match(
        self,
        conversation: Conversation,
        text: Conversation | Message,
        pattern: Matcher | None,
    ) -> Match:
        running = [m for m in self._of(conversation.id) if m.state == "running"]
        ids = tuple(m.generation_id for m in running)
        if pattern is None:
            return Match(conversation, ids)
        if isinstance(text, Message):
            return Match(conversation, ids, text.id, self._snippet(text, pattern))
        return Match(conversation, ids, None, snippet(text.title, pattern))

    def _snippet(self, message: Message, pattern: Matcher) -> str:
        return snippet(message.content, pattern, markdown=message.role == "assistant")


def _is_in(one: Conversation, which: Which) -> bool:
    return (
        which.archived in (None, one.archived)
        and which.folder in (None, one.folder)
        and not (which.loose and (one.folder or one.pinned))
    )
