"""Presets of users as SQL: functions of a connection, to be called inside a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from tornado_stream.values.errors import Conflict, NotFound
from tornado_stream.values.presets import MAX_PRESETS, Preset

if TYPE_CHECKING:
    import sqlite3

#: The fields of a preset that the column `data` has, as JSON.
_DATA = ("kind", "text", "system", "model", "options", "tools")


def presets(db: sqlite3.Connection, owner: str) -> list[Preset]:
    rows = db.execute(
        "SELECT id, version, name, data FROM presets WHERE owner = ? ORDER BY seq", (owner,)
    )
    return [from_data(*row) for row in rows]


def add(db: sqlite3.Connection, owner: str, preset: Preset) -> None:
    _check_name(db, owner, preset)
    sql = "SELECT count(*) FROM presets WHERE owner = ?"
    if db.execute(sql, (owner,)).fetchone()[0] >= MAX_PRESETS:
        raise Conflict(f"You have {MAX_PRESETS} presets, the most.", code="too_many_presets")
    db.execute(
        "INSERT INTO presets (owner, id, version, name, data) VALUES (?, ?, ?, ?, ?)",
        (owner, preset.id, preset.version, preset.name, to_data(preset)),
    )


def change(db: sqlite3.Connection, owner: str, preset: Preset) -> None:
    found = db.execute(
        "SELECT version FROM presets WHERE id = ? AND owner = ?", (preset.id, owner)
    ).fetchone()
    if found is None:
        raise NotFound("There is no preset with this id.")
    if found[0] != preset.version - 1:
        raise Conflict(
            "This preset was changed meanwhile. Read it again before you change it.",
            code="changed_meanwhile",
            version=found[0],
        )
    _check_name(db, owner, preset)
    db.execute(
        "UPDATE presets SET version = ?, name = ?, data = ? WHERE id = ? AND owner = ?",
        (preset.version, preset.name, to_data(preset), preset.id, owner),
    )


def delete(db: sqlite3.Connection, owner: str, id: str) -> None:
    if not db.execute("DELETE FROM presets WHERE id = ? AND owner = ?", (id, owner)).rowcount:
        raise NotFound("There is no preset with this id.")


def delete_all(db: sqlite3.Connection, owner: str) -> None:
    db.execute("DELETE FROM presets WHERE owner = ?", (owner,))


def _check_name(db: sqlite3.Connection, owner: str, preset: Preset) -> None:
    names = db.execute("SELECT id, name FROM presets WHERE owner = ?", (owner,))
    if any(id != preset.id and name.casefold() == preset.name.casefold() for id, name in names):
        raise Conflict("Another preset has this name.", code="name_in_use")


def to_data(preset: Preset) -> str:
    """What the column `data` has of a preset."""
    return orjson.dumps({name: getattr(preset, name) for name in _DATA}).decode()


def from_data(id: str, version: int, name: str, data: str) -> Preset:
    fields: dict[str, Any] = orjson.loads(data)
    return Preset(id=id, name=name, version=version, **fields)
