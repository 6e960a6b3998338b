"""An HTTP client for streams, on Tornado's own extension point.

The rule: bytes are handed on as they come, once per read of the socket, before anything that a
read also brought (an end, a cut, a malformed byte) is told; and nothing is sent twice: a request
that was written is over when its connection is. HTTP itself is parsed by llhttp (httptools).

Everything runs on the IOLoop's thread.
"""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import Any, cast
from urllib.parse import SplitResult, unquote, urlsplit

import httptools
from tornado.gen import convert_yielded
from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.httputil import HTTPHeaders, HTTPInputError, encode_username_password
from tornado.netutil import ssl_options_to_context

from tornado_stream.net.upstream_connections import (
    ConnectionPool,
    Origin,
    ResumingContext,
    UpstreamConnection,
    open_socket,
)

#: Bytes of one read; asyncio's own 256 KiB cost more than they bring.
READ_SIZE = 64 * 1024
#: Bytes of one response.
MAX_BODY = 64 * 1024 * 1024


class CutOff(Exception):
    """The connection ended before the response did. `__cause__` is the socket's error, if any."""


class StreamingHTTPClient(AsyncHTTPClient):
    """Streams responses over kept connections; make it directly, with `force_instance=True`.

    `streaming_callback` gets all that one read of the socket held; if it returns an awaitable,
    reading pauses until that is done. Redirects are not followed, and a body is given as it was
    sent. A fetch fails with what connecting raised (`OSError`, `ssl.SSLError`, `TimeoutError`),
    with `HTTPInputError` for what is not HTTP, with `CutOff`, or with what a callback raised.
    """

    def initialize(  # type: ignore[override]
        self, *, max_body_size: int = MAX_BODY, defaults: dict[str, Any] | None = None
    ) -> None:
        super().initialize(defaults=defaults)
        self.max_body_size = max_body_size
        #: What a read puts there is used before the next read, so one is enough for all.
        self.buffer = memoryview(bytearray(READ_SIZE))
        self._exchanges: dict[HTTPRequest, _Exchange] = {}
        self._pool = ConnectionPool()
        self._tls: ResumingContext | None = None  # made when needed: it reads all certificates

    def fetch_impl(self, request: HTTPRequest, callback: Callable[[HTTPResponse], None]) -> None:
        # What comes in is a proxy that fills in defaults; its original is what the caller has.
        original = cast(Any, request).request

        def over(exchange: _Exchange) -> None:
            del self._exchanges[original]
            if exchange.reusable and exchange.connection:
                self._pool.put(exchange.connection)
            callback(exchange.response())

        exchange = self._exchanges[original] = _Exchange(self, request, over)
        if connection := self._pool.take(exchange.origin):
            exchange.begin(connection)
        else:
            exchange.connecting = convert_yielded(self._connect(exchange))

    def abort(self, request: HTTPRequest) -> None:
        """End this request, in whatever phase it is, and close its socket now. Idempotent."""
        if exchange := self._exchanges.get(request):
            exchange.fail(CutOff("aborted"))

    def close(self) -> None:
        for exchange in tuple(self._exchanges.values()):
            exchange.fail(CutOff("the client was closed"))
        self._pool.close()
        super().close()

    async def _connect(self, exchange: _Exchange) -> None:
        scheme, host, port = exchange.origin
        try:
            tls = self._context(exchange.request) if scheme == "https" else None
            async with asyncio.timeout(exchange.request.connect_timeout or None):
                sock = await open_socket(host, port)
                _, connection = await asyncio.get_running_loop().create_connection(
                    lambda: UpstreamConnection(exchange.origin),
                    sock=sock,
                    ssl=tls,
                    server_hostname=host if tls else None,
                )
        except Exception as error:
            exchange.fail(error)
        else:
            exchange.begin(connection)

    def _context(self, request: HTTPRequest) -> ssl.SSLContext:
        if request.ssl_options is not None:
            return ssl_options_to_context(request.ssl_options, server_side=False)
        if request.ca_certs is None and request.validate_cert is not False:
            self._tls = self._tls or ResumingContext()
            return self._tls
        context = ssl.create_default_context(cafile=request.ca_certs)
        if request.validate_cert is False:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


class _Exchange(asyncio.BufferedProtocol):
    """One request and its response: the protocol of its connection while it lasts, what llhttp
    calls, and what became of it."""

    def __init__(
        self, client: StreamingHTTPClient, request: HTTPRequest, over: Callable[[_Exchange], None]
    ) -> None:
        url = urlsplit(request.url)
        self.request = request
        self.origin = _origin(url)
        self.connecting: asyncio.Future[None] | None = None
        self.connection: UpstreamConnection | None = None
        self.reusable = False
        self._url = url
        self._loop = client.io_loop
        self._started = self._loop.time()
        self._over = over
        self._ended = False
        self._error: BaseException | None = None
        self._pieces: list[bytes] = []
        self.on_body = self._pieces.append  # llhttp's callback; a method would cost more than it
        self._parser = httptools.HttpResponseParser(self)
        self._feed_data = self._parser.feed_data
        self._parser.set_dangerous_leniencies(lenient_spaces_after_chunk_size=True)  # some pad it
        self._buffer = client.buffer
        self._room = client.max_body_size
        self._status = 0
        self._reason = ""
        self._headers = HTTPHeaders()
        self._head_done = self._complete = self._keep_alive = False
        self._body: list[bytes] = []
        self._take_body = request.streaming_callback or self._body.append
        self._timer = None
        if request.request_timeout:
            self._timer = self._loop.call_later(request.request_timeout, self._time_out)

    def begin(self, connection: UpstreamConnection) -> None:
        """Send the request; from here on it is never sent again."""
        self.connecting = None
        if self._ended:
            connection.close()
            return
        self.connection = connection
        try:
            data = _encode(self.request, self._url)
        except Exception as error:
            self.fail(error)
            return
        connection.transport.set_protocol(self)
        connection.transport.write(data)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """What one read of the socket held: parsed, handed on in one piece, then judged."""
        failure: BaseException | None = None
        try:
            self._feed_data(self._buffer[:nbytes])
        except httptools.HttpParserError as error:
            failure = HTTPInputError(str(error))
        if self._complete:
            self._finish(failure is None and self._keep_alive)
            return
        if self._pieces:
            self._deliver()
        if failure is not None:
            self.fail(failure)

    def connection_lost(self, exc: Exception | None) -> None:
        """A body that only the end of its connection delimits is whole, for all one knows."""
        delimited = "Content-Length" in self._headers or "Transfer-Encoding" in self._headers
        if self._head_done and not delimited and exc is None:
            self._finish(False)
        else:
            cut = CutOff("the connection was closed")
            cut.__cause__ = exc
            self.fail(cut)

    def fail(self, error: BaseException) -> None:
        """End as failed, and close what there is of a connection."""
        if not self._ended:
            self._error = error
            self._end()

    def response(self) -> HTTPResponse:
        return HTTPResponse(
            self.request,
            self._status if self._error is None else 599,
            headers=self._headers,
            buffer=BytesIO(b"".join(self._body)),
            effective_url=self.request.url,
            error=self._error,
            request_time=self._loop.time() - self._started,
            reason=self._reason or None,
        )

    # -- what llhttp calls

    def on_message_begin(self) -> None:
        if self._complete:
            self._keep_alive = False  # an answer that nobody asked for

    def on_status(self, reason: bytes) -> None:
        if not self._complete:
            self._reason = reason.decode("latin1")

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._complete:
            self._headers.add(name.decode("latin1"), value.decode("latin1").strip(" \t"))

    def on_headers_complete(self) -> None:
        if self._complete:
            return
        self._status = self._parser.get_status_code()
        self._head_done = self._status >= 200
        if tell := self.request.header_callback:
            lines = [f"HTTP/{self._parser.get_http_version()} {self._status} {self._reason}"]
            lines += [f"{name}: {value}" for name, value in self._headers.get_all()]
            try:
                for line in [*lines, ""]:
                    tell(f"{line}\r\n")
            except Exception as error:
                self.fail(error)

    def on_message_complete(self) -> None:
        if self._complete:
            return
        if self._head_done:
            self._complete = True
            # The parser forgets it after this.
            self._keep_alive = self._parser.should_keep_alive() and not _closes_unsaid(
                self._headers
            )
            self._deliver()
        else:  # an interim answer
            self._headers = HTTPHeaders()

    # -- inside

    def _deliver(self) -> None:
        pieces = self._pieces
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        if self._ended or not data:
            return
        try:
            wait = self._take_body(data)
        except Exception as error:
            self.fail(error)
            return
        if wait is not None:
            self._pause(wait)
        self._room -= len(data)
        if self._room < 0:
            self.fail(HTTPInputError("the response is too long"))

    def _pause(self, until: Awaitable[None]) -> None:
        transport = cast(UpstreamConnection, self.connection).transport
        transport.pause_reading()

        def resume(done: asyncio.Future[None]) -> None:
            if error := done.exception():
                self.fail(error)
            elif not self._ended:
                transport.resume_reading()

        convert_yielded(until).add_done_callback(resume)

    def _finish(self, reusable: bool) -> None:
        if not self._ended:
            self.reusable = reusable
            self._end()

    def _end(self) -> None:
        self._ended = True
        if self._timer:
            self._loop.remove_timeout(self._timer)
        if self.connecting:
            self.connecting.cancel()
        if self.connection:
            self.connection.transport.set_protocol(self.connection)
            if not self.reusable:
                self.connection.close()
        # The parser and this refer to each other; what else it says of this read is not heard.
        self._complete = True
        del self._parser, self._feed_data
        self._over(self)

    def _time_out(self) -> None:
        self.fail(TimeoutError())


def _origin(url: SplitResult) -> Origin:
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError("a URL begins with http:// or https:// and has a host")
    return Origin(url.scheme, url.hostname, url.port or (443 if url.scheme == "https" else 80))


def _closes_unsaid(headers: HTTPHeaders) -> bool:
    """Whether the server closes without having said so: llama.cpp does after each stream, about a
    millisecond later, in which the next request would be lost."""
    return headers.get("Server") == "llama.cpp" and "Transfer-Encoding" in headers


def _encode(request: HTTPRequest, url: SplitResult) -> bytes:
    """The request's bytes. Raises `ValueError` where a header would end its line."""
    headers = HTTPHeaders(request.headers)
    body = request.body
    if "Host" not in headers:
        headers["Host"] = url.netloc.rpartition("@")[2]
    if url.username is not None and "Authorization" not in headers:
        user, password = unquote(url.username), unquote(url.password or "")
        login = b64encode(encode_username_password(user, password)).decode()
        headers["Authorization"] = f"Basic {login}"
    if body is not None or request.method in ("POST", "PUT", "PATCH"):
        headers["Content-Length"] = str(len(body or b""))
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    lines = [f"{request.method} {path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.get_all()]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header holds a line end")
    return "\r\n".join([*lines, "", ""]).encode("latin1") + (body or b"")
