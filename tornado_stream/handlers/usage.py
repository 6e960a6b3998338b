"""What answers cost: as JSON, as a file for spreadsheets, and as a page with a plot.

The rule: nothing here writes. Budgets and admins stand in a file, so a stolen session changes
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from tornado_stream.chat.usage import EPOCH, Usage, exact, key_of, usage_csv, usage_json
from tornado_stream.handlers.base import BaseHandler
from tornado_stream.store.base import BY
from tornado_stream.values.file_names import content_disposition, file_name

#: Bars of the plot. Of a longer time, each bar has several days.
MOST_BARS = 92
#: Rows that the page shows; the file has the others.
MOST_SHOWN = 400


class UsageHandler(BaseHandler):
    """Sums of the ledger as JSON."""

    async def get(self) -> None:
        self.write_json(usage_json(await self.read()))

    async def read(self, by: str = "") -> Usage:
        query = {name: self.get_argument(name, "") for name in ("from", "to", "by")}
        return await self.application.usage.read(self.owner, query, by)


class UsageFileHandler(UsageHandler):
    """The same as CSV (RFC 4180)."""

    async def get(self) -> None:
        usage = await self.read()
        self.set_header("Content-Type", "text/csv; charset=utf-8; header=present")
        name = file_name(f"usage-{usage.first}-{usage.last}-{usage.by}", "csv")
        self.set_header("Content-Disposition", content_disposition(name))
        self.write(usage_csv(usage))


class UsagePageHandler(UsageHandler):
    """The page. It has no script."""

    page = True

    async def get(self) -> None:
        usage = await self.read()
        days = usage if usage.by == "day" else await self.read("day")
        bars = bars_of(days)
        self.render(
            "usage.html",
            usage=usage,
            rows=usage.rows[:MOST_SHOWN],
            more=max(0, len(usage.rows) - MOST_SHOWN),
            choices=BY if usage.everybody else BY[:-1],
            bars=bars,
            in_tokens=all(not row.amount for row in days.rows),
            key_of=key_of,
            money=money,
            totals=totals_of(days),
        )


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of the plot. `height` is from 0 to 100; `value` is an amount in billionths, or tokens
    where nothing has a price."""

    first: date
    last: date
    value: int
    height: float


def bars_of(usage: Usage) -> list[Bar]:
    """The plot of a usage by day. Only one currency is drawn, the one of the file if it has any."""
    values: dict[int, int] = {}
    amounts = [row for row in usage.rows if row.amount]
    drawn = next((r.currency for r in amounts if r.currency == usage.currency), "")
    drawn = drawn or (amounts[0].currency if amounts else usage.currency)
    for row in usage.rows:
        if not amounts or row.currency == drawn:
            value = row.amount if amounts else row.prompt + row.completion
            values[int(row.key)] = values.get(int(row.key), 0) + value
    first, count = (usage.first - EPOCH).days, (usage.last - usage.first).days + 1
    width = -(-count // MOST_BARS)
    starts = range(first, first + count, width)
    sums = [sum(values.get(day, 0) for day in range(at, at + width)) for at in starts]
    most = max(sums) or 1
    return [
        Bar(
            EPOCH + timedelta(days=at),
            min(EPOCH + timedelta(days=at + width - 1), usage.last),
            value,
            round(100 * value / most, 2),
        )
        for at, value in zip(starts, sums, strict=True)
    ]


def totals_of(usage: Usage) -> list[tuple[str, int]]:
    """The whole amount in each currency that has one."""
    totals: dict[str, int] = {}
    for row in usage.rows:
        totals[row.currency] = totals.get(row.currency, 0) + row.amount
    return [(currency, amount) for currency, amount in totals.items() if amount]


def money(amount: int) -> str:
    """Billionths for a person: cents, or where there are fewer, what is there."""
    if amount >= 10**7 or not amount:
        return f"{amount / 1e9:,.2f}"
    return exact(amount) if amount < 1000 else f"{amount / 1e9:.6f}".rstrip("0")
