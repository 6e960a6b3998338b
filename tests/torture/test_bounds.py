"""What strangers and upstreams can make the server hold in its memory, and how long they hold it up.

The server runs as a process. Each test resets the process's peak of memory (VmHWM), attacks, and
compares the peak with what the process held before.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import sys
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from client import Client
from deadlines import DEADLINE, at_most

from .server import ServerProcess

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

MIB = 1024 * 1024
#: Bytes that an attack may add to what the process holds.
MORE = 32 * MIB
TOKEN = "t" * 32


class HostileUpstream:
    """Answers a GET with `models`, and a POST with the response that the model's name names."""

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
                writer.write(part)
                await writer.drain()
                self.written += len(part)
        except (asyncio.IncompleteReadError, ConnectionError):
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

    @asynccontextmanager
    async def attacked(self) -> AsyncIterator[None]:
        """Fails if the peak of memory rises by more than `MORE` until the end."""
        await self.client.request("GET", "/healthz")
        Path(f"/proc/{self.server.pid}/clear_refs").write_text("5")
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
        self.more = more
        if not MEASURE:
            assert more <= MORE
            assert self.slowest <= at_most(0.1)

    async def _ping(self) -> None:
        self.slowest = 0.0
        while True:
            began = time.monotonic()
            await self.client.request("GET", "/healthz")
            self.slowest = max(self.slowest, time.monotonic() - began)
            await asyncio.sleep(0.01)


import os

MEASURE = bool(os.environ.get("MEASURE"))
