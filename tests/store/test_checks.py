"""Checks of the database: every damage that SQLite's quick check sees is told, and soon."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from deadlines import LONG

from tornado_stream.store import checks, open_store, search
from tornado_stream.store.base import OpenError, StoreError
from tornado_stream.store.sqlite import SQLiteStore

from .answers import converse

PAGE = 4096


@pytest.fixture
def filled(tmp_path: Path, io_loop) -> bytes:
    """The bytes of a database with many conversations, a full-text index and free pages."""

    async def fill() -> None:
        store = SQLiteStore(tmp_path / "first")
        for n in range(40):
            await converse(store, n, f"question {n} " * 300, f"answer {n} " * 600, home=f"c{n}")
        while await store._database.writer.transact(search.catch_up):
            pass
        for n in range(0, 40, 4):
            await store.delete(f"c{n}")
        await store.close()

    io_loop.run_sync(fill)
    return (tmp_path / "first" / "chat.db").read_bytes()


def put(directory: Path, content: bytes, *, clean: bool = True) -> Path:
    """A data directory with this database, as a clean end or a crash leaves it."""
    directory.mkdir(mode=0o700)
    (directory / "chat.db").write_bytes(content)
    (directory / "lock").write_text("released\n" if clean else "12345\n")
    if clean:
        (directory / "checked").touch()
    return directory


def told_by_sqlite(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as db:
            return [row[0] for row in db.execute("PRAGMA quick_check")] != ["ok"]
    except sqlite3.DatabaseError:
        return True


def until(condition, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def told_by_the_store(directory: Path, io_loop) -> bool:
    """Whether the start refuses the database, or the check after it reports it."""
    try:
        store = open_store(directory)
    except OpenError as error:
        assert "\n" not in str(error)
        return True
    until(lambda: store.health().checked_at > 0)
    damaged = store.health().damaged
    io_loop.run_sync(store.close)
    return damaged


@pytest.mark.timed  # so that `make torture` runs its long form
def test_every_damage_that_sqlite_sees_is_told(filled, tmp_path, io_loop, monkeypatch, caplog):
    """A page is overwritten while no server runs."""
    monkeypatch.setattr(checks, "PAUSE", 0.0)
    rng, pages, seen = random.Random(11), len(filled) // PAGE, 0
    for n in range(200 if LONG else 25):
        page = rng.randrange(pages)
        content = bytearray(filled)
        content[page * PAGE : (page + 1) * PAGE] = rng.choice(
            [rng.randbytes(PAGE), bytes(PAGE), filled[-PAGE:]]
        )
        directory = put(tmp_path / f"case{n}", bytes(content), clean=False)
        expected = told_by_sqlite(directory / "chat.db")
        caplog.clear()
        told = told_by_the_store(directory, io_loop)
        assert told >= expected, f"case {n}: page {page} of {pages}"
        seen += expected
        if told and caplog.records:
            assert any("damaged" in record.getMessage() for record in caplog.records)
        (directory / "chat.db").unlink()
    caplog.clear()
    assert seen > 10


def test_a_whole_database_is_checked_after_a_crash(filled, tmp_path, io_loop):
    directory = put(tmp_path / "crashed", filled, clean=False)
    assert not told_by_the_store(directory, io_loop)
    assert time.time() - (directory / "checked").stat().st_mtime < 60


def test_after_a_clean_end_a_check_is_made_a_day_after_the_last(
    filled, tmp_path, io_loop, monkeypatch
):
    monkeypatch.setattr(checks, "PAUSE", 0.0)
    directory = put(tmp_path / "clean", filled)
    store = open_store(directory)
    assert store._database._checker._due > time.time() + checks.PERIOD - 60
    io_loop.run_sync(store.close)
    then = time.time() - checks.PERIOD - 1
    os.utime(directory / "checked", (then, then))
    store = open_store(directory)
    until(lambda: store.health().checked_at > then)
    assert not store.health().damaged
    io_loop.run_sync(store.close)


@pytest.mark.gen_test
async def test_a_deletion_stops_a_check_which_then_goes_on(filled, tmp_path, monkeypatch):
    running, let_go, calls = threading.Event(), threading.Event(), []
    original = checks.check_table

    def slow(db: sqlite3.Connection, name: str) -> list[str]:
        calls.append(name)
        if len(calls) == 1:
            db.execute("SELECT count(*) FROM messages").fetchone()
            running.set()
            db.set_progress_handler(lambda: let_go.is_set(), 1000)
            endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
            db.execute(f"{endless} SELECT count(*) FROM n, messages").fetchone()
        return original(db, name)

    monkeypatch.setattr(checks, "check_table", slow)
    directory = put(tmp_path / "crashed", filled, clean=False)
    store = open_store(directory)
    assert running.wait(30)
    await store.delete("c1")
    until(lambda: store.health().checked_at > 0)
    assert calls[0] == calls[1] and not store.health().damaged
    await store.close()


# -- the write-ahead log, and the files


@pytest.mark.gen_test
async def test_the_main_file_has_each_commit_soon(tmp_path, monkeypatch):
    """After quiet, the write-ahead log can be lost."""
    monkeypatch.setattr("tornado_stream.store.checkpoints.DELAY", 0.02)
    store = SQLiteStore(tmp_path / "data")
    await converse(store, 1, "hi", "hello", home="c1")
    assert store.health().unsecured > 0
    await _settled(store)
    copy = put(tmp_path / "copy", (tmp_path / "data" / "chat.db").read_bytes())
    other = SQLiteStore(copy)
    assert await other.messages("c1") == await store.messages("c1")
    assert await other.generation("g1") == await store.generation("g1")
    await other.close()
    await store.close()


@pytest.mark.gen_test
async def test_a_reader_delays_a_checkpoint_and_the_next_try_succeeds(tmp_path, monkeypatch):
    monkeypatch.setattr("tornado_stream.store.checkpoints.DELAY", 0.02)
    monkeypatch.setattr("tornado_stream.store.checkpoints.PAUSE", 0.02)
    store = SQLiteStore(tmp_path / "data")
    await converse(store, 1, "hi", "hello", home="c1")
    with closing(sqlite3.connect(tmp_path / "data" / "chat.db", isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM messages").fetchone()
        await converse(store, 2, "hi", "hello", home="c2")
        await asyncio.sleep(0.2)
        assert store.health().unsecured > 0.1
    await _settled(store)
    await store.close()


@pytest.mark.parametrize("name", ["chat.db", "chat.db-wal"])
@pytest.mark.parametrize("gone", ["removed", "replaced"])
@pytest.mark.gen_test
async def test_a_file_that_is_not_the_one_that_was_opened(tmp_path, caplog, name, gone):
    store = SQLiteStore(tmp_path / "data")
    await converse(store, 1, "hi", "hello", home="c1")
    assert len(await store.messages("c1")) == 2
    path = tmp_path / "data" / name
    away = path.rename(tmp_path / "away")
    if gone == "replaced":
        path.write_bytes(away.read_bytes())
    for call in (
        lambda: converse(store, 2, "hi", "hello", home="c2"),
        lambda: store.update("c1", {"title": "new"}),
        lambda: store.delete("c1"),
        lambda: store.check(),
    ):
        with pytest.raises(StoreError, match="removed or replaced"):
            await call()
    assert store.health().replaced and len(await store.messages("c1")) == 2
    assert [r.levelno for r in caplog.records if "Put the file back" in r.getMessage()] == [
        logging.ERROR
    ]
    away.replace(path)
    await store.check()
    assert not store.health().replaced
    await converse(store, 2, "hi", "hello", home="c2")
    caplog.clear()
    await store.close()


@pytest.mark.gen_test
async def test_a_replaced_file_is_noticed_without_a_write(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr("tornado_stream.store.watch.INTERVAL", 0.01)
    store = SQLiteStore(tmp_path / "data")
    (tmp_path / "data" / "chat.db").rename(tmp_path / "away")
    while "was removed or replaced" not in caplog.text:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert store.health().replaced
    caplog.clear()
    (tmp_path / "away").rename(tmp_path / "data" / "chat.db")
    while store.health().replaced:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await store.close()


async def _settled(store: SQLiteStore) -> None:
    while store.health().unsecured:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
