"""Restarts under load, and requests that are sent twice: each request gets one right answer."""

from __future__ import annotations

import asyncio
import random
import signal
from dataclasses import replace
from typing import Any

import pytest
from client import Client, until
from deadlines import LONG

from .conftest import Limits
from .proxy import Plan, Toxics, proxied, random_cut, random_toxics
from .reader import Reader
from .truth import answer_to, question

#: How many answers are running when the signal comes.
BUSY = 20


@pytest.mark.parametrize("turn", range(5 if LONG else 1))
@pytest.mark.gen_test
async def test_sigterm_under_load(
    turn: int, limits: Limits, summary: Any, make_truth: Any, start_server: Any
) -> None:
    """The network cuts connections. Answers that end during the drain are done, the others are
    interrupted. A client that has not seen the end reads it after the restart."""
    rng = limits.rng("restart", turn)
    truth = await make_truth()
    server = start_server(truth, "--drain-timeout", "0.5")
    await server.start()

    def choose(_: bytes) -> Plan:
        plan = Plan(random_toxics(rng), random_toxics(rng))
        if rng.random() < 0.5:
            random_cut(rng, plan.down, 4000, 0.5)
        return plan

    async with proxied(server.client.port, rng, choose) as proxy:
        client = Client(proxy.port)
        readers = []
        for n in range(BUSY):
            message = question(f"any{limits.seed}:restart{turn}-{n}", rng.choice([300, 3000]), 10)
            readers.append(Reader(client, {"message": message}, silence=1.0))
        reading = [asyncio.ensure_future(reader.run()) for reader in readers]
        await asyncio.sleep(rng.uniform(0.3, 0.8))
        server.signal(signal.SIGTERM)
        assert await server.wait() == 0
        ended_before = sum(reader.ended for reader in readers)
        await server.start()
        proxy.target = server.client.port
        await asyncio.gather(*reading)
    states = [reader.state for reader in readers]
    for reader in readers:
        assert reader.body and reader.state in ("done", "interrupted") and not reader.resets
        whole = answer_to(reader.body["message"])
        assert reader.text == whole if reader.state == "done" else whole.startswith(reader.text)
        assert truth.asked[reader.id] <= 1
        again = await Reader(server.client, id=reader.id).read_once()
        assert again.log == reader.log
    assert "interrupted" in states and not truth.wrong
    assert "Traceback" not in server.log.read_text()
    summary.row(
        "SIGTERM under load",
        answers=BUSY,
        done=states.count("done"),
        interrupted=states.count("interrupted"),
        ended_before_exit=ended_before,
        wrong=0,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
@pytest.mark.gen_test
async def test_the_same_request_across_a_restart(
    number: signal.Signals, summary: Any, make_truth: Any, start_server: Any
) -> None:
    """The response to the first POST is lost; the same POST goes to the restarted server."""
    truth = await make_truth()
    server = start_server(truth)
    await server.start()
    deaf = Plan(down=Toxics(cut="hold", cut_after=1, hold=60))
    async with proxied(server.client.port, random.Random(1), lambda _: deaf) as proxy:
        message = question("any:once", 100, 0)
        reader = Reader(server.client, {"message": message})
        first = Reader(Client(proxy.port), reader.body, id=reader.id)
        asking = asyncio.ensure_future(first.read_once())
        await until(lambda: truth.asked[reader.id])
        server.signal(number)
        await server.wait()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    assert not first.events
    await server.start()
    twins = [Reader(server.client, reader.body, id=reader.id) for _ in range(3)]
    await asyncio.gather(*(twin.run() for twin in twins))
    assert twins[0].log == twins[1].log == twins[2].log
    assert twins[0].state in ("done", "interrupted")
    assert answer_to(message).startswith(twins[0].text)
    assert truth.asked[reader.id] == 1
    summary.row(f"POST repeated across {number.name}", asked=1, state=twins[0].state)


@pytest.mark.gen_test
async def test_the_same_request_from_many_clients_at_once(
    limits: Limits, summary: Any, make_truth: Any, serve: Any, settings: Any
) -> None:
    """The network loses any part of the requests or of the responses."""
    rng = limits.rng("once")
    truth = await make_truth()
    chat = serve(replace(settings, base_url=truth.url))

    def choose(_: bytes) -> Plan:
        plan = Plan(random_toxics(rng), random_toxics(rng))
        if rng.random() < 0.6:
            random_cut(rng, rng.choice([plan.up, plan.down]), 600, 0.02)
        return plan

    requests, clients = 30 if limits.long else 10, 5
    async with proxied(chat.port, rng, choose) as proxy:
        client = Client(proxy.port)

        async def ask(n: int) -> None:
            message = question(f"any{limits.seed}:once{n}", 300, rng.choice([0, 1]))
            first = Reader(client, {"message": message}, silence=1.0)
            others = [
                Reader(client, first.body, id=first.id, silence=1.0) for _ in range(clients - 1)
            ]
            await asyncio.gather(*(reader.run() for reader in (first, *others)))
            assert first.state == "done" and first.text == answer_to(message)
            assert all(other.log == first.log for other in others)
            assert truth.asked[first.id] == 1

        await asyncio.gather(*(ask(n) for n in range(requests)))
        posts = proxy.accepted
    assert len(truth.asked) == requests
    summary.row("same request_id", requests=requests, clients=clients, connections=posts, asked=1)


@pytest.mark.gen_test
async def test_after_a_kill_a_kept_call_is_there_and_repeating_it_is_a_new_request(
    start_server: Any, upstream: Any
) -> None:
    """What repeated requests join is in memory only, as docs/durability.md says."""
    server = start_server(upstream)
    await server.start()
    chat = server.client
    body = {"model": "say=half;hold", "messages": [{"role": "user", "content": "q"}]}
    head = {"Tornado-Stream-Keep": "true", "Idempotency-Key": "k", "x-stainless-retry-count": "1"}
    connection = await chat.connect()
    request = {**body, "stream": True}
    await connection.write(chat.encode("POST", "/v1/chat/completions", request, head))
    await connection.read_until(b"half")
    joined = await chat.open("POST", "/v1/chat/completions", request, head)
    assert joined.response.headers["idempotency-replayed"] == "true"
    assert len(upstream.requests) == 1
    server.kill()
    joined.close()
    upstream.released.set()
    await server.start()
    (listed,) = (await chat.request("GET", "/api/conversations")).json()["conversations"]
    kept = (await chat.request("GET", f"/api/conversations/{listed['id']}")).json()["messages"]
    assert [m["state"] for m in kept] == [None, "interrupted"]
    assert kept[0]["content"] == "q" and "half".startswith(kept[1]["content"])
    again = await chat.request("POST", "/v1/chat/completions", request, head)
    assert b"half" in again.body and "idempotency-replayed" not in again.headers
    assert len(upstream.requests) == 2
    assert len((await chat.request("GET", "/api/conversations")).json()["conversations"]) == 2
