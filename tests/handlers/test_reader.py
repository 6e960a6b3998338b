"""A response that follows an answer holds nothing of its request."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Iterator

import pytest
from client import read_body, until
from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPServerRequest
from tornado.web import RequestHandler

from tornado_stream.handlers.pieces import WHOLE
from tornado_stream.handlers.reader import Reader

pytestmark = pytest.mark.both_ways

CHAT = {"messages": [{"role": "user", "content": "hi"}], "model": "say=a;hold", "stream": True}
#: What Tornado makes of a request.
REQUEST = (HTTP1Connection, HTTPServerRequest, RequestHandler)


@pytest.fixture
def no_collection() -> Iterator[None]:
    """What remains in a reference cycle stays."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def held(application) -> list[object]:
    """Handlers of this server, and requests and connections that Tornado has given away. (The fake
    upstream is made of Tornado, too.)"""
    found = [one for one in gc.get_objects() if isinstance(one, REQUEST)]
    requests = [one for one in found if isinstance(one, HTTPServerRequest)]
    given_away = [one for one in found if isinstance(one, HTTP1Connection) and one.stream is None]
    handlers = [one for one in found if getattr(one, "application", None) is application]
    return handlers + given_away + [one for one in requests if one.connection.stream is None]


@pytest.mark.parametrize("kind", ["stream", "resumed", "text", "program"])
@pytest.mark.gen_test
async def test_a_waiting_response_holds_nothing_of_its_request(
    chat, upstream, caplog, no_collection, kind
):
    caplog.set_level(logging.INFO, "tornado_stream.access")
    if kind == "program":
        stream = await chat.open("POST", "/v1/chat/completions", CHAT)
    else:
        stream = await chat.send(model="say=a;hold")
        start = (await stream.until("start")).data
    paths = {
        "resumed": lambda: f"/stream/{start['generation_id']}",
        "text": lambda: f"/c/{start['conversation_id']}.txt",
    }
    if kind in paths:
        first, stream = stream, await chat.open("GET", paths[kind]())
        first.close()
    await until(lambda: upstream.open_streams and len(chat.application.streams) == 1)
    assert not held(chat.application)
    upstream.released.set()
    head, body = stream.response.headers, await stream.connection.read_until(b"0\r\n\r\n")
    assert head["transfer-encoding"] == "chunked" and body
    await until(lambda: not chat.application.streams)
    line = caplog.records[-1]
    assert line.getMessage().startswith(("POST /", "GET /")) and line.fields["generation"]
    assert line.fields["request"] == head["x-request-id"]
    stream.close()


@pytest.mark.gen_test
async def test_the_head_comes_together_with_the_first_event(chat, upstream):
    connection = await chat.connect()
    await connection.write(chat.encode("POST", "/stream", {"message": "hi", "model": "hold"}, {}))
    first = await connection.read_bytes(65536, partial=True)
    assert first.startswith(b"HTTP/1.1 200 OK\r\n") and b"event: start\n" in first
    connection.close()


@pytest.mark.gen_test
async def test_a_connection_is_closed_where_its_client_asks_for_that(chat):
    stream = await chat.open("POST", "/stream", {"message": "hi"}, {"Connection": "close"})
    assert stream.response.headers["connection"] == "close"
    data = await stream.connection.read_until_close()
    assert data.endswith(b"0\r\n\r\n")
    stream = await chat.open("POST", "/stream", {"message": "hi"})
    assert "connection" not in stream.response.headers
    await stream.read()


@pytest.mark.gen_test
async def test_the_program_reads_a_reader_as_an_open_response(chat, upstream):
    stream = await chat.send(model="hold")
    (response,) = chat.application.streams
    assert isinstance(response, Reader)
    response.abandon()
    await until(lambda: not chat.application.streams)
    stream.close()
    await asyncio.sleep(0)


@pytest.mark.gen_test
async def test_a_text_that_is_sent_in_pieces_has_one_head(chat, upstream):
    """The head and the first pieces leave before the running answer is followed."""
    first = (await (await chat.send("x" * (WHOLE + 1), model="say=a")).read()).start
    stream = await chat.send("y", conversation_id=first["conversation_id"], model="say=bc;hold")
    await stream.until("delta")
    text = await chat.open("GET", f"/c/{first['conversation_id']}.txt")
    await until(lambda: len(chat.application.streams) == 2)
    upstream.released.set()
    body = await read_body(text.connection, text.response)
    assert len(body) > WHOLE and body.endswith(b"bc") and b"HTTP/1.1" not in body
    await stream.read()
    text.close()
