"""What the store does, as SQL: functions of a connection, each inside one transaction.

Every row has an owner and every statement names it; there is one for now. A log is kept as one
row of joined frames for each flush, and from its end on as one compressed row: a frame ends with
an empty line and has none inside, so frames can be told apart again. What SQLite raises passes
through; the caller rolls back.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from tornado_stream.errors import NotFound
from tornado_stream.messages import Conversation, Message
from tornado_stream.store import search
from tornado_stream.store.base import Match, Page, Progress, StoredGeneration, Turn
from tornado_stream.store.matching import matcher, parse_cursor, searchable, snippet

if TYPE_CHECKING:
    import sqlite3

OWNER = "local"

_CONVERSATION = ("id", "title", "system", "current_id", "created_at", "updated_at")
#: In the order of Message's fields.
_MESSAGE = (
    *("id", "conversation_id", "parent_id", "role", "content", "created_at", "reasoning"),
    *("refusal", "tool_calls", "model", "state", "finish_reason", "usage", "error", "timings"),
    *("generation_id", "continued_from"),
)
_JSON = [_MESSAGE.index(name) for name in ("tool_calls", "usage", "error", "timings")]
_TOOL_CALLS = _MESSAGE.index("tool_calls")
_CONVERSATION_COLUMNS = ", ".join(_CONVERSATION)
_MESSAGE_COLUMNS = ", ".join(f"m.{name}" for name in _MESSAGE)
_FRAME_END = b"\n\n"


def last_number(db: sqlite3.Connection) -> int:
    """The highest `seq` that was given out."""
    sql = (
        "SELECT max(ifnull((SELECT max(seq) FROM messages), 0), "
        "ifnull((SELECT max(updated_seq) FROM conversations), 0))"
    )
    return int(db.execute(sql).fetchone()[0])


def begin(db: sqlite3.Connection, numbers: Iterator[int], turn: Turn) -> None:
    message, number = turn.message, 0
    if turn.conversation:
        create(db, numbers, turn.conversation)
    if turn.user_message:
        _add_message(db, next(numbers), turn.user_message)
    number = next(numbers)
    written = db.execute(
        "UPDATE conversations SET current_id = ?, updated_at = ?, updated_seq = ? "
        "WHERE id = ? AND owner = ?",
        (message.id, message.created_at, number, message.conversation_id, OWNER),
    )
    if not written.rowcount:
        raise NotFound("There is no conversation with this id.")
    _add_message(db, number, message)
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
            _append(db, *row, progress)


def unfinished(db: sqlite3.Connection) -> list[StoredGeneration]:
    rows = db.execute(
        "SELECT g.id FROM messages m JOIN generations g ON g.seq = m.seq "
        "WHERE m.state = 'running' AND m.owner = ?1 AND g.owner = ?1 ORDER BY g.seq",
        (OWNER,),
    ).fetchall()
    return [stored for (id,) in rows if (stored := generation(db, id))]


def generation(db: sqlite3.Connection, id: str) -> StoredGeneration | None:
    row = db.execute(
        f"SELECT g.seq, g.fingerprint, {_MESSAGE_COLUMNS} "
        "FROM generations g JOIN messages m ON m.seq = g.seq "
        "WHERE g.id = ?1 AND g.owner = ?2 AND m.owner = ?2",
        (id, OWNER),
    ).fetchone()
    if row is None:
        return None
    number, fingerprint, *message = row
    frames = [frame + _FRAME_END for frame in _log(db, number).split(_FRAME_END)[:-1]]
    return StoredGeneration(id, fingerprint, _to_message(message), frames)


def create(db: sqlite3.Connection, numbers: Iterator[int], conversation: Conversation) -> None:
    number = next(numbers)
    values = [getattr(conversation, name) for name in _CONVERSATION]
    db.execute(
        f"INSERT INTO conversations (seq, updated_seq, owner, {_CONVERSATION_COLUMNS}) "
        f"VALUES (?, ?, ?{', ?' * len(values)})",
        (number, number, OWNER, *values),
    )
    search.add(db, number, conversation.title)


def update(db: sqlite3.Connection, conversation: Conversation) -> None:
    row = db.execute(
        "SELECT seq, title FROM conversations WHERE id = ? AND owner = ?", (conversation.id, OWNER)
    ).fetchone()
    if row is None:
        raise NotFound("There is no conversation with this id.")
    number, title = row
    values = [getattr(conversation, name) for name in _CONVERSATION]
    columns = ", ".join(f"{name} = ?" for name in _CONVERSATION)
    db.execute(
        f"UPDATE conversations SET {columns} WHERE seq = ? AND owner = ?", (*values, number, OWNER)
    )
    if conversation.title != title:
        search.remove(db, number, title)
        search.add(db, number, conversation.title)


def delete(db: sqlite3.Connection, id: str) -> None:
    """The rows go; the words leave the index with `search.sweep`."""
    texts = db.execute(
        "SELECT seq, title FROM conversations WHERE id = ?1 AND owner = ?2 UNION ALL "
        "SELECT seq, content FROM messages WHERE conversation_id = ?1 AND owner = ?2 "
        "AND state IS NOT 'running'",
        (id, OWNER),
    ).fetchall()
    for number, text in texts:
        search.remove(db, number, text)
    numbers = "(SELECT seq FROM messages WHERE conversation_id = ?1 AND owner = ?2)"
    for table, which in [
        ("events", f"generation IN {numbers}"),
        ("generations", f"seq IN {numbers}"),
        ("messages", "conversation_id = ?1"),
        ("conversations", "id = ?1"),
    ]:
        db.execute(f"DELETE FROM {table} WHERE {which} AND owner = ?2", (id, OWNER))


def conversation(db: sqlite3.Connection, id: str) -> Conversation | None:
    row = db.execute(
        f"SELECT {_CONVERSATION_COLUMNS} FROM conversations WHERE id = ? AND owner = ?", (id, OWNER)
    ).fetchone()
    return Conversation(*row) if row else None


def conversations(db: sqlite3.Connection, query: str, limit: int, before: str | None) -> Page:
    cursor = parse_cursor(before)
    if query := searchable(query).strip():
        return _search(db, query, limit, cursor)
    rows = db.execute(
        f"SELECT updated_seq, {_CONVERSATION_COLUMNS} FROM conversations "
        "WHERE owner = ? AND updated_seq < ? ORDER BY updated_seq DESC LIMIT ?",
        (OWNER, cursor, limit + 1),
    ).fetchall()
    matches = [Match(Conversation(*row[1:]), _running(db, row[1])) for row in rows[:limit]]
    return Page(matches, str(rows[limit - 1][0]) if len(rows) > limit else None)


def message(db: sqlite3.Connection, id: str) -> Message | None:
    row = db.execute(
        f"SELECT {_MESSAGE_COLUMNS} FROM messages m WHERE id = ? AND owner = ?", (id, OWNER)
    ).fetchone()
    return _to_message(row) if row else None


def messages(db: sqlite3.Connection, conversation_id: str) -> list[Message]:
    rows = db.execute(
        f"SELECT {_MESSAGE_COLUMNS} FROM messages m "
        "WHERE conversation_id = ? AND owner = ? ORDER BY seq",
        (conversation_id, OWNER),
    )
    return [_to_message(row) for row in rows]


def thread(db: sqlite3.Connection, message_id: str) -> list[Message]:
    rows = db.execute(
        "WITH RECURSIVE up (seq, parent_id) AS ("
        "SELECT seq, parent_id FROM messages WHERE id = ?1 AND owner = ?2 UNION ALL "
        "SELECT m.seq, m.parent_id FROM up JOIN messages m ON m.id = up.parent_id "
        f"WHERE m.owner = ?2) SELECT {_MESSAGE_COLUMNS} FROM up JOIN messages m USING (seq) "
        "ORDER BY m.seq",
        (message_id, OWNER),
    )
    return [_to_message(row) for row in rows]


def _append(db: sqlite3.Connection, number: int, last: int, progress: Progress) -> None:
    kept = last + 1 - progress.first
    if kept < 0:
        raise ValueError(f"a log that ends at {last} cannot go on at {progress.first}")
    if frames := progress.frames[kept:]:
        _add_events(db, number, last + 1, last + len(frames), b"".join(frames))
    if progress.message:
        _end(db, number, last + len(frames), progress.message)


def _end(db: sqlite3.Connection, number: int, last: int, message: Message) -> None:
    columns = ", ".join(f"{name} = ?" for name in _MESSAGE)
    db.execute(
        f"UPDATE messages SET {columns} WHERE seq = ? AND owner = ?",
        (*_from_message(message), number, OWNER),
    )
    search.add(db, number, message.content)
    log = zlib.compress(_log(db, number))
    db.execute("DELETE FROM events WHERE generation = ? AND owner = ?", (number, OWNER))
    _add_events(db, number, 1, last, log, packed=True)


def _add_message(db: sqlite3.Connection, number: int, message: Message) -> None:
    if message.state == "running":  # its text is in its log until its end
        message = replace(message, content="", reasoning="", refusal="", tool_calls=[])
    values = _from_message(message)
    db.execute(
        f"INSERT INTO messages (seq, owner, {', '.join(_MESSAGE)}) "
        f"VALUES (?, ?{', ?' * len(values)})",
        (number, OWNER, *values),
    )
    search.add(db, number, message.content)


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


def _search(db: sqlite3.Connection, query: str, limit: int, before: int) -> Page:
    found, more = search.find(db, OWNER, query, limit, before)
    pattern = matcher(query)
    matches = [_match(db, one, pattern) for one in found]
    return Page(matches, str(found[-1].seq) if more else None)


def _match(db: sqlite3.Connection, found: search.Found, pattern: Any) -> Match:
    home = conversation(db, found.conversation_id)
    assert home  # found in the same transaction
    text = home.title
    if found.message_id:
        sql = "SELECT content FROM messages WHERE seq = ? AND owner = ?"
        (text,) = db.execute(sql, (found.seq, OWNER)).fetchone()
    running = _running(db, home.id)
    return Match(home, running, found.message_id, snippet(text, pattern))


def _running(db: sqlite3.Connection, conversation_id: str) -> str | None:
    row = db.execute(
        "SELECT generation_id FROM messages INDEXED BY messages_running "
        "WHERE conversation_id = ? AND owner = ? AND state = 'running' ORDER BY seq DESC LIMIT 1",
        (conversation_id, OWNER),
    ).fetchone()
    return row[0] if row else None


def _from_message(message: Message) -> list[Any]:
    values = [getattr(message, name) for name in _MESSAGE]
    for place in _JSON:
        values[place] = orjson.dumps(values[place]).decode() if values[place] else None
    return values


def _to_message(row: Any) -> Message:
    values = list(row)
    for place in _JSON:
        values[place] = orjson.loads(values[place]) if values[place] else None
    values[_TOOL_CALLS] = values[_TOOL_CALLS] or []
    return Message(*values)
