"""Defaults of users as SQL: functions of a connection, to be called inside a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from tornado_stream.values.defaults import Defaults
from tornado_stream.values.errors import Conflict

if TYPE_CHECKING:
    import sqlite3


def defaults(db: sqlite3.Connection, owner: str) -> Defaults:
    sql = "SELECT system, options, version FROM defaults WHERE owner = ?"
    row = db.execute(sql, (owner,)).fetchone()
    return Defaults(row[0], orjson.loads(row[1]), row[2]) if row else Defaults()


def save(db: sqlite3.Connection, owner: str, new: Defaults) -> None:
    version = defaults(db, owner).version
    if version != new.version - 1:
        raise Conflict(
            "The defaults were changed meanwhile. Read them again before you change them.",
            code="changed_meanwhile",
            version=version,
        )
    db.execute(
        "INSERT OR REPLACE INTO defaults (owner, version, system, options) VALUES (?, ?, ?, ?)",
        (owner, new.version, new.system, orjson.dumps(new.options).decode()),
    )


def delete(db: sqlite3.Connection, owner: str) -> None:
    db.execute("DELETE FROM defaults WHERE owner = ?", (owner,))
