"""Connections of the streaming client: opened, secured, kept, used again.

The rule: a connection is used again only while it is surely idle, and a socket is closed by who
opened it. Everything runs on the IOLoop's thread.
"""

from __future__ import annotations

import asyncio
import select
import socket
import ssl
from asyncio.staggered import staggered_race
from functools import partial
from typing import Any, NamedTuple, cast

#: Seconds that an idle connection is kept: servers of this field close theirs from 5 s on.
KEEP_ALIVE = 4.0
#: Seconds until the next address of a host is tried as well (RFC 8305).
NEXT_ADDRESS = 0.25


class Origin(NamedTuple):
    """What a connection can be used for again."""

    scheme: str
    host: str
    port: int


class UpstreamConnection(asyncio.Protocol):
    """A connection that is idle: before, between and after exchanges. What comes then ends it."""

    transport: asyncio.Transport

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.idle_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.close()

    def close(self) -> None:
        """Now, in whatever phase it is: what was not sent is not."""
        self.transport.abort()

    def is_open(self) -> bool:
        return not (self.transport.is_closing() or _is_readable(self.transport))


class ConnectionPool:
    """Idle connections. One is used again only within `KEEP_ALIVE`, and if nothing has come."""

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
        _remember_session(connection)
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
            kept = [c for c in connections if not c.transport.is_closing()]
            self._idle[origin] = kept
            if not kept:
                del self._idle[origin]
        self._sweeping = loop.call_later(KEEP_ALIVE / 2, self._sweep) if self._idle else None


class ResumingContext(ssl.SSLContext):
    """Checks certificates, and goes on with a server's last session instead of a whole handshake.

    asyncio has no parameter for the session, hence `wrap_bio`.
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


def _remember_session(connection: UpstreamConnection) -> None:
    tls = connection.transport.get_extra_info("ssl_object")
    if tls is not None and isinstance(tls.context, ResumingContext):
        tls.context.sessions[connection.origin.host] = tls.session


async def open_socket(host: str, port: int) -> socket.socket:
    """Connect to the address that answers first. Cancelling it closes every socket it opened:
    `create_connection`, which could do the rest, loses one that has just been connected."""
    loop = asyncio.get_running_loop()
    try:
        numeric = socket.AI_NUMERICHOST
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=numeric)
    except socket.gaierror:  # a name: a thread looks it up
        addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    connected: list[socket.socket] = []

    async def attempt(family: int, address: Any) -> None:
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            await loop.sock_connect(sock, address)
        except BaseException:
            sock.close()  # not before: the loop would go on to watch its number
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


def _is_readable(transport: asyncio.Transport) -> bool:
    """Whether bytes, or an end, have come that the loop has not read yet."""
    fd = transport.get_extra_info("socket").fileno()
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([fd], [], [], 0)[0])  # Windows
