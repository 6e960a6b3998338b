"""An HTTP/1.1 client for streamed responses, built on Tornado's `AsyncHTTPClient`.

The rule: a chunk is handed on as it arrives, once per read of the socket, before the client
reports anything else that came with the same read (the end, a cut, a malformed byte). No request
is sent twice: when the connection of a written request ends, the request has ended too. llhttp
(httptools) parses HTTP.

Everything runs on the IOLoop's thread.
"""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Awaitable, Callable
from functools import lru_cache
from io import BytesIO
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import SplitResult, unquote, urlsplit

import httptools
from tornado.gen import convert_yielded
from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.httputil import HTTPHeaders, HTTPInputError, encode_username_password
from tornado.netutil import ssl_options_to_context

from tornado_stream.net.upstream_connections import (
    ConnectionPool,
    Origin,
    UpstreamConnection,
    open_connection,
    open_socket,
)
from tornado_stream.net.upstream_reader import READ_SIZE, UpstreamReader
from tornado_stream.net.upstream_tls import RECORD_SIZE, ResumingContext
from tornado_stream.net.waiting import Limit, time_limit

if TYPE_CHECKING:
    from tornado_stream.net.forward_proxy import ForwardProxies, ForwardProxy

#: Bytes of a request that are written in one iteration of the loop: asyncio copies them.
WRITE_SIZE = 1024 * 1024
#: Bytes of one response body.
MAX_BODY = 64 * 1024 * 1024
#: Bytes that may come in a row without a byte of the body: heads, interim responses, trailers, and
#: extensions of chunks. One more read may come with the last of them.
MAX_HEAD = 64 * 1024

#: Gets the body bytes of one read. Returns None, or the seconds within which more must come: when
#: they are over, the client regards the response as whole.
OnChunk = Callable[[bytes], float | None]
#: Gets the status and the headers, once; returns the callback for the body.
OnHead = Callable[[int, HTTPHeaders], OnChunk]


class Body(Protocol):
    """A body that is written in pieces, of `len` bytes together. `produce` is called with a
    function that takes the next bytes and returns when more of them can be written. It can be
    called again, for another request."""

    def __len__(self) -> int: ...

    def produce(self, write: Callable[[bytes], Awaitable[None]]) -> Awaitable[None]: ...


class CutOff(Exception):
    """The connection ended before the response did. `__cause__` is the socket's error, if any."""


class OtherProtocol(HTTPInputError):
    """The server answered in another protocol. The message follows the name of the server."""


class StreamingHTTPClient(AsyncHTTPClient):
    """Streams responses over kept connections. Make it with `force_instance=True`.

    `stream` is the client's own interface. `fetch` is Tornado's, on top of it: `streaming_callback`
    gets all the body bytes of one read, and if it returns an awaitable, the client pauses reading
    until that is done. A fetch fails with what connecting raised (`OSError`, `ssl.SSLError`,
    `TimeoutError`), with `HTTPInputError` for bytes that are not HTTP, with `CutOff`, or with what
    a callback raised. The client does not follow redirects and does not decompress.
    """

    def initialize(  # type: ignore[override]
        self,
        *,
        max_body_size: int = MAX_BODY,
        proxies: ForwardProxies | None = None,
        defaults: dict[str, Any] | None = None,
    ) -> None:
        super().initialize(defaults=defaults)
        self.max_body_size = max_body_size
        self._proxies = proxies
        #: One buffer serves all connections: a read is used up before the next one.
        self.buffer = memoryview(bytearray(READ_SIZE + RECORD_SIZE))
        self._responses: set[ResponseStream] = set()
        self._pool = ConnectionPool()
        self._reader: UpstreamReader | None = None
        self._tls: ResumingContext | None = None  # made when needed: it reads all certificates

    def stream(
        self, request: HTTPRequest, on_head: OnHead, body: bytes | Body | None = None
    ) -> ResponseStream:
        """Send the request; `on_head` is called when its response begins. `body` stands in the
        place of the request's own.

        Of the request's limits only `connect_timeout` counts (seconds; None: no limit). Raises
        `ValueError` for a URL that is not http or https; later failures are in `done`.
        """
        response = ResponseStream(self, request, on_head, body)
        if self._proxies:
            response.proxy = self._proxies.find(response.origin)
        self._responses.add(response)
        if connection := self._pool.take(response.origin):
            response.begin(connection)
        else:
            response.connecting = convert_yielded(self._connect(response))
        return response

    def fetch_impl(self, request: HTTPRequest, callback: Callable[[HTTPResponse], None]) -> None:
        _Fetch(self, request, callback)

    def close(self) -> None:
        for response in tuple(self._responses):
            response.fail(CutOff("the client was closed"))
        self._pool.close()
        if self._reader:
            self._reader.close()
        super().close()

    def release(self, response: ResponseStream) -> None:
        """A response has ended; its connection may be used again."""
        self._responses.discard(response)
        if response.reusable and response.connection:
            self._pool.put(response.connection)

    async def _connect(self, response: ResponseStream) -> None:
        scheme, host, port = response.origin
        proxy, limit = response.proxy, response.request.connect_timeout
        try:
            tls = self._context(response.request) if scheme == "https" else None
            reader = self._own_reader()  # before there is a socket, because it may fail
            async with time_limit(limit):
                if proxy:
                    sock = await proxy.connect(response.origin)
                else:
                    sock = await open_socket(host, port)
                connection = await open_connection(response.origin, sock, tls, reader)
        except Exception as error:
            if proxy and isinstance(error, TimeoutError):
                error = proxy.timed_out(response.origin, limit or 0)
            response.fail(error)
        else:
            response.begin(connection)

    def _own_reader(self) -> UpstreamReader | None:
        """The reader of all connections, where the system has what it needs."""
        if self._reader is None and UpstreamReader.is_available:
            self._reader = UpstreamReader(self.buffer)
        return self._reader

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


class ResponseStream(asyncio.BufferedProtocol):
    """One request and its response. It is the protocol of its connection, and llhttp calls it.

    `done` resolves to None when the response is whole, else to the failure. It raises only what
    `on_head` or `on_chunk` raised. `last_chunk` is when body bytes last arrived (seconds of
    `monotonic`; None: none has arrived). `request` is there until the request is sent.
    """

    # With so many attributes, an instance's dictionary would take 1.6 KB.
    __slots__ = (
        *("_body", "_buffer", "_client", "_closes_silently", "_complete", "_delimited", "_ended"),
        *("_feed_data", "_full", "_grace", "_head_done", "_head_room", "_headers", "_keep_alive"),
        *("_on_chunk", "_on_head", "_parser", "_pieces", "_producing", "_room", "_url", "_written"),
        *("connecting", "connection", "done", "last_chunk", "on_body", "origin", "proxy", "reason"),
        *("request", "reusable", "version", "__weakref__"),
    )

    def __init__(
        self,
        client: StreamingHTTPClient,
        request: HTTPRequest,
        on_head: OnHead,
        body: bytes | Body | None = None,
    ) -> None:
        url = urlsplit(request.url)
        self.request = request
        self._body = body
        self.origin = origin_of(url)
        self.proxy: ForwardProxy | None = None
        self.connecting: asyncio.Future[None] | None = None
        self.connection: UpstreamConnection | None = None
        self.done: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        self.last_chunk: float | None = None
        self.version = self.reason = ""  # as in the status line
        self.reusable = False
        self._client = client
        self._url = url
        self._on_head = on_head
        self._on_chunk: OnChunk = lambda data: None  # until the head has come
        self._ended = False
        self._pieces: list[bytes] = []
        self.on_body = self._pieces.append  # llhttp's callback; a method would cost more
        self._parser = httptools.HttpResponseParser(self)
        self._feed_data = self._parser.feed_data
        # Some servers pad the size of a chunk with spaces.
        self._parser.set_dangerous_leniencies(lenient_spaces_after_chunk_size=True)
        self._buffer = client.buffer
        self._room = client.max_body_size
        self._head_room = MAX_HEAD
        self._headers = HTTPHeaders()
        self._head_done = self._complete = self._keep_alive = self._written = False
        self._delimited = self._closes_silently = False
        self._grace: Limit | None = None
        self._producing: asyncio.Future[None] | None = None
        self._full: asyncio.Future[None] | None = None  # the socket takes no more until it is done

    def abort(self) -> None:
        """End the request, in whatever phase it is, and close its socket now. Idempotent."""
        self.fail(CutOff("aborted"))

    def fail(self, error: Exception) -> None:
        """End the request with this failure and close its connection."""
        self._end(failure=error)

    def finish(self, reusable: bool = False) -> None:
        """End the response as whole; without `reusable`, close its connection."""
        if not self._ended:
            self.reusable = reusable and self._written
            self._end()

    def pause_until(self, ready: Awaitable[None]) -> None:
        """Read no more before `ready` is done."""
        connection = cast(UpstreamConnection, self.connection)
        connection.pause_reading()

        def resume(done: asyncio.Future[None]) -> None:
            if error := done.exception():
                self._end(raised=cast(Exception, error))
            elif not self._ended:
                connection.resume_reading()

        convert_yielded(ready).add_done_callback(resume)

    def _write(self, data: memoryview) -> None:
        """Write the request, a large one in pieces."""
        if self._ended or self.connection is None:
            return
        self.connection.write(data[:WRITE_SIZE])
        if rest := data[WRITE_SIZE:]:
            asyncio.get_running_loop().call_soon(self._write, rest)
        elif self._body and not isinstance(self._body, bytes):
            self._producing = convert_yielded(self._body.produce(self._write_piece))
            self._producing.add_done_callback(self._produced)
        else:
            self._written = True

    async def _write_piece(self, data: bytes) -> None:
        """Write some of a body that is produced, and wait until the socket takes more."""
        if self._ended or self.connection is None:
            raise CutOff("the response has ended")
        self.connection.write(data)
        if self._full:
            await self._full
        else:
            await asyncio.sleep(0)  # others go on between two pieces

    def _produced(self, producing: asyncio.Future[None]) -> None:
        self._producing = None
        if producing.cancelled():
            return
        if error := producing.exception():
            self._end(raised=cast(Exception, error))
        else:
            self._written = True

    # -- called by the client and asyncio

    def begin(self, connection: UpstreamConnection) -> None:
        """Send the request; from here on it is never sent again."""
        self.connecting = None
        if self._ended:
            connection.close()
            return
        self.connection = connection
        try:
            data = _encode(self.request, self._url, self.proxy, self._body)
        except Exception as error:
            self.fail(error)
        else:
            del self.request  # it takes 2 KB, and the response may take an hour
            connection.serve(self)
            self._write(memoryview(data))

    def pause_writing(self) -> None:
        self._full = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        if self._full and not self._full.done():
            self._full.set_result(None)
        self._full = None

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Parse the bytes of one read and hand on its body bytes in one piece."""
        failure: Exception | None = None
        try:
            self._feed_data(self._buffer[:nbytes])
        except httptools.HttpParserUpgrade:
            failure = OtherProtocol("switched to another protocol, which nobody asked for")
        except httptools.HttpParserError as error:
            failure = HTTPInputError(str(error))
            if not self._head_done and (
                protocol := _protocol(bytes(self._buffer[: min(nbytes, 64)]))
            ):
                failure = OtherProtocol(f"answered in {protocol}, and this server speaks HTTP/1.1")
        if self._complete:
            self.finish(failure is None and self._keep_alive)
            return
        if self._pieces:
            self._head_room = MAX_HEAD
            self._deliver()
        elif failure is None:
            self._head_room -= nbytes
            if self._head_room < 0:
                what = "its trailers are too long" if self._head_done else "its head is too long"
                failure = HTTPInputError(what)
        if failure is not None:
            self.fail(failure)

    def connection_lost(self, exc: Exception | None) -> None:
        """Without Content-Length or chunking a clean close ends the body (RFC 9112 6.3)."""
        if self._head_done and not self._delimited and exc is None:
            self.finish()
        else:
            cut = CutOff("the connection was closed")
            cut.__cause__ = exc
            self.fail(cut)

    # -- called by llhttp

    def on_message_begin(self) -> None:
        if self._complete:
            self._keep_alive = False  # the server sent a response without a request

    def on_status(self, reason: bytes) -> None:
        if not self._head_done:
            self.reason = reason.decode("latin1")

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._head_done:
            self._headers.add(name.decode("latin1"), value.decode("latin1").strip(" \t"))

    def on_headers_complete(self) -> None:
        if self._head_done:
            return
        status, headers = self._parser.get_status_code(), self._headers
        self._headers = HTTPHeaders()
        if status < 200:  # an interim response
            return
        self._head_done = True
        self.version = self._parser.get_http_version()
        chunked = headers.get("Transfer-Encoding", "").lower().rstrip().endswith("chunked")
        self._delimited = chunked or "Content-Length" in headers
        # llama.cpp closes about a millisecond after each stream, without announcing it. A request
        # that was sent within this time would be lost.
        self._closes_silently = chunked and headers.get("Server") == "llama.cpp"
        try:
            self._on_chunk = self._on_head(status, headers)
        except Exception as error:
            self._end(raised=error)

    def on_message_complete(self) -> None:
        if self._head_done and not self._complete:
            self._complete = True
            # The parser forgets this after the callback.
            self._keep_alive = self._parser.should_keep_alive() and not self._closes_silently
            self._deliver()

    # -- inside

    def _deliver(self) -> None:
        pieces = self._pieces
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        if self._ended or not data:
            return
        self.last_chunk = monotonic()
        try:
            seconds = self._on_chunk(data)
        except Exception as error:
            self._end(raised=error)
            return
        if (seconds is not None or self._grace) and not self._complete:
            self.wait_at_most(seconds)
        self._room -= len(data)
        if self._room < 0:
            self.fail(HTTPInputError("the response is too long"))

    def wait_at_most(self, seconds: float | None) -> None:
        """Regard the response as whole after these seconds; None: wait for its end."""
        if self._grace:
            self._grace.cancel()
            self._grace = None
        if seconds is not None and seconds <= 0:
            self.finish()
        elif seconds is not None and not self._ended:
            self._grace = Limit(seconds, self.finish)

    def _end(self, *, failure: Exception | None = None, raised: Exception | None = None) -> None:
        if self._ended:
            return
        self._ended = True
        for waiting in (self._grace, self.connecting, self._producing):
            if waiting:
                waiting.cancel()
        if self.connection:
            self.connection.serve(None)
            if not self.reusable:
                self.connection.close()
        # Ignore what the parser still reports of this read, and break the cycles with the parser
        # and the callbacks.
        self._head_done = self._complete = True
        del self._parser, self._feed_data, self._on_head, self._on_chunk
        self._client.release(self)
        if raised and not self.done.done():
            self.done.set_exception(raised)
        elif not self.done.done():
            self.done.set_result(failure)


class _Fetch:
    """Tornado's `fetch`, on a `ResponseStream`."""

    def __init__(
        self,
        client: StreamingHTTPClient,
        request: HTTPRequest,
        callback: Callable[[HTTPResponse], None],
    ) -> None:
        self._loop = client.io_loop
        self._request = request
        self._callback = callback
        self._started = self._loop.time()
        self._status = 0
        self._headers = HTTPHeaders()
        self._body: list[bytes] = []
        self._take = request.streaming_callback or self._body.append
        self._response = client.stream(request, self._take_head)
        self._response.done.add_done_callback(self._finish)
        self._timer = None
        if request.request_timeout:
            self._timer = self._loop.call_later(
                request.request_timeout, self._response.fail, TimeoutError()
            )

    def _take_head(self, status: int, headers: HTTPHeaders) -> OnChunk:
        self._status, self._headers = status, headers
        if on_line := self._request.header_callback:
            on_line(f"HTTP/{self._response.version} {status} {self._response.reason}\r\n")
            for name, value in headers.get_all():
                on_line(f"{name}: {value}\r\n")
            on_line("\r\n")
        return self._take_chunk

    def _take_chunk(self, data: bytes) -> None:
        if (ready := self._take(data)) is not None:
            self._response.pause_until(ready)

    def _finish(self, done: asyncio.Future[Exception | None]) -> None:
        error = done.exception() or done.result()
        if self._timer:
            self._loop.remove_timeout(self._timer)
        self._callback(
            HTTPResponse(
                self._request,
                599 if error else self._status,
                headers=self._headers,
                buffer=BytesIO(b"".join(self._body)),
                effective_url=self._request.url,
                error=error,
                request_time=self._loop.time() - self._started,
                reason=self._response.reason or None,
            )
        )


def _protocol(data: bytes) -> str:
    """The protocol that a response begins in, if it is known and not HTTP/1."""
    # A frame of HTTP/2 on stream 0: SETTINGS or GOAWAY (RFC 9113 section 4.1), or the preface.
    is_frame = len(data) >= 9 and data[3] in (4, 7) and data[5:9] == bytes(4)
    if is_frame or data.startswith((b"PRI * HTTP/2", b"HTTP/2", b"HTTP/3")):
        return "HTTP/2"
    if data[:2] in (b"\x15\x03", b"\x16\x03"):  # a record of TLS: an alert or a handshake
        return "TLS (the base URL has to begin with https://)"
    return ""


@lru_cache(maxsize=64)
def origin_of(url: str | SplitResult) -> Origin:
    """The server of a URL. Raises `ValueError` for a URL that is not http or https."""
    url = urlsplit(url) if isinstance(url, str) else url
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError("a URL begins with http:// or https:// and has a host")
    return Origin(url.scheme, url.hostname, url.port or (443 if url.scheme == "https" else 80))


def _encode(
    request: HTTPRequest,
    url: SplitResult,
    proxy: ForwardProxy | None = None,
    body: bytes | Body | None = None,
) -> bytes:
    """The request as bytes. Raises `ValueError` for a header that contains a line end.

    A proxy gets the whole URL of a request to http (RFC 9112 section 3.2.2). A request to https
    goes through its tunnel.
    """
    body, headers = request.body if body is None else body, request.headers
    if isinstance(headers, HTTPHeaders):
        head = _encode_head(request.method, url, headers.copy(), proxy)
    else:
        head = _usual_head(request.method, url, tuple(headers.items()), proxy)
    if body is None and request.method not in ("POST", "PUT", "PATCH"):
        return head + b"\r\n"
    first = body if isinstance(body, bytes) else b""
    return b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body or b""), first)


@lru_cache(maxsize=64)  # nearly every request has the head of one before it
def _usual_head(
    method: str, url: SplitResult, pairs: tuple[tuple[str, str], ...], proxy: ForwardProxy | None
) -> bytes:
    return _encode_head(method, url, HTTPHeaders(dict(pairs)), proxy)


def _encode_head(
    method: str, url: SplitResult, headers: HTTPHeaders, proxy: ForwardProxy | None
) -> bytes:
    """The head of a request without its length, and without the empty line at its end."""
    headers.pop("Content-Length", None)
    if "Host" not in headers:
        headers["Host"] = url.netloc.rpartition("@")[2]
    if url.username is not None and "Authorization" not in headers:
        user, password = unquote(url.username), unquote(url.password or "")
        login = b64encode(encode_username_password(user, password)).decode()
        headers["Authorization"] = f"Basic {login}"
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    if proxy and url.scheme == "http":
        path = f"http://{url.netloc.rpartition('@')[2]}{path}"
        if proxy.authorization:
            headers["Proxy-Authorization"] = proxy.authorization
    lines = [f"{method} {path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.get_all()]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header contains a line end")
    return "\r\n".join([*lines, ""]).encode("latin1")
