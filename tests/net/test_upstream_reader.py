"""The reader of plain connections: with sockets that send exact bytes, end, and are reset."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import struct
from collections.abc import Callable, Iterator

import pytest
from client import until
from tornado.httpclient import HTTPRequest

from tornado_stream.net.http_client import CutOff, StreamingHTTPClient
from tornado_stream.net.upstream_reader import READ_SIZE, UpstreamReader

pytestmark = pytest.mark.skipif(not UpstreamReader.is_available, reason="it needs epoll")

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class Heard:
    """A connection that records what it gets, and does something at each read."""

    def __init__(
        self, sock: socket.socket, buffer: memoryview, then: Callable[[], object] = lambda: None
    ) -> None:
        self.sock, self.tls = sock, None
        self.receiver = self
        self.reads: list[bytes] = []
        self.ends: list[Exception | None] = []
        self._buffer, self._then = buffer, then

    def buffer_updated(self, nbytes: int) -> None:
        self.reads.append(bytes(self._buffer[:nbytes]))
        self._then()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ends.append(exc)


class Pairs:
    """Pairs of sockets, of which a reader watches the first."""

    def __init__(self) -> None:
        self.buffer = memoryview(bytearray(READ_SIZE))
        self.reader = UpstreamReader(self.buffer)
        self._sockets: list[socket.socket] = []

    def make(self, then: Callable[[], object] = lambda: None) -> tuple[Heard, socket.socket]:
        one, other = self.pair()
        heard = Heard(one, self.buffer, then)
        self.reader.watch(heard)
        return heard, other

    def pair(self) -> tuple[socket.socket, socket.socket]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            other = socket.create_connection(listener.getsockname())
            one, _ = listener.accept()
        one.setblocking(False)
        self._sockets += [one, other]
        return one, other

    def close(self) -> None:
        self.reader.close()
        for one in self._sockets:
            one.close()


@pytest.fixture
def pairs(io_loop) -> Iterator[Pairs]:
    async def make() -> Pairs:
        return Pairs()

    pairs = io_loop.run_sync(make)
    yield pairs

    async def close() -> None:
        pairs.close()
        pairs.close()

    io_loop.run_sync(close)


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@pytest.mark.gen_test
async def test_all_that_are_ready_are_read_in_one_step(pairs):
    steps = []
    loop = asyncio.get_running_loop()
    made = [pairs.make(lambda: steps.append(loop.time())) for _ in range(50)]
    for place, (_, other) in enumerate(made):
        other.send(b"%d" % place)
    await until(lambda: all(heard.reads for heard, _ in made))
    assert [heard.reads for heard, _ in made] == [[b"%d" % place] for place in range(50)]


@pytest.mark.gen_test
async def test_an_end_and_a_reset_are_told_once(pairs):
    ended, one = pairs.make()
    cut, other = pairs.make()
    one.send(b"last")
    one.close()
    other.send(b"half")
    await until(lambda: bool(cut.reads))
    reset(other)
    await until(lambda: bool(ended.ends and cut.ends))
    await asyncio.sleep(0.01)
    assert (ended.reads, ended.ends) == ([b"last"], [None])
    assert cut.reads == [b"half"]
    assert len(cut.ends) == 1 and isinstance(cut.ends[0], ConnectionResetError)


@pytest.mark.gen_test
async def test_what_a_receiver_raises_ends_its_connection_alone(pairs, caplog):
    failing, one = pairs.make(lambda: 1 / 0)
    other_heard, other = pairs.make()
    one.send(b"a")
    other.send(b"b")
    await until(lambda: bool(failing.ends and other_heard.reads))
    one.send(b"a")
    other.send(b"c")
    await until(lambda: len(other_heard.reads) == 2)
    assert failing.reads == [b"a"]
    assert isinstance(failing.ends[0], ZeroDivisionError)
    assert "could not be taken" in caplog.text
    caplog.clear()


@pytest.mark.gen_test
async def test_a_receiver_may_end_those_that_follow_in_the_same_round(pairs):
    def forget_both() -> None:
        for one, _ in made:
            pairs.reader.forget(one)

    made = [pairs.make(forget_both) for _ in range(2)]
    heard = [one for one, _ in made]
    for _, end in made:
        end.send(b"a")
    await until(lambda: any(each.reads for each in heard))
    await asyncio.sleep(0.01)
    assert sum(len(each.reads) for each in heard) == 1
    for one in heard * 2:
        pairs.reader.watch(one)
    await until(lambda: sum(len(each.reads) for each in heard) == 2)
    assert all(len(each.reads) == 1 for each in heard)


@pytest.mark.gen_test
async def test_one_that_is_forgotten_costs_nothing_though_it_is_reset(pairs):
    heard, other = pairs.make()
    pairs.reader.forget(heard)
    pairs.reader.forget(heard)
    other.send(b"a")
    reset(other)
    began = os.times()
    await asyncio.sleep(0.2)
    ended = os.times()
    assert not heard.reads and not heard.ends
    assert ended.user + ended.system - began.user - began.system < 0.15  # the loop does not spin


def a_server() -> tuple[socket.socket, str]:
    listener = socket.create_server(("127.0.0.1", 0))
    return listener, f"http://127.0.0.1:{listener.getsockname()[1]}/"


@pytest.mark.gen_test
async def test_a_reset_within_a_chunk_comes_after_its_bytes():
    """asyncio does not read the socket: it would register a second reader."""
    loop = asyncio.get_running_loop()
    client = StreamingHTTPClient(force_instance=True)
    listener, url = a_server()
    listener.setblocking(False)
    heard: list[bytes] = []
    response = client.stream(HTTPRequest(url), lambda status, headers: heard.append)
    peer, _ = await loop.sock_accept(listener)
    await loop.sock_recv(peer, 1000)
    peer.send(CHUNKED + b"9\r\nab")
    await until(lambda: heard == [b"ab"])
    assert not response.connection.transport.is_reading()
    peer.send(b"c")
    await until(lambda: heard == [b"ab", b"c"])
    reset(peer)
    error = await response.done
    assert isinstance(error, CutOff) and isinstance(error.__cause__, ConnectionResetError)
    client.close()
    listener.close()
    await asyncio.sleep(0)


@pytest.mark.gen_test
async def test_without_a_descriptor_for_the_epoll_the_request_fails_and_no_socket_stays(
    monkeypatch,
):
    def no_more() -> None:
        raise OSError(errno.EMFILE, "too many open files")

    listener, url = a_server()
    client = StreamingHTTPClient(force_instance=True)
    monkeypatch.setattr("select.epoll", no_more)
    before = len(os.listdir("/proc/self/fd"))
    response = client.stream(HTTPRequest(url), lambda status, headers: lambda data: None)
    assert isinstance(await response.done, OSError)
    assert len(os.listdir("/proc/self/fd")) == before
    client.close()
    listener.close()


@pytest.mark.gen_test
async def test_a_paused_response_reads_on_where_it_was():
    loop = asyncio.get_running_loop()
    client = StreamingHTTPClient(force_instance=True)
    listener, url = a_server()
    listener.setblocking(False)
    heard: list[bytes] = []
    paused = loop.create_future()

    def take(data: bytes) -> None:
        heard.append(data)
        if data == b"one":
            response.pause_until(paused)

    response = client.stream(HTTPRequest(url), lambda status, headers: take)
    peer, _ = await loop.sock_accept(listener)
    await loop.sock_recv(peer, 1000)
    peer.send(CHUNKED + b"3\r\none\r\n")
    await until(lambda: heard == [b"one"])
    peer.send(b"3\r\ntwo\r\n")
    await asyncio.sleep(0.05)
    assert heard == [b"one"]
    paused.set_result(None)
    await until(lambda: heard == [b"one", b"two"])
    peer.send(b"0\r\n\r\n")
    assert await response.done is None
    first = response.connection

    # The connection is used again, and an end of it while it is idle is seen.
    response = client.stream(HTTPRequest(url), lambda status, headers: take)
    assert response.connection is first
    await loop.sock_recv(peer, 1000)
    peer.send(CHUNKED + b"4\r\nnext\r\n0\r\n\r\n")
    assert await response.done is None and heard[-1] == b"next"
    peer.close()
    await until(first.transport.is_closing)
    client.close()
    listener.close()
    await asyncio.sleep(0)
