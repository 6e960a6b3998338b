"""`POST /stream` past Tornado: which requests go that way, and that they get the same."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

import pytest
from client import Client, Stream, read_body, read_chunk, read_head, until
from tornado.web import RequestHandler

from tornado_stream.handlers.streams import StreamHandler
from tornado_stream.values.errors import Unavailable

HI = {"message": "hi", "model": "say=ab"}
GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def handlers(monkeypatch) -> list[RequestHandler]:
    """The handlers of `POST /stream` that are made from now on."""
    made: list[RequestHandler] = []
    initialize = StreamHandler.initialize

    def noting(self, *args, **kwargs):
        made.append(self)
        initialize(self, *args, **kwargs)

    monkeypatch.setattr(StreamHandler, "initialize", noting)
    return made


async def ask(connection, chat: Client, body=HI, headers=None, **more) -> str:
    """Send a question on this connection, and read its answer to the end."""
    await connection.write(chat.encode("POST", "/stream", body, headers or {}))
    return await answer_on(connection)


async def answer_on(connection) -> str:
    head = await read_head(connection)
    assert head.status == 200
    text = b""
    while piece := await read_chunk(connection):
        text += piece
    assert b"event: end\n" in text and b'"state":"done"' in text
    return text.decode()


@pytest.mark.gen_test
async def test_a_plain_question_makes_no_handler(chat, handlers):
    assert (await chat.ask(**HI)).text == "ab"
    page = {"Sec-Fetch-Site": "same-origin", "Origin": f"http://127.0.0.1:{chat.port}"}
    assert (await (await chat.open("POST", "/stream", HI, page)).read()).text == "ab"
    assert not handlers


@pytest.mark.parametrize("way", ["short", "tornado"])
@pytest.mark.gen_test
async def test_the_server_can_do_without_it(chat, handlers, way):
    assert (await chat.ask(**HI)).text == "ab"
    assert len(handlers) == (way == "tornado")


@pytest.mark.gen_test
async def test_it_is_open_again_after_each_request(chat, handlers):
    connection = await chat.connect()
    for _ in range(2):
        assert '"content":"ab"' in await ask(connection, chat)
        await connection.write(GET)
        assert (await read_body(connection, await read_head(connection))) == b'{"status":"ok"}'
    assert '"content":"ab"' in await ask(connection, chat)
    assert not handlers
    connection.close()


@pytest.mark.gen_test
async def test_with_a_base_path(serve, settings, handlers):
    chat = serve(replace(settings, base_path="/chat"))
    answer = await (await chat.open("POST", "/chat/stream", HI)).read()
    assert answer.text == "ab" and not handlers
    answer = await (await chat.open("POST", "/stream", HI)).read()
    assert answer.text == "ab" and len(handlers) == 1


@pytest.mark.gen_test
async def test_a_request_in_two_pieces_goes_to_tornado(chat, handlers):
    data = chat.encode("POST", "/stream", HI, {})
    for at in (1, len(data) - 20, len(data) - 1):
        connection = await chat.connect()
        connection.set_nodelay(True)
        await connection.write(data[:at])
        await asyncio.sleep(0.02)
        await connection.write(data[at:])
        assert '"content":"ab"' in await answer_on(connection)
        connection.close()
    assert len(handlers) == 3


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_an_answer_that_cannot_begin_is_tried_once(chat, caplog):
    """The reason reaches the client in Tornado's response, on a connection that stays open."""
    caplog.set_level(logging.INFO, "tornado_stream.access")
    begin, tries = chat.application.chat.send, []
    errors = [Unavailable("The disk is full.", code="disk_full"), RuntimeError("a bug")]

    async def failing(request):
        tries.append(request)
        await asyncio.sleep(0)
        raise errors[len(tries) - 1]

    chat.application.chat.send = failing
    connection = await chat.connect()
    for status, code in [(503, "disk_full"), (500, "server_error")]:
        await connection.write(chat.encode("POST", "/stream", HI, {}))
        head = await read_head(connection)
        assert head.status == status and code.encode() in await read_body(connection, head)
        lines = [r for r in caplog.records if r.name == "tornado_stream.access"]
        assert lines[-1].getMessage().startswith(f"POST /stream {status} ")
    assert len(tries) == 2
    assert "RuntimeError: a bug" in caplog.text
    caplog.clear()
    chat.application.chat.send = begin
    assert '"content":"ab"' in await ask(connection, chat)
    connection.close()


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_the_body_counts_while_its_answer_begins(chat):
    bodies, begin = chat.application.held_bodies, chat.application.chat.send
    held = []

    async def noting(request):
        held.append(bodies.held)
        return await begin(request)

    chat.application.chat.send = noting
    stream = await chat.send(**HI)
    assert held[0] > 20 and bodies.held == 0
    await stream.read()


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_no_more_bodies_than_there_may_be(serve, settings, upstream):
    chat = serve(replace(settings, max_bodies=1000))
    chat.application.held_bodies.held = 990
    refused = await chat.open("POST", "/stream", HI)
    assert refused.response.status == 503
    assert (await read_body(refused.connection, refused.response)).count(b"too_many_bodies") == 1
    refused.close()
    chat.application.held_bodies.held = 0
    small = serve(replace(settings, max_body=100))
    assert (await small.request("POST", "/stream", {"message": "x" * 100})).status == 413
    assert (await small.ask("x")).end["state"] == "done"


def comparable(stream: Stream) -> dict[str, str]:
    headers = dict(stream.response.headers)
    assert len(headers.pop("x-request-id")) == 16 and headers.pop("date").endswith("GMT")
    return headers


@pytest.mark.gen_test
async def test_both_ways_have_the_same_head(serve, settings):
    origin = "https://app.example"
    chat = serve(replace(settings, allowed_origins=(origin,)))
    for headers in ({}, {"Origin": origin}, {"Connection": "close"}):
        short = await chat.open("POST", "/stream", HI, headers)
        tornado = await chat.open("POST", "/stream", HI, headers | {"X-Odd": "\xe4"})
        assert comparable(short) == comparable(tornado)
        assert list(short.response.headers) == list(tornado.response.headers)
        await short.read()
        await tornado.read()


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_the_log_and_the_metrics_have_each_request_once(chat, caplog):
    caplog.set_level(logging.INFO, "tornado_stream.access")
    stream = await chat.send(**HI)
    await stream.read()
    await until(lambda: chat.application.metrics.requests)
    (line,) = [r for r in caplog.records if r.name == "tornado_stream.access"]
    assert line.getMessage().startswith("POST /stream 200 ")
    assert line.fields == {
        "request": stream.response.headers["x-request-id"],
        "client": "127.0.0.1",
        "owner": "local",
        "generation": stream.answer.start["generation_id"],
    }
    assert chat.application.metrics.requests == {("stream", "200"): 1}
