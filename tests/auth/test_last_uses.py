"""Times of last uses: exact to a minute, and written seldom."""

from __future__ import annotations

import pytest

from tornado_stream.auth.last_uses import LastUses
from tornado_stream.store import open_store
from tornado_stream.store.base import StoreError


class Clock:
    time = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def store(tmp_path, io_loop):
    store = open_store(tmp_path / "data")
    yield store
    io_loop.run_sync(store.close)


@pytest.mark.gen_test
async def test_a_thousand_uses_are_one_write(store, monkeypatch):
    clock, writes = Clock(), []
    uses = LastUses(store, clock)
    write = store.save_last_uses

    async def save(changed):
        writes.append(dict(changed))
        await write(changed)

    monkeypatch.setattr(store, "save_last_uses", save)
    for _ in range(1000):
        uses.note("a")
    await uses.save()
    clock.time += 59
    uses.note("a")
    await uses.save()
    assert writes == [{"a": 1_800_000_000}]
    clock.time += 1
    uses.note("a")
    uses.note("b")
    await uses.save()
    assert len(writes) == 2 and uses.at("a") == 1_800_000_060
    again = LastUses(store, clock)
    await again.open({"a"})
    assert again.at("a") == 1_800_000_060 and again.at("b") == 0
    await again.save()
    assert await store.last_uses() == {"a": 1_800_000_060}
    again.forget("a")
    await again.save()
    assert await store.last_uses() == {}


@pytest.mark.gen_test
async def test_what_the_store_refuses_is_saved_later(store, monkeypatch):
    uses = LastUses(store, Clock())
    uses.note("a")

    async def refuse(_):
        raise StoreError("The disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr(store, "save_last_uses", refuse)
        await uses.save()
    assert await store.last_uses() == {}
    await uses.save()
    assert await store.last_uses() == {"a": 1_800_000_000}
