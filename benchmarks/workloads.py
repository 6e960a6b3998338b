"""The workloads of `make bench`: what each asks of a server, and which figures it takes.

docs/performance.md explains them. A run starts its server anew, and warms it up.
"""

from __future__ import annotations

import socket
import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks.machine import get, resident_kib, wait_for_calm
from benchmarks.servers import Server
from benchmarks.stage import Figures, Stage, staged

CONNECTIONS = 10_000
#: How many times `opening` opens a hundred streams; the median counts.
BURSTS = 3
#: Tokens of the answers whose price is taken.
ANSWERS = (1, 50, 500)
#: How often a noisy run is repeated, and how many seconds to wait for a calm machine before one.
TRIES, CALM_LIMIT = 3, 5.0


@dataclass(frozen=True)
class Load:
    """The size of a run. 0: the workload's own number."""

    streams: int
    rate: int  # tokens a second of each stream; with `answers`: tokens of each answer
    seconds: float  # how long to measure


def _lockstep(stage: Stage, load: Load, *flags: str, streams: int = 0) -> Figures:
    count = str(streams or load.streams or 100)
    window = ["-m", str(load.seconds)]
    found = stage.load("lockstep-0", "-l", "-n", count, "-g", "2", *window, *flags, limit=60)
    return _price(found) | {"open_us": 1e6 * found["open_cpu_s"] / found["streams"]}


def _price(found: Figures) -> Figures:
    """The CPU time in µs for each token that reached the client, and the tokens a second."""
    return {
        "us": 1e6 * found["cpu_s"] / max(found["tokens"], 1),
        "per_s": found["tokens"] / found["seconds"],
        "strangers": found["strangers_pct"],
    }


def _whole(stage: Stage, load: Load) -> Figures:
    """Like `_lockstep`, but the opening and the end of the streams count too."""
    count = str(load.streams or 100)
    found = stage.load("lockstep-500", "-l", "-n", count, limit=120)
    firsts = {"p50_ms": found["first_p50_ms"], "last_ms": found["first_last_ms"]}
    return _price(found) | firsts


def _opening(stage: Stage, load: Load) -> Figures:
    def opened(count: int) -> Figures:
        return stage.load("lockstep-0", "-l", "-f", "-n", str(count), limit=60)

    bursts = [opened(load.streams or 100) for _ in range(BURSTS)]
    figures = {
        "last_ms": statistics.median(one["first_last_ms"] for one in bursts),
        "p50_ms": statistics.median(one["first_p50_ms"] for one in bursts),
        "open_us": statistics.median(1e6 * one["cpu_s"] / one["streams"] for one in bursts),
    }
    if not load.streams and stage.may_open(1000):
        bursts.append(opened(1000))
        last, middle = bursts[-1]["first_last_ms"], bursts[-1]["first_p50_ms"]
        figures |= {"last_1000_ms": last, "p50_1000_ms": middle}
    return figures | {"strangers": max(one["strangers_pct"] for one in bursts)}


def _answers(stage: Stage, load: Load) -> Figures:
    count, strangers, figures = str(load.streams or 100), [], {}
    for tokens in (load.rate,) if load.rate else ANSWERS:
        limits = ("-e", "2")  # the store has its last write after an answer's end
        found = stage.load(f"lockstep-{tokens}", "-l", "-n", count, *limits, limit=120)
        figures[f"ms_{tokens}"] = 1e3 * found["cpu_s"] / found["streams"]
        strangers.append(found["strangers_pct"])
    return figures | {"strangers": max(strangers)}


def _backlog(stage: Stage, load: Load) -> Figures:
    count = str(load.streams or 50)
    window = ["-m", str(load.seconds)]
    return _price(stage.load("backlog-0", "-n", count, "-g", "2", *window, limit=60))


def _paced(stage: Stage, load: Load) -> Figures:
    count, rate = load.streams or 100, load.rate or 30
    window = ["-w", "1", "-m", str(load.seconds)]
    found = stage.load(f"paced-{rate}", "-n", str(count), "-g", "2", *window, limit=60)
    return {
        "cpu_pct": 100 * found["cpu_s"] / found["seconds"],
        "p50_ms": found["latency_p50_ms"],
        "p99_ms": found["latency_p99_ms"],
        "lost": found["lost"],
        "strangers": found["strangers_pct"],
    }


def _idle(stage: Stage, load: Load) -> Figures:
    count = load.streams or 500
    found = stage.load("lockstep-0", "-n", str(count), "-g", "2", "-i", "1", limit=60)
    return {
        "kib": (found["idle_kib"] - found["base_kib"]) / count,
        "base_mb": found["base_kib"] / 1024,
        "strangers": found["strangers_pct"],
    }


def _first(stage: Stage, load: Load) -> Figures:
    found = stage.load("lockstep-2", "-l", "-n", str(load.streams or 40), "-g", "40")
    price = 1e6 * found["cpu_s"] / found["streams"]
    return {"p50_ms": found["first_p50_ms"], "us": price, "strangers": found["strangers_pct"]}


def _start(stage: Stage, load: Load) -> Figures:
    return {"ms": stage.started_ms}


def _several(runs: dict[int, Figures]) -> Figures:
    figures = {f"us_{count}": one["us"] for count, one in runs.items()}
    return figures | {"strangers": max(one["strangers"] for one in runs.values())}


def _readers(stage: Stage, load: Load) -> Figures:
    streams = load.streams or 20
    counts = (1, 3, 50)
    runs = {n: _lockstep(stage, load, "-r", str(n), streams=streams) for n in counts}
    return _several(runs)


def _growth(stage: Stage, load: Load) -> Figures:
    return _several({count: _lockstep(stage, load, streams=count) for count in (100, 1000)})


def _connections(stage: Stage, load: Load) -> Figures:
    def healthz() -> float:
        times = []
        for _ in range(100):
            began = time.perf_counter()
            get(stage.port)
            times.append(1000 * (time.perf_counter() - began))
        return statistics.median(times)

    alone, memory = healthz(), resident_kib(stage.pid)
    count = load.streams or CONNECTIONS
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(socket.create_connection(("127.0.0.1", stage.port), 5))
        beside = healthz()
        kib = (resident_kib(stage.pid) - memory) / count
    return {"none_ms": alone, "ms": beside, "kib": kib}


WORKS: dict[str, Callable[[Stage, Load], Figures]] = {
    "lockstep": _lockstep,
    "whole": _whole,
    "opening": _opening,
    "answers": _answers,
    "backlog": _backlog,
    "paced": _paced,
    "idle": _idle,
    "first": _first,
    "start": _start,
    "readers": _readers,
    "growth": _growth,
    "connections": _connections,
}
#: The workloads in which a server's client to the model matters; `--tls` is for these.
RELAYING = ("lockstep", "whole", "opening", "answers", "backlog", "paced", "first")
#: The streams of a workload, where its spec says nothing; those that are missing ask one by one.
_STREAMS = {"backlog": 50, "idle": 500, "growth": 1000, "readers": 1000, "connections": CONNECTIONS}
_STREAMS |= dict.fromkeys(("lockstep", "whole", "opening", "answers", "paced"), 100)


def servers_for(spec: str, servers: Mapping[str, Server]) -> dict[str, Server | None]:
    """Those of the servers that this workload measures, by name.

    "none" stands for a client that asks the upstream directly; its server is None.
    """
    work, *numbers = spec.split(":")
    streams = int(numbers[0]) if numbers else _STREAMS.get(work, 0)
    chosen: dict[str, Server | None] = {
        name: server
        for name, server in servers.items()
        if (server.is_ours or work not in ("readers", "connections"))
        and not 0 < server.most_streams < streams
    }
    return chosen | {"none": None} if work in ("paced", "first") else chosen


def run(spec: str, server: Server | None, seconds: float, tls: bool) -> Figures:
    """Run a workload once. `spec` is `name`, `name:streams` or `name:streams:rate`."""
    name, *numbers = spec.split(":")
    streams, rate = ([int(number) for number in numbers] + [0, 0])[:2]
    with staged(server, tls) as stage:
        if name != "start":
            stage.load("backlog-50", "-n", "20", "-g", "2")  # warms the server up
        return WORKS[name](stage, Load(streams, rate, seconds))


def calm_run(spec: str, server: Server | None, seconds: float, tls: bool, quiet: float) -> Figures:
    """Run a workload again, up to `TRIES` times in all, while other programs use more than `quiet`
    % of a core; returns the figures of the run with the least noise.

    Waits before each run until the machine is calm, at most `CALM_LIMIT` seconds.
    """
    runs: list[Figures] = []
    while len(runs) < TRIES and (not runs or runs[-1].get("strangers", 0) > quiet):
        wait_for_calm(CALM_LIMIT)
        runs.append(run(spec, server, seconds, tls))
    return min(runs, key=lambda figures: figures.get("strangers", 0))
