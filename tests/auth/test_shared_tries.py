"""Tries to log in that all servers over one database count together."""

from __future__ import annotations

import asyncio

import pytest

from tornado_stream.auth.shared_tries import Counted, SharedTries
from tornado_stream.auth.tries import TooManyTries, Tries
from tornado_stream.store import open_store
from tornado_stream.values.tries import FORGIVEN, TryLimit


class Door:
    """What one server knows of its tries."""

    def __init__(self, store) -> None:
        self.shared = SharedTries(store)
        self.of_address = Tries(TryLimit(5, 900.0))
        self.of_name = Tries(TryLimit(8, 60.0))

    def counts(self, address: str, name: str) -> list[Counted]:
        return [
            Counted("address", address, self.of_address),
            Counted("name", name, self.of_name),
        ]

    async def knock(self, address: str, name: str = "anna") -> bool:
        """Try to log in; returns whether it was let in to try."""
        counts = self.counts(address, name)
        try:
            for one in counts:
                one.tries.check(one.key)
            await self.shared.count(counts)
        except TooManyTries:
            return False
        for one in counts:
            one.tries.count(one.key)
        return True


@pytest.fixture
def doors(postgres, io_loop, tmp_path):
    """Two servers over one database."""
    url = postgres.new_database()
    stores = [open_store(tmp_path, database=url) for _ in range(2)]
    for store in stores:
        io_loop.run_sync(store.open)
    yield [Door(store) for store in stores], url
    for store in stores:
        io_loop.run_sync(store.close)


@pytest.mark.wide
@pytest.mark.gen_test
async def test_tries_at_all_servers_count(doors):
    (here, there), _ = doors
    let_in = [await (here, there)[number % 2].knock("10.0.0.1") for number in range(8)]
    assert let_in == [True] * 5 + [False] * 3
    with pytest.raises(TooManyTries):  # it is known there now, and the database is not asked
        there.of_address.check("10.0.0.1")
    others = [await (here, there)[number % 2].knock(f"10.0.1.{number}") for number in range(9)]
    assert others == [True] * 3 + [False] * 6, "eight tries of one name, whatever the address"
    await here.shared.forget(here.counts("10.0.0.1", "anna"))
    for door in (here, there):
        for one in door.counts("10.0.0.1", "anna"):
            one.tries.forget(one.key)
    assert await there.knock("10.0.0.1")


@pytest.mark.wide
@pytest.mark.gen_test
async def test_tries_of_the_same_moment_all_count(doors):
    (here, there), _ = doors
    knocks = [door.knock("10.0.0.1", name) for name in "abcdefghij" for door in (here, there)]
    assert sum(await asyncio.gather(*knocks)) == 5


@pytest.mark.wide
@pytest.mark.gen_test
async def test_old_tries_are_forgiven_and_removed(doors, postgres):
    (here, there), url = doors
    loop = asyncio.get_running_loop()

    async def execute(sql: str):
        return await loop.run_in_executor(None, postgres.execute, sql, url)

    for number in range(6):
        await here.knock(f"10.0.0.{number}", str(number))
    await execute(f"UPDATE tries SET count = 9, due = due - interval '{FORGIVEN + 9} seconds'")
    for _ in range(4):
        assert await there.knock("10.0.0.1", "1")
    assert await execute("SELECT count FROM tries") == [(4,), (4,)]
    # A clock that was set back by a day makes nobody wait for a day.
    await execute("UPDATE tries SET count = 9, due = now() + interval '1 day'")
    assert await there.knock("10.0.0.1", "1")


@pytest.mark.wide
@pytest.mark.gen_test
async def test_no_name_is_in_the_database(doors, postgres):
    """People type passwords into the field for the name."""
    (here, _), url = doors
    await here.knock("10.0.0.1", "correct-horse")
    loop = asyncio.get_running_loop()
    sql = "SELECT count(*) FROM tries WHERE position('horse'::bytea IN key) > 0"
    assert await loop.run_in_executor(None, postgres.execute, sql, url) == [(0,)]


@pytest.mark.wide
@pytest.mark.gen_test
async def test_without_the_database_each_server_counts_by_itself(doors, caplog, monkeypatch):
    (here, there), _ = doors
    monkeypatch.setattr("tornado_stream.store.postgres.connections.PATIENCE", 0.1)
    for door in (here, there):
        await door.shared._store.close()
    assert [await here.knock("10.0.0.1") for _ in range(6)] == [True] * 5 + [False]
    assert await there.knock("10.0.0.1")
    await here.shared.forget(here.counts("10.0.0.1", "anna"))
    assert "other servers do not count this try" in caplog.text
    caplog.clear()


@pytest.mark.gen_test
async def test_one_server_asks_nobody(tmp_path):
    store = open_store(tmp_path)
    door = Door(store)
    assert [await door.knock("10.0.0.1") for _ in range(6)] == [True] * 5 + [False]
    await door.shared.forget(door.counts("10.0.0.1", "anna"))
    await store.close()
