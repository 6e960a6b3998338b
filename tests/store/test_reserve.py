"""The reserve: when it holds space, who may use the last of it, and a file system that is full."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest
from deadlines import DEADLINE

from tornado_stream.store import reserve
from tornado_stream.store.base import DiskFull
from tornado_stream.store.reserve import Reserve, disk_space
from tornado_stream.store.sqlite import SQLiteStore

from .answers import converse, listed

MIB = 1024 * 1024


class Disk:
    """A disk of 320 MiB, on which `free` MiB are free."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.free = 200.0
        monkeypatch.setattr(reserve, "disk_space", lambda path: (320 * MIB, int(self.free * MIB)))


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def test_the_space_of_a_disk_is_what_the_system_says(tmp_path: Path) -> None:
    total, free = disk_space(tmp_path)
    assert total == shutil.disk_usage(tmp_path).total
    assert 0 < free <= total
    with pytest.raises(OSError):
        disk_space(tmp_path / "missing")


def test_space_is_held_and_given_back(disk: Disk, tmp_path: Path) -> None:
    held = Reserve(tmp_path)
    assert not held.held
    held.take()
    assert held.is_whole and held.held == held.size == 32 * MIB
    assert Reserve(tmp_path).is_whole, "after a restart"
    held.release()
    held.take()  # a deletion is using the space
    assert list(tmp_path.iterdir()) == [] and not Reserve(tmp_path).held
    held.settle()
    assert held.is_whole
    with held.lent():
        assert not held.held
    assert held.is_whole


def test_on_a_disk_that_is_nearly_full_half_of_the_space_is_held(
    disk: Disk, tmp_path: Path
) -> None:
    disk.free = 10
    one = Reserve(tmp_path)
    one.take()
    assert one.held == 5 * MIB and not one.is_whole
    disk.free = 4
    one.take()  # what is held is not given back to other writes
    assert one.held == 5 * MIB
    disk.free = 50
    one.take()
    assert one.held == 16 * MIB
    disk.free = 60
    one.take()
    assert one.is_whole


def test_a_disk_that_refuses_the_file(disk: Disk, tmp_path: Path, monkeypatch) -> None:
    def refuse(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    one = Reserve(tmp_path)
    one.take()
    assert not one.held and list(tmp_path.iterdir()) == []


@pytest.mark.gen_test
async def test_a_full_disk_is_known_before_a_question_fails(disk: Disk, tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "data")
    await converse(store, 1, "hi", "hello", home="c1")
    await store.check()
    disk.free = 0.1
    with pytest.raises(DiskFull):
        await store.check()
    await store.close()


@pytest.mark.gen_test
async def test_the_database_never_has_to_grow_by_more_than_the_reserve(
    disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise nothing could empty the write-ahead log on the full disk."""
    monkeypatch.setattr("tornado_stream.store.checkpoints.PAUSE", 0.02)
    disk.free = 1
    store = SQLiteStore(tmp_path / "data")
    held = store._database.reserve.held
    assert held == MIB // 2
    path = tmp_path / "data" / "chat.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN")  # a program that reads, so the log only becomes longer
        other.execute("SELECT count(*) FROM messages").fetchone()
        with pytest.raises(DiskFull):
            for number in range(100):
                await converse(store, number, "?" * 20_000, "!" * 20_000, home=f"c{number}")
        pages = sqlite3.connect(path).execute("PRAGMA page_count").fetchone()[0]
        assert 0 <= pages * 4096 - path.stat().st_size <= held and number > 5
    async with asyncio.timeout(DEADLINE):
        while True:
            with suppress(DiskFull):
                await converse(store, 100, "hi", "hello", home="after")
                break
            await asyncio.sleep(0.01)
    assert "after" in await listed(store)
    await store.close()


@pytest.mark.gen_test
async def test_deferred_work_leaves_the_last_space_to_other_writes(
    disk: Disk, tmp_path: Path
) -> None:
    store = SQLiteStore(tmp_path / "data")
    await converse(store, 1, "hi", "hello", home="c1")
    writer = store._database.writer
    disk.free = 0.4
    await store.check()
    with pytest.raises(DiskFull):
        await writer.transact(store._database._tidy_step)
    disk.free = 200
    await writer.transact(store._database._tidy_step)
    await store.close()


class Full(sqlite3.Connection):
    """A disk that is full for deletions until the file of the reserve is gone."""

    path: Path

    def execute(self, sql: str, *args: object) -> sqlite3.Cursor:
        if sql.startswith("DELETE FROM conversations") and self.path.exists():
            raise sqlite3.OperationalError("database or disk is full")
        return super().execute(sql, *args)


@pytest.mark.gen_test
async def test_a_deletion_gets_the_reserve(disk: Disk, tmp_path: Path) -> None:
    Full.path = tmp_path / "data" / "reserve"
    store = SQLiteStore(tmp_path / "data", connection_class=Full)
    await converse(store, 1, "hi", "hello", home="c1")
    assert store.health().reserve_held
    await store.delete("c1")
    assert await listed(store) == [] and store.health().reserve_held
    await store.close()
