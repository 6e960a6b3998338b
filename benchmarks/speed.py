"""The targets of speed, and the one command that takes their figures: `targets.py --speed`.

A round runs every workload once with every server that a target names, so that a ratio compares
runs that are seconds apart; a figure is the median of all rounds. What a round finds with a
workload is written to `build/bench/speed.jsonl` at once. The command can thus be stopped and
started again: it goes on where it was, and repeats what other programs disturbed. Figures of other
code are put aside.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import report
from benchmarks.machine import BUILD, ROOT, Failed, prices, settle
from benchmarks.servers import BEFORE, SERVERS, Server, ours_of, present
from benchmarks.stage import Figures
from benchmarks.workloads import calm_run

RESULTS = BUILD / "speed.jsonl"
#: The most that other programs may use, in % of a core, for a run to count as calm.
QUIET = 10.0
SECONDS = 1.5  # how long a run measures


@dataclass(frozen=True)
class Row:
    """A target: the median of `key`, or of its ratio to `base_key` of the server `base`."""

    area: str
    target: str
    spec: str
    key: str
    most: float
    base: str = ""
    base_key: str = ""
    scale: float = 1.0


MB = 1.048576  # of a MiB
ROWS = [
    Row("token", "≤ 1.1 × Go", "lockstep", "us", 1.1, "go"),
    Row("token", "≤ 1/5 of naive Tornado", "lockstep", "us", 1 / 5, "naive"),
    Row("token", "≤ 1/14 of FastAPI + SDK", "lockstep", "us", 1 / 14, "openai"),
    Row("token", "beside the other checkout ≤ 1", "lockstep", "us", 1, BEFORE),
    Row("token, whole", "≤ 1.3 × Go", "whole", "us", 1.3, "go"),
    Row("token, whole", "≤ 1/3.2 of naive Tornado", "whole", "us", 1 / 3.2, "naive"),
    Row("token, whole", "≤ 1/7.5 of FastAPI + SDK", "whole", "us", 1 / 7.5, "openai"),
    Row("token, whole", "beside the other checkout ≤ 1", "whole", "us", 1, BEFORE),
    Row("token, TLS", "≤ 1.4 × Go", "lockstep+tls", "us", 1.4, "go"),
    Row("first token", "≤ 0.75 × the other checkout", "first", "p50_ms", 0.75, BEFORE),
    Row("first token", "≤ 2 × aiohttp", "first", "p50_ms", 2, "aiohttp"),
    Row("burst of 100", "last first token ≤ 0.46 × before", "opening:100", "last_ms", 0.46, BEFORE),
    Row("burst of 100", "≤ 0.4 × with the short way in", "opening:100", "last_ms", 0.4, BEFORE),
    Row("burst of 100", "below naive Tornado", "opening:100", "last_ms", 1, "naive"),
    Row("burst, whole", "last first token ≤ 0.46 × before", "whole", "last_ms", 0.46, BEFORE),
    Row("burst, whole", "below naive Tornado", "whole", "last_ms", 1, "naive"),
    Row("answer of 50", "CPU ≤ 0.6 × the other checkout", "answers:100:50", "ms_50", 0.6, BEFORE),
    Row("waiting stream", "≤ 34 KiB", "idle", "kib", 34),
    Row("waiting stream", "≤ 26 KiB with the short way in", "idle", "kib", 26),
    Row("800 × 50 tokens/s", "p99 ≤ 60 ms", "paced:800:50", "p99_ms", 60),
    Row("800 × 50 tokens/s", "p99 ≤ 0.5 × Go", "paced:800:50", "p99_ms", 0.5, "go"),
    Row("1,000 streams", "≤ 1.3 × the price at 100", "growth", "us_1000", 1.3, "ours", "us_100"),
    Row("idle server", "≤ 40 MB", "idle", "base_mb", 40, scale=MB),
    Row("start", "≤ 300 ms", "start", "ms", 300),
]

#: Of each workload the rounds; a round maps a server to its figures.
Found = dict[str, list[dict[str, Figures]]]


def plan(servers: Mapping[str, Server]) -> dict[str, list[str]]:
    """The servers that each workload needs for its rows, by the workload's spec."""
    found: dict[str, list[str]] = {}
    for row in ROWS:
        names = found.setdefault(row.spec, [])
        for name in ("ours", row.base):
            if name in servers and name not in names:
                names.append(name)
    return found


# ---- what is kept ----


def code_of(root: Path) -> str:
    """Names the code of a checkout: a hash of what its server runs."""
    found = hashlib.sha256()
    for path in sorted((root / "tornado_stream").rglob("*")):
        if path.suffix == ".py":
            found.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return found.hexdigest()[:16]


class Results:
    """The rounds that have ended, from a file. `code`, its first line, names what they measured."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.code: list[str] = []
        self.rounds: Found = {}
        for line in path.read_text().splitlines() if path.exists() else []:
            try:
                found = json.loads(line)
                self.code = self.code or found["code"]
                if "spec" in found:
                    self._add(found["spec"], found["number"], found["figures"])
            except (ValueError, KeyError):
                continue  # a line whose writer was killed

    def begin(self, code: list[str]) -> None:
        """Go on, if the rounds are of this code; else put them aside, and begin anew."""
        if self.code == code:
            return
        if self.rounds:
            self._path.rename(self._path.with_stem(self._path.stem + "-older"))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps({"code": code}) + "\n")
        self.code, self.rounds = code, {}

    def add(self, spec: str, number: int, figures: dict[str, Figures]) -> None:
        """Keep a round of a workload; it takes the place of an earlier one of this number."""
        line = {"spec": spec, "number": number, "figures": figures}
        with self._path.open("a") as file:
            file.write(f"\n{json.dumps(line)}\n")  # a line begun before a kill ends here
        self._add(spec, number, figures)

    def _add(self, spec: str, number: int, figures: dict[str, Figures]) -> None:
        rounds = self.rounds.setdefault(spec, [])
        rounds += [{} for _ in range(number + 1 - len(rounds))]
        rounds[number] = figures

    def has(self, spec: str, number: int, servers: Sequence[str]) -> bool:
        """Whether this round has calm figures of all these servers."""
        rounds = self.rounds.get(spec, [])
        figures = rounds[number] if number < len(rounds) else {}
        return all(name in figures and is_calm(figures[name]) for name in servers)


def is_calm(figures: Figures) -> bool:
    return figures.get("strangers", 0) <= QUIET


# ---- taking the figures ----


def take(beside: Path | None, rounds: int, minutes: float) -> Iterator[Results]:
    """Take the figures that are missing, and give all of them after each round and at the end.

    Begins no round of a workload after so many minutes. Raises Failed if nothing can be measured.
    """
    until = time.monotonic() + 60 * minutes
    if not all((BUILD / name).exists() for name in ("upstream", "load", "prices")):
        raise Failed("the C programs are missing; `make bench-build` builds them")
    wanted = {row.base for row in ROWS} | {"ours"}
    every = {name: server for name, server in SERVERS.items() if name in wanted}
    if beside:
        every[BEFORE] = ours_of(beside)
    servers = present(every)
    settle()
    print(f"Here, {report.prices(prices())}.", flush=True)
    results = Results(RESULTS)
    results.begin([code_of(root) for root in (ROOT, beside) if root])
    for number in range(rounds):
        missing = {
            spec: names
            for spec, names in plan(servers).items()
            if not results.has(spec, number, names)
        }
        for spec, names in missing.items():
            if time.monotonic() >= until:
                print(f"{minutes:g} minutes are over; the same command goes on from here.")
                yield results
                return
            results.add(spec, number, _round(spec, {name: servers[name] for name in names}))
        if missing or number == rounds - 1:
            yield results


def _round(spec: str, servers: Mapping[str, Server]) -> dict[str, Figures]:
    found = {}
    for name, server in servers.items():
        print(f"{spec:14} {name:8}", end=" ", flush=True)
        try:
            plain = spec.removesuffix("+tls")
            found[name] = calm_run(plain, server, SECONDS, plain != spec, QUIET)
            print(report.line(found[name]), flush=True)
        except (Failed, OSError, subprocess.SubprocessError) as error:
            print(f"FAILED: {error}", flush=True)
    return found


# ---- the table ----


def reached(row: Row, found: Found) -> tuple[str, bool | None]:
    """What is reached, in words, and whether it meets the target; None: there are no figures.

    Only calm rounds count, if there are any.
    """
    names = {"ours", row.base} - {""}
    both = [one for one in found.get(row.spec, []) if names <= one.keys()]
    calm = [one for one in both if all(is_calm(one[name]) for name in names)]
    values = []
    for one in calm or both:
        below = one[row.base][row.base_key or row.key] if row.base else 1.0
        if below:
            values.append(row.scale * one["ours"][row.key] / below)
    if not (spread := report.spread(values)):
        return "there is no figure for this code; --speed takes it", None
    exact = "" if calm else ", none of them calm"
    words = f"{_fine(spread.median)} [{_fine(spread.low)}–{_fine(spread.high)}]"
    return f"{words}, {len(values)} rounds{exact}", spread.median <= row.most


def _fine(value: float) -> str:
    return f"{value:.3f}" if value < 0.2 else report.number(value)


def kept(path: Path = RESULTS) -> Found:
    """The figures that `--speed` has taken of this code; empty if there are none."""
    results = Results(path)
    return results.rounds if results.code[:1] == [code_of(ROOT)] else {}
