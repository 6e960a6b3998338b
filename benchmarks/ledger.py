"""Measures what the ledger costs: `python benchmarks/ledger.py`.

The program begins and settles the rows of calls that are not kept, through the server's own
writer and a store in a temporary directory, with some calls at a time. Then it fills the ledger
with a year of answers and times the questions that `/api/usage` asks.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tornado_stream.generations.ledger import LedgerWriter
from tornado_stream.store import open_store, spend
from tornado_stream.store.base import Begun, Progress, Store
from tornado_stream.values.messages import Message

#: How many calls run at a time.
AT_ONCE = (1, 8, 50)
ROUNDS = 4
DAY = spend.DAY
USERS, MODELS = 20, 5


class Nothing:
    """A store without a ledger. What is measured with it is not the cost of the ledger."""

    async def settle(self, *rows: Any) -> None:
        pass


async def call(ledger: LedgerWriter, *, long: bool) -> None:
    """What an answer that is not kept costs: its row is begun, and settled with a commit. The row
    of a long answer is begun with a commit too."""
    id = str(uuid.uuid4())
    message = Message(f"a{id}", "c", None, "assistant", "", 5, model="m", generation_id=id)
    usage, cost = {"prompt_tokens": 3}, {"amount": 0.1, "currency": "USD", "estimated": False}
    ledger.begin(Begun("local", id, 5, "m"))
    if long:
        await ledger.save()
    done = replace(message, state="done", usage=usage, cost=cost)
    ledger.settle(Progress(id, 1, [], done))
    await ledger.save()


async def measure(store: Any, calls: int, at_once: int, *, long: bool) -> list[float]:
    """Milliseconds of a call: of processor time, and on the clock."""
    ledger = LedgerWriter(store)
    processor, wall = time.process_time(), time.perf_counter()
    for _ in range(0, calls, at_once):
        await asyncio.gather(*(call(ledger, long=long) for _ in range(at_once)))
    took = [time.process_time() - processor, time.perf_counter() - wall]
    return [seconds / calls * 1000 for seconds in took]


async def measure_calls(store: Store, calls: int) -> None:
    """The least of some rounds, because other programs can only make a round longer."""
    print(f"{'a call that is not kept':<42}{'CPU ms':>9}{'wall ms':>9}")
    for long in (False, True):
        for at_once in AT_ONCE:
            rounds = []
            for _ in range(ROUNDS):
                without = await measure(Nothing(), calls, at_once, long=long)
                with_it = await measure(store, calls, at_once, long=long)
                rounds.append([a - b for a, b in zip(with_it, without, strict=True)])
            each = "".join(f"{min(column):9.3f}" for column in zip(*rounds, strict=True))
            name = f"{at_once} at a time{', each longer than 0.1 s' if long else ''}"
            print(f"{name:<42}{each}", flush=True)


def fill(db: Any, rows: int, now: int) -> None:
    """A year of answers, as they are when they are settled one by one."""
    chance = random.Random(1)
    columns = f"owner, id, began_at, ended_at, {', '.join(spend.SETTLED)}"
    sql = f"INSERT INTO spend ({columns}) VALUES ({', '.join('?' * 13)})"

    def row(number: int) -> tuple[Any, ...]:
        began = now - number * 365 * DAY // rows
        model = f"model-{chance.randrange(MODELS)}"
        tokens = chance.randrange(10_000), 0, chance.randrange(1_000)
        cost = chance.randrange(10**8), "USD", int(chance.random() < 0.02)
        owner = f"user-{chance.randrange(USERS)}"
        return (owner, f"r{number}", began, began, "done", model, "openai", *tokens, *cost)

    db.executemany(sql, map(row, range(rows)))
    db.execute("DELETE FROM spend_days")
    spend.sum_days(db)


async def measure_usage(store: Any, rows: int) -> None:
    now = time.time_ns() // 1_000_000
    await store._database.writer.transact(fill, rows, now)
    last = now // DAY
    print(f"{f'usage of {rows:,} answers in a year':<42}{'median':>9}{'longest':>9}")
    for owner in ("user-1", None):
        for by in ("day", "model", "upstream", "user"):
            durations = []
            for _ in range(20):
                began = time.perf_counter()
                found = await store.usage(by, last - 365, last, everybody=owner is None)
                durations.append((time.perf_counter() - began) * 1000)
                assert found
            name = f"by {by}, {'of everybody' if owner is None else 'of one user'}"
            print(f"{name:<42}{statistics.median(durations):9.2f}{max(durations):9.2f}", flush=True)


async def run(calls: int, rows: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        store = open_store(Path(directory))
        await measure_calls(store, calls)
        if rows:
            await measure_usage(store.for_owner("user-1"), rows)
        await store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2_000, help="in each round")
    parser.add_argument("--rows", type=int, default=1_000_000, help="in the year; 0: no year")
    options = parser.parse_args()
    asyncio.run(run(options.calls, options.rows))


if __name__ == "__main__":
    main()
