"""Hand-overs under load: clients notice nothing, whatever they do, and nothing is asked twice. No
connection is refused or reset, neither new ones nor idle ones nor one with a slow upload.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
import uuid
from collections import Counter
from typing import Any

import pytest
from client import Client, read_body, read_head
from deadlines import LONG, at_most
from handover.fleet import Fleet
from tornado.iostream import IOStream, StreamClosedError

from .people import People
from .truth import Truth, answer_to, question

#: Clients, hand-overs, and seconds between two of them.
CLIENTS, HAND_OVERS, SECONDS = (60, 3, 6.0) if LONG else (12, 3, 0.6)
#: Connections on which nothing is asked until the last hand-over, and pieces of an upload that
#: takes as long as it is between two of them.
IDLE, PIECES = (1000 if LONG else 100), 10

#: Hand-overs and kills, one after the other at random, and readers at a time.
EVENTS, READERS = (150, 30) if LONG else (6, 8)


class Load:
    """Clients without patience: they repeat nothing, so everything that goes wrong is counted."""

    def __init__(self, client: Client, rng: random.Random) -> None:
        self.client = client
        self.rng = rng
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.gap = 0.0  # the longest time between two events of an answer
        self.ids: list[str] = []
        self.ended = False

    async def run(self, clients: int) -> None:
        tasks = [self._ask(number) for number in range(clients)]
        tasks += [self._connect_anew(), self._upload()]
        await asyncio.gather(*tasks, self._keep_alive(), self._keep_alive())

    async def wait_idly(self, count: int) -> list[IOStream]:
        """Open connections, and ask something on half of them."""
        idle = [await self.client.connect() for _ in range(count)]
        for stream in idle[::2]:
            await self._is_ready(stream)
        return idle

    async def use_idle(self, idle: list[IOStream]) -> None:
        """Ask something on each of them."""
        for stream in idle:
            try:
                await self._is_ready(stream)
            except (OSError, StreamClosedError) as error:
                self.wrong.append(f"an idle connection: {error!r}")
            stream.close()
        self.counts["idle connections"] += len(idle)

    async def _is_ready(self, stream: IOStream) -> None:
        await stream.write(self.client.encode("GET", "/readyz", None, {}))
        response = await read_head(stream)
        response.body = await read_body(stream, response)
        if response.status != 200:
            self.wrong.append(f"readyz: {response}")

    async def _upload(self) -> None:
        """Upload files slowly, each across a hand-over."""
        while not self.ended:
            text = f"{self.rng.random()} ".encode() * 1000
            request = self.client.encode("POST", "/api/files?name=a.txt", text, {})
            piece = len(request) // PIECES + 1
            try:
                stream = await self.client.connect()
                for at in range(0, len(request), piece):
                    await stream.write(request[at : at + piece])
                    await asyncio.sleep(SECONDS / PIECES)
                response = await read_head(stream)
                response.body = await read_body(stream, response)
                stream.close()
                id = response.json()["id"]
                got = await self.client.request("GET", f"/api/files/{id}")
                if (response.status, got.body) != (201, text):
                    self.wrong.append(f"an upload: {response}, then {got.status}")
            except (OSError, StreamClosedError, KeyError) as error:
                self.wrong.append(f"an upload: {error!r}")
            self.counts["uploads"] += 1

    async def _ask(self, number: int) -> None:
        conversation = parent = None
        while not self.ended:
            rng = self.rng
            message = question(f"h{number}-{rng.random()}", rng.choice([60, 300, 900]), 10)
            id = str(uuid.uuid4())
            body = {"message": message, "request_id": id, "options": {"user": id}}
            if conversation and rng.random() < 0.5:
                body |= {"conversation_id": conversation, "parent_id": parent}
            self.ids.append(id)
            try:
                async with asyncio.timeout(60):
                    start = await self._whole_life(id, body, message)
            except (OSError, StreamClosedError, TimeoutError) as error:
                self.wrong.append(f"{type(error).__name__} of {id}: {error}")
            else:
                conversation, parent = start["conversation_id"], start["message_id"]

    async def _whole_life(self, id: str, body: Any, message: str) -> dict[str, Any]:
        """Ask, perhaps leave and come back, perhaps stop; check all that came."""
        stream = await self.client.open("POST", "/stream", body)
        events: list[Any] = []
        left = stopped = False
        while True:
            if stream.response.status != 200:
                detail = (await stream.read()).response
                raise OSError(f"status {detail.status} {detail.body!r}")
            before = time.monotonic()
            leaves = self.rng.random() < 0.4
            lasts = self.rng.randrange(1, 60)
            async for event in stream:
                if events and events[-1].name == "delta":
                    self.gap = max(self.gap, event.at - before)
                before = event.at
                if event.id != len(events) + 1:
                    self.wrong.append(f"{event} after {len(events)} events of {id}")
                events.append(event)
                lasts -= 1
                if leaves and not lasts and event.name != "end":
                    break
            stream.close()
            if events[-1].name == "end":
                break
            left = True
            if self.rng.random() < 0.2:
                stopped = True
                response = await self.client.stop(id)
                if response.status != 200 or response.json()["state"] not in ("stopped", "done"):
                    raise OSError(f"stop: {response}")
            if self.rng.random() < 0.2:  # the same question again
                stream, events = await self.client.open("POST", "/stream", body), []
            else:
                stream = await self.client.open("GET", f"/stream/{id}?after={len(events)}")
        text = "".join(e.data.get("content", "") for e in events if e.name == "delta")
        state, whole = events[-1].data["state"], answer_to(message)
        if (state, text) != ("done", whole) and not (stopped and whole.startswith(text)):
            self.wrong.append(f"{id} is {state} with {len(text)} of {len(whole)} characters")
        self.counts["answers"] += 1
        self.counts["came back"] += left
        self.counts["stopped"] += state == "stopped"
        return events[0].data

    async def _connect_anew(self) -> None:
        while not self.ended:
            try:
                response = await self.client.request("GET", "/readyz")
                if response.status != 200:
                    self.wrong.append(f"readyz: {response}")
            except (OSError, StreamClosedError) as error:
                self.wrong.append(f"a new connection: {error!r}")
            self.counts["new connections"] += 1
            await asyncio.sleep(0.01)

    async def _keep_alive(self) -> None:
        """Many requests on one connection."""
        stream = await self.client.connect()
        while not self.ended:
            try:
                await stream.write(self.client.encode("GET", "/api/conversations", None, {}))
                response = await read_head(stream)
                response.body = await read_body(stream, response)
                json.loads(response.body)
                if response.status != 200:
                    self.wrong.append(f"the list: {response}")
            except (OSError, StreamClosedError) as error:
                self.wrong.append(f"a connection that is kept: {error!r}")
                stream = await self.client.connect()
            self.counts["requests on kept connections"] += 1
            await asyncio.sleep(self.rng.choice([0, 0, 0.001, 0.05]))
        stream.close()


@pytest.mark.wide
@pytest.mark.timed
@pytest.mark.gen_test(timeout=600)
async def test_clients_notice_no_hand_over(
    limits: Any, summary: Any, make_truth: Any, tmp_path: Any
) -> None:
    truth: Truth = await make_truth()
    # Only a hand-over could close a connection on which nothing is asked.
    patience = ["--header-timeout", "600", "--keep-alive-timeout", "600"]
    fleet = Fleet(tmp_path, truth.url, "--model", "truth", *patience)
    load = Load(fleet.client, limits.rng("hand over"))
    try:
        await fleet.start()
        idle = await load.wait_idly(IDLE)
        running = asyncio.ensure_future(load.run(CLIENTS))
        for _ in range(HAND_OVERS):
            await asyncio.sleep(SECONDS)
            await fleet.replace()
        await asyncio.sleep(SECONDS)
        load.ended = True
        await asyncio.wait_for(running, 120)
        await load.use_idle(idle)
        for old in fleet.processes[:-1]:
            assert await fleet.end_of(old) == 0
        assert fleet.processes[-1].poll() is None
        log = fleet.logged()
    finally:
        fleet.close()
    twice = [id for id in load.ids if truth.asked[id] != 1]
    summary.row(
        "hand-over",
        hand_overs=HAND_OVERS,
        clients=CLIENTS,
        **load.counts,
        wrong=len(load.wrong),
        asked_twice=len(twice),
        longest_gap_ms=round(load.gap * 1000),
    )
    assert load.wrong == []
    assert [truth.asked[id] for id in twice if truth.asked[id]] == []
    assert truth.wrong == [] and "Traceback" not in log
    assert load.gap < at_most(0.5)
    assert load.counts["came back"] > 5


@pytest.mark.wide
@pytest.mark.gen_test(timeout=1200)
async def test_processes_hand_over_and_are_killed(
    limits: Any, summary: Any, make_truth: Any, tmp_path: Any
) -> None:
    """Whichever process is killed, every answer is whole or a true beginning that is interrupted,
    each event comes once and in its order, and nothing is asked twice."""
    rng = limits.rng("hand over and kill")
    truth: Truth = await make_truth()
    fleet = Fleet(tmp_path, truth.url, "--model", "truth")
    counts: Counter[str] = Counter()
    people = People(fleet.client, truth, rng, counts)

    def alive() -> list[Any]:
        return [process for process in fleet.processes if process.poll() is None]

    async def happen(number: int) -> None:
        hands_over = rng.random() < 0.5 if number > 1 else number == 0  # each happens once at least
        if hands_over:
            counts["hand-overs"] += 1
            await fleet.replace()
            return
        counts["kills"] += 1
        victim = rng.choice(alive())
        victim.kill()
        victim.wait()
        try:
            (await fleet.client.connect()).close()
        except OSError:  # it was the only one that accepted
            counts["starts"] += 1
            await fleet.replace()

    try:
        await fleet.start()
        names = [f"any{limits.seed}:k{number}" for number in range(READERS)]
        asking = [asyncio.ensure_future(people.ask(name)) for name in names]
        for number in range(EVENTS):
            await asyncio.sleep(rng.uniform(0, 0.8))
            await happen(number)
        people.over.set()
        await asyncio.wait_for(asyncio.gather(*asking), 240)
        await people.check_kept()
        log = fleet.logged()
    finally:
        fleet.close()
    summary.row(
        "hand-overs and kills", **counts, resets=sum(r.resets for r in people.judged), wrong=0
    )
    assert truth.wrong == [] and "Traceback" not in log
    assert counts["done"] and counts["hand-overs"] and counts["kills"]
