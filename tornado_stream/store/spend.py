"""The ledger as SQL: functions of a connection, to be called inside a transaction.

Each answer has one row in the table `spend`, from its beginning on. The row has no text, and no
deletion removes it. `state` is NULL until the row is settled, and a settled row never changes.
Times are in milliseconds since the epoch, `amount` in billionths of the currency: a whole number,
so that sums are exact.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tornado_stream.store.base import Progress
from tornado_stream.values.messages import Message

if TYPE_CHECKING:
    import sqlite3

#: What an answer settles, in the order of `settled_values`.
SETTLED = (
    *("state", "model", "upstream", "prompt", "cached", "completion"),
    *("amount", "currency", "estimated"),
)
_SET = ", ".join(f"{name} = ?" for name in SETTLED)
#: The largest number that a row has. A sum of nine million of them still fits into 64 bits.
MOST = 10**12


def begin(db: sqlite3.Connection, owner: str, id: str, message: Message) -> None:
    """Add the row of the generation `id`."""
    db.execute(
        "INSERT INTO spend (owner, id, began_at, model) VALUES (?, ?, ?, ?)",
        (owner, id, message.created_at, message.model),
    )


def settle(db: sqlite3.Connection, progress: Progress) -> None:
    """Settle the row of an answer that has ended; if its beginning could not be saved, add it."""
    message, key = progress.message, (progress.generation_id, progress.owner)
    assert message
    values = (*settled_values(message), _now())
    sql = f"UPDATE spend SET {_SET}, ended_at = ? WHERE id = ? AND owner = ? AND state IS NULL"
    if not db.execute(sql, (*values, *key)).rowcount:
        db.execute(
            f"INSERT INTO spend ({', '.join(SETTLED)}, ended_at, id, owner, began_at) "
            f"SELECT {', '.join('?' * (len(values) + 3))} "
            "WHERE NOT EXISTS (SELECT 1 FROM spend WHERE id = ? AND owner = ?)",
            (*values, *key, message.created_at, *key),
        )


def settle_all(db: sqlite3.Connection, spent: list[Progress]) -> None:
    for progress in spent:
        settle(db, progress)


def settle_lost(db: sqlite3.Connection) -> None:
    """Settle the rows of all answers that a crash cut short. What they cost is not known."""
    db.execute(
        "UPDATE spend SET state = 'interrupted', ended_at = ? WHERE state IS NULL", (_now(),)
    )


def settled_values(message: Message) -> tuple[Any, ...]:
    """The values of `SETTLED`. A number that is not known is None."""
    usage, cost = message.usage or {}, message.cost or {}
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    amount = cost.get("amount")
    return (
        *(message.state, message.model, message.upstream),
        *(_count(usage.get("prompt_tokens")), _count(cached)),
        *(_count(usage.get("completion_tokens")), _count(amount and amount * 1e9)),
        *(cost.get("currency"), cost and int(cost["estimated"]) or 0),
    )


def _count(value: Any) -> int | None:
    """An upstream's number as a whole one; None if it is no number or too large."""
    if type(value) not in (int, float) or not 0 <= value <= MOST:
        return None
    return int(round(value))


def _now() -> int:
    return time.time_ns() // 1_000_000
