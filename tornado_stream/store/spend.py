"""The ledger as SQL: functions of a connection, to be called inside a transaction.

Each answer has one row in the table `spend`, from its beginning on. The row has no text, and no
deletion removes it. `state` is NULL until the row is settled, and a settled row never changes. The
table `spend_days` has the sums of the settled rows, by the day on which the answers began (UTC). It
changes in the same transaction. Times are in milliseconds since the epoch, days are counted since
the epoch, and `amount` is in billionths of the currency: a whole number, so that sums are exact.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tornado_stream.store.base import Begun, Progress
from tornado_stream.values.messages import Message

if TYPE_CHECKING:
    import sqlite3

#: What an answer settles, in the order of `settled_values`.
SETTLED = (
    *("state", "model", "upstream", "prompt", "cached", "completion"),
    *("amount", "currency", "estimated"),
)
#: The sums in `spend_days`: `estimated` and `unknown` are answers whose numbers are estimated, and
#: whose cost is not known.
SUMS = ("requests", "prompt", "cached", "completion", "amount", "estimated", "unknown")
#: The largest number that a row has. A sum of nine million of them still fits into 64 bits.
MOST = 10**12
#: Characters of a name. A program may name a model as it likes.
LONGEST_NAME = 200
DAY = 86_400_000

_SET = ", ".join(f"{name} = ?" for name in SETTLED)
_SETTLE = f"UPDATE spend SET {_SET}, ended_at = ? WHERE id = ? AND owner = ? AND state IS NULL"
_ADD = (
    f"INSERT INTO spend ({', '.join(SETTLED)}, ended_at, id, owner, began_at) "
    f"SELECT {', '.join('?' * (len(SETTLED) + 4))} "
    "WHERE NOT EXISTS (SELECT 1 FROM spend WHERE id = ? AND owner = ?)"
)
#: Needs the conflict clause at its end.
_INTO_DAYS = f"INSERT INTO spend_days (owner, day, upstream, model, currency, {', '.join(SUMS)}) "
_ON_CONFLICT = " ON CONFLICT (owner, day, upstream, model, currency) DO UPDATE SET " + ", ".join(
    f"{name} = {name} + excluded.{name}" for name in SUMS
)
_ADD_DAY = f"{_INTO_DAYS} VALUES ({', '.join('?' * (len(SUMS) + 5))}) {_ON_CONFLICT}"
#: Whether the cost of a row is not known, although its upstream was most likely asked.
_UNKNOWN = "amount IS NULL AND (prompt IS NOT NULL OR ifnull(state, '') IN ('', 'interrupted'))"
#: Whether the answer of a row is stored as running.
RUNS = (
    "EXISTS (SELECT 1 FROM generations g JOIN messages m ON m.seq = g.seq "
    "WHERE g.id = spend.id AND g.owner = spend.owner AND m.state = 'running')"
)
_NUMBERS = ("prompt", "cached", "completion", "amount", "estimated")
_DAYS_OF_ROWS = (
    f"{_INTO_DAYS} SELECT owner, began_at / {DAY}, ifnull(upstream, ''), ifnull(model, ''), "
    f"ifnull(currency, ''), count(*), {', '.join(f'sum(ifnull({n}, 0))' for n in _NUMBERS)}, "
    f"sum({_UNKNOWN}) FROM spend WHERE {{}} GROUP BY 1, 2, 3, 4, 5 {_ON_CONFLICT}"
)


def begin(db: sqlite3.Connection, begun: Begun, instance: str) -> None:
    """Add the row of an answer of this instance."""
    db.execute(
        "INSERT INTO spend (owner, id, began_at, model, instance) VALUES (?, ?, ?, ?, ?)",
        (begun.owner, begun.generation_id, begun.began_at, short_name(begun.model), instance),
    )


def write(
    db: sqlite3.Connection, instance: str, spent: list[Progress], begun: Sequence[Begun]
) -> None:
    """See `Store.settle`."""
    for one in begun:
        begin(db, one, instance)
    settle(db, spent, most_begun=False)


def settle(db: sqlite3.Connection, spent: list[Progress], *, most_begun: bool = True) -> None:
    """Settle the rows of answers that have ended; add those whose beginning is not there. If
    `most_begun` is true, this is quicker for rows that are there, otherwise for those to add."""
    days: dict[tuple[Any, ...], list[int]] = {}
    ended_at = now()
    for progress in spent:
        message = progress.message
        assert message
        values = settled_values(message, progress.estimate)
        key = (progress.generation_id, progress.owner)
        row = (*values, ended_at, *key)
        tries = [(_SETTLE, row), (_ADD, (*row, message.created_at, *key))]
        if not any(db.execute(*one).rowcount for one in (tries if most_begun else tries[::-1])):
            continue  # it was settled before
        add_to_days(days, progress.owner, message.created_at, values)
    if days:
        db.executemany(_ADD_DAY, [(*day, *sums) for day, sums in days.items()])


def settle_lost(db: sqlite3.Connection, is_alive: Callable[[str], bool]) -> None:
    """Settle the rows of all answers that the death of their instances cut short. What they cost is
    not known. An answer that is still stored as running has its row settled with its end."""
    instances = db.execute("SELECT DISTINCT instance FROM spend WHERE state IS NULL").fetchall()
    for instance in instances:
        if not is_alive(*instance):
            lost = f"state IS NULL AND instance = ? AND NOT {RUNS}"
            db.execute(_DAYS_OF_ROWS.format(lost), instance)
            sql = f"UPDATE spend SET state = 'interrupted', ended_at = ? WHERE {lost}"
            db.execute(sql, (now(), *instance))


def sum_days(db: sqlite3.Connection) -> None:
    """Fill `spend_days`, which is empty, from all settled rows."""
    db.execute(_DAYS_OF_ROWS.format("state IS NOT NULL"))


def settled_values(message: Message, estimate: tuple[int, int] | None = None) -> tuple[Any, ...]:
    """The values of `SETTLED`. A number that is not known is None; `estimate` has the tokens of the
    prompt and of the answer where the upstream's numbers are missing."""
    usage, cost = message.usage or {}, message.cost or {}
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    prompt, completion = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    estimated = bool(cost and cost["estimated"])
    if estimate and (prompt is None or completion is None):
        estimated = True
        prompt = estimate[0] if prompt is None else prompt
        completion = estimate[1] if completion is None else completion
    amount = cost.get("amount")
    return (
        *(message.state, short_name(message.model), short_name(message.upstream)),
        *(prompt, _count(cached), completion, _count(amount and amount * 1e9)),
        *(cost.get("currency"), int(estimated)),
    )


def settled_numbers(progress: Progress) -> tuple[int, int]:
    """The amount and the tokens of an answer that has ended; what is not known is 0."""
    assert progress.message
    values = settled_values(progress.message, progress.estimate)
    named = dict(zip(SETTLED, values, strict=True))
    return named["amount"] or 0, (named["prompt"] or 0) + (named["completion"] or 0)


def add_to_days(
    days: dict[tuple[Any, ...], list[int]], owner: str, began_at: int, values: tuple[Any, ...]
) -> None:
    """Add a settled row to the sums of its day."""
    state, model, upstream, prompt, cached, completion, amount, currency, estimated = values
    unknown = amount is None and (prompt is not None or state == "interrupted")
    numbers = (1, prompt, cached, completion, amount, estimated, unknown)
    key = (owner, began_at // DAY, upstream or "", model or "", currency or "")
    sums = days.setdefault(key, [0] * len(SUMS))
    for index, number in enumerate(numbers):
        sums[index] += number or 0


def short_name(name: str | None) -> str | None:
    return name and name[:LONGEST_NAME]


def _count(value: Any) -> int | None:
    """An upstream's number as a whole one; None if it is no number or too large."""
    if type(value) not in (int, float) or not 0 <= value <= MOST:
        return None
    return int(round(value))


def now() -> int:
    return time.time_ns() // 1_000_000
