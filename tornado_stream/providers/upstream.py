"""One request to an upstream, streamed, with an end that can be trusted and a real abort.

The rule here: this module knows HTTP and nothing of chat. It delivers every byte that arrived,
in order, before it says how the response ended; it closes the socket at once, in any phase, when
the awaiting task is cancelled; and it never reports a stream as whole: completeness is for the
decoder to say, since a close-delimited body that was cut short looks like success.

"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import orjson
from tornado.httpclient import HTTPRequest, HTTPResponse
from tornado.httputil import HTTPHeaders, HTTPInputError

from tornado_stream.net.http_client import MAX_BODY, CutOff, StreamingHTTPClient
from tornado_stream.values.errors import ProviderError

logger = logging.getLogger(__name__)

#: Bytes of an error body that are read; what comes after is not waited for.
MAX_ERROR_BODY = 64 * 1024
#: Seconds between two looks at the clock and the socket while a response is awaited.
WATCH_INTERVAL = 0.5

OnHead = Callable[[int, Mapping[str, str]], None]
#: Gets the bytes; what it returns, if not None, is how long to wait for more (seconds).
OnChunk = Callable[[bytes], float | None]
OnStatus = Callable[[int], None]

#: Seconds that a failure says something of the next request.
FAILURE_LASTS = 60.0
#: How a server that cannot be reached fails.
UNREACHABLE = ("connect_failed", "connect_timeout", "tls_failed")
#: The statuses of a key that is refused.
REFUSED = (401, 403)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Limits in seconds. `first_byte` is until the first byte of the body, `idle` since the last
    byte of any kind, `answer` for the whole."""

    connect: float = 10.0
    first_byte: float = 120.0
    idle: float = 60.0
    answer: float = 1800.0


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """What to send. `headers` are sent as given; `body` None makes sense for GET only."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    method: str = "POST"
    timeouts: Timeouts = Timeouts()


class StatusError(Exception):
    """The upstream answered with a status other than 200; `body` is its first 64 KiB."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.headers = headers
        self.body = body


def ignore_status(status: int) -> None:
    """An `OnStatus` where nobody counts."""


class Upstream:
    """Makes requests. One per process; all methods run on the IOLoop's thread. `on_status` is told
    the status of every response."""

    def __init__(self, on_status: OnStatus = ignore_status) -> None:
        self._client: StreamingHTTPClient | None = None
        self._on_status = on_status
        self._unreachable_at = self._refused_at = -FAILURE_LASTS

    @property
    def failing(self) -> bool:
        """Whether the last that is known of the server, a minute old at most, is that it cannot be
        reached or refuses the key."""
        return monotonic() < max(self._unreachable_at, self._refused_at) + FAILURE_LASTS

    async def close(self) -> None:
        """Close every connection; no request may follow."""
        if self._client:
            self._client.close()
            await asyncio.sleep(0)  # a transport closes its socket in the loop's next turn

    async def fetch_stream(
        self, request: UpstreamRequest, on_head: OnHead, on_chunk: OnChunk
    ) -> None:
        """Send the request; call `on_head` once, then `on_chunk` for each piece of a 200's body.

        Returns when the response ended in good form, whatever that says of its content, or when
        nothing more came within the time that `on_chunk` gave it. Raises
        `StatusError` for any other status, `ProviderError` (`state` `cut_off` once a 200 came)
        for every failure of the transport, and what `on_chunk` raised, unchanged. Cancelling it
        closes the socket before the cancellation leaves here, also while connecting.
        """
        if self._client is None:  # it belongs to the loop that runs now
            self._client = StreamingHTTPClient(force_instance=True)
        fetch = _Fetch(self._client, request, on_head, on_chunk, self._answered)
        try:
            await fetch.run()
        except ProviderError as error:
            if error.code in UNREACHABLE:
                self._unreachable_at = monotonic()
            raise
        finally:
            fetch.abort()

    async def fetch_json(self, request: UpstreamRequest) -> Any:
        """Send the request and decode a small JSON answer; raises as `fetch_stream` does."""
        body: list[bytes] = []
        await self.fetch_stream(request, ignore_head, body.append)
        try:
            return orjson.loads(b"".join(body))
        except orjson.JSONDecodeError:
            raise ProviderError(
                "not_an_api",
                f"{_origin(request.url)} did not answer with JSON. Check the base URL.",
                upstream_status=200,
            ) from None

    def _answered(self, request: UpstreamRequest, status: int) -> None:
        self._on_status(status)
        self._unreachable_at = -FAILURE_LASTS
        if request.body is not None:  # lists may be open to all, or to nobody
            self._refused_at = monotonic() if status in REFUSED else -FAILURE_LASTS


def ignore_head(status: int, headers: Mapping[str, str]) -> None:
    """An `on_head` for callers that need only the body."""


class _Fetch:
    """One request on its way: owns its sockets, its clock and its verdict."""

    def __init__(
        self,
        client: StreamingHTTPClient,
        request: UpstreamRequest,
        on_head: OnHead,
        on_chunk: OnChunk,
        on_answer: Callable[[UpstreamRequest, int], None] = lambda request, status: None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._client = client
        self._request = request
        self._on_head = on_head
        self._on_chunk = on_chunk
        self._on_answer = on_answer
        self._fetch = self._http_request()
        self._done: asyncio.Future[None] = self._loop.create_future()
        self._started = self._last_byte = monotonic()
        self._watch_handle: asyncio.TimerHandle | None = None
        self._status = 0
        self._headers = HTTPHeaders()
        self._head_done = False
        self._body_begun = False
        self._is_plain = False  # what comes is for `on_chunk` as it is
        self._error_body = bytearray()
        self._inflate: Any = None
        self._over_at: float | None = None

    async def run(self) -> None:
        response = self._client.fetch(self._fetch, raise_error=False)
        response.add_done_callback(self._on_response)
        self._watch()
        await self._done
        if self._status != 200:
            raise StatusError(self._status, self._headers, bytes(self._error_body))

    def abort(self) -> None:
        """Close the socket of this request now, in whatever phase it is. Idempotent."""
        if self._watch_handle:
            self._watch_handle.cancel()
        self._client.abort(self._fetch)
        # It refers back to this, and this to the answer.
        self._fetch.header_callback = self._fetch.streaming_callback = None

    # -- what the client calls

    def header_line(self, line: str) -> None:
        """Called for the start line, each header and the empty line of every response head."""
        if line.startswith("HTTP/"):
            self._status = int(line.split(" ", 2)[1])
            self._headers = HTTPHeaders()
        elif line.strip():
            self._headers.parse_line(line)
        elif self._status >= 200:  # interim answers are only a sign of life
            self._head_done = True
            self._on_answer(self._request, self._status)
            try:
                self._begin_body()
            except Exception as error:
                self._fail(error)

    def body_bytes(self, data: bytes) -> None:
        self._last_byte = monotonic()
        if self._done.done():
            return
        try:
            if not self._is_plain:
                self._take_other(data)
            elif (wait := self._on_chunk(data)) is not None or self._over_at is not None:
                self._wait_at_most(wait)
        except Exception as error:
            self._fail(error)

    # -- inside

    def _http_request(self) -> HTTPRequest:
        # Identity: compressors hold small events back. It is set by hand, since
        # decompress_response=True would ask for gzip.
        return HTTPRequest(
            self._request.url,
            method=self._request.method,
            headers=HTTPHeaders({"Accept-Encoding": "identity", **self._request.headers}),
            body=self._request.body,
            header_callback=self.header_line,
            streaming_callback=self.body_bytes,
            connect_timeout=self._request.timeouts.connect,
            request_timeout=0,
            follow_redirects=False,
            decompress_response=False,
        )

    def _begin_body(self) -> None:
        encoding = self._headers.get("Content-Encoding", "identity").lower()
        if encoding in ("gzip", "x-gzip", "deflate"):
            self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)
        elif encoding not in ("identity", ""):
            raise self._failure("malformed_response", "used an encoding that was not asked for")
        if self._status == 200:
            self._on_head(self._status, self._headers)
            self._headers = HTTPHeaders()  # nobody asks for them later, and a stream may be long

    def _take_other(self, data: bytes) -> None:
        """The first piece of a body, a compressed one, or one of an error."""
        self._body_begun = True
        if self._inflate:
            try:
                data = self._inflate.decompress(data, MAX_BODY)
            except zlib.error:
                raise self._failure("malformed_response", "sent a damaged gzip body") from None
        if self._status == 200:
            if data:
                self._wait_at_most(self._on_chunk(data))
            self._is_plain = not self._inflate
            return
        self._error_body += data[: MAX_ERROR_BODY - len(self._error_body)]
        if len(self._error_body) >= MAX_ERROR_BODY:
            self._finish()

    def _wait_at_most(self, seconds: float | None) -> None:
        self._over_at = None if seconds is None else self._last_byte + seconds
        if self._over_at is not None and self._watch_handle:
            self._watch_handle.cancel()
            self._watch()

    def _on_response(self, future: asyncio.Future[HTTPResponse]) -> None:
        try:
            error = future.exception()
        except asyncio.CancelledError:
            return
        if error is None:  # a status is no failure of transport
            future.result().error = None  # made of a status; it refers back to the response
            self._finish()
        elif not self._done.done():
            self._fail(self._transport_failure(error))

    def _finish(self) -> None:
        if not self._done.done():
            self._done.set_result(None)

    def _fail(self, error: BaseException) -> None:
        if self._done.done():
            return
        if self._status not in (0, 200) and self._head_done:
            self._finish()  # the status says more than how its body ended
        else:
            self._done.set_exception(error)

    def _watch(self) -> None:
        """Look at the limits and at the socket; every `WATCH_INTERVAL` or when a limit is due."""
        if self._done.done():
            return
        now, limits = monotonic(), self._request.timeouts
        if self._over_at is not None and now >= self._over_at:
            self._finish()
            return
        since, limit, code, what = (
            (self._last_byte, limits.idle, "idle_timeout", "sent nothing")
            if self._body_begun
            else (self._started, limits.first_byte, "first_byte_timeout", "sent no answer")
        )
        total_due = self._started + limits.answer
        if now >= since + limit:
            self._fail(self._failure(code, f"{what} for {limit:g} s"))
        elif now >= total_due:
            self._fail(self._failure("answer_timeout", f"was not done after {limits.answer:g} s"))
        else:
            due = min(since + limit, total_due, now + WATCH_INTERVAL, self._over_at or total_due)
            self._watch_handle = self._loop.call_later(max(due - now, 0.001), self._watch)

    def _transport_failure(self, error: BaseException) -> ProviderError:
        host = urlsplit(self._request.url).hostname
        match error:
            case HTTPInputError():
                return self._failure("malformed_response", f"sent a malformed response ({error})")
            case CutOff(__cause__=ConnectionResetError()):
                return self._failure("connection_reset", "reset the connection")
            case CutOff():
                return self._failure("connection_closed", "closed the connection too early")
            case TimeoutError():
                limit = self._request.timeouts.connect
                return self._unreached(
                    "connect_timeout", f"could not be reached within {limit:g} s"
                )
            case socket.gaierror():
                return self._unreached("connect_failed", f"was not found: no host {host!r}")
            case ssl.SSLError():
                reason = getattr(error, "verify_message", "") or error.reason or "handshake failed"
                return self._failure("tls_failed", f"could not be trusted (TLS: {reason})")
            case OSError():
                return self._unreached(
                    "connect_failed", "could not be reached: nothing answers there"
                )
            case _:
                logger.error("unexpected failure of a request: %s", type(error).__name__)
                return self._failure("connect_failed", "could not be reached")

    def _unreached(self, code: str, what: str) -> ProviderError:
        """Nobody has seen the request."""
        failure = self._failure(code, what)
        failure.unprocessed = True
        return failure

    def _failure(self, code: str, what: str) -> ProviderError:
        reached = self._head_done and self._status == 200
        message = f"{_origin(self._request.url)} {what}."
        if code in ("connect_failed", "connect_timeout"):
            message += " Is it running, and is the base URL right?"
        return ProviderError(
            code,
            message,
            state="cut_off" if reached else "error",
            upstream_status=self._status if self._head_done else None,
            retryable=code != "tls_failed",
        )


def _origin(url: str) -> str:
    """The part of a URL that may be shown: no user, no path, no query."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")
