"""The ledger's sums, as the usage page asks for them."""

from __future__ import annotations

import sqlite3
import statistics
import time
from contextlib import closing
from dataclasses import replace

import pytest

from tornado_stream.store import open_store, spend, usage
from tornado_stream.store.base import BY, Begun, Progress
from tornado_stream.values.messages import Message

DAY = spend.DAY


def answer(day, model, amount, currency):
    cost = amount and {"amount": amount / 1e9, "currency": currency, "estimated": amount % 2 == 1}
    used = {"prompt_tokens": 3, "completion_tokens": 2}
    message = Message("a", "c", None, "assistant", "", day * DAY + 5, state="done", model=model)
    return replace(message, usage=used, cost=cost)


@pytest.mark.gen_test
async def test_sums_are_those_of_the_owner_and_the_days(lasting):
    store = lasting
    rows = [
        ("ada", 10, "x", 6, "USD"),
        ("ada", 10, "y", 3, "USD"),
        ("ada", 11, "x", 5, "EUR"),
        ("ada", 11, "free", None, ""),
        ("ada", 12, "x", 100, "USD"),
        ("bob", 10, "x", 40, "USD"),
    ]
    for number, (owner, day, model, amount, currency) in enumerate(rows):
        spent = Progress(str(number), 1, [], answer(day, model, amount, currency), owner)
        await store.settle([spent], [Begun(owner, str(number), 5, None)])
    ada = store.for_owner("ada")

    async def sums(by, first=10, last=11, **more):
        found = await ada.usage(by, first, last, currency="USD", **more)
        return [(r.key, r.currency, r.requests, r.amount, r.estimated, r.unknown) for r in found]

    assert await sums("day") == [
        (10, "USD", 2, 9, 1, 0),
        (11, "EUR", 1, 5, 1, 0),
        (11, "USD", 1, 0, 0, 1),  # it has no price, and counts in the usual currency
    ]
    assert await sums("model") == [
        ("x", "USD", 1, 6, 0, 0),
        ("x", "EUR", 1, 5, 1, 0),
        ("y", "USD", 1, 3, 1, 0),
        ("free", "USD", 1, 0, 0, 1),
    ]
    assert await sums("user", 10, 10, everybody=True) == [
        ("bob", "USD", 1, 40, 0, 0),
        ("ada", "USD", 2, 9, 1, 0),
    ]
    assert await store.spent_since(12) == {"ada": (100, 5)}
    assert await store.spent_since(11) == {"ada": (105, 15)}
    assert await store.spent_since(11, "ada") == {"ada": (105, 15)}
    assert await store.spent_since(11, "eve") == {}


@pytest.mark.wide
@pytest.mark.timed
@pytest.mark.gen_test(timeout=120)
async def test_a_million_answers_of_a_year_are_summed_in_50_ms(tmp_path):
    store = open_store(tmp_path)
    with closing(sqlite3.connect(tmp_path / "chat.db")) as db:
        db.execute(
            "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999999) "
            "INSERT INTO spend (owner, id, began_at, state, model, upstream, prompt, cached,"
            "completion, amount, currency, estimated) SELECT 'user-' || i % 20, 'r' || i, "
            f"i / 2740 * {DAY}, 'done', 'm' || i / 20 % 5, 'up', 9, 0, 5, i, 'USD', i % 50 = 0 "
            "FROM n"
        )
        spend.sum_days(db)
        db.commit()
        for by in BY:
            took = []
            for _ in range(9):
                began = time.perf_counter()
                found = usage.rows(db, None, by, 0, 365, "USD")
                took.append(time.perf_counter() - began)
            assert sum(row.requests for row in found) == 10**6
            assert statistics.median(took) <= 0.05, by
    await store.close()
