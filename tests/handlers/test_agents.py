"""What agents send fits into `/v1`, and no request holds up the answers of others.

The server is a process of its own, and so is the upstream of the large requests. Beside them runs
an answer whose upstream sends a piece every few milliseconds: the times in its events show for
how long the server did nothing else.
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

pytestmark = [pytest.mark.wide, pytest.mark.timed]

FAKE = Path(__file__).parents[1] / "fake_upstream.py"
#: Seconds between the pieces of the paced answer, and a name for it that is its script.
GAP, PACED = 0.005, "gap=0.005;count=100000"
#: Seconds for which no request may hold the loop. A busy machine takes its own time beside it.
HELD = 0.05 if LONG else 0.5
#: Each request is made so often, and the best time counts: the machine has other work too.
TRIES = 5
CONFIG = """
[upstream.paced]
base_url = "{paced}"
models = ["{name}"]

[upstream.large]
base_url = "{large}"
models = ["say=ok"]
"""


def tool_rounds(count: int) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Look at every file."}]
    for number in range(count):
        function = {"name": "read", "arguments": json.dumps({"path": f"src/{number}.py"})}
        call = {"id": f"call_{number}", "type": "function", "function": function}
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        result = {"role": "tool", "tool_call_id": call["id"], "content": f"{number} lines"}
        messages.append(result)
    return {"messages": messages}


def short_messages(count: int) -> dict[str, Any]:
    roles = ["user", "assistant"]
    return {"messages": [{"role": roles[n % 2], "content": f"m{n}"} for n in range(count)]}


def many_tools(count: int) -> dict[str, Any]:
    text = {"type": "string", "description": "What it is for, in some words."}
    properties = {f"member_{n}": {**text, "enum": ["a", "b", "c"]} for n in range(12)}
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    functions = [{"name": f"tool_{n}", "parameters": parameters} for n in range(count)]
    tools = [{"type": "function", "function": function} for function in functions]
    return {"messages": [{"role": "user", "content": "hi"}], "tools": tools}


def picture(size: int) -> dict[str, Any]:
    data = base64.b64encode(random.Random(1).randbytes(size)).decode()
    url = {"url": f"data:image/jpeg;base64,{data}", "detail": "high"}
    parts = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": url}]
    return {"messages": [{"role": "user", "content": parts}]}


REQUESTS = {
    "700 rounds of tools": tool_rounds(700),
    "3,501 messages": short_messages(3501),
    "120 tools": many_tools(120),
    "a picture of 5 MB": picture(5_000_000),
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


@pytest.mark.gen_test
@pytest.mark.parametrize("name", REQUESTS)
async def test_a_request_of_an_agent_is_answered_and_holds_up_nobody(server, name):
    paced = await server.send(model=PACED)
    await paced.until("delta")
    reading = asyncio.ensure_future(paced.read())
    try:
        held = [
            await held_by(server, paced.answer, {**REQUESTS[name], "stream": streamed})
            for streamed in [True, False] * TRIES
        ]
    finally:
        await server.stop(paced.answer.start["generation_id"])
        await reading
    print(f"{name}: the loop was held for {min(held) * 1000:.0f} to {max(held) * 1000:.0f} ms")
    assert min(held) <= HELD


async def held_by(server: Client, paced: Answer, request: dict[str, Any]) -> float:
    """The longest pause of the paced answer while the request is answered, less its gap."""
    body = json.dumps({**request, "model": "say=ok"}).encode()
    begun = len(paced.events)
    await asyncio.sleep(GAP * 4)
    response = await server.request("POST", "/v1/chat/completions", body)
    await asyncio.sleep(GAP * 4)
    assert response.status == 200, response.body[:300]
    assert b'"content":"ok"' in response.body.replace(b": ", b":")
    times = [event.data["t"] / 1000 for event in paced.events[begun:]]
    return max(after - before for before, after in pairwise(times)) - GAP
