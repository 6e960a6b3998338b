"""Copies of the database are of one moment, and delay no commit."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing

import pytest

from tornado_stream.store import open_store, opening, snapshot
from tornado_stream.store.base import Progress
from tornado_stream.store.snapshot import check_database, copy_database

from .answers import converse, new_answer


@pytest.mark.gen_test
async def test_a_copy_is_of_one_moment_and_delays_no_commit(tmp_path, monkeypatch):
    """The server commits between every two steps of the copy. All commits are at once, and the copy
    has none of them."""
    data_dir = tmp_path / "data"
    store = open_store(data_dir)
    for number in range(4):
        await converse(store, number, "x" * 100_000, "y" * 100_000, home=f"c{number}")
    await store.begin(new_answer(9, home="c9"))
    loop, steps, waits = asyncio.get_running_loop(), [], []

    class Between(sqlite3.Connection):
        def backup(self, target, *, pages):
            def after(status: int, left: int, total: int) -> None:
                steps.append(left)
                frame = Progress("g9", len(steps) + 1, [b"id: 1\n\n"])
                began = loop.time()
                asyncio.run_coroutine_threadsafe(store.append([frame]), loop).result(30)
                waits.append(loop.time() - began)

            super().backup(target, pages=pages, progress=after)

    opened = sqlite3.connect
    monkeypatch.setattr(snapshot, "STEP", 5)
    monkeypatch.setattr(
        snapshot.sqlite3, "connect", lambda *a, **more: opened(*a, factory=Between, **more)
    )
    copy = tmp_path / "copy"
    copy.mkdir()
    before = len((await store.generation("g9")).frames)
    await loop.run_in_executor(None, copy_database, data_dir / "chat.db", copy / "chat.db")
    monkeypatch.undo()
    assert len(steps) > 20 and steps == sorted(steps, reverse=True), "the copy began again"
    assert max(waits) < snapshot.BUSY_TIMEOUT / 2
    assert check_database(copy / "chat.db").messages == 10
    assert len((await store.generation("g9")).frames) == before + len(steps)
    await store.close()
    restored = open_store(copy)
    assert len((await restored.generation("g9")).frames) == before
    await restored.close()


@pytest.mark.gen_test
async def test_a_deletion_beside_a_copy_delays_no_commit(tmp_path, monkeypatch):
    """The deletion empties the write-ahead log, and waits for the program that reads it."""
    monkeypatch.setattr(opening, "BUSY_TIMEOUT", 30.0)
    store = open_store(tmp_path / "data")
    await converse(store, 1, "one", "two", home="c1")
    with closing(sqlite3.connect(tmp_path / "data" / "chat.db", isolation_level=None)) as copying:
        copying.execute("BEGIN")
        copying.execute("SELECT count(*) FROM messages").fetchone()
        deleting = asyncio.ensure_future(store.delete("c1"))
        waits = []
        for number in range(2, 22):
            began = time.monotonic()
            await converse(store, number, "one", "two", home=f"c{number}")
            waits.append(time.monotonic() - began)
        assert not deleting.done() and max(waits) < 15
    await deleting
    await store.close()
