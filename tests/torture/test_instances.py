"""Two instances over one PostgreSQL, whose connections are cut at random, while the database is
killed, and instances stand still or die: each answer has one beginning and one end, which no
instance changes; the upstream is asked once; a stop returns with a stored end; the answers of a
dead instance end soon after its lease, and nothing stays running; and no reader that wanders
between the instances misses, repeats or invents an event.
"""

from __future__ import annotations

import asyncio
import logging
import random
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from deadlines import at_most

from tests.generations.neighbour import Endless, endless
from tests.generations.test_mirrors import Counting, text_of, words
from tornado_stream.chat.service import ChatService
from tornado_stream.generations.registry import Generations
from tornado_stream.observe.log import on_loop_exception
from tornado_stream.store import open_store
from tornado_stream.store.base import AlreadyStored, OpenError
from tornado_stream.values.errors import ChatError, NotFound
from tornado_stream.values.events import frame_data, frame_name, frame_number, split_frames

from .proxy import Plan, Proxy, Toxics

pytestmark = pytest.mark.wide

ANSWERS = 3
KINDS = ("reset", "close", "fin", "hold")
#: Seconds of the lease, and those after it within which the answers of a dead instance have ended.
LEASE, AFTER_LEASE = 2.0, 2.0


class Asked(Counting):
    """Counts how often it was asked."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.times = 0

    async def generate(self, request, emit) -> None:
        self.times += 1
        await super().generate(request, emit)


class Instance:
    """An instance that reaches the database through a proxy of its own."""

    def __init__(self, store, proxy: Proxy) -> None:
        self.store, self.proxy, self.dead = store, proxy, False
        self.generations = Generations(store)
        self.chat = ChatService(self.generations, store, Endless())

    async def die(self) -> Instance:
        """Say nothing to anybody any more. Returns the instance that is started instead."""
        self.dead = True
        self.generations.neighbours.close()
        for producer in self.generations._running.values():
            producer.generation.break_off()
        server = self.store._server
        url, server._url = server._url, "postgresql://nobody@127.0.0.1:1/none"
        for pool in (self.store._writer, self.store._reader):
            for db in (*pool._idle, *pool._used):
                db.terminate()
        if self.store._listener._db:
            self.store._listener._db.terminate()
        server.closed = True
        return await started(url, self.proxy)


async def started(url: str, proxy: Proxy) -> Instance:
    """An instance. It starts again where the database is not there yet."""
    async with asyncio.timeout(60):
        while True:
            store = open_store(Path("/nonexistent"), database=url)
            store.interval = 0.5
            try:
                await store.open()
                break
            except OpenError:
                await store.close()
                await asyncio.sleep(0.2)
    instance = Instance(store, proxy)
    await instance.generations.recover()
    return instance


class Wanderer:
    """A reader that goes from instance to instance, as a client behind a proxy does."""

    def __init__(self, rng: random.Random, instances: list[Instance], id: str) -> None:
        self.rng, self.instances, self.id = rng, instances, id
        self.frames: list[bytes] = []
        self.repeated = self.resets = 0
        self.ended = False

    def take(self, data: bytes) -> bool:
        for frame in split_frames(data):
            if frame_name(frame) == "reset":
                self.frames.clear()
                self.resets += 1
                continue
            self.repeated += frame_number(frame) <= len(self.frames)
            self.frames.append(frame)
            self.ended = frame_name(frame) == "end"
        return True

    async def read(self) -> None:
        async with asyncio.timeout(90):
            while not self.ended:
                instance = self.rng.choice(self.instances)
                try:
                    generation = await instance.chat.generation("local", self.id)
                except ChatError:  # a client would see a 404 or a 503, and try again
                    await asyncio.sleep(0.1)
                    continue
                if instance.dead:
                    continue
                subscriber = generation.attach(self.take, len(self.frames))
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.rng.uniform(0.05, 1.0)):
                        await asyncio.shield(subscriber.done)
                subscriber.detach()
                if not self.ended:
                    await asyncio.sleep(0.01)


def plan_of(rng: random.Random) -> Plan:
    """What happens to a connection: in half of the cases nothing."""
    if rng.random() < 0.5:
        return Plan()
    cut = Toxics(cut=rng.choice(KINDS), hold=rng.uniform(0.1, 0.8))
    if rng.random() < 0.5:
        cut.cut_after = rng.randrange(1, 30_000)
    else:
        cut.cut_at = rng.uniform(0.02, 1.0)
    return Plan(up=cut) if rng.random() < 0.5 else Plan(down=cut)


async def begin(rng: random.Random, instances: list[Instance], job) -> None:
    """Send a question as a client does: the same request again, until somebody has it."""
    async with asyncio.timeout(60):
        while True:
            instance = rng.choice(instances)
            try:
                await instance.generations.start(job)
                return
            except AlreadyStored:
                with suppress(ChatError):
                    await instance.chat.generation("local", job.new_answer.generation_id)
                    return
            except ChatError:
                await asyncio.sleep(0.1)


async def answers_end(postgres, url: str, dead: Instance, survivor: Instance) -> float:
    """How many seconds the answers of a dead instance are left running. They count from the last
    moment at which the survivor could not reach the database: it trusts nobody's silence then."""
    loop = asyncio.get_running_loop()
    server, name, began = survivor.store._server, dead.store.instance, monotonic()
    sql = f"SELECT id FROM generations WHERE running AND instance = '{name}'"
    rows = await loop.run_in_executor(None, postgres.execute, sql, url)
    ids = ", ".join(f"'{id}'" for (id,) in rows)
    left, failures = bool(ids), server.failures
    while left:
        sql = f"SELECT count(*) FROM generations WHERE running AND id IN ({ids})"
        ((left,),) = await loop.run_in_executor(None, postgres.execute, sql, url)
        if server.failures != failures:
            began, failures = monotonic(), server.failures
        await asyncio.sleep(0.05)
    return monotonic() - began if ids else 0.0


async def trouble(
    rng: random.Random,
    instances: list[Instance],
    postgres,
    url: str,
    ids: list[str],
    left_for: list[float],
) -> str:
    """One more thing that goes wrong, or that a reader does. `left_for` gets the seconds for which
    the answers of an instance that died were left running."""
    loop = asyncio.get_running_loop()
    await asyncio.sleep(rng.uniform(0.0, 0.5))
    kind = rng.choice(["deaf", "killed", "ended", "paused", "died", "stop", "stop"])
    if kind == "killed":
        postgres.kill()
        await asyncio.sleep(rng.uniform(0.0, 0.5))
        postgres.launch()
        await loop.run_in_executor(None, postgres.wait)
    elif kind == "ended":
        name = url.rpartition("/")[2]
        sql = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        await loop.run_in_executor(None, postgres.execute, sql)
    elif kind == "deaf":  # nobody hears what the others say, until the next look
        name = url.rpartition("/")[2]
        sql = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE datname = '{name}' AND query ILIKE '%LISTEN%'"
        )
        await loop.run_in_executor(None, postgres.execute, sql)
    elif kind == "died":
        number = rng.randrange(len(instances))
        dead, survivor = instances[number], instances[1 - number]
        instances[number], seconds = await asyncio.gather(
            dead.die(), answers_end(postgres, url, dead, survivor)
        )
        left_for.append(seconds)
    elif kind == "stop":
        await stop(rng, instances, rng.choice(ids))
    elif kind == "paused":
        store = rng.choice(instances).store
        async with store._writer._free, store._listener._renewing:
            await asyncio.sleep(3.0)  # longer than the lease
    return kind


@pytest.fixture
def instances(postgres, io_loop, tmp_path, monkeypatch):
    monkeypatch.setattr("tornado_stream.store.postgres.instances.LEASE", LEASE)
    url = postgres.new_database()
    opened: list[Instance] = []

    async def start():
        for _ in range(2):
            proxy = await Proxy(postgres.port, random.Random(1)).start()
            opened.append(await started(postgres.url(url.rpartition("/")[2], proxy.port), proxy))

    async def stop():
        for one in opened:
            one.proxy.choose = lambda first: Plan()
            one.generations.neighbours.close()
            await one.generations.interrupt(5)
        await asyncio.gather(*(one.store.close() for one in opened))
        await asyncio.gather(*(one.proxy.close() for one in opened))

    io_loop.run_sync(start)
    yield opened, url
    io_loop.run_sync(stop)


@pytest.mark.timed
@pytest.mark.timeout(7200)
@pytest.mark.gen_test(timeout=7200)
async def test_whatever_is_cut_each_answer_is_whole(instances, postgres, limits, summary, caplog):
    both, url = instances
    numbers = count(1)
    troubles: dict[str, int] = {}
    states: dict[str, int] = {}
    ends: dict[str, list[bytes]] = {}
    resets = slowest = cases = faults = 0
    left_for = [0.0]
    asyncio.get_running_loop().set_exception_handler(on_loop_exception)  # as the server does
    while faults < limits.faults:
        case = cases if limits.case is None else limits.case
        cases += 1
        rng = limits.rng("instances", case)
        for one in both:
            one.proxy.choose = lambda first, rng=rng: plan_of(rng)
        jobs = []
        for _ in range(ANSWERS):
            provider = Asked(rng.randrange(20, 150), rng.uniform(0.001, 0.01))
            jobs.append(replace(endless(next(numbers)), provider=provider))
        ids = [job.new_answer.generation_id for job in jobs]
        readers = [Wanderer(rng, both, id) for id in ids for _ in range(2)]
        begins = [begin(rng, both, job) for job in jobs]
        reads = [reader.read() for reader in readers]
        wrong = trouble(rng, both, postgres, url, ids, left_for)
        began = monotonic()
        kind, *_ = await asyncio.gather(wrong, *begins, *reads)
        slowest = max(slowest, round(monotonic() - began))
        for one in both:
            one.proxy.choose = lambda first: Plan()
        troubles[kind] = troubles.get(kind, 0) + 1
        for job, id in zip(jobs, ids, strict=True):
            stored = await settled(both[0], id)
            ends[id] = stored.frames
            state = frame_data(stored.frames[-1])["state"]
            states[state] = states.get(state, 0) + 1
            told = f"case {case}, seed {limits.seed}, {kind}: {id} is {state}"
            assert [frame_number(f) for f in stored.frames[:-1]] == list(
                range(1, len(stored.frames))
            ), told
            names = [frame_name(frame) for frame in stored.frames]
            assert (names.count("start"), names.count("end")) == (1, 1), told
            text = text_of(stored.frames)
            assert words(job.provider.count).startswith(text), told
            assert stored.message.content == text, told
            assert job.provider.times <= 1, told
            if state == "done":
                assert text == words(job.provider.count), told
            for reader in readers:
                if reader.id == id:
                    assert reader.repeated == 0, told
                    assert text_of(reader.frames) == text, told
                    assert frame_data(reader.frames[-1])["state"] == state, told
        resets += sum(reader.resets for reader in readers)
        faults = sum(troubles.values()) + sum(one.proxy.all_cuts for one in both)
        if limits.case is not None:
            break
    for id, frames in ends.items():  # nobody wrote after the end
        stored = await settled(both[0], id)
        assert stored.frames == frames, (id, limits.seed)
    ((left,),) = await asyncio.get_running_loop().run_in_executor(
        None, postgres.execute, "SELECT count(*) FROM generations WHERE running", url
    )
    assert left == 0, f"seed {limits.seed}: {left} answers run for ever"
    cuts = {f"cut_{kind}": sum(p.proxy.cuts.get(kind, 0) for p in both) for kind in KINDS}
    figures = {"cases": cases, "faults": faults, **troubles, **cuts, **states}
    figures |= {"resets": resets, "slowest_case_s": slowest, "left_for_s": round(max(left_for), 1)}
    summary.row("instances", **figures)
    assert max(left_for) < at_most(LEASE + AFTER_LEASE), f"seed {limits.seed}"
    errors = [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR]
    assert not errors


async def stop(rng: random.Random, instances: list[Instance], id: str) -> None:
    """Stop an answer, at any instance. What returns has a stored end."""
    async with asyncio.timeout(60):
        while True:
            instance = rng.choice(instances)
            try:
                generation = await instance.chat.stop("local", id)
            except ChatError:  # a client would see a 404 or a 503, and try again
                await asyncio.sleep(0.1)
                continue
            if generation.end["saved"] and not instance.dead:
                stored = await settled(rng.choice(instances), id)
                assert stored.frames[-1] == generation.frames[-1], id
            return


async def settled(instance: Instance, id: str):
    """What the store has of an answer, once its end is there."""
    async with asyncio.timeout(60):
        while True:
            with suppress(ChatError):
                stored = await instance.store.generation(id)
                if stored is None:
                    raise NotFound(id)
                if stored.message.state != "running":
                    return stored
            await asyncio.sleep(0.1)
