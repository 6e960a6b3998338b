"""`kill -9` at random moments: every answer that a client saw is stored, with its true text."""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from client import until
from deadlines import DEADLINE, at_most

from .conftest import Limits
from .reader import RECOVERED_END, Reader
from .server import ServerProcess
from .truth import Truth, answer_to, question

#: How many answers are running when the server is killed.
BUSY = 8
#: How many calls of programs, which are not kept, begin before each kill.
CALLS = 3
CALL = "id NOT IN (SELECT generation_id FROM messages WHERE generation_id IS NOT NULL)"
OPEN = "SELECT count(*) FROM spend WHERE state IS NULL"
TWICE = "SELECT id FROM spend GROUP BY id HAVING count(*) > 1"
CUT_SHORT = f"SELECT count(*) FROM spend WHERE state = 'interrupted' AND {CALL}"
FREE = "SELECT count(*) FROM messages WHERE state = 'interrupted' AND cost IS NULL"
SUMS = "sum(requests), sum(amount), sum(estimated), sum(unknown)"
BY_ROW = (
    "SELECT count(*), sum(amount), sum(estimated), "
    "sum(amount IS NULL AND (prompt IS NOT NULL OR state = 'interrupted')) FROM spend"
)
#: With a price, the cost of an answer that is cut short is estimated.
PRICES = """
[upstream.truth]
base_url = "{url}"
models = ["truth"]
[upstream.truth.prices]
truth = {{ input = 0.7, output = 2.3 }}
"""
#: What the messages say: the amount of each answer, in billionths.
STORED = (
    "SELECT generation_id, CAST(round(json_extract(cost, '$.amount') * 1e9) AS INTEGER) "
    "FROM messages WHERE generation_id IS NOT NULL"
)
#: How many of the older answers are read again after each kill.
OLD = 3
#: How many milliseconds of text a crash may lose: see docs/durability.md.
MAX_LAG = 150


class Ledger:
    """Calls of programs that are not kept, and what the ledger says of all answers in the end."""

    def __init__(self) -> None:
        self.rows = 0
        self.cut_short = 0
        self._calls: list[asyncio.Task[Any]] = []

    def call(self, client: Any, rng: random.Random, name: str) -> None:
        for number in range(CALLS):
            message = question(
                f"call{name}:{number}", rng.choice([5, 100, 800]), rng.choice([0, 2])
            )
            body = {"messages": [{"role": "user", "content": message}]}
            request = client.request("POST", "/v1/chat/completions", body)
            self._calls.append(asyncio.ensure_future(request))

    async def check(self, database: Path) -> None:
        """Every answer has one settled row, with its cost; also each call that got its response."""
        done = await asyncio.wait_for(
            asyncio.gather(*self._calls, return_exceptions=True), DEADLINE
        )
        seen = {r.headers["x-generation-id"]: r for r in done if not isinstance(r, BaseException)}
        seen = {id: r.json()["usage"]["cost"] for id, r in seen.items() if r.status == 200}
        with closing(sqlite3.connect(database)) as db:
            await until(lambda: not db.execute(OPEN).fetchone()[0])
            assert db.execute(TWICE).fetchall() == []
            spent = dict(db.execute("SELECT id, amount FROM spend"))
            stored = dict(db.execute(STORED))
            calls = dict(
                db.execute(f"SELECT id, amount FROM spend WHERE state = 'done' AND {CALL}")
            )
            self.cut_short = db.execute(CUT_SHORT).fetchone()[0]
            assert db.execute(FREE).fetchone()[0] == 0
            by_day = db.execute(f"SELECT {SUMS} FROM spend_days").fetchone()
            assert by_day == db.execute(BY_ROW).fetchone()
        assert {id: spent.get(id) for id in stored} == stored
        assert {id: calls.get(id) for id in seen} == {id: round(c * 1e9) for id, c in seen.items()}
        assert seen and self.cut_short, "no call ended, or none was cut short"
        self.rows = len(spent)


class Kills:
    """One server that is killed again and again, and all its answers."""

    def __init__(self, limits: Limits, server: ServerProcess, truth: Truth, copies: Path) -> None:
        self.limits = limits
        self.server = server
        self.truth = truth
        self.copies = copies
        self.kills = 0
        self.lags: list[int] = []
        self.persisted = 0  # deltas that outlived a kill
        self.states: Counter[str] = Counter()
        self.judged: list[Reader] = []
        self.acknowledged = 0
        self.ledger = Ledger()
        self._asked = 0
        self._reading: dict[Reader, asyncio.Task[Reader]] = {}

    async def cycle(self, number: int) -> None:
        """Kill the server while it streams, start it again, and check every answer that ended."""
        rng = self.limits.rng("kill", number)
        while len(self._reading) < BUSY:
            self._ask(rng)
        self.ledger.call(self.server.client, rng, f"{self.limits.seed}:{number}")
        await asyncio.sleep(rng.uniform(0, 0.5))
        self._kill()
        if rng.random() < 0.1:  # again, during the recovery from the first kill
            self.server.spawn()
            await asyncio.sleep(rng.uniform(0.1, 0.5))
            self._kill()
        had_start = [reader for reader in self._reading if reader.started]
        await self.server.start()
        await asyncio.wait_for(asyncio.gather(*(self._reading[r] for r in had_start)), DEADLINE)
        for reader in [reader for reader, task in self._reading.items() if task.done()]:
            self._reading.pop(reader).result()
            await self._judge(reader)
        for old in rng.sample(self.judged, min(OLD, len(self.judged))):
            await self._judge_again(old)

    async def close(self) -> None:
        """Wait for the last answers, and check them and some of the older ones."""
        for reader, task in self._reading.items():
            await asyncio.wait_for(task, DEADLINE)
            await self._judge(reader)
        await self.ledger.check(self.server.data_dir / "chat.db")
        for old in self.judged[:: max(1, len(self.judged) // 200)]:
            await self._judge_again(old)

    def cancel(self) -> None:
        for task in self._reading.values():
            task.cancel()

    def _ask(self, rng: random.Random) -> None:
        self._asked += 1
        name = f"any{self.limits.seed}:{self._asked}"
        message = question(name, rng.choice([5, 100, 800, 2000]), rng.choice([0, 1, 4, 15]))
        reader = Reader(self.server.client, {"message": message}, deadline=300)
        self._reading[reader] = asyncio.ensure_future(reader.run())

    def _kill(self) -> None:
        self.server.kill()
        self.kills += 1
        database = self.server.data_dir / "chat.db"
        for path in (database, database.with_name("chat.db-wal")):
            if path.exists():
                shutil.copy(path, self.copies / path.name)
        with closing(sqlite3.connect(self.copies / database.name)) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]

    async def _judge(self, reader: Reader) -> None:
        assert reader.body
        truth = answer_to(reader.body["message"])
        self.states[reader.state] += 1
        self.acknowledged += 1
        assert reader.state in ("done", "interrupted")
        assert truth.startswith(reader.text)
        asked = self.truth.asked[reader.id]
        assert asked <= 1
        if reader.state == "done":
            assert reader.text == truth and asked == 1
            assert not reader.lost, "a text was withdrawn, and the answer is done"
        if reader.lost:
            self._judge_lost(reader)
        await self._judge_again(reader)
        self.judged.append(reader)

    def _judge_lost(self, reader: Reader) -> None:
        """The reader had all of the stored text, and a little more."""
        persisted = reader.events[:-1]
        assert reader.events[-1].id == RECOVERED_END
        assert all(reader.lost[i].data == event.data for i, event in enumerate(persisted))
        lag = reader.lost[-1].data["t"] - reader.lost[len(persisted)].data["t"]
        self.lags.append(lag)
        self.persisted += sum(event.name == "delta" for event in persisted)

    async def _judge_again(self, reader: Reader) -> None:
        """Another reader gets the same events, and the API the same message."""
        client = self.server.client
        again = await Reader(client, id=reader.id).read_once()
        assert again.log == reader.log
        path = f"/api/conversations/{reader.start['conversation_id']}"
        stored = (await client.request("GET", path)).json()
        messages = {message["id"]: message for message in stored["messages"]}
        assert reader.body
        assert messages[reader.start["user_message_id"]]["content"] == reader.body["message"]
        answer = messages[reader.start["message_id"]]
        assert (answer["content"], answer["state"]) == (reader.text, reader.state)


async def survive(kills: Kills, count: int) -> None:
    """Kill the server `count` times, and check every answer."""
    limits = kills.limits
    print(f"seed {limits.seed}")
    numbers = range(count) if limits.case is None else [limits.case]
    try:
        for number in numbers:
            try:
                await kills.cycle(number)
            except BaseException as error:
                error.add_note(f"TORTURE_SEED={limits.seed}, kill {number}")
                raise
            if kills.kills >= count:
                break
        await kills.close()
    finally:
        kills.cancel()
    assert "Traceback" not in kills.server.log.read_text()
    assert not kills.truth.wrong


def write_prices(folder: Path, truth: Truth) -> Path:
    """The file that gives the upstream a price."""
    config = folder / "prices.toml"
    config.write_text(PRICES.format(url=truth.url))
    return config


@pytest.mark.wide
@pytest.mark.gen_test(timeout=7200)
async def test_kills_at_random_moments(
    limits: Limits, summary: Any, make_truth: Any, start_server: Any, tmp_path: Path
) -> None:
    truth = await make_truth()
    server = start_server(truth, "--config", str(write_prices(tmp_path, truth)))
    await server.start()
    kills = Kills(limits, server, truth, tmp_path)
    await survive(kills, limits.kills)
    lags = sorted(kills.lags) or [0]
    print("largest lags in ms:", *lags[-20:])
    summary.row(
        "kill -9",
        kills=kills.kills,
        answers=kills.acknowledged,
        **kills.states,
        integrity="ok",
        messages_lost=0,
        ledger_rows=kills.ledger.rows,
        calls_cut_short=kills.ledger.cut_short,
        ledger_difference=0,
        median_lag_ms=lags[len(lags) // 2],
        max_lag_ms=lags[-1],
    )
    assert kills.persisted, "no text is stored before an answer ends"
    assert lags[-1] <= at_most(MAX_LAG / 1000) * 1000, f"{lags[-1]} ms of answer text were lost"
