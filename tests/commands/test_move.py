"""`move`: what is in PostgreSQL afterwards is what was in the data directory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.store.answers import converse, end, frame, new_answer
from tornado_stream.server import main
from tornado_stream.store import open_store
from tornado_stream.store.base import Progress, Session, WaitingQuestion
from tornado_stream.store.pages import Which
from tornado_stream.values.defaults import Defaults
from tornado_stream.values.files import StoredFile
from tornado_stream.values.messages import Conversation
from tornado_stream.values.presets import Preset
from tornado_stream.values.shares import Share

pytestmark = pytest.mark.wide
OWNERS = ("local", "anna")
QUERIES = ("walrus", "zurich", "nul b", "title", "absent", "京")


async def fill(data_dir) -> None:
    store = open_store(data_dir)
    await converse(store, 1, "Zürich walrus", "an answer\0nul byte \x1a", home="c1", title="t\0x")
    await converse(store, 2, "北京市", "second", home="c2", title="title two")
    anna = store.for_owner("anna")
    await converse(anna, 3, "walrus of anna", "a" * 70_000, home="c3", owner="anna")
    again = new_answer(4, conversation=await store.conversation("c1"), parent="a1")
    await store.begin(again)
    await end(store, again, "third", first=2)
    start = frame(1, "start", '{"t":0}')
    running = replace(new_answer(5, home="c5", text="cut off"), frame=start)
    await store.begin(running)
    text = b'id: 2\nevent: delta\ndata: {"content":"so far","t":1}\n\n'
    await store.append([Progress("g5", 2, [text])])
    await store.create(Conversation("c6", "", "system\0", None, 1, 1, "m", {"x": [1, None]}))
    await store.update_many({"pinned": True, "folder": "Ordner\0"}, ids=["c2"])
    await store.update("c6", {"archived": True})
    await anna.add_preset(Preset("p", "Straße", "preset", "", "s", "m", {"x": 1}))
    await anna.save_defaults(Defaults("Be brief.\0", {"y": None}, 1))
    await store.save_session(Session("s", "anna", b"\0proof", 1 << 40, 5, "::1", "Firefox"))
    await store.save_last_uses({"s": 7})
    await anna.add_share(Share("h", "digest", "anna", "c3", "a3", True, False, 5, None))
    file = StoredFile("f", "sum", "a\0.txt", 10, "text/plain", "text", 1)
    await store.add_file(file, lambda: None)
    await store.put_waiting(WaitingQuestion("c2", "w", 0, "later\0", None, {}, ("f",)))
    question = replace(new_answer(7, home="c7").messages[0], files=[file.in_message()])
    await store.begin(replace(new_answer(7, home="c7"), messages=(question,)))
    await end(store, new_answer(7, home="c7"), "read it")
    await store.close()


async def everything(store) -> dict[str, object]:
    """What the store says of all that `fill` has written."""
    found: dict[str, object] = {
        "sessions": await store.sessions(),
        "uses": await store.last_uses(),
        "waiting": await store.waiting("c2"),
    }
    for owner in OWNERS:
        view = store.for_owner(owner)
        for which in (Which(loose=True), Which(archived=True), Which(archived=None)):
            found[f"{owner} {which}"] = await view.conversations(which=which)
        for query in QUERIES:
            found[f"{owner} {query}"] = await view.conversations(query=query)
        for by in ("day", "model"):
            found[f"{owner} {by}"] = await view.usage(by, 0, 10**6)
        found[f"{owner} own"] = [await view.presets(), await view.defaults()]
        found[f"{owner} shares"] = await view.shares()
        found[f"{owner} files"] = [await view.files(["f"]), await view.unused_files()]
        for id in await view.conversation_ids():
            found[id] = [await view.conversation(id), await view.messages(id)]
            found[f"{id} size"] = (await view.outline(id))[2]
        for number in range(1, 8):
            stored = await view.generation(f"g{number}")
            found[f"{owner} g{number}"] = stored and [stored.frames, stored.message]
    return found


def test_everything_is_there_afterwards(postgres, tmp_path, io_loop, capsys):
    url, data_dir = postgres.new_database(), tmp_path / "data"
    io_loop.run_sync(lambda: fill(data_dir))
    assert main(["move", "--to", url, "--data-dir", str(data_dir)]) == 0
    out = capsys.readouterr().out
    assert "has 6 conversations with 12 messages" in out and "ts@" not in out

    async def compare():
        before, after = open_store(data_dir), open_store(data_dir, database=url)
        await after.open()
        try:
            assert await everything(after) == await everything(before)
            assert (await after.message("a5")).state == "interrupted"
            await converse(after, 8, "new", "walrus", home="c8")
            first = (await after.conversations()).matches[0]
            assert first.conversation.id == "c8", "numbers go on"
            await after.for_owner("anna").add_preset(Preset("q", "another"))
        finally:
            await before.close()
            await after.close()

    io_loop.run_sync(compare)
    capsys.readouterr()
    assert main(["move", "--to", url, "--data-dir", str(data_dir)]) == 2
    assert "the database is not empty" in capsys.readouterr().err


def test_what_comes_back_different_is_not_moved(postgres, tmp_path, io_loop, capsys, monkeypatch):
    url, data_dir = postgres.new_database(), tmp_path / "data"
    io_loop.run_sync(lambda: fill(data_dir))
    with monkeypatch.context() as patch:
        patch.setattr(
            "tornado_stream.store.postgres.moving.to_text",
            lambda value: (
                "another"
                if value == "second"
                else value.replace("\0", "")
                if isinstance(value, str)
                else value
            ),
        )
        assert main(["move", "--to", url, "--data-dir", str(data_dir)]) == 1
    assert "came back different; nothing was moved" in capsys.readouterr().err
    tables = postgres.execute("SELECT 1 FROM pg_tables WHERE schemaname = 'public'", url)
    assert tables == []
    assert main(["move", "--to", url, "--data-dir", str(data_dir)]) == 0


def test_what_cannot_be_moved_says_why(postgres, tmp_path, io_loop, capsys, monkeypatch):
    url, data_dir = postgres.new_database(), tmp_path / "data"
    monkeypatch.delenv("TORNADO_STREAM_DATABASE", raising=False)
    arguments = ["move", "--data-dir", str(data_dir)]
    for more, words in [
        ([], "--to"),
        (["--to", "http://x"], "a URL like postgresql://"),
        (["--to", url], "there is no"),
    ]:
        assert main([*arguments, *more]) == 2
        assert words in capsys.readouterr().err
    io_loop.run_sync(lambda: fill(data_dir))
    store = open_store(data_dir)
    assert main([*arguments, "--to", url]) == 2
    assert "is in use" in capsys.readouterr().err
    io_loop.run_sync(store.close)
    assert main([*arguments, "--to", url.rpartition("/")[0] + "/absent"]) == 2
    assert "no such database" in capsys.readouterr().err
