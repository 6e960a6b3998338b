"""Presets and defaults of users in PostgreSQL: functions of a connection, called in a transaction.

What counts the rows of an owner, or compares with one, holds the owner's lock until its commit: two
instances may do it at once.
"""

from __future__ import annotations

import asyncpg
import orjson

from tornado_stream.store.postgres.values import from_text, to_text
from tornado_stream.store.presets import from_data, to_data
from tornado_stream.values.defaults import Defaults
from tornado_stream.values.errors import Conflict, NotFound
from tornado_stream.values.presets import MAX_PRESETS, Preset


async def presets(db: asyncpg.Connection, owner: str) -> list[Preset]:
    rows = await db.fetch(
        "SELECT id, version, name, data FROM presets WHERE owner = $1 ORDER BY seq", owner
    )
    return [from_data(id, version, from_text(name), data) for id, version, name, data in rows]


async def add(db: asyncpg.Connection, owner: str, preset: Preset) -> None:
    await _lock(db, owner)
    mine = await presets(db, owner)
    _check_name(preset, mine)
    if len(mine) >= MAX_PRESETS:
        raise Conflict(f"You have {MAX_PRESETS} presets, the most.", code="too_many_presets")
    await db.execute(
        "INSERT INTO presets (owner, id, version, name, data) VALUES ($1, $2, $3, $4, $5)",
        *(owner, preset.id, preset.version, to_text(preset.name), to_data(preset)),
    )


async def change(db: asyncpg.Connection, owner: str, preset: Preset) -> None:
    await _lock(db, owner)
    mine = await presets(db, owner)
    found = next((one for one in mine if one.id == preset.id), None)
    if found is None:
        raise NotFound("There is no preset with this id.")
    if found.version != preset.version - 1:
        raise Conflict(
            "This preset was changed meanwhile. Read it again before you change it.",
            code="changed_meanwhile",
            version=found.version,
        )
    _check_name(preset, mine)
    await db.execute(
        "UPDATE presets SET version = $1, name = $2, data = $3 WHERE id = $4 AND owner = $5",
        *(preset.version, to_text(preset.name), to_data(preset), preset.id, owner),
    )


async def delete(db: asyncpg.Connection, owner: str, id: str) -> None:
    sql = "DELETE FROM presets WHERE id = $1 AND owner = $2 RETURNING 1"
    if not await db.fetchval(sql, id, owner):
        raise NotFound("There is no preset with this id.")


async def delete_all(db: asyncpg.Connection, owner: str) -> None:
    await db.execute("DELETE FROM presets WHERE owner = $1", owner)


async def defaults(db: asyncpg.Connection, owner: str) -> Defaults:
    sql = "SELECT system, options, version FROM defaults WHERE owner = $1"
    row = await db.fetchrow(sql, owner)
    return Defaults(from_text(row[0]), orjson.loads(row[1]), row[2]) if row else Defaults()


async def save_defaults(db: asyncpg.Connection, owner: str, new: Defaults) -> None:
    await _lock(db, owner)
    version = (await defaults(db, owner)).version
    if version != new.version - 1:
        raise Conflict(
            "The defaults were changed meanwhile. Read them again before you change them.",
            code="changed_meanwhile",
            version=version,
        )
    await db.execute(
        "INSERT INTO defaults (owner, version, system, options) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT (owner) DO UPDATE SET version = excluded.version, "
        "system = excluded.system, options = excluded.options",
        *(owner, new.version, to_text(new.system), orjson.dumps(new.options).decode()),
    )


async def delete_defaults(db: asyncpg.Connection, owner: str) -> None:
    await db.execute("DELETE FROM defaults WHERE owner = $1", owner)


def _check_name(preset: Preset, others: list[Preset]) -> None:
    name = preset.name.casefold()
    if any(one.id != preset.id and one.name.casefold() == name for one in others):
        raise Conflict("Another preset has this name.", code="name_in_use")


async def _lock(db: asyncpg.Connection, owner: str) -> None:
    await db.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", owner)
