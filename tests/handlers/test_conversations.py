"""Conversations over HTTP: listing, reading, changing, deleting, exporting, continuing."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from client import until

MEMBERS = {
    "id",
    "parent_id",
    "role",
    "content",
    "reasoning",
    "refusal",
    "tool_calls",
    "model",
    "state",
    "finish_reason",
    "usage",
    "error",
    "timings",
    "generation_id",
    "continued_from",
    "created_at",
    "upstream",
    "cost",
    "sources",
    "sent",
}


async def get(chat, path):
    response = await chat.request("GET", path)
    assert response.status == 200, response.body
    return response.json()


@pytest.mark.gen_test
async def test_a_conversation_is_read_as_the_contract_says(chat):
    answer = await chat.ask("What is\nrain?", model="think=hm;say=Water.;usage=3;finish=stop;done")
    id = answer.start["conversation_id"]
    conversation = await get(chat, f"/api/conversations/{id}")
    assert (conversation["id"], conversation["title"]) == (id, "What is rain?")
    assert conversation["system"] is None
    assert conversation["current_id"] == answer.start["message_id"]
    user, assistant = conversation["messages"]
    assert set(user) == set(assistant) == MEMBERS
    assert (user["role"], user["content"], user["state"]) == ("user", "What is\nrain?", None)
    assert user["parent_id"] is None and assistant["parent_id"] == user["id"]
    assert (assistant["content"], assistant["reasoning"]) == ("Water.", "hm")
    assert (assistant["state"], assistant["finish_reason"]) == ("done", "stop")
    assert assistant["usage"]["completion_tokens"] == 3
    assert assistant["timings"] == answer.end["timings"]
    assert assistant["upstream"] == answer.end["upstream"] == "openai"
    assert assistant["generation_id"] == answer.start["generation_id"]


@pytest.mark.gen_test
async def test_a_running_message_and_the_events_after_it_are_the_whole(chat):
    stream = await chat.send(model="gap=0.003;count=100")
    start = (await stream.until("start")).data
    for _ in range(5):
        await stream.until("delta")
        conversation = await get(chat, f"/api/conversations/{start['conversation_id']}")
        message = conversation["messages"][-1]
        assert message["state"] == "running"
        rest = await chat.resume(start["generation_id"], message["last_event_id"])
        assert message["content"] + rest.text == "".join(f"t{n} " for n in range(100))
        if rest.end:
            break
    await stream.read()
    message = (await get(chat, f"/api/conversations/{start['conversation_id']}"))["messages"][-1]
    assert message["state"] == "done" and "last_event_id" not in message


@pytest.mark.gen_test
async def test_the_list_is_newest_first_and_shows_running_answers(chat):
    first = (await chat.ask("first", model="say=1")).start
    stream = await chat.send("second", model="say=2;stall")
    second = (await stream.until("start")).data
    listed = (await get(chat, "/api/conversations"))["conversations"]
    assert [c["title"] for c in listed] == ["second", "first"]
    assert listed[0]["generation_id"] == second["generation_id"]
    assert listed[1]["generation_id"] is None
    await chat.stop(second["generation_id"])
    await chat.ask("again", conversation_id=first["conversation_id"], model="say=3")
    listed = (await get(chat, "/api/conversations"))["conversations"]
    assert [c["title"] for c in listed] == ["first", "second"]
    assert [c["generation_id"] for c in listed] == [None, None]


@pytest.mark.gen_test
async def test_the_list_has_pages_and_an_etag(chat):
    for n in range(5):
        await chat.request("POST", "/api/conversations", {"title": f"c{n}"})
    titles, before = [], ""
    while True:
        page = await get(chat, "/api/conversations?limit=2" + (before and f"&before={before}"))
        titles += [c["title"] for c in page["conversations"]]
        if page["next"] is None:
            break
        before = page["next"]
    assert titles == ["c4", "c3", "c2", "c1", "c0"]
    response = await chat.request("GET", "/api/conversations")
    tag = {"If-None-Match": response.headers["etag"]}
    assert (await chat.request("GET", "/api/conversations", headers=tag)).status == 304
    await chat.request("POST", "/api/conversations", {})
    assert (await chat.request("GET", "/api/conversations", headers=tag)).status == 200
    for bad in ("limit=x", "limit=-1", "before=%27"):
        assert (await chat.request("GET", f"/api/conversations?{bad}")).status == 400


@pytest.mark.gen_test
async def test_search_finds_words_and_says_where(chat):
    start = (await chat.ask("about the weather", model="say=It rains in 北京市 today")).start
    await chat.ask("something else", model="say=nothing of that kind")
    for query in ("rains", "RAINS in", "%E5%8C%97%E4%BA%AC", "weather"):
        path = f"/api/conversations?q={query.replace(' ', '%20')}"
        found = (await get(chat, path))["conversations"]
        assert [c["id"] for c in found] == [start["conversation_id"]], query
        assert "\ue000" in found[0]["snippet"] and "\ue001" in found[0]["snippet"]
        assert found[0]["message_id"] in (start["message_id"], start["user_message_id"])
    assert (await get(chat, "/api/conversations?q=absent"))["conversations"] == []


@pytest.mark.gen_test
async def test_a_conversation_is_created_and_changed(chat, upstream):
    made = await chat.request("POST", "/api/conversations", {"title": "T", "system": "Be brief."})
    assert made.status == 201
    id = made.json()["id"]
    await chat.ask("hi", conversation_id=id, model="say=a")
    assert upstream.requests[0]["messages"][0] == {"role": "system", "content": "Be brief."}
    changed = await chat.request(
        "PATCH", f"/api/conversations/{id}", {"title": "U", "system": None, "other": 1}
    )
    assert (changed.status, changed.json()["title"], changed.json()["system"]) == (200, "U", None)
    assert (await get(chat, f"/api/conversations/{id}"))["title"] == "U"


@pytest.mark.gen_test
async def test_the_current_branch_can_be_chosen(chat, upstream):
    start = (await chat.ask("one", model="say=1")).start
    id = start["conversation_id"]
    await chat.ask("uno", conversation_id=id, parent_id=None, model="say=1b")
    body = {"current_id": start["message_id"]}
    assert (await chat.request("PATCH", f"/api/conversations/{id}", body)).status == 200
    await chat.ask("two", conversation_id=id, model="say=2")
    assert [m["content"] for m in upstream.requests[2]["messages"]] == ["one", "1", "two"]
    for wrong in ("nonsense", str(uuid.uuid4()), 5):
        body = {"current_id": wrong}
        assert (await chat.request("PATCH", f"/api/conversations/{id}", body)).status == 400


@pytest.mark.gen_test
async def test_deleting_stops_what_runs_and_forgets_it(chat, upstream):
    stream = await chat.send(model="say=a;stall")
    start = (await stream.until("start")).data
    await stream.until("delta")
    path = f"/api/conversations/{start['conversation_id']}"
    assert (await chat.request("DELETE", path, headers={"Content-Type": None})).status == 204
    assert (await stream.read()).end["state"] == "stopped"
    await until(lambda: upstream.closed_at)
    assert (await chat.request("GET", path)).status == 404
    assert (await chat.request("DELETE", path)).status == 404
    assert (await chat.request("GET", f"/stream/{start['generation_id']}")).status == 404
    assert (await get(chat, "/api/conversations"))["conversations"] == []


@pytest.mark.gen_test
async def test_unknown_conversations_are_404(chat):
    id = uuid.uuid4()
    for method, path in [
        ("GET", f"/api/conversations/{id}"),
        ("PATCH", f"/api/conversations/{id}"),
        ("DELETE", f"/api/conversations/{id}"),
        ("GET", f"/c/{id}.md"),
        ("GET", f"/c/{id}.json"),
        ("GET", f"/c/{id}.txt"),
    ]:
        response = await chat.request(method, path, {})
        assert (response.status, response.json()["error"]["code"]) == (404, "not_found")
    assert (await chat.request("GET", f"/c/{id}")).status == 200  # the page itself reports it


@pytest.mark.gen_test
async def test_exports(chat):
    start = (await chat.ask("Why?", model="say=Because **so**.")).start
    id = start["conversation_id"]
    markdown = await chat.request("GET", f"/c/{id}.md")
    assert markdown.headers["content-type"] == "text/markdown; charset=utf-8"
    assert "Because **so**." in markdown.body.decode()
    whole = await chat.request("GET", f"/c/{id}.json")
    assert [m["role"] for m in whole.json()["messages"]] == ["user", "assistant"]
    text = await chat.request("GET", f"/c/{id}.txt")
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert text.body.decode().endswith("Because **so**.\n\n")


@pytest.mark.gen_test
async def test_the_text_of_a_running_answer_is_live(chat):
    stream = await chat.send("count", model="gap=0.005;count=60")
    id = (await stream.until("start")).data["conversation_id"]
    await stream.until("delta")
    tail = asyncio.ensure_future(chat.request("GET", f"/c/{id}.txt"))
    answer = await stream.read()
    text = (await tail).body.decode()
    assert text.startswith("count\n\nYou:\ncount\n\n")
    assert text.endswith(":\n" + answer.text)


@pytest.mark.parametrize("ending", ["close", "stall"])
@pytest.mark.gen_test
async def test_an_answer_that_broke_off_is_continued(chat, upstream, ending):
    stream = await chat.send("tell me", model=f"think=hm;say=Once upon a time ;{ending}")
    start = (await stream.until("start")).data
    await stream.until("delta")
    if ending == "stall":
        await asyncio.sleep(0.05)
        await chat.stop(start["generation_id"])
    await stream.read()
    rest = await chat.ask(None, **{"continue": start["message_id"], "model": "say=there was."})
    assert rest.start["continued_from"] == start["message_id"]
    assert rest.start["user_message_id"] == start["user_message_id"]
    assert rest.start["conversation_id"] == start["conversation_id"]
    assert rest.events[1].data["content"] == "Once upon a time "
    assert rest.events[1].data["reasoning"] == "hm"
    assert rest.text == "Once upon a time there was."
    asked = upstream.requests[1]["messages"]
    assert [m["role"] for m in asked] == ["user", "assistant", "user"]
    assert asked[1]["content"] == "Once upon a time "
    conversation = await get(chat, f"/api/conversations/{start['conversation_id']}")
    assert conversation["current_id"] == rest.start["message_id"]
    message = conversation["messages"][-1]
    assert (message["content"], message["state"]) == ("Once upon a time there was.", "done")
    assert message["continued_from"] == start["message_id"]
    assert len(upstream.requests) == 2


@pytest.mark.gen_test
async def test_text_that_the_model_repeats_is_left_out(chat):
    first = await chat.ask("tell", model="say=The fox jumps over the lazy;close")
    again = "say=fox jumps ;say=over the lazy dog."
    rest = await chat.ask(None, **{"continue": first.start["message_id"], "model": again})
    assert rest.text == "The fox jumps over the lazy dog."


@pytest.mark.gen_test
async def test_only_an_answer_that_broke_off_can_be_continued(chat):
    done = (await chat.ask("hi", model="say=a")).start
    empty = (await chat.ask("hi", model="status=500")).start
    for target, status in [
        (done["message_id"], 400),
        (empty["message_id"], 400),
        (done["user_message_id"], 404),
        (str(uuid.uuid4()), 404),
        (5, 400),
    ]:
        response = await chat.request("POST", "/stream", {"continue": target})
        assert response.status == status, target
    both = {"continue": done["message_id"], "message": "x"}
    assert (await chat.request("POST", "/stream", both)).status == 400
