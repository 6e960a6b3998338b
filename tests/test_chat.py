"""ChatService's own rules that do not show over HTTP; the rest is in handlers/test_streams.py."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from tornado_stream.chat import SendRequest, _leave_out, _title, _wire_messages
from tornado_stream.errors import Unavailable
from tornado_stream.messages import Message


def message(role: str, content: str, id: str = "m") -> Message:
    return Message(id, "c", None, role, content, 1)


def test_titles_are_one_short_line():
    assert _title("  What is\n\n this? ") == "What is this?"
    assert len(_title("word " * 100)) <= 80 and _title("word " * 100).endswith("…")


def test_the_fingerprint_does_not_depend_on_the_order_of_options():
    one = SendRequest("a", "hi", options={"x": 1, "y": 2})
    other = SendRequest("b", "hi", options={"y": 2, "x": 1})
    assert one.fingerprint == other.fingerprint
    assert one.fingerprint != SendRequest("a", "hi", options={"x": 1}).fingerprint
    assert one.fingerprint != SendRequest("a", None, options={"x": 1, "y": 2}).fingerprint
    given = SendRequest("a", "hi", parent_given=True)
    assert given.fingerprint != SendRequest("a", "hi").fingerprint


def test_roles_alternate_and_the_system_comes_first():
    history = [
        message("user", "a"),
        message("assistant", ""),
        message("user", "b"),
        message("assistant", "c"),
        message("user", "d"),
    ]
    assert _wire_messages("be kind", history) == [
        {"role": "system", "content": "be kind"},
        {"role": "user", "content": "a\n\nb"},
        {"role": "assistant", "content": "c"},
        {"role": "user", "content": "d"},
    ]


def test_whole_turns_are_left_out():
    history = [message(r, c) for r, c in [("user", "1"), ("assistant", "1"), ("user", "2")]]
    assert [m.content for m in _leave_out(history, 0)[0]] == ["1", "1", "2"]
    assert [m.content for m in _leave_out(history, 1)[0]] == ["2"]
    assert _leave_out(history, 5)[1] == 1


@pytest.mark.gen_test
async def test_a_store_that_fails_fails_everyone_who_waits_and_nothing_is_sent(chat, upstream):
    service, store = chat.application.chat, chat.application.store

    async def broken(turn):
        await asyncio.sleep(0.01)
        raise OSError("disk")

    begin, store.begin = store.begin, broken
    request = SendRequest(str(uuid.uuid4()), "hi")
    results = await asyncio.gather(
        *(service.send(request) for _ in range(3)), return_exceptions=True
    )
    assert [type(r) for r in results] == [OSError] * 3
    assert not upstream.requests
    store.begin = begin  # the same request, once it can be kept, is answered
    generation = await service.send(request)
    assert generation.id == request.request_id


@pytest.mark.gen_test
async def test_draining_takes_nothing_new_but_knows_the_old(chat):
    answer = await chat.ask("hi", request_id=(id := str(uuid.uuid4())), model="say=a")
    chat.application.chat.draining = True
    with pytest.raises(Unavailable):
        await chat.application.chat.send(SendRequest(str(uuid.uuid4()), "hi"))
    refused = await chat.request("POST", "/stream", {"message": "hi"})
    assert (refused.status, refused.json()["error"]["code"]) == (503, "draining")
    again = await chat.ask("hi", request_id=id, model="say=a")
    assert again.events[-1].data == answer.events[-1].data
    assert (await chat.resume(id)).text == "a"
    assert (await chat.stop(id)).status == 200
