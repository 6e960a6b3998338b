"""Event logs as SQL: functions of a connection, inside one transaction.

A log is kept as one row of joined frames for each flush, and from its end on as one compressed
row: a frame ends with an empty line and has none inside, so frames can be told apart again.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from tornado_stream.messages import Message
from tornado_stream.store import search
from tornado_stream.store.base import Progress, StoredGeneration, Turn
from tornado_stream.store.rows import MESSAGE, MESSAGE_COLUMNS, OWNER, from_message, to_message

if TYPE_CHECKING:
    import sqlite3

_FRAME_END = b"\n\n"


def add(db: sqlite3.Connection, number: int, turn: Turn) -> None:
    """Begin the log of the answer with this number."""
    db.execute(
        "INSERT INTO generations (seq, owner, id, fingerprint) VALUES (?, ?, ?, ?)",
        (number, OWNER, turn.generation_id, turn.fingerprint),
    )
    _add_events(db, number, 1, 1, turn.frame)


def append(db: sqlite3.Connection, batch: list[Progress]) -> None:
    for progress in batch:
        row = db.execute(
            "SELECT g.seq, (SELECT max(last) FROM events WHERE generation = g.seq AND owner = ?1) "
            "FROM generations g JOIN messages m ON m.seq = g.seq "
            "WHERE g.id = ?2 AND g.owner = ?1 AND m.owner = ?1 AND m.state = 'running'",
            (OWNER, progress.generation_id),
        ).fetchone()
        if row:
            number, last = row
            _append(db, number, last, progress)


def unfinished(db: sqlite3.Connection) -> list[StoredGeneration]:
    rows = db.execute(
        "SELECT g.id FROM messages m JOIN generations g ON g.seq = m.seq "
        "WHERE m.state = 'running' AND m.owner = ?1 AND g.owner = ?1 ORDER BY g.seq",
        (OWNER,),
    ).fetchall()
    return [stored for (id,) in rows if (stored := generation(db, id))]


def generation(db: sqlite3.Connection, id: str) -> StoredGeneration | None:
    row = db.execute(
        f"SELECT g.seq, g.fingerprint, {MESSAGE_COLUMNS} "
        "FROM generations g JOIN messages m ON m.seq = g.seq "
        "WHERE g.id = ?1 AND g.owner = ?2 AND m.owner = ?2",
        (id, OWNER),
    ).fetchone()
    if row is None:
        return None
    number, fingerprint, *message = row
    frames = [frame + _FRAME_END for frame in _log(db, number).split(_FRAME_END)[:-1]]
    return StoredGeneration(id, fingerprint, to_message(message), frames)


def _append(db: sqlite3.Connection, number: int, last: int, progress: Progress) -> None:
    kept = last + 1 - progress.first
    if kept < 0:
        raise ValueError(f"a log that ends at {last} cannot go on at {progress.first}")
    if frames := progress.frames[kept:]:
        _add_events(db, number, last + 1, last + len(frames), b"".join(frames))
    if progress.message:
        _end(db, number, last + len(frames), progress.message)


def _end(db: sqlite3.Connection, number: int, last: int, message: Message) -> None:
    columns = ", ".join(f"{name} = ?" for name in MESSAGE)
    db.execute(
        f"UPDATE messages SET {columns} WHERE seq = ? AND owner = ?",
        (*from_message(message), number, OWNER),
    )
    search.add(db, number, message.content)
    log = zlib.compress(_log(db, number))
    db.execute("DELETE FROM events WHERE generation = ? AND owner = ?", (number, OWNER))
    _add_events(db, number, 1, last, log, packed=True)


def _add_events(
    db: sqlite3.Connection, number: int, first: int, last: int, frames: bytes, packed: bool = False
) -> None:
    db.execute(
        "INSERT INTO events (generation, first, last, owner, packed, frames) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (number, first, last, OWNER, packed, frames),
    )


def _log(db: sqlite3.Connection, number: int) -> bytes:
    rows = db.execute(
        "SELECT frames, packed FROM events WHERE generation = ? AND owner = ? ORDER BY first",
        (number, OWNER),
    )
    return b"".join(zlib.decompress(frames) if packed else frames for frames, packed in rows)
