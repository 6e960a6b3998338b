"""Conversations and messages as SQL: functions of a connection, to be called inside a transaction.

The methods of `Store` with the same names have the contract. SQLite's exceptions pass through, and
the caller rolls back. `numbers` yields the `seq` of the next row; a later row has a higher one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tornado_stream.store import listing, logs, search, waiting_questions
from tornado_stream.store.base import (
    CHANGEABLE,
    READ_BYTES,
    READ_MESSAGES,
    ConversationFull,
    Extent,
    NewAnswer,
)
from tornado_stream.store.rows import (
    CONVERSATION_COLUMNS,
    MESSAGE,
    MESSAGE_COLUMNS,
    from_conversation,
    from_message,
    from_value,
    to_conversation,
    to_message,
)
from tornado_stream.store.rows import size as size_of
from tornado_stream.values.errors import NotFound
from tornado_stream.values.messages import Conversation, Message

if TYPE_CHECKING:
    import sqlite3


#: The messages from one up to its root.
_UP = (
    "WITH RECURSIVE up (seq, parent_id) AS ("
    "SELECT seq, parent_id FROM messages WHERE id = ?1 AND owner = ?2 UNION ALL "
    "SELECT m.seq, m.parent_id FROM up JOIN messages m ON m.id = up.parent_id "
    "WHERE m.owner = ?2)"
)


def last_number(db: sqlite3.Connection) -> int:
    """The highest `seq` in use."""
    sql = (
        "SELECT max(ifnull((SELECT max(seq) FROM messages), 0), "
        "ifnull((SELECT max(updated_seq) FROM conversations), 0))"
    )
    return int(db.execute(sql).fetchone()[0])


def begin(
    db: sqlite3.Connection,
    owner: str,
    numbers: Iterator[int],
    log_ends: logs.LogEnds,
    new: NewAnswer,
    limit: Extent,
) -> None:
    message = new.message
    waiting_questions.take(db, owner, new)
    if new.conversation:
        create(db, owner, numbers, new.conversation)
    size = sum(_add_message(db, owner, next(numbers), sent) for sent in new.messages)
    seq = next(numbers)
    written = db.execute(
        "UPDATE conversations SET current_id = ?, updated_at = ?, updated_seq = ?, archived = 0, "
        "message_count = message_count + ?, size = size + ? WHERE id = ? AND owner = ?",
        (
            *(message.id, message.created_at, seq, len(new.messages) + 1, size),
            *(message.conversation_id, owner),
        ),
    )
    if not written.rowcount:
        raise NotFound("There is no conversation with this id.")
    if _is_above(limit, extent(db, owner, message.conversation_id)):
        raise ConversationFull(limit)
    _add_message(db, owner, seq, message)
    logs.add(db, owner, log_ends, seq, new)


def extent(db: sqlite3.Connection, owner: str, id: str) -> Extent:
    sql = "SELECT size, message_count FROM conversations WHERE id = ? AND owner = ?"
    return Extent(*db.execute(sql, (id, owner)).fetchone())


def create(
    db: sqlite3.Connection, owner: str, numbers: Iterator[int], conversation: Conversation
) -> None:
    seq = next(numbers)
    values = from_conversation(conversation)
    db.execute(
        f"INSERT INTO conversations (seq, updated_seq, owner, {CONVERSATION_COLUMNS}) "
        f"VALUES (?, ?, ?{', ?' * len(values)})",
        (seq, seq, owner, *values),
    )
    search.add(db, seq, conversation.title)


def update(db: sqlite3.Connection, owner: str, id: str, changes: dict[str, Any]) -> None:
    row = db.execute(
        "SELECT seq, title FROM conversations WHERE id = ? AND owner = ?", (id, owner)
    ).fetchone()
    if row is None:
        raise NotFound("There is no conversation with this id.")
    seq, title = row
    listing.check_folder(db, owner, changes.get("folder"))
    for name in CHANGEABLE:
        if name in changes:
            sql = f"UPDATE conversations SET {name} = ? WHERE seq = ? AND owner = ?"
            db.execute(sql, (from_value(changes[name]), seq, owner))
    if (new := changes.get("title", title)) != title:
        search.remove(db, seq, title)
        search.add(db, seq, new or "")


def delete(db: sqlite3.Connection, owner: str, id: str) -> None:
    """Delete the rows. `search.sweep` then removes their words from the search index."""
    texts = db.execute(
        "SELECT seq, title FROM conversations WHERE id = ?1 AND owner = ?2 UNION ALL "
        "SELECT seq, content FROM messages WHERE conversation_id = ?1 AND owner = ?2 "
        "AND state IS NOT 'running'",
        (id, owner),
    ).fetchall()
    for seq, text in texts:
        search.remove(db, seq, text)
    answers = "(SELECT seq FROM messages WHERE conversation_id = ?1 AND owner = ?2)"
    for table, condition in [
        ("events", f"generation IN {answers}"),
        ("flushes", f"generation IN {answers}"),
        ("generations", f"seq IN {answers}"),
        ("messages", "conversation_id = ?1"),
        ("waiting", "conversation_id = ?1"),
        ("conversations", "id = ?1"),
    ]:
        db.execute(f"DELETE FROM {table} WHERE {condition} AND owner = ?2", (id, owner))


def conversation(db: sqlite3.Connection, owner: str, id: str) -> Conversation | None:
    row = db.execute(
        f"SELECT {CONVERSATION_COLUMNS} FROM conversations WHERE id = ? AND owner = ?", (id, owner)
    ).fetchone()
    return to_conversation(row) if row else None


def conversation_ids(db: sqlite3.Connection, owner: str) -> list[str]:
    rows = db.execute("SELECT id FROM conversations WHERE owner = ? ORDER BY seq", (owner,))
    return [id for (id,) in rows]


def message(db: sqlite3.Connection, owner: str, id: str) -> Message | None:
    row = db.execute(
        f"SELECT {MESSAGE_COLUMNS} FROM messages m WHERE id = ? AND owner = ?", (id, owner)
    ).fetchone()
    return to_message(row) if row else None


def messages(db: sqlite3.Connection, owner: str, conversation_id: str) -> list[Message]:
    rows = db.execute(
        f"SELECT {MESSAGE_COLUMNS} FROM messages m "
        "WHERE conversation_id = ? AND owner = ? ORDER BY seq",
        (conversation_id, owner),
    )
    return [to_message(row) for row in rows]


def outline(
    db: sqlite3.Connection, owner: str, id: str, *, current: bool
) -> tuple[Conversation, list[int], int] | None:
    found = conversation(db, owner, id)
    if found is None:
        return None
    if current:
        sql = f"{_UP} SELECT seq FROM up ORDER BY seq"
        rows = db.execute(sql, (found.current_id, owner))
    else:
        sql = "SELECT seq FROM messages WHERE conversation_id = ? AND owner = ? ORDER BY seq"
        rows = db.execute(sql, (id, owner))
    return found, [seq for (seq,) in rows], extent(db, owner, id).size


def messages_at(db: sqlite3.Connection, owner: str, places: list[int]) -> list[Message]:
    places = places[:READ_MESSAGES]
    rows = db.execute(
        f"SELECT {MESSAGE_COLUMNS} FROM messages m "
        f"WHERE seq IN ({', '.join('?' * len(places))}) AND owner = ? ORDER BY seq",
        (*places, owner),
    )
    found: list[Message] = []
    total = 0
    for row in rows:
        total += size_of(row)
        if found and total > READ_BYTES:
            break
        found.append(to_message(row))
    rows.close()
    return found


def thread(db: sqlite3.Connection, owner: str, message_id: str) -> list[Message]:
    rows = db.execute(
        f"{_UP} SELECT {MESSAGE_COLUMNS} FROM up JOIN messages m USING (seq) ORDER BY m.seq",
        (message_id, owner),
    )
    return [to_message(row) for row in rows]


def _is_above(limit: Extent, found: Extent) -> bool:
    return bool(
        (limit.size and found.size > limit.size)
        or (limit.messages and found.messages > limit.messages)
    )


def _add_message(db: sqlite3.Connection, owner: str, seq: int, message: Message) -> int:
    """Returns the size of the message."""
    if message.state == "running":  # until its end, its text is only in its log
        message = replace(message, content="", reasoning="", refusal="", tool_calls=[])
    values = from_message(message)
    db.execute(
        f"INSERT INTO messages (seq, owner, {', '.join(MESSAGE)}) "
        f"VALUES (?, ?{', ?' * len(values)})",
        (seq, owner, *values),
    )
    search.add(db, seq, message.content)
    return size_of(values)
