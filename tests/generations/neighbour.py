"""A process that writes answers into a data directory that another process has open, too.

    python neighbour.py DATA LOCK FIRST COUNT

It begins COUNT answers (from the number FIRST on) that go on until somebody stops them, and says so
with a line; each line that it reads is the number of one more. LOCK is a descriptor of the lock of
the directory.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

from tornado_stream.generations.job import Job
from tornado_stream.generations.registry import Generations
from tornado_stream.providers.base import Provider
from tornado_stream.store import open_store
from tornado_stream.store.base import NewAnswer
from tornado_stream.values.errors import ChatError
from tornado_stream.values.events import Delta, encode_event
from tornado_stream.values.messages import ChatRequest, Conversation, Message


class Endless(Provider):
    """Says a word every few milliseconds."""

    name = "endless"
    default_model = None

    async def generate(self, request, emit) -> None:
        while True:
            emit(Delta("word "))
            await asyncio.sleep(0.005)

    async def models(self):
        return []


def endless(number: int | str, home: str | None = None) -> Job:
    """An answer without an end, in a conversation of its own or in one that exists."""
    conversation = Conversation(home or f"c{number}", "t", None, None, 1, 1)
    user = Message(f"u{number}", conversation.id, None, "user", "hi", 1)
    answer = Message(f"a{number}", conversation.id, user.id, "assistant", "", 1, state="running")
    answer = replace(answer, generation_id=f"g{number}")
    frame = encode_event(1, "start", {"t": 0, "parent_id": None})
    new = None if home else conversation
    new_answer = NewAnswer(f"g{number}", b"", new, (user,), answer, frame)
    return Job(new_answer, Endless(), ChatRequest([]))


async def main(data: str, lock: str, first: str, count: str) -> None:
    generations = Generations(open_store(Path(data), lock=int(lock)))
    await generations.recover()
    for number in range(int(first), int(first) + int(count)):
        await generations.start(endless(number))
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        try:
            await generations.start(endless(*line.split()))
            print("begun", flush=True)
        except ChatError as error:
            print(type(error).__name__, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
