"""The streaming HTTP client, with servers that send exact bytes."""

from __future__ import annotations

import asyncio
import gc
import ssl
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from client import deaf_listener, until
from tornado.httpclient import HTTPRequest, HTTPResponse
from tornado.httputil import HTTPHeaders, HTTPInputError

from tornado_stream.net import upstream_connections
from tornado_stream.net.http_client import CutOff, OnChunk, StreamingHTTPClient
from tornado_stream.net.upstream_reader import UpstreamReader

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
WHOLE = CHUNKED + b"3\r\nabc\r\n0\r\n\r\n"

Handle = Callable[["Peer"], Awaitable[None]]


class Peer:
    """A connection of a server: it reads requests and sends the bytes of a test."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def request(self) -> bytes:
        """The next request, head and body."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                head += await self.reader.readexactly(int(line.split(b":")[1]))
        return head

    async def send(self, *parts: bytes) -> None:
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()

    def reset(self) -> None:
        self.writer.transport.abort()


class Server:
    """Gives each connection to `handle`; `peers` are all connections so far."""

    def __init__(self, handle: Handle, context: ssl.SSLContext | None = None) -> None:
        self.handle = handle
        self.context = context
        self.peers: list[Peer] = []
        self.requests: list[bytes] = []

    async def __aenter__(self) -> Server:
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", 0, ssl=self.context, limit=1 << 20
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()
        for peer in self.peers:
            transport = peer.writer.transport
            # One that was closed and has written its last bytes knows no loop any more.
            if transport.get_write_buffer_size() or not transport.is_closing():
                transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        self.peers.append(peer)
        try:
            await self.handle(peer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def url(self, scheme: str = "http", host: str = "127.0.0.1") -> str:
        return f"{scheme}://{host}:{self.port}/path?query=1"


@pytest.fixture(params=["our reader", "asyncio's reader"])
def client(io_loop, request, monkeypatch):
    if request.param == "our reader" and not UpstreamReader.is_available:
        pytest.skip("this system has no epoll")
    monkeypatch.setattr(UpstreamReader, "is_available", request.param == "our reader")

    async def make() -> StreamingHTTPClient:
        return StreamingHTTPClient(force_instance=True)

    client = io_loop.run_sync(make)
    yield client

    async def close() -> None:
        client.close()
        await asyncio.sleep(0)

    io_loop.run_sync(close)


def answer(*parts: bytes, times: int = 1) -> Handle:
    """A server that sends this for each request, and closes after `times` requests."""

    async def handle(peer: Peer) -> None:
        for _ in range(times):
            await peer.request()
            await peer.send(*parts)

    return handle


async def fetch(client: StreamingHTTPClient, url: str, **options: Any) -> tuple[bytes, Any]:
    """The body as far as it came, and the response or the exception."""
    body: list[bytes] = []
    options.setdefault("streaming_callback", body.append)
    options.setdefault("request_timeout", 20)
    result: HTTPResponse | BaseException
    try:
        result = await client.fetch(HTTPRequest(url, **options))
    except Exception as error:
        result = error
    return b"".join(body), result


def ignore_body(status: int, headers: HTTPHeaders) -> OnChunk:
    return lambda data: None


# -- bodies and how they end


@pytest.mark.gen_test
@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize(
    "response",
    [
        WHOLE,
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\n\r\nabc",
        b"HTTP/1.0 200 OK\r\n\r\nabc",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + WHOLE,
        CHUNKED + b"1 ;ext=1\r\na\r\n2\r\nbc\r\n0\r\nTrailer: x\r\n\r\n",
    ],
)
async def test_a_body_of_any_form_in_pieces_of_any_size(client, response, size):
    pieces = [response[i : i + size] for i in range(0, len(response), size)]
    async with Server(answer(*pieces)) as server:
        body, result = await fetch(client, server.url())
    assert body == b"abc"
    assert (result.code, result.reason) == (200, "OK")


@pytest.mark.gen_test
@pytest.mark.parametrize(
    "response",
    [
        CHUNKED + b"3\r\nabc\r\n",
        CHUNKED + b"3\r\nabc",
        CHUNKED + b"9\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
    ],
)
async def test_a_body_that_was_cut_is_not_whole(client, response):
    async with Server(answer(response)) as server:
        body, error = await fetch(client, server.url())
    assert body == b"abc"
    assert isinstance(error, CutOff) and error.__cause__ is None


@pytest.mark.gen_test
async def test_a_cut_in_the_head_and_a_reset_are_errors(client):
    async with Server(answer(b"HTTP/1.1 200 OK\r\nContent-")) as server:
        assert isinstance((await fetch(client, server.url()))[1], CutOff)

    async def reset(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED + b"3\r\nabc\r\n")
        await until(lambda: bool(heard))
        peer.reset()

    heard: list[bytes] = []
    async with Server(reset) as server:
        _, error = await fetch(client, server.url(), streaming_callback=heard.append)
    assert heard == [b"abc"] and isinstance(error, CutOff)


@pytest.mark.gen_test
async def test_the_bytes_before_a_malformed_one_are_delivered(client):
    async with Server(answer(CHUNKED + b"3\r\nabc\r\nZZ\r\n")) as server:
        body, error = await fetch(client, server.url())
    assert body == b"abc" and isinstance(error, HTTPInputError)
    async with Server(answer(b"220 smtp.example ESMTP\r\n\r\n")) as server:
        assert isinstance((await fetch(client, server.url()))[1], HTTPInputError)


@pytest.mark.gen_test
async def test_a_read_is_one_call(client):
    calls: list[bytes] = []
    events = b"".join(b"3\r\n%03d\r\n" % n for n in range(100))
    async with Server(answer(CHUNKED + events + b"0\r\n\r\n")) as server:
        await fetch(client, server.url(), streaming_callback=calls.append)
    assert b"".join(calls) == b"".join(b"%03d" % n for n in range(100))
    assert len(calls) < 10


@pytest.mark.gen_test
async def test_without_streaming_a_response_is_as_tornado_makes_it(client):
    async with Server(answer(WHOLE)) as server:
        response = await client.fetch(HTTPRequest(server.url()))
    assert response.body == b"abc"
    async with Server(answer(b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno")) as server:
        body, error = await fetch(client, server.url())
    assert (body, error.code, error.message) == (b"no", 503, "Busy")


@pytest.mark.gen_test
async def test_the_head_is_given_once_and_as_it_was_sent(client):
    head = b"HTTP/1.1 200 Fine\r\nX: one\r\nx: two \r\nTransfer-Encoding: chunked\r\n\r\n"
    early = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    handle = answer(early + head + b"3\r\nabc\r\n0\r\nX: trailer\r\n\r\n", times=2)
    heads: list[tuple[int, list[tuple[str, str]]]] = []
    body: list[bytes] = []

    def on_head(status: int, headers: HTTPHeaders) -> OnChunk:
        heads.append((status, list(headers.get_all())))
        return body.append

    async with Server(handle) as server:
        response = client.stream(HTTPRequest(server.url()), on_head)
        assert await response.done is None
        assert heads == [(200, [("X", "one"), ("X", "two"), ("Transfer-Encoding", "chunked")])]
        assert body == [b"abc"] and response.last_chunk is not None
        lines: list[str] = []
        await fetch(client, server.url(), header_callback=lines.append)
    assert lines[0] == "HTTP/1.1 200 Fine\r\n" and lines[-1] == "\r\n"
    assert lines[1:-1] == ["X: one\r\n", "X: two\r\n", "Transfer-Encoding: chunked\r\n"]


@pytest.mark.gen_test
@pytest.mark.parametrize("waits", [[0.0], [0.01], [60.0, 0.01], [0.5, None, None]])
async def test_on_chunk_says_how_long_to_wait_for_more(client, waits):
    body: list[bytes] = []

    async def send(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED)
        for count in range(len(waits)):
            await peer.send(b"1\r\na\r\n")
            await until(lambda count=count: len(body) > count)
        if waits[-1] is None:
            await asyncio.sleep(0.6)
            await peer.send(b"0\r\n\r\n")
            ended.set()
        await peer.reader.read()

    def on_chunk(data: bytes) -> float | None:
        body.append(data)
        return waits[len(body) - 1]

    ended = asyncio.Event()
    async with Server(send) as server:
        response = client.stream(HTTPRequest(server.url()), lambda status, headers: on_chunk)
        assert await asyncio.wait_for(response.done, 30) is None
    assert body == [b"a"] * len(waits)
    assert ended.is_set() is (waits[-1] is None)


@pytest.mark.gen_test
async def test_a_body_has_a_limit(io_loop):
    client = StreamingHTTPClient(force_instance=True, max_body_size=10)
    async with Server(answer(CHUNKED + b"b\r\nelevenbytes\r\n")) as server:
        _, error = await fetch(client, server.url())
    assert isinstance(error, HTTPInputError)
    client.close()
    await asyncio.sleep(0)


@pytest.mark.gen_test
async def test_reading_waits_for_the_callback(client):
    go_on = asyncio.Event()
    calls: list[int] = []

    def take(data: bytes) -> Awaitable[bool]:
        calls.append(len(data))
        return go_on.wait()

    sent = 0

    async def flood(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        await peer.send(CHUNKED)
        for _ in range(200):
            await peer.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            sent += 65536
        await peer.send(b"0\r\n\r\n")

    async with Server(flood) as server:
        fetching = asyncio.create_task(fetch(client, server.url(), streaming_callback=take))
        await until(lambda: bool(calls))
        before = -1
        while before != sent:  # fills the kernel's buffers
            before = sent
            await asyncio.sleep(0.1)
        assert len(calls) == 1 and sent < 200 * 65536
        go_on.set()
        _, response = await fetching
    assert response.code == 200 and sum(calls) == 200 * 65536


@pytest.mark.gen_test
async def test_an_exception_of_a_callback_ends_the_request(client):
    def fail(data: bytes) -> None:
        raise ZeroDivisionError

    async def wait(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED + b"3\r\nabc\r\n")
        assert await peer.reader.read() == b""
        left.set()

    left = asyncio.Event()
    async with Server(wait) as server:
        for name in ("streaming_callback", "header_callback"):
            left.clear()
            _, error = await fetch(client, server.url(), **{name: fail})
            assert isinstance(error, ZeroDivisionError)
            await asyncio.wait_for(left.wait(), 60)


# -- what is sent


@pytest.mark.gen_test
async def test_the_bytes_of_a_request(client):
    async def note(peer: Peer) -> None:
        server.requests.append(await peer.request())
        await peer.send(WHOLE)

    async with Server(note) as server:
        url = server.url(host="us%40er:pass@127.0.0.1")
        await fetch(client, url, method="POST", body=b"{}", headers={"X": "\xfc"})
        await fetch(client, server.url(), headers={"Host": "other"})
    posted, got = server.requests
    assert posted.startswith(b"POST /path?query=1 HTTP/1.1\r\n") and posted.endswith(b"\r\n\r\n{}")
    assert b"\r\nHost: 127.0.0.1:%d\r\n" % server.port in posted
    assert b"\r\nAuthorization: Basic dXNAZXI6cGFzcw==\r\n" in posted
    assert b"\r\nX: \xfc\r\n" in posted
    assert b"\r\nContent-Length: 2\r\n" in posted
    assert (
        got.startswith(b"GET ") and b"Content-Length" not in got and b"\r\nHost: other\r\n" in got
    )


@pytest.mark.gen_test
async def test_a_request_that_cannot_be_sent_is_refused(client):
    async with Server(answer(WHOLE)) as server:
        _, error = await fetch(client, server.url(), headers={"X": "a"} | {"Y": "b\u20ac"})
        assert isinstance(error, (HTTPInputError, UnicodeEncodeError))
    for url in ("ftp://127.0.0.1/", "http:///x"):
        with pytest.raises(ValueError):
            await client.fetch(HTTPRequest(url))


# -- connections


@pytest.mark.gen_test
async def test_a_connection_is_used_again(client):
    async with Server(answer(WHOLE, times=9)) as server:
        for _ in range(3):
            assert (await fetch(client, server.url()))[0] == b"abc"
        both = await asyncio.gather(*[fetch(client, server.url()) for _ in range(2)])
        assert [body for body, _ in both] == [b"abc", b"abc"]
        assert len(server.peers) == 2


@pytest.mark.gen_test
@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        WHOLE + b"HTTP/1.1 200 OK\r\n\r\nnobody asked for this",
        # llama.cpp closes a moment after a stream, without announcing it.
        b"HTTP/1.1 200 OK\r\nServer: llama.cpp\r\nTransfer-Encoding: chunked\r\n"
        b"Keep-Alive: timeout=5, max=100\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ],
)
async def test_a_connection_that_the_server_closes_is_not_used_again(client, response):
    async with Server(answer(response, times=9)) as server:
        for _ in range(2):
            assert (await fetch(client, server.url()))[0] == b"abc"
        assert len(server.peers) == 2


@pytest.mark.gen_test
@pytest.mark.parametrize("late", [b"", b"HTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n"])
async def test_an_idle_connection_with_bytes_on_it_is_not_used_again(client, late):
    async def handle(peer: Peer) -> None:
        await peer.request()
        server.requests.append(b"")
        await peer.send(WHOLE)
        if peer is server.peers[0]:
            await peer.send(late)
        else:
            await peer.request()

    async with Server(handle) as server:
        for _ in range(2):
            assert (await fetch(client, server.url()))[0] == b"abc"
            await asyncio.sleep(0)  # the bytes are in the socket, perhaps not read yet
        assert len(server.peers) == len(server.requests) == 2


@pytest.mark.gen_test
async def test_a_connection_is_kept_for_a_limited_time(client, monkeypatch):
    monkeypatch.setattr(upstream_connections, "KEEP_ALIVE", 0.05)
    gone = asyncio.Event()

    async def handle(peer: Peer) -> None:
        await peer.request()
        await peer.send(WHOLE)
        await peer.reader.read()
        gone.set()

    async with Server(handle) as server:
        await fetch(client, server.url())
        await asyncio.wait_for(gone.wait(), 60)
        await fetch(client, server.url())
        assert len(server.peers) == 2


@pytest.mark.gen_test
async def test_a_request_that_was_written_is_never_written_again(client):
    async def close_the_second(peer: Peer) -> None:
        await peer.request()
        await peer.send(WHOLE)
        server.requests.append(await peer.request())  # and sends no response

    async with Server(close_the_second) as server:
        await fetch(client, server.url())
        _, error = await fetch(client, server.url(), method="POST", body=b"{}")
        assert isinstance(error, CutOff)
        assert len(server.requests) == len(server.peers) == 1


# -- requests that end early


@pytest.mark.gen_test
@pytest.mark.parametrize("phase", ["head", "body"])
async def test_abort_closes_the_socket(client, phase):
    left = asyncio.Event()

    async def wait(peer: Peer) -> None:
        await peer.request()
        if phase == "body":
            await peer.send(CHUNKED + b"3\r\nabc\r\n")
        begun.set()
        try:
            await peer.reader.read()
        finally:  # the end, or a reset if the client had not read everything
            left.set()

    begun = asyncio.Event()
    async with Server(wait) as server:
        response = client.stream(HTTPRequest(server.url()), ignore_body)
        await begun.wait()
        response.abort()
        assert isinstance(await response.done, CutOff)
        await asyncio.wait_for(left.wait(), 60)
        response.abort()


@pytest.mark.gen_test
async def test_abort_and_timeout_while_connecting(client):
    with deaf_listener() as (listener, _):
        port = listener.getsockname()[1]
        request = HTTPRequest(f"http://127.0.0.1:{port}/", connect_timeout=60)
        response = client.stream(request, ignore_body)
        await asyncio.sleep(0.01)
        response.abort()
        assert isinstance(await response.done, CutOff)
        with pytest.raises(TimeoutError):
            await client.fetch(HTTPRequest(f"http://127.0.0.1:{port}/", connect_timeout=0.05))
    gc.collect()  # a socket that was not closed would warn


@pytest.mark.gen_test
async def test_a_timeout_and_closing_the_client_end_a_request(client):
    async def wait(peer: Peer) -> None:
        await peer.reader.read()

    async with Server(wait) as server:
        _, error = await fetch(client, server.url(), request_timeout=0.05)
        assert isinstance(error, TimeoutError)
        fetching = asyncio.create_task(fetch(client, server.url()))
        await until(lambda: len(server.peers) == 2)
        client.close()
        assert isinstance((await fetching)[1], CutOff)


@pytest.mark.gen_test
async def test_the_next_address_of_a_host_is_tried(client, monkeypatch):
    loop = asyncio.get_running_loop()
    find = loop.getaddrinfo

    async def addresses(host: str, port: int, **options: Any) -> list[Any]:
        wrong = await find("127.0.0.1", 1, **options)
        return wrong + await find("127.0.0.1", port, **options)

    monkeypatch.setattr(loop, "getaddrinfo", addresses)
    async with Server(answer(WHOLE)) as server:
        assert (await fetch(client, server.url(host="localhost")))[0] == b"abc"
    _, error = await fetch(client, f"http://localhost:{server.port}/")
    assert isinstance(error, ConnectionRefusedError)


# -- TLS


def certificate(folder: Path, host: str = "localhost") -> ssl.SSLContext:
    """The TLS context of a server for `host`; its certificate is `folder`/cert.pem."""
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    names = f"-subj /CN={host} -addext subjectAltName=DNS:{host} -keyout key.pem -out cert.pem"
    try:
        subprocess.run(f"{command} {names}".split(), cwd=folder, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("needs openssl")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


@pytest.mark.gen_test
async def test_tls_is_verified_and_resumed(client, tmp_path, monkeypatch):
    context = certificate(tmp_path)
    resumed: list[bool] = []

    async def handle(peer: Peer) -> None:
        resumed.append(peer.writer.get_extra_info("ssl_object").session_reused)
        for _ in range(2):
            await peer.request()
            await peer.send(WHOLE)

    async with Server(handle, context) as server:
        url = server.url("https", "localhost")
        _, error = await fetch(client, url)
        assert isinstance(error, ssl.SSLCertVerificationError)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        trusting = StreamingHTTPClient(force_instance=True)
        for _ in range(4):
            assert (await fetch(trusting, url))[0] == b"abc"
        # Each connection had two requests, and the second connection resumed the session.
        assert resumed == [False, True]
        _, error = await fetch(trusting, server.url("https", "127.0.0.1"))
        assert isinstance(error, ssl.SSLCertVerificationError)
        assert (await fetch(client, url, ca_certs=str(tmp_path / "cert.pem")))[0] == b"abc"
        assert (await fetch(client, url, validate_cert=False))[0] == b"abc"
        trusting.close()
        await asyncio.sleep(0)


class Slices:
    """A body of so many slices of 100 KB; `written` counts those that the client has taken."""

    def __init__(self, count: int, error: Exception | None = None) -> None:
        self.count = count
        self.error = error
        self.written = 0

    def __len__(self) -> int:
        return self.count * 100_000

    async def produce(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        for _ in range(self.count):
            await write(b"s" * 100_000)
            self.written += 1
        if self.error:
            raise self.error


def post(server: Server, **options: Any) -> HTTPRequest:
    scheme = "https" if server.context else "http"
    return HTTPRequest(server.url(scheme, "localhost"), method="POST", **options)


@pytest.mark.gen_test
@pytest.mark.parametrize("tls", [False, True])
async def test_a_body_in_pieces_arrives_whole_and_the_connection_is_used_again(
    client, tls, tmp_path
):
    context = certificate(tmp_path) if tls else None
    options = {"ca_certs": str(tmp_path / "cert.pem")} if tls else {}

    async def handle(peer: Peer) -> None:
        for _ in range(2):
            server.requests.append(await peer.request())
            await peer.send(WHOLE)

    async with Server(handle, context) as server:
        for _ in range(2):
            response = client.stream(post(server, **options), ignore_body, Slices(7))
            assert await response.done is None and response.reusable
        assert len(server.peers) == 1
    for request in server.requests:
        head, _, body = request.partition(b"\r\n\r\n")
        assert b"Content-Length: 700000" in head and body == b"s" * 700_000


@pytest.mark.gen_test
async def test_a_body_in_pieces_waits_for_its_server(client):
    reads = asyncio.Event()

    async def handle(peer: Peer) -> None:
        await reads.wait()
        await peer.request()
        await peer.send(WHOLE)

    async with Server(handle) as server:
        body = Slices(500)
        response = client.stream(post(server), ignore_body, body)
        await until(lambda: response._full)
        assert body.written < 150  # what the system buffers, and no more
        reads.set()
        assert await response.done is None
        assert body.written == 500


@pytest.mark.gen_test
@pytest.mark.parametrize("ending", ["answer", "abort", "reset"])
async def test_a_body_in_pieces_ends_with_its_response(client, ending):
    async def handle(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        if ending == "answer":
            await peer.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
        elif ending == "reset":
            peer.reset()
        await asyncio.sleep(600)

    statuses: list[int] = []

    def on_head(status: int, headers: HTTPHeaders) -> OnChunk:
        statuses.append(status)
        return lambda data: None

    async with Server(handle) as server:
        body = Slices(500)
        response = client.stream(post(server), on_head, body)
        await until(lambda: response._full or response.done.done())
        if ending == "abort":
            response.abort()
        failure = await response.done
        await asyncio.sleep(0)
        assert response._producing is None or response._producing.done()
        assert body.written < 500 and not response.reusable
        assert statuses == ([413] if ending == "answer" else [])
        assert (failure is None) == (ending == "answer")


@pytest.mark.gen_test
async def test_a_body_that_cannot_be_produced_ends_the_request(client):
    async with Server(answer()) as server:
        response = client.stream(post(server), ignore_body, Slices(1, KeyError("gone")))
        with pytest.raises(KeyError):
            await response.done
        assert response.connection and response.connection.transport.is_closing()
