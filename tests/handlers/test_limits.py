"""A request above a limit is refused before anything is stored or asked, with an error that says
which limit it is."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace

import pytest
from client import until


async def refused(chat, status, code, **fields):
    """The error message of a refused request. The refusal leaves the conversations unchanged."""
    before = (await chat.request("GET", "/api/conversations")).body
    response = await chat.request("POST", "/stream", {"message": "hi", **fields})
    error = response.json()["error"]
    assert (response.status, error["code"]) == (status, code)
    assert (await chat.request("GET", "/api/conversations")).body == before
    if status == 429:
        assert response.headers["retry-after"] == str(error["retry_after"])
    return error["message"]


@pytest.mark.parametrize("limit", ["max_answers", "max_answers_per_user"])
@pytest.mark.gen_test
async def test_the_number_of_running_answers_is_limited(serve, settings, upstream, limit):
    chat = serve(replace(settings, **{limit: 2}))
    id = str(uuid.uuid4())
    running = [
        await chat.send(model="say=a;hold", request_id=id),
        await chat.send(model="say=a;hold"),
    ]
    for stream in running:
        await stream.until("delta")
    await refused(chat, 429, "too_many_answers", model="say=b")
    again = await chat.send(model="say=a;hold", request_id=id)  # needs no second place
    assert (await again.until("delta")).data["content"] == "a"
    assert len(upstream.requests) == 2
    upstream.released.set()
    for stream in (*running, again):
        await stream.read()
    ended = await chat.ask(model="say=c", request_id=str(uuid.uuid4()))
    assert ended.text == "c"
    await until(lambda: not chat.application.generations._places)


@pytest.mark.gen_test
async def test_questions_of_the_same_moment_do_not_exceed_the_limit(serve, settings, upstream):
    """Each of them waits for the store between its admission and its start."""
    chat = serve(replace(settings, max_answers=2))
    ids = [(await chat.ask(model="say=a")).start["conversation_id"] for _ in range(5)]
    streams = await asyncio.gather(
        *(chat.send(conversation_id=id, model="say=b;hold") for id in ids)
    )
    assert sorted(stream.response.status for stream in streams) == [200, 200, 429, 429, 429]
    upstream.released.set()
    for stream in streams:
        await stream.read()


@pytest.mark.gen_test
async def test_a_request_that_fails_releases_its_place(serve, settings):
    chat = serve(replace(settings, max_answers=1))
    for _ in range(2):
        unknown = {"message": "hi", "conversation_id": str(uuid.uuid4())}
        assert (await chat.request("POST", "/stream", unknown)).status == 404
    assert not chat.application.generations._places
    assert (await chat.ask(model="say=a")).text == "a"


@pytest.mark.gen_test
async def test_the_size_of_a_message_is_limited(serve, settings, upstream):
    chat = serve(replace(settings, max_message=10))
    assert (await chat.ask("ä" * 5, model="say=a")).text == "a"
    said = await refused(chat, 413, "message_too_large", message="ä" * 5 + "b")
    assert "10 bytes" in said and len(upstream.requests) == 1


@pytest.mark.gen_test
async def test_the_size_of_a_conversation_is_limited(serve, settings, upstream):
    chat = serve(replace(settings, max_conversation=2048))
    first = await chat.ask("x" * 1000, model="say=" + "y" * 1000)
    id = first.start["conversation_id"]
    said = await refused(
        chat, 413, "conversation_too_large", message="z" * 1000, conversation_id=id
    )
    assert "2 KiB" in said and "Start a new conversation" in said and len(upstream.requests) == 1
    shorter = await chat.ask("z" * 1000, conversation_id=id, leave_out=1, model="say=b")
    assert shorter.text == "b"


@pytest.mark.gen_test
async def test_the_size_of_a_body_is_limited(serve, settings):
    chat = serve(replace(settings, max_body=100))
    said = await refused(chat, 413, "too_large", message="x" * 200)
    assert "100 bytes" in said
