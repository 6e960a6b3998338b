"""Ended answers that are not stored, in memory for a while: a reader whose connection broke reads
them to their end, and the same request sent again does not ask the model again.

The rule: no word of them reaches the disk. They are forgotten after ten minutes, and those that
ended first are forgotten first where there are too many.
"""

from __future__ import annotations

import asyncio

from tornado_stream.generations.generation import Generation

#: Seconds for which an answer is remembered.
LASTS = 600.0
#: How many answers are remembered, and how many bytes they have together.
MOST, MOST_BYTES = 1000, 64 * 1024 * 1024


class EndedAnswers:
    """The answers by their ids, in the order in which they ended. Everything runs on the IOLoop's
    thread."""

    def __init__(self) -> None:
        self.by_id: dict[str, Generation] = {}
        self._sizes: dict[str, int] = {}

    def add(self, generation: Generation) -> None:
        """Remember an answer of which only the `end` event is missing."""
        self.by_id[generation.id] = generation
        self._sizes[generation.id] = sum(map(len, generation.frames))
        asyncio.get_running_loop().call_later(LASTS, self._forget, generation.id)
        while len(self.by_id) > MOST or sum(self._sizes.values()) > MOST_BYTES:
            self._forget(next(iter(self.by_id)))

    def _forget(self, id: str) -> None:
        self.by_id.pop(id, None)
        self._sizes.pop(id, None)
