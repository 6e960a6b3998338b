"""What answers cost, from the ledger: as rows, and as a file for spreadsheets.

The rule: a user sees the own answers. An admin sees those of all users.
"""

from __future__ import annotations

import csv
import io
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from tornado_stream.store.base import BY, Store, UsageRow
from tornado_stream.values.errors import InvalidRequest

EPOCH = date(1970, 1, 1)
DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
#: Days that a request without dates asks for, and the most that one can ask for.
USUAL_DAYS, MOST_DAYS = 30, 3660
#: What each row has after its key.
MEMBERS = (
    *("currency", "requests", "prompt", "cached", "completion", "amount", "estimated", "unknown"),
)
#: A text that begins with one of these is a formula for a spreadsheet.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True, slots=True)
class Usage:
    """Sums of the ledger from `first` to `last`, both included. `everybody`: those of all users."""

    by: str
    first: date
    last: date
    currency: str
    rows: list[UsageRow]
    everybody: bool = False

    @property
    def estimated_share(self) -> float:
        """The share of the answers whose numbers are estimated."""
        requests = sum(row.requests for row in self.rows)
        return sum(row.estimated for row in self.rows) / requests if requests else 0.0


class UsageService:
    """Reads the ledger. `admins` have names, and may see all of it. `name_of` gives the name of an
    owner. Answers without a cost count as some in `currency`."""

    def __init__(
        self,
        store: Store,
        admins: frozenset[str],
        currency: str,
        name_of: Callable[[str], str] = str,
    ) -> None:
        self._name_of = name_of
        self._store = store
        self._admins = admins
        self._currency = currency

    def sees_all(self, owner: str) -> bool:
        return self._name_of(owner) in self._admins

    async def read(self, owner: str, query: Mapping[str, str], by: str = "") -> Usage:
        """The usage that the `from`, `to` and `by` of a query ask for. Raises `InvalidRequest`."""
        by = by or query.get("by") or "day"
        if by not in BY:
            raise InvalidRequest(f"by must be one of {', '.join(BY)}.")
        last = _day(query, "to") or EPOCH + timedelta(days=int(time.time() // 86_400))
        first = _day(query, "from") or max(EPOCH, last - timedelta(days=USUAL_DAYS - 1))
        if not first <= last < first + timedelta(days=MOST_DAYS):
            raise InvalidRequest(f"from must be at most {MOST_DAYS} days before to.")
        rows = await self._store.for_owner(owner).usage(
            by,
            (first - EPOCH).days,
            (last - EPOCH).days,
            currency=self._currency,
            everybody=self.sees_all(owner),
        )
        if by == "user":
            rows = [replace(row, key=self._name_of(str(row.key))) for row in rows]
        return Usage(by, first, last, self._currency, rows, self.sees_all(owner))


def usage_json(usage: Usage) -> dict[str, Any]:
    """As the API shows it. Amounts are in the currency."""
    return {
        "from": usage.first.isoformat(),
        "to": usage.last.isoformat(),
        "by": usage.by,
        "currency": usage.currency,
        "estimated_share": round(usage.estimated_share, 6),
        "rows": [{usage.by: key_of(usage, row), **_numbers(row)} for row in usage.rows],
    }


def usage_csv(usage: Usage) -> str:
    """As a file for spreadsheets (RFC 4180). A text that a spreadsheet would take for a formula
    gets an apostrophe before it."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow([usage.by, *MEMBERS])
    for row in usage.rows:
        numbers = [getattr(row, name) for name in MEMBERS]
        numbers[0] = _plain(row.currency)
        numbers[MEMBERS.index("amount")] = exact(row.amount)
        writer.writerow([_plain(key_of(usage, row)), *numbers])
    return file.getvalue()


def key_of(usage: Usage, row: UsageRow) -> str:
    """The day of a row as a date, or its name."""
    if isinstance(row.key, int):
        return (EPOCH + timedelta(days=row.key)).isoformat()
    return row.key


def exact(amount: int) -> str:
    """Billionths as a decimal number, without a rounding."""
    whole, rest = divmod(amount, 10**9)
    return f"{whole}.{rest:09d}".rstrip("0").rstrip(".")


def _numbers(row: UsageRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in MEMBERS} | {"amount": row.amount / 1e9}


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text


def _day(query: Mapping[str, str], name: str) -> date | None:
    text = query.get(name)
    if not text:
        return None
    try:
        day = date.fromisoformat(text) if DATE.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None or day < EPOCH:
        raise InvalidRequest(f"{name} must be a date, as 2026-01-31.")
    return day
