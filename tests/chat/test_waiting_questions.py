"""Questions that wait for the end of an answer, over HTTP."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace

import pytest
from client import until
from pictures import png

from tornado_stream.auth.users_file import User, write_users
from tornado_stream.chat import waiting_questions
from tornado_stream.chat.waiting_questions import REASONS
from tornado_stream.files import service

LONG = "gap=0.002;count=2000"


class Asked:
    """A conversation in which an answer is running, and the question that waits there."""

    def __init__(self, chat, stream, start) -> None:
        self.chat, self.stream, self.start = chat, stream, start
        self.id = start["conversation_id"]
        self.path = f"/api/conversations/{self.id}"
        self.request_id = str(uuid.uuid4())

    async def put(self, message="next", version=None, **more):
        body = {"request_id": self.request_id, "message": message, "version": version, **more}
        return await self.chat.request("PUT", f"{self.path}/waiting", body)

    async def take_back(self, **body):
        return await self.chat.request("DELETE", f"{self.path}/waiting", body or None)

    async def read(self):
        return (await self.chat.request("GET", self.path)).json()

    async def waiting(self):
        return (await self.read())["waiting"]

    async def held(self):
        """Why it is held, as soon as it is."""
        return (await self._read_until(lambda waiting: waiting["held"]))["waiting"]["held"]

    async def sent(self):
        """The conversation, as soon as nothing waits."""
        return await self._read_until(lambda waiting: waiting is None)

    async def _read_until(self, condition):
        while True:
            stored = await self.read()
            if condition(stored["waiting"]):
                return stored
            await asyncio.sleep(0.01)


async def asking(chat, model=LONG, **more) -> Asked:
    stream = await chat.send("first", model=model, **more)
    return Asked(chat, stream, (await stream.until("start")).data)


@pytest.mark.gen_test
async def test_it_is_asked_when_the_answer_is_done(chat, upstream):
    asked = await asking(chat, "gap=0.02;count=5")
    assert await asked.waiting() is None
    put = (await asked.put(model="say=second", options={"seed": 7})).json()
    shown = {name: put[name] for name in put if name != "generation_id"}
    assert shown == {
        "request_id": asked.request_id,
        "message": "next",
        "files": [],
        "model": "say=second",
        "options": {"seed": 7},
        "version": 1,
        "held": None,
    }
    assert put["generation_id"] is None and await asked.waiting() == shown
    assert (await asked.stream.read()).end["state"] == "done"
    body = {
        "request_id": asked.request_id,
        "message": "next",
        "model": "say=second",
        "options": {"seed": 7},
        "conversation_id": asked.id,
    }
    for parent in ({}, {"parent_id": asked.start["message_id"]}):  # its client sends it, too
        answer = await chat.ask(**body, **parent)
        assert (answer.text, answer.start["generation_id"]) == ("second", asked.request_id)
    other = await chat.request("POST", "/stream", body | {"parent_id": str(uuid.uuid4())})
    assert other.json()["error"]["code"] == "request_id_reused"
    stored = await asked.read()
    assert stored["waiting"] is None
    assert [m["content"] for m in stored["messages"] if m["role"] == "user"] == ["first", "next"]
    assert stored["messages"][2]["parent_id"] == asked.start["message_id"]
    assert [r["seed"] for r in upstream.requests if "seed" in r] == [7]


@pytest.mark.gen_test
async def test_it_is_asked_though_nobody_reads(chat):
    asked = await asking(chat, "gap=0.02;count=5")
    await asked.put()
    asked.stream.close()
    assert len((await asked.sent())["messages"]) == 4


@pytest.mark.gen_test
async def test_it_is_changed_and_taken_back(chat):
    asked = await asking(chat)
    assert (await asked.put()).json()["version"] == 1
    assert (await asked.put()).json()["version"] == 1  # the response was lost
    assert (await asked.put("changed", version=1)).json()["version"] == 2
    for stale in (await asked.put("other", version=1), await asked.take_back(version=1)):
        error = stale.json()["error"]
        assert (stale.status, error["code"], error["version"]) == (409, "changed_meanwhile", 2)
    assert (await asked.waiting())["message"] == "changed"
    for _ in range(2):
        assert (await asked.take_back(request_id=asked.request_id, version=2)).status == 204
    assert await asked.waiting() is None
    assert (await asked.put("late", version=2)).status == 409
    await asked.put()
    assert (await chat.request("DELETE", asked.path)).status == 204
    assert (await asked.put()).status == (await asked.take_back()).status == 404


@pytest.mark.gen_test
async def test_it_is_checked_like_a_message(serve, settings):
    chat = serve(replace(settings, max_message=50))
    asked = await asking(chat)
    for body in (
        {"message": "no id"},
        {"request_id": asked.request_id},
        {"request_id": asked.request_id, "message": " "},
        {"request_id": "1", "message": "next"},
        {"request_id": asked.request_id, "message": "next", "options": []},
        {"request_id": asked.request_id, "message": "next", "version": "1"},
        {"request_id": asked.request_id, "message": "next", "version": True},
        {"request_id": asked.request_id, "message": "next", "files": "x"},
        {"request_id": asked.request_id, "message": "", "files": []},
    ):
        refused = await chat.request("PUT", f"{asked.path}/waiting", body)
        assert refused.status == 400, body
    large = await asked.put("x" * 51)
    assert (large.status, large.json()["error"]["code"]) == (413, "message_too_large")
    reused = await asked.put(request_id=asked.start["generation_id"])
    assert (reused.status, reused.json()["error"]["code"]) == (409, "already_sent")
    other = await asking(chat)
    await asked.put()
    reused = await other.put(request_id=asked.request_id)
    assert (reused.status, reused.json()["error"]["code"]) == (409, "request_id_reused")
    assert await other.waiting() is None


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("model", "state"),
    [
        (LONG, "stopped"),
        ("gap=0.03;count=5;reset", "cut_off"),
        ("gap=0.03;count=5;error=boom", "error"),
    ],
)
async def test_it_is_held_if_the_answer_is_not_done(chat, upstream, model, state):
    asked = await asking(chat, model)
    await asked.put()
    if state == "stopped":
        await chat.stop(asked.start["generation_id"])
    assert (await asked.stream.read()).end["state"] == state
    assert await asked.held() == {"reason": state, "message": REASONS[state]}
    count = len(upstream.requests)
    assert (await asked.put("changed", version=1)).json()["held"]["reason"] == state
    answer = await chat.ask("other", conversation_id=asked.id)  # a held one waits for its user
    assert answer.end["state"] == "done" and len(upstream.requests) == count + 1
    stale = {"request_id": asked.request_id, "message": "next", "conversation_id": asked.id}
    assert (await chat.request("POST", "/stream", stale)).status == 409
    answer = await chat.ask(**stale | {"message": "changed"})
    assert answer.end["state"] == "done" and await asked.waiting() is None


@pytest.mark.gen_test
async def test_it_is_asked_at_once_after_an_answer_that_is_done(chat):
    asked = await asking(chat, "say=a")
    await asked.stream.read()
    put = (await asked.put()).json()
    assert put["generation_id"] == asked.request_id
    again = await asked.put()
    assert (again.status, again.json()["error"]["code"]) == (409, "already_sent")
    back = await asked.take_back(request_id=asked.request_id, version=1)
    assert back.json()["error"]["generation_id"] == asked.request_id
    assert (await chat.resume(asked.request_id)).end["state"] == "done"
    assert await asked.waiting() is None


@pytest.mark.gen_test
async def test_limits_and_a_drain_hold_it(serve, settings):
    chat = serve(replace(settings, max_conversation=60))
    asked = await asking(chat, "gap=0.02;say=a;say=b")
    await asked.put("x" * 59)
    await asked.stream.read()
    assert (await asked.held())["reason"] == "conversation_too_large"
    asked = await asking(chat, "gap=0.02;count=5")
    await asked.put()
    chat.application.generations.draining = True
    await asked.stream.read()
    assert (await asked.held())["reason"] == "draining"


@pytest.mark.gen_test
async def test_what_is_remembered_has_a_bound(chat, monkeypatch):
    monkeypatch.setattr(waiting_questions, "MOST", 1)
    one, two = await asking(chat), await asking(chat)
    await one.put()
    await two.put()
    assert (await one.waiting())["held"]["reason"] == "restarted"
    assert (await two.waiting())["held"] is None


@pytest.mark.gen_test
async def test_a_change_at_the_end_of_the_answer_is_asked_as_changed(chat):
    for number in range(10):
        asked = await asking(chat, "gap=0.003;count=5")
        await asked.put("one")
        await asyncio.sleep(0.002 * number)
        changed = await asked.put("two", version=1)
        await asked.stream.read()
        messages = (await asked.sent())["messages"]
        texts = [m["content"] for m in messages if m["role"] == "user"]
        assert texts == ["first", "two" if changed.status == 200 else "one"]


async def upload(chat, data=b"", name="a.png", owner="local"):
    """A file as the server tells it, when its text was taken out."""
    files = chat.application.files
    upload = files.begin(owner, len(data := data or png()))
    upload.write(data)
    file, _ = await files.add(owner, name, upload)
    await until(lambda: files._reader.reading is None)
    return await files.get(owner, file.id)


@pytest.mark.gen_test
async def test_it_is_asked_with_its_files(chat, upstream):
    asked = await asking(chat, "say=one;hold")
    text, picture = await upload(chat, b"some words", "notes.txt"), await upload(chat)
    ids = [text.id, picture.id]
    put = (await asked.put("", files=[text.id.upper(), *ids], model="say=second")).json()
    assert (
        put["files"]
        == [text.in_message(), picture.in_message()]
        == (await asked.waiting())["files"]
    )
    assert (await asked.put("", files=ids, model="say=second")).json() == put  # it was lost
    body = {"request_id": asked.request_id, "model": "say=second", "conversation_id": asked.id}
    upstream.released.set()
    assert (await asked.stream.read()).end["state"] == "done"
    answer = await chat.ask("", files=ids, **body)  # its client sends it, too
    assert (answer.text, answer.start["generation_id"]) == ("second", asked.request_id)
    question = (await asked.sent())["messages"][2]
    assert (question["content"], question["files"]) == ("", put["files"])
    assert len(upstream.requests) == 2
    named, picture_part = upstream.requests[1]["messages"][-1]["content"]
    assert "some words" in named["text"] and picture_part["type"] == "image_url"


@pytest.mark.gen_test
async def test_its_files_are_checked_like_those_of_a_message(serve, settings, upstream):
    upstream.models = {"data": [{"id": "blind", "architecture": {"input_modalities": ["text"]}}]}
    chat = serve(replace(settings, max_files=1))
    await chat.request("GET", "/api/models")
    asked = await asking(chat)
    file, blank = await upload(chat), await upload(chat, b" ", "blank.txt")
    theirs = await upload(chat, b"words", "theirs.txt", owner="other")
    for files, status, code in [
        ([str(uuid.uuid4())], 404, "file_not_found"),
        ([theirs.id], 404, "file_not_found"),
        ([blank.id], 409, "file_not_ready"),
        ([file.id, blank.id], 413, "too_many_files"),
    ]:
        refused = await asked.put(files=files)
        assert (refused.status, refused.json()["error"]["code"]) == (status, code), files
    refused = await asked.put(files=[file.id], model="blind")
    assert (refused.status, refused.json()["error"]["code"]) == (400, "no_vision")
    await chat.request("PATCH", asked.path, {"model": "blind"})
    assert (await asked.put(files=[file.id])).json()["error"]["code"] == "no_vision"
    assert await asked.waiting() is None
    assert (await asked.put(files=[file.id], model="seeing")).status == 200


@pytest.mark.gen_test
async def test_its_files_stay_until_it_is_taken_back(chat, monkeypatch):
    monkeypatch.setattr(service, "UNUSED_LASTS", -1)
    asked = await asking(chat)
    one, two = await upload(chat), await upload(chat, b"words", "b.txt")
    await asked.put(files=[one.id, two.id])
    await chat.application.files.sweep()
    assert (await chat.request("GET", "/api/files")).json() == {"files": []}
    for file in (one, two):
        used = await chat.request("DELETE", f"/api/files/{file.id}")
        assert (used.status, used.json()["error"]["code"]) == (409, "file_in_use")
    await chat.stop(asked.start["generation_id"])
    stale = {"request_id": asked.request_id, "message": "next", "conversation_id": asked.id}
    for files in ([], [one.id], [two.id, one.id]):  # a client that does not know the newest files
        refused = await chat.request("POST", "/stream", stale | {"files": files})
        assert refused.json()["error"]["code"] == "changed_meanwhile"
    put = await asked.put(files=[two.id], version=1)
    assert [file["id"] for file in put.json()["files"]] == [two.id]
    assert (await chat.request("DELETE", f"/api/files/{one.id}")).status == 204
    assert (await asked.take_back()).status == 204
    listed = (await chat.request("GET", "/api/files")).json()["files"]
    assert [file["id"] for file in listed] == [two.id]


@pytest.mark.gen_test
async def test_its_files_go_with_the_conversation(chat):
    asked = await asking(chat)
    file = await upload(chat)
    await asked.put(files=[file.id])
    assert (await chat.request("DELETE", asked.path)).status == 204
    assert (await chat.request("GET", f"/api/files/{file.id}")).status == 404
    folder = chat.application.config.data_dir / "files"
    await until(lambda: not [path for path in folder.rglob("*") if path.is_file()])


@pytest.mark.gen_test
async def test_nobody_pays_for_the_question_of_a_user_who_was_removed(chat, upstream):
    asked = await asking(chat, "say=one;hold")
    await asked.put(model="say=second")
    write_users(chat.application.users.path, {"anna": User()})
    chat.application.users.check_now()
    upstream.released.set()
    assert (await asked.stream.read()).end["state"] == "done"
    waiting = chat.application.waiting
    while True:
        question = await waiting.get("local", asked.id)
        if question["held"]:
            break
        await asyncio.sleep(0.01)
    assert question["held"]["reason"] == "login_required"
    assert len(upstream.requests) == 1
