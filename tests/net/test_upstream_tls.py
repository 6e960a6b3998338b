"""TLS between the reader and the client: with a server in memory, whose bytes arrive in pieces."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tornado.httpclient import HTTPRequest

from tornado_stream.net.http_client import CutOff, StreamingHTTPClient
from tornado_stream.net.upstream_reader import READ_SIZE, UpstreamReader
from tornado_stream.net.upstream_tls import RECORD_SIZE, UpstreamTLS, keep_session

from .test_http_client import Peer, Server, certificate, fetch

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


class TLSServer:
    """The other end of a connection. What it sends is taken from `sent`."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._received, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._received, self._out, server_side=True)

    async def handshake(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                await loop.sock_sendall(sock, self._out.read())
                self._received.write(await loop.sock_recv(sock, 100_000))
        await loop.sock_sendall(sock, self._out.read())

    def send(self, data: bytes) -> bytes:
        """The bytes that say this."""
        self.tls.write(data)
        return self._out.read()

    def end(self) -> bytes:
        with suppress(ssl.SSLWantReadError):
            self.tls.unwrap()
        return self._out.read()

    def take(self, data: bytes) -> bytes:
        self._received.write(data)
        return self.tls.read(100_000)


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    pair = socket.socketpair()
    for one in pair:
        one.setblocking(False)
    yield pair
    for one in pair:
        one.close()


async def connected(
    folder: Path, sockets: tuple[socket.socket, socket.socket], version: ssl.TLSVersion
) -> tuple[UpstreamTLS, TLSServer]:
    context = certificate(folder)
    context.minimum_version = context.maximum_version = version
    server = TLSServer(context)
    trusting = ssl.create_default_context(cafile=str(folder / "cert.pem"))
    client = UpstreamTLS(trusting, "localhost")
    await asyncio.gather(client.handshake(sockets[0]), server.handshake(sockets[1]))
    sockets[0].settimeout(0.01)
    with suppress(TimeoutError):  # tickets
        data = sockets[0].recv(100_000)
        buffer = memoryview(bytearray(data))
        assert client.decrypt(buffer, len(data)) == (0, False)
    return client, server


def decrypted(client: UpstreamTLS, data: bytes, size: int) -> tuple[list[bytes], bool]:
    """What the pieces of these bytes say, and whether the last one ended the connection."""
    buffer = memoryview(bytearray(READ_SIZE + RECORD_SIZE))
    found, ended = [], False
    for start in range(0, len(data), size):
        piece = data[start : start + size]
        buffer[: len(piece)] = piece
        count, ended = client.decrypt(buffer, len(piece))
        found.append(bytes(buffer[:count]))
    return found, ended


@pytest.mark.gen_test
@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
async def test_bytes_say_the_same_in_pieces_of_any_size(tmp_path, sockets, version):
    client, server = await connected(tmp_path, sockets, version)
    short = b"".join(server.send(b"%d" % n) for n in range(30))
    assert b"".join(decrypted(client, short, 1)[0]) == b"".join(b"%d" % n for n in range(30))
    text = bytes(range(256)) * 4000
    for size in (7001, READ_SIZE - 1, READ_SIZE):
        found, ended = decrypted(client, server.send(text), size)
        assert b"".join(found) == text and not ended
    # What a read leaves of a record is said with the next one, all at once.
    long = server.send(text)
    first, _ = decrypted(client, long[:RECORD_SIZE], RECORD_SIZE)
    rest, _ = decrypted(client, long[RECORD_SIZE:], READ_SIZE)
    assert b"".join(first + rest) == text
    assert max(map(len, rest)) > READ_SIZE - RECORD_SIZE
    assert server.take(client.encrypt(b"hello")) == b"hello"
    assert not client.has_to_say and client.encrypt(b"") == b""


@pytest.mark.gen_test
@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
async def test_an_end_comes_after_the_bytes_before_it(tmp_path, sockets, version):
    client, server = await connected(tmp_path, sockets, version)
    data = server.send(b"last words") + server.end()
    assert decrypted(client, data, 100_000) == ([b"last words"], True)


@pytest.mark.gen_test
async def test_damaged_bytes_are_an_error(tmp_path, sockets):
    client, server = await connected(tmp_path, sockets, VERSIONS[1])
    data = bytearray(server.send(b"words"))
    data[-1] ^= 1
    with pytest.raises(ssl.SSLError):
        decrypted(client, bytes(data), 100)


@pytest.mark.gen_test
async def test_an_end_within_the_handshake_is_an_error(sockets):
    client = UpstreamTLS(ssl.create_default_context(), "localhost")
    sockets[1].close()
    with pytest.raises(OSError):
        await client.handshake(sockets[0])
    keep_session(client.object, "localhost")
    keep_session(None, "localhost")


@pytest.mark.gen_test
@pytest.mark.parametrize("own", [True, False])
async def test_responses_end_over_tls_as_without(tmp_path, own, monkeypatch):
    if own and not UpstreamReader.is_available:
        pytest.skip("this system has no epoll")
    monkeypatch.setattr(UpstreamReader, "is_available", own)
    client = StreamingHTTPClient(force_instance=True)
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    long = b"x" * 3_000_000

    async def handle(peer: Peer) -> None:
        for n in range(3):
            await peer.request()
            await peer.send(chunked, *(b"3\r\n%03d\r\n" % n for n in range(50)), b"0\r\n\r\n")
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(long), long)
        await peer.request()
        await peer.send(chunked, b"9\r\nhal")

    sent = {"ca_certs": str(tmp_path / "cert.pem"), "method": "POST", "body": b"q" * 300_000}
    async with Server(handle, certificate(tmp_path)) as server:
        for _ in range(3):
            body, result = await fetch(client, server.url("https", "localhost"), **sent)
            assert body == b"".join(b"%03d" % n for n in range(50)) and result.code == 200
        assert (await fetch(client, server.url("https", "localhost"), **sent))[0] == long
        body, error = await fetch(client, server.url("https", "localhost"), **sent)
        assert body == b"hal" and isinstance(error, CutOff)
        assert len(server.peers) == 1
    client.close()
    await asyncio.sleep(0)


@pytest.mark.gen_test
async def test_a_handshake_that_is_cancelled_closes_its_socket():
    client = StreamingHTTPClient(force_instance=True)
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
    response = client.stream(HTTPRequest(url), lambda status, headers: lambda data: None)
    loop = asyncio.get_running_loop()
    peer, _ = await loop.sock_accept(listener)
    assert (await loop.sock_recv(peer, 100_000))[:1] == b"\x16"  # a handshake
    response.abort()
    assert await loop.sock_recv(peer, 100_000) == b""
    peer.close()
    listener.close()
    client.close()
    await asyncio.sleep(0)
