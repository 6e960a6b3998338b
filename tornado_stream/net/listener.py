"""The door: connections are accepted, counted, refused, and closed when they wait too long.

The rule: whoever comes is let in or told why not. Nobody who is being served is closed to make
room; those on whose connection nothing is going on are. Out of descriptors, the door is shut for a
moment, and nothing spins.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from ipaddress import ip_address
from time import monotonic
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPConnection, HTTPMessageDelegate
from tornado.ioloop import IOLoop
from tornado.web import Application

from tornado_stream.net import descriptors
from tornado_stream.net.client_connections import (
    ClientConnections,
    ClientStream,
    TimedRequest,
    address_key,
    refusal,
)
from tornado_stream.net.peer import is_trusted
from tornado_stream.settings import Settings

logger = logging.getLogger(__name__)

#: Connections that are accepted in one turn of the loop.
ACCEPTS = 100
#: Seconds between two looks at what waits too long, at most.
SWEEP = 1.0
#: Seconds for which nobody is accepted when descriptors have run out; connections closed then.
PAUSE, FREED = 0.5, 32
#: Descriptors that are held while there are enough: the store and the model get them when not.
SPARE = 16
#: Seconds that a newcomer has at least for its head before it makes room for another.
GRACE = 1.0
#: Refused connections that are held until the client has read why, and for how many seconds.
LEAVING, LINGER = 32, 1.0
#: Connections from one other machine where nothing is set.
PER_ADDRESS = 256
#: Bytes of a body that are read at all, at least: above `max_body` the answer is 413, above this
#: the connection is closed with a bare 400.
READ_AT_ALL = 8 * 1024 * 1024
#: Seconds between two lines in the log that say the same.
SELDOM = 60.0

FULL = refusal(503, "too_many_connections", "The server has too many connections now.", 5)
FULL_FOR_YOU = refusal(
    429, "too_many_connections", "There are too many connections from your address.", 5
)


class Server(HTTPServer):
    """Tornado's server with a listener of its own. `connections` are the open ones."""

    def initialize(self, application: Application, settings: Settings) -> None:  # type: ignore[override]
        self.connections = ClientConnections(settings)
        self._read_at_all = max(READ_AT_ALL, 2 * settings.max_body)
        super().initialize(
            application,
            max_body_size=self._read_at_all,
            max_buffer_size=self._read_at_all,
            max_header_size=16 * 1024,
        )
        # Not a timer for each request: `Connections.sweep` looks after all of them.
        self.conn_params.header_timeout = None
        self._listener = Listener(settings, self.connections, self._welcome)

    def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        """Accept connections on these listening sockets."""
        self._listener.start(sockets)

    def stop(self) -> None:
        """Accept no more. Those that are there stay."""
        self._listener.stop()

    def start_request(
        self, server_conn: object, request_conn: HTTPConnection
    ) -> HTTPMessageDelegate:
        delegate = super().start_request(server_conn, request_conn)
        return TimedRequest(delegate, request_conn.stream, self.connections)  # type: ignore[attr-defined]

    def _welcome(self, sock: socket.socket, address: Any, key: str) -> None:
        self.handle_stream(ClientStream(sock, key, self.connections, self._read_at_all), address)


class Listener:
    """Listening sockets, and who gets in. `welcome` is called with those who do."""

    def __init__(
        self,
        settings: Settings,
        connections: ClientConnections,
        welcome: Callable[[socket.socket, Any, str], None],
    ) -> None:
        self._settings = settings
        self._connections = connections
        self._welcome = welcome
        self._most = descriptors.shares(settings)[0]
        self._sockets: list[socket.socket] = []
        self._leaving: deque[tuple[float, socket.socket]] = deque()
        self._spare: list[int] = []
        self._said: dict[str, float] = {}
        self._paused: asyncio.TimerHandle | None = None
        self._sweeping: asyncio.TimerHandle | None = None

    def start(self, sockets: Iterable[socket.socket]) -> None:
        sockets = list(sockets)
        for sock in sockets:
            keep_alive(sock, 2 * self._settings.write_timeout)
        self._sockets += sockets
        self._hold_spare()
        self._listen(sockets)
        if self._sweeping is None:
            self._sweep()

    def stop(self) -> None:
        for timer in (self._paused, self._sweeping):
            if timer:
                timer.cancel()
        if self._paused is None:
            self._deafen()
        for sock in self._sockets:
            sock.close()
        self._sockets.clear()
        self._dismiss(0)
        self._free_spare()

    def _listen(self, sockets: Iterable[socket.socket]) -> None:
        for sock in sockets:
            IOLoop.current().add_handler(sock, self._accept, IOLoop.READ)

    def _deafen(self) -> None:
        for sock in self._sockets:
            IOLoop.current().remove_handler(sock)

    def _accept(self, sock: Any, events: int) -> None:
        for _ in range(ACCEPTS):
            try:
                connection, address = sock.accept()
            except BlockingIOError:
                return
            except ConnectionAbortedError:
                continue
            except OSError as error:
                self._pause(error)
                return
            self._admit(connection, address)

    def _admit(self, connection: socket.socket, address: Any) -> None:
        key, count = address_key(address), len(self._connections.open)
        if self._is_full_for(address, key):
            self._say("too many connections from %s: more are refused", key)
            self._refuse(connection, FULL_FOR_YOU)
        elif count >= self._most and not self._connections.evict(1, GRACE):
            self._say("there are %d connections: more are refused", count)
            self._refuse(connection, FULL)
        else:
            self._welcome(connection, address, key)

    def _is_full_for(self, address: Any, key: str) -> bool:
        most = self._settings.max_connections_per_address
        if self._connections.of[key] < (PER_ADDRESS if most is None else most or sys.maxsize):
            return False
        host = address[0] if key else ""
        is_ours = not key or ip_address(host.partition("%")[0]).is_loopback
        return not (most is None and is_ours) and not is_trusted(
            host, self._settings.trusted_proxies
        )

    def _refuse(self, connection: socket.socket, answer: bytes) -> None:
        connection.setblocking(False)
        with suppress(OSError):
            connection.send(answer)
            connection.shutdown(socket.SHUT_WR)
        # Closed at once it would be reset by what the client sends, and the answer might be lost.
        self._leaving.append((monotonic(), connection))
        if len(self._leaving) > LEAVING:
            self._leaving.popleft()[1].close()

    def _dismiss(self, seconds: float) -> None:
        before = monotonic() - seconds
        while self._leaving and self._leaving[0][0] <= before:
            self._leaving.popleft()[1].close()

    def _pause(self, error: OSError) -> None:
        self._say("no connection can be accepted: %s", error.strerror)
        self._deafen()
        self._make_room()

    def _make_room(self) -> None:
        self._free_spare()
        self._dismiss(0)
        self._connections.evict(FREED, GRACE)
        self._paused = asyncio.get_running_loop().call_later(PAUSE, self._resume)

    def _resume(self) -> None:
        self._paused = None
        if self._hold_spare():
            self._listen(self._sockets)
        else:
            self._make_room()

    def _hold_spare(self) -> bool:
        """Hold the reserve; False: it is in use."""
        try:
            while len(self._spare) < SPARE:
                self._spare.append(os.open(os.devnull, os.O_RDONLY))
        except OSError:
            return False
        return True

    def _free_spare(self) -> None:
        while self._spare:
            os.close(self._spare.pop())

    def _sweep(self) -> None:
        self._connections.sweep()
        self._dismiss(LINGER)
        interval = min(SWEEP, self._connections.shortest_wait / 4)
        self._sweeping = asyncio.get_running_loop().call_later(interval, self._sweep)

    def _say(self, text: str, *arguments: Any) -> None:
        """Warn, once a minute: whoever floods this server shall not flood its log."""
        now = monotonic()
        if now >= self._said.get(text, 0.0):
            self._said[text] = now + SELDOM
            logger.warning(text, *arguments)


def keep_alive(listening: socket.socket, seconds: float) -> None:
    """Find out when a client is gone that never said so: silent for 30 s, then three questions in
    10 s each; and when what is sent reaches nobody for `seconds`, or a minute. Connections inherit
    it on Linux and the BSDs, so it costs nothing for each."""
    options = {
        "TCP_KEEPIDLE": 30,
        "TCP_KEEPINTVL": 10,
        "TCP_KEEPCNT": 3,
        "TCP_USER_TIMEOUT": int(1000 * max(60, seconds)),
    }
    with suppress(OSError):  # a Unix socket
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in options.items():
            if option := getattr(socket, name, None):
                listening.setsockopt(socket.IPPROTO_TCP, option, value)
