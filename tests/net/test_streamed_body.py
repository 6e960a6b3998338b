"""Bodies on real sockets: order, backpressure, one send per iteration, the next request."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest
from client import Client, until
from tornado.iostream import IOStream

from tornado_stream.net.streamed_body import SMALL, ChunkedBody, SendBatch

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


class Pair:
    """A body, and the socket of its client."""

    def __init__(self) -> None:
        ours, self.theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.stream = IOStream(ours)
        self.drained = self.gone = 0
        self.body = ChunkedBody(self.stream, HEAD, SendBatch(), self._drained, self._gone)
        self.theirs.setblocking(False)

    def _drained(self) -> None:
        self.drained += 1

    def _gone(self) -> None:
        self.gone += 1

    def read(self) -> bytes:
        """The bytes that have arrived."""
        try:
            return self.theirs.recv(1 << 20)
        except BlockingIOError:
            return b""

    async def read_head(self) -> None:
        assert await self.read_until(HEAD) == HEAD

    async def read_until(self, end: bytes) -> bytes:
        data = b""
        while not data.endswith(end):
            data += self.read()
            await asyncio.sleep(0)
        return data


@pytest.fixture
def pair(io_loop) -> Iterator[Pair]:
    async def make() -> Pair:
        return Pair()

    pair = io_loop.run_sync(make)
    io_loop.run_sync(pair.read_head)
    yield pair
    pair.stream.close()
    pair.theirs.close()


def chunks(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)


@pytest.mark.gen_test
async def test_writes_of_one_iteration_are_sent_together_at_its_end(pair):
    assert pair.body.write(b"one") and pair.body.write(b"two")
    assert pair.read() == b""
    await asyncio.sleep(0)
    assert pair.read() == chunks(b"one", b"two")
    assert (pair.drained, pair.gone, pair.body.full_since) == (0, 0, None)


@pytest.mark.gen_test
async def test_the_head_leaves_together_with_what_is_written_first():
    pair = Pair()
    pair.body.write(b"one")
    pair.body.write(b"two")
    assert pair.read() == b"", "the head waits for the end of the iteration"
    await asyncio.sleep(0)
    assert pair.read() == HEAD + chunks(b"one", b"two")
    pair.body.end()
    assert pair.read() == b"0\r\n\r\n"
    pair.stream.close()
    pair.theirs.close()


@pytest.mark.gen_test
async def test_a_large_write_is_sent_at_once_with_the_writes_before_it(pair):
    pair.body.write(b"one")
    pair.body.write(b"x" * (SMALL + 1))
    assert pair.read().startswith(chunks(b"one") + b"1001\r\nxxx")


@pytest.mark.gen_test
async def test_a_full_socket_loses_nothing(pair):
    pieces = [b"%05d" % n + b"x" * 20_000 for n in range(20)]
    taken = [pair.body.write(piece) for piece in pieces]
    assert taken[-1] is False and pair.body.full_since is not None
    pair.body.write(b"last")
    assert await pair.read_until(b"last\r\n") == chunks(*pieces, b"last")
    await until(lambda: pair.drained)
    assert pair.body.full_since is None and pair.gone == 0
    assert pair.body.write(b"more")
    assert pair.body.end() is pair.stream
    assert await pair.read_until(b"0\r\n\r\n") == chunks(b"more") + b"0\r\n\r\n"


@pytest.mark.gen_test
async def test_the_body_reports_a_client_that_left_and_sends_no_more(pair):
    pair.theirs.close()
    while pair.body.write(b"x" * (SMALL + 1)):
        await asyncio.sleep(0)
        if pair.stream.closed():
            break
    await until(lambda: pair.gone)
    assert pair.stream.closed()
    pair.body.write(b"to nobody")
    await asyncio.sleep(0)
    pair.body.end()


@pytest.mark.gen_test
async def test_the_body_reports_a_client_that_left_while_its_socket_was_full(pair):
    while pair.body.write(b"x" * 20_000):
        pass
    pair.theirs.close()
    await until(lambda: pair.gone)
    assert pair.drained == 0


@pytest.mark.gen_test
async def test_the_connection_serves_more_requests_after_a_stream(chat: Client):
    reader, writer = await asyncio.open_connection("127.0.0.1", chat.port)
    body = b'{"message": "hello"}'
    head = (
        b"POST /stream HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n%b\r\n"
    )
    for last in (b"", b"", b"Connection: close\r\n"):
        writer.write(head % (len(body), last) + body)
        answer = await reader.readuntil(b"\r\n0\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n") and b"\nevent: end\n" in answer
        if not last:
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
            await reader.read(100)
    assert await reader.read() == b""
    writer.close()


@pytest.mark.gen_test
async def test_the_last_piece_leaves_together_with_the_end(pair):
    pair.body.following = done = asyncio.get_running_loop().create_future()
    pair.body.write(b"one")
    await asyncio.sleep(0)
    assert pair.read() == chunks(b"one")
    pair.body.write(b"two")
    done.set_result(None)
    done.add_done_callback(lambda _: pair.body.end())
    await asyncio.sleep(0)
    assert pair.read() == chunks(b"two") + b"0\r\n\r\n"
    pair.body.flush()
    assert pair.read() == b"", "nothing is sent twice"
