"""Prints the targets of this server, and whether it meets them: `make targets`.

The figure of each row is one that a test prints, or is measured here. Some rows need a corpus, a
browser, a result of `make soak`, or of `--speed`. A row that lacks it says so; it is neither met
nor missed. With `--long` the counts are the full ones, which takes hours.

`--speed --beside CHECKOUT` takes the figures of speed, half an hour on a quiet machine, beside an
older checkout of this project (`git worktree add`). speed.py explains it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from client import Answer, Client
from fake_upstream import FakeUpstream
from fuzz.decoders import CORPUS
from torture.server import ServerProcess
from upstream_json import say, sse

from benchmarks import speed
from benchmarks.machine import Failed
from tornado_stream.providers.openai.answer_decoder import AnswerDecoder

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Measured:
    """A result in words, and whether it meets the target; None: it could not be measured."""

    words: str
    met: bool | None


@dataclass(frozen=True)
class Target:
    """A row of the table. `measure` is called with True for the full counts (`--long`)."""

    area: str
    target: str
    measure: Callable[[bool], Measured]


class Tests:
    """A finished run of tests. `here`: their files exist; `text`: what they printed."""

    def __init__(self, *names: str, **environ: str) -> None:
        self.here = all((ROOT / name.partition("::")[0]).exists() for name in names)
        command = [sys.executable, "-m", "pytest", "-q", "-s", "--timeout", "0", *names]
        began = time.monotonic()
        done = subprocess.run(
            command if self.here else ["true"],
            cwd=ROOT,
            env=os.environ | environ,
            capture_output=True,
            text=True,
        )
        self.seconds = time.monotonic() - began
        self.text = done.stdout
        counts = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|error)", self.text)}
        self.passed = counts.get("passed", 0)
        self.ok = done.returncode == 0 and self.passed > 0

    def measured(self, words: str = "", met: bool = True) -> Measured:
        if not self.here:
            return Measured("the files of these tests are missing", None)
        if "skipped" in self.text and not self.passed:
            return Measured("skipped: " + self.found(r"SKIPPED.*: (.+)"), None)
        words = words or f"{self.passed} tests passed"
        return Measured(words if self.ok else f"FAILED: {self.text[-300:]}", self.ok and met)

    def found(self, pattern: str) -> str:
        """The first group of the pattern in the output; "?" if the output has no match."""
        match = re.search(pattern, self.text)
        return match[1].strip() if match else "?"


# -- figures of tests


def streams(long: bool) -> Measured:
    names = ["tests/providers/openai/test_corpus_streams.py"] + [
        "tests/providers/openai/test_corpus.py"
    ] * long
    count = len(list((CORPUS / "streams").glob("*.sse")))
    run = Tests(*names)
    return run.measured(
        f"{count}/{count} decoded right, each split in 9 ways" if run.ok and count else ""
    )


def vectors(long: bool) -> Measured:
    run = Tests("tests/values/test_sse.py::test_vector")
    return run.measured(f"{run.passed}/{run.passed} decoded right")


def http_errors(long: bool) -> Measured:
    count = len(list((CORPUS / "http_errors").glob("*.body")))
    run = Tests("tests/providers/openai/test_corpus_streams.py::test_http_error")
    return run.measured(f"{run.passed}/{count} classified, no message with HTML")


def decoders(long: bool) -> Measured:
    cases = "1000000" if long else "10000"
    return Tests("tests/fuzz/test_decoders.py", FUZZ_CASES=cases).measured(
        f"{cases} inputs, no exception"
    )


def requests(long: bool) -> Measured:
    run = Tests("tests/fuzz/test_requests.py", FUZZ_REQUESTS="100000" if long else "2000")
    sent, longest = run.found(r"requests: (\d+)"), run.found(r"longest step: (\d+) ms")
    memory = run.found(r"memory: (.+)")
    words = f"{sent} requests; longest step {longest} ms; memory {memory}"
    return run.measured(words, met=longest != "?" and int(longest) <= 50)


def stops(long: bool) -> Measured:
    run = Tests("tests/generations/test_stops.py", STOPS="10000" if long else "1000")
    p99 = run.found(r"p99 ([\d.]+) ms")
    count = run.found(r"(\d+) stops")
    words = f"{count} stops in 4 phases, p99 {p99} ms, no connection or task left"
    return run.measured(words, met=p99 != "?" and float(p99) <= 1000)


def kills(long: bool) -> Measured:
    run = Tests("tests/torture/test_kills.py", TORTURE_KILLS="1000" if long else "20")
    return run.measured(run.found(r"(kills .+)"))


def cuts(long: bool) -> Measured:
    run = Tests("tests/torture/test_cuts.py", TORTURE_CUTS="1000" if long else "60")
    return run.measured(run.found(r"(cuts .+)"))


def descriptors(long: bool) -> Measured:
    return Tests("tests/net/test_listener.py").measured()


def access(long: bool) -> Measured:
    names = ["tests/handlers/test_doors.py", "tests/handlers/test_login.py"]
    return Tests(*(name for name in names if (ROOT / name).exists())).measured()


def hostile_answers(long: bool) -> Measured:
    return Tests("tests/browser/test_markdown.py").measured()


def secrets(long: bool) -> Measured:
    return Tests("tests/observe/test_secrets.py").measured()


# -- figures that are measured here


def linear(long: bool) -> Measured:
    """The CPU time of decoding 1 MB and 4 MB, in reads of 64 KiB."""
    named = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-x"}
    data = sse(say(" token") | named)
    took = []
    for size in (2**20, 2**22):
        pieces, decoder = data * (size // len(data)), AnswerDecoder()
        began = time.process_time()
        for start in range(0, len(pieces), 2**16):
            decoder.feed(pieces[start : start + 2**16])
        took.append(1000 * (time.process_time() - began))
    met = took[0] <= 50 and took[1] <= 6 * took[0]
    return Measured(f"1 MB in {took[0]:.0f} ms, 4 MB in {took[1]:.0f} ms", met)


def latency(long: bool) -> Measured:
    """How much later tokens arrive: one run through the server, one directly from the upstream."""
    from benchmarks.servers import SERVERS
    from benchmarks.workloads import run

    try:
        ours, none = (
            run("paced:50:50", s, 20 if long else 4, False) for s in (SERVERS["ours"], None)
        )
    except (Failed, OSError) as error:
        return Measured(f"needs `make bench-build`: {error}", None)
    p50, p99 = (ours[name] - none[name] for name in ("p50_ms", "p99_ms"))
    return Measured(f"p50 {p50:.2f} ms, p99 {p99:.2f} ms", p50 <= 2 and p99 <= 10)


def first_byte(long: bool) -> Measured:
    """How much later the first token arrives than directly from the upstream."""
    from benchmarks.servers import SERVERS
    from benchmarks.workloads import run

    try:
        ours, none = (run("first", server, 1, False) for server in (SERVERS["ours"], None))
    except (Failed, OSError) as error:
        return Measured(f"needs `make bench-build`: {error}", None)
    added = ours["p50_ms"] - none["p50_ms"]
    return Measured(f"{added:.1f} ms later than the upstream's", added <= 50)


@asynccontextmanager
async def serving(*flags: str) -> AsyncIterator[tuple[ServerProcess, Client]]:
    """Run the server as a process; its fake upstream is in this process."""
    upstream = FakeUpstream()
    with tempfile.TemporaryDirectory(prefix="targets-") as name:
        server = ServerProcess(Path(name), upstream.url, *flags)
        try:
            await server.start()
            yield server, server.client
        finally:
            server.kill()
            await upstream.close()


def in_loop(measure: Callable[[bool], Awaitable[Measured]]) -> Callable[[bool], Measured]:
    return lambda long: asyncio.run(measure(long))  # type: ignore[arg-type]


async def cut(long: bool) -> Measured:
    """The longest time from a fault of the upstream until the client receives `end`."""
    waited = 0.2
    async with serving("--idle-timeout", "1") as (_, chat):

        async def delay(fault: str, pause: float) -> float:
            answer = await chat.ask(model=f"say=a;wait={waited};{fault}")
            assert answer.end["state"] == "cut_off", answer.end
            return answer.events[-1].at - answer.events[-2].at - pause

        faults = ("close", "reset", "badchunk") * (100 if long else 10)
        longest = max([await delay(fault, waited) for fault in faults])
        stalled = await delay("stall", 1)
    words = f"{len(faults)} cuts reported within {longest * 1000:.0f} ms, "
    words += f"a stall {stalled * 1000:.0f} ms after the idle timeout"
    return Measured(words, longest <= 1 and stalled <= 1)


async def resume(long: bool) -> Measured:
    """Resume answers of different lengths after each of their events."""
    points, slowest = 0, 0.0
    async with serving() as (_, chat):
        for number in range(20 if long else 6):
            whole = await chat.ask(model=f"gap=0.003;count={10 + 5 * number}")
            for after in range(whole.events[-1].id):
                began = time.monotonic()
                rest = await chat.resume(whole.start["generation_id"], after)
                slowest = max(slowest, rest.events[0].at - began)
                assert [e.id for e in rest.events] == [e.id for e in whole.events[after:]]
                points += 1
    words = f"{points} points, all events right, first one within {slowest * 1000:.0f} ms"
    return Measured(words, slowest <= 0.2)


async def drain(long: bool) -> Measured:
    """SIGTERM under load: every client gets an `end`, and the process ends in time."""
    runs, slowest, scripts = 100 if long else 4, 0.0, ("gap=0.05;count=10", "say=a;stall")
    for _ in range(runs):
        async with serving("--drain-timeout", "1") as (server, chat):
            sending = [await chat.send(model=scripts[n % 2]) for n in range(10)]
            for stream in sending:
                await stream.until("start")
            server.signal(signal.SIGTERM)
            began = time.monotonic()
            answers: list[Answer] = await asyncio.gather(*(stream.read() for stream in sending))
            assert await server.wait() == 0
            slowest = max(slowest, time.monotonic() - began)
        assert {a.end["state"] for a in answers[::2]} == {"done"}
        assert {a.end["state"] for a in answers[1::2]} == {"interrupted"}
    words = (
        f"{runs}/{runs}: each client got `end`; exit {slowest - 1:.1f} s after the drain timeout"
    )
    return Measured(words, slowest <= 3)


def capacity(long: bool) -> Measured:
    script = ROOT / "benchmarks" / "capacity.py"
    if not script.exists():
        return Measured("benchmarks/capacity.py is missing", None)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, cwd=ROOT)
    return Measured("; ".join(done.stdout.strip().splitlines()[-3:]), done.returncode == 0)


def soak(long: bool) -> Measured:
    results = sorted((ROOT / "build" / "soak").glob("*/result.json"))
    if not results:
        return Measured("there is no result of `make soak`", None)
    found = json.loads(results[-1].read_text())
    figures, minutes = found["figures"], found["options"]["minutes"]
    grew = f"{figures['slope_mb_h']:+.1f} ± {figures['slope_error_mb_h']:.1f} MB/h"
    return Measured(f"{minutes:g} min, {figures['answers']} answers, {grew}", found["met"])


def speed_target(row: speed.Row) -> Target:
    return Target(row.area, row.target, lambda long: Measured(*speed.reached(row, speed.kept())))


def coverage(long: bool) -> Measured:
    if long:
        subprocess.run(["make", "coverage"], cwd=ROOT, capture_output=True)
    command = [sys.executable, "-m", "coverage", "report", "--format=total", "--precision=1"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        return Measured("there is no result of `make coverage`", None)
    tokens = subprocess.run(
        [*command, f"--include={TOKENS}"], capture_output=True, text=True, cwd=ROOT
    )
    whole, inner = float(done.stdout), float(tokens.stdout)
    return Measured(
        f"{inner:g} % of the token's path, {whole:g} % in all", inner == 100 and whole >= 90
    )


#: The modules that every token passes through.
TOKENS = ",".join(
    f"*/tornado_stream/{name}.py" for name in ("values/sse", "providers/openai/*", "generations/*")
)

TARGETS = [
    Target("recorded streams", "all decoded right, however they are split", streams),
    Target("SSE vectors", "all decoded right", vectors),
    Target("HTTP errors", "all classified, no HTML, no key", http_errors),
    Target("decoders", "a million inputs: no exception, bounded memory", decoders),
    Target("decoders' time", "1 MB in 50 ms, linear", linear),
    Target("odd requests", "100,000: no 500, loop never blocked for 50 ms", requests),
    Target("added latency", "p50 2 ms, p99 10 ms at 50 streams × 50 events/s", latency),
    Target("first token", "at most 50 ms later than the upstream's", first_byte),
    Target("stop", "p99 1 s in 4 phases, no connection or task left", stops),
    Target("upstream cut", "reported in 1 s; a stall 1 s after the timeout", in_loop(cut)),
    Target("capacity", "200 streams + 2,000 idle connections in 150 MB", capacity),
    Target("soak", "2 h, 20 % faults: no growth, nothing left", soak),
    Target("kill -9", "1,000: nothing acknowledged lost, no corruption", kills),
    Target("cuts", "1,000 on either side of the server: same text", cuts),
    Target("resume", "right after every event, within 200 ms", in_loop(resume)),
    Target("drain", "100/100: each client gets `end`, exit in time", in_loop(drain)),
    Target("no descriptors left", "goes on serving, recovers within 2 s", descriptors),
    Target("access", "every route checks Host, Origin and login", access),
    Target("hostile answers", "100 in Chromium: no request, no script", hostile_answers),
    Target("secrets", "in no log, response or error", secrets),
    Target("coverage", "100 % of a token's path, 90 % in all", coverage),
]
SPEED_TARGETS = [speed_target(row) for row in speed.ROWS]


def show(targets: Iterable[Target], long: bool) -> int:
    """Print the rows of these targets; returns how many are missed."""
    missed = 0
    for target in targets:
        try:
            found = target.measure(long)
        except Exception as error:
            found = Measured(f"FAILED: {error!r}"[:300], False)
        missed += found.met is False
        met = {True: "yes", False: "NO", None: "-"}[found.met]
        print(f"{target.area:<20} {target.target:<50} {met:<4} {found.words}", flush=True)
    return missed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    add = parser.add_argument
    add("--long", action="store_true", help="use the full counts; takes hours")
    add("--only", default="", help="only rows whose name contains this")
    add("--speed", action="store_true", help="take the figures of speed, and show these rows only")
    add("--beside", type=Path, help="with --speed: an older checkout, for the rows that compare")
    add("--rounds", type=int, default=7, help="with --speed: the rounds of each workload")
    add("--minutes", type=float, default=35, help="with --speed: begin no run after so many")
    options = parser.parse_args()
    targets = SPEED_TARGETS if options.speed else TARGETS + SPEED_TARGETS
    targets = [target for target in targets if options.only in target.area]
    if options.speed:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        missed = 0
        try:
            for _ in speed.take(options.beside, options.rounds, options.minutes):
                print()
                missed = show(targets, options.long)
                print()
        except Failed as error:
            parser.error(str(error))
    else:
        missed = show(targets, options.long)
    print(f"{missed} missed." if missed else "Every target that could be measured is met.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
