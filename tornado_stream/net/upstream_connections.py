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
from functools import partial
from typing import Any, NamedTuple, cast

#: Seconds for which an idle connection is kept. Servers for models close theirs after 5 s or more.
KEEP_ALIVE = 4.0
#: Seconds after which the next address of a host is tried in parallel (RFC 8305).
NEXT_ADDRESS = 0.25


class Origin(NamedTuple):
    """The server of a connection: requests to the same origin can reuse it."""

    scheme: str
    host: str
    port: int


class UpstreamConnection(asyncio.Protocol):
    """A connection, and its protocol while it is idle: before, between and after responses. Bytes
    that arrive then close it."""

    transport: asyncio.Transport

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.idle_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.close()

    def close(self) -> None:
        """Close it now, in any phase; bytes that were not sent are dropped."""
        self.transport.abort()

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
        now = asyncio.get_running_loop().time()
        connections = self._idle.get(origin, [])
        while connections:
            connection = connections.pop()
            if now < connection.idle_since + KEEP_ALIVE and connection.is_open():
                return connection
            connection.close()
        return None

    def put(self, connection: UpstreamConnection) -> None:
        loop = asyncio.get_running_loop()
        connection.idle_since = loop.time()
        tls = connection.transport.get_extra_info("ssl_object")
        if tls is not None and isinstance(tls.context, ResumingContext):
            tls.context.sessions[connection.origin.host] = tls.session
        self._idle.setdefault(connection.origin, []).append(connection)
        if not self._sweeping:
            self._sweeping = loop.call_later(KEEP_ALIVE, self._sweep)

    def close(self) -> None:
        if self._sweeping:
            self._sweeping.cancel()
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() - KEEP_ALIVE
        for origin, connections in tuple(self._idle.items()):
            for connection in connections:
                if connection.idle_since <= due:
                    connection.close()
            still_open = [c for c in connections if not c.transport.is_closing()]
            self._idle[origin] = still_open
            if not still_open:
                del self._idle[origin]
        self._sweeping = loop.call_later(KEEP_ALIVE / 2, self._sweep) if self._idle else None


class ResumingContext(ssl.SSLContext):
    """Checks certificates, and resumes a server's last TLS session instead of a full handshake.

    asyncio has no parameter for the session, so `wrap_bio` adds it.
    """

    sessions: dict[str | None, ssl.SSLSession | None]

    def __new__(cls) -> ResumingContext:
        context = super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)
        context.load_default_certs()
        context.sessions = {}
        return context

    def wrap_bio(self, *args: Any, **options: Any) -> ssl.SSLObject:
        options["session"] = self.sessions.get(options.get("server_hostname"))
        return super().wrap_bio(*args, **options)


async def open_socket(host: str, port: int) -> socket.socket:
    """Connect to the address that answers first. Cancelling the call closes every socket that it
    opened; asyncio's `create_connection` can leak a socket that has just been connected."""
    loop = asyncio.get_running_loop()
    try:
        numeric = socket.AI_NUMERICHOST
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=numeric)
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
