"""How long a million messages take to list, open and search: `make bench-messages`.

The same messages of one user are stored in SQLite and in a PostgreSQL of their own, as imports
store them. In PostgreSQL the index of the search is made afterwards, as a restored database makes
it. Then each question is asked again and again; the figures are medians.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from postgres import Engine, why_not  # noqa: E402

from tornado_stream.store import open_store  # noqa: E402
from tornado_stream.store.base import Store  # noqa: E402
from tornado_stream.values.messages import Conversation, Message  # noqa: E402

#: Messages of a conversation, and words of a message.
TURNS, WORDS = 100, 40
INDEX = "CREATE INDEX texts_trigrams ON texts USING gin (folded gin_trgm_ops)"
#: Milliseconds that the median of a question may take.
TARGET = 50.0

VOCABULARY = [
    "".join(random.Random(n).choices("abcdefghijklmnopqrstuvwxyzäöü", k=3 + n % 8))
    for n in range(20_000)
]


def conversation(number: int) -> tuple[Conversation, list[Message]]:
    rng = random.Random(number)
    home = Conversation(f"c{number}", f"title {number}", None, None, number, number)
    messages: list[Message] = []
    for turn in range(TURNS):
        # A few words are frequent, and most are rare, as in a language.
        words = [VOCABULARY[int(len(VOCABULARY) * rng.random() ** 3)] for _ in range(WORDS)]
        if turn == 7 and number % 500 == 3:
            words.append("東京タワーへ行く Nadelöhr")
        role = "assistant" if turn % 2 else "user"
        parent = messages[-1].id if messages else None
        state = "done" if role == "assistant" else None
        id, text = f"m{number}-{turn}", " ".join(words)
        messages.append(Message(id, home.id, parent, role, text, number, state=state))
    return replace(home, current_id=messages[-1].id), messages


async def fill(store: Store, count: int) -> None:
    for number in range(count // TURNS):
        await store.adopt(*conversation(number))


def questions(count: int) -> dict[str, Callable[[Store], Awaitable[Any]]]:
    homes = count // TURNS
    rng = random.Random(1)

    def search(query: str) -> Callable[[Store], Awaitable[Any]]:
        return lambda store: store.conversations(query=query)

    async def open_one(store: Store) -> None:
        found = await store.outline(f"c{rng.randrange(homes)}", current=True)
        assert found
        await store.messages_at(found[1])

    async def deep(store: Store) -> None:
        before = None
        for _ in range(5):
            before = (await store.conversations(before=before)).next

    return {
        "the list": lambda store: store.conversations(),
        "five pages of the list": deep,
        "open a conversation": open_one,
        "search: a frequent word": search(VOCABULARY[5]),
        "search: a rare word": search(VOCABULARY[-7]),
        "search: in 20 conversations": search("nadelöhr"),
        "search: three signs of Japanese": search("タワー"),
        "search: nothing": search("xxyyzzxxyyzz"),
        "search: two characters": search("ab"),
        "search: one character": search("q"),
        "search: two that are rare": search("東京"),
    }


async def ask(name: str, store: Store, count: int, times: int) -> None:
    for question, work in questions(count).items():
        took = []
        for _ in range(times):
            began = time.perf_counter()
            try:
                await work(store)
            except Exception as error:
                print(f"{question}: {error}")
            took.append((time.perf_counter() - began) * 1e3)
        print(f"{name:<10} {question:<34} {statistics.median(took):9.1f} ms", flush=True)


async def measure(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as directory:
        if "sqlite" in options.stores:
            store = open_store(Path(directory))
            await timed("sqlite", fill(store, options.messages))
            indexed = asyncio.to_thread(wait_for_index, Path(directory))
            await timed("sqlite", indexed, "its index")
            await ask("sqlite", store, options.messages, options.times)
            await store.close()
    if "postgres" in options.stores:
        engine = Engine(options={"shared_buffers": "512MB", "maintenance_work_mem": "1GB"})
        try:
            url = await asyncio.to_thread(engine.new_database)
            store = open_store(Path(directory), database=url)
            await store.open()
            await asyncio.to_thread(engine.execute, "DROP INDEX texts_trigrams", url)
            await timed("postgres", fill(store, options.messages))
            began = time.monotonic()
            await asyncio.to_thread(engine.execute, INDEX, url)
            await asyncio.to_thread(engine.execute, "ANALYZE", url)
            print(f"{'postgres':<10} {'its index':<34} {time.monotonic() - began:9.1f} s")
            await ask("postgres", store, options.messages, options.times)
            await store.close()
        finally:
            engine.close()


def wait_for_index(directory: Path) -> None:
    """Wait until SQLite's store has made the index of its search, beside other work."""
    (path,) = directory.glob("*.db")
    with closing(sqlite3.connect(path)) as db:
        while db.execute("SELECT EXISTS (SELECT 1 FROM unindexed)").fetchone()[0]:
            time.sleep(0.5)


async def timed(name: str, work: Awaitable[None], what: str = "to store them") -> None:
    began = time.monotonic()
    await work
    print(f"{name:<10} {what:<34} {time.monotonic() - began:9.1f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=15)
    parser.add_argument("--stores", nargs="+", default=["sqlite", "postgres"])
    options = parser.parse_args()
    if "postgres" in options.stores and (reason := why_not()):
        sys.exit(f"nothing was measured: {reason}")
    asyncio.run(measure(options))


if __name__ == "__main__":
    main()
