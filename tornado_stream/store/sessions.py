"""Sessions as SQL: functions of a connection, to be called inside a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tornado_stream.store.base import Session

if TYPE_CHECKING:
    import sqlite3


def sessions(db: sqlite3.Connection) -> list[Session]:
    rows = db.execute("SELECT id, owner, proof, expires_at FROM sessions")
    return [Session(*row) for row in rows]


def save(db: sqlite3.Connection, session: Session) -> None:
    db.execute(
        "INSERT OR REPLACE INTO sessions (id, owner, proof, expires_at) VALUES (?, ?, ?, ?)",
        (session.id, session.owner, session.proof, session.expires_at),
    )


def delete(db: sqlite3.Connection, ids: list[str]) -> None:
    db.executemany("DELETE FROM sessions WHERE id = ?", [(id,) for id in ids])
