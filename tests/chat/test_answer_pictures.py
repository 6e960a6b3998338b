"""Pictures in answers, from the bytes of the upstream to the files of the user."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import zipfile
from dataclasses import replace
from urllib.parse import quote

import pytest
from client import Answer, Client, until
from pictures import answer_picture, gif, png, webp

from tornado_stream.generations.pictures import MAX_PICTURES
from tornado_stream.store.base import DiskFull
from tornado_stream.values.pictures import MAX_PICTURE, ROOM


def images(answer: Answer) -> list[dict]:
    return [image for event in answer.events for image in event.data.get("images", ())]


def reasons(answer: Answer) -> list[str]:
    return [e.data["reason"] for e in answer.events if e.data.get("code") == "image_not_kept"]


def url(data: bytes, type: str = "image/png") -> str:
    return f"data:{type};base64,{base64.b64encode(data).decode()}"


def raw(delta: dict, *, member: str = "delta") -> str:
    """A step of the fake upstream: a chunk with this delta."""
    chunk = {"choices": [{"index": 0, member: delta, "finish_reason": None}]}
    return "raw=" + quote(f"data: {json.dumps(chunk)}\n\n", safe="")


def part(address: str) -> dict:
    return {"type": "image_url", "image_url": {"url": address}}


async def stored(chat: Client, answer: Answer) -> dict:
    path = f"/api/conversations/{answer.start['conversation_id']}"
    return (await chat.request("GET", path)).json()["messages"][-1]


@pytest.mark.gen_test
@pytest.mark.parametrize("size", [0, 40_000, 700_000, 1_000_000, 3_000_000])
async def test_a_picture_becomes_a_file_of_the_user(chat, size):
    answer = await chat.ask("Draw.", model=f"say=Here: ;picture={size};say=done.")
    assert answer.end["state"] == "done" and answer.text == "Here: done."
    [image] = images(answer)
    assert image["type"] == "image/png" and image["name"] == "picture.png"
    data = answer_picture(size)
    assert image["size"] == len(data)
    file = await chat.request("GET", f"/api/files/{image['file_id']}")
    assert (file.status, file.body) == (200, data)
    [kept] = (await stored(chat, answer))["files"]
    assert (kept["id"], kept["kind"], kept["size"]) == (image["file_id"], "image", len(data))
    assert (await chat.request("GET", "/api/files")).json()["files"] == []  # no draft has it
    refused = await chat.request("DELETE", f"/api/files/{image['file_id']}")
    assert refused.json()["error"]["code"] == "file_in_use"


@pytest.mark.gen_test
async def test_the_bytes_stand_neither_in_the_log_nor_in_the_database(chat):
    answer = await chat.ask("Draw.", model="picture=2000000")
    assert len(images(answer)) == 1
    data_dir = chat.application.config.data_dir
    data = answer_picture(2_000_000)
    for piece in (data[1000:1060], base64.b64encode(data)[1000:1080]):
        for path in data_dir.rglob("*"):
            if path.is_file() and "files" not in path.parts:
                assert piece not in path.read_bytes(), path
    again = await chat.resume(answer.start["generation_id"])
    assert images(again) == images(answer) and len(str(again.events)) < 3000


@pytest.mark.gen_test
async def test_everything_goes_with_the_conversation(chat):
    answer = await chat.ask("Draw.", model="picture=100000")
    [image] = images(answer)
    folder = chat.application.config.data_dir / "files"
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 1
    id = answer.start["conversation_id"]
    assert (await chat.request("DELETE", f"/api/conversations/{id}")).status == 204
    assert (await chat.request("GET", f"/api/files/{image['file_id']}")).status == 404
    assert [path for path in folder.rglob("*") if path.is_file()] == []


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("delta", "member"),
    [
        ({"images": [part(url(png()))]}, "delta"),
        ({"content": "", "images": [{"image_url": url(png())}]}, "delta"),
        ({"image": {"url": url(png()), "detail": "auto"}}, "delta"),
        ({"content": [{"type": "text", "text": ""}, part(url(png()))]}, "delta"),
        ({"content": [{"type": "image", "image": url(png(), "IMAGE/PNG")}]}, "delta"),
        ({"images": [{"b64_json": base64.b64encode(png()).decode()}]}, "delta"),
        ({"role": "assistant", "content": None, "images": [part(url(png()))]}, "message"),
    ],
)
async def test_upstreams_have_pictures_in_many_places(chat, delta, member):
    answer = await chat.ask("Draw.", model=f"{raw(delta, member=member)};say=text")
    assert answer.text == "text"
    [image] = images(answer)
    body = (await chat.request("GET", f"/api/files/{image['file_id']}")).body
    assert body == png()


@pytest.mark.gen_test
@pytest.mark.parametrize("size", [3000, 5_000_000])
async def test_a_picture_in_the_text_becomes_a_file_and_programs_get_the_text(chat, size):
    model = f"say=Here: ;textpicture={size};say=done."
    answer = await chat.ask("Draw.", model=model)
    assert (answer.end["state"], answer.text) == ("done", "Here: done.")
    [image] = images(answer)
    body = (await chat.request("GET", f"/api/files/{image['file_id']}")).body
    assert body == answer_picture(size)
    assert (await stored(chat, answer))["content"] == "Here: done."
    asked = {"model": model, "messages": [{"role": "user", "content": "Draw."}]}
    response = await chat.request("POST", "/v1/chat/completions", asked)
    told = response.json()["choices"][0]["message"]["content"]
    assert told == f"Here: ![a]({url(answer_picture(size))})done."


@pytest.mark.gen_test
async def test_a_picture_at_another_address_is_a_source_and_is_not_fetched(chat, upstream):
    address = f"{upstream.url}/picture.png"
    answer = await chat.ask("Draw.", model=f"{raw({'images': [part(address)]})};say=text")
    assert images(answer) == []
    assert (await stored(chat, answer))["sources"] == [{"url": address, "title": ""}]
    assert len(upstream.requests) == 1


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("data:image/png;base64,iVBOR*w0KGgo", "picture_damaged"),
        ("data:image/png;base64,", "file_type"),
        (url(png()[:10]), "file_type"),
        (url(png(1, 1)[:8] + b"\0" * 40), "file_type"),
        (url(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"), "file_type"),
        (url(b"MZ" + b"\0" * 100), "file_type"),
    ],
)
async def test_a_bad_picture_is_told_and_the_text_goes_on(chat, address, reason):
    answer = await chat.ask("Draw.", model=f"say=a ;{raw({'images': [part(address)]})};say=b")
    assert (answer.end["state"], answer.text) == ("done", "a b")
    assert images(answer) == [] and reasons(answer) == [reason]
    folder = chat.application.config.data_dir / "files"
    assert [path for path in folder.rglob("*") if path.is_file()] == []


@pytest.mark.gen_test
async def test_a_large_damaged_picture_is_told_too(chat):
    answer = await chat.ask("Draw.", model="say=a ;badpicture=2000000;say=b")
    assert (answer.end["state"], answer.text) == ("done", "a b")
    assert reasons(answer) == ["picture_damaged"]


@pytest.mark.gen_test
async def test_too_large_a_picture_is_dropped_as_it_comes(chat):
    free = ROOM.free
    answer = await chat.ask("Draw.", model=f"say=a ;picture={MAX_PICTURE};say=b")
    assert (answer.end["state"], answer.text) == ("done", "a b")
    assert reasons(answer) == ["file_too_large"]
    assert ROOM.free == free


@pytest.mark.gen_test
async def test_the_limits_of_the_user_hold(serve, settings):
    chat = serve(replace(settings, max_file=100_000, max_user_files=150_000))
    answer = await chat.ask("Draw.", model="picture=110000;picture=90000;picture=80000;say=b")
    assert answer.text == "b"
    assert reasons(answer) == ["file_too_large", "files_full"] and len(images(answer)) == 1


@pytest.mark.gen_test
async def test_a_full_disk_is_told(chat, monkeypatch):
    def full(self, size):
        raise DiskFull

    monkeypatch.setattr("tornado_stream.files.folder.FileFolder.new_part", full)
    answer = await chat.ask("Draw.", model="say=a ;picture=100;say=b")
    assert (answer.text, reasons(answer)) == ("a b", ["not_saved"])


@pytest.mark.gen_test
async def test_an_answer_has_a_bounded_number_of_pictures(chat):
    steps = ";".join(raw({"images": [part(url(gif(1, n + 1)))]}) for n in range(MAX_PICTURES + 3))
    answer = await chat.ask("Draw.", model=f"{steps};say=b")
    assert len(images(answer)) == MAX_PICTURES and reasons(answer) == ["too_many_files"]


@pytest.mark.gen_test
async def test_a_picture_that_comes_twice_counts_once(chat):
    step = raw({"images": [part(url(webp(3, 3)))]})
    whole = raw({"content": "text", "images": [part(url(webp(3, 3)))]}, member="message")
    answer = await chat.ask("Draw.", model=f"say=text;{step};{whole}")
    assert answer.text == "text" and len(images(answer)) == 1


@pytest.mark.gen_test
async def test_the_next_question_brings_the_picture_to_the_model(chat, upstream):
    first = await chat.ask("Draw.", model="say=Here.;picture=50000")
    again = await chat.ask(
        "Brighter.", model="say=ok", conversation_id=first.start["conversation_id"]
    )
    assert again.end["state"] == "done"
    question, answer, last = upstream.requests[-1]["messages"]
    assert (question["content"], answer["content"]) == ("Draw.", "Here.")
    text, picture = last["content"]
    assert text == {"type": "text", "text": "Brighter."}
    assert picture["image_url"]["url"] == url(answer_picture(50000))


@pytest.mark.gen_test
async def test_an_answer_of_a_picture_alone_is_an_answer(chat, upstream):
    first = await chat.ask("Draw.", model="picture=10")
    await chat.ask(
        "Again.",
        model="say=ok",
        conversation_id=first.start["conversation_id"],
        pictures=False,
    )
    assert [m["content"] for m in upstream.requests[-1]["messages"]] == [
        "Draw.",
        "[Picture: picture.png]",
        "Again.",
    ]


@pytest.mark.gen_test
async def test_a_stop_ends_at_once_and_leaves_no_half_file(chat, upstream):
    asking = asyncio.ensure_future(chat.ask("Draw.", model="say=a;picture=3000000;hold"))
    await until(lambda: len(chat.application.generations))
    [id] = list(chat.application.generations._running)
    await chat.request("POST", f"/stream/{id}/stop", {})
    answer = await asking
    assert answer.end["state"] == "stopped"
    upstream.released.set()
    folder = chat.application.config.data_dir / "files"
    await until(lambda: not [*folder.glob("*.part")])
    known = {image["file_id"] for image in images(answer)}
    assert {file["id"] for file in (await stored(chat, answer))["files"]} == known


@pytest.mark.gen_test
async def test_a_continued_answer_keeps_its_pictures(chat):
    first = await chat.ask("Draw.", model="say=a;picture=100;close")
    assert first.end["state"] == "cut_off"
    rest = await chat.ask(None, **{"continue": first.start["message_id"], "model": "say=b"})
    assert images(rest) == images(first)
    assert (await stored(chat, rest))["files"] == (await stored(chat, first))["files"]


@pytest.mark.gen_test
async def test_an_export_has_the_pictures_of_answers(chat):
    answer = await chat.ask("Draw.", model="say=Here.;picture=5000")
    [image] = images(answer)
    id = answer.start["conversation_id"]
    response = await chat.request("GET", f"/c/{id}.zip")
    archive = zipfile.ZipFile(io.BytesIO(response.body))
    name = f"files/{image['file_id']} picture.png"
    assert archive.read(name) == answer_picture(5000)
    markdown = (await chat.request("GET", f"/c/{id}.md")).body.decode()
    assert f"(<../api/files/{image['file_id']}>)" in markdown


@pytest.mark.gen_test
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("size", [1000, 900_000, 4_000_000])
async def test_a_program_gets_what_the_upstream_sent(chat, stream, size):
    body = {
        "model": f"say=a;picture={size};say=b",
        "messages": [{"role": "user", "content": "Draw."}],
        "stream": stream,
    }
    response = await chat.request("POST", "/v1/chat/completions", body)
    assert response.status == 200
    if stream:
        lines = [line[6:] for line in response.body.split(b"\n\n") if line.startswith(b"data: {")]
        deltas = [choice["delta"] for line in lines for choice in json.loads(line)["choices"]]
        found = [delta["images"] for delta in deltas if delta.get("images")]
    else:
        found = [response.json()["choices"][0]["message"]["images"]]
    assert found == [[part(url(answer_picture(size)))]]
    assert not (chat.application.config.data_dir / "files").exists()


@pytest.mark.gen_test
async def test_a_program_that_keeps_its_answer_has_files_too(chat):
    body = {
        "model": "say=a;picture=2000000;say=b",
        "messages": [{"role": "user", "content": "Draw."}],
    }
    headers = {"Tornado-Stream-Keep": "true"}
    response = await chat.request("POST", "/v1/chat/completions", body, headers)
    found = response.json()["choices"][0]["message"]["images"]
    assert found == [part(url(answer_picture(2_000_000)))]
    answer = await chat.resume(response.headers["x-generation-id"])
    assert len(images(answer)) == 1


@pytest.mark.gen_test
async def test_metrics_count_files_and_why_others_were_refused(serve, settings):
    chat = serve(replace(settings, max_file=100_000))
    await chat.ask("Draw.", model="picture=1000;picture=110000;badpicture=10")
    await chat.request("POST", "/api/files?name=a", b"a text")
    await chat.request("POST", "/api/files?name=a", bytes(100))
    await chat.request("POST", "/api/files?name=a", bytes(100_001))
    lines = (await chat.request("GET", "/metrics")).body.decode().splitlines()
    for line in (
        'uploads_total{result="stored"} 2.0',
        'uploads_total{result="file_too_large"} 2.0',
        'uploads_total{result="picture_damaged"} 1.0',
        'uploads_total{result="file_type"} 1.0',
        f"upload_bytes_total {len(answer_picture(1000)) + 6}.0",
    ):
        assert f"tornado_stream_{line}" in lines
