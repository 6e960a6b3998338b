"""The migrations of the ledger. `migrations.py` has their order and their rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from tornado_stream.store.spend import SUMS, settled_values, sum_days
from tornado_stream.values.messages import Message

if TYPE_CHECKING:
    import sqlite3


def spend(db: sqlite3.Connection) -> None:
    """The ledger (store/spend.py), with the answers that are there already."""
    db.execute(
        "CREATE TABLE spend ("
        "seq INTEGER PRIMARY KEY, owner TEXT NOT NULL, id TEXT NOT NULL,"
        "began_at INTEGER NOT NULL, ended_at INTEGER, state TEXT, model TEXT, upstream TEXT,"
        "prompt INTEGER, cached INTEGER, completion INTEGER, amount INTEGER, currency TEXT,"
        "estimated INTEGER NOT NULL DEFAULT 0)"
    )
    answers = db.execute(
        "SELECT owner, generation_id, created_at, state, model, upstream, usage, cost "
        "FROM messages WHERE generation_id IS NOT NULL ORDER BY seq"
    )
    db.executemany(
        "INSERT INTO spend (owner, id, began_at, ended_at, state, model, upstream, prompt, cached,"
        "completion, amount, currency, estimated) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        map(_spent, answers),
    )
    db.execute("CREATE INDEX spend_by_id ON spend (id)")
    db.execute("CREATE INDEX spend_open ON spend (seq) WHERE state IS NULL")


def _spent(row: tuple[Any, ...]) -> tuple[Any, ...]:
    owner, id, created_at, state, model, upstream, usage, cost = row
    answer = Message(
        *("", "", None, "assistant", "", created_at),
        state=None if state == "running" else state,
        model=model,
        usage=orjson.loads(usage) if usage else None,
        upstream=upstream,
        cost=orjson.loads(cost) if cost else None,
    )
    ended_at = created_at if answer.state else None
    return (owner, id, created_at, ended_at, *settled_values(answer))


def spend_days(db: sqlite3.Connection) -> None:
    """The sums of the ledger by day. An owner's days are next to each other."""
    sums = ", ".join(f"{name} INTEGER NOT NULL" for name in SUMS)
    db.execute(
        "CREATE TABLE spend_days ("
        "owner TEXT NOT NULL, day INTEGER NOT NULL, upstream TEXT NOT NULL, model TEXT NOT NULL,"
        f"currency TEXT NOT NULL, {sums},"
        "PRIMARY KEY (owner, day, upstream, model, currency)) WITHOUT ROWID"
    )
    sum_days(db)
