"""Servers of tools that flood, hang, lie, die and start again hold up nobody: no step of the loop
is long, while ten other answers run.

The server, the upstream and the server of tools are processes of their own, and the server measures
the steps of its loop (tests/watched.py).
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from deadlines import LONG, at_most
from process import environ

from tests.tools_host.conftest import SERVER, call, script

from .conftest import Summary
from .server import ServerProcess
from .test_picture_steps import BESIDE, MODEL, TESTS, measured

#: The longest step, in seconds of processor time, which other work on the machine hardly changes.
LONGEST = 0.05
ROUNDS = 10 if LONG else 1
#: What the tool does, and what becomes of its call.
HOSTILE = [
    ("flood", "unknown"),
    ("line", "unknown"),
    ("hang", "unknown"),
    ("count", "failed"),  # the program still hangs; then it is started again
    ("count", "done"),
    ("die", "unknown"),
    ("count", "done"),
    ("lie", "failed"),
    ("large", "done"),
    ("draw", "done"),
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    file = tmp_path / "tornado-stream.toml"
    tools = json.dumps([sys.executable, str(SERVER), str(tmp_path)])
    file.write_text(f"[tools.c]\ncommand = {tools}\nallow = ['*']\ntimeout = 5\n")
    command = [sys.executable, str(TESTS / "fake_upstream.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ()) as upstream:
        assert upstream.stdout
        url = upstream.stdout.readline().strip()
        watch = {"WATCH": str(tmp_path / "steps.json")}
        arguments = ["--config", str(file)]
        program = TESTS / "watched.py"
        server = ServerProcess(tmp_path, url, *arguments, program=program, variables=watch)
        yield server
        server.kill()
        upstream.kill()


async def use(server: ServerProcess, tool: str) -> str:
    """Let a model call the tool, and return what became of the call."""
    answer = await server.client.ask("a", model=script(call(f"c__{tool}"), "say=b"), tools=["c"])
    return str([e.data["state"] for e in answer.events if e.name == "tool"][-1])


@pytest.mark.wide
@pytest.mark.timed
@pytest.mark.skipif(find_spec("mcp") is None, reason="the package mcp is not installed")
@pytest.mark.gen_test(timeout=900)
async def test_a_hostile_server_of_tools_holds_up_no_other_answer(
    server: ServerProcess, summary: Summary, tmp_path: Path
) -> None:
    await server.start()
    state = "starting"
    while state == "starting":  # the imports of the host take a while
        listed = await server.client.request("GET", "/api/tools")
        state = listed.json()["servers"][0]["state"]
    assert await use(server, "count") == "done"
    beside = [await server.client.send("a", model=MODEL) for _ in range(BESIDE)]
    reading = [asyncio.ensure_future(stream.read()) for stream in beside]
    for _ in range(ROUNDS):
        for tool, becomes in HOSTILE:
            assert (tool, await use(server, tool)) == (tool, becomes)
    steps, gaps = await measured(server, reading, beside, tmp_path)
    p99 = gaps[len(gaps) * 99 // 100]
    summary.row(
        "servers of tools that flood, hang, lie and die",
        calls=ROUNDS * len(HOSTILE),
        longest_step_ms=round(steps["cpu"] * 1000, 1),
        gaps=len(gaps),
        p99_ms=round(p99 * 1000),
    )
    print(f"longest step {1000 * steps['cpu']:.1f} ms, p99 of gaps {1000 * p99:.0f} ms")
    assert steps["cpu"] <= LONGEST, steps["longest"]
    assert p99 <= at_most(0.05)
