"""Files of users as SQL: functions of a connection, to be called inside a transaction.

The rule: bytes that lost their last row are recorded in `removed_files` by the same transaction. A
later transaction removes them, if no row has come back meanwhile. Transactions that write exclude
each other, so bytes never lose their name while a file with the same bytes is being added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from tornado_stream.store import search
from tornado_stream.values.errors import Conflict, NotFound, TooLarge, in_bytes
from tornado_stream.values.files import FAILED, READING, READY, ReadText, StoredFile
from tornado_stream.values.messages import Message, files_of

if TYPE_CHECKING:
    import sqlite3

#: The columns are in the order of the fields of `StoredFile`.
COLUMNS = (
    "id, sha256, name, size, type, kind, uploaded_at, state, detail, tokens, pages, pages_read, "
    "shortened"
)
#: Rows that one statement names, below the number of parameters that SQLite takes.
AT_ONCE = 500
#: Names of bytes that one transaction removes.
REMOVED_AT_ONCE = 20
UNUSED = (
    "NOT EXISTS (SELECT 1 FROM message_files m WHERE m.file = files.seq) "
    "AND NOT EXISTS (SELECT 1 FROM waiting_files w WHERE w.file = files.seq)"
)


def add(
    db: sqlite3.Connection,
    owner: str,
    file: StoredFile,
    place: Callable[[], None],
    most: int,
) -> StoredFile:
    known = db.execute(
        f"SELECT {COLUMNS} FROM files WHERE owner = ? AND sha256 = ?", (owner, file.sha256)
    ).fetchone()
    if known is None:
        if most and total(db, owner) + file.size > most:
            raise full(most)
        values = [getattr(file, name) for name in COLUMNS.split(", ")]
        marks = ", ?" * len(values)
        db.execute(f"INSERT INTO files (owner, {COLUMNS}) VALUES (?{marks})", (owner, *values))
        place()
        return file
    place()
    db.execute(
        "UPDATE files SET name = ?1, uploaded_at = ?2, detail = iif(state = ?3, '', detail), "
        "state = iif(state = ?3, ?4, state) WHERE owner = ?5 AND sha256 = ?6",
        (file.name, file.uploaded_at, FAILED, READING, owner, file.sha256),
    )
    return one(db, owner, known[0]) or file


def add_to_answer(
    db: sqlite3.Connection,
    owner: str,
    file: StoredFile,
    place: Callable[[], None],
    most: int,
    answer: str,
    numbers: Iterator[int],
) -> StoredFile:
    """Add a file of a running answer: see `FileStore.add_file`."""
    sql = f"SELECT {COLUMNS} FROM files WHERE owner = ? AND sha256 = ?"
    known = db.execute(sql, (owner, file.sha256)).fetchone()
    if known:
        place()
    stored = _file(known) if known else add(db, owner, file, place, most)
    db.execute(
        "INSERT INTO message_files (seq, owner, message, file) SELECT ?1, ?2, g.seq, f.seq "
        "FROM generations g JOIN messages m ON m.seq = g.seq, files f WHERE g.id = ?3 "
        "AND g.owner = ?2 AND m.state = 'running' AND f.id = ?4 AND f.owner = ?2 AND NOT EXISTS "
        "(SELECT 1 FROM message_files u WHERE u.message = g.seq AND u.file = f.seq)",
        (next(numbers), owner, answer, stored.id),
    )
    return stored


def keep_shown(db: sqlite3.Connection, owner: str, seq: int, message: Message) -> None:
    """Take those files from an answer that its message does not show: see `FileStore.add_file`."""
    ids = [file["id"] for file in files_of(message)]
    db.execute(
        "DELETE FROM message_files WHERE message = ?1 AND file NOT IN (SELECT f.seq FROM "
        "json_each(?2) shown JOIN files f ON f.id = shown.value WHERE f.owner = ?3)",
        (seq, orjson.dumps(ids).decode(), owner),
    )


def total(db: sqlite3.Connection, owner: str) -> int:
    sql = "SELECT ifnull(sum(size), 0) FROM files WHERE owner = ?"
    return int(db.execute(sql, (owner,)).fetchone()[0])


def one(db: sqlite3.Connection, owner: str, id: str) -> StoredFile | None:
    sql = f"SELECT {COLUMNS} FROM files WHERE id = ? AND owner = ?"
    row = db.execute(sql, (id, owner)).fetchone()
    return _file(row) if row else None


def some(db: sqlite3.Connection, owner: str, ids: Sequence[str]) -> list[StoredFile]:
    found = (one(db, owner, id) for id in ids)
    return [file for file in found if file]


def unused(db: sqlite3.Connection, owner: str, limit: int) -> list[StoredFile]:
    rows = db.execute(
        f"SELECT {COLUMNS} FROM files WHERE owner = ? AND {UNUSED} "
        "ORDER BY uploaded_at DESC, seq DESC LIMIT ?",
        (owner, limit),
    )
    return [_file(row) for row in rows]


def texts(db: sqlite3.Connection, owner: str, ids: Sequence[str]) -> dict[str, str]:
    sql = "SELECT text FROM files WHERE id = ? AND owner = ? AND text <> ''"
    found = ((id, db.execute(sql, (id, owner)).fetchone()) for id in ids)
    return {id: row[0] for id, row in found if row}


def save_text(db: sqlite3.Connection, owner: str, id: str, read: ReadText, tokens: int) -> None:
    state = READY if read.text else FAILED
    db.execute(
        "UPDATE files SET state = ?, detail = ?, text = ?, tokens = ?, pages = ?, pages_read = ?, "
        "shortened = ? WHERE id = ? AND owner = ? AND state = ?",
        (
            *(state, read.detail, read.text, tokens, read.pages, read.pages_read),
            *(read.shortened, id, owner, READING),
        ),
    )


def delete(db: sqlite3.Connection, owner: str, id: str) -> None:
    row = db.execute("SELECT seq FROM files WHERE id = ? AND owner = ?", (id, owner)).fetchone()
    if row is None:
        raise not_found()
    if not _delete(db, f"seq = ? AND {UNUSED}", row[0]):
        raise in_use()


def delete_unused(db: sqlite3.Connection, before: int) -> int:
    return _delete(db, f"uploaded_at < ? AND {UNUSED}", before)


def unread(db: sqlite3.Connection) -> list[tuple[str, StoredFile]]:
    sql = f"SELECT owner, {COLUMNS} FROM files WHERE state = ? ORDER BY seq"
    return [(owner, _file(row)) for owner, *row in db.execute(sql, (READING,))]


def known_bytes(db: sqlite3.Connection, sums: Sequence[str]) -> frozenset[str]:
    known: set[str] = set()
    for first in range(0, len(sums), AT_ONCE):
        part = sums[first : first + AT_ONCE]
        marks = ", ".join("?" * len(part))
        rows = db.execute(f"SELECT sha256 FROM files WHERE sha256 IN ({marks})", part)
        known.update(sum for (sum,) in rows)
    return frozenset(known)


def remove_bytes(db: sqlite3.Connection, remove: Callable[[str], None], also: Sequence[str]) -> int:
    db.executemany("INSERT OR IGNORE INTO removed_files VALUES (?)", [(sum,) for sum in also])
    rows = db.execute("SELECT sha256 FROM removed_files LIMIT ?", (REMOVED_AT_ONCE,)).fetchall()
    known = known_bytes(db, [sum for (sum,) in rows])
    for (sum,) in rows:
        if sum not in known:
            remove(sum)
        db.execute("DELETE FROM removed_files WHERE sha256 = ?", (sum,))
    return len(rows)


def attach(
    db: sqlite3.Connection, owner: str, numbers: Iterator[int], seq: int, message: Message
) -> None:
    """Give a new message, whose row has this `seq`, its files. Raises `NotFound`."""
    for file in files_of(message):
        row = db.execute(
            "SELECT seq, text FROM files WHERE id = ? AND owner = ?", (file["id"], owner)
        ).fetchone()
        if row is None:
            raise not_found()
        use = next(numbers)
        db.execute(
            "INSERT INTO message_files (seq, owner, message, file) VALUES (?, ?, ?, ?)",
            (use, owner, seq, row[0]),
        )
        search.add(db, use, row[1])


def detach(db: sqlite3.Connection, owner: str, conversation_id: str) -> None:
    """Take the files from all messages of a conversation that is being deleted, and from the
    question that waits in it. Files that no other message has are deleted, if they were not
    uploaded again since, perhaps for a draft."""
    rows = db.execute(
        "SELECT file, max(used_at) FROM (SELECT f.file, m.created_at AS used_at "
        "FROM messages m JOIN message_files f ON f.message = m.seq "
        "WHERE m.conversation_id = ?1 AND m.owner = ?2 UNION ALL SELECT file, uploaded_at "
        "FROM waiting_files WHERE conversation_id = ?1 AND owner = ?2) GROUP BY file",
        (conversation_id, owner),
    ).fetchall()
    if not rows:
        return
    uses = db.execute(
        "SELECT u.seq, f.text FROM messages m JOIN message_files u ON u.message = m.seq "
        "JOIN files f ON f.seq = u.file WHERE m.conversation_id = ? AND m.owner = ?",
        (conversation_id, owner),
    ).fetchall()
    for use, text in uses:
        search.remove(db, use, text)
    db.execute(
        "DELETE FROM message_files WHERE message IN "
        "(SELECT seq FROM messages WHERE conversation_id = ? AND owner = ?)",
        (conversation_id, owner),
    )
    db.execute(
        "DELETE FROM waiting_files WHERE conversation_id = ? AND owner = ?",
        (conversation_id, owner),
    )
    for file, last_used in rows:
        _delete(db, f"seq = ? AND uploaded_at <= ? AND {UNUSED}", file, last_used)


def _file(row: Sequence[Any]) -> StoredFile:
    return replace(StoredFile(*row), shortened=bool(row[-1]))


def _delete(db: sqlite3.Connection, condition: str, *values: int) -> int:
    """Delete the files that meet the condition, and record the bytes; returns how many."""
    db.execute(
        f"INSERT OR IGNORE INTO removed_files SELECT sha256 FROM files WHERE {condition}", values
    )
    return db.execute(f"DELETE FROM files WHERE {condition}", values).rowcount


def full(most: int) -> TooLarge:
    return TooLarge(
        f"Your files are {in_bytes(most)} together, the most. Delete conversations with files, or "
        "send a smaller one.",
        code="files_full",
    )


def in_use() -> Conflict:
    text = "A message or a waiting question has this file. Delete it there, or the conversation."
    return Conflict(text, code="file_in_use")


def not_found() -> NotFound:
    return NotFound("There is no file with this id.", code="file_not_found")
