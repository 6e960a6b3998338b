"""Sums of the ledger as SQL: functions of a connection, to be called inside a transaction.

They read the table `spend_days`, which is as long as there are days, users and models, however many
answers there were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tornado_stream.store.base import MOST_USAGE, UsageRow
from tornado_stream.store.spend import SUMS

if TYPE_CHECKING:
    import sqlite3

#: The column of each of `BY`.
COLUMNS = {"day": "day", "model": "model", "upstream": "upstream", "user": "owner"}
_SUMS = ", ".join(f"sum({name})" for name in SUMS)
_NAMED_SUMS = ", ".join(f"sum({name}) {name}" for name in SUMS)


def rows(
    db: sqlite3.Connection, owner: str | None, by: str, first: int, last: int, currency: str
) -> list[UsageRow]:
    """See `Store.usage`; `owner` None stands for everybody."""
    whose = "owner = ?3 AND" if owner is not None else ""
    days = (
        f"SELECT {COLUMNS[by]} key, currency, {_NAMED_SUMS} FROM spend_days "
        f"WHERE {whose} day BETWEEN ?1 AND ?2 GROUP BY 1, 2"
    )
    order = "1, 2" if by == "day" else f"{SUMS.index('amount') + 3} DESC, 3 DESC, 1"
    sql = (
        f"SELECT key, ifnull(nullif(currency, ''), ?4), {_SUMS} FROM ({days}) "
        f"GROUP BY 1, 2 ORDER BY {order} LIMIT {MOST_USAGE}"
    )
    return [UsageRow(*row) for row in db.execute(sql, (first, last, owner, currency))]


def spent_since(db: sqlite3.Connection, day: int, owner: str | None) -> dict[str, tuple[int, int]]:
    sql = (
        "SELECT owner, sum(amount), sum(prompt + completion) FROM spend_days "
        f"WHERE day >= ?1 {'' if owner is None else 'AND owner = ?2'} GROUP BY owner"
    )
    rows = db.execute(sql, (day,) if owner is None else (day, owner))
    return {user: (amount, tokens) for user, amount, tokens in rows}
