"""Every open connection of a client: what is awaited on it, and since when.

The rule: a queue is in the order of time, so one sweep looks at nothing but what is due, however
many connections there are. A connection is here from its first moment until its socket is closed,
also while its response is written past Tornado.
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Awaitable, Iterator
from contextlib import suppress
from http.client import responses
from ipaddress import ip_address, ip_network
from itertools import islice
from time import monotonic
from typing import Any

import orjson
from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine
from tornado.iostream import IOStream, StreamClosedError

from tornado_stream.settings import Settings


def refusal(status: int, code: str, message: str, retry_after: int = 0) -> bytes:
    """A whole response, after which its connection is closed: for what is refused before there is
    a request."""
    error = {"code": code, "message": message}
    later = {"retry_after": retry_after} if retry_after else {}
    body = orjson.dumps({"error": error | later})
    head = f"HTTP/1.1 {status} {responses[status]}\r\nConnection: close\r\n"
    if retry_after:
        head += f"Retry-After: {retry_after}\r\n"
    head += f"Content-Type: application/json; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


TOO_SLOW = refusal(408, "request_timeout", "The request took too long to arrive.")

#: Connections, oldest first, and since when they are in it.
Queue = dict["ClientStream", float]


class ClientConnections:
    """Where every connection is. One that serves a request is in no queue."""

    def __init__(self, settings: Settings) -> None:
        self.open: set[ClientStream] = set()
        self.of: Counter[str] = Counter()  # how many, by `address_key`
        self.idle: Queue = {}  # kept, and nothing of the next request is there
        self.heads: Queue = {}  # new, or a request has begun
        self.bodies: Queue = {}
        self.writes: Queue = {}  # since when nothing of what is to be sent was taken
        self._limits = (
            (self.idle, settings.keep_alive_timeout, b""),
            (self.heads, settings.header_timeout, TOO_SLOW),
            (self.bodies, settings.body_timeout, TOO_SLOW),
            (self.writes, settings.write_timeout, b""),
        )

    @property
    def shortest_wait(self) -> float:
        """Seconds of the strictest limit."""
        return min(seconds for _, seconds, _ in self._limits)

    def sweep(self) -> None:
        """Close what has waited too long."""
        now = monotonic()
        for queue, seconds, answer in self._limits:
            while queue:
                stream, since = next(iter(queue.items()))
                if now - since < seconds:
                    break
                if queue is self.idle and stream.writing():  # the end of a stream
                    stream.wait_in(queue)
                else:
                    stream.give_up(answer)

    def evict(self, count: int, age: float = 0.0) -> int:
        """Close up to `count` connections on which nobody is served: the longest idle first, then
        those whose head is awaited for `age` seconds. Returns how many."""
        victims = list(islice(self._unserved(age), count))
        for stream in victims:
            stream.close()
        return len(victims)

    def _unserved(self, age: float) -> Iterator[ClientStream]:
        yield from (stream for stream in self.idle if not stream.writing())
        newest = monotonic() - age
        yield from (stream for stream, since in self.heads.items() if since <= newest)


class ClientStream(IOStream):
    """A client's connection, which keeps its place among the others."""

    def __init__(
        self, sock: socket.socket, key: str, connections: ClientConnections, max_buffer_size: int
    ) -> None:
        super().__init__(sock, max_buffer_size=max_buffer_size)
        self._connections = connections
        self._key = key
        self._received = False
        self._queue: Queue | None = None
        connections.open.add(self)
        connections.of[key] += 1
        self.wait_in(connections.heads)

    def wait_in(self, queue: Queue | None) -> None:
        """Go to the end of a queue, or into none: a request is served."""
        if self._queue is not None:
            del self._queue[self]
        if queue is not None and self.closed():
            queue = None
        self._queue = queue
        if queue is not None:
            queue[self] = monotonic()

    def await_head(self) -> None:
        """The next request may come. The time for the first one runs since the connection came."""
        if self._received:
            self.wait_in(self._connections.idle)

    def give_up(self, answer: bytes) -> None:
        """Close it, with an answer if something was asked."""
        if answer and self._received:
            with suppress(StreamClosedError):
                self.write(answer)
        self.close()

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        size = super().read_from_fd(buf)
        if size:
            self._received = True
            if self._queue is self._connections.idle:
                self.wait_in(self._connections.heads)
        return size

    def write_to_fd(self, data: memoryview) -> int:
        writes = self._connections.writes
        size = len(data)
        try:
            sent = super().write_to_fd(data)
        except BlockingIOError:
            writes.setdefault(self, monotonic())
            raise
        writes.pop(self, None)
        if sent < size:
            writes[self] = monotonic()
        return sent

    def close_fd(self) -> None:
        connections = self._connections
        self.wait_in(None)
        connections.writes.pop(self, None)
        connections.open.discard(self)
        connections.of[self._key] -= 1
        if not connections.of[self._key]:
            del connections.of[self._key]
        super().close_fd()


class TimedRequest(HTTPMessageDelegate):
    """A request that comes in, and tells its connection how far it has come."""

    def __init__(
        self, delegate: HTTPMessageDelegate, stream: ClientStream, connections: ClientConnections
    ) -> None:
        self._delegate = delegate
        self._stream = stream
        self._connections = connections
        stream.await_head()

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        self._stream.wait_in(self._connections.bodies)
        return self._delegate.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return self._delegate.data_received(chunk)

    def finish(self) -> None:
        self._stream.wait_in(None)
        self._delegate.finish()

    def on_connection_close(self) -> None:
        self._delegate.on_connection_close()


def address_key(address: Any) -> str:
    """What counts as one address: an IPv4 address, or the /64 that one customer has of IPv6. Empty
    for a Unix socket."""
    host = address[0] if isinstance(address, tuple) and address else ""
    if ":" not in host:
        return str(host)
    ip = ip_address(host.partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None)
    return str(mapped or ip_network((ip, 64), strict=False))
