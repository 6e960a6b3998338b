"""A request above a limit is refused before anything is stored or asked, with an error that says
which limit it is."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace

import pytest
from client import until

pytestmark = pytest.mark.both_ways


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
    await until(lambda: not chat.application.generations._places.taken)


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
    assert not chat.application.generations._places.taken
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


@pytest.mark.gen_test
async def test_a_stored_conversation_has_a_limit(serve, settings, upstream):
    """Of all branches together, whatever made them; a new conversation is what helps."""
    chat = serve(replace(settings, max_stored_conversation=1000))
    id = (await chat.ask("ä" * 300, model="say=" + "b" * 300)).start["conversation_id"]
    said = await refused(
        chat, 413, "conversation_full", message="z" * 130, conversation_id=id, parent_id=None
    )
    assert "1000 bytes" in said and "Start a new conversation." in said
    assert len(upstream.requests) == 1
    more = await chat.ask("z" * 80, conversation_id=id, parent_id=None, model="say=c")
    assert more.text == "c"
    assert (await chat.request("GET", f"/api/conversations/{id}")).status == 200
    assert (await chat.ask("z" * 100, model="say=c")).text == "c"


@pytest.mark.gen_test
async def test_the_messages_of_a_conversation_are_limited(serve, settings, upstream):
    chat = serve(replace(settings, max_messages=5))
    id = (await chat.ask(model="say=a")).start["conversation_id"]
    again = await chat.ask(None, conversation_id=id, parent_id=None, model="say=b")
    assert again.response.status == 400
    assert (await chat.ask(conversation_id=id, model="say=b")).text == "b"
    said = await refused(chat, 413, "conversation_full", message="hi", conversation_id=id)
    assert "5 messages" in said
    user = (await chat.request("GET", f"/api/conversations/{id}")).json()["messages"][2]["id"]
    fits = await chat.ask(None, conversation_id=id, parent_id=user, model="say=c")
    assert fits.text == "c"


@pytest.mark.parametrize("limit", [{"max_messages": 3}, {"max_stored_conversation": 12}])
@pytest.mark.gen_test
async def test_a_call_that_is_kept_has_the_same_limit(serve, settings, upstream, limit):
    chat = serve(replace(settings, **limit))
    ask = {"model": "say=a", "messages": [{"role": "user", "content": "hello"}]}
    for path, keep, count, status in [
        ("/v1/chat/completions", {"Tornado-Stream-Keep": "1"}, 3, 413),
        ("/v1/chat/completions", {"Tornado-Stream-Keep": "1"}, 1, 200),
        ("/v1/chat/completions", {}, 3, 200),
    ]:
        body = {**ask, "messages": ask["messages"] * count}
        response = await chat.request("POST", path, body, keep)
        assert response.status == status
        if status == 413:
            error = response.json()["error"]
            assert (
                error["code"] == "conversation_full" and "Tornado-Stream-Keep" in error["message"]
            )
            assert not upstream.requests
