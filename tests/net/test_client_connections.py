"""The server closes connections that wait too long, with a response if there was a request."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections import deque
from contextlib import suppress
from dataclasses import replace

import pytest
from client import read_head, until
from deadlines import DEADLINE
from tornado.iostream import IOStream, StreamClosedError

from tornado_stream.net.client_connections import ClientStream, address_key
from tornado_stream.net.refusals import refusal

pytestmark = pytest.mark.both_ways

HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
SHORT = {"header_timeout": 0.3, "body_timeout": 0.3, "keep_alive_timeout": 0.3}


@pytest.fixture
def short(serve, settings):
    return serve(replace(settings, **SHORT))


def connections(chat):
    return chat.application.keep_alive.__self__.connections


def queues(chat):
    """The lengths of the queues: idle, heads, bodies, writes."""
    c = connections(chat)
    return len(c.idle), len(c.heads), len(c.bodies), len(c.writes)


async def to_end(stream):
    """The bytes that come until the server closes."""
    return await asyncio.wait_for(stream.read_until_close(), DEADLINE)


@pytest.mark.gen_test
async def test_a_new_connection_without_a_request_is_closed_without_a_response(short):
    began = time.monotonic()
    assert await to_end(await short.connect()) == b""
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize("before", [b"", HEAD + b"\r\n"], ids=["new", "kept"])
@pytest.mark.gen_test
async def test_a_head_that_does_not_end_is_answered_with_408(short, before):
    stream = await short.connect()
    if before:
        await stream.write(before)
        await stream.read_until(b'{"status":"ok"}')
    came = asyncio.ensure_future(to_end(stream))
    for byte in HEAD:  # each byte comes in time, the whole head does not
        with suppress(StreamClosedError):  # the server may have answered and closed
            await stream.write(bytes([byte]))
        await asyncio.wait([came], timeout=0.02)
    head, _, body = (await came).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 Request Timeout\r\n") and b"Connection: close" in head
    assert json.loads(body)["error"]["code"] == "request_timeout"
    await until(lambda: not connections(short).open)


@pytest.mark.gen_test
async def test_a_body_that_does_not_end_is_answered_with_408(short):
    stream = await short.connect()
    head = short.encode("POST", "/stream", b"x" * 100, {})[:-50]
    await stream.write(head)
    await until(lambda: queues(short) == (0, 0, 1, 0))
    assert (await to_end(stream)).startswith(b"HTTP/1.1 408 ")


@pytest.mark.gen_test
async def test_a_kept_connection_without_a_next_request_is_closed(short):
    stream = await short.connect()
    for _ in range(4):  # the limit begins anew with each request
        await stream.write(HEAD + b"\r\n")
        await stream.read_until(b'{"status":"ok"}')
        await asyncio.sleep(0.1)
    await until(lambda: queues(short) == (1, 0, 0, 0))
    assert await to_end(stream) == b""
    assert queues(short) == (0, 0, 0, 0) and not connections(short).open


@pytest.mark.gen_test
async def test_after_pipelined_requests_the_connection_is_idle(short):
    stream = await short.connect()
    paths = [b"/healthz", b"/readyz", b"/none"] * 7
    await stream.write(b"".join(HEAD.replace(b"/healthz", path) + b"\r\n" for path in paths))
    for _ in range(7):
        for end in (b'{"status":"ok"}', b'{"status":"ready"}', b'address."}}'):
            await stream.read_until(end)
    await until(lambda: queues(short) == (1, 0, 0, 0))
    stream.close()
    await until(lambda: not connections(short).open)


@pytest.mark.gen_test
async def test_a_connection_has_no_limit_while_it_streams_and_is_kept_after(short):
    stream = await short.send(model="say=a;wait=0.8;say=b")
    await stream.until("delta")
    assert queues(short) == (0, 0, 0, 0) and len(connections(short).open) == 1
    while stream.answer.events[-1].name != "end":
        await stream.until("end")
    assert stream.answer.text == "ab"
    await until(lambda: queues(short) == (1, 0, 0, 0))
    await until(lambda: not connections(short).open)
    assert queues(short) == (0, 0, 0, 0)


@pytest.mark.gen_test
async def test_clients_that_leave_are_forgotten(short):
    streams = [await short.send(model="say=a;stall") for _ in range(5)]
    for stream in streams:
        await stream.until("delta")
    for stream in streams:
        stream.close()
    await until(lambda: not connections(short).open and not short.application.streams)
    assert not connections(short).per_address and queues(short) == (0, 0, 0, 0)


@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
@pytest.mark.gen_test
async def test_a_reader_of_a_plain_response_that_takes_nothing_is_let_go(serve, settings, version):
    chat = serve(replace(settings, write_timeout=0.5))
    answer = await chat.ask(model="fill=200x10000")
    for _ in range(2):
        await chat.ask(model="fill=200x10000", conversation_id=answer.start["conversation_id"])
    path = f"/c/{answer.start['conversation_id']}.md".encode()
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        sock.connect(("127.0.0.1", chat.port))
        sock.sendall(b"GET " + path + b" HTTP/" + version + b"\r\nHost: localhost\r\n\r\n")
        await until(lambda: queues(chat)[3] == 1)
        assert (await chat.request("GET", "/healthz")).status == 200
        await until(lambda: not connections(chat).open)
    assert queues(chat) == (0, 0, 0, 0)


def test_addresses_are_counted_by_customer():
    assert address_key(("192.0.2.7", 1)) == "192.0.2.7"
    assert address_key(("::ffff:192.0.2.7", 1, 0, 0)) == "192.0.2.7"
    assert address_key(("2001:db8:1:2:3::4", 1, 0, 0)) == "2001:db8:1:2::/64"
    assert address_key(("fe80::1%eth0", 1, 0, 2)) == "fe80::/64"
    assert address_key("") == address_key(b"") == address_key(()) == ""


def test_a_refusal_says_when_to_retry():
    head, _, body = refusal(503, "full", "Full.", 5).decode().partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 503 Service Unavailable\r\n") and "Retry-After: 5" in head
    assert f"Content-Length: {len(body)}" in head
    assert json.loads(body)["error"] == {"code": "full", "message": "Full.", "retry_after": 5}


@pytest.mark.gen_test
async def test_a_request_that_arrived_while_the_server_did_not_run_is_answered(serve, settings):
    chat = serve(replace(settings, header_timeout=0.5, body_timeout=0.5, keep_alive_timeout=0.5))
    await chat.request("GET", "/healthz")
    data = chat.encode("POST", "/api/conversations", {"title": "t"}, {})
    for begun in (0, 10, len(data) - 5):
        stream = await chat.connect()
        await stream.write(data[:begun])
        await asyncio.sleep(0.1)
        stream.socket.setblocking(True)
        stream.socket.sendall(data[begun:])
        stream.socket.setblocking(False)
        time.sleep(1.5)  # noqa: ASYNC251  (this thread is the server's)
        assert (await read_head(stream)).status == 201
        stream.close()


@pytest.mark.gen_test
async def test_what_is_not_sent_at_once_is_sent_in_order(chat):
    """The stream's queues of what is to be written are no deques, as they are in an IOStream."""
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    stream, reader = ClientStream(ours, "x", connections(chat), 1 << 20), IOStream(theirs)
    assert type(reader._write_futures) is deque is type(reader._write_buffer._buffers)
    pieces = [bytes([65 + n % 26]) * (1000 + 777 * n) for n in range(60)]
    written = [stream.write(piece) for piece in pieces]
    assert not written[-1].done() and len(stream._write_futures) > 50
    assert await reader.read_bytes(sum(map(len, pieces))) == b"".join(pieces)
    await asyncio.gather(*written)
    assert not stream._write_futures and not stream.writing()
    last = stream.write(b"x" * 1_000_000)
    stream.close()
    with pytest.raises(StreamClosedError):
        await last
    reader.close()
