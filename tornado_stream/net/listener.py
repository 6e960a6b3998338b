"""Accepts connections, counts them, refuses some, and closes those that wait too long.

The rule: a client gets its connection or a response that says why not. To make room the server
closes connections that serve no request, never one that does. When it is out of descriptors, it
accepts none for a moment, and the loop does not spin.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
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
    MAX_HEAD,
    READ_SIZE,
    ClientConnections,
    ClientStream,
    TimedRequest,
    address_key,
    refusal,
)
from tornado_stream.net.peer import is_trusted
from tornado_stream.net.waiting import SETTLE
from tornado_stream.settings import Settings

logger = logging.getLogger(__name__)

#: Connections that are accepted in one iteration of the loop.
ACCEPTS = 100
#: Seconds between two sweeps of the connections, at most.
SWEEP_INTERVAL = 1.0
#: When descriptors have run out: seconds without accepting, and connections that are closed.
PAUSE, FREED = 0.5, 32
#: Descriptors that are held in reserve, and freed for the store and the model when they run out.
SPARE = 16
#: Seconds that a new connection has for its head before it may be closed to make room.
GRACE = 1.0
#: Connections from one address of another machine, unless the setting says otherwise.
PER_ADDRESS = 256
#: Tornado's hard body limit (at least this). Between the limit of a route and it, the handler
#: answers 413, and the server keeps nothing of the body; above it Tornado answers a bare 400.
BODY_LIMIT = 8 * 1024 * 1024
#: Seconds between two equal warnings in the log.
LOG_INTERVAL = 60.0

FULL = refusal(503, "too_many_connections", "The server has too many connections now.", 5)
ADDRESS_FULL = refusal(
    429, "too_many_connections", "There are too many connections from your address.", 5
)


class Server(HTTPServer):
    """Tornado's server with a listener of its own. `connections` holds the open ones."""

    def initialize(self, application: Application, settings: Settings) -> None:  # type: ignore[override]
        self.connections = ClientConnections(settings)
        self._body_limit = max(BODY_LIMIT, 2 * settings.max_body, 2 * settings.max_v1_body)
        super().initialize(
            application,
            max_body_size=self._body_limit,
            max_buffer_size=self._body_limit,
            max_header_size=MAX_HEAD,
            chunk_size=READ_SIZE,
        )
        # `ClientConnections.sweep` replaces Tornado's timer for each request.
        self.conn_params.header_timeout = None
        self._listener = Listener(settings, self.connections, self._serve)

    def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        """Accept connections on these listening sockets."""
        self._listener.start(sockets)

    def stop(self) -> None:
        """Accept no more connections. Open ones stay."""
        self._listener.stop()

    def start_request(
        self, server_conn: object, request_conn: HTTPConnection
    ) -> HTTPMessageDelegate:
        delegate = super().start_request(server_conn, request_conn)
        return TimedRequest(delegate, request_conn.stream, self.connections)  # type: ignore[attr-defined]

    def _serve(self, sock: socket.socket, address: Any, key: str) -> None:
        self.handle_stream(ClientStream(sock, key, self.connections, self._body_limit), address)


class Listener:
    """Accepts from the listening sockets, and calls `serve` with each connection that it admits:
    socket, address, and the key under which the address is counted."""

    def __init__(
        self,
        settings: Settings,
        connections: ClientConnections,
        serve: Callable[[socket.socket, Any, str], None],
    ) -> None:
        self._settings = settings
        self._connections = connections
        self._serve = serve
        self._max_connections = descriptors.shares(settings)[0]
        self._sockets: list[socket.socket] = []
        self._spare: list[int] = []
        self._silent_until: dict[str, float] = {}
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
            self._stop_listening()
        for sock in self._sockets:
            sock.close()
        self._sockets.clear()
        self._connections.close_refused(0)
        self._free_spare()

    def _listen(self, sockets: Iterable[socket.socket]) -> None:
        for sock in sockets:
            IOLoop.current().add_handler(sock, self._accept, IOLoop.READ)

    def _stop_listening(self) -> None:
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
                self._warn("no connection can be accepted: %s", error.strerror)
                self._stop_listening()
                self._make_room()
                return
            self._admit(connection, address)

    def _admit(self, connection: socket.socket, address: Any) -> None:
        key, count = address_key(address), len(self._connections.open)
        if self._is_address_full(address, key):
            self._warn("too many connections from %s: more are refused", key)
            self._connections.refuse(connection, ADDRESS_FULL)
        elif count >= self._max_connections and not self._connections.evict(1, GRACE):
            self._warn("there are %d connections: more are refused", count)
            self._connections.refuse(connection, FULL)
        else:
            self._serve(connection, address, key)

    def _is_address_full(self, address: Any, key: str) -> bool:
        most = self._settings.max_connections_per_address
        if self._connections.per_address[key] < (
            PER_ADDRESS if most is None else most or sys.maxsize
        ):
            return False
        host = address[0] if key else ""
        is_ours = not key or ip_address(host.partition("%")[0]).is_loopback
        return not (most is None and is_ours) and not is_trusted(
            host, self._settings.trusted_proxies
        )

    def _make_room(self) -> None:
        self._free_spare()
        self._connections.close_refused(0)
        self._connections.evict(FREED, GRACE)
        self._paused = asyncio.get_running_loop().call_later(PAUSE, self._resume)

    def _resume(self) -> None:
        self._paused = None
        if self._hold_spare():
            self._listen(self._sockets)
        else:
            self._make_room()

    def _hold_spare(self) -> bool:
        """Open the reserve. False: there are too few descriptors for it."""
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
        self._connections.close_refused()
        interval = min(SWEEP_INTERVAL, self._connections.shortest_wait / 4)
        self._sweeping = asyncio.get_running_loop().call_later(interval, self._sweep_soon)

    def _sweep_soon(self) -> None:
        """Sweep when the loop has read what came in while the process may have been stopped."""
        self._sweeping = asyncio.get_running_loop().call_later(SETTLE, self._sweep)

    def _warn(self, text: str, *arguments: Any) -> None:
        """Log a warning, at most once a minute: a flood of connections must not flood the log."""
        now = monotonic()
        if now >= self._silent_until.get(text, 0.0):
            self._silent_until[text] = now + LOG_INTERVAL
            logger.warning(text, *arguments)


def keep_alive(listening: socket.socket, seconds: float) -> None:
    """Let the system detect clients that vanished without closing.

    It probes a connection that was silent for 30 s, three times, every 10 s. It also closes one
    whose bytes are not acknowledged for `seconds`, or for a minute if that is longer. Accepted
    connections inherit these options on Linux and the BSDs.
    """
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
