"""Lists of conversations in SQLite: folders are limited, and no list sorts what it does not show.

What is in a list is in tests/store/test_contract.py.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from tornado_stream.store import listing, open_store
from tornado_stream.store.base import MAX_FOLDERS
from tornado_stream.store.pages import CURRENT, Which
from tornado_stream.values.errors import Conflict
from tornado_stream.values.messages import Conversation


@pytest.mark.gen_test
async def test_folders_are_limited(tmp_path):
    store = open_store(tmp_path / "data")
    for number in range(MAX_FOLDERS + 1):
        await store.create(Conversation(f"c{number}", "", None, None, 1, 1))
    for number in range(MAX_FOLDERS):
        await store.update(f"c{number}", {"folder": f"folder {number}"})
    for change in (
        store.update("c200", {"folder": "more"}),
        store.update_many({"folder": "more"}, ids=["c200"]),
    ):
        with pytest.raises(Conflict) as error:
            await change
        assert error.value.code == "too_many_folders"
    await store.update("c200", {"folder": "folder 7"})
    assert await store.update_many({"folder": "renamed"}, folder="folder 7") == 2
    assert await store.update_many({"folder": None}, folder="renamed") == 2
    await store.update("c200", {"folder": "more"})
    await store.close()


@pytest.mark.gen_test
async def test_every_list_is_read_in_the_order_of_an_index(tmp_path):
    store = open_store(tmp_path / "data")
    await store.create(Conversation("c1", "t", None, None, 1, 1))
    await store.close()
    with closing(sqlite3.connect(tmp_path / "data" / "chat.db")) as db:
        said: list[str] = []
        db.set_trace_callback(said.append)
        for which in (CURRENT, Which(archived=True), Which(folder="a"), Which(loose=True)):
            listing.conversations(db, "local", "", 50, None, which)
        db.set_trace_callback(None)
        lists = [sql for sql in said if "FROM conversations" in sql]
        assert len(lists) == 6
        for sql in lists:
            plan = str(db.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall())
            assert "TEMP B-TREE" not in plan and "SCAN conversations" not in plan, plan
