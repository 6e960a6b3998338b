"""Many clients of one user who ask until the budget is spent."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence

from client import Client

#: Answers that a budget of twice as many tokens is enough for, and clients that ask at a time.
WITHIN_BUDGET, AT_THE_EDGE = 150, 50


async def spend_all(clients: Sequence[Client]) -> int:
    """Ask these servers in turn, with many clients at a time, until each was refused. Returns how
    many answers there were, of which each has cost two tokens."""
    return sum(await asyncio.gather(*(_spend(clients, number) for number in range(AT_THE_EDGE))))


async def _spend(clients: Sequence[Client], number: int) -> int:
    answers = 0
    while True:
        body = {"message": "hello", "model": "say=x;usage=1;done", "request_id": str(uuid.uuid4())}
        client = clients[(number + answers) % len(clients)]
        stream = await client.open("POST", "/stream", body)
        if stream.response.status == 429:
            await stream.read()
            return answers
        answer = await stream.read()
        assert answer.events[-1].data["state"] == "done", answer
        answers += 1
