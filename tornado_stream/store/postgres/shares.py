"""Shared links in PostgreSQL: functions of a connection, called in a transaction."""

from __future__ import annotations

from collections.abc import Collection

import asyncpg

from tornado_stream.store.postgres.tables import UP
from tornado_stream.store.postgres.values import from_text
from tornado_stream.store.shares import (
    COLUMNS,
    no_message,
    no_share,
    to_branch_message,
    to_share,
    too_many,
)
from tornado_stream.values.shares import MAX_SHARES, BranchMessage, Share

_COLUMNS = ", ".join(f"s.{name}" for name in COLUMNS)


async def add(db: asyncpg.Connection, owner: str, share: Share) -> None:
    """The conversation is locked, so that no deletion of it leaves the share behind."""
    await db.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", owner)
    sql = "DELETE FROM shares WHERE owner = $1 AND expires_at <= $2"
    await db.execute(sql, owner, share.created_at)
    leaf = (
        "SELECT 1 FROM conversations c JOIN messages m ON m.conversation_id = c.id "
        "WHERE c.id = $1 AND c.owner = $2 AND m.id = $3 AND m.owner = $2 FOR SHARE OF c"
    )
    if not await db.fetchval(leaf, share.conversation_id, owner, share.leaf_id):
        raise no_message()
    if await db.fetchval("SELECT count(*) FROM shares WHERE owner = $1", owner) >= MAX_SHARES:
        raise too_many()
    places = ", ".join(f"${number}" for number in range(1, len(COLUMNS) + 1))
    await db.execute(
        f"INSERT INTO shares ({', '.join(COLUMNS)}) VALUES ({places})",
        *(getattr(share, name) for name in COLUMNS),
    )


async def shares(db: asyncpg.Connection, owner: str) -> list[Share]:
    rows = await db.fetch(
        f"SELECT {_COLUMNS}, c.title FROM shares s JOIN conversations c "
        "ON c.id = s.conversation_id AND c.owner = s.owner WHERE s.owner = $1 ORDER BY s.seq",
        owner,
    )
    return [to_share(*map(from_text, row.values())) for row in rows]


async def delete(db: asyncpg.Connection, owner: str, id: str) -> None:
    sql = "DELETE FROM shares WHERE id = $1 AND owner = $2 RETURNING 1"
    if not await db.fetchval(sql, id, owner):
        raise no_share()


async def delete_all(db: asyncpg.Connection, owner: str) -> None:
    await db.execute("DELETE FROM shares WHERE owner = $1", owner)


async def with_digest(db: asyncpg.Connection, digest: str) -> Share | None:
    row = await db.fetchrow(f"SELECT {_COLUMNS} FROM shares s WHERE digest = $1", digest)
    return to_share(*row.values()) if row else None


async def standing(db: asyncpg.Connection, ids: Collection[str]) -> frozenset[str]:
    rows = await db.fetch("SELECT id FROM shares WHERE id = ANY($1::text[])", list(ids))
    return frozenset(id for (id,) in rows)


async def branch(db: asyncpg.Connection, owner: str, leaf_id: str) -> list[BranchMessage]:
    rows = await db.fetch(
        f"{UP} SELECT m.seq, m.id, m.generation_id, CASE m.state WHEN 'running' THEN "
        "(SELECT coalesce(json_agg(json_build_object('id', f.id)), '[]')::text "
        "FROM message_files u JOIN files f ON f.seq = u.file WHERE u.message = m.seq) "
        "ELSE m.files END, m.state FROM up "
        "JOIN messages m USING (seq) ORDER BY m.seq",
        *(leaf_id, owner),
    )
    return [to_branch_message(*row.values()) for row in rows]
