"""Several answers to one message that run at a time, over HTTP."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace

import pytest
from client import until
from deadlines import at_most

LONG = "gap=0.002;count=2000"


async def question(chat, model="say=a;stall", **more):
    """A question whose answer is running: its stream, and its `start`."""
    stream = await chat.send("which one?", model=model, **more)
    return stream, (await stream.until("start")).data


def beside(start, model="say=b;stall", **more):
    """The body of a request for another answer to the same question."""
    return {
        "message": None,
        "conversation_id": start["conversation_id"],
        "parent_id": start["user_message_id"],
        "model": model,
        "beside": True,
        "request_id": str(uuid.uuid4()),
        **more,
    }


async def refused(chat, body):
    response = await chat.request("POST", "/stream", body)
    return response.status, response.json()["error"]


async def stop_all(chat, *starts):
    for start in starts:
        await chat.stop(start["generation_id"])


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_three_models_answer_one_question(chat, upstream):
    models = ["gap=0.02;count=20", "gap=0.005;count=80", "gap=0.001;count=200"]
    first, start = await question(chat, models[0])
    others = [await chat.send(**beside(start, model)) for model in models[1:]]
    answers = await asyncio.gather(*(stream.read() for stream in (first, *others)))
    for answer, count in zip(answers, (20, 80, 200), strict=True):
        assert answer.text == "".join(f"t{n} " for n in range(count))
        assert answer.end["state"] == "done"
        assert [e.id for e in answer.events] == list(range(1, len(answer.events) + 1))
        assert answer.start["user_message_id"] == start["user_message_id"]
    assert [request["model"] for request in upstream.requests] == models
    assert all(r["messages"] == upstream.requests[0]["messages"] for r in upstream.requests)
    path = f"/api/conversations/{start['conversation_id']}"
    stored = (await chat.request("GET", path)).json()
    assert stored["current_id"] == start["message_id"] and stored["generation_ids"] == []
    question_id, *texts = [(m["parent_id"], m["content"]) for m in stored["messages"]]
    assert texts == [(start["user_message_id"], answer.text) for answer in answers]


@pytest.mark.timed
@pytest.mark.gen_test
async def test_no_answer_waits_for_another(chat):
    """At 10, 50 and 200 tokens a second, an event is at its reader soon after the server has it."""
    models = [f"gap={1 / speed};count={speed}" for speed in (10, 50, 200)]
    first, start = await question(chat, models[0])
    others = (chat.ask(**beside(start, model)) for model in models[1:])
    for answer in await asyncio.gather(first.read(), *others):
        deltas = [event for event in answer.events if event.name == "delta"]
        late = [event.at - event.data["t"] / 1000 for event in deltas]
        assert max(late) - min(late) <= at_most(0.1)


@pytest.mark.gen_test
async def test_lists_and_conversations_name_all_answers_that_run(chat):
    first, start = await question(chat)
    second = await chat.send(**beside(start))
    other = (await second.until("start")).data
    await second.until("delta")
    ids = [start["generation_id"], other["generation_id"]]
    (listed,) = (await chat.request("GET", "/api/conversations")).json()["conversations"]
    assert (listed["generation_id"], listed["generation_ids"]) == (ids[0], ids)
    path = f"/api/conversations/{start['conversation_id']}"
    stored = (await chat.request("GET", path)).json()
    assert (stored["generation_ids"], stored["current_id"]) == (ids, start["message_id"])
    running = [m for m in stored["messages"] if m["state"] == "running"]
    assert [m["generation_id"] for m in running] == ids
    assert [(m["content"], m["last_event_id"]) for m in running][1] == ("b", 2)
    await chat.stop(ids[0])
    (listed,) = (await chat.request("GET", "/api/conversations")).json()["conversations"]
    assert (listed["generation_id"], listed["generation_ids"]) == (ids[1], ids[1:])
    await chat.stop(ids[1])


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_anything_else_finds_the_conversation_busy(chat, upstream):
    _, earlier = await question(chat, "say=earlier")
    home = earlier["conversation_id"]
    first, start = await question(chat, "say=a;stall", conversation_id=home)
    second = await chat.send(**beside(start))
    other = (await second.until("start")).data
    ids = [start["generation_id"], other["generation_id"]]
    for body in (
        {"message": "more", "conversation_id": home},
        beside(start, beside=False),
        beside(earlier),  # another question's answer
    ):
        status, error = await refused(chat, body)
        assert (status, error["code"]) == (409, "conversation_busy")
        assert (error["generation_id"], error["generation_ids"]) == (ids[0], ids)
    await chat.stop(ids[0])  # those beside it still run
    assert (await refused(chat, {"message": "more", "conversation_id": home}))[0] == 409
    await chat.stop(ids[1])
    assert (await chat.ask("more", conversation_id=home, model="say=c")).text == "c"
    assert len(upstream.requests) == 4


@pytest.mark.gen_test
async def test_the_limit_of_answers_beside_each_other(chat, serve, settings):
    _, start = await question(chat)
    started = [start]
    for _ in range(2):
        started.append((await (await chat.send(**beside(start))).until("start")).data)
    response = await chat.request("POST", "/stream", fourth := beside(start))
    assert (response.status, response.json()["error"]["code"]) == (429, "too_many_answers")
    assert int(response.headers["retry-after"]) > 0
    await chat.stop(started[1]["generation_id"])
    assert (await chat.send(**fourth)).response.status == 200
    one = serve(replace(settings, max_beside=1))
    _, start = await question(one)
    assert (await refused(one, beside(start)))[0] == 429


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"beside": "yes"}, "beside must be true or false."),
        ({"message": "a question"}, "beside is for another answer"),
        ({"parent_id": None}, "beside is for another answer"),
        ({"keep": False, "message": None}, "names what is stored"),
    ],
)
@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_what_cannot_run_beside_others_is_refused(chat, upstream, change, message):
    start = (await chat.ask(model="say=a")).start
    status, error = await refused(chat, beside(start) | change)
    assert (status, error["code"]) == (400, "invalid_request") and message in error["message"]
    assert len(upstream.requests) == 1


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_five_clients_that_send_the_same_request_get_one_answer(chat, upstream):
    _, start = await question(chat)
    body = beside(start, "gap=0.01;count=5")
    answers = await asyncio.gather(*(chat.ask(**body) for _ in range(5)))
    answers.append(await chat.ask(**body))
    events = [[(e.id, e.data) for e in answer.events] for answer in answers]
    assert all(each == events[0] for each in events) and len(upstream.requests) == 2
    status, error = await refused(chat, body | {"beside": False})
    assert (status, error["code"]) == (409, "request_id_reused")
    await chat.stop(start["generation_id"])


@pytest.mark.gen_test
async def test_stopping_one_changes_no_byte_of_the_others(chat):
    first, start = await question(chat, LONG)
    second, third = [await chat.send(**beside(start, LONG)) for _ in range(2)]
    await second.until("delta")
    stopped = await chat.stop((second.answer.start)["generation_id"])
    assert stopped.json()["state"] == "stopped"
    assert (await second.read()).end["state"] == "stopped"
    for stream in (first, third):
        answer = await stream.read()
        assert answer.text == "".join(f"t{n} " for n in range(2000))
        again = await chat.resume(answer.start["generation_id"])
        assert [(e.id, e.data) for e in again.events] == [(e.id, e.data) for e in answer.events]


@pytest.mark.gen_test
async def test_one_that_was_stopped_goes_on_beside_the_others(chat, upstream):
    first, start = await question(chat, "hold")
    second = await chat.send(**beside(start, "say=begun ;stall"))
    await second.until("delta")
    old = second.answer.start
    await chat.stop(old["generation_id"])
    more = {"continue": old["message_id"], "model": "say=and ended", "beside": True}
    rest = await (await chat.open("POST", "/stream", more)).read()
    assert (rest.text, rest.start["continued_from"]) == ("begun and ended", old["message_id"])
    upstream.released.set()
    assert (await first.read()).end["state"] == "done"
    path = f"/api/conversations/{start['conversation_id']}"
    assert (await chat.request("GET", path)).json()["current_id"] == start["message_id"]


@pytest.mark.gen_test
async def test_deleting_the_conversation_stops_all(chat, upstream):
    _, start = await question(chat)
    for _ in range(2):
        await (await chat.send(**beside(start))).until("delta")
    await until(lambda: len(upstream.open_streams) == 3)
    path = f"/api/conversations/{start['conversation_id']}"
    assert (await chat.request("DELETE", path)).status == 204
    await until(lambda: not upstream.open_streams)
    assert (await chat.request("GET", path)).status == 404


@pytest.mark.gen_test
async def test_a_question_waits_for_all_and_follows_the_one_that_is_shown(chat, upstream):
    first, start = await question(chat, "say=first")
    second = await chat.send(**beside(start, "hold;say=second"))
    third = await chat.send(**beside(start, "hold;say=third"))
    chosen = (await second.until("start")).data
    await first.read()
    path = f"/api/conversations/{start['conversation_id']}"
    id = str(uuid.uuid4())
    waiting = {"request_id": id, "message": "and then?", "model": "say=then"}
    assert (await chat.request("PUT", f"{path}/waiting", waiting)).json()["generation_id"] is None
    await chat.request("PATCH", path, {"current_id": chosen["message_id"]})
    assert len(upstream.requests) == 3
    upstream.released.set()
    await asyncio.gather(second.read(), third.read())
    await until(lambda: len(upstream.requests) == 4)
    said = [message["content"] for message in upstream.requests[3]["messages"]]
    assert said == ["which one?", "second", "and then?"]
    assert (await chat.resume(id)).text == "then"
