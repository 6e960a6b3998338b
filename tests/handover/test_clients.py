"""Connections that are passed and not taken: their clients notice nothing."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest
from client import read_body, read_head
from tornado.ioloop import IOLoop

from tornado_stream.handover.clients import adopt, pass_connection
from tornado_stream.net.passing import Channel, close_all, in_memory


async def get(stream, chat) -> int:
    await stream.write(chat.encode("GET", "/healthz", None, {}))
    response = await read_head(stream)
    await read_body(stream, response)
    return response.status


@pytest.mark.gen_test
async def test_a_connection_whose_request_was_read_just_now_is_not_passed(chat):
    """Its head is on the way to the handler, and nothing of it is in the buffer any more."""
    connections = chat.application.keep_alive.__self__.connections
    client = await chat.connect()
    assert await get(client, chat) == 200
    while not connections.without_request():  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    (stream,) = connections.without_request()
    await client.write(chat.encode("GET", "/healthz", None, {}))
    while stream in connections.idle:  # as the loop does when bytes have come
        stream._handle_events(stream.fileno(), IOLoop.READ)
    assert connections.without_request() == []
    assert (await read_head(client)).status == 200
    client.close()


@pytest.mark.parametrize("how", ["refuses", "closes", "closed before"])
@pytest.mark.gen_test
async def test_a_connection_that_is_not_taken_stays(chat, serve, settings, how):
    server = chat.application.keep_alive.__self__
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def answer(channel, message, descriptors, reply) -> None:
        close_all(descriptors)
        if how == "refuses":
            reply({"refused": "no"}, ())
        else:
            channel.close()

    channel, other = Channel(mine, answer), Channel(theirs, answer)
    if how == "closed before":
        other.close()
    stream = await chat.connect()
    assert await get(stream, chat) == 200
    half = await chat.connect()
    await half.write(b"GET /healthz HTTP/1.1\r\nHo")
    new = await chat.connect()
    while len(server.connections.without_request()) < 3:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    before = len(os.listdir("/proc/self/fd"))
    asked = [pass_connection(one, channel) for one in server.connections.without_request()]
    assert not server.connections.without_request()
    await asyncio.wait(asked)
    await asyncio.sleep(0)
    assert len(server.connections.without_request()) == 3
    assert len(server.connections.open) == 3
    await half.write(b"st: localhost\r\n\r\n")
    assert (await read_head(half)).status == 200
    assert await get(stream, chat) == await get(new, chat) == 200
    assert len(os.listdir("/proc/self/fd")) <= before
    channel.close()
    other.close()
    for one in (stream, half, new):
        one.close()


@pytest.mark.parametrize("when", ["before", "meanwhile"])
@pytest.mark.gen_test
async def test_a_process_that_ends_takes_no_connection(chat, when):
    """It would close the connection before the request is served."""
    server = chat.application.keep_alive.__self__
    one, other = socket.socketpair()
    replies: list[dict] = []
    message = {"connection": True, "request": True}
    if when == "before":
        server.stop()
    passed = [other.detach(), in_memory(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")]
    adopt(chat.application, server, message, passed, lambda reply, _: replies.append(reply))
    server.stop()  # while it looks for new sessions
    while not replies:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    assert "about to end" in replies[0]["refused"] and not server.connections.open
    assert one.recv(1) == b"", "its descriptor is closed"
    one.close()
