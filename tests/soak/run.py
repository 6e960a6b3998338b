"""One soak: warm the server up, take a sample, let users act for some minutes, and compare.

Most connections of the users, and all connections to the upstream, lead through proxies that add
faults.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client import Client
from torture.proxy import proxied
from torture.reader import Wrong
from torture.server import ServerProcess

from . import figures
from .figures import Check, below, none, returned
from .judge import Judge
from .upstream import Upstream
from .users import User, World
from .weather import Weather

OBSERVED = Path(__file__).resolve().parent / "observed.py"
#: MB per hour that the server's memory may grow.
GROWTH = 1.0
#: MiB that SQLite may use: two connections with a cache of 16,000 KiB each, and their schemas.
SQLITE = 36.0
#: Figures that must return to their first value once the users have left.
BACK = ("descriptors", "sockets", "threads", "tasks", "generations", "readers")
#: How many objects more than before may be in caches and pools.
OBJECTS = 2000
#: The tables with data of users.
TABLES = ("conversations", "messages", "generations", "events", "flushes", "unindexed", "sweeps")


@dataclass(frozen=True)
class Options:
    """The options of a run. `patience` scales all times of users and of the server; `interval` is
    the time in seconds between two samples."""

    minutes: float = 10.0
    users: int = 50
    faults: float = 0.2
    warmup: int = 300
    seed: str = "1"
    patience: float = 1.0
    interval: float = 2.0
    trace: bool = False
    environ: tuple[str, ...] = ()


@dataclass
class Result:
    checks: list[Check]
    samples: list[dict[str, Any]]
    wrong: list[str]
    figures: dict[str, Any]

    @property
    def met(self) -> bool:
        return all(check.met is not False for check in self.checks)


class Soak:
    """A run and its parts. `say` is called with lines about its progress."""

    def __init__(self, options: Options, directory: Path, say: Callable[[str], None]) -> None:
        self._options = options
        self._directory = directory
        self._say = say
        self._samples_file = directory / "samples.jsonl"
        self._rng = random.Random(options.seed)
        self._met: Counter[str] = Counter()

    async def run(self) -> Result:
        options = self._options
        async with AsyncExitStack() as stack:
            upstream = Upstream(faults=options.faults)
            await upstream.start()
            stack.push_async_callback(upstream.close)
            behind = await stack.enter_async_context(
                proxied(upstream.port, self._rng, self._weather())
            )
            self._server = self._make_server(behind.port)
            stack.callback(self._server.kill)
            await self._server.start()
            before = await stack.enter_async_context(
                proxied(self._server.client.port, self._rng, self._weather())
            )
            self._judge = Judge(upstream)
            self._client, self._direct = Client(before.port), self._server.client
            return await self._run(upstream)

    async def _run(self, upstream: Upstream) -> Result:
        judge = self._judge
        await self._direct.request("GET", "/api/conversations?q=both+threads")
        if self._options.warmup:
            await self._crowd("warm", lambda: judge.answers >= self._options.warmup)
            await asyncio.sleep(15 * self._options.patience)
        first = await self._settled(None)
        self._say(f"after {judge.answers} answers: {_shown(first)}")
        until = time.monotonic() + self._options.minutes * 60
        begin = len(self._samples())
        await self._crowd("user", lambda: time.monotonic() >= until)
        samples = [s for s in self._samples()[begin:] if s["at"] <= until]
        last = await self._settled(first)
        self._say(f"after {judge.answers} answers: {_shown(last)}")
        self._server.signal(signal.SIGTERM)
        status = await self._server.wait(60)
        return self._result(upstream, samples, first, last, status)

    async def _crowd(self, name: str, over: Callable[[], bool]) -> None:
        """Let users act until `over` returns True, and wait until they have left."""
        world = World(self._client, self._direct, self._judge, self._options.patience)
        users = [User(world, f"{name}{n}s{self._options.seed}") for n in range(self._options.users)]
        async with asyncio.TaskGroup() as group:
            for user in users:
                group.create_task(user.run())
            told = time.monotonic()
            while not over():
                await asyncio.sleep(0.1)
                if time.monotonic() >= told + 60:
                    told = time.monotonic()
                    self._say(f"{self._judge.answers} answers, {_shown(self._samples()[-1])}")
            world.over.set()
        await self._clear()

    async def _clear(self) -> None:
        """Delete conversations that a user left behind because one of its actions failed."""
        path = "/api/conversations"
        while page := (await self._direct.request("GET", path)).json()["conversations"]:
            for one in page:
                response = await self._direct.request("DELETE", f"{path}/{one['id']}")
                if response.status != 204:
                    self._judge.failed(Wrong(repr(response)), "a conversation cannot be deleted")
                    return

    async def _settled(self, target: dict[str, Any] | None) -> dict[str, Any]:
        """A sample after a garbage collection, with no users.

        Waits until the figures are at most those of `target`, for a minute at most.
        """
        due = time.monotonic() + 60 * self._options.patience
        while target and time.monotonic() < due:
            now = self._samples()[-1]
            if all(now[name] <= target[name] for name in BACK):
                break
            await asyncio.sleep(self._options.interval / 2)
        seen = len(self._samples())
        self._server.signal(signal.SIGUSR1)
        while True:  # an ordinary sample may be written first
            for sample in self._samples()[seen:]:
                if sample.get("collected"):
                    return sample
            await asyncio.sleep(0.01)

    def _samples(self) -> list[dict[str, Any]]:
        if not self._samples_file.exists():
            return []
        lines = self._samples_file.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def _weather(self) -> Weather:
        options = self._options
        weather = Weather(self._rng, options.faults, hold=20 * options.patience)
        weather.met = self._met
        return weather

    def _make_server(self, port: int) -> ServerProcess:
        options = self._options
        times = {"idle": 2, "first-byte": 4, "write": 3}
        flags = [f"--{name}-timeout={s * options.patience:g}" for name, s in times.items()]
        flags += [f"--heartbeat={options.patience:g}", "--log-level=warning"]
        environ = dict(pair.split("=", 1) for pair in options.environ)
        environ |= {"SOAK_SAMPLES": str(self._samples_file), "SOAK_INTERVAL": str(options.interval)}
        if options.trace:
            environ["SOAK_TRACE"] = str(self._directory / "trace.txt")
        url = f"http://127.0.0.1:{port}/v1"
        return ServerProcess(self._directory, url, *flags, program=OBSERVED, variables=environ)

    def _result(
        self,
        upstream: Upstream,
        samples: list[dict[str, Any]],
        first: dict[str, Any],
        last: dict[str, Any],
        status: int,
    ) -> Result:
        judge = self._judge
        slope, grown = figures.growth(samples, GROWTH)
        twice = sum(count > 1 for count in upstream.asked.values())
        log = self._server.log.read_text()
        rows, whole = _database(self._server.data_dir / "chat.db")
        checks = [
            Check("answers", str(judge.answers), "some", judge.answers > 0),
            none("wrong answers and responses", judge.failures + len(upstream.wrong)),
            none("answers asked for twice", twice),
            grown,
            below("SQLite's memory, MiB", last["sqlite_kib"] / 1024, SQLITE),
            *(returned(name, first[name], last[name]) for name in BACK),
            returned("objects", first["objects"], last["objects"], OBJECTS),
            none("rows left in the database", sum(rows.values())),
            Check("integrity of the database", whole, "ok", whole == "ok"),
            none("errors in the log", log.count("Traceback") + log.count("ERROR")),
            none("exit status", status),
        ]
        seconds = samples[-1]["at"] - samples[0]["at"] if samples else 0.0
        return Result(
            checks,
            samples,
            [*judge.wrong, *upstream.wrong],
            {
                "slope_mb_h": slope.per_hour,
                "slope_error_mb_h": slope.error,
                "seconds": seconds,
                "cpu_share": (samples[-1]["cpu_s"] - samples[0]["cpu_s"]) / max(seconds, 1),
                "rss_mib": [first["rss_kib"] / 1024, last["rss_kib"] / 1024],
                "sqlite_mib": [first["sqlite_kib"] / 1024, last["sqlite_kib"] / 1024],
                "answers": judge.answers,
                "connections": judge.connections,
                "characters": judge.characters,
                "states": dict(judge.states),
                "actions": dict(judge.actions),
                "faults": dict(self._met),
                "rows": rows,
            },
        )


def _database(path: Path) -> tuple[dict[str, int], str]:
    """The number of rows in each table, and the result of SQLite's integrity check."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        rows = {t: db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in TABLES}
        return rows, db.execute("PRAGMA integrity_check").fetchone()[0]


def _shown(sample: dict[str, Any]) -> str:
    names = ("descriptors", "threads", "tasks", "objects", "generations", "readers")
    values = ", ".join(f"{sample[name]} {name}" for name in names)
    return f"{sample['rss_kib'] / 1024:.1f} MiB, {values}"


def soak(options: Options, directory: Path, say: Callable[[str], None]) -> Awaitable[Result]:
    """Run a soak. Its files stay in `directory`, which must be new."""
    return Soak(options, directory, say).run()
