"""What a store can do. The rule: a method returns when what it says is so.

All methods are called on the IOLoop's thread and never block it. Values are frozen; what a store
was given it keeps, and what it returns is the caller's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from tornado_stream.messages import Conversation, Message


@dataclass(frozen=True, slots=True)
class Turn:
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


@dataclass(frozen=True, slots=True)
class Progress:
    """New frames of one log, numbered from `first`; with its end also the finished message."""

    generation_id: str
    first: int
    frames: list[bytes]
    message: Message | None = None


@dataclass(frozen=True, slots=True)
class StoredGeneration:
    """A log as it is kept. `message` is the answer as it was last written."""

    id: str
    fingerprint: bytes
    message: Message
    frames: list[bytes]


class Store(ABC):
    """Conversations, messages and event logs."""

    @abstractmethod
    async def begin(self, turn: Turn) -> None:
        """Keep a turn, and make its answer the conversation's current message."""

    @abstractmethod
    async def append(self, batch: list[Progress]) -> None:
        """Keep what several logs have grown by, in one transaction."""

    @abstractmethod
    async def conversation(self, id: str) -> Conversation | None:
        """One conversation, without its messages."""

    @abstractmethod
    async def message(self, id: str) -> Message | None:
        """One message."""

    @abstractmethod
    async def thread(self, message_id: str) -> list[Message]:
        """The messages from the root to this one, in order; empty where it does not exist."""

    @abstractmethod
    async def generation(self, id: str) -> StoredGeneration | None:
        """One log, whole."""

    @abstractmethod
    async def close(self) -> None:
        """Write what is pending and let go. Idempotent."""
