"""Connections of the streaming client: opening, TLS, keeping, reusing.

The rule: a connection is reused only while it is certainly idle, and the code that opened a socket
closes it. Everything runs on the IOLoop's thread.
"""

from __future__ import annotations

import asyncio
import select
import socket
import ssl
from asyncio.staggered import staggered_race
from functools import lru_cache, partial
from time import monotonic
from typing import Any, NamedTuple, cast

from tornado_stream.net.upstream_reader import Receiver, UpstreamReader
from tornado_stream.net.upstream_tls import UpstreamTLS, keep_session

#: Seconds for which an idle connection is kept. Servers for models close theirs after 5 s or more.
KEEP_ALIVE = 4.0
#: Seconds after which the next address of a host is tried in parallel (RFC 8305).
NEXT_ADDRESS = 0.25


class Origin(NamedTuple):
    """The server of a connection: requests to the same origin can reuse it."""

    scheme: str
    host: str
    port: int


class Nobody:
    """The receiver of a closed connection."""

    def buffer_updated(self, nbytes: int) -> None: ...

    def connection_lost(self, exc: Exception | None) -> None: ...


NOBODY = Nobody()


class UpstreamConnection(asyncio.Protocol):
    """A connection, and its protocol while it is idle: before, between and after responses. Bytes
    that arrive then close it. With a `reader` that one reads `sock` and decrypts with `tls`, else
    the transport does both. Write with `write` alone: the transport may not encrypt."""

    transport: asyncio.Transport

    def __init__(
        self,
        origin: Origin,
        sock: socket.socket,
        reader: UpstreamReader | None = None,
        tls: UpstreamTLS | None = None,
    ) -> None:
        self.origin = origin
        self.idle_since = 0.0
        self.sock = sock
        self.tls = tls
        self.receiver: Receiver = self
        self._reader = reader
        self._paused = False

    def serve(self, receiver: asyncio.BufferedProtocol | None) -> None:
        """Give what arrives to this receiver; None: the connection is idle."""
        self.transport.set_protocol(receiver or self)
        self.receiver = cast(Receiver, receiver or self)
        if self._paused:
            self.resume_reading()

    @property
    def ssl_object(self) -> ssl.SSLObject | None:
        if self.tls:
            return self.tls.object
        found: ssl.SSLObject | None = self.transport.get_extra_info("ssl_object")
        return found

    def write(self, data: bytes | memoryview) -> None:
        """Send these bytes, and what the connection's TLS itself has to say."""
        self.transport.write(self.tls.encrypt(data) if self.tls else data)

    def pause_reading(self) -> None:
        """Read no more before `resume_reading`. Idempotent, as that is."""
        self._paused = True
        if self._reader:
            self._reader.forget(self)
        else:
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        self._paused = False
        if not self._reader:
            self.transport.resume_reading()
        elif not self.transport.is_closing():
            self._reader.watch(self)

    def close(self) -> None:
        """Close it now, in any phase; bytes that were not sent are dropped."""
        if self._reader:
            self._reader.forget(self)
        self.receiver = NOBODY  # else it is in a cycle, which only a full collection frees
        self.transport.abort()

    # -- called by asyncio and the reader

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        if self._reader:
            self.transport.pause_reading()
            self._reader.watch(self)

    def data_received(self, data: bytes) -> None:
        self.close()

    def buffer_updated(self, nbytes: int) -> None:
        self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.close()

    def is_open(self) -> bool:
        """Whether it is open, and no bytes have arrived that the loop has not read yet."""
        if self.transport.is_closing():
            return False
        fd = self.transport.get_extra_info("socket").fileno()
        if hasattr(select, "poll"):
            poll = select.poll()
            poll.register(fd, select.POLLIN)
            return not poll.poll(0)
        return not select.select([fd], [], [], 0)[0]  # Windows


class ConnectionPool:
    """Idle connections. One is reused only within `KEEP_ALIVE`, and only if no byte has come."""

    def __init__(self) -> None:
        self._idle: dict[Origin, list[UpstreamConnection]] = {}
        self._sweeping: asyncio.TimerHandle | None = None

    def take(self, origin: Origin) -> UpstreamConnection | None:
        now = monotonic()
        connections = self._idle.get(origin, [])
        while connections:
            connection = connections.pop()
            if now < connection.idle_since + KEEP_ALIVE and connection.is_open():
                return connection
            connection.close()
        return None

    def put(self, connection: UpstreamConnection) -> None:
        connection.idle_since = monotonic()
        keep_session(connection.ssl_object, connection.origin.host)
        self._idle.setdefault(connection.origin, []).append(connection)
        if not self._sweeping:
            self._sweeping = asyncio.get_running_loop().call_later(KEEP_ALIVE, self._sweep)

    def close(self) -> None:
        if self._sweeping:
            self._sweeping.cancel()
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        due = monotonic() - KEEP_ALIVE
        for origin, connections in tuple(self._idle.items()):
            for connection in connections:
                if connection.idle_since <= due:
                    connection.close()
            still_open = [c for c in connections if not c.transport.is_closing()]
            self._idle[origin] = still_open
            if not still_open:
                del self._idle[origin]
        self._sweeping = loop.call_later(KEEP_ALIVE / 2, self._sweep) if self._idle else None


async def open_socket(host: str, port: int) -> socket.socket:
    """Connect to the address that answers first. Cancelling the call closes every socket that it
    opened; asyncio's `create_connection` can leak a socket that has just been connected."""
    loop = asyncio.get_running_loop()
    try:
        addresses = _numeric_addresses(host, port)
    except socket.gaierror:  # it is a name; a thread looks it up
        addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    connected: list[socket.socket] = []

    async def attempt(family: int, address: Any) -> None:
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            await loop.sock_connect(sock, address)
        except BaseException:
            sock.close()  # only now: before, the loop still watches its file descriptor
            raise
        connected.append(sock)

    attempts = [partial(attempt, family, address) for family, *_, address in addresses]
    if len(attempts) == 1:
        await attempts[0]()
        return connected[0]
    try:
        *_, errors = await staggered_race(attempts, NEXT_ADDRESS)
        if not connected:
            raise next(error for error in errors if error)
        return connected.pop(0)
    finally:
        for sock in connected:
            sock.close()


@lru_cache(maxsize=64)  # Python takes as long for this as for the rest of a connection
def _numeric_addresses(host: str, port: int) -> list[Any]:
    """The addresses of a host that is no name. Raises `socket.gaierror` if it is one."""
    numeric = socket.AI_NUMERICHOST
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=numeric)


async def open_connection(
    origin: Origin,
    sock: socket.socket,
    context: ssl.SSLContext | None,
    reader: UpstreamReader | None,
) -> UpstreamConnection:
    """A connection on this connected socket, with TLS if there is a context. Where it fails or is
    cancelled, the socket is closed."""
    loop = asyncio.get_running_loop()
    tls = None
    if context and reader:
        try:
            tls = UpstreamTLS(context, origin.host)
            await tls.handshake(sock)
        except BaseException:
            sock.close()
            raise
        context = None  # asyncio gets encrypted bytes only
    _, connection = await loop.create_connection(
        lambda: UpstreamConnection(origin, sock, reader, tls),
        sock=sock,
        ssl=context,
        server_hostname=origin.host if context else None,
    )
    return connection
