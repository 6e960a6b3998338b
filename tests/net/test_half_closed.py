"""A client that sends no more gets its response; a client that has left is noticed."""

from __future__ import annotations

import asyncio
import json
import socket
import struct

import pytest
from client import until

pytestmark = pytest.mark.both_ways

CHAT = {"messages": [{"role": "user", "content": "hi"}]}
#: Methods, paths and bodies of requests whose answer is "ab", and comes only when it is released.
SLOW = [
    ("/stream", {"message": "hi", "model": "say=a;hold;say=b"}),
    ("/stream", {"message": "hi", "model": "hold;say=a;say=b"}),
    ("/v1/chat/completions", CHAT | {"model": "say=a;hold;say=b", "stream": True}),
    ("/v1/chat/completions", CHAT | {"model": "hold;say=a;say=b", "stream": True}),
    ("/v1/chat/completions", CHAT | {"model": "hold;say=a;say=b"}),
]


def connections(chat):
    return chat.application.keep_alive.__self__.connections


async def connect(chat) -> socket.socket:
    sock = socket.socket()
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", chat.port))
    return sock


async def send(sock: socket.socket, data: bytes) -> None:
    await asyncio.get_running_loop().sock_sendall(sock, data)


async def read_to_end(sock: socket.socket) -> bytes:
    received = b""
    while data := await asyncio.get_running_loop().sock_recv(sock, 65536):
        received += data
    sock.close()
    return received


@pytest.mark.parametrize(("path", "body"), SLOW)
@pytest.mark.gen_test
async def test_a_client_that_sends_no_more_gets_its_answer(chat, upstream, path, body):
    sock = await connect(chat)
    await send(sock, chat.encode("POST", path, body, {}))
    sock.shutdown(socket.SHUT_WR)
    await until(lambda: upstream.requests)
    (stream,) = connections(chat).open
    await until(lambda: stream._probing)
    upstream.released.set()
    received = await read_to_end(sock)
    assert received.startswith(b"HTTP/1.1 200 OK\r\n") and received.count(b"HTTP/1.1") == 1
    text = "".join(
        json.loads(line[6:]).get("content") or _delta(json.loads(line[6:]))
        for line in received.decode().splitlines()
        if line.startswith("data: {")
    )
    assert text == "ab" or b'"content":"ab"' in received
    assert not connections(chat).open


def _delta(chunk) -> str:
    return "".join(c.get("delta", {}).get("content") or "" for c in chunk.get("choices", []))


@pytest.mark.gen_test
async def test_all_requests_that_came_before_the_end_are_answered(chat):
    small = chat.encode("GET", "/healthz", None, {})
    large = chat.encode("POST", "/stream", {"message": "x" * 500_000, "model": "say=a"}, {})
    for data, times in ((small, 1), (small * 3, 3), (large, 1), (small + large + small, 3)):
        sock = await connect(chat)
        await send(sock, data)
        sock.shutdown(socket.SHUT_WR)
        assert (await read_to_end(sock)).count(b"HTTP/1.1 200 OK") == times
    # In pieces, each of which arrives alone: the last one together with the end.
    sock = await connect(chat)
    for at in range(0, len(small), 16):
        await send(sock, small[at : at + 16])
        await asyncio.sleep(0)
    sock.shutdown(socket.SHUT_WR)
    assert b'{"status":"ok"}' in await read_to_end(sock)
    assert not connections(chat).open


@pytest.mark.parametrize(
    "part", [b"", b"GET /heal", b"POST /stream HTTP/1.1\r\nHost: localhost\r\n"]
)
@pytest.mark.gen_test
async def test_what_is_no_whole_request_ends_with_its_connection(chat, part):
    sock = await connect(chat)
    await send(sock, part)
    sock.shutdown(socket.SHUT_WR)
    assert await read_to_end(sock) == b""
    cut = chat.encode("POST", "/stream", {"message": "hi"}, {})[:-1]
    sock = await connect(chat)
    await send(sock, cut)
    sock.shutdown(socket.SHUT_WR)
    assert await read_to_end(sock) == b""
    assert not connections(chat).open


def close(sock: socket.socket) -> None:
    sock.close()


def shut_and_reset(sock: socket.socket) -> None:
    """FIN, then RST."""
    sock.shutdown(socket.SHUT_WR)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@pytest.mark.parametrize("leave", [close, shut_and_reset])
@pytest.mark.parametrize(("path", "body"), SLOW)
@pytest.mark.gen_test
async def test_a_client_that_has_left_is_noticed_in_silence(chat, upstream, path, body, leave):
    sock = await connect(chat)
    await send(sock, chat.encode("POST", path, body, {}))
    await until(lambda: upstream.requests)
    if path == "/stream" or "say=a;hold" in body["model"] and body.get("stream"):
        await until(lambda: chat.application.streams)
    leave(sock)
    await until(lambda: not connections(chat).open and not chat.application.streams)
    if path.startswith("/v1"):
        await until(lambda: not len(chat.application.generations))
    upstream.released.set()


@pytest.mark.gen_test
async def test_a_client_that_leaves_later_is_noticed_by_its_reset(chat, upstream):
    sock = await connect(chat)
    await send(sock, chat.encode("POST", *SLOW[4], {}))
    sock.shutdown(socket.SHUT_WR)
    await until(lambda: upstream.requests)
    (stream,) = connections(chat).open
    await until(lambda: stream._sent_ahead)
    sock.close()  # "HTTP/1.1 " was not read, so this is a reset
    await until(lambda: not connections(chat).open and not len(chat.application.generations))
    upstream.released.set()


@pytest.mark.gen_test
async def test_the_loop_does_not_spin_beside_a_client_that_sends_no_more(chat, upstream):
    sock = await connect(chat)
    await send(sock, chat.encode("POST", *SLOW[0], {}))
    sock.shutdown(socket.SHUT_WR)
    await until(lambda: chat.application.streams)
    (stream,) = connections(chat).open
    await until(lambda: stream._probing)
    reads = 0
    read = stream.read_from_fd

    def counting(buf):
        nonlocal reads
        reads += 1
        return read(buf)

    stream.read_from_fd = counting
    for _ in range(200):
        await asyncio.sleep(0.001)
    assert reads < 5
    upstream.released.set()
    assert b"event: end" in await read_to_end(sock)


@pytest.mark.gen_test
async def test_no_ping_follows_the_end_of_a_body(chat):
    """The connection is looked at just when a response has ended and the next request has not
    begun."""
    keep_alive = chat.application.keep_alive

    def looked_at(stream, address):
        stream.ping()
        keep_alive(stream, address)

    chat.application.keep_alive = looked_at
    sock = await connect(chat)
    await send(sock, chat.encode("POST", "/stream", {"message": "hi", "model": "say=a"}, {}))
    received = b""
    while b"\r\n0\r\n\r\n" not in received:
        received += await asyncio.get_running_loop().sock_recv(sock, 65536)
    assert received.endswith(b"\r\n0\r\n\r\n")
    await send(sock, chat.encode("GET", "/healthz", None, {}))
    assert (await asyncio.get_running_loop().sock_recv(sock, 65536)).startswith(b"HTTP/1.1 200 OK")
    sock.close()
    chat.application.keep_alive = keep_alive
