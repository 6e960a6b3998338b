"""Compressed bodies of responses, which some upstreams send though nobody asked for them.

The rule: bytes are handed on in order and in small pieces. A few compressed bytes can become very
many, so inflating stops after `STEP` seconds and continues in the loop's next iteration; until it
is done, nothing more is read from the upstream.
"""

from __future__ import annotations

import asyncio
import zlib
from time import monotonic

from tornado.httputil import HTTPInputError

from tornado_stream.net.http_client import MAX_BODY, OnChunk, ResponseStream

#: Bytes of one piece, and seconds after which the loop gets its turn.
PIECE, STEP = 64 * 1024, 0.005
#: Encodings that change bytes, and that this module cannot read. Any other name that is unknown
#: stands for none: servers write a charset there, or words of their own.
UNREADABLE = frozenset(
    "br brotli zstd compress bzip2 xz lzma lz4 snappy exi dcb dcz aes128gcm".split()
)
_GZIP = b"\x1f\x8b"


def compression(*headers: str) -> str:
    """The compression that a `Content-Encoding`, or a `Transfer-Encoding` (RFC 9112 section 7.2),
    names: "gzip", "deflate", or "" for none. Raises `ValueError` with the names of those that
    cannot be read."""
    listed = ",".join(headers).split(",")
    names = [name.strip().lower().removeprefix("x-") for name in listed]
    unreadable = [name for name in names if name in UNREADABLE]
    found = [name for name in names if name in ("gzip", "deflate")]
    if unreadable or len(found) > 1:
        raise ValueError(", ".join(unreadable or found)[:100])
    return found[0] if found else ""


class Inflater:
    """Inflates gzip of any number of members (RFC 1952 section 2.2), zlib data (RFC 1950), and
    deflate without a head (RFC 1951), which some servers send as "deflate". Pure."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._input = b""
        self._inflate: zlib._Decompress | None = None
        self._members = 0

    def feed(self, data: bytes) -> None:
        """Add compressed bytes."""
        self._input += data

    def read(self, most: int = PIECE) -> bytes:
        """Up to `most` bytes of what the data so far contains; empty: it contains no more. Raises
        `zlib.error` for data that is damaged or not compressed."""
        while self._inflate or self._begin_member():
            inflate = self._inflate
            assert inflate
            piece = inflate.decompress(self._input, most)
            self._input = inflate.unconsumed_tail
            if inflate.eof:
                self._input, self._inflate = inflate.unused_data, None
            if piece or not inflate.eof:
                return piece
        return b""

    def _begin_member(self) -> bool:
        """False: there are too few bytes to know what they are."""
        if self._members:
            self._input = self._input.lstrip(b"\0")  # padding
        if len(self._input) < 2:
            return False
        head = self._input[:2]
        is_zlib = head[0] & 15 == 8 and not int.from_bytes(head) % 31
        raw = self._kind == "deflate" and not (head == _GZIP or is_zlib)
        if self._members and head != _GZIP:
            raise zlib.error("there is something after the end")
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS if raw else zlib.MAX_WBITS | 32)
        self._members += 1
        return True


class CompressedBody:
    """Inflates the body of a response while it arrives, and gives it to `take`, as `OnChunk` says.

    `feed` is the `OnChunk` of the response. `drained` has to be awaited when the response has
    ended; both raise `zlib.error` for damaged data, `HTTPInputError` for too much of it, and what
    `take` raises. `close` ends it early.
    """

    def __init__(self, kind: str, take: OnChunk, response: ResponseStream) -> None:
        self._inflater = Inflater(kind)
        self._take = take
        self._response = response
        self._room = MAX_BODY
        self._rest: asyncio.Future[None] | None = None  # resolves when the data is used up
        self._next: asyncio.Handle | None = None
        self._error: Exception | None = None
        self._seconds: float | None = None  # what `take` returned for the last piece

    def feed(self, data: bytes) -> float | None:
        self._inflater.feed(data)
        return None if self._rest else self._step()

    async def drained(self) -> None:
        """Wait until everything that came has been handed on."""
        if self._rest:
            await asyncio.shield(self._rest)
        if self._error:
            raise self._error

    def close(self) -> None:
        """Hand on nothing more. Idempotent."""
        if self._next:
            self._next.cancel()
        self._settle()

    def _step(self) -> float | None:
        """Hand on some pieces. Returns what `take` returned for the newest piece. That may have
        come in an earlier step: the end of the compressed data brings none."""
        due = monotonic() + STEP
        while piece := self._inflater.read():
            self._room -= len(piece)
            if self._room < 0:
                raise HTTPInputError("the response is too long")
            self._seconds = self._take(piece)
            if self._seconds is not None and self._seconds <= 0:
                break
            if monotonic() >= due:
                self._continue_soon()
                return None
        self._settle()
        return self._seconds

    def _continue_soon(self) -> None:
        loop = asyncio.get_running_loop()
        if self._rest is None:
            self._rest = loop.create_future()
            self._response.pause_until(self._rest)
        self._next = loop.call_soon(self._continue)

    def _continue(self) -> None:
        try:
            self._response.wait_at_most(self._step())
        except Exception as error:
            self._error = error
            self._response.fail(error)
            self._settle()

    def _settle(self) -> None:
        if self._rest and not self._rest.done():
            self._rest.set_result(None)
        self._rest = None
