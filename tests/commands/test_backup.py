"""`backup`: one whole file beside a server that writes, and never a bad one in its place."""

from __future__ import annotations

import os
import sqlite3
import stat
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from tests.store.answers import converse
from tornado_stream.auth.users_file import Token, User, token_digest, write_users
from tornado_stream.commands.backup import described, shown_size
from tornado_stream.server import main
from tornado_stream.store import open_store
from tornado_stream.store.base import Session
from tornado_stream.store.snapshot import Contents

USERS = {"ada": User(tokens=(Token(token_digest("ts_x")),))}


@pytest.fixture
def data_dir(tmp_path: Path, io_loop) -> Path:
    """A data directory with three answers, a session and a user."""
    data_dir = tmp_path / "data"

    async def fill() -> None:
        store = open_store(data_dir)
        for number in range(1, 4):
            await converse(
                store, number, f"question {number}", f"answer {number}", home=f"c{number}"
            )
        await store.save_session(Session("s", "ada", b"p", 1 << 40))
        await store.close()

    io_loop.run_sync(fill)
    write_users(data_dir / "users.json", USERS)
    return data_dir


def backup(data_dir: Path, file: Path, *more: str) -> int:
    return main(["backup", str(file), "--data-dir", str(data_dir), *more])


def test_a_backup_is_one_private_file_without_sessions(data_dir, tmp_path, capsys):
    file = tmp_path / "b.zip"
    assert backup(data_dir, file) == 0
    shown = f"{file}: 3 conversations, 6 messages; {-(-file.stat().st_size // 1000)} kB\n"
    assert capsys.readouterr().out == shown
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {"data", "b.zip"}
    with zipfile.ZipFile(file) as archive:
        assert set(archive.namelist()) == {"users.json", "chat.db", "manifest.json"}
        archive.extract("chat.db", tmp_path)
    with closing(sqlite3.connect(tmp_path / "chat.db")) as db:
        assert db.execute("SELECT count(*) FROM sessions").fetchone() == (0,)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)


@pytest.mark.parametrize(
    ("size", "shown"),
    [(0, "0 kB"), (1, "1 kB"), (20_001, "21 kB"), (1_500_000, "1.5 MB"), (2**31, "2,147.5 MB")],
)
def test_a_size_is_in_a_unit_that_fits(size, shown):
    assert shown_size(size) == shown


def test_one_conversation_is_one():
    assert described(Contents(schema=1, conversations=1, messages=2)).startswith(
        "1 conversation, 2"
    )


def test_a_backup_replaces_nothing(data_dir, tmp_path, capsys):
    link = tmp_path / "link"
    link.symlink_to("nowhere")
    for file in (data_dir / "chat.db", link, tmp_path):
        before = file.stat().st_mtime_ns if file.exists() else None
        assert backup(data_dir, file) == 2
        assert f"{file} exists; a backup replaces no file" in capsys.readouterr().err
        assert before == (file.stat().st_mtime_ns if file.exists() else None)


def test_without_a_database_there_is_no_backup(tmp_path, capsys):
    assert backup(tmp_path, tmp_path / "file") == 2
    assert f"there is no {tmp_path / 'chat.db'}" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("where", ["header", "pages", "users.json"])
def test_damage_is_told_and_no_backup_is_written(data_dir, tmp_path, capsys, where):
    damaged = data_dir / ("users.json" if where == "users.json" else "chat.db")
    content = bytearray(damaged.read_bytes())
    begin = 0 if where != "pages" else 4096
    content[begin : begin + 50_000] = os.urandom(len(content[begin : begin + 50_000]))
    damaged.write_bytes(content)
    file = tmp_path / "file"
    assert backup(data_dir, file) == 1
    shown = capsys.readouterr()
    assert "is damaged" in shown.err and str(data_dir) in shown.err and shown.err.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"data"}


def test_a_newer_database_is_refused(data_dir, tmp_path, capsys):
    with closing(sqlite3.connect(data_dir / "chat.db")) as db, db:
        db.execute("INSERT INTO migrations VALUES (99, 'later', 0)")
    assert backup(data_dir, tmp_path / "file") == 1
    assert "newer Tornado Stream (schema 99" in capsys.readouterr().err


# -- verify


def test_verify_reads_everything_and_writes_nothing(data_dir, tmp_path, capsys):
    file = tmp_path / "b.zip"
    backup(data_dir, file)
    capsys.readouterr()
    before = file.read_bytes()
    assert backup(tmp_path / "none", file, "--verify") == 0
    assert f"{file} is whole: 3 conversations, 6 messages; " in capsys.readouterr().out
    assert file.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"data", "b.zip"}
