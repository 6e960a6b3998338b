"""Conversations over HTTP: listing, reading, changing, deleting, exporting, continuing."""

from __future__ import annotations

import asyncio
import io
import json
import random
import re
import uuid
from contextlib import aclosing
from dataclasses import replace
from zipfile import ZipFile

import pytest
from client import read_body, read_chunk, until
from tornado.iostream import StreamClosedError

from tornado_stream.chat.export import conversation_json, export, message_json
from tornado_stream.handlers.pieces import WHOLE
from tornado_stream.store.base import StoreError
from tornado_stream.values.errors import NotFound
from tornado_stream.values.messages import branch

MEMBERS = {
    "id",
    "files",
    "parts",
    "waiting",
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


# -- everything at once


async def exported(chat, path="/api/export"):
    response = await chat.request("GET", path)
    assert response.status == 200 and response.headers["content-type"] == "application/zip"
    archive = ZipFile(io.BytesIO(response.body))
    assert archive.testzip() is None
    return {name: archive.read(name).decode() for name in archive.namelist()}


async def large(chat, sizes=(300_000, 800_000, 10, 700_000)):
    """The id of a conversation with questions of these sizes, each a branch of its own."""
    id = (await chat.ask("first", model="say=a")).start["conversation_id"]
    for size in sizes:
        text = "ä" + "abc\n" * (size // 4)
        answer = await chat.ask(text, conversation_id=id, model="say=b", parent_id=None)
        assert answer.text == "b"
    return id


@pytest.mark.gen_test
async def test_a_large_conversation_is_sent_in_pieces_and_is_the_same(chat):
    id = await large(chat)
    store = chat.application.store
    conversation, messages = await store.conversation(id), await store.messages(id)
    response = await chat.request("GET", f"/api/conversations/{id}")
    assert response.headers["transfer-encoding"] == "chunked"
    assert response.json() == {
        **conversation_json(conversation),
        "waiting": None,
        "messages": [message_json(message) for message in messages],
        "generation_ids": [],
    }
    thread = branch(messages, conversation.current_id)
    for form, part in (("json", messages), ("md", thread), ("txt", thread)):
        response = await chat.request("GET", f"/c/{id}.{form}")
        assert response.body == export(form, conversation, part)
        head = await chat.request("HEAD", f"/c/{id}.{form}")
        assert (head.status, head.body) == (200, b"")
    small = (await chat.ask("small", model="say=a")).start["conversation_id"]
    response = await chat.request("GET", f"/api/conversations/{small}")
    assert WHOLE > int(response.headers["content-length"]) == len(response.body)


@pytest.mark.gen_test
async def test_the_running_answer_of_a_large_conversation(chat, upstream):
    id = await large(chat, [800_000])
    stream = await chat.send("last", conversation_id=id, model="say=one;hold;say=two")
    await stream.until("delta")
    data = await get(chat, f"/api/conversations/{id}")
    assert (data["messages"][-1]["content"], data["messages"][-1]["last_event_id"]) == ("one", 2)
    text = await chat.open("GET", f"/c/{id}.txt")
    while not (await read_chunk(text.connection)).endswith(b"\none"):
        pass
    upstream.released.set()
    assert await read_body(text.connection, text.response) == b"two"
    await stream.read()


@pytest.mark.gen_test
async def test_clients_that_read_nothing_hold_little_and_are_limited(serve, settings):
    chat = serve(replace(settings, write_timeout=1.0))
    id = await large(chat, [800_000] * 16)
    service = chat.application.conversations
    readers = [await chat.open("GET", f"/api/conversations/{id}") for _ in range(8)]
    refused = await chat.request("GET", f"/api/conversations/{id}")
    assert (refused.status, refused.json()["error"]["code"]) == (429, "too_many_readers")
    await until(lambda: not service._reading)  # they are let go
    for reader in readers:
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError, StreamClosedError)):
            await read_body(reader.connection, reader.response)
    assert len((await get(chat, f"/api/conversations/{id}"))["messages"]) == 34


@pytest.mark.gen_test
async def test_a_large_conversation_that_is_deleted_meanwhile_is_cut_off(chat):
    id = await large(chat, [800_000] * 16)
    reader = await chat.open("GET", f"/c/{id}.json")
    assert (await chat.request("DELETE", f"/api/conversations/{id}")).status == 204
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError, StreamClosedError)):
        await read_body(reader.connection, reader.response)


@pytest.mark.gen_test
async def test_all_conversations_are_exported_as_one_archive(chat):
    assert await exported(chat) == {}
    first = (await chat.ask("about bread", model="say=Flour.")).start["conversation_id"]
    await chat.ask("about bread?", conversation_id=first, parent_id=None, model="say=Water.")
    other = chat.application.conversations
    await other.create("anna", "not mine", None)
    stream = await chat.send("about salt", model="say=So far;hold")
    second = (await stream.until("start")).data["conversation_id"]
    await stream.until("delta")
    files = await exported(chat)
    assert set(files) == {
        f"json/{first}.json",
        f"markdown/about bread {first}.md",
        f"json/{second}.json",
        f"markdown/about salt {second}.md",
    }
    one = await chat.request("GET", f"/c/{first}.json")
    assert files[f"json/{first}.json"] == one.body.decode()
    assert "Flour." in files[f"json/{first}.json"]
    assert "Flour." not in files[f"markdown/about bread {first}.md"]
    assert "Water." in files[f"markdown/about bread {first}.md"]
    assert "So far\n\n*(still being written)*" in files[f"markdown/about salt {second}.md"]
    head = await chat.request("HEAD", "/api/export")
    assert (head.status, head.body) == (200, b"")
    named = r"attachment; filename=\"(conversations-\d{4}-\d\d-\d\d\.zip)\"; filename\*=UTF-8''\1"
    assert re.fullmatch(named, head.headers["content-disposition"])


@pytest.mark.gen_test
async def test_a_user_exports_once_at_a_time_and_a_client_may_leave(chat):
    service = chat.application.conversations
    await chat.ask("hi", model="say=a")
    pieces = service.export_all("local")
    await anext(pieces)
    refused = await chat.request("GET", "/api/export")
    assert (refused.status, refused.json()["error"]["code"]) == (429, "export_running")
    assert refused.headers["retry-after"] == "10"
    assert len([piece async for piece in service.export_all("anna")]) == 1
    await pieces.aclose()
    for number in range(40):
        system = random.randbytes(200_000).hex()
        await chat.application.conversations.create("local", f"{number}", system)
    stream = await chat.open("GET", "/api/export")
    assert service._exporting
    stream.close()
    await until(lambda: not service._exporting)
    assert len(await exported(chat)) == 82


@pytest.mark.gen_test
async def test_an_export_that_the_store_cuts_off_is_no_whole_archive(chat, monkeypatch):
    for number in range(3):
        system = random.randbytes(300_000).hex()  # no small response
        await chat.application.conversations.create("local", f"{number}", system)
    read, calls = chat.application.conversations.open, []

    async def breaks(owner, id, **which):
        calls.append(id)
        if len(calls) > 2:
            raise StoreError("the disk is gone")
        return await read(owner, id, **which)

    monkeypatch.setattr(chat.application.conversations, "open", breaks)
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError, StreamClosedError)):
        await chat.request("GET", "/api/export")
    refused = await chat.request("GET", "/api/export")
    assert (refused.status, refused.json()["error"]["code"]) == (503, "not_saved")


@pytest.mark.gen_test
@pytest.mark.parametrize("body", [None, {}, {"all": False}, {"all": 1}, {"all": "true"}, []])
async def test_all_is_deleted_only_on_demand(chat, body):
    await chat.ask("hi", model="say=a")
    response = await chat.request("DELETE", "/api/conversations", body)
    assert response.status == 400
    if body is None:
        assert '{"all": true}' in response.json()["error"]["message"]
    assert len((await get(chat, "/api/conversations"))["conversations"]) == 1


@pytest.mark.gen_test
async def test_all_conversations_of_one_user_are_deleted(chat, upstream):
    for number in range(3):
        await chat.ask(f"zebra {number}", model="say=a")
    await chat.application.conversations.create("anna", "hers", None)
    stream = await chat.send("quagga", model="say=one;hold")
    await stream.until("delta")
    response = await chat.request("DELETE", "/api/conversations", {"all": True})
    assert (response.status, response.json()) == (200, {"deleted": 4})
    assert (await stream.read()).end["state"] == "stopped"
    assert (await get(chat, "/api/conversations"))["conversations"] == []
    assert len(await chat.application.store.for_owner("anna").conversation_ids()) == 1
    for path in chat.application.config.data_dir.glob("chat.db*"):
        assert b"zebra" not in path.read_bytes() and b"quagga" not in path.read_bytes()
    again = await chat.request("DELETE", "/api/conversations", {"all": True})
    assert again.json() == {"deleted": 0}


@pytest.mark.gen_test
async def test_an_export_reads_a_long_conversation_in_parts(chat, monkeypatch):
    """A conversation that is deleted meanwhile ends with what was read: nothing was kept back."""
    id = (await chat.ask("first", model="say=a")).start["conversation_id"]
    await chat.ask("second", model="say=b", conversation_id=id)
    conversations = chat.application.conversations
    read = conversations.messages_at

    async def goes(owner, places, **more):
        async with aclosing(read(owner, places, **more)) as messages:
            yield await anext(messages)
        await conversations.delete(owner, id)
        raise NotFound("It is gone.")

    monkeypatch.setattr(conversations, "messages_at", goes)
    response = await chat.request("GET", "/api/export")
    with ZipFile(io.BytesIO(response.body)) as archive:
        (name,) = archive.namelist()
        assert [m["content"] for m in json.loads(archive.read(name))["messages"]] == ["first"]


async def many(chat, count):
    """Create so many conversations; returns their ids, the newest first."""
    ids = []
    for number in range(count):
        response = await chat.request("POST", "/api/conversations", {"title": f"n{number}"})
        ids.insert(0, response.json()["id"])
    return ids


def ids_of(items):
    return [item["id"] for item in items]


@pytest.mark.gen_test
async def test_conversations_are_pinned_archived_and_put_into_folders(chat):
    c, b, a = await many(chat, 3)
    changed = await chat.request(
        "PATCH", f"/api/conversations/{a}", {"pinned": True, "folder": "  My\n\u0001work "}
    )
    assert changed.status == 200
    place = {"pinned": True, "archived": False, "folder": "My work"}
    assert changed.json().items() >= place.items()
    assert (await get(chat, f"/api/conversations/{a}")).items() >= place.items()
    assert (await get(chat, f"/c/{a}.json")).items() >= place.items()
    before = await chat.request("GET", "/api/conversations?sections=true")
    assert ids_of(before.json()["conversations"]) == [c, b]
    body = {"ids": [b.upper(), "unknown"], "changes": {"folder": "My work"}}
    response = await chat.request("PATCH", "/api/conversations", body)
    assert (response.status, response.json()) == (200, {"changed": 1})
    etag = {"If-None-Match": before.headers["etag"]}
    after = await chat.request("GET", "/api/conversations?sections=true", headers=etag)
    assert after.status == 200
    etag = {"If-None-Match": after.headers["etag"]}
    again = await chat.request("GET", "/api/conversations?sections=true", headers=etag)
    assert again.status == 304
    data = after.json()
    assert ids_of(data["conversations"]) == [c]
    assert ids_of(data["pinned"]) == [a] and data["pinned"][0].items() >= place.items()
    assert data["folders"] == [{"name": "My work", "count": 1}]
    assert ids_of((await get(chat, "/api/conversations?folder=My+work"))["conversations"]) == [b, a]
    assert ids_of((await get(chat, "/api/conversations"))["conversations"]) == [c, b, a]
    await chat.request("PATCH", f"/api/conversations/{a}", {"archived": True})
    assert ids_of((await get(chat, "/api/conversations"))["conversations"]) == [c, b]
    assert ids_of((await get(chat, "/api/conversations?archived=true"))["conversations"]) == [a]
    assert ids_of((await get(chat, "/api/conversations?q=n0"))["conversations"]) == [a]
    found = await get(chat, "/api/conversations?q=n0&archived=false")
    assert found["conversations"] == []
    body = {"folder": "My work", "changes": {"folder": None, "archived": False}}
    response = await chat.request("PATCH", "/api/conversations", body)
    assert response.json() == {"changed": 2}
    assert (await get(chat, "/api/conversations?sections=true"))["folders"] == []


@pytest.mark.gen_test
async def test_many_are_deleted_at_once_and_none_of_another_user(chat, upstream):
    hers = await chat.application.conversations.create("anna", "hers", None)
    stream = await chat.send("quagga", model="say=one;hold")
    running = (await stream.until("start")).data["conversation_id"]
    keep, gone = await many(chat, 2)
    body = {"ids": [gone, running, hers.id]}
    response = await chat.request("DELETE", "/api/conversations", body)
    assert (response.status, response.json()) == (200, {"deleted": 2})
    assert (await stream.read()).end["state"] == "stopped"
    assert ids_of((await get(chat, "/api/conversations"))["conversations"]) == [keep]
    assert len(await chat.application.store.for_owner("anna").conversation_ids()) == 1


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("PATCH", "", {}, "changes must be"),
        ("PATCH", "", {"ids": ["a"], "changes": {}}, "changes must be"),
        ("PATCH", "", {"ids": ["a"], "changes": {"pinned": True, "title": "t"}}, "only pinned"),
        ("PATCH", "", {"changes": {"pinned": True}}, "ids must be"),
        ("PATCH", "", {"ids": [], "changes": {"pinned": True}}, "ids must be"),
        ("PATCH", "", {"ids": [1], "changes": {"pinned": True}}, "ids must be"),
        ("PATCH", "", {"ids": ["a"] * 501, "changes": {"pinned": True}}, "At most 500"),
        ("PATCH", "", {"ids": ["a"], "folder": "f", "changes": {"pinned": True}}, "either"),
        ("PATCH", "", {"ids": ["a"], "changes": {"archived": 1}}, "archived must be"),
        ("PATCH", "", {"ids": ["a"], "changes": {"folder": "f" * 101}}, "100 characters"),
        ("DELETE", "", {"ids": ["a"] * 501}, "At most 500"),
        ("DELETE", "", {"ids": []}, "ids must be"),
        ("DELETE", "", {"ids": ["a"], "all": True}, "must be"),
        ("GET", "?archived=1", None, "archived must be true, false or any"),
        ("GET", "?sections=any", None, "sections must be"),
        ("GET", "?sections=true&folder=a", None, "goes with neither"),
        ("GET", "?sections=true&archived=any", None, "goes with neither"),
    ],
)
async def test_what_cannot_be_done_with_many_is_said(chat, method, path, body, words):
    response = await chat.request(method, f"/api/conversations{path}", body)
    assert response.status == 400
    assert words in response.json()["error"]["message"]
