"""An answer leaves no reference cycles, however it ends.

Only a full garbage collection frees a cycle. Minutes may pass between two of these, and an answer
may hold megabytes.
"""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from client import Client, until


async def ask(chat: Client) -> None:
    await chat.ask("a b c")


async def resume(chat: Client) -> None:
    answer = await chat.ask("a b c")
    await chat.resume(answer.start["generation_id"])


async def leave(chat: Client) -> None:
    stream = await chat.send("hi", model="gap=0.01;count=5")
    await stream.until("delta")
    stream.close()


async def stop(chat: Client) -> None:
    stream = await chat.send("hi", model="say=x;stall")
    start = await stream.until("start")
    await chat.stop(start.data["generation_id"])
    await stream.read()


def broken(end: str) -> Callable[[Client], Awaitable[Any]]:
    return lambda chat: chat.ask("hi", model=end)


@pytest.mark.parametrize(
    "use",
    [ask, resume, leave, stop]
    + [broken(end) for end in ("status=500", "say=x;reset", "say=x;badchunk", "say=x;close")],
    ids=["done", "resumed", "left", "stopped", "refused", "reset", "malformed", "closed"],
)
@pytest.mark.gen_test
async def test_an_answer_leaves_no_cycles(use: Any, chat: Client) -> None:
    application = chat.application
    assert application
    await use(chat)  # so that objects that live as long as the server exist
    await settled(application)
    gc.collect()
    gc.disable()
    try:
        await use(chat)
        await settled(application)
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found = Counter(type(one).__qualname__ for one in gc.garbage if is_ours(one))
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert not found


async def settled(application: Any) -> None:
    await until(lambda: not (len(application.generations) or application.streams))
    for _ in range(5):  # connections close in the next iterations of the loop
        await asyncio.sleep(0.01)


def is_ours(one: object) -> bool:
    """Whether the object belongs to an answer. asyncio makes a cycle of each closed connection."""
    module = type(one).__module__
    part_of_connection = type(one).__qualname__ in ("UpstreamConnection", "Origin")
    return module.startswith("tornado_stream.") and not part_of_connection
