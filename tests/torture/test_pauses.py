"""A server that is stopped (SIGSTOP) for longer than its limits while upstreams go on sending.

What an upstream sent meanwhile lies in the socket, as it does after a laptop slept or a virtual
machine was paused. `make torture` stops twenty servers for 90 s with the usual `--idle-timeout 60`.
"""

from __future__ import annotations

import asyncio
import random
import signal
from functools import partial
from typing import Any

import pytest
from client import Client
from deadlines import LONG

from .conftest import Limits

pytestmark = pytest.mark.wide

#: How many servers are stopped, for how many seconds, and their limit of silence.
SERVERS, STOPPED, IDLE = (20, 90.0, 60.0) if LONG else (4, 2.5, 1.0)
#: Answers that last longer than the time in which the server is stopped, and some that end then.
SCRIPTS = [
    "gap={gap};count=40",
    "say=begin;wait={silence};gap={gap};count=10",
    "nohead={silence};gap={gap};count=20",
    "think=hm;gap={gap};count=20;usage=7",
    "gap={gap};count=12;finish=stop",  # without [DONE]
]


@pytest.mark.gen_test(timeout=900)
async def test_what_came_while_the_server_was_stopped_is_kept(
    limits: Limits, summary: Any, upstream: Any, start_server: Any
) -> None:
    make = partial(start_server, upstream)
    ends = await asyncio.gather(*(stop_one(limits, n, make) for n in range(SERVERS)))
    answers = [end for server in ends for end in server]
    assert set(answers) == {"done"}
    assert len(upstream.requests) == len(answers), "a request was sent twice"
    summary.row(f"stopped for {STOPPED:g} s", servers=SERVERS, answers=len(answers), lost=0)


async def stop_one(limits: Limits, number: int, make: Any) -> list[str]:
    """Stop a server in the midst of several answers. Returns how they ended."""
    rng = limits.rng("pause", number)
    names = ("--idle-timeout", "--first-byte-timeout", "--write-timeout", "--connect-timeout")
    server = make(*(word for name in names for word in (name, str(IDLE))))
    await server.start()
    gap = STOPPED / 30
    scripts = [script.format(gap=gap, silence=IDLE * 0.6) for script in SCRIPTS]
    asking = [asyncio.ensure_future(ask(server.client, script)) for script in scripts]
    await asyncio.sleep(rng.uniform(0.2, 0.8) * IDLE)
    server.signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(STOPPED)
    finally:
        server.signal(signal.SIGCONT)
    ends = await asyncio.gather(*asking)
    assert "Traceback" not in server.log.read_text()
    return list(ends)


async def ask(client: Client, script: str) -> str:
    answer = await client.ask(model=script)
    count = int(script.partition("count=")[2].partition(";")[0])
    whole = "".join(f"t{n} " for n in range(count))
    assert answer.text == ("begin" if script.startswith("say") else "") + whole, answer.end
    if "usage" in script:
        assert answer.end["usage"]["completion_tokens"] == 7
    state: str = answer.end["state"]
    return state


@pytest.mark.gen_test(timeout=300)
async def test_a_client_that_reads_meanwhile_is_not_cut_off(
    upstream: Any, start_server: Any
) -> None:
    """The server cannot send while it is stopped, so the time of its write limit stands still."""
    server = start_server(upstream, "--write-timeout", "1", "--heartbeat", "0.5")
    await server.start()
    stream = await server.client.send(model="fill=1000x4000;hold=read;say=end")
    await stream.until("delta")
    await asyncio.sleep(0.2)  # the buffers are full
    server.signal(signal.SIGSTOP)
    try:
        reading = asyncio.ensure_future(stream.read())  # all that the system had buffered
        await asyncio.sleep(2.5)
    finally:
        server.signal(signal.SIGCONT)
    upstream.holds["read"].set()
    answer = await reading
    assert answer.end["state"] == "done" and len(answer.text) == 4_000_003


@pytest.mark.gen_test(timeout=300)
async def test_silence_after_the_pause_still_ends_an_answer(
    upstream: Any, start_server: Any
) -> None:
    server = start_server(upstream, "--idle-timeout", "1")
    await server.start()
    stream = await server.client.send(model="say=a;stall")
    await stream.until("delta")
    server.signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(random.uniform(2, 3))
    finally:
        server.signal(signal.SIGCONT)
    end = (await stream.read()).end
    assert (end["state"], end["error"]["code"]) == ("cut_off", "idle_timeout")
