"""Two workers: one of them is killed at random moments, and connections are cut on either side."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from deadlines import DEADLINE, at_most
from workers.pair import Pair, workers_of

from .conftest import Limits
from .people import People
from .proxy import proxied
from .test_cuts import WORKERS, Case, Cuts
from .test_kills import BUSY, MAX_LAG, OLD, Kills, survive, write_prices

TWO = "--workers", "2"


class WorkerKills(Kills):
    """One server whose workers are killed, one at a time. It is never started again."""

    async def cycle(self, number: int) -> None:
        rng = self.limits.rng("worker", number)
        while len(self._reading) < BUSY:
            self._ask(rng)
        self.ledger.call(self.server.client, rng, f"{self.limits.seed}:{number}")
        await asyncio.sleep(rng.uniform(0, 0.7))
        if workers := workers_of(self.server.pid):
            with suppress(ProcessLookupError):
                os.kill(rng.choice(workers), signal.SIGKILL)
                self.kills += 1
        for reader in [reader for reader, task in self._reading.items() if task.done()]:
            self._reading.pop(reader).result()
            await self._judge(reader)
        for old in rng.sample(self.judged, min(OLD, len(self.judged))):
            await self._judge_again(old)


@pytest.mark.wide
@pytest.mark.gen_test(timeout=7200)
async def test_workers_are_killed_at_random_moments(
    limits: Limits, summary: Any, make_truth: Any, start_server: Any, tmp_path: Path
) -> None:
    truth = await make_truth()
    server = start_server(truth, "--config", str(write_prices(tmp_path, truth)), *TWO)
    await server.start()
    kills = WorkerKills(limits, server, truth, tmp_path)
    await survive(kills, limits.kills)
    assert server.is_running()
    server.signal(signal.SIGTERM)
    await server.wait(DEADLINE)
    with closing(sqlite3.connect(server.data_dir / "chat.db")) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    lags = sorted(kills.lags) or [0]
    summary.row(
        "kill -9 of a worker",
        kills=kills.kills,
        answers=kills.acknowledged,
        **kills.states,
        integrity="ok",
        ledger_rows=kills.ledger.rows,
        max_lag_ms=lags[-1],
    )
    assert kills.states["done"] and kills.states["interrupted"]
    assert lags[-1] <= at_most(MAX_LAG / 1000) * 1000, f"{lags[-1]} ms of answer text were lost"


@pytest.mark.wide
@pytest.mark.gen_test(timeout=7200)
async def test_cuts_on_either_side_of_two_workers(
    limits: Limits, summary: Any, make_truth: Any, start_server: Any
) -> None:
    truth = await make_truth(prefill=True)
    async with proxied(truth.port, limits.rng("proxy")) as upstream:
        server = start_server(truth, "--base-url", f"http://127.0.0.1:{upstream.port}/v1", *TWO)
        await server.start()
        cuts = Cuts(limits, server.client, truth, upstream)
        numbers = iter(range(10**6))

        async def work() -> None:
            while cuts.cuts + upstream.all_cuts < limits.cuts:
                await cuts.run(Case(limits, next(numbers), prefill=True))

        async with asyncio.TaskGroup() as group:
            for _ in range(WORKERS):
                group.create_task(work())
    assert not truth.wrong and max(truth.asked.values()) == 1
    assert "Traceback" not in server.log.read_text()
    summary.row(
        "cuts (two workers)",
        reader_side=cuts.cuts,
        upstream_side=upstream.all_cuts,
        answers=cuts.answers,
    )


@pytest.mark.wide
@pytest.mark.gen_test(timeout=1200)
async def test_workers_hand_over_and_are_killed(
    limits: Limits, summary: Any, make_truth: Any, tmp_path: Path
) -> None:
    """Hand-overs of two workers to two, with kills of one worker in between: each answer is whole
    or a true beginning that is interrupted, and nothing is asked twice."""
    rng = limits.rng("workers hand over")
    truth = await make_truth()
    pair = Pair(tmp_path, truth.url, "--model", "truth", *TWO)
    counts: Counter[str] = Counter()
    people = People(pair.client, truth, rng, counts)

    try:
        await pair.start()
        names = [f"any{limits.seed}:w{number}" for number in range(BUSY)]
        asking = [asyncio.ensure_future(people.ask(name)) for name in names]
        for _ in range(limits.kills // 2):
            await asyncio.sleep(rng.uniform(0, 0.8))
            if rng.random() < 0.5:
                counts["hand-overs"] += 1
                await pair.replace()
            elif workers := pair.workers:
                counts["kills"] += 1
                with suppress(ProcessLookupError):
                    os.kill(rng.choice(workers), signal.SIGKILL)
        people.over.set()
        await asyncio.wait_for(asyncio.gather(*asking), 240)
        await people.check_kept()
        for old in pair.processes[:-1]:
            assert await pair.end_of(old) == 0
        assert pair.processes[-1].poll() is None
        log = pair.logged()
    finally:
        pair.close()
    summary.row("hand-overs and kills of workers", **counts, wrong=0)
    assert truth.wrong == [] and "Traceback" not in log
    assert counts["done"] and counts["hand-overs"] and counts["kills"]
