"""Imports over HTTP: from an upload to conversations that can be gone on with."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zipfile import ZipFile

import pytest
from chat.imports import samples
from chat.imports.exports import SHOT, chatgpt_archive, dump, write_zip
from client import Client, Response, read_body, read_head, until
from pictures import jpeg, png, webp
from tools_host.conftest import call, start, states
from tornado.iostream import StreamClosedError

from tornado_stream.auth.users_file import Token, User, token_digest, write_users
from tornado_stream.values.calls import result_files

Headers = dict[str, str | None] | None


async def upload(
    chat: Client, data: bytes, name: str = "a.zip", headers: Headers = None
) -> Response:
    return await chat.request("POST", f"/api/imports?name={name}", data, headers)


async def ended(chat: Client, id: str, headers: Headers = None) -> dict[str, Any]:
    """The import, when it has ended."""
    while True:
        response = await chat.request("GET", f"/api/imports/{id}", headers=headers)
        assert response.status == 200, response.body
        if response.json()["state"] != "reading":
            return response.json()
        await asyncio.sleep(0.01)


async def imported(
    chat: Client, data: bytes, name: str = "a.zip", headers: Headers = None
) -> dict[str, Any]:
    response = await upload(chat, data, name, headers)
    assert response.status == 202, response.body
    return await ended(chat, response.json()["id"], headers)


async def listed(chat: Client, headers: Headers = None) -> list[dict[str, Any]]:
    response = await chat.request("GET", "/api/conversations?limit=200", headers=headers)
    return response.json()["conversations"]


def left(chat: Client) -> list[str]:
    """The bytes of exports that are in the data directory."""
    folder = chat.application.config.data_dir / "imports"
    return [path.name for path in folder.rglob("*") if path.is_file() and path.suffix != ".journal"]


@pytest.mark.gen_test
async def test_an_export_is_imported_and_known_the_second_time(chat, tmp_path, upstream):
    data = chatgpt_archive(tmp_path / "x.zip").read_bytes()
    response = await upload(chat, data, "ChatGPT%20export.zip")
    about = response.json()
    assert (response.status, about["name"], about["size"]) == (202, "ChatGPT export.zip", len(data))
    about = await ended(chat, about["id"])
    counts = {"found": 6, "imported": 6, "known": 0, "presets": 0, "left_out": 12}
    assert about == about | counts | {"state": "done", "why": "", "skipped": [], "skipped_count": 0}
    assert left(chat) == []
    rows = await listed(chat)
    assert sorted(row["title"] for row in rows) == [f"Rolling back {n}" for n in range(6)]
    before = [(await chat.request("GET", f"/c/{row['id']}.json")).body for row in rows]
    again = await imported(chat, data)
    assert again == again | counts | {"state": "done", "imported": 0, "known": 6}
    assert await listed(chat) == rows
    assert before == [(await chat.request("GET", f"/c/{row['id']}.json")).body for row in rows]
    # An imported conversation is searched and goes on like any other.
    found = (await chat.request("GET", "/api/conversations?q=Edited")).json()["conversations"]
    assert len(found) == 6
    answer = await chat.ask("more", model="say=yes", conversation_id=rows[3]["id"])
    assert answer.end["state"] == "done" and (await listed(chat))[0]["id"] == rows[3]["id"]
    assert [data for _, data, _ in await files_in(chat)] == [SHOT] * 6
    texts = [message["content"] for message in upstream.requests[-1]["messages"]]
    assert texts == [
        "How do I roll back?",
        "Use helm .",
        "Edited question",
        "Step one.\n\nStep two.",
        "more",
    ]


@pytest.mark.gen_test
async def test_nothing_imported_is_never_a_success(chat, tmp_path):
    for data, why in [
        (b"hello", "not_known"),
        (dump([{"id": 1}]), "no_conversations"),
        (write_zip(tmp_path / "x.zip", {"a.txt": b"x"}).read_bytes(), "no_conversations"),
        (chatgpt_archive(tmp_path / "y.zip").read_bytes()[:-200], "damaged_archive"),
    ]:
        about = await imported(chat, data)
        assert (about["state"], about["why"], about["imported"]) == ("failed", why, 0)
    empty = samples.chatgpt() | {"mapping": {}, "title": "Nothing said"}
    about = await imported(chat, dump([empty]))
    assert (about["state"], about["why"]) == ("failed", "no_conversations")
    assert about["skipped"] == [{"title": "Nothing said", "why": "empty"}]
    assert left(chat) == [] and await listed(chat) == []


@pytest.mark.gen_test
async def test_what_cannot_be_imported_is_told_by_its_title(serve, settings):
    chat = serve(replace(settings, max_messages=5))
    long = samples.chatgpt(1)
    broken = {"title": "Broken", "id": "x"}
    data = dump([samples.claude(1), broken, long])
    cut = data[: data.index(b"Rolling") + 50] + b'"' + data[data.index(b"Rolling") + 50 :]
    about = await imported(chat, cut + dump([samples.claude(2)]))
    assert (about["state"], about["found"], about["imported"]) == ("done", 4, 2)
    assert {(one["title"], one["why"]) for one in about["skipped"]} == {
        ("Broken", "not_known"),
        ("Rolling back 1", "damaged"),
    }
    about = await imported(chat, dump([long]))
    assert about["skipped"] == [{"title": "Rolling back 1", "why": "full"}]
    assert about["state"] == "failed" and len(await listed(chat)) == 2


@pytest.mark.wide
@pytest.mark.gen_test
async def test_an_import_is_stopped(chat, tmp_path):
    data = dump([samples.chatgpt(number) for number in range(3000)])
    id = (await upload(chat, data)).json()["id"]
    refused = await upload(chat, data)
    error = refused.json()["error"]
    assert (refused.status, error["code"], error["import_id"]) == (409, "import_running", id)
    await until(lambda: chat.application.imports.get("local", id).imported > 3)
    assert (await chat.request("DELETE", f"/api/imports/{id}")).status == 204
    about = await ended(chat, id)
    assert about["state"] == "stopped" and 3 < about["imported"] < 3000 and left(chat) == []
    assert (await chat.request("DELETE", f"/api/imports/{id}")).status == 204
    again = (await upload(chat, data)).json()["id"]
    await until(lambda: chat.application.imports.get("local", again).known >= about["imported"])
    await chat.request("DELETE", f"/api/imports/{again}")
    assert (await ended(chat, again))["known"] == about["imported"]
    ids = [one["id"] for one in (await chat.request("GET", "/api/imports")).json()["imports"]]
    assert set(ids) == {id, again}


@pytest.mark.gen_test
async def test_imports_belong_to_one_user(serve, settings, tmp_path):
    users = {name: User(tokens=(Token(token_digest(f"ts_{name}")),)) for name in ("anna", "ben")}
    folder = settings.data_dir / "0"
    folder.mkdir(parents=True)
    write_users(folder / "users.json", users)
    chat = serve(settings)
    anna, ben = ({"Authorization": f"Bearer ts_{name}"} for name in users)
    data = dump([samples.claude(1)])
    about = await imported(chat, data, headers=anna)
    assert about["imported"] == 1 and len(await listed(chat, anna)) == 1
    assert await listed(chat, ben) == []
    for method in ("GET", "DELETE"):
        response = await chat.request(method, f"/api/imports/{about['id']}", headers=ben)
        assert (response.status, response.json()["error"]["code"]) == (404, "not_found")
    assert (await chat.request("GET", "/api/imports", headers=ben)).json() == {"imports": []}
    assert (await imported(chat, data, headers=ben))["imported"] == 1, "the same file of another"
    ids = {(await listed(chat, who))[0]["id"] for who in (anna, ben)}
    assert len(ids) == 2
    assert (await upload(chat, data)).status == 401 and left(chat) == []


@pytest.mark.gen_test
async def test_bodies_that_are_refused(serve, settings):
    chat = serve(replace(settings, max_import=1000))
    refused = await upload(chat, bytes(3_000_000))
    assert (refused.status, refused.json()["error"]["code"]) == (413, "import_too_large")
    assert (await upload(chat, b"")).status == 400
    chunked = {"Content-Length": None, "Transfer-Encoding": "chunked"}
    assert (await upload(chat, b"1\r\nx\r\n0\r\n\r\n", headers=chunked)).status == 411
    assert (await upload(chat, b"x", headers={"Content-Encoding": "gzip"})).status == 415
    assert (await chat.request("GET", "/api/imports")).json() == {"imports": []}
    assert left(chat) == []


@pytest.mark.gen_test
async def test_an_upload_that_is_cut_leaves_nothing(chat):
    stream = await chat.connect()
    head = chat.encode("POST", "/api/imports?name=x", b"", {"Content-Length": "5000000"})
    await stream.write(head + bytes(1_000_000))
    await until(lambda: left(chat))
    stream.close()
    await until(lambda: not left(chat) and not chat.application.imports._uploading)
    assert (await chat.request("GET", "/api/imports")).json() == {"imports": []}
    assert (await imported(chat, dump(samples.claude())))["imported"] == 1


@pytest.mark.gen_test
async def test_a_connection_serves_further_requests_after_an_upload(chat):
    stream = await chat.connect()
    data = dump(samples.claude())
    for _ in range(2):
        await stream.write(chat.encode("POST", "/api/imports", data, {}))
        response = await read_head(stream)
        assert response.status in (202, 409)
        await read_body(stream, response)
        await until(lambda: chat.application.imports.all("local")[0].state != "reading")
    with pytest.raises(StreamClosedError):
        stream.close()
        await stream.read_bytes(1)


def files_of(data: bytes) -> dict[str, Any]:
    with ZipFile(io.BytesIO(data)) as archive:
        return {
            name: json.loads(archive.read(name))
            for name in archive.namelist()
            if name.endswith(".json") and not name.startswith("files/")
        }


def without_files(part: dict[str, Any]) -> dict[str, Any]:
    """A part of an answer without the ids of pictures in the result of a call."""
    result = part.get("result")
    if not result:
        return part
    return part | {"result": result | {"files": [one | {"id": ""} for one in result["files"]]}}


def without_ids(exported: dict[str, Any]) -> list[Any]:
    """The conversations and settings of an export; each id is the place of its message."""
    plain = []
    for data in exported.values():
        for index, message in enumerate(data.get("messages", [])):
            places = {one["id"]: n for n, one in enumerate(data["messages"])}
            assert message["id"] not in places.values()
            data["messages"][index] = message | {
                "parent_id": places.get(message["parent_id"]),
                "generation_id": None,
                "files": [file | {"id": ""} for file in message["files"]],
                "parts": [without_files(part) for part in message["parts"]],
                "continued_from": message["continued_from"] and "other",
            }
        if "messages" in data:
            places = {one.pop("id"): n for n, one in enumerate(data["messages"])}
            data["current_id"] = places.get(data["current_id"])
            del data["id"]
        for preset in data.get("presets", []):
            del preset["id"]
        plain.append(data)
    return plain


@pytest.mark.gen_test
async def test_our_own_export_comes_back_equal_but_for_ids(serve, settings):
    """Conversations with branches, errors, reasoning and places; presets; defaults."""
    chat = serve(settings)
    first = (await chat.ask("one", model="think=hm;say=Hel;say=lo")).start
    home = first["conversation_id"]
    await chat.ask("two", model="status=500", conversation_id=home)
    await chat.ask(
        None, model="say=again", conversation_id=home, parent_id=first["user_message_id"]
    )
    cut = (await chat.ask("three", model="say=part;reset")).start
    await chat.ask(None, model="say=rest", **{"continue": cut["message_id"]})
    changes = {"pinned": True, "folder": "Work", "system": "Be brief.", "title": "A  title"}
    await chat.request("PATCH", f"/api/conversations/{home}", changes)
    await chat.request("POST", "/api/conversations", {"title": "", "options": {"temperature": 1}})
    preset = {"name": "Short", "system": "Be short.", "model": "m", "options": {"temperature": 0.5}}
    await chat.request("POST", "/api/presets", preset)
    await chat.request("POST", "/api/presets", {"name": "ask", "kind": "prompt", "text": "{{x}}?"})
    await chat.request("PUT", "/api/defaults", {"system": "Hello", "options": {}, "version": 0})
    export = (await chat.request("GET", "/api/export")).body
    same = await imported(chat, export)
    assert (same["state"], same["imported"], same["known"]) == ("done", 0, 3)
    assert files_of((await chat.request("GET", "/api/export")).body) == files_of(export)
    other = serve(settings)
    about = await imported(other, export)
    assert (about["imported"], about["presets"], about["skipped"]) == (3, 2, [])
    again = (await other.request("GET", "/api/export")).body
    assert len(files_of(export)) == 4
    assert without_ids(files_of(again)) == without_ids(files_of(export))
    assert {row["title"] for row in await listed(other)} == {"A  title", "three", ""}
    twice = await imported(other, export)
    assert (twice["imported"], twice["known"], twice["presets"]) == (0, 3, 0)
    assert files_of((await other.request("GET", "/api/export")).body) == files_of(again)


async def with_files(chat: Client, *files: tuple[str, bytes]) -> list[str]:
    """Upload files, and ask a question with them; returns their ids."""
    ids = []
    for name, data in files:
        response = await chat.request("POST", f"/api/files?name={name}", data)
        ids.append(response.json()["id"])
    answer = await chat.ask("what is this?", model="say=files", files=ids)
    assert answer.end["state"] == "done"
    return ids


async def files_in(chat: Client) -> list[tuple[str, bytes, dict[str, Any]]]:
    """Name, bytes and members of the files that messages have."""
    found = []
    for row in await listed(chat):
        conversation = (await chat.request("GET", f"/c/{row['id']}.json")).json()
        for message in conversation["messages"]:
            for file in message["files"]:
                got = await chat.request("GET", f"/api/files/{file['id']}")
                found.append((file["name"], got.body, {**file, "id": ""}))
    return found


@pytest.mark.gen_test
async def test_files_of_our_own_export_come_back(serve, settings):
    """Also one that looks like an export itself."""
    chat = serve(settings)
    inner = dump([samples.chatgpt(7)])
    files = [("a b.png", png(30, 20)), ("inner.json", inner), ("große.txt", "ä".encode())]
    await with_files(chat, *[(quote(name), data) for name, data in files])
    export = (await chat.request("GET", "/api/export")).body
    before = await files_in(chat)
    same = await imported(chat, export)
    assert (same["found"], same["known"]) == (1, 1) and await files_in(chat) == before
    other = serve(settings)
    about = await imported(other, export)
    assert (about["found"], about["imported"], about["skipped"]) == (1, 1, [])
    assert await files_in(other) == before
    assert [(name, data) for name, data, _ in before] == files
    assert (await other.request("GET", "/api/files")).json() == {"files": []}, "all are used"
    again = (await other.request("GET", "/api/export")).body
    assert without_ids(files_of(again)) == without_ids(files_of(export))
    assert (await imported(other, export))["known"] == 1 and await files_in(other) == before


@pytest.mark.wide
@pytest.mark.skipif(find_spec("mcp") is None, reason="the package mcp is not installed")
@pytest.mark.gen_test
async def test_tools_compared_answers_and_pictures_of_our_own_export_come_back(
    serve, settings, tmp_path
):
    tools = start(serve, settings, tmp_path)
    chat = tools.chat
    counted = await tools.ask(call("c__get_count"), "say=One.")
    assert states(counted) == ["running", "done"], counted.events
    drawn = await tools.ask(call("c__draw"), "say=Nice.")
    assert states(drawn) == ["waiting"], drawn.events
    drawn = await tools.decide(drawn, {"call_1": "run"})
    assert result_files((await tools.message(drawn))["parts"]), drawn.events
    always = await tools.ask(call("c__count", {"text": "x"}), "say=One.")
    await tools.decide(always, {"call_1": "always"})
    await tools.ask(call("c__count", {"text": "y"}), "say=Two.")
    first = (await chat.ask("Which?", model="say=a")).start
    beside = {"parent_id": first["user_message_id"], "beside": True}
    home = first["conversation_id"]
    answer = await chat.ask(None, model="say=b;picture=40000", conversation_id=home, **beside)
    assert any("images" in event.data for event in answer.events), answer.events
    await chat.request("POST", "/api/presets", {"name": "Clock", "tools": ["c"]})
    export = (await chat.request("GET", "/api/export")).body
    assert sum(name.startswith("files/") for name in ZipFile(io.BytesIO(export)).namelist()) == 2
    assert (await imported(chat, export))["known"] == 5
    assert files_of((await chat.request("GET", "/api/export")).body) == files_of(export)

    other = serve(chat.application.config)
    about = await imported(other, export)
    assert (about["imported"], about["presets"], about["skipped"]) == (5, 1, [])
    again = files_of((await other.request("GET", "/api/export")).body)
    there = files_of(export)
    text = json.dumps(there)
    assert '"waiting": ["call_1"]' in text and '"tools": ["c"]' in text
    assert sum(bool(one.pop("always", [])) for one in there.values()) == 1
    assert not any(one.pop("always", []) for one in again.values()), "no permission comes along"
    assert without_ids(again) == without_ids(there)
    assert (await other.request("GET", "/api/files")).json() == {"files": []}, "all are used"
    again = files_of((await other.request("GET", "/api/export")).body)
    for data in again.values():
        for message in data.get("messages", []):
            for file in result_files(message["parts"]):
                got = await other.request("GET", f"/api/files/{file['id']}")
                assert got.body.startswith(b"\x89PNG")
    assert (await imported(other, export))["known"] == 5
    assert files_of((await other.request("GET", "/api/export")).body) == again


@pytest.mark.gen_test
async def test_a_file_that_cannot_be_taken_is_named(serve, settings):
    chat = serve(settings)
    await with_files(chat, ("small.txt", b"small"), ("large.txt", b"large " * 1000))
    export = (await chat.request("GET", "/api/export")).body
    with ZipFile(io.BytesIO(export)) as archive:
        place = archive.getinfo(next(n for n in archive.namelist() if "small" in n)).header_offset
    small = serve(replace(settings, max_file=1000))
    assert (await imported(small, export))["imported"] == 1
    (row,) = await listed(small)
    question = (await small.request("GET", f"/c/{row['id']}.json")).json()["messages"][0]
    assert question["content"] == "what is this?\n\n[file: large.txt]"
    assert [file["name"] for file in question["files"]] == ["small.txt"]
    at = export.index(b"small", place + 80)
    damaged = export[:at] + b"SMALL" + export[at + 5 :]
    other = serve(settings)
    assert (await imported(other, damaged))["imported"] == 1
    (row,) = await listed(other)
    question = (await other.request("GET", f"/c/{row['id']}.json")).json()["messages"][0]
    assert question["content"] == "what is this?\n\n[file: small.txt]"
    assert [file["name"] for file in question["files"]] == ["large.txt"]


def with_pictures(path: Path) -> bytes:
    """An archive of ChatGPT with pictures of a question, one that is not there, and a drawn one."""
    record = samples.chatgpt()
    mapping = record["mapping"]
    pointers = ("sediment://file_0001", "file-service://file-Gone", "file-service://file-Two")
    mapping["q2"]["message"]["content"]["parts"] = [
        *({"content_type": "image_asset_pointer", "asset_pointer": one} for one in pointers),
        "And this?",
    ]
    drawn = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://file-Drawn"}
    mapping["tool"]["message"]["content"] = {"content_type": "multimodal_text", "parts": [drawn]}
    files = {
        "dalle-generations/file-Drawn-77aa.webp": webp(9, 8),
        "file-Two-two.jpeg": jpeg(30, 20),
        "user-x/file_0001-0f.dat": png(4, 4),
        "file_0002.dat": b"replicas: 3",
        "conversations.json": dump([record]),
    }
    return write_zip(path, files).read_bytes()


@pytest.mark.gen_test
async def test_pictures_of_another_program_become_files(chat, tmp_path, upstream):
    data = with_pictures(tmp_path / "x.zip")
    about = await imported(chat, data)
    assert (about["imported"], about["skipped"], about["left_out"]) == (1, [], 1)
    (row,) = await listed(chat)
    messages = (await chat.request("GET", f"/c/{row['id']}.json")).json()["messages"]
    assert [message["content"] for message in messages] == [
        "How do I roll back?",
        "Use helm .",
        "Another answer.",
        "[picture: file-Gone]\n\nAnd this?",
        "Edited question",
        "Step one.\n\nStep two.",
    ]
    names = [[file["name"] for file in message["files"]] for message in messages]
    assert names == [[], ["77aa.webp"], [], ["shot.png", "two.jpeg", "values.yaml"], [], []]
    kinds = {file["type"]: file["tokens"] for one in messages for file in one["files"]}
    assert kinds == {"image/webp": 1, "image/png": 1, "image/jpeg": 1, "text/plain": 3}
    bytes_of = [found for _, found, _ in await files_in(chat)]
    assert bytes_of == [webp(9, 8), png(4, 4), jpeg(30, 20), b"replicas: 3"]
    again = await imported(chat, data)
    assert (again["imported"], again["known"], again["skipped"]) == (0, 1, [])
    assert (await chat.request("GET", "/api/files")).json() == {"files": []}, "none was added"
    # The conversation goes on with its pictures, and is exported with them.
    question = messages[3]
    await chat.ask(None, model="say=yes", conversation_id=row["id"], parent_id=question["id"])
    parts = upstream.requests[-1]["messages"][-1]["content"]
    assert [part["type"] for part in parts].count("image_url") == 3
    export = (await chat.request("GET", "/api/export")).body
    with ZipFile(io.BytesIO(export)) as archive:
        assert sum(name.startswith("files/") for name in archive.namelist()) == 4


@pytest.mark.gen_test
async def test_pictures_within_the_json_become_files(chat):
    record = samples.open_webui() | {"archived": False}
    messages = record["chat"]["history"]["messages"]
    pictures = [png(n, 9) for n in range(1, 4)]
    for id, data in zip(("m1", "m3", "m4"), pictures, strict=True):
        messages[id]["files"] = [{"type": "image", "url": samples.data_url(data)}]
    about = await imported(chat, dump([record, samples.llama_cpp()]))
    assert (about["imported"], about["skipped"]) == (2, [])
    assert {data for _, data, _ in await files_in(chat)} == {*pictures, samples.CAT}
    # An answer that came there meanwhile comes with its picture.
    new = {"id": "m6", "parentId": "m5", "role": "user", "content": "this", "timestamp": 9e9}
    new["files"] = [{"type": "image", "url": samples.data_url(png(5, 5)), "name": "new.png"}]
    messages["m6"] = new
    about = await imported(chat, dump([record, samples.llama_cpp()]))
    assert (about["imported"], about["known"], about["skipped"]) == (1, 1, [])
    found = {name: data for name, data, _ in await files_in(chat)}
    assert len(await files_in(chat)) == 5 and found["new.png"] == png(5, 5)
    assert (await chat.request("GET", "/api/files")).json() == {"files": []}


@pytest.mark.gen_test
async def test_files_that_do_not_fit_are_named_and_their_conversation_arrives(serve, settings):
    chat = serve(replace(settings, max_file=1000, max_files=3, max_user_files=1500))
    large, room = png(noise=bytes(2000)), png(noise=b"a" * 800)
    given = [
        ("large.png", large),
        ("sound.wav", b"RIFF\0\0\0\0WAVE"),
        ("one.png", room),
        ("full.png", png(noise=b"b" * 800)),
        *((f"{n}.png", png(n, n)) for n in range(1, 4)),
        ("damaged.png", b""),
    ]
    record = samples.llama_cpp()
    record["messages"][2]["extra"] = extra = [
        {"type": "IMAGE", "name": name, "base64Url": samples.data_url(data)} for name, data in given
    ]
    extra[-1]["base64Url"] = "data:image/png;base64,AAAA?"
    about = await imported(chat, dump(record))
    assert (about["state"], about["imported"], about["skipped_count"]) == ("done", 1, 5)
    assert {(one["title"], one["why"]) for one in about["skipped"]} == {
        ("Cats 1: large.png", "file_too_large"),
        ("Cats 1: sound.wav", "file_type"),
        ("Cats 1: full.png", "files_full"),
        ("Cats 1: 3.png", "too_many_files"),
        ("Cats 1: damaged.png", "damaged"),
    }
    (row,) = await listed(chat)
    question = (await chat.request("GET", f"/c/{row['id']}.json")).json()["messages"][0]
    assert [file["name"] for file in question["files"]] == ["one.png", "1.png", "2.png"]
    lost = ("large", "full", "3", "damaged")
    assert all(f"[picture: {name}.png]" in question["content"] for name in lost)
    again = await imported(chat, dump(record))
    assert (again["known"], again["skipped"]) == (1, [])


@pytest.mark.wide
@pytest.mark.gen_test
async def test_answers_go_on_while_an_import_runs(chat):
    turn = sys.getswitchinterval()
    data = dump([samples.chatgpt(number) for number in range(800)])
    stream = await chat.send(model="gap=0.01;count=60")
    id = (await upload(chat, data)).json()["id"]
    await until(lambda: sys.getswitchinterval() < turn / 5)
    answer = await stream.read()
    assert answer.end["state"] == "done"
    assert (await ended(chat, id))["imported"] == 800
    await until(lambda: sys.getswitchinterval() == turn)


def test_the_folder_is_made_when_it_is_needed(settings):
    assert not Path(settings.data_dir / "imports").exists()
