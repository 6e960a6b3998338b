"""What several servers over one PostgreSQL take, and how late they are: `make bench-scale`.

Two instances run in this process, over an engine that is started for the purpose. The processor's
time is that of the engine's processes and of this one. A wall time is an upper bound where the
machine has other work. Figures are compared with the targets, and a missed one is marked.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import tempfile
import time
from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from postgres import Engine, why_not  # noqa: E402

from tests.generations.test_mirrors import Instance, counting  # noqa: E402
from tests.store.answers import frame, new_answer  # noqa: E402
from tornado_stream.store import open_store  # noqa: E402
from tornado_stream.store.base import Progress, Store  # noqa: E402
from tornado_stream.values.events import frame_number, split_frames  # noqa: E402

TICK = 0.1
#: Answers and ticks of `prices`.
PRICED, FEW, TICKS = 1000, 100, 100
#: Bytes of one delta, of which each answer adds three in a tick.
START = frame(1, "start", '{"t":0}')
DELTA = '{"content":"' + "x" * 50 + '","t":1234}'


def show(name: str, value: float, unit: str, target: float | None = None) -> None:
    verdict = "" if target is None else f"  (target {target:g})" + " MISSED" * (value > target)
    print(f"{name:<44} {value:10.3f} {unit}{verdict}", flush=True)


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


class Usage:
    """The processor's time of the engine and of this process, in cores, since its construction."""

    def __init__(self, engine: Engine) -> None:
        self._pids = engine.pids
        self._began = time.monotonic(), time.process_time(), self._engine()

    def cores(self) -> tuple[float, float]:
        """Of the engine, and of this process."""
        wall = time.monotonic() - self._began[0]
        client = (time.process_time() - self._began[1]) / wall
        return (self._engine() - self._began[2]) / wall, client

    def seconds(self) -> tuple[float, float]:
        """Of the engine, and of this process."""
        return self._engine() - self._began[2], time.process_time() - self._began[1]

    def _engine(self) -> float:
        total = 0
        for pid in self._pids():
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except FileNotFoundError:
                continue
            total += int(fields[11]) + int(fields[12])
        return total / os.sysconf("SC_CLK_TCK")


async def append(store: Store, engine: Engine, answers: int, seconds: float) -> None:
    """As many answers as that, each with three deltas in a tick."""
    began = time.perf_counter()
    for number in range(answers):
        await store.begin(replace(new_answer(number, home=f"c{number}"), frame=START))
    show("begin of an answer", (time.perf_counter() - began) / answers * 1e3, "ms")
    usage, late, took, number = Usage(engine), 0, [], 2
    due = began = time.monotonic()
    while time.monotonic() - began < seconds:
        frames = [frame(number + more, data=DELTA) for more in range(3)]
        batch = [Progress(f"g{n}", number, frames) for n in range(answers)]
        number, due, start = number + 3, due + TICK, time.monotonic()
        await store.append(batch)
        took.append((time.monotonic() - start) * 1e3)
        late += time.monotonic() > due
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    of_engine, of_client = usage.cores()
    show(f"{answers} answers × {TICK * 1e3:.0f} ms: engine", of_engine, "cores", 0.20)
    show("the same: client", of_client, "cores", 0.06)
    show("the same: a flush, p50", quantile(took, 0.5), "ms")
    show("the same: late ticks", late, f"of {len(took)}", 0)


async def prices(store: Store, engine: Engine, url: str) -> None:
    """The constants of `scale_model.py`: what the engine does for a row, for a transaction, and for
    the beginning and the end of an answer."""

    async def wal() -> float:
        sql = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8"
        ((bytes_written,),) = await asyncio.to_thread(engine.execute, sql, url)
        return float(str(bytes_written))

    async def spent(work: Awaitable[None]) -> tuple[float, float, float]:
        """Seconds of the engine and of this process, and bytes of the log."""
        before, usage = await wal(), Usage(engine)
        await work
        return *usage.seconds(), await wal() - before

    async def begin() -> None:
        for number in range(PRICED):
            new = new_answer(50_000 + number, home=f"p{number}")
            await store.begin(replace(new, frame=START))

    async def ticks(answers: int, first: int) -> None:
        for tick in range(TICKS):
            number = first + 3 * tick
            frames = [frame(number + more, data=DELTA) for more in range(3)]
            await store.append([Progress(f"g{50_000 + n}", number, frames) for n in range(answers)])

    async def end() -> None:
        log = [START, *(frame(n, data=DELTA) for n in range(2, 3 * 2 * TICKS + 2))]
        for number in range(PRICED):
            new = new_answer(50_000 + number, home=f"p{number}")
            done = replace(new.message, content="x" * 1000, state="done")
            await store.append([Progress(new.generation_id, 1, [*log, frame(9999, "end")], done)])

    begun = await spent(begin())
    many = await spent(ticks(PRICED, 2))
    few = await spent(ticks(FEW, 2 + 3 * TICKS))
    ended = await spent(end())
    row = [(b - a) / TICKS / (PRICED - FEW) for a, b in zip(few, many, strict=True)]
    transaction = [a / TICKS - FEW * each for a, each in zip(few, row, strict=True)]
    answer = [(a + b) / PRICED for a, b in zip(begun, ended, strict=True)]
    for name, cost in (("row", row), ("transaction", transaction), ("answer", answer)):
        show(f"a {name}: the engine", cost[0] * 1e6, "µs")
        show(f"a {name}: the server", cost[1] * 1e6, "µs")
        show(f"a {name}: log of the engine", cost[2], "bytes")


async def rest(engine: Engine, seconds: float) -> None:
    usage = Usage(engine)
    await asyncio.sleep(seconds)
    of_engine, of_client = usage.cores()
    show("at rest: the engine with two instances", of_engine * 100, "% of a core", 0.5)
    show("at rest: one instance", of_client * 50, "% of a core", 0.5)


async def remote(here: Instance, there: Instance, answers: int) -> None:
    """How much later than the readers of the instance that writes the others get an event."""
    lags: list[float] = []
    for number in range(1, answers + 1):
        generation = await here.generations.start(counting(10_000 + number, 300, 0.02))
        came: dict[int, float] = {}

        def local(data: bytes, came: dict[int, float] = came) -> bool:
            now = time.perf_counter()
            came.update((frame_number(one), now) for one in split_frames(data))
            return True

        def mirrored(data: bytes, came: dict[int, float] = came) -> bool:
            numbers = [frame_number(one) for one in split_frames(data)]
            lags.extend(
                (time.perf_counter() - came[n]) * 1e3 for n in numbers if n in came and n > 60
            )
            return True

        generation.attach(local, 0)
        (await there.chat.generation("local", generation.id)).attach(mirrored, 0)
    await here.generations.drain(60)
    await asyncio.sleep(1)
    show("a reader elsewhere is later by, p50", quantile(lags, 0.5), "ms", 30)
    show("the same, p99", quantile(lags, 0.99), "ms", 100)


async def stops(here: Instance, there: Instance, count: int) -> None:
    took = []
    for number in range(count):
        generation = await here.generations.start(counting(20_000 + number, 3000, 0.02))
        await asyncio.sleep(0.2)
        began = time.perf_counter()
        await there.chat.stop("local", generation.id)
        took.append((time.perf_counter() - began) * 1e3)
    show("stop from elsewhere, p50", quantile(took, 0.5), "ms", 150)
    show("the same, longest", max(took), "ms", 300)


async def death(here: Instance, there: Instance, engine: Engine, url: str, answers: int) -> None:
    for number in range(answers):
        await here.generations.start(counting(30_000 + number, 10_000, 1.0))
    await asyncio.sleep(2)
    began = time.perf_counter()
    await here.vanish()
    left = answers
    while left:
        await asyncio.sleep(0.05)
        sql = "SELECT count(*) FROM generations WHERE running"
        ((left,),) = await asyncio.to_thread(engine.execute, sql, url)
    show(f"death of an instance: {answers} answers ended", time.perf_counter() - began, "s", 7)


async def measure(engine: Engine, options: argparse.Namespace) -> None:
    url = await asyncio.to_thread(engine.new_database)
    with tempfile.TemporaryDirectory() as directory:
        both = []
        for _ in range(2):
            store = open_store(Path(directory), database=url)
            await store.open()
            both.append(Instance(store))
        here, there = both
        for one in both:
            one.generations.neighbours.has = lambda owner, id: True  # some have only the store
            await one.generations.recover()
        await asyncio.sleep(2)  # the connections that listen are made by the first look
        if options.prices:
            await prices(there.store, engine, url)
            os._exit(0)
        await rest(engine, options.seconds)
        await remote(here, there, 20)
        await stops(here, there, 30)
        await death(here, there, engine, url, options.answers)
        await here.generations.interrupt(2)
        await append(there.store, engine, options.answers, options.seconds)
        for one in both:
            one.generations.neighbours.close()
        await there.generations.interrupt(2)
        await there.store.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--prices", action="store_true", help="only what scale_model.py needs")
    options = parser.parse_args()
    if reason := why_not():
        sys.exit(f"nothing was measured: {reason}")
    logging.disable(logging.ERROR)  # the instance that dies complains
    engine = Engine()
    try:
        asyncio.run(measure(engine, options))
    finally:
        engine.close()


if __name__ == "__main__":
    main()
