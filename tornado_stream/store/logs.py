"""Event logs as SQL: functions of a connection, inside one transaction.

A log is kept as one row of joined frames for each flush, and from its end on as one compressed
row: a frame ends with an empty line and has none inside, so frames can be told apart again.

The rule: what every tick does, it does in few statements however many answers there are, since
each step of one hands the interpreter's lock to the IOLoop's thread and back.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tornado_stream.messages import Message
from tornado_stream.store import search
from tornado_stream.store.base import Progress, StoredGeneration, Turn
from tornado_stream.store.rows import MESSAGE, MESSAGE_COLUMNS, OWNER, from_message, to_message

if TYPE_CHECKING:
    import sqlite3

_FRAME_END = b"\n\n"
#: Logs that one statement appends to: their values stay below SQLite's oldest limit, 999.
_TOGETHER = 128

#: A row of `events`: generation, first, last, packed, frames.
_Row = tuple[int, int, int, bool, bytes]


def add(db: sqlite3.Connection, number: int, turn: Turn) -> None:
    """Begin the log of the answer with this number."""
    db.execute(
        "INSERT INTO generations (seq, owner, id, fingerprint) VALUES (?, ?, ?, ?)",
        (number, OWNER, turn.generation_id, turn.fingerprint),
    )
    _add_events(db, [(number, 1, 1, False, turn.frame)])


def append(db: sqlite3.Connection, batch: list[Progress]) -> None:
    """Append to logs whose answers are there and running; what is already there stays."""
    for start in range(0, len(batch), _TOGETHER):
        _append(db, {one.generation_id: one for one in batch[start : start + _TOGETHER]})


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


def _append(db: sqlite3.Connection, batch: dict[str, Progress]) -> None:
    rows: list[_Row] = []
    for id, number, last in _running(db, batch):
        progress = batch[id]
        kept = last + 1 - progress.first
        if kept < 0:
            raise ValueError(f"a log that ends at {last} cannot go on at {progress.first}")
        if frames := progress.frames[kept:]:
            rows.append((number, last + 1, last + len(frames), False, b"".join(frames)))
        if progress.message:
            _end(db, number, rows.pop() if frames else None, progress.message)
    if rows:
        _add_events(db, rows)


def _running(db: sqlite3.Connection, ids: Iterable[str]) -> Iterable[tuple[str, int, int]]:
    """Of these generations those that are running: id, number, and the last event kept. They come
    as one text, since each row would be a step."""
    ids = tuple(ids)
    (found,) = db.execute(
        "SELECT group_concat(g.id || ' ' || g.seq || ' ' || "
        "(SELECT max(last) FROM events WHERE generation = g.seq AND owner = ?1)) "
        "FROM generations g JOIN messages m ON m.seq = g.seq "
        f"WHERE g.id IN ({', '.join('?' * len(ids))}) "
        "AND g.owner = ?1 AND m.owner = ?1 AND m.state = 'running'",
        (OWNER, *ids),
    ).fetchone()
    for row in found.split(",") if found else ():
        id, number, last = row.split(" ")
        yield id, int(number), int(last)


def _end(db: sqlite3.Connection, number: int, rest: _Row | None, message: Message) -> None:
    columns = ", ".join(f"{name} = ?" for name in MESSAGE)
    db.execute(
        f"UPDATE messages SET {columns} WHERE seq = ? AND owner = ?",
        (*from_message(message), number, OWNER),
    )
    search.add(db, number, message.content)
    if rest:
        _add_events(db, [rest])
    log = zlib.compress(_log(db, number), 1)
    (last,) = db.execute(
        "SELECT max(last) FROM events WHERE generation = ? AND owner = ?", (number, OWNER)
    ).fetchone()
    db.execute("DELETE FROM events WHERE generation = ? AND owner = ?", (number, OWNER))
    _add_events(db, [(number, 1, last, True, log)])


def _add_events(db: sqlite3.Connection, rows: list[_Row]) -> None:
    values = ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(rows))
    db.execute(
        f"INSERT INTO events (owner, generation, first, last, packed, frames) VALUES {values}",
        [value for row in rows for value in (OWNER, *row)],
    )


def _log(db: sqlite3.Connection, number: int) -> bytes:
    rows = db.execute(
        "SELECT frames, packed FROM events WHERE generation = ? AND owner = ? ORDER BY first",
        (number, OWNER),
    )
    return b"".join(zlib.decompress(frames) if packed else frames for frames, packed in rows)
