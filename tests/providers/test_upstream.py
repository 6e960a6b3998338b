"""`Upstream.fetch_stream` alone: bytes in order, true ends, sockets that close."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import time
import zlib

import pytest
from client import deaf_listener, refusing_port, until
from deadlines import DEADLINE, at_most
from tornado.iostream import IOStream, StreamClosedError
from tornado.tcpserver import TCPServer

from tornado_stream.providers.upstream import StatusError, Timeouts, Upstream, UpstreamRequest
from tornado_stream.values.errors import ProviderError

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


class Script(TCPServer):
    """A server that sends these parts (bytes, or seconds of a pause), then closes or holds the
    connection. `left` is set when the client has closed it."""

    def __init__(self, *parts: bytes | float, hold: bool = False, **options) -> None:
        super().__init__(**options)
        self.parts = parts
        self.hold = hold
        self.received = b""
        self.left = asyncio.Event()
        self.streams: list[IOStream] = []
        self.listen(0, "127.0.0.1")
        self.port = next(iter(self._sockets.values())).getsockname()[1]

    async def handle_stream(self, stream: IOStream, address) -> None:
        self.streams.append(stream)
        stream.set_close_callback(self.left.set)
        try:
            self.received = await stream.read_until(b"\r\n\r\n{}")
        except StreamClosedError:  # the client left in the TLS handshake
            return
        for part in self.parts:
            if isinstance(part, bytes):
                await stream.write(part)
            else:
                await asyncio.sleep(part)
        if not self.hold:
            stream.close()

    def request(self, scheme: str = "http", **timeouts: float) -> UpstreamRequest:
        url = f"{scheme}://127.0.0.1:{self.port}/v1/x?a=b"
        return UpstreamRequest(url, {"X": "y"}, b"{}", timeouts=Timeouts(**timeouts))

    def close(self) -> None:
        self.stop()
        for stream in self.streams:
            stream.close()


async def fetch(server: Script, **timeouts: float) -> tuple[bytes, BaseException | None]:
    """All bytes that came, and the error."""
    heads: list[int] = []
    body: list[bytes] = []
    error: BaseException | None = None
    upstream = Upstream()

    def on_head(status: int, headers: object):
        heads.append(status)
        return body.append

    try:
        request = server.request(**timeouts)
        await upstream.fetch_stream(request, on_head)
    except (ProviderError, StatusError) as caught:
        error = caught
    finally:
        server.close()
        await upstream.close()
    assert heads in ([], [200])
    assert not body or heads == [200]
    return b"".join(body), error


@pytest.mark.gen_test
async def test_the_request_has_its_path_and_headers():
    server = Script(HEAD + b"Content-Length: 2\r\n\r\nok")
    assert await fetch(server) == (b"ok", None)
    lines = server.received.decode().split("\r\n")
    assert lines[0] == "POST /v1/x?a=b HTTP/1.1"
    assert "X: y" in lines and "Accept-Encoding: identity" in lines


WHOLE = {
    "length": [HEAD + b"Content-Length: 4\r\n\r\nabcd"],
    "chunked": [CHUNKED + b"2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n"],
    "extension": [CHUNKED + b"2;x=1\r\nab\r\n2 \r\ncd\r\n0\r\nTrailer: x\r\n\r\n"],
    "bytewise": [CHUNKED, *(b"1\r\n%c\r\n" % c for c in b"abcd"), b"0\r\n\r\n"],
    "split": [bytes([b]) for b in CHUNKED + b"4\r\nabcd\r\n0\r\n\r\n"],
    "until close": [b"HTTP/1.0 200 OK\r\n\r\nab", b"cd"],
    "no type": [b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd"],
    "interim": [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n",
        HEAD + b"Content-Length: 4\r\n\r\nabcd",
    ],
    "gzip": [
        HEAD + b"Content-Encoding: gzip\r\n\r\n",
        gzip.compress(b"abcd")[:9],
        gzip.compress(b"abcd")[9:],
    ],
}


@pytest.mark.parametrize("parts", WHOLE.values(), ids=WHOLE)
@pytest.mark.gen_test
async def test_whole_responses(parts):
    assert await fetch(Script(*parts)) == (b"abcd", None)


@pytest.mark.parametrize("status", [200, 201, 202, 203, 206, 226, 299])
@pytest.mark.gen_test
async def test_every_success_with_a_body_is_an_answer(status):
    head = b"HTTP/1.1 %d Fine\r\n" % status
    for rest in (b"Content-Length: 4\r\n\r\nabcd", b"\r\nabcd"):
        server, upstream = Script(head + rest), Upstream()
        heads: list[int] = []
        body: list[bytes] = []

        def on_head(status: int, _: object, heads=heads, body=body):
            heads.append(status)
            return body.append

        await upstream.fetch_stream(server.request(), on_head)
        assert (heads, body) == ([status], [b"abcd"])
        server.close()
        await upstream.close()
    server = Script(head + b"Content-Length: 9\r\n\r\nabcd")
    with pytest.raises(ProviderError) as caught:
        await Upstream().fetch_stream(server.request(), lambda s, h: lambda data: None)
    assert (caught.value.state, caught.value.upstream_status) == ("cut_off", status)
    server.close()


@pytest.mark.parametrize("status", [204, 205, 302, 304, 404])
@pytest.mark.gen_test
async def test_a_success_without_a_body_is_none(status):
    _, error = await fetch(Script(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status))
    assert isinstance(error, StatusError) and (error.status, error.body) == (status, b"")


ENCODINGS = {
    "gzip, members": ("gzip", gzip.compress(b"ab") + gzip.compress(b"cd")),
    "gzip, upper case": ("X-GZIP, Identity", gzip.compress(b"abcd")),
    "zlib": ("deflate", zlib.compress(b"abcd")),
    "raw deflate": ("deflate", zlib.compress(b"abcd")[2:-4]),
    "a charset": ("utf-8", b"abcd"),
    "none": ("none", b"abcd"),
    "identity twice": ("identity, identity", b"abcd"),
    "an unknown word": ("text", b"abcd"),
}


@pytest.mark.parametrize(("name", "data"), ENCODINGS.values(), ids=ENCODINGS)
@pytest.mark.gen_test
async def test_encodings(name, data):
    head = HEAD + b"Content-Encoding: %b\r\n\r\n" % name.encode()
    assert await fetch(Script(head, data)) == (b"abcd", None)
    assert await fetch(Script(head, *(bytes([b]) for b in data))) == (b"abcd", None)
    error = (await fetch(Script(head.replace(b"200 OK", b"500 No"), data)))[1]
    assert isinstance(error, StatusError) and error.body == b"abcd"


@pytest.mark.parametrize("name", ["gzip", "X-Gzip", "deflate", "identity"])
@pytest.mark.gen_test
async def test_encodings_of_the_transfer(name):
    """The body has no other length than the end of the connection, or it is chunked as well."""
    packed = {"deflate": zlib.compress, "identity": bytes}.get(name, gzip.compress)(b"abcd")
    for head, data in [
        (name, packed),
        (f"{name}, chunked", b"%x\r\n%b\r\n0\r\n\r\n" % (len(packed), packed)),
    ]:
        parts = HEAD + b"Transfer-Encoding: %b\r\n\r\n" % head.encode(), data
        assert await fetch(Script(*parts)) == (b"abcd", None), head
    cut = HEAD + b"Transfer-Encoding: %b, Chunked\r\n\r\n5\r\n" % name.encode()
    _, error = await fetch(Script(cut, packed[:3]))
    assert isinstance(error, ProviderError) and error.code == "connection_closed"
    _, error = await fetch(Script(HEAD + b"Transfer-Encoding: br, chunked\r\n\r\n1\r\nx\r\n"))
    assert isinstance(error, ProviderError) and "not asked for (br)" in error.message


@pytest.mark.parametrize("name", ["br", "ZSTD", "gzip, br"])
@pytest.mark.gen_test
async def test_an_encoding_that_cannot_be_read_is_named(name):
    _, error = await fetch(Script(HEAD + b"Content-Encoding: %b\r\n\r\nx" % name.encode()))
    assert isinstance(error, ProviderError) and error.code == "malformed_response"
    word = name.lower().removeprefix("gzip, ")
    assert f"an encoding that was not asked for ({word})" in error.message


BROKEN = {
    "closed in a chunk": ([CHUNKED + b"4\r\nab"], b"ab", "connection_closed"),
    "closed between chunks": ([CHUNKED + b"2\r\nab\r\n"], b"ab", "connection_closed"),
    "closed before the length": (
        [HEAD + b"Content-Length: 9\r\n\r\nab"],
        b"ab",
        "connection_closed",
    ),
    "bad chunk": ([CHUNKED + b"2\r\nab\r\nzz\r\nnot\r\n"], b"ab", "malformed_response"),
    "bad chunk, one read": ([CHUNKED + b"2\r\nab\r\n-2\r\ncd\r\n"], b"ab", "malformed_response"),
    "chunk without its end": ([CHUNKED + b"2\r\nabXX2\r\ncd\r\n"], b"ab", "malformed_response"),
    "damaged gzip": ([HEAD + b"Content-Encoding: gzip\r\n\r\nnonsense"], b"", "malformed_response"),
    "brotli": ([HEAD + b"Content-Encoding: br\r\n\r\nnonsense"], b"", "malformed_response"),
}


@pytest.mark.parametrize(("parts", "text", "code"), BROKEN.values(), ids=BROKEN)
@pytest.mark.gen_test
async def test_the_bytes_before_a_failure_are_delivered(parts, text, code):
    body, error = await fetch(Script(*parts))
    assert body == text
    assert isinstance(error, ProviderError)
    assert (error.code, error.state, error.upstream_status) == (code, "cut_off", 200)
    assert error.retryable


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [b"HTTP/1.1 200"],
        [b"nonsense\r\n\r\n"],
        [b"SSH-2.0-OpenSSH\r\n"],
        [b"\x15\x03\x03\x00\x02\x02\x28"],
    ],
)
@pytest.mark.gen_test
async def test_a_response_without_a_head_is_an_error(parts):
    body, error = await fetch(Script(*parts))
    assert isinstance(error, ProviderError)
    assert (body, error.state, error.upstream_status) == (b"", "error", None)


SETTINGS = b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + bytes(18)
GOAWAY = b"\x00\x00\x08\x07\x00\x00\x00\x00\x00" + bytes(7) + b"\x01"


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        (SETTINGS + GOAWAY, "answered in HTTP/2, and this server speaks HTTP/1.1"),
        (GOAWAY, "answered in HTTP/2"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "answered in HTTP/2"),
        (b"HTTP/2 200 OK\r\n\r\n", "answered in HTTP/2"),
        (
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
            "switched to another protocol, which nobody asked for",
        ),
        (b"\x15\x03\x01\x00\x02\x02\x16", "the base URL has to begin with https://"),
        (b"220 mail.example ESMTP\r\n", "sent a malformed response"),
    ],
)
@pytest.mark.gen_test
async def test_another_protocol_is_named(sent, says):
    _, error = await fetch(Script(sent))
    assert isinstance(error, ProviderError) and says in error.message
    assert (error.code, error.state) == ("malformed_response", "error")


@pytest.mark.gen_test
async def test_the_query_of_a_base_url_is_sent_with_every_request():
    for path, sent in (("/v1/x", "/v1/x?v=1&w=2"), ("/v1/x?a=b", "/v1/x?a=b&v=1&w=2")):
        server, upstream = Script(HEAD + b"Content-Length: 2\r\n\r\nok"), Upstream(query="v=1&w=2")
        request = UpstreamRequest(f"http://127.0.0.1:{server.port}{path}", {}, b"{}")
        await upstream.fetch_stream(request, lambda s, h: lambda data: None)
        assert server.received.split(b"\r\n")[0] == f"POST {sent} HTTP/1.1".encode()
        server.close()
        await upstream.close()


@pytest.mark.gen_test
async def test_a_status_other_than_200_is_raised_with_its_body():
    server = Script(b"HTTP/1.1 429 No\r\nRetry-After: 3\r\nContent-Length: 4\r\n\r\nslow")
    body, error = await fetch(server)
    assert isinstance(error, StatusError)
    assert (body, error.status, error.body) == (b"", 429, b"slow")
    assert error.headers["retry-after"] == "3"


@pytest.mark.gen_test
async def test_a_status_is_raised_even_when_its_body_is_broken_or_endless():
    _, error = await fetch(Script(b"HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\nab"))
    assert isinstance(error, StatusError) and error.body == b"ab"
    endless = Script(b"HTTP/1.1 500 No\r\n\r\n" + b"x" * 100_000, hold=True)
    _, error = await fetch(endless)
    assert isinstance(error, StatusError) and len(error.body) == 64 * 1024
    _, error = await fetch(Script(b"HTTP/1.1 500 No\r\n\r\nab", hold=True), idle=0.1)
    assert isinstance(error, StatusError) and error.body == b"ab"


@pytest.mark.gen_test
async def test_redirects_are_not_followed():
    server = Script(
        b"HTTP/1.1 307 No\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"
    )
    _, error = await fetch(server)
    assert isinstance(error, StatusError) and error.status == 307


@pytest.mark.gen_test
async def test_fetch_stream_raises_what_on_chunk_raised():
    server = Script(CHUNKED + b"2\r\nab\r\n", hold=True)

    def on_chunk(data: bytes) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await Upstream().fetch_stream(server.request(), lambda s, h: on_chunk)
    await asyncio.wait_for(server.left.wait(), DEADLINE)
    server.close()


@pytest.mark.gen_test
async def test_on_chunk_says_how_long_to_wait_for_more():
    server = Script(CHUNKED + b"2\r\nab\r\n", hold=True)
    began = time.monotonic()
    await Upstream().fetch_stream(server.request(), lambda s, h: lambda data: 0.05)
    assert 0.04 < time.monotonic() - began < 30  # the limit of silence is a minute
    server.close()


@pytest.mark.gen_test
async def test_all_of_one_read_comes_in_one_call():
    many = b"".join(b"1\r\n%c\r\n" % (97 + n % 26) for n in range(100))
    server = Script(CHUNKED + many + b"0\r\n\r\n")
    calls: list[bytes] = []
    await Upstream().fetch_stream(server.request(), lambda s, h: calls.append)
    assert len(b"".join(calls)) == 100 and len(calls) <= 3
    server.close()


@pytest.mark.parametrize(
    ("parts", "timeouts", "code", "state"),
    [
        ([], {"first_byte": 0.2}, "first_byte_timeout", "error"),
        ([CHUNKED], {"first_byte": 0.2}, "first_byte_timeout", "cut_off"),
        ([CHUNKED + b"2\r\nab\r\n"], {"idle": 0.2}, "idle_timeout", "cut_off"),
        ([CHUNKED + b"2\r\nab\r\n"], {"answer": 0.2}, "answer_timeout", "cut_off"),
    ],
)
@pytest.mark.gen_test
async def test_a_silent_upstream_has_limits(parts, timeouts, code, state):
    began = time.monotonic()
    _, error = await fetch(Script(*parts, hold=True), **timeouts)
    assert isinstance(error, ProviderError)
    assert (error.code, error.state) == (code, state)
    assert 0.2 <= time.monotonic() - began < DEADLINE


@pytest.mark.gen_test
async def test_a_stall_is_measured_from_the_last_byte():
    piece = b"2\r\nab\r\n"
    began = time.monotonic()
    server = Script(CHUNKED + piece, 0.3, piece, 0.3, piece, hold=True)
    body, error = await fetch(server, idle=0.6)
    assert isinstance(error, ProviderError)
    assert (body, error.code) == (b"ababab", "idle_timeout")
    assert time.monotonic() - began >= 1.2


@pytest.mark.gen_test
async def test_an_upstream_that_is_not_there():
    with refusing_port() as port:
        for nowhere in [f"http://127.0.0.1:{port}/v1", "http://no-such-host.invalid/v1"]:
            with pytest.raises(ProviderError) as caught:
                request = UpstreamRequest(nowhere, {}, b"{}")
                await Upstream().fetch_stream(request, lambda s, h: lambda data: None)
            assert (caught.value.code, caught.value.state) == ("connect_failed", "error")
            assert caught.value.retryable


@pytest.mark.gen_test
async def test_connecting_has_a_limit_and_can_be_cancelled():
    with deaf_listener() as (listener, fillers):
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        request = UpstreamRequest(url, {}, b"{}", timeouts=Timeouts(connect=0.3))
        with pytest.raises(ProviderError) as caught:
            await Upstream().fetch_stream(request, lambda s, h: lambda data: None)
        assert caught.value.code == "connect_timeout"
        request = UpstreamRequest(url, {}, b"{}", timeouts=Timeouts(connect=60))
        port = listener.getsockname()[1]
        before = connecting_to(port)
        fetching = Upstream().fetch_stream(request, lambda s, h: lambda data: None)
        task = asyncio.create_task(fetching)
        await until(lambda: connecting_to(port) == before + 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: connecting_to(port) == before, what="the SYN is still on its way")


def connecting_to(port: int) -> int:
    """The number of sockets in SYN_SENT to a port of this machine (Linux)."""
    try:
        with open("/proc/net/tcp") as table:
            rows = [line.split() for line in table][1:]
    except FileNotFoundError:
        pytest.skip("needs /proc/net/tcp")
    return sum(row[2].endswith(f":{port:04X}") and row[3] == "02" for row in rows)


@pytest.mark.parametrize(
    "parts",
    [[], [CHUNKED], [CHUNKED + b"2\r\nab\r\n"], [b"HTTP/1.1 500 No\r\n\r\n"]],
    ids=["no head", "no body", "in the body", "in an error"],
)
@pytest.mark.timed
@pytest.mark.gen_test
async def test_cancelling_closes_the_socket(parts):
    server = Script(*parts, hold=True)
    got: list[bytes] = []
    fetching = Upstream().fetch_stream(server.request(), lambda s, h: got.append)
    task = asyncio.create_task(fetching)
    await until(lambda: server.streams and (got or b"ab" not in b"".join(parts)))
    await until(lambda: server.received)
    task.cancel()
    began = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(server.left.wait(), DEADLINE)
    assert time.monotonic() - began < at_most(0.15)
    server.close()


@pytest.mark.gen_test
async def test_a_certificate_that_cannot_be_trusted(tmp_path):
    server = Script(hold=True, ssl_options=self_signed(tmp_path))
    with pytest.raises(ProviderError) as caught:
        await Upstream().fetch_stream(server.request("https"), lambda s, h: lambda data: None)
    assert (caught.value.code, caught.value.retryable) == ("tls_failed", False)
    server.close()


@pytest.mark.gen_test
async def test_cancelling_in_a_tls_handshake_closes_the_socket():
    server = Script(hold=True)  # never answers the handshake
    server.parts = ()
    fetching = Upstream().fetch_stream(server.request("https"), lambda s, h: lambda data: None)
    task = asyncio.create_task(fetching)
    await until(lambda: server.streams)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(server.left.wait(), DEADLINE)
    server.close()


def self_signed(folder) -> ssl.SSLContext:
    """The TLS context of a server with a self-signed certificate."""
    import subprocess

    key, certificate = folder / "key.pem", folder / "cert.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2".split()
    command += ["-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("needs openssl")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context
