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
from asyncio import Future
from collections.abc import Callable, Iterable
from contextlib import suppress
from ipaddress import ip_address
from time import monotonic
from typing import TYPE_CHECKING, Any

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPConnection, HTTPMessageDelegate
from tornado.ioloop import IOLoop
from tornado.iostream import IOStream
from tornado.web import Application

from tornado_stream.net import descriptors
from tornado_stream.net.client_connections import (
    MAX_HEAD,
    READ_SIZE,
    ClientConnections,
    ClientStream,
    address_key,
)
from tornado_stream.net.connection_loop import Peer, ShortWay, TimedRequest, serve_requests
from tornado_stream.net.peer import is_trusted
from tornado_stream.net.refusals import ADDRESS_FULL, FULL
from tornado_stream.net.waiting import SETTLE
from tornado_stream.settings import Settings

if TYPE_CHECKING:
    from tornado_stream.net.board import Part

logger = logging.getLogger(__name__)

#: Connections that are accepted in one iteration of the loop; fewer where other processes accept
#: from the same sockets, so that each gets its share.
ACCEPTS, SHARED_ACCEPTS = 100, 1
#: Seconds in which the others can accept, where this process has many more connections.
YIELD = 0.005
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
#: Seconds in which requests can notice that their connections have been closed.
CLOSING = 1.0
#: Seconds between two equal warnings in the log.
LOG_INTERVAL = 60.0


class Server(HTTPServer):
    """Tornado's server with a listener and a loop of its own for each connection. `connections`
    holds the open ones. `short_way` may take requests that need not pass Tornado."""

    short_way: ShortWay | None = None
    #: Whether it takes no connection any more, those of other processes included.
    stopped = False

    def initialize(  # type: ignore[override]
        self, application: Application, settings: Settings, part: Part | None = None
    ) -> None:
        self.connections = ClientConnections(settings, part)
        limits = settings.max_body, settings.max_v1_body, settings.max_file
        self._body_limit = max(BODY_LIMIT, *(2 * limit for limit in limits))
        super().initialize(
            application,
            max_body_size=self._body_limit,
            max_buffer_size=self._body_limit,
            max_header_size=MAX_HEAD,
            chunk_size=READ_SIZE,
        )
        # `ClientConnections.sweep` replaces Tornado's timer for each request.
        self.conn_params.header_timeout = None
        self._listener = Listener(settings, self.connections, self._accepted)
        self._serving: set[Future[None]] = set()

    def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        """Accept connections on these listening sockets."""
        self._listener.start(sockets)

    def stop(self) -> None:
        """Accept no more connections. Open ones stay."""
        self.stopped = True
        self._listener.stop()

    def pause_accepting(self) -> None:
        """Let another process accept connections on the same sockets, which stay open."""
        self._listener.pause()

    def accept_again(self) -> None:
        """Undo `pause_accepting`."""
        self._listener.unpause()

    def adopt(self, sock: socket.socket, data: bytes, *, received: bool) -> None:
        """Serve a connection that another process has accepted; see `ClientStream.preload`. Raises
        `OSError` if its client has left."""
        address = sock.getpeername()
        key = address_key(address)
        stream = ClientStream(sock, key, self.connections, self._body_limit)
        stream.preload(data, received=received)
        self.handle_stream(stream, address)

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        """Serve the requests that come on this connection."""
        assert isinstance(stream, ClientStream)
        serving = asyncio.create_task(
            serve_requests(
                stream, Peer(address), self._start_request, self.conn_params, self.short_way
            )
        )
        self._serving.add(serving)  # the loop keeps no strong reference
        serving.add_done_callback(self._serving.discard)

    async def close_all_connections(self) -> None:
        """Close the open connections, whatever is sent on them."""
        for stream in tuple(self.connections.open):
            stream.close()
        if self._serving:
            await asyncio.wait(self._serving, timeout=CLOSING)

    def _start_request(self, connection: HTTPConnection) -> HTTPMessageDelegate:
        delegate = self.start_request(self, connection)
        return TimedRequest(delegate, connection.stream, self.connections)  # type: ignore[attr-defined]

    def _accepted(self, sock: socket.socket, address: Any, key: str) -> None:
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
        self._most_here = descriptors.shares(settings)[0]
        self._accepts = SHARED_ACCEPTS if connections.part else ACCEPTS
        self._sockets: list[socket.socket] = []
        self._listening = False
        self._spare: list[int] = []
        self._silent_until: dict[str, float] = {}
        self._paused: asyncio.TimerHandle | None = None
        self._yielded = False
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

    def pause(self) -> None:
        if self._paused:
            self._paused.cancel()
            self._paused = None
        elif self._listening:
            self._stop_listening()

    def unpause(self) -> None:
        if self._paused is None and not self._listening:
            self._listen(self._sockets)

    def stop(self) -> None:
        self.pause()
        if self._sweeping:
            self._sweeping.cancel()
        for sock in self._sockets:
            sock.close()
        self._sockets.clear()
        self._connections.close_refused(0)
        self._free_spare()

    def _listen(self, sockets: Iterable[socket.socket]) -> None:
        self._listening = True
        for sock in sockets:
            IOLoop.current().add_handler(sock, self._accept, IOLoop.READ)

    def _stop_listening(self) -> None:
        self._listening = False
        for sock in self._sockets:
            IOLoop.current().remove_handler(sock)

    def _accept(self, sock: Any, events: int) -> None:
        if self._yields():
            return
        for _ in range(self._accepts):
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

    def _yields(self) -> bool:
        """For a moment, let a process accept that has fewer connections."""
        part = self._connections.part
        self._yielded = not self._yielded and part is not None and part.is_ahead
        if self._yielded:
            self._stop_listening()
            self._paused = asyncio.get_running_loop().call_later(YIELD, self._listen_again)
        return self._yielded

    def _listen_again(self) -> None:
        self._paused = None
        self._listen(self._sockets)

    def _admit(self, connection: socket.socket, address: Any) -> None:
        key, count = address_key(address), self._count()
        is_full = (
            count >= self._settings.max_connections
            or len(self._connections.open) >= self._most_here
        )
        if self._is_address_full(address, key):
            self._warn("too many connections from %s: more are refused", key)
            self._connections.refuse(connection, ADDRESS_FULL)
        elif is_full and not self._connections.evict(1, GRACE):
            self._warn("there are %d connections: more are refused", count)
            self._connections.refuse(connection, FULL)
        else:
            self._serve(connection, address, key)

    def _count(self) -> int:
        """How many connections the server has, with all its processes."""
        part = self._connections.part
        return part.connections if part else len(self._connections.open)

    def _is_address_full(self, address: Any, key: str) -> bool:
        most = self._settings.max_connections_per_address
        part = self._connections.part
        count = part.connections_of(key) if part else self._connections.per_address[key]
        if count < (PER_ADDRESS if most is None else most or sys.maxsize):
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
