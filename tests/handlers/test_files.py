"""Files over HTTP: uploading, reading, deleting; limits, cuts, strangers."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
from dataclasses import replace
from typing import Any

import pytest
from client import Client, Response, read_body, read_head, until
from pictures import docx, gif, jpeg, paragraph, pdf, png

from tornado_stream.files import service
from tornado_stream.files.types import DOCX
from tornado_stream.handlers.files import ENDINGS

#: More in the long form.
LONG = os.environ.get("TORTURE") == "long"


async def upload(chat: Client, data: bytes, name: str = "a.png", **headers: Any) -> Response:
    return await chat.request("POST", f"/api/files?name={name}", data, headers)


def on_disk(chat: Client) -> list[str]:
    folder = chat.application.config.data_dir / "files"
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.gen_test
async def test_a_picture_is_uploaded_and_comes_back(chat):
    data = png(300, 200, noise=os.urandom(700_000))
    response = await upload(chat, data, "holiday%20%2F%202026.png")
    assert response.status == 201, response.body
    file = response.json()
    id = file.pop("id")
    assert file == {
        "name": "holiday - 2026.png",
        "type": "image/png",
        "size": len(data),
        "kind": "image",
        "tokens": 80,
        "pages": None,
        "pages_read": None,
        "shortened": False,
        "state": "ready",
        "detail": "",
    }
    sum = hashlib.sha256(data).hexdigest()
    path = chat.application.config.data_dir / "files" / sum[:2] / sum
    assert path.read_bytes() == data
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    got = await chat.request("GET", f"/api/files/{id}")
    assert (got.status, got.body) == (200, data)
    assert got.headers["content-length"] == str(len(data))
    assert got.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert got.headers["content-disposition"].startswith('inline; filename="holiday - 2026.png"')
    same = {"If-None-Match": got.headers["etag"]}
    assert (await chat.request("GET", f"/api/files/{id}", headers=same)).status == 304
    head = await chat.request("HEAD", f"/api/files/{id}")
    assert (head.status, head.headers["content-length"]) == (200, str(len(data)))
    listed = (await chat.request("GET", "/api/files")).json()["files"]
    assert listed == [{"id": id, **file}]


@pytest.mark.gen_test
async def test_the_same_bytes_again_are_the_same_file(chat):
    first = await upload(chat, png(), "a.png")
    again = await upload(chat, png(), "b.png")
    assert (first.status, again.status) == (201, 200)
    assert again.json() == first.json() | {"name": "b.png"}
    assert len(on_disk(chat)) == 1


@pytest.mark.gen_test
@pytest.mark.parametrize(
    "data", [b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", b"<html>x</html>"]
)
async def test_nothing_is_served_as_what_a_browser_runs(chat, data):
    file = (await upload(chat, data, "evil.html")).json()
    assert (file["type"], file["kind"], file["state"]) == ("text/plain", "text", "ready")
    for path in (f"/api/files/{file['id']}", f"/api/files/{file['id']}/text"):
        got = await chat.request("GET", path)
        assert got.body == data
        assert got.headers["content-type"] == "text/plain; charset=utf-8"
        assert got.headers["x-content-type-options"] == "nosniff"
        assert got.headers["content-security-policy"] == "sandbox; default-src 'none'"
    got = await chat.request("GET", f"/api/files/{file['id']}")
    assert got.headers["content-disposition"].startswith('attachment; filename="evil.html"')


SCRIPT = b"<html><script>alert(1)</script></html>"


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("data", "type"),
    [
        (png(noise=SCRIPT), "image/png"),
        (png() + SCRIPT, "image/png"),
        (gif(5, 5) + b"=1;alert(1)//" + SCRIPT, "image/gif"),
        (jpeg(5, 5) + docx(paragraph("also an archive")), "image/jpeg"),
        (pdf("a") + SCRIPT, "application/pdf"),
        (SCRIPT + pdf("a"), "application/pdf"),
        (docx(paragraph("a"), **{"index.html": SCRIPT.decode()}), DOCX),
    ],
)
async def test_what_is_two_things_is_served_as_one(chat, data, type):
    """By its first bytes, and to no browser as a page or a script, whatever its name says."""
    file = (await upload(chat, data, "x.html")).json()
    assert file["type"] == type
    got = await chat.request("GET", f"/api/files/{file['id']}", headers={"Accept": "text/html"})
    assert (got.body, got.headers["content-type"]) == (data, type)
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-security-policy"] == "sandbox; default-src 'none'"
    shown = "inline" if type.startswith("image/") else "attachment"
    assert got.headers["content-disposition"].startswith(f"{shown}; ")


@pytest.mark.gen_test
async def test_a_picture_that_no_browser_could_show_is_refused(chat):
    """Its few bytes would be gigabytes of pixels."""
    data = png(2, 2)
    data = data[:16] + (60_000).to_bytes(4, "big") * 2 + data[24:]
    refused = await upload(chat, data)
    assert (refused.status, refused.json()["error"]["code"]) == (415, "file_type")
    assert "pixels" in refused.json()["error"]["message"] and on_disk(chat) == []


@pytest.mark.gen_test
async def test_a_name_gets_an_ending(chat):
    for data, name, shown in [
        (png(1, 1), "", "file.png"),
        (png(1, 2), "photo", "photo.png"),
        (b"x", "Makefile", "Makefile.txt"),
        (b"y", ".env", "env.txt"),
        (b"z", "x.y.log", "x.y.log"),
        (b"w", "a.%22%3B%0D%0Ax", "a. ; x.txt"),
    ]:
        id = (await upload(chat, data, name)).json()["id"]
        header = (await chat.request("GET", f"/api/files/{id}")).headers["content-disposition"]
        assert f'filename="{shown}"' in header, header
    assert set(ENDINGS.values()) >= {"png", "jpg", "pdf"}


@pytest.mark.gen_test
async def test_a_document_is_read_after_its_upload(chat):
    file = (await upload(chat, docx(paragraph("the words")), "contract.docx")).json()
    assert (file["kind"], file["state"]) == ("document", "reading")
    early = await chat.request("GET", f"/api/files/{file['id']}/text")
    assert early.status in (200, 409)
    await until(lambda: chat.application.files._reader.reading is None)
    listed = (await chat.request("GET", "/api/files")).json()["files"]
    assert listed[0]["state"] == "ready" and listed[0]["tokens"] == 3
    assert (await chat.request("GET", f"/api/files/{file['id']}/text")).body == b"the words\n"
    assert (await chat.request("GET", f"/api/files/{file['id']}")).body.startswith(b"PK")


@pytest.mark.gen_test
async def test_what_cannot_be_used_is_refused_in_words(chat):
    for data, status, code in [
        (b"", 400, "invalid_request"),
        (b"\x7fELF\0\0", 415, "file_type"),
        (png(1, 1)[:15], 415, "file_type"),
    ]:
        response = await upload(chat, data)
        assert (response.status, response.json()["error"]["code"]) == (status, code)
    packed = await upload(chat, png(), **{"Content-Encoding": "gzip"})
    assert packed.json()["error"]["code"] == "unsupported_encoding"
    chunked = {"Content-Length": None, "Transfer-Encoding": "chunked"}
    response = await chat.request("POST", "/api/files", b"0\r\n\r\n", chunked)
    assert (response.status, response.json()["error"]["code"]) == (411, "length_required")
    assert (await chat.request("PUT", "/api/files", {})).status == 405
    assert on_disk(chat) == []


@pytest.mark.gen_test
async def test_a_file_that_is_too_large_gets_an_answer_and_no_reset(serve, settings):
    """The whole body is sent, as browsers do, before the answer is read."""
    chat = serve(replace(settings, max_file=1000))
    for size in (1001, 3_000_000, 100_000_000):
        stream = await chat.connect()
        head = chat.encode("POST", "/api/files?name=x", b"", {"Content-Length": str(size)})
        await stream.write(head)
        left = size
        while left:
            part = min(left, 1_000_000)
            await stream.write(b"x" * part)
            left -= part
        response = await read_head(stream)
        response.body = await read_body(stream, response)
        assert response.status == 413
        assert response.json()["error"]["code"] == "file_too_large"
        await stream.write(chat.encode("GET", "/healthz", None, {}))  # the connection lives
        assert (await read_head(stream)).status == 200
        stream.close()
    waiting = {"Expect": "100-continue", "Content-Length": "1001"}
    response = await chat.request("POST", "/api/files", b"", waiting)
    assert response.json()["error"]["code"] == "file_too_large"  # without the body
    assert on_disk(chat) == []


@pytest.mark.gen_test
async def test_the_files_of_a_user_have_a_limit(serve, settings):
    chat = serve(replace(settings, max_user_files=3000))
    assert (await upload(chat, png(noise=b"a" * 2000))).status == 201
    response = await upload(chat, png(noise=b"b" * 2000))
    assert (response.status, response.json()["error"]["code"]) == (413, "files_full")
    await until(lambda: len(on_disk(chat)) == 1)


@pytest.mark.gen_test
async def test_too_many_uploads_at_once_are_refused(chat, monkeypatch):
    monkeypatch.setattr(service, "UPLOADS_PER_USER", 1)
    first = await chat.connect()
    await first.write(chat.encode("POST", "/api/files", b"abc", {"Content-Length": "10"}))
    await until(lambda: chat.application.files._uploads["local"] == 1)
    response = await upload(chat, png())
    assert response.status == 429 and response.headers["retry-after"] == "5"
    assert response.json()["error"]["code"] == "too_many_uploads"
    first.close()
    await until(lambda: chat.application.files._uploads["local"] == 0)
    assert (await upload(chat, png())).status == 201


@pytest.mark.gen_test
async def test_a_cut_upload_leaves_nothing(chat, monkeypatch):
    """Every upload is cut at a random byte: it is whole afterwards, or there is nothing of it."""
    monkeypatch.setattr(service, "UPLOADS", 10_000)
    monkeypatch.setattr(service, "UPLOADS_PER_USER", 10_000)
    chance = random.Random(4711)
    known: set[str] = set()

    async def cut() -> None:
        data = png(noise=chance.randbytes(chance.choice([10, 200_000, 1_000_000])))
        at = chance.randrange(len(data) + 200)
        stream = await chat.connect()
        request = chat.encode("POST", "/api/files?name=x", data, {})
        await stream.write(request[: len(request) - len(data) + at])
        stream.close()
        known.add(hashlib.sha256(data).hexdigest())

    for _ in range(100 if LONG else 4):
        await asyncio.gather(*(cut() for _ in range(10)))
    assert (await chat.request("GET", "/healthz")).status == 200  # all uploads have begun
    await until(lambda: not chat.application.files._uploads.total())
    there = on_disk(chat)
    assert set(there) <= known and not [name for name in there if name.endswith(".part")]
    for name in there:
        path = chat.application.config.data_dir / "files" / name[:2] / name
        assert hashlib.sha256(path.read_bytes()).hexdigest() == name
    stored = await chat.application.files._store.for_owner("local").unused_files(10_000)
    assert {file.sha256 for file in stored} == set(there)


@pytest.mark.gen_test
async def test_a_file_is_deleted_with_its_bytes(chat):
    id = (await upload(chat, png())).json()["id"]
    assert (await chat.request("DELETE", f"/api/files/{id}")).status == 204
    assert on_disk(chat) == []
    for method, path in [
        ("DELETE", f"/api/files/{id}"),
        ("GET", f"/api/files/{id}"),
        ("GET", f"/api/files/{id}/text"),
    ]:
        response = await chat.request(method, path)
        assert (response.status, response.json()["error"]["code"]) == (404, "file_not_found")


@pytest.mark.gen_test
async def test_bytes_that_are_gone_are_told(chat):
    file = (await upload(chat, png())).json()
    for name in on_disk(chat):
        chat.application.files._folder.remove(name)
    response = await chat.request("GET", f"/api/files/{file['id']}")
    assert (response.status, response.json()["error"]["code"]) == (404, "file_not_found")


@pytest.mark.gen_test
async def test_a_disk_that_refuses_is_told(chat):
    folder = chat.application.config.data_dir / "files"
    folder.write_text("no folder")
    response = await upload(chat, png())
    assert (response.status, response.json()["error"]["code"]) == (503, "not_saved")
    folder.unlink()
    assert (await upload(chat, png())).status == 201


@pytest.mark.gen_test
async def test_a_full_disk_is_told(chat, monkeypatch):
    monkeypatch.setattr("tornado_stream.files.folder.SIZE", 10**18)
    monkeypatch.setattr("tornado_stream.files.folder.PART", 1)
    response = await upload(chat, png())
    assert response.status == 503 and "disk is full" in response.json()["error"]["message"]
    assert on_disk(chat) == []
