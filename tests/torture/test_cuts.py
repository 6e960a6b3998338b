"""Connections are cut at any byte, on either side; the text of the answer stays the true one."""

from __future__ import annotations

import asyncio
import random
import re
from dataclasses import dataclass, field, replace

import pytest
from client import Client

from tornado_stream.settings import Settings

from .conftest import Limits
from .proxy import Plan, Proxy, proxied, random_cut, random_toxics
from .reader import Reader, finish
from .truth import Truth, answer_to, question

#: How many answers run at once.
WORKERS = 16
#: A kept text with at least this many characters is recognized when a model repeats it.
QUOTABLE = 20
CASE = re.compile(rb"truth \w+:(\d+) ")


@dataclass
class Case:
    """One question, and the number of cuts that its connections on either side still get."""

    limits: Limits
    number: int
    prefill: bool
    reader_cuts: int = 0
    upstream_cuts: int = 0
    rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.rng = self.limits.rng("cut", self.number)
        side = self.rng.choice(["reader", "upstream", "both"])
        if side != "upstream":
            self.reader_cuts = self.rng.randint(1, 4)
        if side != "reader":
            # Without prefill a continuation repeats some words. If it is cut within these, nothing
            # tells it from a new text: see docs/durability.md.
            self.upstream_cuts = self.rng.randint(1, 3) if self.prefill else 1
        self.size = self.rng.choice([1, 30, 200, 600, 1500])
        gap = self.rng.choice([0, 0.2, 2])
        kind = "any" if self.prefill else "plain"
        self.message = question(f"{kind}{self.limits.seed}:{self.number}", self.size, gap)
        self.seconds = 0.02 + self.size * gap / 8000

    def reader_plan(self, first: bytes) -> Plan:
        self.reader_cuts -= 1
        return self._plan(self.reader_cuts >= 0)

    def upstream_plan(self) -> Plan:
        self.upstream_cuts -= 1
        return self._plan(self.upstream_cuts >= 0)

    def _plan(self, cut: bool) -> Plan:
        rng = self.rng
        plan = Plan(random_toxics(rng), random_toxics(rng))
        if cut and rng.random() < 0.2:
            random_cut(rng, plan.up, 400, self.seconds)
        elif cut:
            near = rng.random() < 0.3  # in the head or the first events
            random_cut(rng, plan.down, 600 if near else 400 + self.size * 12, self.seconds)
        return plan


class Cuts:
    """A server with a proxy on either side, and the cases that run through it."""

    def __init__(self, limits: Limits, chat: Client, truth: Truth, upstream: Proxy) -> None:
        self.limits = limits
        self.chat = chat
        self.truth = truth
        self.upstream = upstream
        self.answers = 0
        self.cuts = 0
        self._cases: dict[int, Case] = {}
        upstream.choose = self._upstream_plan

    async def run(self, case: Case) -> None:
        """Ask the question of the case until it is answered, and check all events."""
        self._cases[case.number] = case
        async with proxied(self.chat.port, case.rng, case.reader_plan) as proxy:
            client, enough = Client(proxy.port), 1 if case.prefill else QUOTABLE
            readers = await finish(client, case.message, case.rng, enough=enough, silence=1.0)
            self.cuts += proxy.all_cuts
        del self._cases[case.number]
        self.answers += len(readers)
        await self._judge(readers, answer_to(case.message))

    async def _judge(self, readers: list[Reader], truth: str) -> None:
        assert readers[-1].text == truth
        messages = await self._stored(readers[-1])
        for reader in readers:
            assert truth.startswith(reader.text)
            asked = self.truth.asked[reader.id]
            if reader.state == "error":  # the cut may have hit the request itself
                assert asked <= 1 and reader.end["error"]["upstream_status"] is None
            else:
                assert reader.state in ("done", "cut_off") and asked == 1
            again = await Reader(self.chat, id=reader.id).read_once()
            assert again.log == reader.log
            stored = messages[reader.start["message_id"]]
            assert (stored["content"], stored["state"]) == (reader.text, reader.state)

    async def _stored(self, reader: Reader) -> dict[str, dict[str, str]]:
        path = f"/api/conversations/{reader.start['conversation_id']}"
        response = await self.chat.request("GET", path)
        assert response.status == 200
        return {message["id"]: message for message in response.json()["messages"]}

    def _upstream_plan(self, first: bytes) -> Plan | None:
        match = CASE.search(first)
        return self._cases[int(match[1])].upstream_plan() if match else None


@pytest.mark.parametrize(
    "prefill",
    [
        pytest.param(True, id="prefill"),
        pytest.param(False, id="instruction", marks=pytest.mark.wide),
    ],
)
@pytest.mark.gen_test(timeout=3600)
async def test_cuts_on_either_side(prefill, limits, summary, serve, settings, make_truth):
    truth = await make_truth(prefill=prefill)
    async with proxied(truth.port, limits.rng("proxy")) as upstream:
        chat = serve(with_upstream(settings, upstream))
        cuts = Cuts(limits, chat, truth, upstream)
        wanted = limits.cuts * 4 // 5 if prefill else limits.cuts // 5
        numbers = iter(range(10**6)) if limits.case is None else iter([limits.case])
        print(f"seed {limits.seed}")

        async def work() -> None:
            while cuts.cuts + upstream.all_cuts < wanted and (n := next(numbers, None)) is not None:
                case = Case(limits, n, prefill)
                try:
                    await cuts.run(case)
                except BaseException as error:
                    error.add_note(f"TORTURE_SEED={limits.seed} TORTURE_CASE={n}: {case}")
                    raise

        async with asyncio.TaskGroup() as group:
            for _ in range(WORKERS):
                group.create_task(work())
    assert not truth.wrong
    assert max(truth.asked.values()) == 1
    summary.row(
        f"cuts ({'prefill' if prefill else 'instruction'})",
        reader_side=cuts.cuts,
        upstream_side=upstream.all_cuts,
        answers=cuts.answers,
        missing=0,
        repeated=0,
        asked_twice=0,
    )


def with_upstream(settings: Settings, proxy: Proxy) -> Settings:
    return replace(settings, base_url=f"http://127.0.0.1:{proxy.port}/v1")
