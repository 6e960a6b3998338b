"""Answers with calls of tools in exports, and what an import makes of them."""

from __future__ import annotations

import io
from dataclasses import replace
from importlib.util import find_spec
from zipfile import ZipFile

import pytest
from handlers.test_imports import files_of, imported, listed, without_ids

from tests.tools_host.conftest import Tools, call, called

pytestmark = [
    pytest.mark.wide,
    pytest.mark.skipif(find_spec("mcp") is None, reason="the package mcp is not installed"),
]


def in_archive(data: bytes) -> tuple[list[str], str, bytes]:
    """The names of files, all Markdown, and the bytes of the first file."""
    with ZipFile(io.BytesIO(data)) as archive:
        files = [name for name in archive.namelist() if name.startswith("files/")]
        texts = [archive.read(n).decode() for n in archive.namelist() if n.endswith(".md")]
        return files, "\n".join(texts), archive.read(files[0])


async def with_pictures(tools: Tools) -> str:
    """A conversation with a picture, a call that waits, one that may have run, a refused one, and a
    tool that runs unasked. Returns its id."""
    first = await tools.ask("say=I draw.;" + call("c__draw"), "say=Nice.;usage=3")
    drawn = await tools.decide(first, {"call_1": "always"})
    ids = {"conversation_id": drawn.start["conversation_id"]}
    dies = await tools.ask("", call("c__die", id="d"), **ids)
    after = await tools.decide(dies, {"d": "run"})
    assert after.end["waiting"] == ["d"]
    await tools.decide(after, {"d": "tell"})
    no = await tools.ask(call("c__count", {"text": "é"}, id="n"), "say=No.", **ids, parent_id=None)
    await tools.decide(no, {"n": "refuse"})
    await tools.ask(call("c__count", {"text": "later"}, id="w"), **ids, parent_id=None)
    return str(ids["conversation_id"])


@pytest.mark.gen_test
async def test_an_export_with_calls_comes_back_equal_but_for_ids(
    tools, serve, settings, tmp_path, upstream
):
    id = await with_pictures(tools)
    export = (await tools.chat.request("GET", "/api/export")).body
    one = (await tools.chat.request("GET", f"/c/{id}.zip")).body
    for archive in (export, one):
        (file,), _, picture = in_archive(archive)
        assert (file[-12:], picture[:4]) == (" picture.png", b"\x89PNG")
    other = serve(replace(settings, config=tmp_path / "tornado-stream.toml"))
    about = await imported(other, export)
    assert (about["imported"], about["skipped"]) == (1, [])
    again = (await other.request("GET", "/api/export")).body
    (new,), (old,) = without_ids(files_of(again)), without_ids(files_of(export))
    assert len(old.pop("always")) == 1
    assert new.pop("always") == [], "what runs unasked there asks here"
    for mine, theirs in zip(new["messages"], old["messages"], strict=True):
        scripts = mine.pop("model"), theirs.pop("model")
        assert scripts[0] == scripts[1] or str(scripts[1]).startswith(scripts[0])
        assert mine == theirs
    assert new == old
    (row,) = await listed(other)
    assert row["decide"], "the call that waited there waits here"
    got = (await other.request("GET", f"/api/conversations/{row['id']}")).json()
    calls = [part for m in got["messages"] for part in m["parts"] if part["type"] == "call"]
    (drawn,) = (part for part in calls if part["result"] and part["result"]["files"])
    place = f"/api/files/{drawn['result']['files'][0]['id']}"
    assert (await other.request("GET", place)).body == in_archive(export)[2]
    assert (await other.request("GET", "/api/files")).json() == {"files": []}, "it is in use"
    ids = {"parent_id": got["messages"][-1]["id"], "decide": {"w": "run"}}
    decided = await other.ask(None, model="say=End.", **ids)
    assert (called(decided)[-1]["state"], tools.ran[-1]) == ("done", "later")
    assert (await imported(other, again))["known"] == 1
    await other.request("DELETE", f"/api/conversations/{row['id']}")
    (unused,) = (await other.request("GET", "/api/files")).json()["files"]
    assert unused["id"] in place, "nothing has it any more, so it is gone after a day"


@pytest.mark.gen_test
async def test_markdown_links_the_pictures_of_tools(tools):
    first = await tools.ask(call("c__draw"), "say=Nice.")
    drawn = await tools.decide(first, {"call_1": "run"})
    id = drawn.start["conversation_id"]
    markdown = (await tools.chat.request("GET", f"/c/{id}.md")).body.decode()
    (file,) = called(drawn)[-1]["result"]["files"]
    assert f"![picture\\.png](<../api/files/{file['id']}>)" in markdown
    _, markdown, _ = in_archive((await tools.chat.request("GET", f"/c/{id}.zip")).body)
    assert f"![picture\\.png](<../files/{file['id']}%20picture.png>)" in markdown
    plain = (await tools.chat.request("GET", f"/c/{id}.txt")).body.decode()
    assert "[Picture: picture.png]" in plain
