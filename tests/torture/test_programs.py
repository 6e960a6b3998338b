"""Programs ask over a connection that is cut at any byte: each call is asked for exactly once.

The program is OpenAI's client with its own retries and an `Idempotency-Key` for each call. Half of
the calls are kept, half are streamed.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from process import environ

from .proxy import Plan, proxied, random_cut, random_toxics
from .reader import Reader
from .truth import answer_to, question

PYTHON = Path(__file__).parents[2] / ".venv-clients/bin/python"
PROGRAM = Path(__file__).parent / "program.py"
CALL = re.compile(rb"truth call\d+:(\d+) ")
#: More bytes than any whole answer has.
ENOUGH = 20_000

pytestmark = pytest.mark.wide


def make_calls(rng: random.Random, count: int) -> list[dict[str, Any]]:
    calls = []
    for number in range(count):
        size, gap = rng.choice([1, 30, 100, 300]), rng.choice([0, 0.2, 2])
        message = question(f"call{rng.randrange(10**9)}:{number}", size, gap)
        kind = {"stream": number % 2 == 0, "keep": number % 4 < 2}
        calls.append({"key": f"call-{number}-{rng.randrange(10**9)}", "message": message, **kind})
    return calls


class Network:
    """Cuts every connection. Those that begin with the same call are cut soon up to three times,
    and then after some calls: a program that repeats gets through."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._left: dict[bytes, int] = {}

    def plan(self, first: bytes) -> Plan | None:
        match = CALL.search(first)
        if not match:
            return None  # the head of the first request is not whole yet
        rng, call = self._rng, match[1]
        self._left[call] = self._left.get(call, rng.randint(1, 3)) - 1
        plan = Plan(random_toxics(rng), random_toxics(rng))
        if self._left[call] < 0:
            plan.down.cut, plan.down.cut_after = "reset", rng.randint(ENOUGH, 2 * ENOUGH)
        elif rng.random() < 0.2:
            random_cut(rng, plan.up, 1_000, 0.05)
        else:  # in the head, or anywhere in the answer
            random_cut(rng, plan.down, rng.choice([600, 3_000, ENOUGH]), 0.05)
        return plan


async def run_program(port: int, calls: list[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
    """The lines that the program prints."""
    base = f"http://127.0.0.1:{port}/v1"
    process = await asyncio.create_subprocess_exec(
        PYTHON,
        PROGRAM,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=environ(OPENAI_BASE_URL=base, OPENAI_API_KEY="any"),
    )
    assert process.stdin and process.stdout
    try:
        process.stdin.write("".join(json.dumps(call) + "\n" for call in calls).encode())
        process.stdin.close()
        async for line in process.stdout:
            yield json.loads(line)
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.skipif(not PYTHON.exists(), reason="make clients installs OpenAI's client")
@pytest.mark.gen_test(timeout=3600)
async def test_a_call_with_a_key_is_asked_once(limits, summary, serve, settings, make_truth):
    truth, rng = await make_truth(), limits.rng("calls")
    chat = serve(replace(settings, base_url=truth.url, model="truth"))
    calls = {call["key"]: call for call in make_calls(rng, limits.calls)}
    answers: dict[str, dict[str, Any]] = {}
    print(f"seed {limits.seed}")
    async with proxied(chat.port, rng, Network(rng).plan) as proxy:
        async for answer in run_program(proxy.port, list(calls.values())):
            answers[answer["key"]] = answer
    assert set(answers) == set(calls)
    for key, call in calls.items():
        true = answer_to(call["message"])
        assert answers[key]["text"] == true, key
        assert truth.asked[key] == 1, key
        if call["keep"]:
            await check_kept(chat, answers[key]["id"], true)
    assert truth.asked.total() == len(calls)
    summary.row(
        "calls of programs",
        calls=len(calls),
        cuts=proxy.all_cuts,
        connections=proxy.accepted,
        repeated=sum(answer["tries"] - 1 for answer in answers.values()),
        upstream_requests=truth.asked.total(),
        wrong_texts=0,
    )


async def check_kept(chat: Any, id: str, true: str) -> None:
    """The answer's log and its stored message have the upstream's text."""
    reader = await Reader(chat, id=id.removeprefix("chatcmpl-")).read_once()
    assert (reader.state, reader.text, reader.end["saved"]) == ("done", true, True)
    path = f"/api/conversations/{reader.start['conversation_id']}"
    messages = (await chat.request("GET", path)).json()["messages"]
    (stored,) = [m for m in messages if m["id"] == reader.start["message_id"]]
    assert (stored["content"], stored["state"]) == (true, "done")
