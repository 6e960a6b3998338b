"""The body of a streamed response, written straight to its socket.

The rule: one write per batch, and no Future where the socket takes it all. What it does not take
goes through the IOStream, whose order is kept; until that is out nothing more is taken. Tornado's
own `write` and `flush` cost several times as much per event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from tornado.iostream import IOStream, StreamClosedError


class Wire:
    """A detached connection on which a chunked body is being sent (RFC 9112 section 7.1).

    `on_drained` is called when a write that was not taken at once is out, `on_gone` when the
    client has left; both on the IOLoop's thread.
    """

    def __init__(
        self, stream: IOStream, on_drained: Callable[[], None], on_gone: Callable[[], None]
    ) -> None:
        self._stream = stream
        self._socket_send = stream.socket.send
        self._on_drained = on_drained
        self._busy = False
        stream.set_close_callback(on_gone)
        if stream.writing():  # the head
            self._write_later(b"")

    def write(self, data: bytes) -> bool:
        """Send a chunk; False: no more until `on_drained`."""
        return self._send(b"%x\r\n%b\r\n" % (len(data), data))

    def end(self) -> IOStream:
        """Send the end of the body; the connection is its server's again."""
        self._on_drained = _nothing
        self._stream.set_close_callback(None)
        self._send(b"0\r\n\r\n")
        return self._stream

    def _send(self, data: bytes) -> bool:
        if self._busy:
            self._write_later(data)
            return False
        try:
            # What IOStream.write_to_fd does; it fails on a stream that has just been closed.
            sent = self._socket_send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._stream.close()
            return False
        if sent == len(data):
            return True
        self._write_later(memoryview(data)[sent:])
        return False

    def _write_later(self, data: bytes | memoryview) -> None:
        self._busy = True
        with suppress(StreamClosedError):
            self._stream.write(data).add_done_callback(self._written)

    def _written(self, written: asyncio.Future[None]) -> None:
        if not written.cancelled() and written.exception() is None and not self._stream.writing():
            self._busy = False
            self._on_drained()


def _nothing() -> None:
    """Nobody waits for a response that has ended."""
