"""Shared links as SQL: functions of a connection, to be called inside a transaction."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import orjson

from tornado_stream.store.tables import UP
from tornado_stream.values.errors import Conflict, NotFound
from tornado_stream.values.shares import MAX_SHARES, BranchMessage, Share

if TYPE_CHECKING:
    import sqlite3

COLUMNS = (
    *("id", "digest", "owner", "conversation_id", "leaf_id", "live", "with_files", "created_at"),
    "expires_at",
)
_COLUMNS = ", ".join(f"s.{name}" for name in COLUMNS)


def add(db: sqlite3.Connection, owner: str, share: Share) -> None:
    db.execute("DELETE FROM shares WHERE owner = ? AND expires_at <= ?", (owner, share.created_at))
    leaf = "SELECT 1 FROM messages WHERE id = ? AND conversation_id = ? AND owner = ?"
    if not db.execute(leaf, (share.leaf_id, share.conversation_id, owner)).fetchone():
        raise no_message()
    count = "SELECT count(*) FROM shares WHERE owner = ?"
    if db.execute(count, (owner,)).fetchone()[0] >= MAX_SHARES:
        raise too_many()
    db.execute(
        f"INSERT INTO shares ({', '.join(COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [getattr(share, name) for name in COLUMNS],
    )


def shares(db: sqlite3.Connection, owner: str) -> list[Share]:
    rows = db.execute(
        f"SELECT {_COLUMNS}, c.title FROM shares s JOIN conversations c "
        "ON c.id = s.conversation_id AND c.owner = s.owner WHERE s.owner = ? ORDER BY s.seq",
        (owner,),
    )
    return [to_share(*row) for row in rows]


def delete(db: sqlite3.Connection, owner: str, id: str) -> None:
    if not db.execute("DELETE FROM shares WHERE id = ? AND owner = ?", (id, owner)).rowcount:
        raise no_share()


def delete_all(db: sqlite3.Connection, owner: str) -> None:
    db.execute("DELETE FROM shares WHERE owner = ?", (owner,))


def with_digest(db: sqlite3.Connection, digest: str) -> Share | None:
    """The owner is the one that the row names: the digest stands for a secret."""
    row = db.execute(f"SELECT {_COLUMNS} FROM shares s WHERE digest = ?", (digest,)).fetchone()
    return to_share(*row) if row else None


def standing(db: sqlite3.Connection, ids: Collection[str]) -> frozenset[str]:
    rows = db.execute(
        "SELECT id FROM shares WHERE id IN (SELECT value FROM json_each(?))",
        (orjson.dumps(list(ids)).decode(),),
    )
    return frozenset(id for (id,) in rows)


def branch(db: sqlite3.Connection, owner: str, leaf_id: str) -> list[BranchMessage]:
    rows = db.execute(
        f"{UP} SELECT m.seq, m.id, m.generation_id, iif(m.state = 'running', "
        "(SELECT json_group_array(json_object('id', f.id)) FROM message_files u "
        "JOIN files f ON f.seq = u.file WHERE u.message = m.seq), m.files), m.state FROM up "
        "JOIN messages m USING (seq) ORDER BY m.seq",
        (leaf_id, owner),
    )
    return [to_branch_message(*row) for row in rows]


def to_share(*row: object) -> Share:
    """The share of a row, whose values are those of `COLUMNS`, and perhaps a title."""
    values = dict(zip((*COLUMNS, "title"), row, strict=False))
    for name in ("live", "with_files"):
        values[name] = bool(values[name])
    return Share(**values)  # type: ignore[arg-type]


def to_branch_message(
    place: int, id: str, generation_id: str | None, files: str, state: str | None
) -> BranchMessage:
    """The message of a row, with its files as JSON."""
    ids = () if files == "[]" else tuple(file["id"] for file in orjson.loads(files))
    return BranchMessage(place, id, generation_id, ids, state == "running")


def no_message() -> NotFound:
    return NotFound("This conversation has no message with the id leaf_id.")


def no_share() -> NotFound:
    return NotFound("There is no shared link with this id.")


def too_many() -> Conflict:
    return Conflict(
        f"You have {MAX_SHARES} shared links, the most. Revoke one of them first.",
        code="too_many_shares",
    )
