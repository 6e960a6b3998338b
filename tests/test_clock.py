"""Nothing depends on the wall clock, which jumps when it is set or when a laptop wakes up."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

DAY = 86_400


@pytest.fixture
def jump(monkeypatch):
    """Returns a function that moves the clock of this process, by a number of seconds."""
    now, now_ns, offset = time.time, time.time_ns, [0]
    monkeypatch.setattr(time, "time", lambda: now() + offset[0])
    monkeypatch.setattr(time, "time_ns", lambda: now_ns() + offset[0] * 10**9)

    def move(seconds: int) -> None:
        offset[0] += seconds

    return move


@pytest.mark.gen_test
async def test_an_answer_goes_on(chat, jump):
    stream = await chat.send(model="gap=0.02;count=30")
    jumps = {5: DAY, 10: -2 * DAY, 15: DAY}
    async for event in stream:
        jump(jumps.get(event.id, 0))
    answer = stream.answer
    assert (answer.end["state"], answer.text) == ("done", "".join(f"t{n} " for n in range(30)))
    times = [event.data["t"] for event in answer.events]
    assert times == sorted(times) and times[-1] < 10_000


@pytest.mark.gen_test
async def test_timeouts_of_silence_are_unchanged(serve, settings, jump):
    chat = serve(replace(settings, idle_timeout=0.3))
    stream = await chat.send(model="say=a;stall")
    await stream.until("delta")
    jump(-DAY)
    answer = await stream.read()
    assert (answer.end["state"], answer.end["error"]["code"]) == ("cut_off", "idle_timeout")
    assert answer.end["timings"]["total_ms"] < 10_000


@pytest.mark.gen_test
async def test_the_order_is_that_of_writing(chat, jump):
    first = await chat.ask("first", model="say=1")
    jump(-DAY)
    second = await chat.ask("second", model="say=2")
    id = first.start["conversation_id"]
    await chat.ask("third", model="say=3", conversation_id=id)
    listed = (await chat.request("GET", "/api/conversations")).json()["conversations"]
    assert [c["id"] for c in listed] == [id, second.start["conversation_id"]]
    jump(2 * DAY)
    await chat.ask("fourth", model="say=4", conversation_id=id)
    jump(-2 * DAY)
    await chat.ask("fifth", model="say=5", conversation_id=id)
    messages = (await chat.request("GET", f"/api/conversations/{id}")).json()["messages"]
    texts = [message["content"] for message in messages]
    assert texts == ["first", "1", "third", "3", "fourth", "4", "fifth", "5"]
