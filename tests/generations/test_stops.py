"""Many stops, in every phase: each closes the upstream's socket and leaves nothing behind."""

from __future__ import annotations

import asyncio
import gc
import os
import time
from dataclasses import replace

import pytest
from client import Client, deaf_listener, until
from deadlines import LONG, at_most

#: The number of stops; a quarter of them in each phase.
STOPS = int(os.environ.get("STOPS") or (1000 if LONG else 200))
#: Seconds until the upstream's socket is closed.
LIMIT = at_most(0.15)


def open_descriptors() -> int:
    try:
        return len(os.listdir("/proc/self/fd"))
    except FileNotFoundError:
        return 0


@pytest.mark.timed
@pytest.mark.gen_test(timeout=500)
async def test_stop_at_every_phase_leaves_nothing(serve, settings, upstream):
    with deaf_listener() as (deaf, _):
        unreachable = serve(replace(settings, base_url=f"http://127.0.0.1:{deaf.getsockname()[1]}"))
        chat = serve(settings)
        await stop_one(chat, "say=a;stall", delta=True)  # warm
        tasks, descriptors = len(asyncio.all_tasks()), open_descriptors()
        took: list[float] = []
        for _ in range(STOPS // 4):
            took += await asyncio.gather(
                stop_one(unreachable, "say=a"),
                stop_one(chat, "nohead=600"),
                stop_one(chat, "gap=0.001;count=100000", delta=True),
                stop_one(chat, "say=a;stall", delta=True),
            )
            await until(lambda: not upstream.open_streams, what="an upstream socket is open")
    await until(lambda: len(asyncio.all_tasks()) <= tasks, what="tasks are left")
    gc.collect()
    await until(lambda: open_descriptors() <= descriptors, what="descriptors are left")
    assert len(took) == STOPS // 4 * 4
    took.sort()
    print(f"\n{len(took)} stops: median {took[len(took) // 2] * 1000:.1f} ms,", end=" ")
    print(f"p99 {took[len(took) * 99 // 100] * 1000:.1f} ms, max {took[-1] * 1000:.1f} ms")
    assert took[-1] < LIMIT


async def stop_one(chat: Client, script: str, *, delta: bool = False) -> float:
    """Start an answer and stop it. Returns the seconds until Stop was answered."""
    stream = await chat.send(model=script)
    id = (await stream.until("start")).data["generation_id"]
    if delta:
        await stream.until("delta")
    began = time.monotonic()
    response = await chat.stop(id)
    took = time.monotonic() - began
    assert response.json()["state"] == "stopped"
    assert response.json()["stop"]["upstream_closed_ms"] < LIMIT * 1000
    answer = await stream.read()
    assert answer.end["state"] == "stopped"
    return took
