"""Two servers over one PostgreSQL, in whose answers tools run: the servers, their tool hosts and
their servers of tools are killed, answers are stopped, and five people decide on a call at once.
Nothing runs twice, nothing is `done` that did not run, and whatever ran is `done` or `unknown`.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import uuid
from collections import Counter
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from client import Answer
from deadlines import DEADLINE
from fake_upstream import FakeUpstream
from postgres import Engine

from tests.tools_host.conftest import SERVER, call, script
from tests.tools_host.two import CHILD, children, command_line

from .conftest import Limits
from .server import ServerProcess

pytestmark = [
    pytest.mark.wide,
    pytest.mark.skipif(find_spec("mcp") is None, reason="the package mcp is not installed"),
]

#: Answers at a time, the calls of each that run unasked, and the troubles meanwhile.
ANSWERS, CALLS, TROUBLES = 6, 3, 3
#: Those who decide on each call.
PEOPLE = 5
#: Those of the troubles that kill something.
KILLS = "server", "tool host", "server of tools"


class Pair:
    """Both servers, and what was asked of them."""

    def __init__(self, folder: Path, upstream: str, database: str) -> None:
        file = folder / "tornado-stream.toml"
        command = json.dumps([sys.executable, str(SERVER), str(folder)])
        file.write_text(f"[tools.c]\ncommand = {command}\nallow = ['get_*']\n")
        self.servers = []
        for name in ("first", "second"):
            (folder / name).mkdir()
            arguments = folder / name, upstream, "--config", str(file)
            variables = {"TORNADO_STREAM_DATABASE": database}
            self.servers.append(ServerProcess(*arguments, variables=variables))
        self.counts: Counter[str] = Counter()
        self.conversations: list[str] = []
        self._running: set[str] = set()

    async def start(self) -> None:
        """Start those that were killed; returns when both can use the tools."""
        await asyncio.gather(*(one.start() for one in self.servers if not one.is_running()))
        await asyncio.gather(*(self._tools(one) for one in self.servers))

    async def _tools(self, server: ServerProcess) -> None:
        state = "starting"
        while state == "starting":  # the imports of the host take a while
            listed = (await server.client.request("GET", "/api/tools")).json()["servers"]
            state = listed[0]["state"]
        assert state == "ready", listed

    def close(self) -> None:
        for one in self.servers:
            one.kill()

    async def ask(self, rng: random.Random, name: str) -> None:
        """Ask for calls that run unasked, then for one on which all decide at both servers."""
        steps = [
            call("c__get_count", {"text": f"{name}c{number}"}, id=f"i{number}")
            for number in range(CALLS)
        ]
        steps.append(call("c__count", {"text": f"{name}asked"}, id="asked"))
        body = {"model": script(*steps, "say=end"), "tools": ["c"]}
        answer = await self._read(rng.choice(self.servers), message=name, **body)
        if answer and answer.end["waiting"] == ["asked"]:
            ids = {"parent_id": answer.start["message_id"], "decide": {"asked": "run"}}
            people = [self._read(one, message=None, **ids) for one in self._twos(rng)]
            decided = [one for one in await asyncio.gather(*people) if one]
            self.counts["decisions"] += len(decided)
            assert len(decided) <= 1, f"{name}: two decisions were taken"

    def _twos(self, rng: random.Random) -> list[ServerProcess]:
        return [rng.choice(self.servers) for _ in range(PEOPLE)]

    async def _read(self, server: ServerProcess, **body: Any) -> Answer | None:
        """The answer; None where it was refused or cut short."""
        body["request_id"] = id = str(uuid.uuid4())
        try:
            stream = await server.client.open("POST", "/stream", body)
            async for event in stream:
                if event.name == "start":
                    self._running.add(id)
                    self.conversations.append(event.data["conversation_id"])
            return stream.answer if stream.answer.end else None
        except Exception:  # the server was killed, or has refused the request
            return None
        finally:
            self._running.discard(id)

    async def trouble(self, rng: random.Random) -> None:
        await asyncio.sleep(rng.uniform(0, 1))
        kind = rng.choice([*KILLS, "stop"])
        server = rng.choice(self.servers)
        with suppress(Exception):  # it may have ended already
            if kind == "stop":
                await server.client.stop(rng.choice(sorted(self._running)))
            elif kind == "server":
                assert server.is_running()
                server.kill()
            else:
                self._kill_child(server, kind)
            self.counts[kind] += 1

    def _kill_child(self, server: ServerProcess, kind: str) -> None:
        (pid,) = (one for one in children(server.pid) if CHILD in command_line(one))
        if kind == "server of tools":
            (pid,) = children(pid)
        os.kill(pid, signal.SIGKILL)

    @property
    def kills(self) -> int:
        return sum(self.counts[kind] for kind in KILLS)

    async def settled(self) -> list[list[dict[str, Any]]]:
        """The messages of all conversations, once nothing runs any more."""
        return [await self._messages(id) for id in dict.fromkeys(self.conversations)]

    async def _messages(self, id: str) -> list[dict[str, Any]]:
        async with asyncio.timeout(DEADLINE):
            while True:
                path = f"/api/conversations/{id}"
                response = await self.servers[0].client.request("GET", path)
                messages: list[dict[str, Any]] = response.json()["messages"]
                if all(message["state"] != "running" for message in messages):
                    return messages
                await asyncio.sleep(0.1)


@pytest.mark.timeout(14400)
@pytest.mark.gen_test(timeout=14400)
async def test_whoever_is_killed_no_call_runs_twice(
    upstream: FakeUpstream, postgres: Engine, tmp_path: Path, limits: Limits, summary: Any
) -> None:
    pair = Pair(tmp_path, upstream.url, postgres.new_database())
    kills = limits.kills if limits.long else 6
    cycles = 0
    try:
        while pair.kills < kills:
            rng = limits.rng("tools of instances", cycles)
            cycles += 1
            await pair.start()
            async with asyncio.TaskGroup() as group:
                for number in range(ANSWERS):
                    group.create_task(pair.ask(rng, f"k{cycles}a{number}"))
                for _ in range(TROUBLES):
                    group.create_task(pair.trouble(rng))
        await pair.start()
        conversations = await pair.settled()
        ran = Counter((tmp_path / "ran").read_text().split())
    finally:
        pair.close()
    judge(conversations, ran, pair.counts)
    summary.row("tools of two instances", cycles=cycles, **pair.counts)
    print(dict(pair.counts))
    for wrong in ("twice", "done that did not run", "not accounted for"):
        assert pair.counts[wrong] == 0, (wrong, limits.seed)
    assert pair.counts["ran"] > cycles and pair.counts["decisions"]


def judge(
    conversations: list[list[dict[str, Any]]], ran: Counter[str], counts: Counter[str]
) -> None:
    """Compare what ran with what the messages say of it."""
    told: dict[str, set[str]] = {}
    for message in (message for messages in conversations for message in messages):
        undecided = []
        for part in message["parts"]:
            if part["type"] == "call":
                text = json.loads(part["arguments"])["text"]
                told.setdefault(text, set()).add(part["state"])
                if part["state"] in ("waiting", "unknown") and not part["decision"]:
                    undecided.append(part["id"])
        assert message["waiting"] == undecided
    counts["ran"] = len(ran)
    counts["twice"] = sum(number > 1 for number in ran.values())
    for text, states in told.items():
        assert states <= {"done", "unknown", "waiting", "failed"}, (text, states)
        assert len(states - {"waiting"}) <= 1, (text, states)
        counts.update(states)
        counts["unknown that ran"] += "unknown" in states and text in ran
        counts["done that did not run"] += "done" in states and text not in ran
    known = {text for text, states in told.items() if states & {"done", "unknown"}}
    counts["not accounted for"] = len(ran.keys() - known)
