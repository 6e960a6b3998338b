"""How much is tried, and a table at the end of what was found.

`TORTURE=long` (what `make torture` sets) tries a thousand cuts and kills and holds the server to
its contract's times; without it there are fewer, and times may be ten times as long. Environment:
`TORTURE_CUTS`, `TORTURE_KILLS` set the numbers, `TORTURE_SEED` the seed, `TORTURE_CASE` runs that
one cut or kill of the seed alone.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from .server import ServerProcess
from .truth import Truth

LONG = os.environ.get("TORTURE") == "long"


def _number(name: str, short: int, long: int) -> int:
    return int(os.environ.get(name) or (long if LONG else short))


@dataclass(frozen=True)
class Limits:
    """What a run tries. `times` is by how much a time of the contract may be exceeded."""

    long: bool = LONG
    cuts: int = _number("TORTURE_CUTS", 100, 1000)
    kills: int = _number("TORTURE_KILLS", 20, 1000)
    times: int = 1 if LONG else 10
    seed: str = os.environ.get("TORTURE_SEED") or (
        str(random.SystemRandom().randrange(10**6)) if LONG else "1"
    )
    case: int | None = int(os.environ["TORTURE_CASE"]) if "TORTURE_CASE" in os.environ else None

    def rng(self, *names: Any) -> random.Random:
        """A source of chance that is the same for the same seed and names."""
        return random.Random(":".join(map(str, (self.seed, *names))))


@dataclass
class Summary:
    """Rows of the table: what was tried, and its figures."""

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
    """Starts upstreams that know the truth; each is closed after the test."""
    running: list[Truth] = []

    async def start(**options: Any) -> Truth:
        running.append(await Truth(**options).start())
        return running[-1]

    yield start
    for truth in running:
        io_loop.run_sync(truth.close)


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """Makes servers that run as processes; each is ended after the test."""
    servers: list[ServerProcess] = []

    def make(truth: Truth, *arguments: str) -> ServerProcess:
        directory = tmp_path / f"server{len(servers)}"
        directory.mkdir()
        servers.append(ServerProcess(directory, truth.url, *arguments))
        return servers[-1]

    yield make
    for server in servers:
        server.kill()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not SUMMARY.rows:
        return
    terminalreporter.section(f"torture, seed {Limits().seed}")
    width = max(len(name) for name, _ in SUMMARY.rows)
    for name, figures in SUMMARY.rows:
        shown = "  ".join(f"{key.replace('_', ' ')} {value}" for key, value in figures.items())
        terminalreporter.write_line(f"{name:<{width}}  {shown}")
