"""The requests of a client's connection, one after the other.

The rule: the first bytes of every request are shown to the short way in, if the server has one. It
may take a request that is whole. Tornado reads every other one, from its first byte on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from tornado.http1connection import HTTP1Connection, HTTP1ConnectionParameters
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import StreamClosedError, UnsatisfiableReadError

from tornado_stream.net.client_connections import READ_SIZE, ClientConnections, ClientStream

logger = logging.getLogger(__name__)

#: Bytes of a body that have the whole time that a body has.
STEP = 1024 * 1024


class Peer:
    """The other end of a connection: what Tornado calls its context.

    `remote_ip` is what a request has as its client's address. `failure` is why the request that the
    short way has given back cannot be answered; whoever takes it raises it.
    """

    __slots__ = ("address", "failure", "remote_ip")
    protocol = "http"

    def __init__(self, address: tuple[Any, ...]) -> None:
        self.address = address
        self.remote_ip: str = address[0] if address and isinstance(address, tuple) else "0.0.0.0"
        self.failure: Exception | None = None

    def __str__(self) -> str:
        return self.remote_ip

    def raise_failure(self) -> None:
        """Raise the failure, once."""
        failure, self.failure = self.failure, None
        try:
            if failure:
                raise failure
        finally:
            del failure  # its traceback has this frame


class TimedRequest(HTTPMessageDelegate):
    """A request that is arriving. It moves its connection to the queue of what is awaited next."""

    def __init__(
        self, delegate: HTTPMessageDelegate, stream: ClientStream, connections: ClientConnections
    ) -> None:
        self._delegate = delegate
        self._stream = stream
        self._connections = connections
        self._left = STEP

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        self._stream.wait_in(self._connections.bodies)
        return self._delegate.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        self._left -= len(chunk)
        if self._left < 0:  # a large body has the same time for each further step
            self._left = STEP
            self._stream.wait_in(self._connections.bodies)
        return self._delegate.data_received(chunk)

    def finish(self) -> None:
        self._stream.wait_in(None)
        self._delegate.finish()

    def on_connection_close(self) -> None:
        self._delegate.on_connection_close()


#: Takes the first bytes of a request. None: it does not take the request. Else it resolves when the
#: connection belongs to the response (True), or when it gives the request back (False).
ShortWay = Callable[[ClientStream, Peer, bytes], Awaitable[bool] | None]


async def serve_requests(
    stream: ClientStream,
    peer: Peer,
    start_request: Callable[[HTTPConnection], HTTPMessageDelegate],
    parameters: HTTP1ConnectionParameters,
    short_way: ShortWay | None,
) -> None:
    """Serve the requests of this connection, until it is closed or a response owns it."""
    try:
        while True:
            stream.expect_head()
            data = stream.read_at_once() or await stream.read_bytes(READ_SIZE, partial=True)
            taken = short_way(stream, peer, data) if short_way else None
            if taken is not None and await taken:
                return
            stream.put_back(data)
            connection = HTTP1Connection(stream, False, parameters, peer)
            del data, taken
            if not await connection.read_response(start_request(connection)):
                return
            peer.failure = None
            await asyncio.sleep(0)
    except (StreamClosedError, UnsatisfiableReadError, asyncio.CancelledError):
        return
    except Exception:
        logger.exception("a connection failed")
        stream.close()
