"""What many concurrent streams take, in servers and in PostgreSQL: a simulation with the measured
prices of `scaling.py --prices`.

    python benchmarks/scale_model.py      # the table of docs/scaling.md

Each server has one connection that writes: a flush of all its answers ten times a second, and the
beginning and the end of each answer. All of them share the cores of one primary, and then its log,
which is written in one piece. Whatever is asked for waits for its turn, as in the real engine. The
simulation tells how long a flush takes from its due time to its commit, and whether the primary
keeps up; nothing in it is fitted.
"""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass
from math import ceil

#: Seconds of the engine's cores, and bytes of its log: for a row, a transaction, an answer.
ROW, TRANSACTION, ANSWER = (5.8e-6, 522), (1.02e-3, 114), (2.94e-3, 16_300)
#: Seconds of a server's core: for a token (docs/performance.md), a row, a transaction, an answer.
SERVER_TOKEN, SERVER_ROW, SERVER_TRANSACTION, SERVER_ANSWER = 24e-6, 4.6e-6, 0.51e-3, 4.8e-3
#: Connections of a server, and how many of them a primary should have at most.
CONNECTIONS, MOST_CONNECTIONS = 4, 500
#: Seconds between two flushes, and how much of a core or a log is to be used.
TICK, LOAD = 0.1, 0.6


@dataclass(frozen=True)
class Use:
    """How people use the service: tokens of a stream in a second, and seconds of an answer."""

    tokens: float = 30.0
    seconds: float = 20.0


@dataclass(frozen=True)
class Primary:
    """A machine for PostgreSQL. `log` is what its disk takes of the log, in bytes a second."""

    cores: int = 16
    log: float = 400e6


@dataclass(frozen=True)
class Seen:
    """What a simulation has seen. `cores` and `log` are in use on average; `late` is the share of
    flushes that were not done when the next one was due; `lag` is the 99th percentile in seconds.
    """

    cores: float
    log: float
    lag: float
    late: float


def server_load(streams: float, use: Use) -> float:
    """The cores that a server needs for its streams."""
    answers = SERVER_ANSWER / use.seconds
    return streams * (use.tokens * SERVER_TOKEN + SERVER_ROW / TICK + answers) + (
        SERVER_TRANSACTION / TICK
    )


def streams_of_a_server(use: Use) -> int:
    """How many streams one process carries."""
    one = server_load(1, use) - server_load(0, use)
    return int((LOAD - server_load(0, use)) / one)


def need(streams: int, servers: int, use: Use) -> tuple[float, float]:
    """The cores and the bytes of log a second that a primary needs, without any waiting."""
    rows, flushes, answers = streams / TICK, servers / TICK, streams / use.seconds
    cores, log = (
        rows * row + flushes * transaction + answers * answer
        for row, transaction, answer in zip(ROW, TRANSACTION, ANSWER, strict=True)
    )
    return cores, log


def streams_of_a_primary(use: Use, primary: Primary) -> tuple[int, str]:
    """How many streams one primary carries, and what ends first."""
    each = streams_of_a_server(use)
    cores, log = (one / 1e6 for one in need(10**6, ceil(10**6 / each), use))
    walls = {
        "the cores": LOAD * primary.cores / cores,
        "the log": LOAD * primary.log / log,
        "the connections": MOST_CONNECTIONS / CONNECTIONS * each,
    }
    first = min(walls, key=lambda name: walls[name])
    return int(walls[first]), first


def simulate(
    streams: int, servers: int, use: Use, primary: Primary, seconds: float = 4.0, seed: int = 1
) -> Seen:
    """Let the servers write for some seconds, from an idle primary on."""
    rng = random.Random(seed)
    mine = streams / servers
    flush = tuple(a * mine + b for a, b in zip(ROW, TRANSACTION, strict=True))
    half = tuple(each / 2 for each in ANSWER)  # an answer's beginning, or its end
    rate = 2 * mine / use.seconds
    # For each server: its next flush, its next half of an answer, and when its connection is free.
    due = [rng.uniform(0, TICK) for _ in range(servers)]
    answer = [rng.expovariate(rate) for _ in range(servers)]
    turns = [(min(due[n], answer[n]), n) for n in range(servers)]
    heapq.heapify(turns)
    cores = [0.0] * primary.cores
    log_free = used = written = 0.0
    lags: list[float] = []
    while turns:
        now, n = heapq.heappop(turns)
        is_flush = due[n] <= answer[n]
        work, size = flush if is_flush else half
        begins = max(now, cores[0])
        if begins >= seconds:
            continue
        heapq.heapreplace(cores, begins + work)
        log_free = max(begins + work, log_free) + size / primary.log
        used, written = used + work, written + size
        if is_flush:
            lags.append(log_free - due[n])
            due[n] = max(due[n] + TICK, log_free)
        else:
            answer[n] += rng.expovariate(rate)
        heapq.heappush(turns, (max(log_free, min(due[n], answer[n])), n))
    lags.sort()
    late = sum(lag > TICK for lag in lags) / len(lags)
    return Seen(used / seconds, written / seconds, lags[int(len(lags) * 0.99)], late)


def table(use: Use, primary: Primary) -> list[str]:
    """The lines of the table in docs/scaling.md."""
    each = streams_of_a_server(use)
    most, _ = streams_of_a_primary(use, primary)
    lines = [
        "| streams | servers | primaries | rows a second | cores of each primary | log of each | "
        "a flush takes, 99 of 100 |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for streams in (10_000, 100_000, 1_000_000):
        for primaries in sorted({1, ceil(streams / most)}):
            servers = ceil(streams / each)
            seen = simulate(streams // primaries, ceil(servers / primaries), use, primary)
            took = f"{seen.lag * 1e3:.0f} ms" if seen.late < 0.01 else "more each second"
            lines.append(
                f"| {streams:,} | {servers:,} | {primaries} | {streams / TICK:,.0f} "
                f"| {seen.cores:.1f} | {seen.log / 1e6:,.0f} MB/s | {took} |"
            )
    return lines


def main() -> None:
    use, primary = Use(), Primary()
    most, wall = streams_of_a_primary(use, primary)
    print(f"one server carries {streams_of_a_server(use)} streams")
    print(f"one primary carries {most:,} streams ({most / TICK:,.0f} rows a second): then {wall}")
    print(*table(use, primary), sep="\n")


if __name__ == "__main__":
    main()
