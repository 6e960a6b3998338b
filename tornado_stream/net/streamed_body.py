"""Two ways to write the body of a streamed response.

The rule: the server sends once per client and iteration of the loop. Bytes that the socket does
not take at once stay in the IOStream, in order, and until they are sent the body takes no more.
Everything runs on the IOLoop's thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

from tornado.iostream import IOStream, StreamClosedError
from tornado.web import RequestHandler

#: Writes of up to this many bytes wait for the end of the loop's iteration.
SMALL = 4096


class StreamedBody:
    """A body that is being sent.

    `on_drained` is called when bytes that the socket did not take at once have been sent, `on_gone`
    when the client has left. `last_write` is when something was last written; `full_since` is since
    when the body takes no more (seconds of `monotonic`; None: it takes more).
    """

    def __init__(self, on_drained: Callable[[], None], on_gone: Callable[[], None]) -> None:
        self.last_write = monotonic()
        self.full_since: float | None = None
        self._on_drained = on_drained
        self._on_gone = on_gone

    def write(self, data: bytes) -> bool:
        """Send these bytes. False: write no more until `on_drained`."""
        raise NotImplementedError

    def _await(self, written: asyncio.Future[None]) -> None:
        if self.full_since is None:
            self.full_since = monotonic()
        written.add_done_callback(self._written)

    def _written(self, written: asyncio.Future[None]) -> None:
        if written.cancelled() or written.exception():
            self._on_gone()
        elif not self._is_writing():
            self.full_since = None
            self._on_drained()

    def _is_writing(self) -> bool:
        return False


class TornadoBody(StreamedBody):
    """A body that Tornado writes: the first piece of every body, which leaves together with the
    head, and whole bodies for HTTP/1.0."""

    def __init__(
        self, handler: RequestHandler, on_drained: Callable[[], None], on_gone: Callable[[], None]
    ) -> None:
        super().__init__(on_drained, on_gone)
        self._handler = handler

    def write(self, data: bytes) -> bool:
        self.last_write = monotonic()
        self._handler.write(data)
        flushed = self._handler.flush()
        if flushed.done():
            return not flushed.exception()
        self._await(flushed)
        return False


class SendBatch:
    """The bodies that have something to send at the end of the loop's iteration.

    A hundred sends in a row take a sixth less time than sends with decoding between them.
    """

    def __init__(self) -> None:
        self._waiting: list[ChunkedBody] = []

    def add(self, body: ChunkedBody) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._flush)
        self._waiting.append(body)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for body in waiting:
            body.flush()


class ChunkedBody(StreamedBody):
    """A chunked body (RFC 9112 section 7.1), written to a detached connection without Tornado,
    whose `write` and `flush` take several times as long per event. There is no Future while the
    socket takes everything.
    """

    def __init__(
        self,
        stream: IOStream,
        send_batch: SendBatch,
        on_drained: Callable[[], None],
        on_gone: Callable[[], None],
    ) -> None:
        super().__init__(on_drained, on_gone)
        self._stream = stream
        self._send_batch = send_batch
        self._chunks: list[bytes] = []
        # IOStream.write_to_fd calls the same; on a closed socket it raises OSError.
        self._socket_send = stream.socket.send
        stream.set_close_callback(on_gone)
        if stream.writing():  # the head
            self._write_later(b"")

    def write(self, data: bytes) -> bool:
        self.last_write = monotonic()
        chunks = self._chunks
        if not chunks:
            self._send_batch.add(self)
        size = len(data)
        chunks.append(b"%x\r\n%b\r\n" % (size, data))
        if size > SMALL:
            self.flush()
        return self.full_since is None

    def flush(self) -> None:
        """Send everything that was written."""
        chunks = self._chunks
        if not chunks:
            return  # a large write has sent them before the end of the iteration
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        sent = 0
        if self.full_since is None:
            try:
                sent = self._socket_send(data)
            except BlockingIOError:
                pass
            except OSError:
                self._stream.close()
                return
        if sent < len(data):
            self._write_later(memoryview(data)[sent:])

    def end(self) -> IOStream:
        """Send the end of the body and give the connection back, for the next request."""
        self._on_drained = self._on_gone = lambda: None
        self._stream.set_close_callback(None)
        self._chunks.append(b"0\r\n\r\n")
        self.flush()
        return self._stream

    def _write_later(self, data: bytes | memoryview) -> None:
        with suppress(StreamClosedError):
            self._await(self._stream.write(data))

    def _is_writing(self) -> bool:
        return self._stream.writing()
