"""What a store can do. The rule: a method returns when what it says is so.

All methods are called on the IOLoop's thread and never block it. Values are frozen; what a store
was given it keeps, and what it returns is the caller's. A method that cannot do its work raises
`StoreError`, and has then done none of it. Every row has an owner, and every statement names it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Self

from tornado_stream.values.errors import Unavailable
from tornado_stream.values.messages import LOCAL_OWNER, Conversation, Message

#: What can be changed of a conversation that is there.
CHANGEABLE = ("title", "system", "current_id")


class OpenError(Exception):
    """The data directory cannot be used. The message is one line for a person, and says what to
    do."""


class StoreError(Unavailable):
    """The store cannot keep or find anything now: a disk that is full, locked, or failing."""

    code = "not_saved"


@dataclass(frozen=True, slots=True)
class NewAnswer:
    """What one POST adds, in one piece: all of it is kept or none.

    `conversation` and `user_message` are None where they exist already. `message` is the answer,
    running; `frame` is the encoded `start` event, number 1; `fingerprint` is the request's.
    """

    generation_id: str
    fingerprint: bytes
    conversation: Conversation | None
    user_message: Message | None
    message: Message
    frame: bytes


@dataclass(slots=True)
class Progress:
    """New frames of one log, whose places in it count from `first`, the `start` being at 1; with
    its end also the finished message, and best the whole log.

    Not to be changed either; but each tick makes one for each answer, and freezing doubles that.
    """

    generation_id: str
    first: int
    frames: list[bytes]
    message: Message | None = None
    owner: str = LOCAL_OWNER


@dataclass(frozen=True, slots=True)
class StoredGeneration:
    """A log as it is kept. `message` is the answer as it was last written."""

    id: str
    fingerprint: bytes
    message: Message
    frames: list[bytes]
    owner: str = LOCAL_OWNER


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is logged in until `expires_at`, seconds since the epoch. `id` and `proof` are
    digests, in which no token and no password can be found."""

    id: str
    owner: str
    proof: bytes
    expires_at: int


@dataclass(frozen=True, slots=True)
class Match:
    """A conversation in a list. `message_id` and `snippet` are of the search; in the snippet the
    match stands between U+E000 and U+E001, which are taken out of all other text."""

    conversation: Conversation
    generation_id: str | None
    message_id: str | None = None
    snippet: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list; `next` is opaque and asks for what follows, None at the end."""

    matches: list[Match]
    next: str | None


class Taken(StoreError):
    """An id of the turn is taken: it has been kept before."""

    def __init__(self) -> None:
        super().__init__("The turn cannot be kept: one of its ids is taken.")


class Store(ABC):
    """Conversations, messages and event logs: what one `owner` has of them; and all sessions.

    What belongs to another is not there for any method. Only `append` and `unfinished` are for
    all at once; what they take and give names its owner. `on_commit` is told how many seconds each
    write transaction took, by the thread that made it.
    """

    owner = LOCAL_OWNER
    on_commit: Callable[[float], None] = staticmethod(lambda seconds: None)

    def of(self, owner: str) -> Self:
        """The same store, as this owner sees it."""
        view = copy(self)
        view.owner = owner
        return view

    @abstractmethod
    async def begin(self, new: NewAnswer) -> None:
        """Keep a turn, and make its answer the conversation's current message. Raises `Taken`
        where it was kept before."""

    @abstractmethod
    async def append(self, batch: list[Progress]) -> None:
        """Keep what several logs have grown by, in one transaction.

        Frames that are kept already (a batch whose first try was committed after all) are not
        kept twice. A log whose conversation is gone is passed over.
        """

    @abstractmethod
    async def unfinished(self) -> list[StoredGeneration]:
        """The logs whose answers are still `running`: after a start, those of a crash."""

    @abstractmethod
    async def conversation(self, id: str) -> Conversation | None:
        """One conversation, without its messages."""

    @abstractmethod
    async def conversations(
        self, *, query: str = "", limit: int = 50, before: str | None = None
    ) -> Page:
        """Conversations, the one written to last first; with a `query` those with a message (or
        a title) that holds it, in any letter case. `before` is the `next` of the page before;
        raises `InvalidRequest` where it is not. Reads no message's text without a `query`."""

    @abstractmethod
    async def create(self, conversation: Conversation) -> None:
        """Keep an empty conversation."""

    @abstractmethod
    async def update(self, id: str, changes: dict[str, str | None]) -> None:
        """Set any of `CHANGEABLE`, and nothing else: another may have been changed meanwhile.
        Raises `NotFound`."""

    @abstractmethod
    async def delete(self, id: str) -> None:
        """Forget a conversation with all that is in it. Its words are then on the disk no more."""

    @abstractmethod
    async def message(self, id: str) -> Message | None:
        """One message."""

    @abstractmethod
    async def messages(self, conversation_id: str) -> list[Message]:
        """All messages of a conversation, every branch, in the order they were written."""

    @abstractmethod
    async def thread(self, message_id: str) -> list[Message]:
        """The messages from the root to this one, in order; empty where it does not exist."""

    @abstractmethod
    async def generation(self, id: str) -> StoredGeneration | None:
        """One log, whole."""

    @abstractmethod
    async def check(self) -> None:
        """Try whether anything can be kept now, by keeping something that changes nothing."""

    @abstractmethod
    async def sessions(self) -> list[Session]:
        """All sessions, those that have expired too."""

    @abstractmethod
    async def save_session(self, session: Session) -> None:
        """Keep a session, in the place of one with the same id."""

    @abstractmethod
    async def delete_sessions(self, ids: list[str]) -> None:
        """Forget these sessions; one that is not there is none."""

    @abstractmethod
    async def close(self) -> None:
        """Write what is pending and let go. Idempotent."""
