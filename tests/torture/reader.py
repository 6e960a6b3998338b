"""A client that reads an answer as the page does, and checks every event.

It repeats its POST, with the same request_id, until it gets `start`. Then it resumes after the
last event that it has, until it gets `end`. An event that comes twice, or is missing, raises
`Wrong` at once. The client ignores a part of an event that a cut has left.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
import uuid
from typing import Any

from client import Client, Event, Response, read_body, read_head
from tornado.iostream import IOStream

RECOVERED_END = 1_000_000_000


class Wrong(AssertionError):
    """The server has broken a promise of docs/."""


class Reader:
    """Reads one answer, over any number of broken connections.

    `body` is the JSON of the POST; without it, an existing answer with this `id` is read. After
    `silence` seconds without a byte a connection is given up; after `deadline` seconds, without an
    `end`, the answer counts as lost.
    """

    def __init__(
        self,
        client: Client,
        body: dict[str, Any] | None = None,
        *,
        id: str | None = None,
        rng: random.Random | None = None,
        silence: float = 5.0,
        deadline: float = 240.0,
    ) -> None:
        self.id = id or str(uuid.uuid4())
        if body is not None:
            # The upstream gets the id as well, and counts its requests by it.
            options = {**body.get("options", {}), "user": self.id}
            body = {**body, "request_id": self.id, "options": options}
        self.body = body
        self.client = client
        self.events: list[Event] = []
        self.connections = 0
        self.resets = 0
        self.lost: list[Event] = []  # the events that a `reset` has withdrawn
        self._rng = rng or random.Random(self.id)
        self._silence = silence
        self._due = time.monotonic() + deadline
        self._connection: IOStream | None = None

    @property
    def started(self) -> bool:
        return bool(self.events)

    @property
    def start(self) -> dict[str, Any]:
        return self.events[0].data

    @property
    def last_number(self) -> int:
        return self.events[-1].id if self.events else 0

    @property
    def ended(self) -> bool:
        return bool(self.events) and self.events[-1].name == "end"

    @property
    def end(self) -> dict[str, Any]:
        assert self.ended
        return self.events[-1].data

    @property
    def state(self) -> str:
        return self.end["state"]

    @property
    def text(self) -> str:
        return "".join(e.data.get("content", "") for e in self.events if e.name == "delta")

    @property
    def log(self) -> list[tuple[int, str, dict[str, Any]]]:
        """The events without the time of their arrival."""
        return [(e.id, e.name, e.data) for e in self.events]

    async def run(self) -> Reader:
        """Read until `end`."""
        failures = 0
        while not self.ended:
            if time.monotonic() > self._due:
                raise Wrong(f"{self}: no end in time")
            before = self.last_number
            try:
                await self._connect()
            except (OSError, TimeoutError):
                pass  # the connection is lost: resume after the last event
            failures = 0 if self.last_number > before else failures + 1
            if not self.ended:
                await asyncio.sleep(self._rng.uniform(0, min(0.005 * 2**failures, 0.3)))
        return self

    def cut(self) -> None:
        """Cut the connection that is read now."""
        if self._connection:
            self._connection.close()

    async def read_once(self) -> Reader:
        """Read over one connection, to its end."""
        await self._connect()
        return self

    def __repr__(self) -> str:
        return f"<answer {self.id}, {self.connections} connections, at {self.last_number}>"

    async def _connect(self) -> None:
        self.connections += 1
        connection = await asyncio.wait_for(self.client.connect(), self._silence)
        self._connection = connection
        try:
            await connection.write(self._request())
            response = await asyncio.wait_for(read_head(connection), self._silence)
            if response.status != 200:
                await self._refused(connection, response)
                return
            if response.headers["content-type"] != "text/event-stream":
                raise Wrong(f"{self}: {response}")
            await self._read(connection)
        finally:
            connection.close()

    def _request(self) -> bytes:
        if self.body is not None and not self.started:
            return self.client.encode("POST", "/stream", self.body, {})
        path, last = f"/stream/{self.id}", self.last_number
        if self._rng.random() < 0.5:
            return self.client.encode("GET", f"{path}?after={last}", None, {})
        return self.client.encode("GET", path, None, {"Last-Event-ID": str(last)})

    async def _refused(self, connection: IOStream, response: Response) -> None:
        if response.status == 204:
            raise Wrong(f"{self}: there is said to be no more")
        response.body = await asyncio.wait_for(read_body(connection, response), self._silence)
        if response.status != 503:
            raise Wrong(f"{self}: {response}")

    async def _read(self, connection: IOStream) -> None:
        dechunker, buffer = Dechunker(), b""
        while not dechunker.done:
            data = await asyncio.wait_for(connection.read_bytes(65536, partial=True), self._silence)
            buffer += dechunker.feed(data)
            *frames, buffer = buffer.split(b"\n\n")
            for frame in frames:
                self._take(frame.decode())
        if buffer:
            raise Wrong(f"{self}: the response ends within an event: {buffer!r}")

    def _take(self, frame: str) -> None:
        if frame.startswith(":"):
            return
        fields = dict(line.split(": ", 1) for line in frame.split("\n"))
        event = Event(
            int(fields["id"]), fields["event"], json.loads(fields["data"]), time.monotonic()
        )
        if event.name == "reset":
            self._reset()
            return
        if self.ended:
            raise Wrong(f"{self}: {event} after the end")
        expected = self.last_number + 1
        if event.id != expected and not (event.id == RECOVERED_END and event.name == "end"):
            raise Wrong(f"{self}: {event} where {expected} was due")
        if (event.name == "start") != (event.id == 1):
            raise Wrong(f"{self}: {event}")
        self.events.append(event)

    def _reset(self) -> None:
        if self.ended:
            raise Wrong(f"{self}: reset after the end")
        self.resets += 1
        self.lost, self.events = self.events, []


class Dechunker:
    """Decodes a chunked body that comes in any pieces; also gives the part of a cut chunk."""

    def __init__(self) -> None:
        self.done = False
        self._buffer = b""
        self._left = 0  # bytes of the chunk and of the line end after it

    def feed(self, data: bytes) -> bytes:
        self._buffer += data
        out = []
        while self._buffer and not self.done:
            if not self._left:
                line, found, rest = self._buffer.partition(b"\r\n")
                if not found:
                    break
                self._buffer = rest
                size = int(line, 16)
                self._left = size + 2
                self.done = size == 0
            piece, self._buffer = self._buffer[: self._left], self._buffer[self._left :]
            out.append(piece[: max(self._left - 2, 0)])
            self._left -= len(piece)
        return b"".join(out)


async def finish(
    client: Client, message: str, rng: random.Random, *, enough: int = 1, **options: Any
) -> list[Reader]:
    """Ask, and go on until the answer is whole, as a user does.

    An answer that broke off is continued if it has `enough` characters, else regenerated. Returns
    the readers of all generations; only the last one is `done`.
    """
    body: dict[str, Any] = {"message": message}
    readers: list[Reader] = []
    while True:
        reader = await Reader(client, body, rng=rng, **options).run()
        readers.append(reader)
        if reader.state == "done":
            return readers
        body = (
            {"continue": reader.start["message_id"]}
            if len(reader.text) >= enough
            else {
                "message": None,
                "conversation_id": reader.start["conversation_id"],
                "parent_id": reader.start["user_message_id"],
            }
        )
