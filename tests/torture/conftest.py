"""Settings of these tests, and the table of results that they print at the end.

`make torture` sets `TORTURE=long`: a thousand cuts, a thousand kills, as many power failures, a
thousand calls of programs, a thousand faults of several instances, fifty backups, and the promised
times. The short form has fewer of them and no promised times. `TORTURE_CUTS`, `TORTURE_KILLS`,
`TORTURE_CALLS`, `TORTURE_FAULTS` and `TORTURE_BACKUPS` set the numbers, `TORTURE_SEED` the seed;
`TORTURE_CASE` runs only the cut, kill or case of this number.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from deadlines import LONG
from postgres import Engine, why_not

from .server import ServerProcess
from .truth import Truth


def _number(name: str, short: int, long: int) -> int:
    return int(os.environ.get(name) or (long if LONG else short))


@dataclass(frozen=True)
class Limits:
    """How many cuts, kills and calls a run makes, and from which seed."""

    long: bool = LONG
    cuts: int = _number("TORTURE_CUTS", 100, 1000)
    calls: int = _number("TORTURE_CALLS", 30, 1000)
    kills: int = _number("TORTURE_KILLS", 20, 1000)
    faults: int = _number("TORTURE_FAULTS", 30, 1000)
    backups: int = _number("TORTURE_BACKUPS", 2, 50)
    seed: str = os.environ.get("TORTURE_SEED") or (
        str(random.SystemRandom().randrange(10**6)) if LONG else "1"
    )
    case: int | None = int(os.environ["TORTURE_CASE"]) if "TORTURE_CASE" in os.environ else None

    def rng(self, *names: Any) -> random.Random:
        """A random generator that depends only on the seed and these names."""
        return random.Random(":".join(map(str, (self.seed, *names))))


@dataclass
class Summary:
    """The rows of the table: a name, and the figures that were counted."""

    rows: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def row(self, name: str, **figures: Any) -> None:
        self.rows.append((name, figures))


SUMMARY = Summary()


@pytest.fixture(scope="session")
def limits() -> Limits:
    return Limits()


@pytest.fixture(scope="session")
def summary() -> Summary:
    return SUMMARY


@pytest.fixture
def make_truth(io_loop: Any) -> Iterator[Callable[..., Any]]:
    """Starts upstreams that know the true text of answers; each is closed after the test."""
    running: list[Truth] = []

    async def start(**options: Any) -> Truth:
        running.append(await Truth(**options).start())
        return running[-1]

    yield start
    for truth in running:
        io_loop.run_sync(truth.close)


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """Creates servers that run as processes; each is killed after the test."""
    servers: list[ServerProcess] = []

    def make(truth: Truth, *arguments: str) -> ServerProcess:
        directory = tmp_path / f"server{len(servers)}"
        directory.mkdir()
        servers.append(ServerProcess(directory, truth.url, *arguments))
        return servers[-1]

    yield make
    for server in servers:
        server.kill()


@pytest.fixture
def engines() -> Iterator[Callable[..., Engine]]:
    """Starts engines; each is closed after the test."""
    if reason := why_not():
        pytest.skip(reason)
    running: list[Engine] = []

    def start(**options: Any) -> Engine:
        running.append(Engine(**options))
        return running[-1]

    yield start
    for engine in running:
        engine.close()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not SUMMARY.rows:
        return
    terminalreporter.section(f"torture, seed {Limits().seed}")
    width = max(len(name) for name, _ in SUMMARY.rows)
    for name, figures in SUMMARY.rows:
        shown = "  ".join(f"{key.replace('_', ' ')} {value}" for key, value in figures.items())
        terminalreporter.write_line(f"{name:<{width}}  {shown}")
