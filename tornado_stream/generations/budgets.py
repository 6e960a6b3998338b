"""Budgets: whether a user may ask for another answer, and how much is left.

The rule: a user whose answers have spent the budget gets no further answer, and a running answer
is never cut. So the answers that were running when the budget was reached are all that can exceed
it. The sums are in memory: those of a period are read from the store before its first answer, and
each answer is added when it ends. Where other processes spend too, those of a user are read again
before each answer: the store has what an answer has cost before its reader has the end. A clock
that is set forward or back leads to another period.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from math import ceil

from tornado_stream.store.base import Progress, Store, StoreError
from tornado_stream.store.spend import DAY, settled_numbers
from tornado_stream.values.budgets import PERIODS, Budget, UserConfig, first_day, next_period
from tornado_stream.values.errors import TooMany
from tornado_stream.values.events import Notice

logger = logging.getLogger(__name__)

#: The share of a budget below which each answer tells how much is left.
LOW = 0.1


class Budgets:
    """`config` returns the budgets of users, which may change. `name_of` gives the name of an
    owner."""

    def __init__(
        self,
        store: Store,
        config: Callable[[], UserConfig],
        name_of: Callable[[str], str] = str,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._config = config
        self._name_of = name_of
        self._now = now
        #: By period and its first day, then by user: the amount and the tokens that were spent.
        self._spent: dict[tuple[str, int], dict[str, tuple[int, int]]] = {}
        self._read: set[tuple[str, int]] = set()  # the periods of which the store was asked

    async def renew(self, owner: str) -> bool:
        """Read what was spent in the present periods. Await it before each answer of this user:
        returns whether something was read, so that the user must be checked again."""
        unread = [period for period in self._periods() if period not in self._read]
        for period in unread:
            if await self._read_sums(period):
                self._read.add(period)
        budget = None if self._store.alone else self._of(owner)
        if budget and not unread:
            await self._read_sums((budget.per, first_day(budget.per, self._now())), owner)
        return bool(unread or budget)

    async def _read_sums(self, period: tuple[str, int], owner: str | None = None) -> bool:
        """Of one user or of all. False if the store cannot be read."""
        try:
            stored = await self._store.spent_since(period[1], owner)
        except StoreError as error:
            logger.error("what users have spent cannot be read: %s", error.message)
            return False
        counted = self._spent.setdefault(period, {})  # has answers that ended meanwhile
        for user, (amount, tokens) in stored.items():
            more = counted.get(user, (0, 0))
            counted[user] = max(amount, more[0]), max(tokens, more[1])
        return True

    def check(self, owner: str) -> None:
        """Raise `TooMany` `budget_reached` if this user has spent the budget."""
        budget = self._of(owner)
        if budget is None or min(left for left, _ in self._left(owner, budget)) > 0:
            return
        now = self._now()
        resets_at = next_period(budget.per, now)
        day = datetime.fromtimestamp(resets_at, UTC).date()
        raise TooMany(
            f"You have spent your budget of this {budget.per}. It starts anew on {day} at 00:00 "
            "UTC.",
            code="budget_reached",
            retry_after=max(1, ceil(resets_at - now)),
            resets_at=int(resets_at * 1000),
        )

    def count(self, spent: Progress) -> Notice | None:
        """Count an answer that has ended. Returns what its readers are told if little is left."""
        assert spent.message
        periods = self._periods()
        self._spent = {period: self._spent.get(period, {}) for period in periods}
        self._read &= self._spent.keys()
        new_amount, new_tokens = settled_numbers(spent)
        for period in periods:
            if spent.message.created_at // DAY >= period[1]:
                sums = self._spent[period]
                amount, tokens = sums.get(spent.owner, (0, 0))
                sums[spent.owner] = amount + new_amount, tokens + new_tokens
        budget = self._of(spent.owner)
        return self._low(spent.owner, budget) if budget else None

    def _low(self, owner: str, budget: Budget) -> Notice | None:
        left, whole = min(self._left(owner, budget), key=lambda pair: pair[0] / (pair[1] or 1))
        if left >= whole * LOW:
            return None
        in_tokens = budget.amount is None or (left, whole) != self._left(owner, budget)[0]
        shown = max(left, 0) if in_tokens else max(left, 0) / 1e9
        currency = None if in_tokens else self._config().currency
        return Notice("budget_low", {"left": shown, "currency": currency})

    def _left(self, owner: str, budget: Budget) -> list[tuple[int, int]]:
        """What is left of each limit, the amount first, and the limit."""
        sums = self._spent.get((budget.per, first_day(budget.per, self._now())), {})
        limits = zip((budget.amount, budget.tokens), sums.get(owner, (0, 0)), strict=True)
        return [(limit - spent, limit) for limit, spent in limits if limit is not None]

    def _of(self, owner: str) -> Budget | None:
        config = self._config()
        return config.budgets.get(self._name_of(owner), config.default)

    def _periods(self) -> list[tuple[str, int]]:
        return [(per, first_day(per, self._now())) for per in PERIODS]
