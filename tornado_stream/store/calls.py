"""Calls of tools as SQL: functions of a connection, to be called inside a transaction.

`CallStore` has the contract of the table `calls`. Decisions are in the messages themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from tornado_stream.store.base import AlreadyStored
from tornado_stream.store.call_base import Decided
from tornado_stream.values.calls import Call, from_part, still_allowed, with_allowed
from tornado_stream.values.calls import decided as with_decisions
from tornado_stream.values.calls import undecided as undecided_of
from tornado_stream.values.errors import Conflict, NotFound

if TYPE_CHECKING:
    import sqlite3


def begin(
    db: sqlite3.Connection, owner: str, instance: str, generation_id: str, call: Call
) -> None:
    known = "SELECT 1 FROM calls WHERE generation_id = ? AND id = ?"
    if db.execute(known, (generation_id, call.id)).fetchone():
        raise AlreadyStored
    added = db.execute(
        "INSERT INTO calls (owner, generation_id, id, state, data) SELECT ?1, ?2, ?3, ?4, ?5 "
        "WHERE EXISTS (SELECT 1 FROM generations g JOIN messages m ON m.seq = g.seq "
        "WHERE g.id = ?2 AND g.owner = ?1 AND g.instance = ?6 AND m.state = 'running')",
        (owner, generation_id, call.id, call.state, to_data(call), instance),
    )
    if not added.rowcount:
        raise ended()


def end(db: sqlite3.Connection, owner: str, generation_id: str, call: Call) -> None:
    db.execute(
        "UPDATE calls SET state = ?, data = ? WHERE generation_id = ? AND id = ? AND owner = ?",
        (call.state, to_data(call), generation_id, call.id, owner),
    )


def undecided(db: sqlite3.Connection, owner: str, message_ids: Sequence[str]) -> frozenset[str]:
    """An index has the answers with calls alone."""
    rows = db.execute(
        "SELECT id, parts FROM messages WHERE parts <> '[]' AND state <> 'running' "
        f"AND id IN ({', '.join('?' * len(message_ids))}) AND owner = ?",
        (*message_ids, owner),
    )
    return frozenset(id for id, parts in rows if undecided_of(orjson.loads(parts)))


def calls(db: sqlite3.Connection, generation_ids: Collection[str]) -> dict[str, list[Call]]:
    """The table has only calls under way, so all of it is read."""
    found: dict[str, list[Call]] = {}
    for id, data in db.execute("SELECT generation_id, data FROM calls ORDER BY seq"):
        if id in generation_ids:
            found.setdefault(id, []).append(from_data(data))
    return found


def forget(db: sqlite3.Connection, owner: str, generation_id: str) -> None:
    """The message of an answer that has ended has its calls."""
    sql = "DELETE FROM calls WHERE generation_id = ? AND owner = ?"
    db.execute(sql, (generation_id, owner))


def decide(db: sqlite3.Connection, owner: str, decided: Decided) -> None:
    """Store what a person has decided of the calls of an answer."""
    sql = "SELECT parts FROM messages WHERE id = ? AND owner = ?"
    row = db.execute(sql, (decided.message_id, owner)).fetchone()
    parts = with_decisions(orjson.loads(row[0]) if row else [], decided.decisions)
    if parts is None:
        first = db.execute(
            "SELECT generation_id FROM messages WHERE parent_id = ? AND owner = ? "
            "AND generation_id IS NOT NULL ORDER BY seq LIMIT 1",
            (decided.message_id, owner),
        ).fetchone()
        raise already_decided(first and first[0])
    db.execute(
        "UPDATE messages SET parts = ? WHERE id = ? AND owner = ?",
        (orjson.dumps(parts).decode(), decided.message_id, owner),
    )
    if "always" in decided.decisions.values():
        home = "id = (SELECT conversation_id FROM messages WHERE id = ?) AND owner = ?"
        sql = f"SELECT always FROM conversations WHERE {home}"
        (always,) = db.execute(sql, (decided.message_id, owner)).fetchone()
        db.execute(
            f"UPDATE conversations SET always = ? WHERE {home}",
            (with_decided(always, parts, decided), decided.message_id, owner),
        )


def with_decided(always: str, parts: Sequence[dict[str, Any]], decided: Decided) -> str:
    """The column `always` of a conversation with what was decided of the calls in these parts."""
    return orjson.dumps(with_allowed(orjson.loads(always), parts, decided.decisions)).decode()


def with_still_allowed(changes: dict[str, Any], always: str) -> dict[str, Any]:
    """The changes of a conversation whose column `always` is this one."""
    if "always" not in changes:
        return changes
    return {**changes, "always": still_allowed(orjson.loads(always), changes["always"])}


def to_data(call: Call) -> str:
    return orjson.dumps(call).decode()


def from_data(data: Any) -> Call:
    return from_part(orjson.loads(data))


def ended() -> NotFound:
    return NotFound("The answer has ended, so its calls are not sent any more.")


def already_decided(generation_id: str | None) -> Conflict:
    return Conflict(
        "These calls have been decided already.",
        code="already_decided",
        generation_id=generation_id,
    )
