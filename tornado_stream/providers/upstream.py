"""Sends requests to an upstream and streams the responses.

The rule: this module knows HTTP and nothing of chat. It hands on every byte that arrived, in
order, before it reports how the response ended. When the awaiting task is cancelled, it closes the
socket at once, in any phase. It never calls a stream whole: a body that is delimited only by the
end of its connection looks whole when it was cut short, so the decoder has to judge.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

import orjson
from tornado.httpclient import HTTPRequest
from tornado.httputil import HTTPInputError

from tornado_stream.net.compressed_body import CompressedBody, compression
from tornado_stream.net.http_client import Body, CutOff, OnChunk, OtherProtocol, StreamingHTTPClient
from tornado_stream.net.waiting import Watch, resumed_at
from tornado_stream.values.errors import ProviderError
from tornado_stream.values.json_values import too_many_values
from tornado_stream.values.urls import shown_origin

if TYPE_CHECKING:
    from tornado_stream.net.forward_proxy import ForwardProxies

logger = logging.getLogger(__name__)

#: Bytes of an error body that are read; the client does not wait for more.
MAX_ERROR_BODY = 64 * 1024
#: Bytes of a JSON answer that is no chat completion, such as a list of models.
MAX_JSON = 4 * 1024 * 1024
#: Seconds for which one failure marks the upstream as failing.
FAILURE_LASTS = 60.0
#: Error codes that mean: not reached.
UNREACHABLE = ("connect_failed", "connect_timeout", "tls_failed")

#: Statuses of success whose responses have no body (RFC 9110, sections 15.3.5 and 15.3.6).
WITHOUT_BODY = (204, 205)

#: Gets the status (2xx) and the headers; returns the callback for the body (see `OnChunk`).
OnHead = Callable[[int, Mapping[str, str]], OnChunk]
OnStatus = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Limits in seconds. `first_byte` runs until the first byte of the body, `idle` from the last
    byte of the body, `answer` over the whole response."""

    connect: float = 10.0
    first_byte: float = 120.0
    idle: float = 60.0
    answer: float = 1800.0


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """A request. `headers` are sent as given; `body` is None for GET only."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Body | None = None
    method: str = "POST"
    timeouts: Timeouts = Timeouts()


class StatusError(Exception):
    """The upstream answered with a status that is no success, or that has no body. `body` is its
    first 64 KiB. `note` says through which proxy it came."""

    def __init__(
        self, status: int, headers: Mapping[str, str], body: bytes, note: str = ""
    ) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.headers = headers
        self.body = body
        self.note = note


class Upstream:
    """Makes requests to one server, on the IOLoop's thread, and remembers whether it fails.

    `on_status` is called with the status of every response. `query` is added to every URL.
    Requests go through the `proxies`.
    """

    def __init__(
        self,
        on_status: OnStatus = lambda status: None,
        *,
        query: str = "",
        proxies: ForwardProxies | None = None,
    ) -> None:
        self._proxies = proxies
        self._client: StreamingHTTPClient | None = None
        self._query = query
        self._on_status = on_status
        self._failure: ProviderError | None = None
        self._failed_at = 0.0

    @property
    def failure(self) -> ProviderError | None:
        """Why the last request, if it was made within a minute, could not reach the server or had
        its key refused; None: it did and had not."""
        return self._failure if monotonic() < self._failed_at + FAILURE_LASTS else None

    def fail(self, error: ProviderError) -> None:
        """Remember that the last request could not reach the server, or had its key refused."""
        self._failure, self._failed_at = ProviderError(error.code, error.message), monotonic()

    async def close(self) -> None:
        """Close every connection; no request may follow."""
        if self._client:
            self._client.close()
            await asyncio.sleep(0)  # a transport closes its socket in the loop's next iteration

    async def fetch_stream(self, request: UpstreamRequest, on_head: OnHead) -> None:
        """Send the request; call `on_head` for a 2xx with a body, and the callback that it returns
        for each piece of the body.

        Returns when the response ended in good form, whatever its content says, or when nothing
        more came within the seconds that the callback returned. Raises `StatusError` for any other
        status, `ProviderError` for every failure of the transport (its `state` is `cut_off` once
        `on_head` was called), and what the callbacks raised, unchanged. Cancelling it closes the
        socket before the cancellation leaves here, also while connecting.
        """
        if self._query:
            mark = "&" if "?" in request.url else "?"
            request = replace(request, url=f"{request.url}{mark}{self._query}")
        if self._client is None:  # it belongs to the loop that runs now
            self._client = StreamingHTTPClient(force_instance=True, proxies=self._proxies)
        try:
            await _Fetch(request, on_head, self._answered).run(self._client)
        except ProviderError as error:
            if error.code in UNREACHABLE:
                self.fail(error)
            raise

    async def fetch_json(self, request: UpstreamRequest) -> Any:
        """Send the request and decode a small JSON answer; raises as `fetch_stream` does."""
        body = bytearray()
        statuses: list[int] = []

        def on_head(status: int, headers: Mapping[str, str]) -> OnChunk:
            statuses.append(status)
            return take

        def take(data: bytes) -> float | None:
            body.extend(data)
            return None if len(body) <= MAX_JSON else 0.0  # wait for nothing more

        await self.fetch_stream(request, on_head)
        code, what = "malformed_response", "sent too many bytes or values of JSON."
        if len(body) <= MAX_JSON and not too_many_values(body):
            code, what = "not_an_api", "did not answer with JSON. Check the base URL."
            with suppress(orjson.JSONDecodeError):
                return orjson.loads(body.removeprefix(b"\xef\xbb\xbf"))  # a byte order mark
        message = f"{shown_origin(request.url)} {what}"
        raise ProviderError(code, message, upstream_status=statuses[0])

    def _answered(self, request: UpstreamRequest, status: int) -> None:
        self._on_status(status)
        # A list of models may be open to any key, or to none.
        if self._failure and (self._failure.code in UNREACHABLE or request.body is not None):
            self._failure = None


class _Fetch:
    """One request: its limits, and what its end means."""

    def __init__(
        self,
        request: UpstreamRequest,
        on_head: OnHead,
        on_answer: Callable[[UpstreamRequest, int], None],
    ) -> None:
        self._request = request
        self._on_head = on_head
        self._on_answer = on_answer
        self._started = monotonic()
        self._over: ProviderError | None = None  # the limit that is over, it seems
        self._status = 0  # until the head has come
        self._headers: Mapping[str, str] = {}
        self._compressed: CompressedBody | None = None
        self._error_body = bytearray()

    async def run(self, client: StreamingHTTPClient) -> None:
        self._response = client.stream(self._http_request(), self._take_head, self._request.body)
        watch = Watch(self._look, self._expire)
        try:
            failure = await self._response.done
            if self._compressed:
                await self._compressed.drained()
            if failure:
                raise self._provider_error(failure)
        except Exception as error:
            if not self._status or self._has_answer:
                if isinstance(error, (zlib.error, HTTPInputError)):
                    raise self._provider_error(error) from None
                raise
            # Any other status says more than how its body ended.
        finally:
            watch.cancel()
            self._response.abort()
            if self._compressed:
                self._compressed.close()
        if not self._has_answer:
            self._raise_status()

    def _raise_status(self) -> NoReturn:
        proxy = self._response.proxy
        if proxy and self._status == 407:  # only proxies send it
            raise proxy.refusal(407, self._response.origin)
        body = bytes(self._error_body)
        in_clear = proxy and self._response.origin.scheme == "http"
        note = f" The request went through {proxy}." if in_clear else ""
        raise StatusError(self._status, self._headers, body, note)

    def _http_request(self) -> HTTPRequest:
        request = self._request
        return HTTPRequest(
            request.url,
            method=request.method,
            # Compression would hold small events back.
            headers={"Accept-Encoding": "identity", **request.headers},
            connect_timeout=request.timeouts.connect,
        )

    @property
    def _has_answer(self) -> bool:
        return 200 <= self._status < 300 and self._status not in WITHOUT_BODY

    def _take_head(self, status: int, headers: Mapping[str, str]) -> OnChunk:
        self._status = status
        self._on_answer(self._request, status)
        if not self._has_answer:
            self._headers = headers
        try:
            names = ("Content-Encoding", "Transfer-Encoding")
            kind = compression(*(headers.get(name, "") for name in names))
        except ValueError as error:
            what = f"used an encoding that was not asked for ({error})"
            raise self._failure("malformed_response", what) from None
        take = self._on_head(status, headers) if self._has_answer else self._take_error
        if not kind:
            return take
        self._compressed = CompressedBody(kind, take, self._response)
        return self._compressed.feed

    def _take_error(self, data: bytes) -> float | None:
        self._error_body += data[: MAX_ERROR_BODY - len(self._error_body)]
        return None if len(self._error_body) < MAX_ERROR_BODY else 0.0

    def _look(self) -> float:
        """In how many seconds a limit may be over; 0: one is. After a pause all begin anew."""
        limits, last = self._request.timeouts, self._response.last_chunk
        now, resumed = monotonic(), resumed_at()
        started = max(self._started, resumed)
        if last is None:
            due, limit, code = started + limits.first_byte, limits.first_byte, "first_byte_timeout"
        else:
            due, limit, code = max(last, resumed) + limits.idle, limits.idle, "idle_timeout"
        if now >= due:
            what = "sent no answer" if last is None else "sent nothing"
            self._over = self._failure(code, f"{what} for {limit:g} s")
        elif now >= started + limits.answer:
            what = f"was not done after {limits.answer:g} s"
            self._over = self._failure("answer_timeout", what)
        else:  # the first byte may come at any time, and from then on `idle` counts
            return min(due - now, started + limits.answer - now, limits.idle)
        return 0.0

    def _expire(self) -> None:
        assert self._over
        self._response.fail(self._over)

    def _provider_error(self, error: Exception) -> ProviderError:
        """A failure of the transport as the error that the contract names for it."""
        if isinstance(error, ProviderError):  # a limit, or a proxy
            return error
        host = urlsplit(self._request.url).hostname
        match error:
            case zlib.error():
                return self._failure("malformed_response", "sent a damaged compressed body")
            case OtherProtocol():
                return self._failure("malformed_response", str(error), retryable=False)
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
        """A failure before the server had the request, so that it can safely be repeated."""
        return replace(self._failure(code, what), unprocessed=True)

    def _failure(self, code: str, what: str, *, retryable: bool = True) -> ProviderError:
        message = f"{shown_origin(self._request.url)} {what}."
        if code in ("connect_failed", "connect_timeout"):
            message += " Is it running, and is the base URL right?"
        return ProviderError(
            code,
            message,
            state="cut_off" if self._has_answer else "error",
            upstream_status=self._status or None,
            retryable=retryable and code != "tls_failed",
        )
