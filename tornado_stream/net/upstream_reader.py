"""Reads the sockets of connections to upstreams, all that are ready in one callback.

The rule: a read is used up before the next one, so one buffer serves all connections. asyncio's
transports still write to the sockets and close them, but read nothing. asyncio would take an event,
a handle and five calls for each read. Everything runs on the IOLoop's thread.
"""

from __future__ import annotations

import asyncio
import logging
import select
import socket
from typing import Protocol

from tornado_stream.net.upstream_tls import UpstreamTLS

logger = logging.getLogger(__name__)

#: Bytes of one read. asyncio's own 256 KiB are slower.
READ_SIZE = 64 * 1024


class Receiver(Protocol):
    """Takes what is read, in the way of an `asyncio.BufferedProtocol`."""

    def buffer_updated(self, nbytes: int) -> None:
        """So many bytes were read into the buffer."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended; `exc` is the socket's error, if any."""


class Readable(Protocol):
    """A connection: its non-blocking socket, its TLS if it has one, and who takes what is read
    from it now."""

    sock: socket.socket
    tls: UpstreamTLS | None
    receiver: Receiver

    def write(self, data: bytes) -> None:
        """Send these bytes, and what the TLS itself has to say."""


class UpstreamReader:
    """Watches sockets with an epoll of its own, which the loop watches in turn.

    Make it on Linux only (`is_available`). The buffer has room for a read and, for what is left of
    an earlier one, for a record of TLS.
    """

    is_available = hasattr(select, "epoll")

    def __init__(self, buffer: memoryview) -> None:
        self._buffer = buffer
        self._connections: dict[int, Readable] = {}
        self._epoll = select.epoll()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._epoll.fileno(), self._read)

    def watch(self, connection: Readable) -> None:
        """Read from this connection. Idempotent."""
        fd = connection.sock.fileno()
        if fd not in self._connections:
            self._epoll.register(fd, select.EPOLLIN)
            self._connections[fd] = connection

    def forget(self, connection: Readable) -> None:
        """Read no more from it. Call this before its socket is closed. Idempotent."""
        fd = connection.sock.fileno()
        if self._connections.pop(fd, None):
            self._epoll.unregister(fd)

    def close(self) -> None:
        """Read nothing more. Idempotent."""
        if not self._epoll.closed:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()
            self._connections.clear()

    def _read(self) -> None:
        """Read once from every socket that is ready."""
        buffer, connections = self._buffer, self._connections
        for fd, _ in self._epoll.poll(0):
            if (connection := connections.get(fd)) is None:
                continue  # a receiver before it in this round has ended it
            error: Exception | None = None
            try:
                if size := connection.sock.recv_into(buffer, READ_SIZE):
                    if connection.tls is None:
                        connection.receiver.buffer_updated(size)
                        continue
                    if not self._take_encrypted(connection, connection.tls, size):
                        continue
            except (BlockingIOError, InterruptedError):
                continue
            except OSError as failure:
                error = failure
            except Exception as failure:
                logger.exception("what an upstream sent could not be taken")
                error = failure
            self.forget(connection)
            connection.receiver.connection_lost(error)

    def _take_encrypted(self, connection: Readable, tls: UpstreamTLS, size: int) -> bool:
        """Take the bytes of one read; whether the server has ended the connection with them."""
        size, ended = tls.decrypt(self._buffer, size)
        if tls.has_to_say:
            connection.write(b"")
        if size:
            connection.receiver.buffer_updated(size)
        return ended
