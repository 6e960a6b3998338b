"""A subscriber's sink that records what it took."""

from __future__ import annotations


class Sink:
    """Takes `room` batches; with the last one it reports that it is full."""

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
