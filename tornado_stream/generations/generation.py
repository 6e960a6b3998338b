"""An answer as its subscribers see it: its event log, its message and its owner."""

from __future__ import annotations

from dataclasses import dataclass

from tornado_stream.generations.event_log import EventLog
from tornado_stream.store.base import StoredGeneration
from tornado_stream.values.messages import LOCAL_OWNER, Message


@dataclass(eq=False, repr=False, kw_only=True)
class Generation(EventLog):
    """An answer, running or ended. `message` is its message as the store has it last."""

    id: str
    fingerprint: bytes
    message: Message
    owner: str = LOCAL_OWNER

    @classmethod
    def restore(cls, stored: StoredGeneration) -> Generation:
        """An ended answer from the store."""
        return cls(
            stored.frames,
            ended=True,
            id=stored.id,
            fingerprint=stored.fingerprint,
            message=stored.message,
            owner=stored.owner,
        )
