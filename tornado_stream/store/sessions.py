"""Sessions and last uses as SQL: functions of a connection, to be called inside a transaction."""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING

from tornado_stream.store.base import Session

if TYPE_CHECKING:
    import sqlite3


def sessions(db: sqlite3.Connection) -> list[Session]:
    rows = db.execute(
        "SELECT id, owner, proof, expires_at, created_at, address, agent FROM sessions"
    )
    return [Session(*row) for row in rows]


def save(db: sqlite3.Connection, session: Session) -> None:
    db.execute(
        "INSERT OR REPLACE INTO sessions "
        "(id, owner, proof, expires_at, created_at, address, agent) VALUES (?, ?, ?, ?, ?, ?, ?)",
        astuple(session),
    )


def delete(db: sqlite3.Connection, ids: list[str]) -> None:
    db.executemany("DELETE FROM sessions WHERE id = ?", [(id,) for id in ids])


def last_uses(db: sqlite3.Connection) -> dict[str, int]:
    return dict(db.execute("SELECT id, used_at FROM last_uses"))


def save_last_uses(db: sqlite3.Connection, uses: dict[str, int | None]) -> None:
    for id, used_at in uses.items():
        if used_at is None:
            db.execute("DELETE FROM last_uses WHERE id = ?", (id,))
        else:
            db.execute("INSERT OR REPLACE INTO last_uses VALUES (?, ?)", (id, used_at))
