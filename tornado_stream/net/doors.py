"""Where other processes of this machine ask.

The rule: only processes of the same user are heard. Everything runs on the IOLoop's thread.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from contextlib import suppress
from pathlib import Path

from tornado_stream.net.passing import Answer, Channel, address_of, is_ours

logger = logging.getLogger(__name__)

#: Connections that may wait to be heard. Each request that another process passes on makes one, and
#: many may come at the same moment; the system may allow fewer (`net.core.somaxconn`).
BACKLOG = 4096
#: How many of them are heard in one iteration of the loop.
ACCEPTS = 32


class Door:
    """A Unix socket at `path`, at which other processes of the same user can ask. `on_channel` is
    called with each new channel. Raises `OSError`."""

    def __init__(self, path: Path, answer: Answer) -> None:
        self.path = path
        self.channels: set[Channel] = set()
        self._answer = answer
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with suppress(FileNotFoundError):
                path.unlink()
            mask = os.umask(0o177)
            try:
                with address_of(path) as address:
                    self._sock.bind(address)
            finally:
                os.umask(mask)
            self._sock.listen(BACKLOG)
            self._sock.setblocking(False)
        except OSError:
            self._sock.close()
            raise
        asyncio.get_running_loop().add_reader(self._sock, self._accept)

    def close(self) -> None:
        """Close the door, and the channels that began at it. Idempotent."""
        if self._sock.fileno() < 0:
            return
        asyncio.get_running_loop().remove_reader(self._sock)
        self._sock.close()
        with suppress(OSError):
            self.path.unlink()
        for channel in tuple(self.channels):
            channel.close()

    def is_found(self, link: Path) -> bool:
        """Whether this symbolic link leads here."""
        try:
            return os.readlink(link) == self.path.name
        except OSError:
            return False

    def _accept(self) -> None:
        for _ in range(ACCEPTS):
            try:
                sock, _ = self._sock.accept()
            except OSError:  # no other one waits, or descriptors have run out
                return
            self._hear(sock)

    def _hear(self, sock: socket.socket) -> None:
        if not is_ours(sock):
            logger.warning("a process of another user is not heard")
            sock.close()
            return
        channel = Channel(sock, self._answer)
        self.channels.add(channel)
        channel.on_closed.append(lambda: self.channels.discard(channel))
