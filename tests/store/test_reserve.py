"""The reserve: when it holds space, who may use the last of it, and a file system that is full."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections import namedtuple
from pathlib import Path

import pytest

from tornado_stream.store.base import DiskFull
from tornado_stream.store.reserve import Reserve
from tornado_stream.store.sqlite import SQLiteStore

from .answers import converse, listed

Usage = namedtuple("Usage", "total used free")
MIB = 1024 * 1024


class Disk:
    """A disk of 320 MiB, on which `free` MiB are free."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.free = 200.0
        monkeypatch.setattr(
            shutil, "disk_usage", lambda path: Usage(320 * MIB, 0, int(self.free * MIB))
        )


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


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
    store._database.reserve.check(MIB)  # the database can use its own free pages
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
