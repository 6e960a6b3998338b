"""Rules of ChatService that HTTP does not show; handlers/test_streams.py has the others."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from tornado_stream.chat.requests import SendRequest
from tornado_stream.store.base import StoreError
from tornado_stream.values.errors import Unavailable


@pytest.mark.gen_test
async def test_when_the_store_fails_every_waiting_request_fails_and_nothing_is_sent(chat, upstream):
    service, store = chat.application.chat, chat.application.store

    async def broken(new_answer):
        await asyncio.sleep(0.01)
        raise OSError("disk")

    begin, store.begin = store.begin, broken
    request = SendRequest(str(uuid.uuid4()), "hi")
    results = await asyncio.gather(
        *(service.send(request) for _ in range(3)), return_exceptions=True
    )
    assert [type(r) for r in results] == [OSError] * 3
    assert not upstream.requests
    store.begin = begin  # now the store works, and the same request is answered
    generation = await service.send(request)
    assert generation.id == request.request_id


@pytest.mark.gen_test
async def test_an_unsaved_answer_is_part_of_the_next_request(chat, upstream):
    store = chat.application.store
    append = store.append

    async def refused(batch):
        raise StoreError("disk full")

    store.append = refused
    first = await chat.ask("one", model="say=1")
    assert first.end["saved"] is False
    await chat.ask("two", conversation_id=first.start["conversation_id"], model="say=2")
    store.append = append
    assert [m["content"] for m in upstream.requests[1]["messages"]] == ["one", "1", "two"]


@pytest.mark.gen_test
async def test_while_draining_no_answer_begins_but_former_ones_are_found(chat):
    answer = await chat.ask("hi", request_id=(id := str(uuid.uuid4())), model="say=a")
    chat.application.generations.draining = True
    with pytest.raises(Unavailable):
        await chat.application.chat.send(SendRequest(str(uuid.uuid4()), "hi"))
    refused = await chat.request("POST", "/stream", {"message": "hi"})
    assert (refused.status, refused.json()["error"]["code"]) == (503, "draining")
    again = await chat.ask("hi", request_id=id, model="say=a")
    assert again.events[-1].data == answer.events[-1].data
    assert (await chat.resume(id)).text == "a"
    assert (await chat.stop(id)).status == 200
