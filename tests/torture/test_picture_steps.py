"""Large pictures hold up nobody: no step of the loop is long, while ten other answers run.

The server and the upstream are processes of their own, and the server measures the steps of its
loop (tests/watched.py).
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from client import Answer
from deadlines import DEADLINE, LONG, at_most
from pictures import png
from process import environ

from .conftest import Summary
from .server import ServerProcess

TESTS = Path(__file__).resolve().parent.parent
#: The longest step, in seconds of processor time. A machine with other work makes it longer.
LONGEST = 0.05 if LONG else 0.5
#: Answers beside the pictures, and how they come.
BESIDE, MODEL = 10, "gap=0.005;count=100000"
PICTURES = 10 if LONG else 3
SIZE = 20 * 1024 * 1024 - 1000
#: The first picture loads what all others need.
WARM = 2_000_000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    command = [sys.executable, str(TESTS / "fake_upstream.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ()) as upstream:
        assert upstream.stdout
        url = upstream.stdout.readline().strip()
        variables = {"WATCH": str(tmp_path / "steps.json")}
        server = ServerProcess(tmp_path, url, program=TESTS / "watched.py", variables=variables)
        yield server
        server.kill()
        upstream.kill()


def gaps_of(answer: Answer) -> list[float]:
    """Seconds between the events of an answer, as the server tells them."""
    times = [event.data["t"] / 1000 for event in answer.events]
    return [after - before for before, after in pairwise(times)]


async def measured(
    server: ServerProcess, reading: list[Any], beside: list[Any], folder: Path
) -> tuple[dict[str, Any], list[float]]:
    """Stop the answers and the server. What tests/watched.py has measured, and the seconds between
    the events of the answers, the shortest first."""
    for stream in beside:
        await server.client.stop(stream.answer.start["generation_id"])
    answers = await asyncio.wait_for(asyncio.gather(*reading), DEADLINE)
    assert {answer.end["state"] for answer in answers} == {"stopped"}
    server.signal(signal.SIGTERM)
    assert await server.wait() == 0
    steps = json.loads((folder / "steps.json").read_text())
    assert steps["steps"] > 0
    return steps, sorted(gap for answer in answers for gap in gaps_of(answer))


async def upload(server: ServerProcess, data: bytes) -> str:
    response = await server.client.request("POST", "/api/files?name=a.png", data)
    assert response.status == 201
    return str(response.json()["id"])


async def draw(server: ServerProcess, size: int) -> None:
    answer = await server.client.ask("Draw.", model=f"say=Here: ;picture={size};say=ok")
    assert (answer.end["state"], answer.text) == ("done", "Here: ok")
    assert [event for event in answer.events if event.data.get("images")]


async def send(server: ServerProcess, size: int) -> None:
    file = await upload(server, png(noise=os.urandom(size)))
    answer = await server.client.ask("What is it?", files=[file], model="say=ok")
    assert (answer.end["state"], answer.text) == ("done", "ok")


@pytest.mark.wide
@pytest.mark.timed
@pytest.mark.gen_test(timeout=600)
@pytest.mark.parametrize(("way", "size"), [(draw, SIZE), (send, 10_000_000)])
async def test_a_large_picture_holds_up_no_other_answer(
    server: ServerProcess, summary: Summary, tmp_path: Path, way: Any, size: int
) -> None:
    await server.start()
    await way(server, WARM)
    beside = [await server.client.send("a", model=MODEL) for _ in range(BESIDE)]
    reading = [asyncio.ensure_future(stream.read()) for stream in beside]
    for _ in range(PICTURES):
        await way(server, size)
    steps, gaps = await measured(server, reading, beside, tmp_path)
    p99 = gaps[len(gaps) * 99 // 100]
    summary.row(
        f"pictures of {size // 1_000_000} MB, {'received' if way is draw else 'sent'}",
        pictures=PICTURES,
        longest_step_ms=round(steps["cpu"] * 1000, 1),
        gaps=len(gaps),
        p99_ms=round(p99 * 1000),
    )
    assert steps["cpu"] <= LONGEST, steps["longest"]
    assert p99 <= at_most(0.05)
