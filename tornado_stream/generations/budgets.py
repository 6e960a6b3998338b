"""Budgets: whether a user may ask for another answer, and how much is left.

The rule: a user whose answers have spent the budget gets no further answer, and a running answer
is never cut. So the answers that were running when the budget was reached are all that can exceed
it. The sums are in memory: they are read from the store at the start, and each answer is added when
it ends.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from math import ceil

from tornado_stream.store.base import Progress, Store, StoreError
from tornado_stream.store.spend import DAY, settled_numbers
from tornado_stream.values.budgets import Budget, first_day, next_period
from tornado_stream.values.errors import TooMany
from tornado_stream.values.events import Notice

logger = logging.getLogger(__name__)

#: The share of a budget below which each answer tells how much is left.
LOW = 0.1


class Budgets:
    """The budgets of users by name; `default` is that of each other user. `name_of` gives the name
    of an owner."""

    def __init__(
        self,
        store: Store,
        budgets: Mapping[str, Budget],
        default: Budget | None,
        currency: str,
        name_of: Callable[[str], str] = str,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._budgets = budgets
        self._default = default
        self._currency = currency
        self._name_of = name_of
        self._now = now
        #: By period and its first day, then by user: the amount and the tokens that were spent.
        self._spent: dict[tuple[str, int], dict[str, tuple[int, int]]] = {}

    async def open(self) -> None:
        """Read what was spent in the present periods. Await it before any answer starts."""
        pers = {budget.per for budget in self._budgets.values()}
        for per in pers | ({self._default.per} if self._default else set()):
            period = per, first_day(per, self._now())
            try:
                self._spent[period] = await self._store.spent_since(period[1])
            except StoreError as error:
                logger.error("what users have spent cannot be read: %s", error.message)

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
        budget = self._of(spent.owner)
        if budget is None or spent.message is None:
            return None
        period = budget.per, first_day(budget.per, self._now())
        for old in [one for one in self._spent if one[0] == budget.per and one != period]:
            del self._spent[old]
        if spent.message.created_at // DAY >= period[1]:
            sums = self._spent.setdefault(period, {})
            amount, tokens = sums.get(spent.owner, (0, 0))
            new_amount, new_tokens = settled_numbers(spent)
            sums[spent.owner] = amount + new_amount, tokens + new_tokens
        return self._low(spent.owner, budget)

    def _low(self, owner: str, budget: Budget) -> Notice | None:
        left, whole = min(self._left(owner, budget), key=lambda pair: pair[0] / (pair[1] or 1))
        if left >= whole * LOW:
            return None
        in_tokens = budget.amount is None or (left, whole) != self._left(owner, budget)[0]
        shown = max(left, 0) if in_tokens else max(left, 0) / 1e9
        currency = None if in_tokens else self._currency
        return Notice("budget_low", {"left": shown, "currency": currency})

    def _left(self, owner: str, budget: Budget) -> list[tuple[int, int]]:
        """What is left of each limit, the amount first, and the limit."""
        sums = self._spent.get((budget.per, first_day(budget.per, self._now())), {})
        limits = zip((budget.amount, budget.tokens), sums.get(owner, (0, 0)), strict=True)
        return [(limit - spent, limit) for limit, spent in limits if limit is not None]

    def _of(self, owner: str) -> Budget | None:
        return self._budgets.get(self._name_of(owner), self._default)
