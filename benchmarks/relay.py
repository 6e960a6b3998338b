"""Measures what it costs a server to relay a stream: `make bench`, and `make bench-check`.

In each run one server, ours or another, stands between a fake upstream (`upstream.c`) and a client
that checks that every stream arrives complete and in order (`load.c`). Each run starts its server
anew. The servers take turns, so that a ratio compares two runs that are seconds apart.
docs/performance.md explains the workloads.
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import report
from benchmarks.machine import BUILD, Failed, prices, settle
from benchmarks.servers import BEFORE, OURS_V1, SERVERS, ours_of, present
from benchmarks.stage import Figures
from benchmarks.workloads import RELAYING, WORKS, calm_run, run, servers_for

#: LiteLLM is measured with twenty streams.
DEFAULT_WORKS = (*WORKS, "lockstep:20")


def rounds(options: argparse.Namespace, spec: str) -> list[dict[str, Figures]]:
    """The figures of all rounds; a round is one run of each server.

    Prints a run that fails, and leaves it out.
    """
    found = []
    servers = servers_for(spec, options.servers)
    for number in range(options.rounds):
        figures: dict[str, Figures] = {}
        for name, server in servers.items():
            print(f"{number + 1}/{options.rounds} {spec:12} {name:9}", end="", flush=True)
            try:
                if options.quiet:
                    figures[name] = calm_run(
                        spec, server, options.seconds, options.tls, options.quiet
                    )
                else:
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
    options.servers = {name: SERVERS[name] for name in ("ours", "naive")}
    options.rounds, options.seconds, options.quiet = 3, 1.0, 0.0
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
    works, servers = ",".join(DEFAULT_WORKS), ",".join(SERVERS)
    add("--work", default=works, help="workloads, separated by commas (%(default)s)")
    add("--servers", default=servers, help="servers, separated by commas (%(default)s)")
    add("--beside", type=Path, help="another checkout of this project, as the server `before`")
    add("--rounds", type=int, default=5, help="runs of each server for each workload")
    add("--seconds", type=float, default=1.5, help="how long to measure in a run")
    add(
        "--quiet",
        type=float,
        default=0,
        metavar="PERCENT",
        help="repeat a run, up to twice, if other programs used more than this of a core",
    )
    add("--tls", action="store_true", help=f"the upstream speaks TLS ({', '.join(RELAYING)} only)")
    add("--record", action="store_true", help="write results.json and docs/performance.md")
    add("--check", action="store_true", help="compare our server with plain Tornado in about 15 s")
    add("--programs", action="store_true", help="compare the price of /v1 with that of /stream")
    options = parser.parse_args()
    options.work, names = options.work.split(","), options.servers.split(",")
    for known, given in ((WORKS, options.work), (SERVERS, names)):
        for name in given:
            if name.partition(":")[0] not in known:
                parser.error(f"no workload or server has the name {name!r}")
    options.servers = {name: SERVERS[name] for name in names}
    if options.beside and options.record:
        parser.error("--record keeps no figures of another checkout: leave --beside out")
    if options.beside:
        try:
            options.servers[BEFORE] = ours_of(options.beside)
        except Failed as error:
            parser.error(str(error))
    if options.tls:
        options.work = [spec for spec in options.work if spec.partition(":")[0] in RELAYING]
    return options


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that `running` ends its processes
    options = parse()
    if not all((BUILD / name).exists() for name in ("upstream", "load", "prices")):
        print("The C programs are missing; `make bench` builds them on Linux with a C compiler.")
        return 1
    settle()
    if options.check:
        return check(options)
    if options.programs:
        return programs(options)
    options.servers = present(options.servers)
    cost = prices()
    print(f"Here, {report.prices(cost)}.", flush=True)
    found = {spec + "+tls" * options.tls: rounds(options, spec) for spec in options.work}
    titles = {name: server.title for name, server in options.servers.items()}
    print()
    print(report.summary(found, titles))
    if options.record:
        report.record(found, cost)
    return 0


if __name__ == "__main__":
    sys.exit(main())
