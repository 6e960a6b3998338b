"""The contract of a store. The rule: when a method returns, what its docstring says has happened.

All methods are called on the IOLoop's thread and never block it. A method that cannot do its work
raises `StoreError`, and has then done none of it (but see `delete`). Every row has an owner, and
every SQL statement names the owner. A caller must not change a value after giving it to the store;
lists that the store returns belong to the caller.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Self

from tornado_stream.store.call_base import CallStore, Decided
from tornado_stream.store.file_base import FileStore
from tornado_stream.store.health import StoreHealth
from tornado_stream.store.pages import CURRENT, Page, Which
from tornado_stream.store.share_base import ShareStore
from tornado_stream.store.tail_base import StoredGeneration as StoredGeneration
from tornado_stream.store.tail_base import TailStore
from tornado_stream.values.defaults import Defaults
from tornado_stream.values.errors import Conflict, Unavailable
from tornado_stream.values.messages import LOCAL_OWNER, Conversation, Message
from tornado_stream.values.presets import Preset

#: The fields of a conversation that `Store.update_many` can change.
PLACE = ("pinned", "archived", "folder")
#: The fields of a conversation that `Store.update` can change.
CHANGEABLE = ("title", "system", "current_id", "model", "options", "tools", "always", *PLACE)
#: The most folders of an owner, and the most pinned conversations that a list begins with.
MAX_FOLDERS, MAX_PINNED = 200, 200
#: Bytes, about, of the messages that are read at once where a conversation is read in parts, and
#: how many messages at most.
READ_BYTES, READ_MESSAGES = 256 * 1024, 200
#: What `Store.usage` sums by, and the most rows that it returns.
BY = ("day", "model", "upstream", "user")
MOST_USAGE = 10_000


class OpenError(Exception):
    """The data directory cannot be used. The message is one line for a person, and says what to
    do."""


class DirectoryInUse(OpenError):
    """Another process has opened the data directory."""


class StoreError(Unavailable):
    """The store cannot read or write now: the disk is full or failing, the database is locked."""

    code = "not_saved"


class DiskFull(StoreError):
    """The disk is full. Deleting conversations makes room."""

    def __init__(self) -> None:
        super().__init__(
            "Nothing can be saved now: the disk is full. Deleting conversations makes room."
        )


@dataclass(frozen=True, slots=True)
class NewAnswer:
    """What one POST adds to the store, in one transaction.

    `conversation` is None if the store has it already. `messages` are those before the answer that
    are new, each the parent of the next; none where a question is answered again. `message` is the
    answer, in the state `running`; `frame` is the encoded `start` event, number 1 of its log;
    `fingerprint` is a digest of the request. An answer with `beside` may run while others answer
    the same message, so many of them together, and is not the conversation's current message; 0
    stands for an ordinary answer, which runs alone. `ended` are answers of this instance that have
    ended, and whose ends the store has refused so far: they do not count as running. `most` is how
    many answers of the owner can run at a time at all instances of a store that tails; 0: no limit.
    `decided` is stored in the same transaction.
    """

    generation_id: str
    fingerprint: bytes
    conversation: Conversation | None
    messages: tuple[Message, ...]
    message: Message
    frame: bytes
    beside: int = 0
    ended: tuple[str, ...] = ()
    most: int = 0
    decided: Decided | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """The beginning of the ledger's row of an answer; `began_at` is in milliseconds since the
    epoch."""

    owner: str
    generation_id: str
    began_at: int
    model: str | None


@dataclass(frozen=True, slots=True)
class UsageRow:
    """Sums of the ledger. `key` is a day since the epoch, or the name of a model, an upstream or a
    user; "" if it is not known. `amount` is in billionths. `estimated` and `unknown` are answers
    whose numbers are estimated, and whose cost is not known."""

    key: int | str
    currency: str
    requests: int
    prompt: int
    cached: int
    completion: int
    amount: int
    estimated: int
    unknown: int


@dataclass(slots=True)
class Progress:
    """New frames of one log. `first` is the number of the first of them; `start` has number 1.

    When the answer has ended, `message` is the finished message, and `frames` should be the whole
    log: the store need not read the part that it has. Treat a `Progress` as frozen. Each save
    creates one for each answer, and `frozen=True` doubles the cost. `estimate` has the tokens of
    the prompt and of the answer, for a ledger that gets no numbers from the upstream.
    """

    generation_id: str
    first: int
    frames: list[bytes]
    message: Message | None = None
    owner: str = LOCAL_OWNER
    estimate: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """What an `append` has found. `gone` are the ids of generations that the store does not have,
    because their conversation was deleted; `asked_to_stop` are running answers of this instance
    that `ask_stop` was called for. An empty batch gets all of these, another may get none."""

    gone: frozenset[str] = frozenset()
    asked_to_stop: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class WaitingQuestion:
    """A question that is sent when the answer before it is done. `version` grows with each change;
    the one that is not stored yet has 0. `files` are the ids of its files, in their order."""

    conversation_id: str
    request_id: str
    version: int
    message: str
    model: str | None
    options: dict[str, Any]
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """A login that lasts until `expires_at`, in seconds since the epoch. `id` and `proof` are
    digests from which neither the token nor the password can be computed. `address` and `agent`
    tell where the login came from; a session of an earlier version has neither."""

    id: str
    owner: str
    proof: bytes
    expires_at: int
    created_at: int = 0
    address: str = ""
    agent: str = ""


class AlreadyStored(StoreError):
    """The store has one of the ids of a new answer already, perhaps under another owner."""

    def __init__(self) -> None:
        super().__init__("The answer cannot be stored: one of its ids is already in use.")


class Busy(Conflict):
    """Other answers are running in the conversation: `generation_ids`."""

    code = "conversation_busy"

    def __init__(self, generation_ids: Sequence[str]) -> None:
        ids = self.generation_ids = list(generation_ids)
        text = "An answer is still being written in this conversation."
        super().__init__(text, generation_id=ids[0], generation_ids=ids)


class Fenced(StoreError):
    """Other processes have taken this one for dead, and its answers belong to them: it must write
    nothing more."""

    def __init__(self) -> None:
        super().__init__("Another server has taken over the answers of this one.")


class Store(FileStore, CallStore, ShareStore, TailStore):
    """What one `owner` has: conversations, messages, event logs, files, presets, shares and
    defaults; and the sessions of all users, with the times at which they and the tokens were last
    used.

    No method shows what belongs to another owner. Only `append`, `settle`, `settle_lost`,
    `orphans`, `spent_since` and `usage` of everybody concern all owners at once, and the methods of
    `FileStore` and `ShareStore` that say so. `on_commit` is called with the seconds that each write
    transaction took, by one thread at a time.

    Several processes may have the same store open. `instance` is the name of this one, which no
    other ever has. An answer that runs belongs to the instance that began it, and each running
    answer says so in its row: only its instance appends to it, until it is dead.
    """

    owner = LOCAL_OWNER
    instance = ""
    on_commit: Callable[[float], None] = staticmethod(lambda seconds: None)

    def for_owner(self, owner: str) -> Self:
        """The same store, as this owner sees it."""
        if owner == self.owner:
            return self
        view = copy(self)
        view.owner = owner
        return view

    async def open(self) -> None:
        """Make ready what needs a running loop. Await it before all other methods. Raises
        `OpenError`."""
        return

    @abstractmethod
    async def begin(self, new: NewAnswer) -> None:
        """Store a new answer, and make it the conversation's current message, unless it is
        `beside` others.

        Raises `AlreadyStored` if one of its ids is in use, whichever instance used it; else `Busy`
        or `BusyBeside` if it cannot run beside those that run, `NotFound` if its conversation is
        gone, `ConversationFull` if it has no room for the new messages, `NoPlace`, and `NotFound`
        `file_not_found` if a file of a new message is gone. The answer itself may then go beyond
        the limit. The waiting question with the answer's id is taken away in the same transaction;
        raises `Conflict` `changed_meanwhile` if that has another text, and `already_decided` where
        `decided` is not about all undecided calls of its answer.
        """

    @abstractmethod
    async def append(self, batch: list[Progress]) -> Appended:
        """Append new frames to several logs of this instance, in one transaction. An empty batch
        only asks which answers are to be stopped.

        An answer that has ended settles its row of the ledger in the same transaction, whether or
        not the store has its log. Frames that the store already has (because a first try was
        committed after all) are skipped, and so is a log that has ended. Raises `ValueError` if
        frames before `first` are missing (`Gap` where the store tails), and `Fenced` if this
        instance counts as dead.
        """

    @abstractmethod
    async def ask_stop(self, id: str) -> None:
        """Ask the instance that writes an answer to stop it: its next `append` tells it so. An
        answer that does not run stays as it is."""

    @abstractmethod
    async def settle(self, spent: list[Progress], begun: Sequence[Begun] = ()) -> None:
        """Begin rows of the ledger, and settle those of answers that have ended, in one
        transaction; nothing else changes. A row that is settled stays as it is; a row that was not
        begun is added."""

    @abstractmethod
    async def settle_lost(self) -> None:
        """Settle the rows of the ledger that dead instances left open, as `interrupted` and without
        a cost. Call it when the answers of `orphans` have ended; those that another instance has
        yet to end are left to it."""

    @abstractmethod
    async def usage(
        self, by: str, first: int, last: int, *, currency: str = "", everybody: bool = False
    ) -> list[UsageRow]:
        """The sums of the ledger for each of `BY`, for each currency; of days those from `first` to
        `last`, both included. A row whose cost is not known counts as one in `currency`. Days come
        in their order, all else by its amount. At most `MOST_USAGE` rows."""

    @abstractmethod
    async def spent_since(self, day: int, owner: str | None = None) -> dict[str, tuple[int, int]]:
        """The amount and the tokens that each user has spent since this day; with an `owner`, only
        those of that user."""

    @abstractmethod
    async def orphans(self) -> list[StoredGeneration]:
        """Take over running answers of dead instances, and return their logs: from now on they
        belong to this instance, which is to end them. Of several instances, one gets each. Where
        there are many, further calls return the others."""

    @abstractmethod
    async def prompt_lengths(self, answers: Sequence[StoredGeneration]) -> list[int]:
        """About how many characters the model got before each of these answers: the system prompt
        of the conversation, and the messages before the answer."""

    @abstractmethod
    def is_alive(self, instance: str) -> bool:
        """Whether the process with this name may still write. Once dead, it stays dead."""

    @property
    def lock(self) -> int | None:
        """A descriptor of the lock that another process needs to open the store beside this one.
        None: no other can."""
        return None

    def lead(self, pid: int) -> None:
        """Of all processes, this one does what only one does, and `pid` is the one to stop. Most
        stores need not know."""

    @property
    def alone(self) -> bool:
        """Whether no other living instance is known. Costs next to nothing."""
        return True

    @abstractmethod
    async def running(self, conversation_id: str) -> dict[str, str]:
        """The running answers of a conversation: the id of each, and its instance."""

    @abstractmethod
    async def conversation(self, id: str) -> Conversation | None:
        """One conversation, without its messages."""

    @abstractmethod
    async def conversations(
        self,
        *,
        query: str = "",
        limit: int = 50,
        before: str | None = None,
        left: asyncio.Future[None] | None = None,
        which: Which = CURRENT,
    ) -> Page:
        """A page of conversations, the most recently written one first.

        With a `query`, only those in which a message or the title contains it, in any letter
        case. Without one, no message's text is read. `before` is the `next` of the previous page;
        raises `InvalidRequest` if it is not. A search ends with an `Unavailable` when it takes too
        long, and when `left` is done, because its client has left.
        """

    @abstractmethod
    async def create(self, conversation: Conversation) -> None:
        """Store an empty conversation."""

    @abstractmethod
    async def adopt(
        self,
        conversation: Conversation,
        messages: Sequence[Message],
        before: Callable[[bool], None] = lambda is_new: None,
    ) -> bool:
        """Store a conversation that was written elsewhere, in one transaction, and return whether
        anything was added. Messages come behind their parents, and none of them is running.

        If the owner has the conversation already, only messages that are not there yet are added,
        and nothing is changed, but that the branch that is shown goes on with them. Until something
        is written in it here, it stands in lists behind all conversations that were, among those
        that were adopted by its `updated_at`. A folder that would be one too many is left out.
        `before` is told whether the conversation is new, on any thread, before anything is stored.
        Raises `AlreadyStored` where another owner has an id, and `ConversationFull`.
        """

    @abstractmethod
    async def update(self, id: str, changes: dict[str, Any]) -> None:
        """Set some of the fields `CHANGEABLE` and leave the others as they are. Of `always`, those
        stay that the change names; it adds none.

        Raises `NotFound`, and `Conflict` `too_many_folders`.
        """

    @abstractmethod
    async def update_many(
        self, changes: dict[str, Any], *, ids: Sequence[str] = (), folder: str | None = None
    ) -> int:
        """Set some of the fields `PLACE` of these conversations, or of all in a folder, archived
        ones too, in one transaction. Returns how many there were; ids that do not exist are left
        out. Raises `Conflict` `too_many_folders`."""

    @abstractmethod
    async def conversation_ids(self) -> list[str]:
        """The ids of all conversations, in the order in which they were created."""

    @abstractmethod
    async def delete(self, *ids: str) -> None:
        """Delete conversations with their messages, logs, shares and files that no other has,
        and wipe their words from the disk. `remove_bytes` then removes the bytes of the files.

        Each is deleted whole. Where it fails, those before it are deleted. Raises `Busy` for one in
        which an answer of another living instance is running.
        """

    @abstractmethod
    async def message(self, id: str) -> Message | None:
        """One message."""

    @abstractmethod
    async def messages(self, conversation_id: str) -> list[Message]:
        """All messages of a conversation, of every branch, in the order they were written."""

    @abstractmethod
    async def outline(
        self, id: str, *, current: bool = False
    ) -> tuple[Conversation, list[int], int] | None:
        """A conversation, the places of its messages in the order they were written (of all, or
        with `current` those of the branch that is shown), and the bytes of all its texts."""

    @abstractmethod
    async def messages_at(self, places: list[int]) -> list[Message]:
        """The messages at the first of these places, as many as have about `READ_BYTES` together;
        at least one, but none if the conversation was deleted meanwhile."""

    @abstractmethod
    async def thread(self, message_id: str) -> list[Message]:
        """The messages from the root to this one, in order; empty if it does not exist."""

    @abstractmethod
    async def generation(self, id: str) -> StoredGeneration | None:
        """One whole log."""

    @abstractmethod
    async def check(self) -> None:
        """Test whether the store can write now, with a write that changes nothing."""

    def health(self) -> StoreHealth:
        """What is wrong with the database. Reads nothing from the disk."""
        return StoreHealth()

    @abstractmethod
    async def presets(self) -> list[Preset]:
        """The owner's presets, in the order in which they were added."""

    @abstractmethod
    async def add_preset(self, preset: Preset) -> None:
        """Store a new preset. Raises `Conflict` `name_in_use` or `too_many_presets`."""

    @abstractmethod
    async def change_preset(self, preset: Preset) -> None:
        """Replace the preset with this id, which must have the version before.

        Raises `NotFound`, or `Conflict` `changed_meanwhile` or `name_in_use`.
        """

    @abstractmethod
    async def delete_preset(self, id: str) -> None:
        """Delete one preset. Raises `NotFound`."""

    @abstractmethod
    async def delete_presets(self) -> None:
        """Delete all presets of the owner."""

    @abstractmethod
    async def defaults(self) -> Defaults:
        """The owner's defaults; empty, with the version 0, if there are none."""

    @abstractmethod
    async def save_defaults(self, defaults: Defaults) -> None:
        """Replace the defaults, which must have the version before. Raises `Conflict`
        `changed_meanwhile`."""

    @abstractmethod
    async def delete_defaults(self) -> None:
        """Delete the owner's defaults, if there are any."""

    @abstractmethod
    async def waiting(self, conversation_id: str) -> WaitingQuestion | None:
        """The question that waits in a conversation."""

    @abstractmethod
    async def put_waiting(self, question: WaitingQuestion) -> WaitingQuestion:
        """Store a question in place of the one that waits and has the same version, and return it
        with its new version. The same call may be made again. The question has its files until it
        is taken away; they then count as uploaded at that moment.

        Raises `NotFound` (also `file_not_found`), or `Conflict` `changed_meanwhile`, or
        `already_sent` if there is an answer with its id.
        """

    @abstractmethod
    async def delete_waiting(
        self, conversation_id: str, request_id: str | None = None, version: int | None = None
    ) -> None:
        """Take a waiting question back, if there is one. With a `version`, only that one. Raises
        `Conflict` as `put_waiting` does."""

    @abstractmethod
    async def sessions(self) -> list[Session]:
        """All sessions, including expired ones."""

    @abstractmethod
    async def save_session(self, session: Session) -> None:
        """Store a session; it replaces one with the same id."""

    @abstractmethod
    async def delete_sessions(self, ids: list[str]) -> None:
        """Delete sessions. Unknown ids are ignored."""

    @abstractmethod
    async def last_uses(self) -> dict[str, int]:
        """When each session and token was last used, by its digest; in seconds since the epoch."""

    @abstractmethod
    async def save_last_uses(self, uses: dict[str, int | None]) -> None:
        """Store some of these times. With None, the entry is deleted."""

    @abstractmethod
    async def close(self) -> None:
        """Finish pending writes and release the files. Idempotent."""
