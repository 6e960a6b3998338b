"""The server survives requests that no client would send on purpose, and says what is wrong.

`FUZZ_REQUESTS` is the number of requests (1,000 by default), `FUZZ_HTTP_SEED` the seed. The server
runs in a process of its own, which measures the longest step of its event loop.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest
from client import Client
from process import environ
from torture.server import ServerProcess

from .requests import Case, Requests, is_ours

REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "1000"))
SEED = int(os.environ.get("FUZZ_HTTP_SEED", "1"))
LONG = REQUESTS > 10_000
#: The number of connections at a time; the seconds to wait for the response to a valid request; and
#: those to wait for a response to an invalid one, which the server may also leave unanswered.
WORKERS, PATIENCE, GLANCE = 16, 60.0, 0.1
#: The longest step of the loop, in seconds of processor time, which is longer on a busy machine.
LONGEST_STEP = 0.05 if LONG else 0.5
#: Bytes of memory: growth after the first fifth of the requests, and in all.
GROWTH, MEMORY = 64 * 2**20, 256 * 2**20

STATUSES = {100, 200, 201, 204, 304, 400, 403, 404, 405, 408, 409, 413, 414, 415, 421, 429, 431}


@dataclass
class Reply:
    """A response. `bare`: without header and body, which is how Tornado refuses invalid HTTP."""

    status: int
    headers: dict[str, str]
    body: bytes = b""

    @property
    def bare(self) -> bool:
        return not self.headers and not self.body


@dataclass
class Tally:
    statuses: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


async def exchange(port: int, case: Case) -> list[Reply]:
    """Send a case on a connection of its own, and return the responses."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
    replies: list[Reply] = []
    try:
        writer.write(case.data)
        if case.half:
            writer.write_eof()
        is_head = case.data.startswith(b"HEAD")
        sound = case.sound and not case.half
        async with asyncio.timeout(PATIENCE if sound else GLANCE):
            while len(replies) < (case.responses if sound else 20):
                replies.append(await read_reply(reader, is_head))
    except (TimeoutError, ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.transport.abort()
    return replies


async def read_reply(reader: asyncio.StreamReader, is_head: bool) -> Reply:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = (line.partition(":") for line in head[1:] if line)
    headers = {name.lower(): value.strip() for name, _, value in fields}
    reply = Reply(int(head[0].split(" ")[1]), headers)
    if is_head or reply.status in (100, 204, 304):
        return reply
    if "content-length" in headers:
        reply.body = await reader.readexactly(int(headers["content-length"]))
    elif "transfer-encoding" in headers:
        while size := int(await reader.readuntil(b"\r\n"), 16):
            reply.body += (await reader.readexactly(size + 2))[:-2]
        await reader.readexactly(2)
    elif headers:
        reply.body = await reader.read()
    return reply


def judge(case: Case, replies: list[Reply]) -> str | None:
    """What is wrong with the responses to a case; None: nothing."""
    if case.sound and not case.half and len(replies) < case.responses:
        return f"{len(replies)} of {case.responses} responses"
    for reply in replies:
        if reply.status not in STATUSES:
            return f"status {reply.status}"
        for word in (b"Traceback", b'File "', b"tornado.web", b".py", b"Error("):
            if reply.status >= 400 and word in reply.body:
                return f"{word!r} in the response"
        is_page = reply.headers.get("content-type", "").startswith("text/html")
        if reply.status >= 400 and not (reply.bare or is_page):
            if not (is_ours(reply.body) or case.data.startswith(b"HEAD")):
                return f"not an error of the API: {reply.body[:80]!r}"
    return None


async def send_all(port: int, cases: list[Case], tally: Tally) -> None:
    queue = iter(cases)

    async def work() -> None:
        for case in queue:
            replies = await exchange(port, case)
            tally.statuses[str(replies[0].status) if replies else "none"] += 1
            if wrong := judge(case, replies):
                tally.failures.append(f"{case.kind}: {wrong}: {case.data[:600]!r}")

    await asyncio.gather(*(work() for _ in range(WORKERS)))


class Watched(ServerProcess):
    """The server as a process that measures the steps of its event loop."""

    def __init__(self, directory: Path, upstream_url: str) -> None:
        super().__init__(directory, upstream_url, "--log-level", "info")
        self._command[1] = str(Path(__file__).parents[1] / "watched.py")
        self.watch = directory / "watch.json"

    def environ(self) -> dict[str, str]:
        return environ(WATCH=str(self.watch))

    def memory(self) -> int:
        """Its resident memory in bytes; 0 if the system does not tell it."""
        assert self._process
        status = Path(f"/proc/{self._process.pid}/status")
        if not status.exists():
            return 0
        return int(status.read_text().split("VmRSS:")[1].split()[0]) * 1024


@pytest.fixture
def upstream_url() -> Iterator[str]:
    """An upstream in a process of its own."""
    command = [sys.executable, str(Path(__file__).parents[1] / "fake_upstream.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as upstream:
        assert upstream.stdout
        yield upstream.stdout.readline().strip()
        upstream.kill()


@pytest.fixture
def server(tmp_path: Path, upstream_url: str) -> Iterator[Watched]:
    watched = Watched(tmp_path, upstream_url)
    yield watched
    watched.kill()


async def ids(chat: Client) -> tuple[str, str]:
    """The ids of a conversation and of an answer that exist."""
    answer = await chat.ask("hi", model="say=there")
    return answer.start["conversation_id"], answer.start["generation_id"]


@pytest.mark.timeout(0 if LONG else 600)
@pytest.mark.gen_test(timeout=7200 if LONG else 500)
@pytest.mark.wide
async def test_the_server_stands_anything(server: Watched) -> None:
    await server.start()
    chat = server.client
    requests, tally = Requests(Random(SEED), *await ids(chat)), Tally()
    make = requests.make
    await send_all(chat.port, requests.every_large(), tally)
    await send_all(chat.port, [make() for _ in range(REQUESTS // 5)], tally)
    before = server.memory()
    for _ in range(4):
        await send_all(chat.port, [make() for _ in range(REQUESTS // 5)], tally)
    after = server.memory()
    assert (await chat.ask("hi", model="say=still")).text == "still"
    assert (await chat.request("GET", "/healthz")).json() == {"status": "ok"}
    server.signal(signal.SIGTERM)
    assert await server.wait() == 0
    log, steps = server.log.read_text(), json.loads(server.watch.read_text())
    print(f"\nrequests: {REQUESTS}, answered {dict(tally.statuses.most_common())}")
    print(f"memory: {before / 2**20:.0f} MiB, then {after / 2**20:.0f} MiB")
    print(f"longest step: {steps['cpu'] * 1e3:.0f} ms, wall-clock {steps['clock'] * 1e3:.0f} ms")
    assert not tally.failures, "\n".join(tally.failures[:10])
    assert "Traceback" not in log and " ERROR " not in log, log[:3000]
    assert steps["cpu"] < LONGEST_STEP, steps["longest"]
    assert after - before < GROWTH and after < MEMORY
