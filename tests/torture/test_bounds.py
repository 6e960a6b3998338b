"""What strangers and upstreams can make the server hold in its memory, and whether it answers
meanwhile.

The server runs as a process. Each test resets the process's peak of memory (VmHWM), attacks, and
compares the peak with what the process held before.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from operator import sub
from pathlib import Path
from typing import Any

import pytest
from client import Stream, read_chunk
from deadlines import DEADLINE, LONG, at_most
from store.answers import end, new_answer
from tornado.iostream import StreamClosedError

from tornado_stream.store import open_store
from tornado_stream.values.messages import Conversation

from .server import MAIN, ServerProcess

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

MIB = 1024 * 1024
#: Bytes that an attack may add to what the process holds.
MORE = 32 * MIB
TOKEN = "t" * 32


class HostileUpstream:
    """Answers a GET with `models`, and a POST with the response that the model's name names: its
    bytes, or a function that yields them and the seconds to wait."""

    def __init__(self) -> None:
        self.models: Any = whole(b'{"data":[{"id":"truth"}]}')
        self.answers: dict[str, Any] = {}
        self.written = 0

    async def __aenter__(self) -> HostileUpstream:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=MIB)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            answer = self.models
            if length := re.search(rb"(?i)content-length: (\d+)", head):
                body = json.loads(await reader.readexactly(int(length[1])))
                answer = self.answers[body["model"]]
            for part in [answer] if isinstance(answer, bytes) else answer():
                if isinstance(part, float):
                    await asyncio.sleep(part)
                    continue
                writer.write(part)
                await writer.drain()
                self.written += len(part)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


def head(body: str, status: int = 200) -> bytes:
    return f"HTTP/1.1 {status} X\r\nConnection: close\r\n{body}\r\n".encode()


def whole(body: bytes, status: int = 200, **headers: str) -> bytes:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return head(f"{lines}Content-Length: {len(body)}\r\n", status) + body


def bomb(unit: bytes, mib: int, *, before: bytes = b"", raw: bool = False) -> bytes:
    """This much of `unit`, compressed."""
    squeeze = zlib.compressobj(9, wbits=-15 if raw else 31)
    many = unit * (MIB // len(unit))
    parts = [squeeze.compress(before), *(squeeze.compress(many) for _ in range(mib))]
    return b"".join([*parts, squeeze.flush()])


class Watched:
    """A running server: its memory, and how long `/healthz` takes."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.client = server.client
        self.slowest = 0.0

    def memory(self, name: str = "VmRSS") -> int:
        status = Path(f"/proc/{self.server.pid}/status").read_text()
        return 1024 * int(re.search(rf"{name}:\s+(\d+)", status)[1])  # type: ignore[index]

    def _reset_peak(self) -> None:
        Path(f"/proc/{self.server.pid}/clear_refs").write_text("5")

    @asynccontextmanager
    async def attacked(self, *, answers: bool = True) -> AsyncIterator[None]:
        """Fails if the peak of memory rises by more than `MORE` until the end, and with `answers`
        also if `/healthz` took too long. Not for an attack that keeps this process busy too."""
        await self.client.request("GET", "/healthz")
        self._reset_peak()
        before = self.memory()
        pings = asyncio.ensure_future(self._ping())
        began = time.monotonic()
        try:
            yield
        finally:
            pings.cancel()
        more = self.memory("VmHWM") - before
        print(
            f"+{more / MIB:.1f} MiB, /healthz at most {self.slowest * 1000:.0f} ms, "
            f"{time.monotonic() - began:.1f} s"
        )
        assert more <= MORE
        assert not answers or self.slowest <= at_most(0.1)

    async def _ping(self) -> None:
        self.slowest = 0.0
        while True:
            began = time.monotonic()
            await self.client.request("GET", "/healthz")
            self.slowest = max(self.slowest, time.monotonic() - began)
            await asyncio.sleep(0.01)


#: The server, for which the port of the first known server is another one.
DISCOVERING = """
import sys
sys.path.insert(0, {root!r})
from dataclasses import replace
from tornado_stream.providers import discovery, provider_group
from tornado_stream.providers.presets import presets
provider_group.DISCOVERY_INTERVAL = 0
preset = next(preset for preset in presets().values() if preset.local_port)
moved = replace(preset, base_url="http://127.0.0.1:{port}/v1", local_port={port})
discovery.presets = lambda: {{preset.name: moved}}
from tornado_stream.server import main
sys.exit(main())
"""


async def read_to_end(stream: Stream) -> int:
    """Read a response in chunks; returns how many bytes it had."""
    size = 0
    while part := await read_chunk(stream.connection):
        size += len(part)
    return size


SSE = b'data: {"choices":[{"index":0,"delta":{"content":"'
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def zipped(unit: bytes, before: bytes = b"", status: int = 200, kind: str = "gzip") -> bytes:
    data = bomb(unit, BOMB, before=before, raw=kind == "deflate")
    return whole(data, status, Content_Encoding=kind)


def endless(first: bytes, unit: bytes) -> Callable[[], Iterator[bytes]]:
    def parts() -> Iterator[bytes]:
        yield first
        for _ in range(BOMB * 16):
            yield unit * (65536 // len(unit))

    return parts


#: MiB of what a bomb contains. The long form's has 4.6 MB.
BOMB = 4600 if LONG else 100
ATTACKS = {
    "a stream": lambda: zipped(SSE + b"x" * 1000 + b'"}}]}\n\n'),
    "small chunks": lambda: zipped(SSE + b"x" + b'"}}]}\n\n'),
    "an event of many lines": lambda: zipped(b"data: [],\n", b'data: {"choices":[\n'),
    "a whole answer": lambda: zipped(b"x", b'{"choices":[{"message":{"content":"', kind="deflate"),
    "an error": lambda: zipped(b"x", b'{"error":{"message":"', 500),
    "blank lines": lambda: zipped(b"\n"),
    "a head": lambda: endless(OK, b"X-Y: zzzzzzzzzz\r\n"),
    "a header": lambda: endless(OK + b"X: ", b"z"),
    "interim responses": lambda: endless(b"", b"HTTP/1.1 103 Early\r\nLink: a\r\n\r\n"),
    "trailers": lambda: endless(CHUNKED + b"0\r\n", b"X-Y: zzzzzzzzzz\r\n"),
    "an extension of a chunk": lambda: endless(CHUNKED + b"5;", b"z"),
}


@pytest.mark.wide
@pytest.mark.timed
@pytest.mark.gen_test
async def test_a_hostile_upstream_fills_no_memory(tmp_path):
    async with HostileUpstream() as upstream:
        upstream.models = zipped(b"[],", b'{"data":[')
        server = ServerProcess(tmp_path, upstream.url)
        await server.start()
        watched = Watched(server)
        try:
            async with watched.attacked():
                await watched.client.request("GET", "/v1/models")
            # The database's page cache (16 MB at most) grows once, with the first long answer.
            upstream.answers["first"] = ATTACKS["a stream"]()
            await asyncio.wait_for(watched.client.ask(model="first"), DEADLINE)
            for name, make in ATTACKS.items():
                upstream.answers[name], upstream.written = make(), 0
                print(name, end=": ")
                async with watched.attacked():
                    answer = await asyncio.wait_for(watched.client.ask(model=name), DEADLINE)
                assert answer.end["error"], name
                if callable(upstream.answers[name]):
                    assert upstream.written < 16 * MIB, "it was left early"
        finally:
            server.kill()


#: Streams that a program reads, as small chunks as there can be, and a member that could be
#: written into every chunk.
PROGRAM_ATTACKS = {
    "chunks without an id": lambda: zipped(b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n'),
    "chunks with an id": lambda: zipped(b'data: {"id":"a","model":"m",' + SSE[7:] + b'x"}}]}\n\n'),
    "a long name": lambda: whole(
        b'data: {"model":"%b",' % (b"m" * 900_000) + SSE[7:] + b'x"}}]}\n\n'
        b"" + (SSE + b'x"}}]}\n\n') * 20_000 + b"data: [DONE]\n\n"
    ),
}


@pytest.mark.wide
@pytest.mark.timed
@pytest.mark.parametrize("reads", [True, False])
@pytest.mark.gen_test
async def test_streams_of_programs_fill_no_memory(tmp_path, reads):
    """A program that reads, whose call may be repeated, and one that reads nothing."""
    async with HostileUpstream() as upstream:
        server = ServerProcess(tmp_path, upstream.url)
        await server.start()
        watched = Watched(server)
        try:
            for name, make in PROGRAM_ATTACKS.items():
                upstream.answers[name], upstream.written = make(), 0
                body = {
                    "model": name,
                    "stream": True,
                    "messages": [{"role": "user", "content": "a"}],
                }
                headers: dict[str, str | None] = {"Idempotency-Key": name} if reads else {}
                print(name, end=": ")
                async with watched.attacked():
                    path = "/v1/chat/completions"
                    program = await watched.client.open("POST", path, body, headers)
                    if reads:
                        await read_to_end(program)
                    else:
                        await asyncio.sleep(5 if LONG else 0.5)
                program.close()
        finally:
            server.kill()


@pytest.mark.wide
@pytest.mark.timed
@pytest.mark.gen_test
async def test_discovery_fills_no_memory(tmp_path):
    """Another program has the port of a known server and sends a bomb as its list of models."""
    async with HostileUpstream() as upstream:
        upstream.models = zipped(b"[],", b'{"data":[')
        program = tmp_path / "discovering.py"
        program.write_text(DISCOVERING.format(port=upstream.port, root=str(MAIN.parent)))
        server = ServerProcess(tmp_path, "", program=program)
        place = server._command.index("--base-url")
        del server._command[place : place + 4]  # neither an upstream nor a model is named
        await server.start()
        watched = Watched(server)
        try:
            for _ in range(3):
                async with watched.attacked():
                    await watched.client.request("GET", "/api/models")
                    await asyncio.sleep(1.0)  # discovery asks anew
            assert upstream.written, "discovery has not asked"
        finally:
            server.kill()


@pytest.mark.wide
@pytest.mark.timed
@pytest.mark.gen_test
async def test_strangers_fill_no_memory(tmp_path):
    """250 bodies of 8 MB from five addresses, of clients that do not pass the login."""
    async with HostileUpstream() as upstream:
        variables = {"TORNADO_STREAM_TOKEN": TOKEN}
        server = ServerProcess(tmp_path, upstream.url, variables=variables)
        await server.start()
        watched, block = Watched(server), b"x" * 65536
        paths = ("/v1/chat/completions", "/stream", "/login")

        async def send(number: int) -> None:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", server.client.port, local_addr=(f"127.0.0.{number % 5 + 1}", 0)
            )
            form: dict[str, str | None] = {"Content-Length": str(8 * MIB)}
            if number % 2:
                form = {"Content-Length": None, "Transfer-Encoding": "chunked"}
            writer.write(server.client.encode("POST", paths[number % 3], b"", form))
            for _ in range(8 * MIB // len(block) - 1):  # the last piece never comes
                writer.write(b"10000\r\n%b\r\n" % block if number % 2 else block)
                await writer.drain()
            peers.append(writer)

        peers: list[asyncio.StreamWriter] = []
        try:
            async with watched.attacked(answers=False):
                await asyncio.gather(*map(send, range(250 if LONG else 50)))
        finally:
            for peer in peers:
                peer.close()
            server.kill()


HOME = "00000000-0000-4000-8000-000000000001"


def paced() -> Iterator[bytes | float]:
    """A token every ten milliseconds, without end."""
    yield OK + b"Content-Type: text/event-stream\r\n\r\n"
    while True:
        yield SSE + b'x"}}]}\n\n'
        yield 0.01


async def store_large(directory: Path, mib: int) -> str:
    """Make a conversation of this size; half of it is one branch. Returns its id."""
    store = open_store(directory)
    conversation, parent = Conversation(HOME, "large", None, None, 1, 1), None
    for number in range(mib):
        one = new_answer(
            number,
            conversation=conversation if number else None,
            home=HOME,
            parent=parent if number % 2 else None,
            text=(f"{number:04}" * MIB)[: MIB - 2000],
        )
        await store.begin(one)
        await end(store, one, "b" * 1000)
        parent = one.message.id if number % 2 else parent
    await store.close()
    return conversation.id


async def watch(stream: Stream, times: list[float]) -> None:
    """Read a paced answer, and note when its events come."""
    with suppress(StreamClosedError):
        async for _ in stream:
            times.append(time.monotonic())


@pytest.mark.wide
@pytest.mark.timed
@pytest.mark.gen_test
async def test_readers_of_a_large_conversation(tmp_path):
    """One client after another reads it whole, then forty read nothing of it; a stream goes on."""
    mib = 60 if LONG else 12
    id = await store_large(tmp_path / "data", mib)
    async with HostileUpstream() as upstream:
        upstream.answers["paced"] = paced
        server = ServerProcess(tmp_path, upstream.url)
        await server.start()
        watched, client = Watched(server), server.client
        stream = await client.send(model="paced")
        await stream.until("delta")
        paths = [f"/api/conversations/{id}", f"/c/{id}.json", f"/c/{id}.md", f"/c/{id}.txt"]
        silent: list[Stream] = []
        times: list[float] = []
        reading = asyncio.ensure_future(watch(stream, times))
        try:
            for path in paths:
                print(path, end=": ")
                times[:] = [time.monotonic()]
                async with watched.attacked():
                    response = await client.open("GET", path)
                    size = 0
                    while part := await read_chunk(response.connection):
                        size += len(part)
                gap = max(map(sub, times[1:], times), default=0)
                print(f"{size / MIB:.1f} MiB, a gap of {gap * 1000:.0f} ms at most")
                assert size > (mib if "json" in path or "api" in path else mib // 4) * (MIB - 2000)
                assert gap <= at_most(0.05 + 0.01)
            print("clients that read nothing", end=": ")
            async with watched.attacked():
                for number in range(40):
                    silent.append(await client.open("GET", paths[number % 3]))
            statuses = [one.response.status for one in silent]
            assert statuses == [200] * 8 + [429] * 32
        finally:
            for one in [stream, *silent]:
                one.close()
            await reading
            server.kill()
