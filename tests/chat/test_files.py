"""Questions with files, from the upload to what the upstream gets."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import os
import time
import uuid
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from client import Client, until
from pictures import answer_picture, docx, paragraph, png

from tornado_stream.files.service import Files
from tornado_stream.providers.openai.pieces import READ, SLICE


async def upload(chat: Client, data: bytes, name: str = "a.png") -> dict[str, Any]:
    response = await chat.request("POST", f"/api/files?name={name}", data)
    assert response.status in (200, 201), response.body
    files: Files = chat.application.files
    await until(lambda: files._reader.reading is None)
    return response.json()


def decoded(part: dict[str, Any]) -> tuple[str, bytes]:
    """The type and the bytes of a picture as the upstream got it."""
    head, _, data = part["image_url"]["url"].partition(",")
    return head, base64.b64decode(data, validate=True)


def asked(upstream, number: int = -1) -> list[dict[str, Any]]:
    return upstream.requests[number]["messages"]


async def messages(chat: Client, conversation_id: str) -> list[dict[str, Any]]:
    response = await chat.request("GET", f"/api/conversations/{conversation_id}")
    return response.json()["messages"]


@pytest.mark.gen_test
@pytest.mark.parametrize("size", [0, 1, 2, 3, SLICE, READ - 100, READ, READ + 1, 3_000_000])
async def test_the_upstream_gets_the_very_bytes(chat, upstream, size):
    data = png(2, 2, noise=os.urandom(size))
    file = await upload(chat, data)
    answer = await chat.ask("What is it?", files=[file["id"]], model="say=ok")
    assert answer.end["state"] == "done"
    [message] = asked(upstream)
    text, picture = message["content"]
    assert text == {"type": "text", "text": "What is it?"}
    assert picture["type"] == "image_url" and picture.keys() == {"type", "image_url"}
    head, got = decoded(picture)
    assert head == "data:image/png;base64"
    assert hashlib.sha256(got).hexdigest() == hashlib.sha256(data).hexdigest()
    question, stored = await messages(chat, answer.start["conversation_id"])
    shown = {n: file[n] for n in file if n not in ("state", "detail")}
    assert question["files"] == [shown] and stored["files"] == []


@pytest.mark.gen_test
async def test_several_pictures_keep_their_order(chat, upstream):
    pictures = [png(1, n, noise=os.urandom(500_000)) for n in (1, 2, 3)]
    ids = [(await upload(chat, data))["id"] for data in pictures]
    await chat.ask("", files=[ids[2], ids[0], ids[1], ids[0]], model="say=ok")
    parts = asked(upstream)[0]["content"]
    assert [decoded(part)[1] for part in parts] == [pictures[2], pictures[0], pictures[1]]


@pytest.mark.gen_test
async def test_texts_stand_before_the_question(chat, upstream):
    log = await upload(chat, b"line 1\r\nline 2", "server.log")
    contract = await upload(chat, docx(paragraph("We agree.")), "contract.docx")
    answer = await chat.ask("Why?", files=[log["id"], contract["id"]], model="say=ok")
    text = asked(upstream)[0]["content"]
    assert text == (
        "[File: server.log]\n\nline 1\nline 2\n\n[End of server.log]\n\n"
        "[File: contract.docx]\n\nWe agree.\n\n\n[End of contract.docx]\n\nWhy?"
    )
    assert answer.end["state"] == "done"


@pytest.mark.gen_test
async def test_files_stay_with_their_message(chat, upstream):
    """They go out again with each later question, a new answer, a continuation and an edit."""
    data = png(noise=b"1")
    file = await upload(chat, data)
    first = (await chat.ask("1", files=[file["id"]], model="say=one;close")).start
    home = first["conversation_id"]

    def pictures() -> list[bytes]:
        parts = [p for m in asked(upstream) if isinstance(m["content"], list) for p in m["content"]]
        return [decoded(part)[1] for part in parts if part["type"] == "image_url"]

    continued = await chat.ask(None, **{"continue": first["message_id"]}, model="say=two")
    assert continued.text == "onetwo" and pictures() == [data]
    again = await chat.ask(
        None, conversation_id=home, parent_id=first["user_message_id"], model="say=again"
    )
    assert again.end["state"] == "done" and pictures() == [data]
    await chat.ask("2", conversation_id=home, model="say=later")
    assert pictures() == [data]
    other = png(noise=b"2")
    edit = await chat.ask(
        "1b",
        conversation_id=home,
        parent_id=None,
        files=[file["id"], (await upload(chat, other))["id"]],
        model="say=edited",
    )
    assert pictures() == [data, other]
    stored = await messages(chat, home)
    kept = {m["content"]: len(m["files"]) for m in stored if m["role"] == "user"}
    assert kept == {"1": 1, "2": 0, "1b": 2}
    assert (await chat.request("GET", "/api/files")).json()["files"] == []
    used = await chat.request("DELETE", f"/api/files/{file['id']}")
    assert used.json()["error"]["code"] == "file_in_use"
    assert (await chat.request("DELETE", f"/api/conversations/{home}")).status == 204
    assert (await chat.request("GET", f"/api/files/{file['id']}")).status == 404
    folder = chat.application.config.data_dir / "files"
    assert not [path for path in folder.rglob("*") if path.is_file()]
    assert edit.end["state"] == "done"


@pytest.mark.gen_test
async def test_a_conversation_of_files_alone_is_named_by_them(chat):
    file = await upload(chat, b"x", "notes.txt")
    start = (await chat.ask("", files=[file["id"]], model="say=ok")).start
    listed = (await chat.request("GET", "/api/conversations")).json()["conversations"]
    assert listed[0]["title"] == "notes.txt"
    made = (await chat.request("POST", "/api/conversations", {})).json()
    again = await upload(chat, b"y", "more.txt")
    await chat.ask(" ", conversation_id=made["id"], files=[again["id"]], model="say=ok")
    listed = (await chat.request("GET", "/api/conversations")).json()["conversations"]
    assert listed[0]["title"] == "more.txt" and start["conversation_id"] != made["id"]


@pytest.mark.gen_test
async def test_the_same_request_with_other_files_is_another(chat, upstream):
    one, two = await upload(chat, png(1, 1)), await upload(chat, png(1, 2))
    id = str(uuid.uuid4())
    same = {"request_id": id, "model": "say=ok"}
    first = await chat.ask("a", files=[one["id"]], **same)
    again = await chat.ask("a", files=[one["id"].upper()], **same)
    assert again.start == first.start and len(upstream.requests) == 1
    for other in ({"files": [two["id"]]}, {}, {"files": [one["id"]], "pictures": False}):
        refused = await chat.ask("a", **same, **other)
        assert refused.response.json()["error"]["code"] == "request_id_reused"


@pytest.mark.gen_test
async def test_what_is_wrong_with_files_is_told(serve, settings, upstream):
    chat = serve(replace(settings, max_files=1))
    file, other = await upload(chat, png()), await upload(chat, b" ", "blank.txt")
    none = str(uuid.uuid4())
    for fields, status, code in [
        ({"files": "x"}, 400, "invalid_request"),
        ({"files": ["x"]}, 400, "invalid_request"),
        ({"files": [1]}, 400, "invalid_request"),
        ({"pictures": 1}, 400, "invalid_request"),
        ({"message": "", "files": []}, 400, "invalid_request"),
        ({"message": None, "files": [file["id"]]}, 400, "invalid_request"),
        (
            {"history": [{"role": "user", "content": "a", "files": 1}], "keep": False},
            400,
            "invalid_request",
        ),
        ({"files": [none]}, 404, "file_not_found"),
        ({"files": [other["id"]]}, 409, "file_not_ready"),
        ({"files": [file["id"], other["id"]]}, 413, "too_many_files"),
    ]:
        answer = await chat.ask(**{"message": "a", **fields})
        told = answer.response
        assert (told.status, told.json()["error"]["code"]) == (status, code), fields
    assert upstream.requests == []
    assert (await chat.request("GET", "/api/conversations")).json()["conversations"] == []


@pytest.mark.gen_test
async def test_a_file_that_is_deleted_just_before_is_told(chat, upstream, monkeypatch):
    file = await upload(chat, png())
    files: Files = chat.application.files
    found = await files.get("local", file["id"])

    async def for_message(owner, ids):
        await files.delete("local", file["id"])
        return [found]

    monkeypatch.setattr(files, "for_message", for_message)
    answer = await chat.ask("a", files=[file["id"]])
    assert answer.response.json()["error"]["code"] == "file_not_found"
    assert upstream.requests == []


@pytest.mark.gen_test
async def test_a_text_that_was_shortened_is_told(serve, settings, upstream):
    chat = serve(replace(settings, max_file_text=10))
    file = await upload(chat, b"x" * 11, "long.txt")
    answer = await chat.ask("a", files=[file["id"]], model="say=ok")
    notices = [event.data for event in answer.events if event.name == "notice"]
    assert [(n["code"], n["file"], n["pages"]) for n in notices] == [
        ("file_shortened", "long.txt", None)
    ]
    assert "x" * 10 in asked(upstream)[0]["content"]


@pytest.mark.gen_test
async def test_files_count_for_the_limit_of_a_conversation(serve, settings, upstream):
    chat = serve(replace(settings, max_conversation=1000))
    file = await upload(chat, b"x" * 2000, "long.txt")
    answer = await chat.ask("a", files=[file["id"]])
    assert answer.response.json()["error"]["code"] == "conversation_too_large"
    assert upstream.requests == []


@pytest.mark.gen_test
async def test_a_model_that_cannot_see_is_not_asked(chat, upstream):
    upstream.models = {
        "data": [
            {"id": "blind", "architecture": {"input_modalities": ["text"]}},
            {"id": "seeing", "architecture": {"input_modalities": ["text", "image"]}},
            {"id": "unknown"},
        ]
    }
    upstream.scripts = {"blind": "say=a", "seeing": "say=b", "unknown": "say=c"}
    listed = (await chat.request("GET", "/api/models")).json()["models"]
    known = {m["id"]: (m["can_known"], m["can"]) for m in listed}
    assert known["blind"] == (True, []) and known["seeing"] == (True, ["vision"])
    assert known["unknown"] == (False, [])
    data = png()
    file = await upload(chat, data)
    refused = await chat.ask("a", files=[file["id"]], model="blind")
    assert (refused.response.status, refused.response.json()["error"]["code"]) == (400, "no_vision")
    assert upstream.requests == []
    named = await chat.ask("a", files=[file["id"]], model="blind", pictures=False)
    assert named.text == "a" and asked(upstream)[0]["content"] == "[Picture: a.png]\n\na"
    for model, text in (("seeing", "b"), ("unknown", "c")):
        answer = await chat.ask("a", files=[file["id"]], model=model)
        assert answer.text == text and decoded(asked(upstream)[0]["content"][1])[1] == data
    # Pictures of earlier questions are no obstacle for a model that cannot see.
    home = answer.start["conversation_id"]
    later = await chat.ask("and now?", conversation_id=home, model="blind")
    assert later.text == "a" and asked(upstream)[0]["content"] == "[Picture: a.png]\n\na"


REFUSALS = [
    (400, {"message": "Invalid content type. image_url is only supported by certain models."}),
    (400, {"message": "this model does not support images", "type": "invalid"}),
    (500, {"message": "image input is not supported - hint: you may need to provide the mmproj"}),
    (404, {"message": "No endpoints found that support image input", "code": 404}),
    (422, {"message": "Input should be a valid string", "type": "string_type"}),
    (422, "messages[0]: unknown variant `image_url`, expected `text`"),
]


@pytest.mark.gen_test
@pytest.mark.parametrize(("status", "error"), REFUSALS)
async def test_an_upstream_that_refuses_pictures(chat, upstream, status, error):
    upstream.scripts = {"m": f"status={status};body={json.dumps({'error': error})}"}
    file = await upload(chat, png())
    answer = await chat.ask("a", files=[file["id"]], model="m")
    error = answer.end["error"]
    assert (answer.end["state"], error["code"], error["retryable"]) == (
        "error",
        "images_refused",
        False,
    )
    home = answer.start["conversation_id"]
    upstream.scripts = {"m": "say=fine"}
    again = await chat.ask(
        None,
        conversation_id=home,
        parent_id=answer.start["user_message_id"],
        model="m",
        pictures=False,
    )
    assert again.text == "fine" and asked(upstream)[0]["content"] == "[Picture: a.png]\n\na"


@pytest.mark.gen_test
async def test_without_pictures_the_error_is_another(chat, upstream):
    upstream.scripts = {"m": f"status=400;body={json.dumps({'error': REFUSALS[0][1]})}"}
    answer = await chat.ask("a", model="m")
    assert answer.end["error"]["code"] == "bad_request"


@pytest.mark.gen_test
async def test_a_picture_that_is_gone_ends_the_answer(chat, upstream):
    file = await upload(chat, png(noise=os.urandom(500_000)))
    files: Files = chat.application.files
    stored = await files.get("local", file["id"])
    files._folder.remove(stored.sha256)
    answer = await chat.ask("a", files=[file["id"]], model="say=ok")
    assert answer.end["error"]["code"] == "server_error"
    assert "gone" in answer.end["error"]["message"]
    assert upstream.requests == []


@pytest.mark.gen_test
async def test_a_large_picture_stops_nobody(chat, upstream):
    """While 10 MB go out, no step of the loop takes long: the steps are counted, not only timed."""
    data = png(noise=os.urandom(10_000_000))
    file = await upload(chat, data)
    loop = asyncio.get_running_loop()
    gaps: list[float] = []
    seen = time.monotonic()

    def tick() -> None:
        nonlocal seen
        now = time.monotonic()
        gaps.append(now - seen)
        seen = now
        if not upstream.requests:
            loop.call_soon(tick)

    loop.call_soon(tick)
    answer = await chat.ask("a", files=[file["id"]], model="say=ok")
    assert answer.end["state"] == "done"
    assert decoded(asked(upstream)[0]["content"][1])[1] == data
    assert len(gaps) > 10_000_000 // SLICE  # others had their turn between two slices


@pytest.mark.gen_test
async def test_the_files_of_one_user_are_nobody_elses(serve, settings, upstream):
    chat = serve(settings)
    files: Files = chat.application.files
    theirs = files.begin("other", 5)
    theirs.write(b"words")
    file, _ = await files.add("other", "a.txt", theirs)
    for method, path, body in [
        ("GET", f"/api/files/{file.id}", None),
        ("HEAD", f"/api/files/{file.id}", None),
        ("GET", f"/api/files/{file.id}/text", None),
        ("DELETE", f"/api/files/{file.id}", None),
        ("POST", "/stream", {"message": "a", "files": [file.id]}),
    ]:
        assert (await chat.request(method, path, body)).status == 404, (method, path)
    assert (await chat.request("GET", "/api/files")).json() == {"files": []}
    assert (await files.get("other", file.id)).state == "ready"
    assert upstream.requests == []


@pytest.mark.gen_test
async def test_nothing_of_a_removed_user_remains(chat):
    question = await upload(chat, png())
    await chat.ask("Look", files=[question["id"]])
    for number in range(3):
        await upload(chat, f"draft {number}".encode(), "draft.txt")

    def kept() -> list[Path]:
        folder = chat.application.config.data_dir / "files"
        return [path for path in folder.rglob("*") if path.is_file()]

    assert len(kept()) == 4
    await chat.application.files.delete_unused("another")
    assert len(kept()) == 4
    assert await chat.application.conversations.forget("local") == 1
    assert (await chat.request("GET", "/api/files")).json() == {"files": []}
    assert not kept()


def unpacked(response) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(response.body)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.gen_test
async def test_files_are_exported_with_their_conversations(chat):
    picture, text = png(noise=os.urandom(700_000)), b"some words"
    one = await upload(chat, picture, "a%20[picture]%2Fof.png")
    two = await upload(chat, text, "notes.txt")
    start = (await chat.ask("Why?", files=[one["id"], two["id"]], model="say=ok")).start
    home = start["conversation_id"]
    again = await chat.ask("Again", files=[one["id"]], model="say=ok")
    zipped = await chat.request("GET", f"/c/{home}.zip")
    assert zipped.headers["content-type"] == "application/zip"
    assert zipped.headers["content-disposition"].startswith('attachment; filename="Why.zip"')
    files = unpacked(zipped)
    names = [f"files/{one['id']} a [picture]-of.png", f"files/{two['id']} notes.txt"]
    markdown = next(name for name in files if name.endswith(".md"))
    assert set(files) == {f"json/{home}.json", markdown, *names}
    assert [files[name] for name in names] == [picture, text]
    link = f"../files/{one['id']}%20a%20[picture]-of.png"
    assert f"![a \\[picture\\]\\-of\\.png](<{link}>)" in files[markdown].decode()
    assert f"[notes\\.txt](<../files/{two['id']}%20notes.txt>)" in files[markdown].decode()
    whole = unpacked(await chat.request("GET", "/api/export"))
    assert {name for name in whole if name.startswith("files/")} == set(names)
    assert f"json/{again.start['conversation_id']}.json" in whole
    alone = (await chat.request("GET", f"/c/{home}.md")).body.decode()
    assert f"[notes\\.txt](<../api/files/{two['id']}>)" in alone
    plain = (await chat.request("GET", f"/c/{home}.txt")).body.decode()
    assert "[Picture: a [picture]-of.png]\n\n[File: notes.txt]" in plain
    assert (await chat.request("GET", f"/c/{uuid.uuid4()}.zip")).status == 404
    assert (await chat.request("HEAD", f"/c/{home}.zip")).status == 200


@pytest.mark.gen_test
async def test_a_file_that_is_gone_is_left_out_of_an_export(chat):
    one = await upload(chat, png())
    start = (await chat.ask("Why?", files=[one["id"]], model="say=ok")).start
    files: Files = chat.application.files
    files._folder.remove((await files.get("local", one["id"])).sha256)
    found = unpacked(await chat.request("GET", f"/c/{start['conversation_id']}.zip"))
    assert found[f"files/{one['id']} a.png"] == b""


@pytest.mark.gen_test
async def test_the_responses_api_gets_its_own_form(serve, settings, upstream, tmp_path):
    config = tmp_path / "tornado-stream.toml"
    config.write_text(f'[upstream.u]\nbase_url = "{upstream.url}"\ndialect = "responses"\n')
    chat = serve(replace(settings, config=config, base_url=None, model="say=ok"))
    data = png(noise=os.urandom(300_000))
    file = await upload(chat, data)
    answer = await chat.ask("What is it?", files=[file["id"]], model="say=ok")
    assert answer.text == "ok"
    [message] = upstream.requests[-1]["input"]
    text, picture = message["content"]
    assert text == {"type": "input_text", "text": "What is it?"}
    assert picture["type"] == "input_image"
    head, _, encoded = picture["image_url"].partition(",")
    assert head == "data:image/png;base64" and base64.b64decode(encoded) == data


@pytest.mark.gen_test
async def test_a_temporary_chat_has_files_and_leaves_no_bytes(chat, upstream):
    data = png(3, 3)
    picture, words = await upload(chat, data), await upload(chat, b"some words", "a.txt")
    ids = [picture["id"], words["id"]]
    first = await chat.ask("Look.", files=ids, keep=False, model="say=ok;picture=1000")
    assert first.end["state"] == "done" and decoded(asked(upstream)[0]["content"][1])[1] == data
    [image] = [i for event in first.events for i in event.data.get("images", ())]
    history = [
        {"role": "user", "content": "Look.", "files": ids},
        {"role": "assistant", "content": "ok", "files": [image["file_id"]]},
    ]
    await chat.ask("And now?", keep=False, history=history, model="say=ok")
    question, answer, again = asked(upstream)
    assert "some words" in question["content"][0]["text"]
    assert (decoded(question["content"][1])[1], answer["content"]) == (data, "ok")
    assert decoded(again["content"][1])[1] == answer_picture(1000)
    listed = (await chat.request("GET", "/api/conversations")).json()["conversations"]
    assert listed == []
    for id in (*ids, image["file_id"]):
        assert (await chat.request("DELETE", f"/api/files/{id}")).status == 204
    folder = chat.application.config.data_dir / "files"
    assert [path for path in folder.rglob("*") if path.is_file()] == []
    gone = await chat.ask("And now?", keep=False, history=history, model="say=ok")
    assert gone.end["state"] == "done" and asked(upstream)[0]["content"] == "Look."
    missing = {"message": "a", "keep": False, "files": ids}
    assert (await chat.request("POST", "/stream", missing)).status == 404
