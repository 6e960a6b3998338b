"""Event logs as SQL: functions of a connection, to be called inside a transaction.

While an answer runs, each flush adds a row of joined frames at the end of the table `flushes`.
When the answer ends, its whole log becomes one compressed row of the table `events`, and `tidy`
deletes the flushed rows later, the oldest first. A frame ends with an empty line and contains no
other, so joined frames can be split again.

The rule: a tick costs little for each answer, however many answers run. So a tick looks nothing
up: `LogEnds` remembers where each log ends, and the writer clears it if a transaction fails.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING

from tornado_stream.store import calls, files, search, spend
from tornado_stream.store.base import Begun, NewAnswer, Progress, StoredGeneration
from tornado_stream.store.file_base import UNTIMELY
from tornado_stream.store.rows import MESSAGE, MESSAGE_COLUMNS, from_message, size, to_message
from tornado_stream.values.events import split_frames

if TYPE_CHECKING:
    import sqlite3

_SET_COLUMNS = ", ".join(f"{name} = ?" for name in MESSAGE)
_SET_MESSAGE = f"UPDATE messages SET {_SET_COLUMNS} WHERE seq = ? AND owner = ?"
#: Rows that one INSERT adds. Their values stay below 999, the limit of old versions of SQLite.
_ROWS_PER_INSERT = 128
#: Frames that are compressed together.
_FRAMES_PER_PIECE = 200
#: Flushed rows that one step of `tidy` deletes.
_ROWS_PER_DELETE = 200

#: For each running answer, by its generation's id: its `seq`, and the number of its last frame.
LogEnds = dict[str, tuple[int, int]]
#: A row of `flushes`: owner, generation, first, last, frames.
_Row = tuple[str, int, int, int, bytes]


def add(
    db: sqlite3.Connection, owner: str, instance: str, ends: LogEnds, seq: int, new: NewAnswer
) -> None:
    """Begin the log of the answer with this `seq`."""
    db.execute(
        "INSERT INTO generations (seq, owner, id, fingerprint, instance) VALUES (?, ?, ?, ?, ?)",
        (seq, owner, new.generation_id, new.fingerprint, instance),
    )
    _flush(db, [(owner, seq, 1, 1, new.frame)])
    message = new.message
    begun = Begun(owner, new.generation_id, message.created_at, message.model)
    spend.begin(db, begun, instance)
    ends[new.generation_id] = seq, 1


def append(db: sqlite3.Connection, ends: LogEnds, batch: list[Progress]) -> frozenset[str]:
    """See `Store.append`. Returns the ids of the logs that are gone."""
    rows: list[_Row] = []
    gone: set[str] = set()
    spend.settle(db, [progress for progress in batch if progress.message])
    for progress in batch:
        found = ends.get(progress.generation_id) or _find_end(db, progress)
        if found is None:
            if not _exists(db, progress):
                gone.add(progress.generation_id)
            continue
        seq, last = found
        stored = last + 1 - progress.first
        if stored < 0:
            raise ValueError(f"a log that ends at {last} cannot continue at {progress.first}")
        frames = progress.frames[stored:]
        if progress.message:
            _finish(db, seq, last + len(frames), progress, frames)
            ends.pop(progress.generation_id, None)
        elif frames:
            end = last + len(frames)
            rows.append((progress.owner, seq, last + 1, end, b"".join(frames)))
            ends[progress.generation_id] = seq, end
    for start in range(0, len(rows), _ROWS_PER_INSERT):
        _flush(db, rows[start : start + _ROWS_PER_INSERT])
    return frozenset(gone)


def tidy(db: sqlite3.Connection) -> bool:
    """Delete the oldest flushed rows, up to the first one of a running answer. False if nothing
    is left to delete."""
    oldest = db.execute(
        "SELECT f.seq, m.seq FROM flushes f LEFT JOIN messages m "
        "ON m.seq = f.generation AND m.state = 'running' ORDER BY f.seq LIMIT ?",
        (_ROWS_PER_DELETE,),
    ).fetchall()
    gone = [seq for seq, _ in takewhile(lambda row: row[1] is None, oldest)]
    if gone:
        db.execute("DELETE FROM flushes WHERE seq <= ?", (gone[-1],))
    return len(gone) == _ROWS_PER_DELETE


def ask_stop(db: sqlite3.Connection, owner: str, id: str) -> None:
    db.execute(
        "UPDATE generations SET stop_asked = 1 WHERE id = ?1 AND owner = ?2 AND seq IN "
        "(SELECT seq FROM messages WHERE generation_id = ?1 AND owner = ?2 AND state = 'running')",
        (id, owner),
    )


def asked_to_stop(db: sqlite3.Connection, instance: str) -> frozenset[str]:
    """The running answers of an instance that `ask_stop` was called for."""
    rows = db.execute(
        "SELECT g.id FROM generations g JOIN messages m ON m.seq = g.seq "
        "WHERE g.stop_asked = 1 AND g.instance = ? AND m.state = 'running' AND m.owner = g.owner",
        (instance,),
    )
    return frozenset(id for (id,) in rows)


def running(db: sqlite3.Connection, owner: str, conversation_id: str) -> dict[str, str]:
    """See `Store.running`."""
    rows = db.execute(
        "SELECT g.id, g.instance FROM messages m INDEXED BY messages_running "
        "JOIN generations g ON g.seq = m.seq WHERE m.conversation_id = ?1 AND m.owner = ?2 "
        "AND m.state = 'running' AND g.owner = ?2 ORDER BY m.seq",
        (conversation_id, owner),
    )
    return dict(rows.fetchall())


def orphans(db: sqlite3.Connection, is_alive: Callable[[str], bool]) -> list[StoredGeneration]:
    """The logs of running answers whose instances are dead."""
    rows = db.execute(
        "SELECT g.owner, g.id, g.instance FROM messages m INDEXED BY messages_running "
        "JOIN generations g ON g.seq = m.seq "
        "WHERE m.state = 'running' AND m.owner = g.owner ORDER BY g.seq"
    ).fetchall()
    dead = {name for name in {instance for _, _, instance in rows} if not is_alive(name)}
    found = [generation(db, owner, id) for owner, id, instance in rows if instance in dead]
    return [stored for stored in found if stored]


def take_over(
    db: sqlite3.Connection, instance: str, found: list[StoredGeneration]
) -> list[StoredGeneration]:
    """Give `orphans` to this instance; returns those that no other has taken meanwhile."""
    sql = "UPDATE generations SET instance = ? WHERE id = ? AND owner = ? AND instance = ?"
    return [
        replace(stored, instance=instance)
        for stored in found
        if db.execute(sql, (instance, stored.id, stored.owner, stored.instance)).rowcount
    ]


def generation(db: sqlite3.Connection, owner: str, id: str) -> StoredGeneration | None:
    row = db.execute(
        f"SELECT g.seq, g.fingerprint, g.instance, {MESSAGE_COLUMNS} "
        "FROM generations g JOIN messages m ON m.seq = g.seq "
        "WHERE g.id = ?1 AND g.owner = ?2 AND m.owner = ?2",
        (id, owner),
    ).fetchone()
    if row is None:
        return None
    seq, fingerprint, instance, *message = row
    frames = split_frames(whole_log(db, owner, seq))
    return StoredGeneration(id, fingerprint, to_message(message), frames, owner, instance)


def _find_end(db: sqlite3.Connection, progress: Progress) -> tuple[int, int] | None:
    """Look up the `LogEnds` entry of a running answer, after a failed transaction or a start."""
    row: tuple[int, int] | None = db.execute(
        "SELECT g.seq, max(ifnull((SELECT max(last) FROM events WHERE generation = g.seq), 0), "
        "ifnull((SELECT max(last) FROM flushes WHERE generation = g.seq), 0)) "
        "FROM generations g JOIN messages m ON m.seq = g.seq "
        "WHERE g.id = ?1 AND g.owner = ?2 AND m.owner = ?2 AND m.state = 'running'",
        (progress.generation_id, progress.owner),
    ).fetchone()
    return row


def _exists(db: sqlite3.Connection, progress: Progress) -> bool:
    """Whether the store has this log, running or ended."""
    sql = "SELECT 1 FROM generations WHERE id = ? AND owner = ?"
    return bool(db.execute(sql, (progress.generation_id, progress.owner)).fetchone())


def _finish(
    db: sqlite3.Connection, seq: int, last: int, progress: Progress, rest: list[bytes]
) -> None:
    """Store the whole log as one row, and the finished message. `rest` is its new frames."""
    assert progress.message
    owner = progress.owner
    packed = _packed(progress.frames if progress.first == 1 else [whole_log(db, owner, seq), *rest])
    db.execute("DELETE FROM events WHERE generation = ? AND owner = ?", (seq, owner))
    db.execute(
        "INSERT INTO events (generation, first, last, owner, packed, frames) "
        "VALUES (?, 1, ?, ?, 1, ?)",
        (seq, last, owner, packed),
    )
    values = from_message(progress.message)
    db.execute(_SET_MESSAGE, (*values, seq, owner))
    db.execute(
        "UPDATE conversations SET size = size + ? WHERE id = ? AND owner = ?",
        (size(values), progress.message.conversation_id, owner),
    )
    search.add(db, seq, progress.message.content)
    if progress.message.state in UNTIMELY:
        files.keep_shown(db, owner, seq, progress.message)
    if progress.message.parts:
        calls.forget(db, owner, progress.generation_id)


def _packed(frames: list[bytes]) -> bytes:
    """The frames compressed, without a copy of all of them: a log can have many megabytes."""
    compressor = zlib.compressobj(1)
    starts = range(0, len(frames), _FRAMES_PER_PIECE)
    pieces = (b"".join(frames[start : start + _FRAMES_PER_PIECE]) for start in starts)
    return b"".join([*map(compressor.compress, pieces), compressor.flush()])


def _flush(db: sqlite3.Connection, rows: list[_Row]) -> None:
    values = ", ".join(["(?, ?, ?, ?, ?)"] * len(rows))
    db.execute(
        f"INSERT INTO flushes (owner, generation, first, last, frames) VALUES {values}",
        [value for row in rows for value in row],
    )


def whole_log(db: sqlite3.Connection, owner: str, seq: int) -> bytes:
    """A whole log: its compressed row, or its flushed rows. An older version flushed rows into
    `events`, where they have `packed` 0."""
    rows = db.execute(
        "SELECT frames, packed FROM events WHERE generation = ? AND owner = ? ORDER BY first",
        (seq, owner),
    ).fetchall()
    parts = [zlib.decompress(frames) if packed else frames for frames, packed in rows]
    if not any(packed for _, packed in rows):
        parts += [
            frames
            for (frames,) in db.execute(
                "SELECT frames FROM flushes WHERE generation = ? AND owner = ? ORDER BY seq",
                (seq, owner),
            )
        ]
    return b"".join(parts)
