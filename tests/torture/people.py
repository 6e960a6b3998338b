"""People who ask while processes of a server take over from each other and are killed."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

from client import Client

from .reader import Reader
from .truth import Truth, answer_to, question


class People:
    """They ask `client` again and again until `over`. Each answer must be whole, or a true
    beginning that is interrupted, and must be asked for once. `counts` has how many ended in which
    state."""

    def __init__(
        self, client: Client, truth: Truth, rng: random.Random, counts: Counter[str]
    ) -> None:
        self.over = asyncio.Event()
        self.judged: list[Reader] = []
        self._client = client
        self._truth = truth
        self._rng = rng
        self._counts = counts

    async def ask(self, name: str) -> None:
        """One person. `name` is in all questions of this person, and of no other one."""
        turn = 0
        while not self.over.is_set():
            turn += 1
            message = question(f"{name}-{turn}", self._rng.choice([100, 800]), 10)
            reader = Reader(self._client, {"message": message}, silence=20.0)
            await reader.run()
            whole = answer_to(message)
            assert reader.state in ("done", "interrupted"), reader
            assert reader.text == whole if reader.state == "done" else whole.startswith(reader.text)
            assert self._truth.asked[reader.id] <= 1, reader
            self.judged.append(reader)
            self._counts[reader.state] += 1

    async def check_kept(self) -> None:
        """Every answer stays as it ended."""
        for reader in self.judged:
            again = await Reader(self._client, id=reader.id).read_once()
            assert again.log == reader.log
