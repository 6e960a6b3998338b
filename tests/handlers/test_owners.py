"""A user sees only their own conversations; every other one is not found."""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import replace

import pytest
from chat.imports import samples
from chat.imports.exports import dump
from client import until
from pictures import answer_picture

from tornado_stream.handlers import checks

from .test_doors import ID, every_route, methods


@pytest.fixture
def owned(serve, settings, monkeypatch):
    """A server that takes the owner of a request from the header X-Owner, and lets users share."""

    def owner_of(services, request, route):
        return request.headers.get("X-Owner", "local")

    monkeypatch.setattr(checks, "owner_of", owner_of)
    return serve(replace(settings, sharing=True))


OTHER = {"X-Owner": "other"}


@pytest.mark.both_ways
@pytest.mark.gen_test
@pytest.mark.parametrize("running", [False, True])
async def test_conversations_of_another_user_are_not_found(owned, upstream, running):
    stream = await owned.send("hi", **({"model": "say=one;hold"} if running else {}))
    start = (await stream.until("start")).data
    if not running:
        await stream.read()
    home, answer = start["conversation_id"], start["generation_id"]
    for method, path, body in [
        ("GET", f"/api/conversations/{home}", None),
        ("PATCH", f"/api/conversations/{home}", {"title": "mine"}),
        ("DELETE", f"/api/conversations/{home}", {}),
        ("GET", f"/c/{home}.md", None),
        ("GET", f"/c/{home}.json", None),
        ("GET", f"/c/{home}.txt", None),
        ("GET", f"/stream/{answer}", None),
        ("POST", f"/stream/{answer}/stop", {}),
        ("POST", "/stream", {"message": "hi", "conversation_id": home}),
        ("POST", "/stream", {"continue": start["message_id"]}),
    ]:
        response = await owned.request(method, path, body, OTHER)
        assert (response.status, response.json()["error"]["code"]) == (404, "not_found"), path
    listed = await owned.request("GET", "/api/conversations", headers=OTHER)
    assert listed.json()["conversations"] == []
    found = await owned.request("GET", "/api/conversations?q=hi", headers=OTHER)
    assert found.json()["conversations"] == []
    mine = (await owned.request("GET", f"/api/conversations/{home}")).json()
    assert mine["title"].startswith("hi")
    assert [m["state"] for m in mine["messages"]] == [None, "running" if running else "done"]
    assert len(upstream.requests) == 1
    stream.close()


@pytest.mark.both_ways
@pytest.mark.gen_test
@pytest.mark.parametrize("at_once", [False, True])
async def test_the_request_id_of_another_user_is_refused(owned, upstream, at_once):
    body = {"message": "hi", "request_id": str(uuid.uuid4())}
    if at_once:
        first, second = await asyncio.gather(
            owned.open("POST", "/stream", body), owned.open("POST", "/stream", body, OTHER)
        )
    else:
        first = await owned.open("POST", "/stream", body)
        await first.until("end")
        second = await owned.open("POST", "/stream", body, OTHER)
    answers = {stream.response.status: await stream.read() for stream in (first, second)}
    assert set(answers) == {200, 409}
    assert answers[409].response.json()["error"]["code"] == "request_id_reused"
    assert answers[200].end["state"] == "done"
    assert len(upstream.requests) == 1


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_no_route_gives_a_file_of_another_user(owned, upstream):
    """The ids of a file and of a picture of an answer in every place of every route, for their
    owner's bytes and text."""
    words, picture = b"the words of this file", answer_picture(3000)
    file = (await owned.request("POST", "/api/files?name=secret.txt", words)).json()
    answer = await owned.ask("hi", files=[file["id"]], model="say=ok;picture=3000")
    start = answer.start
    [drawn] = [one["file_id"] for event in answer.events for one in event.data.get("images", ())]
    held = await owned.send("more", model="hold", conversation_id=start["conversation_id"])
    await held.until("start")
    await until(lambda: len(upstream.requests) == 2)
    question = {"request_id": str(uuid.uuid4()), "message": "a", "files": [file["id"]]}
    path = f"/api/conversations/{start['conversation_id']}/waiting"
    assert (await owned.request("PUT", path, question)).status == 200
    before = len(upstream.requests)
    tried = 0
    for handler, path in every_route(owned.application):
        for method in methods(handler):
            for id in (file["id"], drawn, start["conversation_id"]):
                ids = [drawn] if id == drawn else [file["id"]]
                body = {"message": "a", "files": ids, "ids": ids, "request_id": str(uuid.uuid4())}
                response = await owned.request(method, path.replace(ID, id), body, OTHER)
                for secret in (words, b"secret.txt", picture[-500:]):
                    assert secret not in response.body, (method, path)
                tried += 1
    assert tried > 200
    assert len(upstream.requests) == before
    # A temporary chat leaves out what its user does not have.
    history = [
        {"role": "user", "content": "hi", "files": [file["id"]]},
        {"role": "assistant", "content": "ok", "files": [drawn]},
    ]
    temporary = {"message": "a", "keep": False, "history": history, "model": "say=nothing"}
    asked = await owned.open("POST", "/stream", temporary, OTHER)
    assert (await asked.read()).text == "nothing"
    told = json.dumps(upstream.requests[-1]["messages"])
    assert "words" not in told and "image_url" not in told and "secret.txt" not in told
    for path in (f"/api/files/{file['id']}", f"/api/files/{file['id']}/text"):
        assert (await owned.request("GET", path)).body == words
    assert (await owned.request("GET", f"/api/files/{drawn}")).body == picture
    message = (await owned.request("GET", f"/api/conversations/{start['conversation_id']}")).json()
    assert [one["id"] for one in message["messages"][0]["files"]] == [file["id"]]


#: A word in everything that the user of the next test has.
SECRET = "capybara"


async def with_everything(owned):
    """Make two answers that run beside each other, a link to one, an import and a preset. Returns
    the streams, and the ids of all."""
    one = await owned.send(f"{SECRET}?", model=f"say={SECRET} one;stall")
    start = (await one.until("start")).data
    home, question = start["conversation_id"], start["user_message_id"]
    beside = {"conversation_id": home, "parent_id": question, "beside": True}
    two = await owned.send(None, model=f"say={SECRET} two;stall", **beside)
    second = (await two.until("start")).data
    for stream in (one, two):
        await stream.until("delta")
    body = {"leaf_id": start["message_id"], "live": True}
    share = await owned.request("POST", f"/api/conversations/{home}/shares", body)
    export = dump([samples.claude() | {"name": SECRET}])
    begun = await owned.request("POST", f"/api/imports?name={SECRET}.json", export)
    preset = await owned.request("POST", "/api/presets", {"name": SECRET, "model": "m"})
    id = begun.json()["id"]
    await until(lambda: owned.application.imports.get("local", id).state == "done")
    (imported,) = set(await owned.application.store.conversation_ids()) - {home}
    answers = [
        answer[name] for answer in (start, second) for name in ("message_id", "generation_id")
    ]
    ids = [home, question, *answers, share.json()["id"], id, imported, preset.json()["id"]]
    return [one, two], ids


async def all_of(owned, ids):
    """Everything that a user sees of their own."""
    paths = [f"/api/{name}" for name in ("conversations", "shares", "imports", "presets")]
    paths += [f"/api/conversations/{id}" for id in ids]
    return [(await owned.request("GET", path)).body for path in paths]


@pytest.mark.wide
@pytest.mark.gen_test(timeout=120)
async def test_no_route_gives_or_changes_what_another_compares_shares_or_imports(owned, upstream):
    """The id of each of these, in every place of every route."""
    streams, ids = await with_everything(owned)
    before, asked, tried = await all_of(owned, ids), len(upstream.requests), 0
    for handler, path in every_route(owned.application):
        for id in ids:
            bodies = [
                {},
                {"title": "mine", "version": 1, "name": "mine", "ids": [id], "archived": True},
                {"leaf_id": id, "live": True},
            ]
            if ID not in path:
                bodies = [
                    {"message": "a", "conversation_id": id},
                    {"message": None, "parent_id": id, "beside": True, "model": "say=x"},
                    {"continue": id},
                    {"message": "a", "preset": id},
                    {"ids": [id], "archived": True},
                ]
            for method in methods(handler):
                for body in bodies if method in ("POST", "PUT", "PATCH") else bodies[:1]:
                    named = path.replace(ID, id)
                    response = await owned.request(method, named, body, OTHER)
                    assert SECRET.encode() not in response.body, (method, named, body)
                    tried += 1
    assert tried > 1000 and len(upstream.requests) == asked
    assert await all_of(owned, ids) == before, "nothing was changed"
    assert len(owned.application.generations) == 2, "nothing was stopped"
    for stream in streams:
        stream.close()
