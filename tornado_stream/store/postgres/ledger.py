"""The ledger in PostgreSQL (see `store/spend.py`): functions of a connection, called in a
transaction.

A row that is open names the instance whose answer it is, so that only the rows of instances that
are dead count as lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg

from tornado_stream.store.base import MOST_USAGE, Begun, Progress, UsageRow
from tornado_stream.store.postgres.values import columns_of, marks, to_text
from tornado_stream.store.spend import (
    RUNS,
    SETTLED,
    SUMS,
    add_to_days,
    now,
    settled_values,
    short_name,
)
from tornado_stream.store.tail_base import NoPlace
from tornado_stream.store.usage import COLUMNS

_TYPES = dict.fromkeys(SETTLED, "text") | {
    **dict.fromkeys(("prompt", "cached", "completion", "amount"), "bigint"),
    "estimated": "int",
}
_ARRAYS = ", ".join(f"${number}::{_TYPES[name]}[]" for number, name in enumerate(SETTLED, 5))
_NEW = (
    f"WITH new AS (SELECT * FROM unnest($2::text[], $3::text[], $4::bigint[], {_ARRAYS}) "
    f"AS n (id, owner, began_at, {', '.join(SETTLED)})), "
)
_SETTLE = (
    f"{_NEW} settled AS (UPDATE spend s SET ended_at = $1, instance = NULL, "
    f"{', '.join(f'{name} = new.{name}' for name in SETTLED)} FROM new "
    "WHERE s.id = new.id AND s.owner = new.owner AND s.state IS NULL RETURNING s.id, s.owner), "
    f"added AS (INSERT INTO spend (ended_at, id, owner, began_at, {', '.join(SETTLED)}) "
    "SELECT $1, new.* FROM new WHERE NOT EXISTS "
    "(SELECT 1 FROM spend s WHERE s.id = new.id AND s.owner = new.owner) RETURNING id, owner) "
    "SELECT id, owner FROM settled UNION SELECT id, owner FROM added"
)
_ADD_DAYS = (
    f"INSERT INTO spend_days AS d (owner, day, upstream, model, currency, {', '.join(SUMS)}) "
    f"VALUES ({marks(len(SUMS) + 5)}) ON CONFLICT (owner, day, upstream, model, currency) "
    f"DO UPDATE SET {', '.join(f'{name} = d.{name} + excluded.{name}' for name in SUMS)}"
)
#: A sum of numbers of 64 bits would have more digits.
_SUMS = ", ".join(f"sum({name})::bigint" for name in SUMS)


async def begin(db: asyncpg.Connection, instance: str, begun: Sequence[Begun]) -> None:
    """Add the rows of answers of this instance."""
    await db.executemany(
        "INSERT INTO spend (owner, id, began_at, model, instance) VALUES ($1, $2, $3, $4, $5)",
        [
            (one.owner, one.generation_id, one.began_at, to_text(short_name(one.model)), instance)
            for one in begun
        ],
    )


async def answering(db: asyncpg.Connection, owner: str) -> int:
    """See `TailStore.answering`."""
    sql = "SELECT count(*) FROM spend WHERE owner = $1 AND state IS NULL"
    return int(await db.fetchval(sql, owner))


async def lock_places(db: asyncpg.Connection, owner: str) -> None:
    """Until the transaction ends, no other one that calls this begins an answer of the owner."""
    sql = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
    await db.execute(sql, f"answers of {owner}")


async def check_places(db: asyncpg.Connection, owner: str, most: int) -> None:
    """Raise `NoPlace` if more answers of the owner run than that, with the one that has just
    begun. An id that is in use is noticed before."""
    if (count := await answering(db, owner)) > most:
        raise NoPlace(count - 1)


async def settle(db: asyncpg.Connection, spent: Sequence[Progress]) -> None:
    """Settle the rows of answers that have ended; add those whose beginning is not there."""
    rows: dict[tuple[str, str], tuple[Any, ...]] = {}
    for progress in spent:
        message = progress.message
        assert message
        values = tuple(map(to_text, settled_values(message, progress.estimate)))
        key = progress.generation_id, progress.owner
        rows.setdefault(key, (*key, message.created_at, *values))
    if not rows:
        return
    columns = columns_of(list(rows.values()), len(SETTLED) + 3)
    days: dict[tuple[Any, ...], list[int]] = {}
    for id, owner in await db.fetch(_SETTLE, now(), *columns):
        _, _, began_at, *settled = rows[id, owner]
        add_to_days(days, owner, began_at, tuple(settled))
    await _add_days(db, days)


async def settle_lost(db: asyncpg.Connection) -> None:
    """Settle the rows that dead instances left open. What they cost is not known. An answer that is
    still stored as running has its row settled with its end."""
    found = await db.fetch(
        "UPDATE spend SET state = 'interrupted', ended_at = $1, instance = NULL "
        "WHERE state IS NULL AND (instance IS NULL OR instance NOT IN "
        f"(SELECT name FROM instances)) AND NOT {RUNS} "
        f"RETURNING owner, began_at, {', '.join(SETTLED)}",
        now(),
    )
    days: dict[tuple[Any, ...], list[int]] = {}
    for owner, began_at, *values in found:
        add_to_days(days, owner, began_at, tuple(values))
    await _add_days(db, days)


async def _add_days(db: asyncpg.Connection, days: dict[tuple[Any, ...], list[int]]) -> None:
    """The rows are locked in one order, so that two instances never wait for each other."""
    if days:
        await db.executemany(_ADD_DAYS, [(*day, *days[day]) for day in sorted(days)])


async def usage(
    db: asyncpg.Connection, owner: str | None, by: str, first: int, last: int, currency: str
) -> list[UsageRow]:
    """See `Store.usage`; `owner` None stands for everybody."""
    order = "1, 2" if by == "day" else f"{SUMS.index('amount') + 3} DESC, 3 DESC, 1"
    rows = await db.fetch(
        f"SELECT {COLUMNS[by]} AS key, coalesce(nullif(currency, ''), $4::text), {_SUMS} "
        "FROM spend_days WHERE ($3::text IS NULL OR owner = $3) AND day BETWEEN $1 AND $2 "
        f"GROUP BY 1, 2 ORDER BY {order} LIMIT {MOST_USAGE}",
        *(first, last, owner, currency),
    )
    return [UsageRow(*row.values()) for row in rows]


async def spent_since(
    db: asyncpg.Connection, day: int, owner: str | None
) -> dict[str, tuple[int, int]]:
    rows = await db.fetch(
        "SELECT owner, sum(amount)::bigint, sum(prompt + completion)::bigint FROM spend_days "
        f"WHERE day >= $1 {'' if owner is None else 'AND owner = $2'} GROUP BY owner",
        *((day,) if owner is None else (day, owner)),
    )
    return {user: (amount, tokens) for user, amount, tokens in rows}
