"""The open connections of clients: what the server waits for on each of them, and since when.

The rule of a client that sends no more: it may have closed its side only (`shutdown`), and then it
gets its response. Both look the same to the server, so it sends something that means nothing. A
client that has left refuses it (RST), and the connection is closed.

The rule of waiting: each queue is in the order of time, so a sweep looks only at connections whose
time is over, however many there are. A connection is registered here from the moment it is accepted
until its socket is closed, also while its response is written without Tornado.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address, ip_network
from itertools import chain, islice
from time import monotonic
from typing import TYPE_CHECKING, Any

from tornado.ioloop import IOLoop
from tornado.iostream import IOStream, StreamClosedError, UnsatisfiableReadError

from tornado_stream.net.refusals import ADDRESS_TOO_LONG, HEAD_TOO_LARGE, TOO_SLOW
from tornado_stream.net.waiting import resumed_at
from tornado_stream.settings import Settings

if TYPE_CHECKING:
    from tornado_stream.net.board import Part

#: How every response begins. It is sent ahead to a client that may have left.
AHEAD = b"HTTP/1.1 "
#: Seconds until such a client is looked at for the first time and the second, and at most.
FIRST_LOOK, LAST_LOOK = 0.01, 1.0
#: Bytes of one read: what a connection holds while its request arrives, with as much again.
READ_SIZE = 16 * 1024
#: Bytes of the head of a request.
MAX_HEAD = 16 * 1024
#: Refused connections that stay open so that the client can read why, and for how many seconds.
MAX_REFUSED, LINGER = 32, 1.0
#: Connections, and when each of them entered the queue (seconds of `monotonic`); oldest first.
Queue = dict["ClientStream", float]


def nothing() -> None:
    """Do nothing: the ping of a connection on which no stream is sent."""


class ClientConnections:
    """All open connections, in queues. A connection that serves a request is in no queue. `part`
    counts those of several processes."""

    def __init__(self, settings: Settings, part: Part | None = None) -> None:
        self.part = part
        self.open: set[ClientStream] = set()
        self.per_address: Counter[str] = Counter()  # how many are open, by `address_key`
        self.idle: Queue = {}  # kept alive, and no byte of the next request has come
        self.heads: Queue = {}  # new, or a head has begun
        self.bodies: Queue = {}
        self.writes: Queue = {}  # the client takes no bytes
        self._refused: deque[tuple[float, socket.socket]] = deque()
        self._limits = (
            (self.idle, settings.keep_alive_timeout, b""),
            (self.heads, settings.header_timeout, TOO_SLOW),
            (self.bodies, settings.body_timeout, TOO_SLOW),
            (self.writes, settings.write_timeout, b""),
        )
        #: The shortest of the limits, in seconds.
        self.shortest_wait = min(seconds for _, seconds, _ in self._limits)

    @property
    def are_serving(self) -> bool:
        """Whether a request is being served, or has come and will be in a moment."""
        return any(not stream.reading() for stream in self.open)

    def sweep(self) -> None:
        """Close the connections that have waited too long."""
        now, resumed = monotonic(), resumed_at()
        for queue, seconds, answer in self._limits:
            while queue:
                stream, since = next(iter(queue.items()))
                if now - max(since, resumed) < seconds:
                    break
                if queue is self.idle and stream.writing():  # the last bytes of a response
                    stream.wait_in(queue)
                else:
                    stream.give_up(answer)

    def without_request(self) -> list[ClientStream]:
        """The connections that wait for a request, or for the rest of its head, and whose last
        response is sent. One that does not read has got a head, which is served in a moment."""
        waiting = chain(self.idle, self.heads)
        return [stream for stream in waiting if stream.reading() and not stream.writing()]

    def evict(self, count: int, age: float = 0.0) -> int:
        """Close up to `count` connections that serve no request: the longest idle first, then
        those whose head has been incomplete for `age` seconds. Returns how many it closed."""
        idle = (stream for stream in self.idle if not stream.writing())
        newest = monotonic() - age
        unfinished = (stream for stream, since in self.heads.items() if since <= newest)
        victims = list(islice(chain(idle, unfinished), count))
        for stream in victims:
            stream.close()
        return len(victims)

    def refuse(self, connection: socket.socket, answer: bytes) -> None:
        """Send the response and no more, and close the connection a little later: closing at once
        would reset it if the client sends, and lose the response."""
        connection.setblocking(False)
        with suppress(OSError):
            connection.send(answer)
            connection.shutdown(socket.SHUT_WR)
        self._refused.append((monotonic(), connection))
        if len(self._refused) > MAX_REFUSED:
            self._refused.popleft()[1].close()

    def close_refused(self, age: float = LINGER) -> None:
        """Close the refused connections that have been open for `age` seconds."""
        before = monotonic() - age
        while self._refused and self._refused[0][0] <= before:
            self._refused.popleft()[1].close()


class _FewItems(list[Any]):
    """What a deque does for an IOStream, in 0.1 KB instead of 0.8. It is nearly always empty."""

    __slots__ = ()

    def popleft(self) -> Any:
        return self.pop(0)


class ClientStream(IOStream):
    """A client's connection. It moves itself from queue to queue."""

    # With the attributes of IOStream they would be too many for a dictionary that shares its keys.
    __slots__ = (
        *("_answering", "_connections", "_input_ended", "_key", "_probing", "_queue"),
        *("_received", "_sent_ahead", "ping"),
    )

    def __init__(
        self, sock: socket.socket, key: str, connections: ClientConnections, max_buffer_size: int
    ) -> None:
        super().__init__(sock, max_buffer_size=max_buffer_size, read_chunk_size=READ_SIZE)
        self._write_futures = _FewItems()  # type: ignore[assignment]
        self._write_buffer._buffers = _FewItems()  # type: ignore[assignment]
        self._connections = connections
        self._key = key
        self._received = False
        self._queue: Queue | None = None
        self._input_ended = self._probing = False
        self._sent_ahead = self._answering = False
        #: Sends something that means nothing into the response that is being sent.
        self.ping: Callable[[], object] = nothing
        connections.open.add(self)
        connections.per_address[key] += 1
        if connections.part:
            connections.part.connected(key, 1)
        self.wait_in(connections.heads)

    def wait_in(self, queue: Queue | None) -> None:
        """Go to the end of this queue; None: leave the queues, a request is being served."""
        if self._queue is not None:
            del self._queue[self]
        self._queue = None if self.closed() else queue
        if self._queue is not None:
            self._queue[self] = monotonic()

    def expect_head(self) -> None:
        """Wait for the next request. The time for the first one began with the connection."""
        self._answering, self.ping = False, nothing
        if self._received:
            self.wait_in(self._connections.idle)

    def preload(self, data: bytes, *, received: bool) -> None:
        """Take these bytes as the first that the client has sent, because another process has read
        them. `received` says whether the client has sent anything yet."""
        self.put_back(data)
        self._received = received

    def pause(self) -> tuple[bytes, bool]:
        """Read no more from a connection that serves no request, and leave the queues, because
        another process may take it. Returns what `preload` needs there."""
        self.wait_in(None)
        if self._state is not None:
            self.io_loop.remove_handler(self.fileno())
            self._state = None
        return bytes(self._read_buffer[: self._read_buffer_size]), self._received

    def resume(self) -> None:
        """Read on: no other process has taken the connection."""
        has_begun = self._read_buffer_size or not self._received
        self.wait_in(self._connections.heads if has_begun else self._connections.idle)
        self._add_io_state(IOLoop.READ)

    def put_back(self, data: bytes) -> None:
        """Let the next read begin with these bytes, which begin a request and were read last."""
        self._read_buffer[:0] = data
        self._read_buffer_size += len(data)
        if self._queue is self._connections.idle:  # they had come with the request before
            self.wait_in(self._connections.heads)

    def read_at_once(self) -> bytes:
        """The first bytes of a connection, if they have come already; b"": use `read_bytes`, which
        can wait and takes more steps."""
        if self._received or self._read_buffer_size or self.closed():
            return b""  # the first request of a connection comes with it, a later one seldom
        try:
            data = self.socket.recv(READ_SIZE)
        except OSError:  # nothing has come yet, or `read_bytes` will meet the same
            return b""
        self._received = bool(data)
        return data

    def serve(self) -> None:
        """Leave the queues, because a whole request has come, and notice if the client leaves."""
        self.wait_in(None)
        self.set_close_callback(nothing)

    def give_up(self, answer: bytes) -> None:
        """Close it, after this answer if the client has sent something."""
        if answer and self._received:
            with suppress(StreamClosedError):
                self.write(answer)
        self.close()

    def close(self, exc_info: Any = False) -> None:
        if isinstance(exc_info, UnsatisfiableReadError) and self._queue is self._connections.heads:
            is_address = b"\n" not in self._read_buffer[:MAX_HEAD]
            with suppress(OSError):  # a second descriptor keeps the connection open
                answer = ADDRESS_TOO_LONG if is_address else HEAD_TOO_LARGE
                self._connections.refuse(self.socket.dup(), answer)
        super().close(exc_info)

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        size = super().read_from_fd(buf)
        if size == 0 and not self._is_over():
            return None  # as if nothing had come
        if size:
            self._received = True
            if self._queue is self._connections.idle:
                self.wait_in(self._connections.heads)
        return size

    def _is_over(self) -> bool:
        """Whether the end of the client's input ends the connection: the server waits for bytes
        that the client has not sent. Otherwise a request is being served, or will be now."""
        if self.reading() and (self._input_ended or not self._read_buffer_size):
            return True
        self._input_ended = True
        self.io_loop.add_callback(self._stop_reading)
        if not self._probing:
            self._probing = True
            self.io_loop.call_later(FIRST_LOOK, self._probe)
        return False

    def _stop_reading(self) -> None:
        """Wait for no more input: its end stays readable, and the loop would spin."""
        if self._state is not None and not self.closed() and not self.reading():
            self._state = self._state & ~IOLoop.READ | IOLoop.ERROR
            self.io_loop.update_handler(self.fileno(), self._state)

    def _probe(self) -> None:
        """Send something to a client that sends no more, and look whether it is refused."""
        if self._is_served():
            if self._answering:
                self.ping()
            else:
                super().write(AHEAD)
                self._sent_ahead = True
            self._look(FIRST_LOOK)

    def _look(self, seconds: float) -> None:
        if not self._is_served():
            return
        if self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.close()
        else:
            self.io_loop.call_later(seconds, self._look, min(2 * seconds, LAST_LOOK))

    def _is_served(self) -> bool:
        self._probing = not self.closed() and not self.reading()
        return self._probing

    def write(self, data: bytes | memoryview) -> asyncio.Future[None]:
        return super().write(self.begin_response(data))

    def begin_response(self, data: bytes | memoryview) -> bytes | memoryview:
        """What is still to be sent of a response that begins with `data`. Whoever writes to the
        socket himself calls it with the first bytes."""
        self._answering = True
        if self._sent_ahead:
            self._sent_ahead = False
            return data[len(AHEAD) :]
        return data

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
        self.ping = nothing  # leaves no cycle with the response
        connections.writes.pop(self, None)
        connections.open.discard(self)
        connections.per_address[self._key] -= 1
        if connections.part:
            connections.part.connected(self._key, -1)
        if not connections.per_address[self._key]:
            del connections.per_address[self._key]
        super().close_fd()


def address_key(address: Any) -> str:
    """The key under which connections are counted: an IPv4 address, or the /64 network of an IPv6
    address, because one customer has a whole /64. Empty for a Unix socket."""
    host = address[0] if isinstance(address, tuple) and address else ""
    if ":" not in host:
        return str(host)
    ip = ip_address(host.partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None)
    return str(mapped or ip_network((ip, 64), strict=False))
