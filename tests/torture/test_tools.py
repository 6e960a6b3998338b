"""`kill -9` while tools run: nothing runs twice, and nothing is `done` that did not run."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from collections import Counter
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from deadlines import DEADLINE
from fake_upstream import FakeUpstream
from workers.pair import workers_of

from tests.tools_host.conftest import SERVER, call, script

from .conftest import Limits
from .server import ServerProcess

pytestmark = [
    pytest.mark.wide,
    pytest.mark.skipif(find_spec("mcp") is None, reason="the package mcp is not installed"),
]

#: Answers that are running when the server is killed, and the calls of each.
ANSWERS, CALLS = 6, 4


@pytest.mark.parametrize("victim", ["server", "worker"])
@pytest.mark.gen_test(timeout=7200)
async def test_no_call_runs_twice_and_none_is_done_that_did_not_run(
    upstream: FakeUpstream, tmp_path: Path, limits: Limits, summary: Any, victim: str
) -> None:
    """With two workers, a tenth of the kills: one of them is killed, and the other goes on."""
    file = tmp_path / "tornado-stream.toml"
    command = json.dumps([sys.executable, str(SERVER), str(tmp_path)])
    file.write_text(f"[tools.c]\ncommand = {command}\nallow = ['get_*']\n")
    workers = ("--workers", "2") if victim == "worker" else ()
    server = ServerProcess(tmp_path, upstream.url, "--config", str(file), *workers)
    kills = limits.kills if limits.long else 5
    kills = max(5, kills // 10) if workers else kills
    asked: list[str] = []
    try:
        for kill in range(kills):
            rng = limits.rng("tools", kill)
            asked += await _killed(server, f"k{kill}", rng, bool(workers))
        if not server.is_running():
            await server.start()
        file = tmp_path / "ran"
        ran = Counter(file.read_text().split() if file.exists() else [])
        counts = await _check(server, asked, ran)
    finally:
        server.kill()
    summary.row(f"kills of a {victim} while tools run", kills=kills, **counts)
    print(dict(counts))
    assert counts["twice"] == counts["done that did not run"] == counts["not accounted for"] == 0
    assert counts["ran"] > kills


async def _killed(server: ServerProcess, name: str, rng: random.Random, worker: bool) -> list[str]:
    """Ask, and kill the server or one of its workers after a while. Returns the conversations."""
    if not server.is_running():
        await server.start()
    state = "starting"
    while state == "starting":  # the imports of the host take a while
        listed = await server.client.request("GET", "/api/tools")
        state = listed.json()["servers"][0]["state"]
    assert state == "ready", listed.json()
    asking = [asyncio.ensure_future(_ask(server, f"{name}a{n}")) for n in range(ANSWERS)]
    await asyncio.sleep(rng.uniform(0, 1.5))
    if worker:
        with suppress(ProcessLookupError):
            os.kill(rng.choice(workers_of(server.pid)), signal.SIGKILL)
    else:
        server.kill()
    found = await asyncio.wait_for(asyncio.gather(*asking), DEADLINE)
    return [id for id in found if id]


async def _ask(server: ServerProcess, name: str) -> str | None:
    """Ask for some calls; returns the conversation's id, if the server came to tell it."""
    steps = [
        call("c__get_count", {"text": f"{name}c{number}"}, id=f"i{number}")
        for number in range(CALLS)
    ]
    body = {"message": name, "model": script(*steps, "say=end"), "tools": ["c"]}
    id = None
    try:
        stream = await server.client.open("POST", "/stream", body)
        async for event in stream:
            if event.name == "start":
                id = event.data["conversation_id"]
    except Exception:  # the server was killed
        pass
    return id


async def _check(server: ServerProcess, asked: list[str], ran: Counter[str]) -> Counter[str]:
    """Compare what ran with what the server says of it."""
    counts = Counter(ran=len(ran), twice=sum(number > 1 for number in ran.values()))
    told: dict[str, str] = {}
    for id in asked:
        response = await server.client.request("GET", f"/api/conversations/{id}")
        for message in response.json()["messages"]:
            for part in message["parts"]:
                if part["type"] == "call":
                    text = json.loads(part["arguments"])["text"]
                    assert text not in told, "a call is told once"
                    told[text] = part["state"]
            undecided = [p["id"] for p in message["parts"] if p.get("state") == "unknown"]
            assert message["waiting"] == undecided
    for text, state in told.items():
        counts[state] += 1
        counts["unknown that ran"] += state == "unknown" and text in ran
        counts["done that did not run"] += state == "done" and text not in ran
    counts["not accounted for"] = sum(told.get(text) not in ("done", "unknown") for text in ran)
    return counts
