"""Measures how fast the SQLite store is with many conversations: `python benchmarks/store.py`.

The program builds a database in a temporary directory. It uses the server's own SQL statements, but
puts many turns into one transaction. Then it opens the store anew and times its public methods.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tornado_stream.settings import SYNCHRONOUS
from tornado_stream.store import logs as store_logs
from tornado_stream.store import open_store
from tornado_stream.store import search as store_search
from tornado_stream.store import tables as store_tables
from tornado_stream.store.base import NewAnswer, Progress, Store
from tornado_stream.store.extent import NO_LIMIT
from tornado_stream.store.sqlite import SQLiteStore
from tornado_stream.values.events import encode_event
from tornado_stream.values.messages import Conversation, Message

#: A word that 30 % of the messages contain.
COMMON = "wherever"
#: A word that one message contains.
RARE = "chrysanthemum"


class Texts:
    """Makes texts of 4 to 28 words, the same sequence in every run. Some words are more common."""

    def __init__(self) -> None:
        self._random = random.Random(1)
        letters = "etaoinshrdlucmfwypvbgkjqxz"
        weights = [1 / (n + 2) for n in range(26)]
        self._words = [
            "".join(self._random.choices(letters, weights, k=self._random.randint(2, 9)))
            for _ in range(20_000)
        ]
        self._weights = list(itertools.accumulate(1 / (n + 5) for n in range(20_000)))

    def __call__(self) -> str:
        count = self._random.randint(4, 28)
        words = self._random.choices(self._words, cum_weights=self._weights, k=count)
        if self._random.random() < 0.3:
            words[count // 2] = COMMON
        return " ".join(words)


def make_turns(
    texts: Texts, conversation: int, messages: int
) -> Iterator[tuple[NewAnswer, Progress]]:
    """The turns of a conversation, each as what the server stores at its beginning and its end."""
    home = Conversation(f"c{conversation}", texts()[:80], None, None, 1, 1)
    parent = None
    for number in range(messages // 2):
        id = f"{conversation}-{number}"
        user = Message(f"u{id}", home.id, parent, "user", texts(), 1)
        answer = Message(
            f"a{id}", home.id, user.id, "assistant", "", 1, state="running", generation_id=f"g{id}"
        )
        content = texts()
        pieces = [content[at : at + 20] for at in range(0, len(content), 20)]
        frames = [
            encode_event(n, "delta", {"content": piece, "t": n * 50})
            for n, piece in enumerate(pieces, 2)
        ]
        frames.append(encode_event(len(pieces) + 2, "end", {"state": "done"}))
        new = home if number == 0 else None
        parent = answer.id
        yield (
            NewAnswer(f"g{id}", b"", new, (user,), answer, encode_event(1, "start", {})),
            Progress(f"g{id}", 2, frames, replace(answer, content=content, state="done")),
        )


async def build(data_dir: Path, conversations: int, messages: int) -> None:
    """Fill the database; the index for searching is complete at the end."""
    store = SQLiteStore(data_dir)
    numbers, texts = store._database.numbers, Texts()
    log_ends: dict[str, tuple[int, int]] = {}
    for first in range(0, conversations, 50):

        def add(db: Any, first: int = first) -> None:
            for conversation in range(first, min(first + 50, conversations)):
                for new_answer, progress in make_turns(texts, conversation, messages):
                    store_tables.begin(db, store.owner, numbers, log_ends, new_answer, NO_LIMIT)
                    store_logs.append(db, log_ends, [progress])
            while store_search.catch_up(db) or store_logs.tidy(db) or store_search.sweep(db):
                pass

        await store._database.writer.transact(add)
    rare = Message("rare", "c7", None, "user", f"the {RARE} here", 1)
    answer = Message("rare-answer", "c7", "rare", "assistant", "", 1, state="running")
    await store.begin(NewAnswer("rare", b"", None, (rare,), answer, encode_event(1, "start", {})))
    await store.close()


async def median(name: str, times: int, call: Callable[[int], Awaitable[Any]]) -> None:
    """Print the median and the longest duration of `times` calls, in milliseconds."""
    durations = []
    for number in range(times):
        began = time.perf_counter()
        await call(number)
        durations.append((time.perf_counter() - began) * 1000)
    print(f"{name:<42}{statistics.median(durations):9.2f}{max(durations):9.2f}", flush=True)


async def measure(store: Store, conversations: int) -> None:
    texts, chance = Texts(), random.Random(2)
    some = [chance.randrange(conversations) for _ in range(200)]
    print(f"{'milliseconds':<42}{'median':>9}{'longest':>9}")
    cursor: str | None = None

    async def next_page(_: int) -> None:
        nonlocal cursor
        cursor = (await store.conversations(before=cursor)).next

    async def next_match(_: int) -> None:
        nonlocal cursor
        cursor = (await store.conversations(query=COMMON, before=cursor)).next

    def search(query: str) -> Callable[[int], Awaitable[Any]]:
        return lambda _: store.conversations(query=query)

    await median("list, first page of 50", 50, lambda _: store.conversations())
    await median("list, the following pages", 50, next_page)
    await median("open a conversation", 200, lambda n: store.messages(f"c{some[n]}"))
    await median("read the thread of its last message", 200, lambda n: thread(store, some[n]))
    await median("search a word in 30 % of the messages", 30, search(COMMON))
    cursor = None
    await median("the same, the following pages", 30, next_match)
    await median("search a word in one message", 30, search(RARE))
    await median("search a word in no message", 30, search("zzyzx"))
    await median("search three frequent letters", 30, search("eta"))
    await median("search two frequent letters", 30, search("et"))
    await median("search two rare letters", 10, search("zq"))
    turns = list(make_turns(texts, conversations, 100))
    await median("store a question", 50, lambda n: store.begin(turns[n][0]))
    await median("store the end of its answer", 50, lambda n: store.append([turns[n][1]]))
    await median("delete a conversation", 10, lambda n: store.delete(f"c{some[n]}"))
    beside = BesideDeletions(store, conversations, some[10:])
    await median("store a turn while others are deleted", 20, beside)
    await beside.end()


async def thread(store: Store, conversation: int) -> None:
    home = await store.conversation(f"c{conversation}")
    assert home and home.current_id
    await store.thread(home.current_id)


class BesideDeletions:
    """Each call stores one turn while the store deletes another conversation."""

    def __init__(self, store: Store, conversations: int, victims: list[int]) -> None:
        self._store = store
        self._turns = make_turns(Texts(), conversations + 1, 1000)
        self._victims = victims
        self._deleting: asyncio.Task[None] | None = None

    async def __call__(self, number: int) -> None:
        if self._deleting is None or self._deleting.done():
            self._deleting = asyncio.create_task(self._store.delete(f"c{self._victims.pop()}"))
            await asyncio.sleep(0)
        new_answer, progress = next(self._turns)
        await self._store.begin(new_answer)
        await self._store.append([progress])

    async def end(self) -> None:
        if self._deleting:
            await self._deleting


async def run(conversations: int, messages: int, synchronous: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        data_dir = Path(directory) / "data"
        began = time.perf_counter()
        await build(data_dir, conversations, messages)
        size = sum(path.stat().st_size for path in data_dir.iterdir()) / 1e6
        took = time.perf_counter() - began
        print(f"{conversations} conversations of {messages} messages: {size:.0f} MB, {took:.0f} s")
        began = time.perf_counter()
        store = open_store(data_dir, synchronous=synchronous)
        print(f"{'open the store':<42}{(time.perf_counter() - began) * 1000:9.2f}")
        await measure(store, conversations)
        await store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=10_000, help="in the database")
    parser.add_argument("--messages", type=int, default=50, help="in each conversation")
    parser.add_argument("--synchronous", choices=SYNCHRONOUS, default="normal", help="as main.py's")
    options = parser.parse_args()
    asyncio.run(run(options.conversations, options.messages, options.synchronous))


if __name__ == "__main__":
    main()
