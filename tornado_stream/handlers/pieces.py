"""Responses that are read from the store and sent in pieces.

The rule: the server reads the next piece when the client has taken the one before. So a slow
client holds one piece and the connection's buffer, however large the response is.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncGenerator
from contextlib import aclosing
from time import monotonic
from typing import cast

from tornado.http1connection import HTTP1Connection
from tornado.iostream import IOStream, StreamClosedError

from tornado_stream.handlers.base import BaseHandler
from tornado_stream.handlers.reader import SEND_BUFFER
from tornado_stream.net.waiting import resumed_at
from tornado_stream.values.errors import ChatError

logger = logging.getLogger(__name__)

#: A response of at most this many bytes is sent as a whole.
WHOLE = 256 * 1024
#: Bytes that are given to the socket at once. A client that takes less of them than these in
#: `--write-timeout` is let go.
PIECE = 64 * 1024


class PiecesHandler(BaseHandler):
    """A response that may be large."""

    async def send_pieces(self, pieces: AsyncGenerator[bytes, None]) -> bytes:
        """Send the pieces as they come, and return the bytes that are still to be sent: all of a
        small response, nothing of a large one.

        An error before the first byte is raised; a later one closes the connection, so that the
        client notices.
        """
        async with aclosing(pieces):
            kept: list[bytes] = []
            size = 0
            async for piece in pieces:
                kept.append(piece)
                size += len(piece)
                if size > WHOLE:
                    break
            else:
                return b"".join(kept)
            if self.request.method == "HEAD":
                await self.flush()
                return b""
            self._stream.set_nodelay(True)
            self._stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            self.cut_off = True
            try:
                await self._send(b"".join(kept))
                kept.clear()
                async for piece in pieces:
                    await self._send(piece)
                self.cut_off = False
            except StreamClosedError:
                pass  # the client has left
            except ChatError as error:
                logger.warning("a large response was cut off: %s", error.message)
                self._stream.close()
        return b""

    @property
    def _stream(self) -> IOStream:
        return cast(HTTP1Connection, self.request.connection).stream

    async def _send(self, data: bytes) -> None:
        view = memoryview(data)
        for first in range(0, len(data), PIECE):
            self.write(bytes(view[first : first + PIECE]))
            sent = self.flush()
            began = monotonic()
            while not sent.done():
                limit = self.application.config.write_timeout
                rest = max(began, resumed_at()) + limit - monotonic()
                if rest <= 0:
                    self._stream.close()
                await asyncio.wait({sent}, timeout=max(rest, 0.05))
            if self._stream.closed():
                raise StreamClosedError
