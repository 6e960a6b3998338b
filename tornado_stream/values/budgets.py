"""What a user may spend in a day or a month (UTC). Pure values.

Days are counted since the epoch, and amounts are in billionths of the currency.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

PERIODS = ("day", "month")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Budget:
    """A user may spend `amount` or `tokens` in a period, whichever is reached first. None: no
    limit."""

    amount: int | None = None
    tokens: int | None = None
    per: str = "month"


def first_day(per: str, now: float) -> int:
    """The first day of the period that contains `now`, in seconds since the epoch."""
    return (_begin(per, now) - EPOCH).days


def next_period(per: str, now: float) -> float:
    """When the next period begins, in seconds since the epoch."""
    begin = _begin(per, now)
    following = begin + timedelta(days=1 if per == "day" else 31)
    return (following if per == "day" else following.replace(day=1)).timestamp()


def _begin(per: str, now: float) -> datetime:
    today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today if per == "day" else today.replace(day=1)
