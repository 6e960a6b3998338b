"""Budgets: who is refused, what is left, and when a new period begins."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from tornado_stream.generations.budgets import Budgets
from tornado_stream.store.base import Progress, StoreError
from tornado_stream.values.budgets import Budget, UserConfig
from tornado_stream.values.errors import TooMany
from tornado_stream.values.messages import Message


def seconds(*date):
    return datetime(*date, tzinfo=UTC).timestamp()


class Clock:
    def __init__(self, *date):
        self.now = seconds(*date)

    def __call__(self):
        return self.now


class Stored:
    """A store in which some have spent already."""

    alone = True

    def __init__(self, **spent):
        self.spent = spent
        self.asked = []

    async def spent_since(self, day, owner):
        self.asked.append(owner or day)
        return {user: sums for user, sums in self.spent.items() if owner in (None, user)}


def made(store, budgets, default=None, currency="USD", now=time.time):
    config = UserConfig(budgets, default, frozenset(), currency)
    return Budgets(store, lambda: config, now=now)


def answer(owner, at, amount=None, usage=None, estimate=None):
    cost = None if amount is None else {"amount": amount, "currency": "USD", "estimated": False}
    message = Message(
        *("a", "c", None, "assistant", "", int(at * 1000)), state="done", cost=cost, usage=usage
    )
    return Progress("g", 1, [], message, owner, estimate)


def refusal(budgets, owner):
    with pytest.raises(TooMany) as caught:
        budgets.check(owner)
    assert caught.value.code == "budget_reached"
    return caught.value.details


@pytest.mark.gen_test
async def test_a_budget_is_reached_and_starts_anew():
    clock = Clock(2026, 2, 28, 23, 59, 30)
    store = Stored(ada=(700_000_000, 9))
    budgets = made(store, {"ada": Budget(10**9)}, now=clock)
    await budgets.renew("ada")
    assert store.asked == [seconds(2026, 2, day) // 86_400 for day in (28, 1)]
    budgets.check("ada")
    assert budgets.count(answer("ada", clock.now, 0.1)) is None
    low = budgets.count(answer("ada", clock.now, 0.15))
    assert (low.code, low.details) == ("budget_low", {"left": 0.05, "currency": "USD"})
    budgets.check("ada")
    assert budgets.count(answer("ada", clock.now, 0.3)).details["left"] == 0
    reset = seconds(2026, 3, 1)
    assert refusal(budgets, "ada") == {"retry_after": 30, "resets_at": reset * 1000}
    budgets.check("bob")  # has no budget
    began = clock.now
    clock.now = reset
    budgets.check("ada")
    budgets.count(answer("ada", began, 5))  # it belongs to the old month
    budgets.check("ada")
    budgets.count(answer("ada", reset, 1))
    refusal(budgets, "ada")


@pytest.mark.gen_test
async def test_tokens_count_where_nothing_has_a_price_also_estimated_ones():
    clock = Clock(2026, 5, 5)
    budgets = made(Stored(), {"bob": Budget(tokens=10**6)}, Budget(None, 100, "day"), now=clock)
    await budgets.renew("ada")
    usage = {"prompt_tokens": 40, "completion_tokens": 20}
    assert budgets.count(answer("ada", clock.now, usage=usage)) is None
    low = budgets.count(answer("ada", clock.now, estimate=(30, 5)))
    assert low.details == {"left": 5, "currency": None}
    budgets.check("ada")
    budgets.count(answer("ada", clock.now, usage=usage))
    assert refusal(budgets, "ada")["retry_after"] == 86_400
    budgets.check("bob")
    budgets.check("zoe")


@pytest.mark.gen_test
async def test_of_two_limits_the_first_that_is_reached_counts():
    clock = Clock(2026, 5, 5)
    budgets = made(Stored(), {}, Budget(10**9, 100), "EUR", clock)
    few = {"prompt_tokens": 1, "completion_tokens": 1}
    low = budgets.count(answer("ada", clock.now, 0.95, few))
    assert low.details == {"left": 0.05, "currency": "EUR"}
    many = {"prompt_tokens": 90, "completion_tokens": 9}
    low = budgets.count(answer("ada", clock.now, 0, many))
    assert low.details == {"left": 0, "currency": None}
    refusal(budgets, "ada")


def test_a_budget_of_nothing_refuses_everything():
    refusal(made(Stored(), {}, Budget(0)), "ada")


@pytest.mark.gen_test
async def test_a_budget_that_changes_holds_for_what_was_spent_before():
    configs = [UserConfig()]
    budgets = Budgets(Stored(), lambda: configs[-1], now=Clock(2026, 5, 5))
    await budgets.renew("ada")
    budgets.count(answer("ada", seconds(2026, 5, 5), 2))
    budgets.check("ada")
    configs.append(UserConfig(default=Budget(10**9, per="day")))
    assert refusal(budgets, "ada")["retry_after"] == 86_400
    configs.append(UserConfig(default=Budget(3 * 10**9)))
    budgets.check("ada")


@pytest.mark.gen_test
async def test_a_clock_that_is_set_changes_no_budget():
    """A machine without a clock of its own starts in 1970, and learns the time a little later."""
    clock, day = Clock(1970, 1, 1), 86_400

    class Days(Stored):
        async def spent_since(self, first, owner):
            return {"ada": (2 * 10**9, 9)} if first * day <= seconds(2026, 11, 20) else {}

    budgets = made(Days(), {"ada": Budget(10**9)}, now=clock)
    assert await budgets.renew("ada") and not await budgets.renew("ada")
    clock.now = seconds(2026, 11, 29)
    assert await budgets.renew("ada")
    refusal(budgets, "ada")
    for wrong in (seconds(2027, 1, 1), seconds(2026, 10, 31), seconds(2026, 12, 31)):
        clock.now = wrong  # it is set wrong, answers end, and it is set right
        await budgets.renew("ada")
        budgets.count(answer("ada", clock.now, 0.1))
        clock.now = seconds(2026, 11, 29)
        assert await budgets.renew("ada")
        refusal(budgets, "ada")
    clock.now = seconds(2026, 12, 1)
    await budgets.renew("ada")
    budgets.check("ada")


@pytest.mark.gen_test
async def test_a_store_that_cannot_be_read_refuses_nobody(caplog):
    class Broken(Stored):
        async def spent_since(self, day, owner):
            raise StoreError("the disk is gone")

    budgets = made(Broken(), {"ada": Budget(10**9, None)})
    await budgets.renew("ada")
    budgets.check("ada")
    assert "what users have spent cannot be read: the disk is gone" in caplog.text
    caplog.clear()


@pytest.mark.gen_test
async def test_what_other_processes_spend_counts_for_the_next_answer():
    store = Stored()
    budgets = made(store, {"ada": Budget(10**9)})
    await budgets.renew("ada")
    store.spent = {"ada": (2 * 10**9, 0)}
    assert not await budgets.renew("ada")
    budgets.check("ada")  # this process is alone, so nobody else can have spent it
    store.alone = False
    asked = len(store.asked)
    assert not await budgets.renew("bob")
    assert len(store.asked) == asked, "nothing is read for a user without a budget"
    assert await budgets.renew("ada") and store.asked[asked:] == ["ada"]
    refusal(budgets, "ada")
