"""Sessions and last uses in PostgreSQL: functions of a connection, called in a transaction."""

from __future__ import annotations

from dataclasses import astuple

import asyncpg

from tornado_stream.store.base import Session
from tornado_stream.store.postgres.values import from_text, to_text


async def sessions(db: asyncpg.Connection) -> list[Session]:
    rows = await db.fetch(
        "SELECT id, owner, proof, expires_at, created_at, address, agent FROM sessions"
    )
    return [Session(*map(from_text, row.values())) for row in rows]


async def save(db: asyncpg.Connection, session: Session) -> None:
    await db.execute(
        "INSERT INTO sessions (id, owner, proof, expires_at, created_at, address, agent) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET "
        "owner = excluded.owner, proof = excluded.proof, expires_at = excluded.expires_at, "
        "created_at = excluded.created_at, address = excluded.address, agent = excluded.agent",
        *map(to_text, astuple(session)),
    )


async def delete(db: asyncpg.Connection, ids: list[str]) -> None:
    await db.execute("DELETE FROM sessions WHERE id = ANY($1::text[])", ids)


async def last_uses(db: asyncpg.Connection) -> dict[str, int]:
    return dict(await db.fetch("SELECT id, used_at FROM last_uses"))


async def save_last_uses(db: asyncpg.Connection, uses: dict[str, int | None]) -> None:
    """Of the times of several instances, the latest counts."""
    gone = [id for id, used_at in uses.items() if used_at is None]
    there = sorted((id, used_at) for id, used_at in uses.items() if used_at is not None)
    if gone:
        await db.execute("DELETE FROM last_uses WHERE id = ANY($1::text[])", gone)
    await db.executemany(
        "INSERT INTO last_uses AS l (id, used_at) VALUES ($1, $2) "
        "ON CONFLICT (id) DO UPDATE SET used_at = greatest(l.used_at, excluded.used_at)",
        there,
    )
