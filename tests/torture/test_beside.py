"""Three answers to one question at once, each with a reader of its own, whose connections are cut
and whose server is killed: nothing of any answer is lost or comes twice, and each was asked for
once.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import Any

import pytest
from client import Client
from deadlines import DEADLINE, at_most

from .conftest import Limits
from .proxy import Plan, proxied, random_cut, random_toxics
from .reader import RECOVERED_END, Reader
from .truth import Truth, question, true_text

#: Pieces a second of the three models. Each writes for about so many seconds.
SPEEDS, SECONDS = (10, 50, 200), 0.8
#: Characters of a piece, about.
PIECE = 7
#: Questions that are asked at a time.
TOGETHER = 4
#: How many milliseconds of text a crash may lose: see docs/durability.md.
MAX_LAG = 150


class Question:
    """One question, the three answers to it, and what each should be."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.texts: dict[Reader, str] = {}
        self.running: list[asyncio.Task[Reader]] = []

    def ask(self, client: Client, speed: int, body: dict[str, Any], rng: random.Random) -> Reader:
        size = int(speed * SECONDS * PIECE)
        told = {"name": f"{self.name}:{speed}", "size": size, "gap": 1000 / speed}
        reader = Reader(client, {**body, "options": {"truth": told}}, rng=rng, silence=1.5)
        self.texts[reader] = true_text(told["name"], size)
        self.running.append(asyncio.ensure_future(reader.run()))
        return reader

    async def begin(self, client: Client, rng: random.Random) -> None:
        """Ask once, and the others when the server has the question, as the page does."""
        first, *others = rng.sample(SPEEDS, len(SPEEDS))
        asked = self.ask(client, first, {"message": question(f"any{self.name}", 10)}, rng)
        while not asked.started:
            if self.running[0].done():
                self.running[0].result()
            await asyncio.sleep(0.005)
        body = {
            "message": None,
            "conversation_id": asked.start["conversation_id"],
            "parent_id": asked.start["user_message_id"],
            "beside": True,
        }
        for speed in others:
            self.ask(client, speed, body, rng)

    async def finish(self) -> None:
        await asyncio.wait_for(asyncio.gather(*self.running), 2 * DEADLINE)

    async def judge(self, client: Client, truth: Truth) -> None:
        """Every answer is what the upstream sent, in its log and in the conversation."""
        home = next(iter(self.texts)).start["conversation_id"]
        stored = (await client.request("GET", f"/api/conversations/{home}")).json()
        messages = {message["id"]: message for message in stored["messages"]}
        assert len(messages) == 1 + len(self.texts) and stored["generation_ids"] == []
        assert stored["current_id"] == next(iter(self.texts)).start["message_id"]
        for reader, text in self.texts.items():
            assert truth.asked[reader.id] <= 1 and text.startswith(reader.text)
            if reader.state == "done":
                assert (reader.text, truth.asked[reader.id]) == (text, 1)
            again = await Reader(client, id=reader.id).read_once()
            assert again.log == reader.log
            answer = messages[reader.start["message_id"]]
            assert (answer["content"], answer["state"]) == (reader.text, reader.state)


class Plans:
    """The damage to the connections of one question; some of them are cut."""

    def __init__(self, rng: random.Random) -> None:
        self.rng, self.left = rng, rng.randint(1, 8)

    def __call__(self, first: bytes) -> Plan:
        self.left -= 1
        plan = Plan(random_toxics(self.rng), random_toxics(self.rng))
        if self.left >= 0:
            up = self.rng.random() < 0.2
            random_cut(self.rng, plan.up if up else plan.down, 400 if up else 3000, SECONDS)
        return plan


async def cut(clients: list[Client], truth: Truth, limits: Limits) -> tuple[int, int]:
    """Ask until there were enough cuts. Returns these, and how many answers there were."""
    numbers, cuts, answers = iter(range(10**6)), 0, 0

    async def work() -> None:
        nonlocal cuts, answers
        while cuts < limits.cuts:
            rng = limits.rng("beside", next(numbers))
            asked = Question(f"{limits.seed}:{rng.random()}")
            async with proxied(rng.choice(clients).port, rng, Plans(rng)) as proxy:
                await asked.begin(Client(proxy.port), rng)
                await asked.finish()
                cuts += proxy.all_cuts
            await asked.judge(rng.choice(clients), truth)
            assert [reader.state for reader in asked.texts] == ["done"] * 3
            answers += 3

    async with asyncio.TaskGroup() as group:
        for _ in range(TOGETHER):
            group.create_task(work())
    assert sum(truth.asked.values()) == answers and max(truth.asked.values()) == 1
    return cuts, answers


@pytest.mark.wide
@pytest.mark.parametrize("servers", ["one", "two workers", "two instances"])
@pytest.mark.gen_test(timeout=3600)
async def test_cuts_over_three_readers(
    servers: str,
    request: pytest.FixtureRequest,
    limits: Limits,
    summary: Any,
    make_truth: Any,
    serve: Any,
    start_server: Any,
    settings: Any,
) -> None:
    truth = await make_truth()
    if servers == "one":
        clients = [serve(replace(settings, base_url=truth.url))]
    else:
        more = ["--workers", "2"]
        if servers == "two instances":
            more = ["--database", request.getfixturevalue("postgres").new_database()]
        running = [start_server(truth, *more) for _ in range(2 if "instances" in servers else 1)]
        for server in running:
            await server.start()
        clients = [server.client for server in running]
    cuts, answers = await cut(clients, truth, limits)
    summary.row(
        f"three readers ({servers})",
        cuts=cuts,
        answers=answers,
        asked=truth.asked.total(),
        missing=0,
        repeated=0,
    )


@pytest.mark.wide
@pytest.mark.gen_test(timeout=7200)
async def test_kills_while_three_answers_run(
    limits: Limits, summary: Any, make_truth: Any, start_server: Any
) -> None:
    truth = await make_truth()
    server = start_server(truth)
    await server.start()
    kills = limits.kills // 10 if limits.long else 5
    lags, states = [], []
    for number in range(kills):
        rng = limits.rng("beside kill", number)
        asked = Question(f"{limits.seed}:{number}")
        await asked.begin(server.client, rng)
        await asyncio.sleep(rng.uniform(0, SECONDS))
        server.kill()
        await server.start()
        await asked.finish()
        await asked.judge(server.client, truth)
        for reader in asked.texts:
            states.append(reader.state)
            if reader.lost:
                stored = reader.events[:-1]
                assert reader.events[-1].id == RECOVERED_END
                assert [e.data for e in stored] == [e.data for e in reader.lost[: len(stored)]]
                lags.append(reader.lost[-1].data["t"] - reader.lost[len(stored)].data["t"])
    assert set(states) <= {"done", "interrupted"} and "interrupted" in states
    worst = max(lags, default=0)
    summary.row("kills of three", kills=kills, answers=len(states), max_lag_ms=worst)
    assert worst <= at_most(MAX_LAG / 1000) * 1000, f"{worst} ms of answer text were lost"
