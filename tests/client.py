"""A client of the server under test. It uses plain sockets, and reports exactly what came."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from deadlines import DEADLINE
from tornado.iostream import IOStream
from tornado.tcpclient import TCPClient

from tornado_stream.app import ChatApplication


@dataclass
class Event:
    """An event: its number, name and data, and the time of its arrival (time.monotonic())."""

    id: int
    name: str
    data: dict[str, Any]
    at: float


@dataclass
class Response:
    status: int
    headers: dict[str, str]
    body: bytes = b""

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    """An event stream that was read to its end. `text` joins the content of all deltas."""

    response: Response
    events: list[Event] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return self._texts()[0]

    @property
    def reasoning(self) -> str:
        return self._texts()[1]

    def _texts(self) -> tuple[str, str]:
        """Content and reasoning. Content may turn out to be reasoning."""
        content = reasoning = ""
        for delta in (e.data for e in self.events if e.name == "delta"):
            if delta.get("was_reasoning"):
                content, reasoning = "", reasoning + content
            content += delta.get("content", "")
            reasoning += delta.get("reasoning", "")
        return content, reasoning

    @property
    def end(self) -> dict[str, Any]:
        assert self.events and self.events[-1].name == "end", self.events
        return self.events[-1].data

    @property
    def start(self) -> dict[str, Any]:
        assert self.events[0].name == "start"
        return self.events[0].data


class Client:
    """Sends requests to one server. `application` is the server's, if it is in this process."""

    def __init__(self, port: int, application: ChatApplication | None = None) -> None:
        self.port = port
        self.application = application

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str | None] | None = None,
    ) -> Response:
        """Send one request on a new connection, and read the whole response."""
        stream = await self.connect()
        try:
            await stream.write(self.encode(method, path, body, headers or {}))
            response = await read_head(stream)
            if method != "HEAD" and response.status not in (204, 304):
                response.body = await read_body(stream, response)
            return response
        finally:
            stream.close()

    async def connect(self) -> IOStream:
        return await TCPClient().connect("127.0.0.1", self.port)

    def encode(self, method: str, path: str, body: Any, headers: dict[str, str | None]) -> bytes:
        data = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        fields: dict[str, str | None] = {"Host": f"127.0.0.1:{self.port}"}
        if method in ("POST", "PUT", "PATCH", "DELETE"):
            fields |= {"Content-Type": "application/json", "Content-Length": str(len(data))}
        fields |= headers
        lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
        return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode("latin-1") + data

    async def open(
        self, method: str, path: str, body: Any = None, headers: dict[str, str | None] | None = None
    ) -> Stream:
        """Send a request; the response can be read as it comes."""
        connection = await self.connect()
        await connection.write(self.encode(method, path, body, headers or {}))
        return Stream(connection, await read_head(connection))

    async def send(self, message: str | None = "hi", **fields: Any) -> Stream:
        """POST /stream; the response can be read as it comes."""
        return await self.open("POST", "/stream", {"message": message, **fields})

    async def ask(self, message: str | None = "hi", **fields: Any) -> Answer:
        """POST /stream, and read the answer to its end."""
        return await (await self.send(message, **fields)).read()

    async def resume(self, id: str, after: int = 0, live: bool = True) -> Answer:
        path = f"/stream/{id}?after={after}" + ("" if live else "&live=0")
        return await (await self.open("GET", path)).read()

    async def stop(self, id: str) -> Response:
        return await self.request("POST", f"/stream/{id}/stop", {})


class Stream:
    """An event stream that is being read: an async iterator of events."""

    def __init__(self, connection: IOStream, response: Response) -> None:
        self.connection = connection
        self.response = response
        self.answer = Answer(response)
        self._buffer = b""

    async def read(self) -> Answer:
        async for _ in self:
            pass
        return self.answer

    async def until(self, name: str) -> Event:
        """Read up to the next event of that name."""
        async for event in self:
            if event.name == name:
                return event
        raise AssertionError(f"the stream ended without {name}: {self.answer.events}")

    def close(self) -> None:
        self.connection.close()

    async def __aiter__(self) -> AsyncIterator[Event]:
        if self.response.status != 200:
            if self.response.status != 204:
                self.response.body = await read_body(self.connection, self.response)
            return
        while True:
            while b"\n\n" in self._buffer:
                frame, self._buffer = self._buffer.split(b"\n\n", 1)
                if event := self._event(frame.decode()):
                    yield event
            chunk = await read_chunk(self.connection)
            if not chunk:
                self.connection.close()
                return
            self._buffer += chunk

    def _event(self, frame: str) -> Event | None:
        if frame.startswith(":"):
            self.answer.comments.append(frame)
            return None
        fields = dict(line.split(": ", 1) for line in frame.split("\n"))
        data = json.loads(fields["data"])
        event = Event(int(fields["id"]), fields["event"], data, time.monotonic())
        self.answer.events.append(event)
        return event


async def read_head(stream: IOStream) -> Response:
    head = (await stream.read_until(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = (line.split(":", 1) for line in head[1:] if line)
    headers = {name.lower(): value.strip() for name, value in fields}
    return Response(int(head[0].split(" ")[1]), headers)


async def read_body(stream: IOStream, response: Response) -> bytes:
    if "content-length" in response.headers:
        return await stream.read_bytes(int(response.headers["content-length"]))
    if "transfer-encoding" not in response.headers:
        return await stream.read_until_close()
    parts = []
    while chunk := await read_chunk(stream):
        parts.append(chunk)
    return b"".join(parts)


async def read_chunk(stream: IOStream) -> bytes:
    """One chunk; empty at the end. Raises StreamClosedError if the response was cut."""
    size = int((await stream.read_until(b"\r\n")).strip(), 16)
    data = await stream.read_bytes(size + 2)
    return data[:-2]


@contextmanager
def refusing_port() -> Iterator[int]:
    """A port on which nothing listens, and which nobody else can have meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@contextmanager
def deaf_listener() -> Iterator[tuple[socket.socket, list[socket.socket]]]:
    """A listener whose queue is full, and the sockets that fill it. It answers no SYN."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [stack.enter_context(socket.socket()) for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener, fillers


async def until(condition: Any, seconds: float = DEADLINE, what: str = "") -> None:
    """Wait until `condition()` is true; fail after `seconds`, saying `what` was expected."""
    due = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < due, f"not within {seconds} s: {what or condition}"
        await asyncio.sleep(0.005)
