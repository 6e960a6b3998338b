"""Tries that all instances count: functions of a connection, called in a transaction.

The rules: the server's clock is the only one. A row that is forgiven goes with a later try, so
there are never more rows than passwords were checked in an hour or two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import asyncpg

from tornado_stream.values.tries import FORGIVEN, TryLimit

#: Forgiven rows that a try removes.
REMOVED = 10


async def count(
    db: asyncpg.Connection, limits: Mapping[bytes, TryLimit]
) -> dict[bytes, tuple[int, float]]:
    """See `TailStore.count_try`. The first statement locks the rows, in one order, and makes those
    that are not there."""
    keys = sorted(limits)
    await db.execute(
        "INSERT INTO tries AS t (key, count, due) SELECT key, 0, 'epoch' "
        "FROM unnest($1::bytea[]) key ON CONFLICT (key) DO UPDATE SET count = t.count",
        keys,
    )
    rows = await db.fetch(
        "SELECT key, count, extract(epoch FROM clock_timestamp() - due)::float8 FROM tries "
        "WHERE key = ANY($1::bytea[])",
        keys,
    )
    # A longer wait than the longest means that the clock was set back.
    if waits := {k: (count, -over) for k, count, over in rows if 0 > over >= -limits[k].longest}:
        return waits
    following = [(key, *limits[key].next(count, over)) for key, count, over in rows]
    await db.executemany(
        "UPDATE tries SET count = $2, due = clock_timestamp() + $3 * interval '1 second' "
        "WHERE key = $1",
        following,
    )
    await db.execute(
        "DELETE FROM tries WHERE key IN (SELECT key FROM tries "
        "WHERE due < clock_timestamp() - $1 * interval '1 second' AND key <> ALL($2::bytea[]) "
        f"LIMIT {REMOVED} FOR UPDATE SKIP LOCKED)",
        *(FORGIVEN, keys),
    )
    return {}


async def forget(db: asyncpg.Connection, keys: Sequence[bytes]) -> None:
    await db.execute("DELETE FROM tries WHERE key = ANY($1::bytea[])", list(keys))
