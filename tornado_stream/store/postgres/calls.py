"""Calls of tools in PostgreSQL: functions of a connection, called in a transaction. `CallStore` has
their contract, `store/calls.py` what the rows are.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import asyncpg
import orjson

from tornado_stream.store.base import AlreadyStored
from tornado_stream.store.call_base import Decided
from tornado_stream.store.calls import (
    already_decided,
    ended,
    from_data,
    to_data,
    with_decided,
)
from tornado_stream.store.postgres.instances import MINE
from tornado_stream.store.postgres.values import from_text, to_text
from tornado_stream.values.calls import Call
from tornado_stream.values.calls import decided as with_decisions
from tornado_stream.values.calls import undecided as undecided_of


async def begin(
    db: asyncpg.Connection, owner: str, instance: str, generation_id: str, call: Call
) -> None:
    """The server answers the commit when its disk has the row."""
    await db.execute("SET LOCAL synchronous_commit = on")
    added = await db.fetchval(
        f"WITH {MINE} INSERT INTO calls (owner, generation_id, id, state, data) "
        "SELECT $2, g.id, $4, $5, $6 FROM generations g JOIN mine ON mine.name = g.instance "
        "WHERE g.id = $3 AND g.owner = $2 AND g.running "
        "ON CONFLICT DO NOTHING RETURNING 1",
        *(instance, owner, generation_id, to_text(call.id), call.state, to_text(to_data(call))),
    )
    if added:
        return
    known = "SELECT 1 FROM calls WHERE generation_id = $1 AND id = $2"
    if await db.fetchval(known, generation_id, to_text(call.id)):
        raise AlreadyStored
    raise ended()


async def end(db: asyncpg.Connection, owner: str, generation_id: str, call: Call) -> None:
    await db.execute(
        "UPDATE calls SET state = $1, data = $2 "
        "WHERE generation_id = $3 AND id = $4 AND owner = $5",
        *(call.state, to_text(to_data(call)), generation_id, to_text(call.id), owner),
    )


async def undecided(
    db: asyncpg.Connection, owner: str, message_ids: Sequence[str]
) -> frozenset[str]:
    rows = await db.fetch(
        "SELECT id, parts FROM messages WHERE parts <> '[]' AND state <> 'running' "
        "AND id = ANY($1::text[]) AND owner = $2",
        *(list(message_ids), owner),
    )
    return frozenset(id for id, parts in rows if undecided_of(orjson.loads(from_text(parts))))


async def calls(db: asyncpg.Connection, generation_ids: Collection[str]) -> dict[str, list[Call]]:
    rows = await db.fetch(
        "SELECT generation_id, data FROM calls WHERE generation_id = ANY($1::text[]) ORDER BY seq",
        list(generation_ids),
    )
    found: dict[str, list[Call]] = {}
    for id, data in rows:
        found.setdefault(id, []).append(from_data(from_text(data)))
    return found


async def decide(db: asyncpg.Connection, owner: str, decided: Decided) -> None:
    """Store what a person has decided of the calls of an answer."""
    id = decided.message_id
    lock = "SELECT parts FROM messages WHERE id = $1 AND owner = $2 FOR UPDATE"
    stored = from_text(await db.fetchval(lock, id, owner))
    parts = with_decisions(orjson.loads(stored) if stored else [], decided.decisions)
    if parts is None:
        raise already_decided(
            await db.fetchval(
                "SELECT generation_id FROM messages WHERE parent_id = $1 AND owner = $2 "
                "AND generation_id IS NOT NULL ORDER BY seq LIMIT 1",
                *(id, owner),
            )
        )
    sql = "UPDATE messages SET parts = $3 WHERE id = $1 AND owner = $2"
    await db.execute(sql, id, owner, to_text(orjson.dumps(parts).decode()))
    if "always" in decided.decisions.values():
        home = "id = (SELECT conversation_id FROM messages WHERE id = $1) AND owner = $2"
        lock = f"SELECT always FROM conversations WHERE {home} FOR UPDATE"
        always = with_decided(from_text(await db.fetchval(lock, id, owner)), parts, decided)
        sql = f"UPDATE conversations SET always = $3 WHERE {home}"
        await db.execute(sql, id, owner, to_text(always))
