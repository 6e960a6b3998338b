"""The requests of a connection are served one after the other, whoever reads them."""

from __future__ import annotations

import asyncio
import socket

import pytest
from client import Client, read_body, read_chunk, read_head, until

from tornado_stream.net.connection_loop import Peer

HI = {"message": "hi", "model": "say=ab"}
GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def answer_on(connection) -> None:
    assert (await read_head(connection)).status == 200
    text = b""
    while piece := await read_chunk(connection):
        text += piece
    assert b"event: end\n" in text and b'"state":"done"' in text


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_what_comes_behind_a_question_is_answered_after_it(chat, upstream):
    question = chat.encode("POST", "/stream", HI, {})
    for later in (False, True):
        connection = await chat.connect()
        if later:
            held = chat.encode("POST", "/stream", {"message": "x", "model": "say=ab;hold"}, {})
            await connection.write(held)
            await until(lambda: upstream.open_streams)
            await connection.write(question + GET + question)
            await asyncio.sleep(0.02)
            upstream.released.set()
        else:
            await connection.write(question * 2 + GET + question)
        await answer_on(connection)
        await answer_on(connection)
        assert (await read_body(connection, await read_head(connection))) == b'{"status":"ok"}'
        await answer_on(connection)
        connection.close()


def test_a_peer_has_its_address():
    assert Peer(("::1", 80, 0, 0)).remote_ip == str(Peer(("::1", 80, 0, 0))) == "::1"
    assert Peer("").remote_ip == "0.0.0.0"  # a Unix socket


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_a_connection_that_is_reset_at_once_harms_nobody(chat):
    for _ in range(20):
        sock = socket.create_connection(("127.0.0.1", chat.port))
        sock.sendall(chat.encode("POST", "/stream", HI, {}))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        sock.close()
        await asyncio.sleep(0)
    connections = chat.application.keep_alive.__self__.connections
    await until(lambda: not connections.open and not chat.application.streams)
    assert (await chat.ask(**HI)).text == "ab"


@pytest.mark.gen_test
async def test_a_bug_in_it_ends_one_connection(chat: Client, caplog):
    server = chat.application.keep_alive.__self__

    def broken(stream, peer, data):
        raise RuntimeError("a bug")

    server.short_way = broken
    connection = await chat.connect()
    await connection.write(GET)
    assert await connection.read_until_close() == b""
    server.short_way = None
    assert (await chat.request("GET", "/healthz")).status == 200
    assert "RuntimeError: a bug" in caplog.text
    caplog.clear()


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_all_connections_are_closed_whatever_is_sent_on_them(chat, upstream):
    server = chat.application.keep_alive.__self__
    streams = [await chat.send(model="say=a;hold") for _ in range(3)]
    idle = await chat.connect()
    await until(lambda: len(server.connections.open) == 4)
    await server.close_all_connections()
    assert not server.connections.open and not server._serving
    for stream in streams:
        stream.close()
    assert await idle.read_until_close() == b""
    upstream.released.set()
