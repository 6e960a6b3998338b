"""Fills a data directory with hundreds of conversations, all with fixed times."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from tornado_stream.store import open_store
from tornado_stream.store.base import NewAnswer, Progress, Store
from tornado_stream.values.events import encode_event
from tornado_stream.values.messages import Conversation, Message

ZONE = "Europe/Berlin"
#: The time at which the tests open the page.
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=ZoneInfo(ZONE))
#: How many conversations were last written to, and how long before `NOW`.
WRITTEN = [
    (timedelta(hours=1), 3),
    (timedelta(days=1), 2),
    (timedelta(days=7), 4),
    (timedelta(days=30), 6),
    (timedelta(days=45), 5),
    (timedelta(days=400), 300),
]
MANY = sum(count for _, count in WRITTEN)
TALK = "A long talk"


def fill(data: Path) -> None:
    with ThreadPoolExecutor(1) as aside:  # Playwright runs its loop on this thread
        aside.submit(lambda: asyncio.run(_fill(data))).result()


async def _fill(data: Path) -> None:
    """Titles are `number 0`, the newest, and so on; the long talk is from yesterday."""
    store = open_store(data)
    times = [NOW - ago for ago, count in WRITTEN for _ in range(count)]
    for number in reversed(range(len(times))):
        if number == WRITTEN[0][1]:
            await _talk(store, times[number])
        at = int(times[number].timestamp() * 1000)
        id = f"{number:08x}-0000-4000-8000-000000000000"
        await store.create(Conversation(id, f"number {number}", None, None, at, at))
    await store.close()


async def _talk(store: Store, when: datetime) -> None:
    """Twenty questions with their answers; the third answer contains the word needle."""
    at = int(when.timestamp() * 1000)
    home = Conversation("a0000000-0000-4000-8000-000000000000", TALK, None, None, at, at)
    parent = None
    for turn in range(20):
        id = f"a000{turn:04x}-0000-4000-8000-00000000000"
        user = Message(f"{id}1", home.id, parent, "user", f"question {turn}", at)
        content = "word " * 200 + ("a needle " if turn == 2 else "") + "word " * 50
        answer = Message(
            f"{id}2", home.id, user.id, "assistant", "", at, state="running", generation_id=f"{id}3"
        )
        parent = answer.id
        frames = [encode_event(2, "delta", {"content": content}), encode_event(3, "end", {})]
        start = encode_event(1, "start", {})
        await store.begin(NewAnswer(f"{id}3", b"", None if turn else home, (user,), answer, start))
        done = replace(answer, content=content, state="done", finish_reason="stop")
        await store.append([Progress(f"{id}3", 2, frames, done)])
