"""Readers of a shared link: cuts, a link that is taken back, and very many of them."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from client import Client, until
from deadlines import LONG, at_most
from tornado.iostream import StreamClosedError

from .conftest import Limits
from .proxy import Plan, proxied, random_cut, random_toxics
from .reader import Reader
from .truth import answer_to, question

pytestmark = pytest.mark.wide

TWO = "--workers", "2"


class SharedReader(Reader):
    """Reads an answer with a link, which is a path."""

    def __init__(self, client: Client, link: str, id: str, **more: Any) -> None:
        super().__init__(client, id=id, **more)
        self.link = link

    def _request(self) -> bytes:
        path = f"{self.link}/stream/{self.id}?after={self.last_number}"
        return self.client.encode("GET", path, None, {})


async def share(client: Client, reader: Reader) -> tuple[str, str]:
    """A live link to the answer that is being read, and the share's id."""
    start = reader.start
    path = f"/api/conversations/{start['conversation_id']}/shares"
    body = {"leaf_id": start["message_id"], "live": True}
    made = await client.request("POST", path, body)
    assert made.status == 201, made.body
    told = made.json()
    return "/s/" + told["url"].rpartition("/s/")[2], told["id"]


async def running(client: Client, message: str) -> tuple[Reader, Any]:
    """An answer that has begun, and the task that reads it for its owner."""
    owner = Reader(client, {"message": message})
    reading = asyncio.ensure_future(owner.run())
    await until(lambda: owner.started)
    return owner, reading


@pytest.mark.gen_test(timeout=3600)
@pytest.mark.parametrize("more", [(), TWO], ids=["one process", "two workers"])
async def test_live_readers_get_every_character_through_cuts(
    limits: Limits, summary: Any, make_truth: Any, start_server: Any, more: tuple[str, ...]
) -> None:
    wanted = 200 if LONG else 20
    truth = await make_truth()
    server = start_server(truth, "--sharing", *more)
    await server.start()
    cuts = answers = 0
    rng = limits.rng("shares", *more)

    def plan(first: bytes) -> Plan:
        chosen = Plan(random_toxics(rng), random_toxics(rng))
        if rng.random() < 0.7:
            random_cut(rng, chosen.down, 6000, 0.4)
        return chosen

    while cuts < wanted:
        message = question(f"any{limits.seed}:share{answers}", 600, 2)
        owner, reading = await running(server.client, message)
        link, _ = await share(server.client, owner)
        async with proxied(server.client.port, rng, plan) as proxy:
            through = Client(proxy.port)
            readers = [SharedReader(through, link, owner.id, silence=1.0) for _ in range(3)]
            await asyncio.gather(*(reader.run() for reader in readers))
            cuts += proxy.all_cuts
        await reading
        assert owner.text == answer_to(message)
        for reader in readers:
            assert reader.text == owner.text and reader.state == owner.state == "done"
        assert truth.asked[owner.id] == 1
        answers += 1
    summary.row("shared cuts", cuts=cuts, answers=answers, readers=3, wrong=0)


@pytest.mark.gen_test(timeout=600)
@pytest.mark.parametrize("more", [(), TWO], ids=["one process", "two workers"])
async def test_200_readers_are_closed_when_their_link_is_taken_back(
    limits: Limits, summary: Any, make_truth: Any, start_server: Any, more: tuple[str, ...]
) -> None:
    truth = await make_truth()
    server = start_server(truth, "--sharing", *more)
    await server.start()
    client = server.client
    message = question(f"any{limits.seed}:revoked", 3_000_000, 20)
    owner, reading = await running(client, message)
    link, id = await share(client, owner)
    closed: list[float] = []

    async def read() -> None:
        stream = await client.open("GET", f"{link}/stream/{owner.id}")
        assert stream.response.status == 200
        begun.append(stream)
        with suppress(StreamClosedError):
            async for _ in stream:
                pass
        closed.append(time.monotonic())

    begun: list[Any] = []
    readers = [asyncio.ensure_future(read()) for _ in range(200)]
    await until(lambda: len(begun) == 200)
    assert not closed
    assert (await client.request("DELETE", f"/api/shares/{id}")).status == 204
    revoked = time.monotonic()
    await asyncio.gather(*readers)
    last = max(closed) - revoked
    assert last <= at_most(1.0)
    assert (await client.request("GET", f"{link}/stream/{owner.id}")).status == 404
    assert not reading.done()  # the owner reads on
    await client.stop(owner.id)
    await reading
    name = "revoked, two workers" if more else "revoked"
    summary.row(name, readers=len(closed), last_closed_after=f"{max(last, 0):.2f} s")


@pytest.mark.gen_test(timeout=600)
async def test_many_readers_of_one_live_answer(
    limits: Limits, summary: Any, make_truth: Any, start_server: Any
) -> None:
    count = 1000 if LONG else 100
    truth = await make_truth()
    server = start_server(truth, "--sharing", "--max-shared-readers", str(count))
    await server.start()
    client = server.client
    message = question(f"any{limits.seed}:many", 2000, 20)
    owner, reading = await running(client, message)
    link, _ = await share(client, owner)
    await (await client.open("GET", f"{link}/stream/{owner.id}?live=0")).read()  # loads its modules
    before = _memory(server.pid)
    streams = [await client.open("GET", f"{link}/stream/{owner.id}") for _ in range(count)]
    each = (_memory(server.pid) - before) / count
    answers = await asyncio.gather(*(stream.read() for stream in streams))
    await reading
    assert owner.text == answer_to(message)
    assert all(answer.text == owner.text for answer in answers)
    late = sorted(_delays(owner))
    p99 = late[int(len(late) * 0.99)]
    summary.row("shared readers", readers=count, each=f"{each:.1f} KiB", p99=f"{1000 * p99:.0f} ms")
    if LONG:
        assert each <= 17 and p99 <= at_most(0.05)


@pytest.mark.gen_test(timeout=600)
async def test_a_link_and_its_readers_outlive_a_crash(
    limits: Limits, make_truth: Any, start_server: Any
) -> None:
    truth = await make_truth()
    server = start_server(truth, "--sharing")
    await server.start()
    owner, reading = await running(
        server.client, question(f"any{limits.seed}:crash", 3_000_000, 20)
    )
    link, _ = await share(server.client, owner)
    reader = SharedReader(server.client, link, owner.id)
    following = asyncio.ensure_future(reader.run())
    await until(lambda: reader.last_number > 20)
    server.kill()
    await server.start()
    await asyncio.gather(following, reading)
    assert reader.state == owner.state == "interrupted" and reader.text == owner.text
    shown = (await server.client.request("GET", f"{link}.json")).json()["messages"][-1]
    assert (shown["content"], shown["state"]) == (owner.text, "interrupted")


def _memory(pid: int) -> int:
    """The memory of a process in KiB."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1])


def _delays(reader: Reader) -> list[float]:
    """How late each event came, in seconds, against the one that came soonest."""
    behind = [event.at - event.data["t"] / 1000 for event in reader.events if "t" in event.data]
    return [one - min(behind) for one in behind]
