"""Bodies of requests: how much of one the server reads, and how many values it decodes.

The rule: no body holds the event loop for more than 50 ms, and a body above its limit is thrown
away as it arrives. orjson keeps the interpreter's lock, so parsing in a thread would not help;
instead the values are counted first, in pieces, and too many are refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, finalize, ref

from tornado.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)

from tornado_stream.handlers import checks
from tornado_stream.handlers.services import HeldBodies, Services
from tornado_stream.values.errors import (
    ChatError,
    InvalidRequest,
    TooLarge,
    Unavailable,
    in_bytes,
)
from tornado_stream.values.json_values import PIECE, ValueCounter

if TYPE_CHECKING:
    from tornado_stream.net.board import Part

#: JSON values that a body may hold; the values of a body up to `SMALL_BODY` bytes are not counted.
MAX_VALUES, SMALL_BODY = 10_000, 64 * 1024
#: Larger bodies are parsed in an iteration of the loop of their own.
LARGE_BODY = 1024 * 1024


def check_values(body: bytes) -> None:
    """Raises `InvalidRequest` if a body holds more values than this server decodes at once."""
    if len(body) > SMALL_BODY:
        counter = ValueCounter(MAX_VALUES)
        for start in range(0, len(body), PIECE):
            counter.feed(body[start : start + PIECE])
            _check_count(counter, f"more than {MAX_VALUES} values")


async def check_many_values(body: bytes, max_values: int) -> None:
    """As `check_values`, for a body of `/v1`, while other clients are served."""
    if len(body) > max_values:  # each value but the first has a separator or a bracket
        counter = ValueCounter(max_values)
        for start in range(0, len(body), PIECE):
            counter.feed(body[start : start + PIECE])
            _check_count(counter, f"more than {max_values} values (--max-v1-values)")
            if start % LARGE_BODY == 0:
                await asyncio.sleep(0)


def _check_count(counter: ValueCounter, what: str) -> None:
    if counter.too_many:
        raise InvalidRequest(f"The body holds {what}.")


class BodyCounter:
    """What the bodies of all requests hold together, in bytes; a body counts until its request is
    freed. `refused` says why a body was refused. `part` counts those of several processes."""

    def __init__(self, limit: int, part: Part | None = None) -> None:
        self.limit = limit
        self.held = 0
        self._part = part
        self.refused: WeakKeyDictionary[HTTPServerRequest, ChatError] = WeakKeyDictionary()

    def take(self, size: int, kept: list[int]) -> bool:
        """Count `size` more bytes of a body; `kept` is how many it has so far. False: there is no
        room. The last quarter is for small bodies, so that large ones keep nobody out."""
        small = kept[0] + size <= SMALL_BODY
        held = self._part.bodies if self._part else self.held
        if held + size > (self.limit if small else self.limit - self.limit // 4):
            return False
        self._count(size)
        kept[0] += size
        return True

    def release(self, kept: list[int]) -> None:
        """Forget a body."""
        self._count(-kept[0])
        kept[0] = 0

    def _count(self, size: int) -> None:
        self.held += size
        if self._part:
            self._part.hold(size)


def bounded(services: Services, request: HTTPServerRequest, delegate: Any) -> Any:
    """The delegate of a request that has a head only, and no more of its body than is allowed.

    On a server with a login, nothing is kept of a body that does not pass it.
    """
    headers = request.headers
    if not ("Content-Length" in headers or "Transfer-Encoding" in headers):
        return delegate
    handler = delegate.handler_class
    if handler.streams_body:
        return delegate  # it looks at the length itself
    limit = body_limit(services, handler)
    if not handler.open_to_all:
        login = _login(services, request, handler)
        if login is None:
            limit = -1
        else:  # the handler need not look it up again
            delegate.handler_kwargs = {**delegate.handler_kwargs, "login": login}
    length = headers.get("Content-Length", "")
    size = int(length) if length.isascii() and length.isdigit() and len(length) < 16 else 0
    return BoundedBody(delegate, limit, size, services.held_bodies, request)


def body_limit(services: Services, handler: Any) -> int:
    """The most bytes in the body of a request for this handler. On a server with a login, what
    anybody may send is small."""
    config = services.config
    if handler.open_to_all and services.users.required:
        return min(config.max_body, SMALL_BODY)
    return config.max_v1_body if handler.large_body else config.max_body


class BoundedBody(HTTPMessageDelegate):
    """A request that is arriving. What comes above `limit` bytes is thrown away, and so is what
    comes when the bodies of all requests hold too much.

    If the head announces more than the limit, nothing is kept. The handler finds the error in
    `refused`; a `limit` below 0 is for a request that is refused anyway.
    """

    def __init__(
        self,
        delegate: Any,
        limit: int,
        size: int,
        bodies: HeldBodies,
        request: HTTPServerRequest,
    ) -> None:
        self._delegate = delegate
        self._left = limit if size <= limit else -1
        self._bodies = bodies
        self._request = ref(request)
        self._kept = [0]  # shared with the counter, which must not hold the request
        self._limit = limit
        finalize(request, bodies.release, self._kept).atexit = False
        if size > limit >= 0:
            bodies.refused[request] = self._too_large()

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        received: Awaitable[None] | None = self._delegate.headers_received(start_line, headers)
        return received

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        if self._left < 0:
            return None
        self._left -= len(chunk)
        if self._left < 0:
            self._refuse(self._too_large())
        elif not self._bodies.take(len(chunk), self._kept):
            self._refuse(_no_room())
        else:
            self._delegate.data_received(chunk)
        return None

    def _too_large(self) -> ChatError:
        setting = "--max-v1-body" if self._delegate.handler_class.large_body else "--max-body"
        most = in_bytes(self._limit)
        return TooLarge(f"The request is too large: {most} is the most ({setting}).")

    def _refuse(self, error: ChatError) -> None:
        """Keep nothing of the body, so that others have its room."""
        self._left = -1
        self._delegate.chunks.clear()
        self._bodies.release(self._kept)
        if request := self._request():
            self._bodies.refused[request] = error

    def finish(self) -> None:
        self._delegate.finish()

    def on_connection_close(self) -> None:
        self._delegate.on_connection_close()


def _no_room() -> ChatError:
    return Unavailable(
        "The requests of all clients hold as much as they may now (--max-bodies). Try again.",
        code="too_many_bodies",
    )


def _login(services: Services, request: HTTPServerRequest, handler: Any) -> str | None:
    """The id of the user who sends the request; None where it is to be refused."""
    try:
        return checks.owner_of(services, request, handler)
    except ChatError:
        return None
