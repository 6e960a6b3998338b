"""Event logs as SQL: functions of a connection, inside one transaction.

While an answer runs, each flush adds a row of joined frames to one table that only grows at its
end; with the answer's end its whole log becomes one compressed row of another, and the flushed
rows go later, the oldest first. A frame ends with an empty line and has none inside, so frames can
be told apart again.

The rule: what every tick does costs little for each answer, however many there are. So it looks
nothing up: where the logs end is remembered (`Places`), and forgotten with a failed transaction.
"""

from __future__ import annotations

import zlib
from itertools import takewhile
from typing import TYPE_CHECKING

from tornado_stream.store import search
from tornado_stream.store.base import NewAnswer, Progress, StoredGeneration
from tornado_stream.store.rows import MESSAGE, MESSAGE_COLUMNS, from_message, to_message

if TYPE_CHECKING:
    import sqlite3

_FRAME_END = b"\n\n"
#: Rows that one statement adds: their values stay below SQLite's oldest limit, 999.
_TOGETHER = 128
#: Flushed rows that are removed at once.
_REMOVED = 200

#: Of running answers, by their id: number, and the place of the last frame that is kept.
Places = dict[str, tuple[int, int]]
#: A row of `flushes`: owner, generation, first, last, frames.
_Row = tuple[str, int, int, int, bytes]


def add(db: sqlite3.Connection, owner: str, places: Places, number: int, new: NewAnswer) -> None:
    """Begin the log of the answer with this number."""
    db.execute(
        "INSERT INTO generations (seq, owner, id, fingerprint) VALUES (?, ?, ?, ?)",
        (number, owner, new.generation_id, new.fingerprint),
    )
    _flush(db, [(owner, number, 1, 1, new.frame)])
    places[new.generation_id] = number, 1


def append(db: sqlite3.Connection, places: Places, batch: list[Progress]) -> None:
    """Append to logs whose answers are there and running; what is already there stays."""
    rows: list[_Row] = []
    for progress in batch:
        place = places.get(progress.generation_id) or _find(db, progress)
        if place is None:
            continue
        number, last = place
        kept = last + 1 - progress.first
        if kept < 0:
            raise ValueError(f"a log that ends at {last} cannot go on at {progress.first}")
        frames = progress.frames[kept:]
        if progress.message:
            _end(db, number, last + len(frames), progress, frames)
            places.pop(progress.generation_id, None)
        elif frames:
            end = last + len(frames)
            rows.append((progress.owner, number, last + 1, end, b"".join(frames)))
            places[progress.generation_id] = number, end
    for start in range(0, len(rows), _TOGETHER):
        _flush(db, rows[start : start + _TOGETHER])


def tidy(db: sqlite3.Connection) -> bool:
    """Remove some of the flushed rows that no running answer needs. False: that was all."""
    oldest = db.execute(
        "SELECT f.seq, m.seq FROM flushes f LEFT JOIN messages m "
        "ON m.seq = f.generation AND m.state = 'running' ORDER BY f.seq LIMIT ?",
        (_REMOVED,),
    ).fetchall()
    gone = [seq for seq, _ in takewhile(lambda row: row[1] is None, oldest)]
    if gone:
        db.execute("DELETE FROM flushes WHERE seq <= ?", (gone[-1],))
    return len(gone) == _REMOVED


def unfinished(db: sqlite3.Connection) -> list[StoredGeneration]:
    rows = db.execute(
        "SELECT g.owner, g.id FROM messages m JOIN generations g ON g.seq = m.seq "
        "WHERE m.state = 'running' AND m.owner = g.owner ORDER BY g.seq"
    ).fetchall()
    return [stored for owner, id in rows if (stored := generation(db, owner, id))]


def generation(db: sqlite3.Connection, owner: str, id: str) -> StoredGeneration | None:
    row = db.execute(
        f"SELECT g.seq, g.fingerprint, {MESSAGE_COLUMNS} "
        "FROM generations g JOIN messages m ON m.seq = g.seq "
        "WHERE g.id = ?1 AND g.owner = ?2 AND m.owner = ?2",
        (id, owner),
    ).fetchone()
    if row is None:
        return None
    number, fingerprint, *message = row
    frames = [frame + _FRAME_END for frame in _log(db, owner, number).split(_FRAME_END)[:-1]]
    return StoredGeneration(id, fingerprint, to_message(message), frames, owner)


def _find(db: sqlite3.Connection, progress: Progress) -> tuple[int, int] | None:
    """The place of an answer that runs, but is not remembered: after a failure, or a start."""
    row: tuple[int, int] | None = db.execute(
        "SELECT g.seq, max(ifnull((SELECT max(last) FROM events WHERE generation = g.seq), 0), "
        "ifnull((SELECT max(last) FROM flushes WHERE generation = g.seq), 0)) "
        "FROM generations g JOIN messages m ON m.seq = g.seq "
        "WHERE g.id = ?1 AND g.owner = ?2 AND m.owner = ?2 AND m.state = 'running'",
        (progress.generation_id, progress.owner),
    ).fetchone()
    return row


def _end(
    db: sqlite3.Connection, number: int, last: int, progress: Progress, rest: list[bytes]
) -> None:
    assert progress.message
    owner = progress.owner
    log = b"".join(progress.frames if progress.first == 1 else [_log(db, owner, number), *rest])
    db.execute("DELETE FROM events WHERE generation = ? AND owner = ?", (number, owner))
    db.execute(
        "INSERT INTO events (generation, first, last, owner, packed, frames) "
        "VALUES (?, 1, ?, ?, 1, ?)",
        (number, last, owner, zlib.compress(log, 1)),
    )
    columns = ", ".join(f"{name} = ?" for name in MESSAGE)
    db.execute(
        f"UPDATE messages SET {columns} WHERE seq = ? AND owner = ?",
        (*from_message(progress.message), number, owner),
    )
    search.add(db, number, progress.message.content)


def _flush(db: sqlite3.Connection, rows: list[_Row]) -> None:
    values = ", ".join(["(?, ?, ?, ?, ?)"] * len(rows))
    db.execute(
        f"INSERT INTO flushes (owner, generation, first, last, frames) VALUES {values}",
        [value for row in rows for value in row],
    )


def _log(db: sqlite3.Connection, owner: str, number: int) -> bytes:
    """A whole log: packed, or what was flushed of it (by an older version into `events`)."""
    rows = db.execute(
        "SELECT frames, packed FROM events WHERE generation = ? AND owner = ? ORDER BY first",
        (number, owner),
    ).fetchall()
    parts = [zlib.decompress(frames) if packed else frames for frames, packed in rows]
    if not any(packed for _, packed in rows):
        parts += [
            frames
            for (frames,) in db.execute(
                "SELECT frames FROM flushes WHERE generation = ? AND owner = ? ORDER BY seq",
                (number, owner),
            )
        ]
    return b"".join(parts)
