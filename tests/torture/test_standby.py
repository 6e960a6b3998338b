"""A standby takes the place of the database, and does not have the last commits: no reader sees a
gap, the answers that run are whole, and none stays running for ever.
"""

from __future__ import annotations

import asyncio
import random

import pytest
from client import until
from postgres import USER

from tests.generations.test_mirrors import counting, text_of, words
from tornado_stream.store import open_store
from tornado_stream.values.events import frame_data, frame_number

from .proxy import Proxy
from .test_instances import Instance, Wanderer, settled

pytestmark = pytest.mark.wide


@pytest.fixture
def failover(engines, io_loop, tmp_path, monkeypatch):
    """Two instances; the database they use; and what cuts its standby off, and puts that in its
    place."""
    monkeypatch.setattr("tornado_stream.generations.neighbours.LOST_INTERVAL", 1.0)
    primary = engines()
    url = primary.new_database()
    opened: list[Instance] = []
    wire = Proxy(primary.port, random.Random(1))
    io_loop.run_sync(wire.start)
    standby = engines(of=primary.port)
    follow = f"host=127.0.0.1 port={wire.port} user={USER}"
    standby.execute(f"ALTER SYSTEM SET primary_conninfo = '{follow}'")
    standby.execute("SELECT pg_reload_conf()")

    async def start() -> None:
        for _ in range(2):
            proxy = await Proxy(primary.port, random.Random(1)).start()
            store = open_store(tmp_path, database=primary.url(url.rpartition("/")[2], proxy.port))
            await store.open()
            opened.append(Instance(store, proxy))
        for one in opened:
            await one.generations.recover()

    async def promote() -> None:
        primary.kill()
        await asyncio.get_running_loop().run_in_executor(None, standby.promote)
        for one in opened:
            one.proxy.target = standby.port

    async def stop() -> None:
        for one in opened:
            one.generations.neighbours.close()
            await one.generations.interrupt(5)
        await asyncio.gather(*(one.store.close() for one in opened))
        await asyncio.gather(*(one.proxy.close() for one in opened))

    io_loop.run_sync(start)
    yield opened, wire, promote
    io_loop.run_sync(stop)


@pytest.mark.timeout(300)
@pytest.mark.gen_test(timeout=300)
async def test_a_standby_without_the_last_commits_takes_over(failover, caplog):
    both, wire, promote = failover
    here, there = both
    rng = random.Random(1)
    await here.generations.start(counting(1, 1500, 0.01))
    await there.generations.start(counting(2, 1500, 0.01))
    ending = await here.generations.start(counting(3, 150, 0.01))
    readers = [Wanderer(rng, both, id) for id in ("g1", "g2") for _ in range(3)]
    reading = [asyncio.ensure_future(reader.read()) for reader in readers]
    await until(lambda: wire.accepted > 0)
    await asyncio.sleep(1.0)
    await wire.close()
    begun = await here.generations.start(counting(4, 3000, 0.01))
    await until(lambda: ending.ended and len(begun.frames) > 20)
    await promote()
    await asyncio.gather(*reading)
    assert "the database has lost its last commits" in caplog.text
    for number in (1, 2):
        stored = await settled(there, f"g{number}")
        assert text_of(stored.frames) == words(1500)
        assert frame_data(stored.frames[-1])["state"] == "done"
        assert [frame_number(one) for one in stored.frames] == list(
            range(1, len(stored.frames) + 1)
        )
    for reader in readers:
        assert reader.repeated == reader.resets == 0
        assert text_of(reader.frames) == words(1500)
    # Its end was among the lost commits: the text that is left is an interrupted answer.
    lost = await settled(there, "g3")
    assert frame_data(lost.frames[-1])["state"] == "interrupted"
    assert words(150).startswith(text_of(lost.frames))
    # This one was not begun at all: it ends, and is not saved.
    await until(lambda: begun.ended)
    assert not begun.end["saved"] and await there.store.generation("g4") is None
    for one in both:
        await until(lambda one=one: not one.generations.busy)
        after = await one.generations.start(counting(10 + both.index(one), 5))
        await until(lambda after=after: after.ended)
        assert after.end["saved"]
