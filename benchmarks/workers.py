"""Measures what further workers bring: `make bench-workers`.

The upstream sends every stream as fast as the server takes it, and the load client reads as fast as
it can. All three run on the same machine and share its cores, as do the workers: so with two cores,
two workers reach less than twice the tokens of one. The CPU time for each token is that of all
processes of the server. Each server is measured several times, in turns; the medians count.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.machine import BUILD, Failed, described, free_port, running, wait_for
from benchmarks.servers import OURS, SERVERS, Place, Server, present

TICKS = os.sysconf("SC_CLK_TCK")


def with_workers(count: int) -> Server:
    """Our server with so many workers."""
    command = OURS.command
    title = f"Tornado Stream, {count} {'worker' if count == 1 else 'workers'}"
    return Server(title, lambda place: [*command(place), "--workers", str(count)], path=OURS.path)


def measure(server: Server, streams: int, tokens: int) -> tuple[float, float]:
    """Tokens a second, and the µs of CPU time for each of them, of a server that is started anew.
    Raises Failed unless every stream arrived complete."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name, ExitStack() as stack:
        folder = Path(name)
        upstream, port = free_port(), free_port()
        log = folder / "log"
        command = [str(BUILD / "upstream"), str(upstream), "300"]
        process = stack.enter_context(running(command, log))
        wait_for(upstream, process, answer=False)
        place = Place(port, upstream, None, folder / "server")
        environ = {"OPENAI_API_KEY": "sk-none", "NO_PROXY": "*", "no_proxy": "*"}
        process = stack.enter_context(running(server.command(place), log, environ=environ))
        wait_for(port, process, answer=True)
        load(server, port, streams, 50)  # a warm-up
        before = cpu_seconds(process.pid)
        found = load(server, port, streams, tokens)
        spent = cpu_seconds(process.pid) - before
        return found["tokens"] / found["seconds"], 1e6 * spent / found["tokens"]


def load(server: Server, port: int, streams: int, tokens: int) -> dict[str, float]:
    body = server.body(f"backlog-{tokens}")
    command = [str(BUILD / "load"), "-p", str(port), "-P", server.path, "-b", body]
    command += ["-n", str(streams), "-m", "0", "-t", "120"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150)
    if done.returncode:
        raise Failed(f"{server.title}: {done.stdout[:500]} {done.stderr[:300]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def cpu_seconds(pid: int) -> float:
    """The CPU time of a process and of those that it has started and that still run."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / TICKS
    return own + sum(cpu_seconds(int(child)) for child in children)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", default="1,2", help="numbers of workers, with commas")
    parser.add_argument("--streams", type=int, default=64, help="answers at a time")
    parser.add_argument("--tokens", type=int, default=3000, help="tokens of each answer")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured")
    asked = parser.parse_args()
    servers = [with_workers(int(count)) for count in asked.workers.split(",")]
    servers += present({"go": SERVERS["go"]}).values()
    found: dict[str, list[tuple[float, float]]] = {server.title: [] for server in servers}
    for _ in range(asked.rounds):
        for server in servers:
            found[server.title].append(measure(server, asked.streams, asked.tokens))
    print(f"{described()['processor']}; the upstream and the client use the same cores\n")
    print("| server | tokens a second | CPU time for each |\n| --- | --- | --- |")
    for title, pairs in found.items():
        speed, price = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(f"| {title} | {speed:,.0f} | {price:.1f} µs |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
