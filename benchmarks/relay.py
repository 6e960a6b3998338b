"""Measures what it costs a server to relay a stream: `make bench`, and `make bench-check`.

In each run one server, ours or another, stands between a fake upstream (`upstream.c`) and a client
that checks that every stream arrives complete and in order (`load.c`). Each run starts its server
anew. The servers take turns, so that a ratio compares two runs that are seconds apart.
docs/performance.md explains the workloads.
"""

from __future__ import annotations

import argparse
import signal
import socket
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import report
from benchmarks.machine import BUILD, Failed, get, resident_kib, settle
from benchmarks.servers import OURS_V1, SERVERS, Server
from benchmarks.stage import Figures, Stage, staged

CONNECTIONS = 10_000


@dataclass(frozen=True)
class Load:
    """The size of a run. 0: the workload's own number."""

    streams: int
    rate: int  # tokens a second of each stream
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
    return {"p50_ms": found["first_p50_ms"], "strangers": found["strangers_pct"]}


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
    "backlog": _backlog,
    "paced": _paced,
    "idle": _idle,
    "first": _first,
    "start": _start,
    "readers": _readers,
    "growth": _growth,
    "connections": _connections,
}
#: These servers need so long to open a stream that a thousand at once take minutes.
SLOW_TO_OPEN = ("httpx", "openai")
RELAYING = ("lockstep", "backlog", "paced", "first")


def servers_for(work: str, names: list[str]) -> dict[str, Server | None]:
    """Those of the named servers that this workload measures, by name.

    "none" stands for a client that asks the upstream directly; its server is None.
    """
    if work in ("readers", "connections"):
        names = [name for name in names if name == "ours"]
    elif work == "growth":
        names = [name for name in names if name not in SLOW_TO_OPEN]
    chosen: dict[str, Server | None] = {name: SERVERS[name] for name in names}
    return chosen | {"none": None} if work in ("paced", "first") else chosen


def run(spec: str, server: Server | None, seconds: float, tls: bool) -> Figures:
    """Run a workload once. `spec` is `name`, `name:streams` or `name:streams:rate`."""
    name, *numbers = spec.split(":")
    streams, rate = ([int(number) for number in numbers] + [0, 0])[:2]
    with staged(server, tls) as stage:
        if name != "start":
            stage.load("backlog-50", "-n", "20", "-g", "2")  # warms the server up
        return WORKS[name](stage, Load(streams, rate, seconds))


def rounds(options: argparse.Namespace, spec: str) -> list[dict[str, Figures]]:
    """The figures of all rounds; a round is one run of each server.

    Prints a run that fails, and leaves it out.
    """
    found = []
    servers = servers_for(spec.partition(":")[0], options.servers)
    for number in range(options.rounds):
        figures: dict[str, Figures] = {}
        for name, server in servers.items():
            print(f"{number + 1}/{options.rounds} {spec:12} {name:9}", end="", flush=True)
            try:
                figures[name] = run(spec, server, options.seconds, options.tls)
                print(report.line(figures[name]), flush=True)
            except Failed as error:
                print(f"FAILED: {error}", flush=True)
        found.append(figures)
    return found


def check(options: argparse.Namespace) -> int:
    """Compare our server's lead over plain Tornado with the lead in results.json.

    Always returns 0: the result is for people to read.
    """
    signal.signal(signal.SIGALRM, lambda *_: sys.exit("bench-check: not done after 90 s"))
    signal.alarm(90)
    options.servers, options.rounds, options.seconds = ["ours", "naive"], 3, 1.0
    now = report.ratio(rounds(options, "lockstep"), "naive", "us")
    recorded = report.ratio(report.recorded("lockstep"), "naive", "us")
    if now is None or recorded is None:
        print("bench-check: nothing to compare")
        return 0
    within = "within" if abs(now.median / recorded.median - 1) <= 0.25 else "NOT within"
    print(
        f"bench-check: a token costs plain Tornado {now} times as much as our server. "
        f"The recorded ratio is {recorded}: {within} 25 %"
    )
    return 0


def programs(options: argparse.Namespace) -> int:
    """Compare what a token costs through `/v1` with what it costs through `/stream`, run by run.

    Returns 1 if the price through `/v1` is above it by more than 15 %.
    """
    above = 0
    for work in ("lockstep", "backlog"):
        found = []
        for number in range(options.rounds):
            pair = {"ours": SERVERS["ours"], "v1": OURS_V1}
            figures = {name: run(work, one, options.seconds, False) for name, one in pair.items()}
            found.append(figures)
            lines = (f"{name}: {report.line(one)}" for name, one in figures.items())
            print(f"{number + 1}/{options.rounds} {work:9}", "   ".join(lines), flush=True)
        times = report.ratio(found, "v1", "us")
        assert times is not None
        above += times.median > 1.15
        print(f"{work}: a token through /v1 costs {times} times as much as through /stream")
    return min(above, 1)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    add = parser.add_argument
    works, servers = ",".join(WORKS), ",".join(SERVERS)
    add("--work", default=works, help="workloads, separated by commas (%(default)s)")
    add("--servers", default=servers, help="servers, separated by commas (%(default)s)")
    add("--rounds", type=int, default=5, help="runs of each server for each workload")
    add("--seconds", type=float, default=1.5, help="how long to measure in a run")
    add("--tls", action="store_true", help=f"the upstream speaks TLS ({', '.join(RELAYING)} only)")
    add("--record", action="store_true", help="write results.json and docs/performance.md")
    add("--check", action="store_true", help="compare our server with plain Tornado in about 15 s")
    add("--programs", action="store_true", help="compare the price of /v1 with that of /stream")
    options = parser.parse_args()
    options.work, options.servers = options.work.split(","), options.servers.split(",")
    for known, given in ((WORKS, options.work), (SERVERS, options.servers)):
        for name in given:
            if name.partition(":")[0] not in known:
                parser.error(f"no workload or server has the name {name!r}")
    if options.tls:
        options.work = [spec for spec in options.work if spec.partition(":")[0] in RELAYING]
    return options


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that `running` ends its processes
    options = parse()
    if not all((BUILD / name).exists() for name in ("upstream", "load")):
        print("The C programs are missing; `make bench` builds them on Linux with a C compiler.")
        return 1
    settle()
    if options.check:
        return check(options)
    if options.programs:
        return programs(options)
    for name in tuple(options.servers):
        if not SERVERS[name].needs():
            print(f"{SERVERS[name].title} is not installed and is left out.")
            options.servers.remove(name)
    found = {spec + "+tls" * options.tls: rounds(options, spec) for spec in options.work}
    print()
    print(report.summary(found))
    if options.record:
        report.record(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
