"""An upstream with random faults. It keeps connections open, and records what it has sent."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
from collections import Counter
from dataclasses import dataclass
from typing import Any

from torture.truth import Truth

LINGER_NOT = struct.pack("ii", 1, 0)
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
MODELS = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 28\r\n\r\n"
    b'{"data": [{"id": "truth"}]}\n'
)
#: Seconds that an idle connection stays open.
KEEP_ALIVE = 1.0
STATUSES = (429, 500, 503)
#: The statuses that say that the upstream has not processed the request.
TURNED_AWAY = (429, 503)
#: The ways in which an answer may break off at a random point.
ENDS = ("close", "reset", "bad chunk", "stall", "error")


@dataclass
class Said:
    """What this upstream sent for one request: the text so far, and how it ended."""

    text: str = ""
    status: int = 200
    end: str = ""  # empty: the server closed the connection before the end

    @property
    def whole(self) -> bool:
        return self.end == "whole"


class Upstream(Truth):
    """A `Truth` that answers a share of the requests, `faults` (0 to 1), with a fault.

    `said` has an entry for each answer, by its id; the judge removes the entry.
    """

    def __init__(self, *, faults: float) -> None:
        super().__init__(prefill=False)
        self.faults = faults
        self.said: dict[str, Said] = {}
        self.turned_away: Counter[str] = Counter()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                body = await asyncio.wait_for(self._read_request(reader), KEEP_ALIVE)
                if body is None:
                    writer.write(MODELS)
                elif not await self._say(body, reader, writer):
                    break
            writer.write_eof()
            await reader.read()
        except (OSError, EOFError, TimeoutError):
            pass  # the server has closed the connection, or left it idle

    async def _read_request(self, reader: asyncio.StreamReader) -> dict[str, Any] | None:
        """The body of a request for an answer; None: a request for the list of models."""
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"GET /v1/models "):
            return None
        length = LENGTH.search(head)
        assert length, head
        body: dict[str, Any] = json.loads(await reader.readexactly(int(length[1])))
        self.asked[body["user"]] += 1
        return body

    async def _say(
        self, body: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer a request. Returns whether the connection can be used again."""
        said = self.said[body["user"]] = Said()
        text, gap, rng = self._understand(body)
        end = "whole"
        if rng.random() < self.faults:
            end = rng.choice([*STATUSES, *ENDS])
        if end in STATUSES:
            said.status, said.end = end, "status"
            if end in TURNED_AWAY:  # the server may repeat such a request, up to two times
                self.asked[body["user"]] -= 1
                self.turned_away[body["user"]] += 1
            writer.write(_refusal(end))
            await writer.drain()
            return True
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        until = len(text) if end == "whole" else rng.randint(0, len(text))
        largest = rng.choice([4, 12, 40]) if gap else 4000
        while len(said.text) < until and not reader.at_eof():
            piece = text[len(said.text) : min(until, len(said.text) + rng.randint(1, largest))]
            said.text += piece
            writer.write(_chunk({"choices": [{"index": 0, "delta": {"content": piece}}]}))
            await writer.drain()
            if gap:
                await asyncio.sleep(rng.expovariate(1 / gap))
        if len(said.text) < until:
            raise EOFError
        said.end = end
        return await self._end(end, reader, writer)

    async def _end(
        self, end: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        if end == "stall":
            await reader.read()
        elif end == "bad chunk":
            writer.write(b"zz\r\nnot a chunk\r\n")
        elif end == "error":
            writer.write(
                _chunk({"error": {"message": "out of memory", "code": 500}}) + b"0\r\n\r\n"
            )
        elif end == "whole":
            writer.write(
                _chunk({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
                + _chunk({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}})
                + _framed(b"data: [DONE]\n\n")
                + b"0\r\n\r\n"
            )
        await writer.drain()
        if end == "reset":
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
            raise EOFError
        return end in ("error", "whole")


def _refusal(status: int) -> bytes:
    body = b'{"error": {"message": "not now"}}'
    head = f"HTTP/1.1 {status} No\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def _chunk(value: dict[str, Any]) -> bytes:
    return _framed(f"data: {json.dumps(value)}\n\n".encode())


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)
