"""Large requests of programs are answered, and hold up no other client.

The server is a process of its own, and so is the upstream of the large requests. Beside them runs
an answer whose upstream sends a piece every few milliseconds: the times in its events show for how
long the server did nothing else.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from client import Answer, Client
from deadlines import LONG
from process import environ
from torture.server import ServerProcess

FAKE = Path(__file__).parents[1] / "fake_upstream.py"
#: Seconds between the pieces of the paced answer, and a name for it that is its script.
GAP, PACED = 0.005, "gap=0.005;count=100000"
#: Seconds for which no request may hold the loop, and one of 32 MiB. A busy machine takes its own
#: time beside it.
HELD, HELD_AT_LIMIT = (0.05, 0.1) if LONG else (5.0, 5.0)
#: Each request is made so often, and the best time counts: the machine has other work too.
TRIES = 5 if LONG else 1
CONFIG = """
[upstream.paced]
base_url = "{paced}"
models = ["{name}"]

[upstream.large]
base_url = "{large}"
models = ["say=ok"]
"""


def rounds_of_tools(count: int) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Read all."}]
    for number in range(count):
        function = {"name": "read", "arguments": json.dumps({"path": f"a/{number}", "lines": 9})}
        call = {"id": f"call_{number}", "type": "function", "function": function}
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": call["id"], "content": "nothing"})
    return {"messages": messages}


def picture(size: int) -> dict[str, Any]:
    data = base64.b64encode(random.Random(1).randbytes(size * 3 // 4)).decode()
    parts = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}]
    return {"messages": [{"role": "user", "content": parts}]}


def tools(count: int) -> dict[str, Any]:
    members = {f"m{n}": {"type": "string", "enum": ["a", "b"]} for n in range(15)}
    parameters = {"type": "object", "properties": members, "required": list(members)}
    functions = [{"name": f"t{n}", "parameters": parameters} for n in range(count)]
    listed = [{"type": "function", "function": function} for function in functions]
    return {"messages": [{"role": "user", "content": "hi"}], "tools": listed}


def messages(count: int) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": str(number)} for number in range(count)]}


REQUESTS = {
    "rounds of tools": lambda: rounds_of_tools(2500),
    "messages": lambda: messages(20_000),
    "tools": lambda: tools(800),
    "a picture of 6 MB": lambda: picture(6_000_000),
    "a picture at the limit": lambda: picture(32 * 1024 * 1024 - 300),
    "a text with quotes": lambda: {
        "messages": [{"role": "user", "content": '[1, "a", {}]\n' * 400_000}]
    },
}


@pytest.fixture
def large() -> Iterator[str]:
    """The base URL of the upstream of the large requests."""
    command = [sys.executable, str(FAKE)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ())
    assert process.stdout
    yield process.stdout.readline().strip()
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.fixture
def server(io_loop: Any, upstream: Any, large: str, tmp_path: Path) -> Iterator[Client]:
    config = tmp_path / "upstreams.toml"
    config.write_text(CONFIG.format(paced=upstream.url, large=large, name=PACED))
    process = ServerProcess(tmp_path, upstream.url, "--config", str(config))
    io_loop.run_sync(process.start)
    yield process.client
    process.kill()


@pytest.mark.wide
@pytest.mark.timed
@pytest.mark.gen_test
@pytest.mark.parametrize("name", REQUESTS)
async def test_a_large_request_of_a_program_holds_up_nobody(server, name):
    body = json.dumps({**REQUESTS[name](), "model": "say=ok"}).encode()
    paced = await server.send(model=PACED)
    await paced.until("delta")
    reading = asyncio.ensure_future(paced.read())
    try:
        held = [await held_by(server, paced.answer, body) for _ in range(TRIES)]
    finally:
        await server.stop(paced.answer.start["generation_id"])
        await reading
    print(f"{name}: the loop was held for {min(held) * 1000:.0f} to {max(held) * 1000:.0f} ms")
    assert min(held) <= (HELD_AT_LIMIT if len(body) > 30_000_000 else HELD)


async def held_by(server: Client, paced: Answer, body: bytes) -> float:
    """The longest pause of the paced answer while the request is answered, less its gap."""
    begun = len(paced.events)
    await asyncio.sleep(GAP * 4)
    response = await server.request("POST", "/v1/chat/completions", body)
    await asyncio.sleep(GAP * 4)
    assert response.status == 200, response.body[:300]
    assert response.json()["choices"][0]["message"]["content"] == "ok"
    times = [event.data["t"] / 1000 for event in paced.events[begun:]]
    return max(after - before for before, after in pairwise(times)) - GAP
