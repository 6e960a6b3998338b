"""A reader's sink that a test can look into."""

from __future__ import annotations


class Sink:
    """Takes `room` batches, then says that it is full."""

    def __init__(self, room: int = 1_000_000) -> None:
        self.room = room
        self.batches: list[bytes] = []

    def __call__(self, data: bytes) -> bool:
        self.batches.append(data)
        self.room -= 1
        return self.room > 0

    @property
    def data(self) -> bytes:
        return b"".join(self.batches)
