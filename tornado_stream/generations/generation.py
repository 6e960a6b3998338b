"""One answer as its subscribers see it: its event log, its message and its owner."""

from __future__ import annotations

from tornado_stream.generations.event_log import EventLog
from tornado_stream.store.base import StoredGeneration
from tornado_stream.values.messages import LOCAL_OWNER, Message


class Generation(EventLog):
    """An answer, running or ended: its log, the message that it makes, and whose it is."""

    def __init__(
        self,
        id: str,
        fingerprint: bytes,
        message: Message,
        frames: list[bytes],
        *,
        ended: bool,
        owner: str = LOCAL_OWNER,
    ) -> None:
        super().__init__(frames, ended=ended)
        self.id = id
        self.fingerprint = fingerprint
        self.message = message
        self.owner = owner

    @classmethod
    def restore(cls, stored: StoredGeneration) -> Generation:
        """A log that has ended, from the store."""
        return cls(
            stored.id,
            stored.fingerprint,
            stored.message,
            stored.frames,
            ended=True,
            owner=stored.owner,
        )
