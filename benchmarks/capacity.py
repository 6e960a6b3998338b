"""Measures how many streams and idle connections one server can hold: `make capacity`.

The server is real, and the upstream is a fake one. While the streams run, this program reads the
server's memory, and a probe in another process measures how late the server's event loop is: it
sends `GET /healthz` again and again on one connection and takes the time of each response.
The program prints a line for each target. The exit status is 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from client import Client, Stream
from fake_upstream import FakeUpstream

ROOT = Path(__file__).resolve().parent.parent
#: The probe: sends `GET /healthz` every 10 ms for some seconds, and prints the duration of each
#: response in milliseconds. Its arguments are the port and the seconds.
PROBE = """
import json, socket, sys, time
sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
times, due = [], time.monotonic() + float(sys.argv[2])
while time.monotonic() < due:
    began = time.monotonic()
    sock.sendall(b"GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
    assert sock.recv(65536).startswith(b"HTTP/1.1 200")
    times.append(1000 * (time.monotonic() - began))
    time.sleep(0.01)
print(json.dumps(times))
"""
IDLE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
MIB = 1024 * 1024


@dataclass
class Capacity:
    """What was measured: resident memory in bytes, lateness of the loop in milliseconds."""

    rss_empty: int
    rss_idle: int
    rss: int
    lag_p50: float
    lag_p99: float
    streaming: int


async def measure(streams: int, idle: int, rate: float, seconds: float) -> Capacity:
    """Hold that many idle connections, and that many streams with `rate` events a second each."""
    with ExitStack() as stack:
        upstream = FakeUpstream()
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        server = stack.enter_context(_server(directory, upstream.url))
        try:
            chat = Client(_port(server))
            empty = _rss(server.pid)
            idle_connections = [await _idle(chat) for _ in range(idle)]
            after_idle = _rss(server.pid)
            running = await _ask(chat, streams, rate)
            reading = [asyncio.ensure_future(stream.read()) for stream in running]
            times = await _probe(chat.port, seconds)
            counts = [len(stream.answer.events) for stream in running]
            used = _rss(server.pid)
            for task in reading:
                task.cancel()
            await asyncio.gather(*reading, return_exceptions=True)
            for connection in [*idle_connections, *(stream.connection for stream in running)]:
                connection.close()
            busy = sum(count > 0.2 * rate * seconds for count in counts)
            p50, p99 = (times[int(len(times) * part)] for part in (0.5, 0.99))
            return Capacity(empty, after_idle, used, p50, p99, busy)
        finally:
            server.kill()
            server.wait()
            await upstream.close()


def _server(directory: str, url: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(ROOT / "main.py"), "--port", "0", "--data-dir", directory]
    command += ["--base-url", url, "--log-level", "warning", "--keep-alive-timeout", "3600"]
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ)


def _port(server: subprocess.Popen[str]) -> int:
    assert server.stdout
    found = re.search(r":(\d+)/", server.stdout.readline())
    assert found, "the server did not start"
    return int(found[1])


async def _ask(chat: Client, count: int, rate: float) -> list[Stream]:
    model = f"gap={1 / rate};count=1000000"
    return [await chat.send(model=model) for _ in range(count)]


async def _idle(chat: Client):
    connection = await chat.connect()
    await connection.write(IDLE)
    await connection.read_until(b"}")
    return connection


async def _probe(port: int, seconds: float) -> list[float]:
    command = [sys.executable, "-c", PROBE, str(port), str(seconds)]
    probe = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    return sorted(json.loads((await probe.communicate())[0]))


def _rss(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=200, help="answers that are streamed")
    parser.add_argument("--idle", type=int, default=2000, help="connections without a request")
    parser.add_argument("--rate", type=float, default=5, help="events a second of each stream")
    parser.add_argument("--seconds", type=float, default=20, help="how long to measure")
    asked = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    found = asyncio.run(measure(asked.streams, asked.idle, asked.rate, asked.seconds))
    per_idle = (found.rss_idle - found.rss_empty) / max(asked.idle, 1) / 1024
    per_stream = (found.rss - found.rss_idle) / max(asked.streams, 1) / 1024
    rows = [
        (
            "streams that receive their events",
            found.streaming,
            f"{asked.streams}",
            found.streaming == asked.streams,
        ),
        ("memory, MiB", found.rss / MIB, "≤ 150", found.rss <= 150 * MIB),
        ("memory per idle connection, KiB", per_idle, "≤ 100", per_idle <= 100),
        ("memory per stream, KiB", per_stream, "≤ 1024", per_stream <= 1024),
        ("lateness of the loop, median, ms", found.lag_p50, "", True),
        ("lateness of the loop, p99, ms", found.lag_p99, "≤ 50", found.lag_p99 <= 50),
    ]
    print(
        f"{asked.streams} streams of {asked.rate:g} events a second, {asked.idle} idle connections"
    )
    for name, value, target, met in rows:
        print(f"{name:36} {value:8.1f}  {target:8} {'' if met else 'MISSED'}")
    return 0 if all(met for *_, met in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
