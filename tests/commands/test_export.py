"""The command `export`, beside a running server and without one."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from zipfile import ZipFile

import pytest

from tornado_stream.auth.users_file import Token, User, token_digest, write_users
from tornado_stream.store import open_store
from tornado_stream.store.migrate import applied_migrations
from tornado_stream.store.migrations import MIGRATIONS

from .test_users import command, run  # noqa: F401


@pytest.mark.gen_test(timeout=60)
async def test_all_conversations_of_one_user_beside_a_running_server(serve, settings, tmp_path):
    chat = serve(settings)
    first = (await chat.ask("about bread", model="say=Flour.")).start["conversation_id"]
    await chat.application.conversations.create("anna:0123456789abcdef", "hers", None)
    stream = await chat.send("about salt", model="say=So far;hold")
    second = (await stream.until("start")).data["conversation_id"]
    await stream.until("delta")
    await chat.application.generations._saver._save(
        list(chat.application.generations._saver._to_save)
    )
    data_dir, file = chat.application.config.data_dir, tmp_path / "mine.zip"
    said = await command(data_dir, "export", str(file))
    assert said == f"{file}: 2 conversations of local"
    assert os.stat(file).st_mode & 0o77 == 0
    with ZipFile(file) as archive:
        one = await chat.request("GET", f"/c/{first}.json")
        assert archive.read(f"json/{first}.json") == one.body
        assert b"So far" in archive.read(f"json/{second}.json")
        assert len(archive.namelist()) == 4
    former = tmp_path / "former.zip"
    said = await command(data_dir, "export", str(former), "--user", "anna:0123456789abcdef")
    assert said == f"{former}: 1 conversation of anna:0123456789abcdef"


def test_what_cannot_be_exported_leaves_no_file(run, tmp_path):  # noqa: F811
    file, there = tmp_path / "new.zip", tmp_path / "there.zip"
    there.write_bytes(b"mine")
    write_users(tmp_path / "users.json", {"anna": User()})
    for arguments, says in [
        ([], "the following arguments are required: FILE"),
        ([str(there)], "an export replaces no file"),
        ([str(file)], "there is no"),
    ]:
        status, out, err = run("export", *arguments)
        assert status == 2 and out == "" and says in err and err.count("\n") == 1
    asyncio.run(open_store(tmp_path).close())
    for arguments, says in [
        ([str(file), "--user", "ben"], "there is no user ben"),
        ([str(tmp_path / "no" / "file.zip")], "No such file"),
    ]:
        status, out, err = run("export", *arguments)
        assert status == 2 and out == "" and says in err and err.count("\n") == 1
    assert run("export", str(tmp_path / "annas.zip"), "--user", "anna")[0] == 0
    (tmp_path / "chat.db").write_bytes(b"not a database" * 1000)
    status, out, err = run("export", str(file))
    assert status == 1 and out == "" and "damaged" in err and err.count("\n") == 1
    assert there.read_bytes() == b"mine" and not file.exists()
    assert not list(tmp_path.glob(".tornado-stream-*"))


@pytest.mark.parametrize("applied", [1, 5, len(MIGRATIONS) - 1])
def test_a_database_of_an_earlier_version_is_read_and_left_as_it_is(run, tmp_path, applied):  # noqa: F811
    """After an upgrade, before the first start of the server."""
    path = tmp_path / "chat.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        applied_migrations(db, path)
        for number, migration in enumerate(MIGRATIONS[:applied], 1):
            migration(db)
            db.execute("INSERT INTO migrations VALUES (?, ?, 0)", (number, migration.__name__))
        db.execute(
            "INSERT INTO conversations (seq, owner, id, updated_seq, created_at, updated_at, title)"
            " VALUES (1, 'local', 'c1', 1, 1, 1, 'Bread')"
        )
    before = path.read_bytes()
    write_users(tmp_path / "users.json", {"anna": User(tokens=(Token(token_digest("ts_x")),))})
    status, out, err = run("export", str(tmp_path / "mine.zip"))
    assert (status, err) == (0, "") and "1 conversation of local" in out
    assert run("users", "sessions", "anna") == (0, "", "")
    assert "never used, never expires" in run("users", "tokens", "anna")[1]
    assert run("check")[0] == 0 and run("backup", str(tmp_path / "b.zip"))[0] == 0
    assert path.read_bytes() == before and not list(tmp_path.glob("*.before-*"))
    assert not list(tmp_path.glob(".tornado-stream-*"))
