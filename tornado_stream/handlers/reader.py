"""Responses that follow an answer.

The rule: a reader is the sink of a subscriber. Frames arrive encoded and are written unchanged, one
write for each batch. While the socket takes no more, the subscriber waits at its cursor. A reader
holds nothing of its request but what the logs need at the end.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from time import monotonic
from typing import Any

from tornado.iostream import IOStream

from tornado_stream.generations.event_log import Sink, Subscriber
from tornado_stream.generations.generation import Generation
from tornado_stream.generations.relay import Relay
from tornado_stream.handlers.request_record import RequestRecord
from tornado_stream.handlers.services import Services
from tornado_stream.net.client_connections import ClientStream, nothing
from tornado_stream.net.streamed_body import ChunkedBody, StreamedBody
from tornado_stream.net.waiting import Watch, resumed_at

#: Bytes of one response that the kernel may buffer; its default is megabytes.
SEND_BUFFER = 64 * 1024


class Reader:
    """A response that follows an answer until it ends or the client leaves.

    `begin` gives it a body, then `follow` an answer. `ping` is sent in silence; it is empty where
    it would become part of the text.
    """

    __slots__ = (
        "_address",
        "_body",
        "_ping",
        "_record",
        "_services",
        "_socket",
        "_subscriber",
        "_watch",
    )

    def __init__(self, services: Services, stream: IOStream, ping: bytes) -> None:
        self._services = services
        self._socket = stream
        self._ping = ping
        self._subscriber: Subscriber | None = None
        self._record: RequestRecord | None = None
        self._address: tuple[Any, ...] | None = None
        stream.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux: detects a client that vanished
            limit = int(services.config.write_timeout * 1000)
            stream.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, limit)

    def begin(self, head: bytes, record: RequestRecord, address: tuple[Any, ...] | None) -> None:
        """Take over the connection: send the head, then the chunks of a body. At its end, log the
        request, and give the connection back with the address of the client; None: close it."""
        self._record, self._address = record, address
        if isinstance(self._socket, ClientStream):
            head = bytes(self._socket.begin_response(head))
        batch = self._services.send_batch
        self._open(ChunkedBody(self._socket, head, batch, self._drained, self._left))

    def begin_with(self, make_body: Callable[..., StreamedBody], opening: bytes) -> None:
        """Send through a body that somebody else ends. `make_body` makes it from the functions that
        it calls when it is drained, and when the client has left."""
        body = make_body(self._drained, self._left)
        body.write(opening)
        self._open(body)

    def follow(
        self,
        generation: Generation | Relay,
        after: int = 0,
        *,
        live: bool = True,
        sink: Callable[[StreamedBody], Sink] | None = None,
    ) -> asyncio.Future[None]:
        """Write every event with a number above `after`, through a sink that `sink` makes of the
        body. Returns a Future that resolves when there are no more events, or when the client has
        left."""
        try:
            write = sink(self._body) if sink else self._body.write
            self._subscriber = generation.attach(write, after, live=live)
        except BaseException:
            self._end()
            raise
        done = self._subscriber.done
        if isinstance(self._body, ChunkedBody):
            self._body.following = done
        done.add_done_callback(self._end)
        return done

    def abandon(self) -> None:
        """Close the connection: the process is about to end, or the client takes no data."""
        self._socket.close()

    def _open(self, body: StreamedBody) -> None:
        self._body = body
        self._watch = Watch(self._look, self.abandon)
        if isinstance(self._socket, ClientStream):
            self._socket.ping = self._send_ping
        self._services.streams.add(self)

    def _end(self, done: object = None) -> None:
        self._watch.cancel()
        if isinstance(self._socket, ClientStream):
            self._socket.ping = nothing  # a ping would follow the end of the body
        if self._subscriber:
            self._subscriber.detach()
        self._services.streams.discard(self)
        stream = self._body.end()
        if stream is None or self._record is None:
            return
        self._services.request_ended(self._record)
        if stream.closed():
            return
        if self._address is None:
            stream.write(b"").add_done_callback(lambda _: stream.close())
        else:
            self._services.keep_alive(stream, self._address)

    def _left(self) -> None:
        if self._subscriber:
            self._subscriber.detach()

    def _drained(self) -> None:
        if self._subscriber:
            self._subscriber.resume()

    def _send_ping(self) -> None:
        if self._ping and self._body.full_since is None:
            self._body.write(self._ping)

    def _look(self) -> float:
        """Send a ping in silence. Returns in how many seconds to look again; 0: the client takes no
        data, and its connection is to be closed."""
        settings, body, now = self._services.config, self._body, monotonic()
        if body.full_since is not None:
            if now >= max(body.full_since, resumed_at()) + settings.write_timeout:
                return 0.0
        if now >= body.last_write + settings.heartbeat:
            self._send_ping()
        due = min(body.last_write + settings.heartbeat - now, settings.write_timeout)
        return max(due, 0.05)
