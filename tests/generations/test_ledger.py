"""The ledger's rows of answers that are not stored: they share commits, and none is lost."""

from __future__ import annotations

import asyncio

import pytest

from tornado_stream.generations.ledger import LedgerWriter
from tornado_stream.store.base import Begun, Progress, StoreError
from tornado_stream.values.messages import Message


class Rows:
    """A store that remembers its commits; while `fails`, it refuses them."""

    def __init__(self):
        self.commits = []
        self.fails = False

    async def settle(self, spent, begun=()):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if self.fails:
            raise StoreError("disk full")
        settled = [progress.generation_id for progress in spent]
        self.commits.append((settled, [one.generation_id for one in begun]))


def begun(id):
    return Begun("local", id, 5, "m")


def spent(id):
    return Progress(id, 1, [], Message("a", "c", None, "assistant", "", 5, state="done"))


@pytest.mark.gen_test
async def test_answers_that_end_during_a_commit_share_the_next_one():
    store = Rows()
    ledger = LedgerWriter(store)

    async def end(id):
        ledger.settle(spent(id))
        await ledger.save()
        assert any(id in settled for settled, _ in store.commits)

    await asyncio.gather(*(end(str(number)) for number in range(40)))
    assert sum(len(settled) for settled, _ in store.commits) == 40
    assert len(store.commits) <= 2


@pytest.mark.gen_test
async def test_a_row_that_is_settled_at_once_is_not_begun():
    store = Rows()
    ledger = LedgerWriter(store)
    ledger.begin(begun("long"))
    ledger.begin(begun("short"))
    ledger.settle(spent("short"))
    await ledger.save()
    await ledger.save()
    assert store.commits == [(["short"], ["long"])]


@pytest.mark.gen_test
async def test_what_the_store_refuses_comes_with_the_next_commit_once():
    store = Rows()
    store.fails = True
    ledger = LedgerWriter(store)
    ledger.begin(begun("one"))
    ledger.begin(begun("two"))
    ledger.settle(spent("zero"))
    saving = asyncio.ensure_future(ledger.save())
    await asyncio.sleep(0)
    ledger.settle(spent("one"))  # while the beginning of its row is on its way
    await saving
    store.fails = False
    await ledger.save()
    assert store.commits == [(["zero", "one"], ["two"])]
