"""Conversations and messages as SQL: functions of a connection, to be called inside a transaction.

The methods of `Store` with the same names have the contract. SQLite's exceptions pass through, and
the caller rolls back. A row that is written later has a higher `seq`, whichever process writes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tornado_stream.store import calls, files, listing, logs, search, slots, waiting_questions
from tornado_stream.store.base import (
    CHANGEABLE,
    READ_BYTES,
    READ_MESSAGES,
    AlreadyStored,
    Busy,
    NewAnswer,
)
from tornado_stream.store.extent import ConversationFull, Extent
from tornado_stream.store.rows import (
    CONVERSATION,
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
from tornado_stream.values.messages import Conversation, Message, files_of

if TYPE_CHECKING:
    import sqlite3


#: The messages from one up to its root.
#: The places of a message and of those before it: for the id of the message, and its owner.
UP = (
    "WITH RECURSIVE up (seq, parent_id) AS ("
    "SELECT seq, parent_id FROM messages WHERE id = ?1 AND owner = ?2 UNION ALL "
    "SELECT m.seq, m.parent_id FROM up JOIN messages m ON m.id = up.parent_id "
    "WHERE m.owner = ?2)"
)


_INSERT_WITH = (
    f"INSERT INTO conversations (seq, updated_seq, owner, {CONVERSATION_COLUMNS}, size, "
    f"message_count) VALUES (?, ?, ?{', ?' * len(CONVERSATION)}, ?, ?)"
)
_CURRENT, _UPDATED = CONVERSATION.index("current_id"), CONVERSATION.index("updated_at")
_INSERT_MESSAGE = (
    f"INSERT INTO messages (seq, owner, slot, {', '.join(MESSAGE)}) "
    f"VALUES (?, ?, ?{', ?' * len(MESSAGE)})"
)


def next_numbers(db: sqlite3.Connection, count: int) -> Iterator[int]:
    """The `seq` of that many new rows. None is ever given twice, even if its row is deleted."""
    db.execute("UPDATE numbers SET last = last + ?", (count,))
    last = int(db.execute("SELECT last FROM numbers").fetchone()[0])
    return iter(range(last - count + 1, last + 1))


def begin(
    db: sqlite3.Connection,
    owner: str,
    instance: str,
    log_ends: logs.LogEnds,
    new: NewAnswer,
    limit: Extent,
) -> None:
    message = new.message
    waiting_questions.take(db, owner, new)
    if new.decided:
        calls.decide(db, owner, new.decided)
    for ended in new.ended:
        sql = "UPDATE messages SET slot = seq WHERE generation_id = ? AND owner = ? "
        db.execute(f"{sql} AND conversation_id = ?", (ended, owner, message.conversation_id))
    slot = 0 if new.conversation and not new.beside else _slot(db, owner, new)
    numbers = next_numbers(db, texts(new.messages) + 1 + bool(new.conversation))
    first = next(numbers) if new.conversation else 0
    size = sum(add_sent(db, owner, numbers, sent) for sent in new.messages)
    seq = next(numbers)
    added = Extent(size, len(new.messages) + 1)
    if new.conversation:
        _create_with(db, owner, new.conversation, (first, seq), message, added)
    else:
        added = _go_on(db, owner, seq, new, added)
    if added.exceeds(limit):
        raise ConversationFull(limit)
    _add_message(db, owner, seq, message, slot)
    logs.add(db, owner, instance, log_ends, seq, new)


def _create_with(
    db: sqlite3.Connection,
    owner: str,
    conversation: Conversation,
    seqs: tuple[int, int],
    current: Message,
    extent: Extent,
) -> None:
    """Store a new conversation that has messages already. `seqs` are its own `seq` and that of its
    current message."""
    values = from_conversation(conversation)
    values[_CURRENT], values[_UPDATED] = current.id, current.created_at
    db.execute(_INSERT_WITH, (*seqs, owner, *values, extent.size, extent.messages))
    search.add(db, seqs[0], conversation.title)


def _go_on(db: sqlite3.Connection, owner: str, seq: int, new: NewAnswer, added: Extent) -> Extent:
    """Give a stored conversation its new answer. Returns how large it is now."""
    message = new.message
    id, current_id = message.conversation_id, None if new.beside else message.id
    written = db.execute(
        "UPDATE conversations SET current_id = ifnull(?, current_id), updated_at = ?, "
        "updated_seq = ?, archived = 0, message_count = message_count + ?, size = size + ? "
        "WHERE id = ? AND owner = ?",
        (current_id, message.created_at, seq, added.messages, added.size, id, owner),
    )
    if not written.rowcount:
        raise NotFound("There is no conversation with this id.")
    return extent(db, owner, id)


def _slot(db: sqlite3.Connection, owner: str, new: NewAnswer) -> int:
    """The slot of a new answer. Raises `AlreadyStored`, `Busy` and `BusyBeside`."""
    rows = db.execute(
        "SELECT slot, generation_id, parent_id FROM messages INDEXED BY messages_running "
        "WHERE conversation_id = ? AND owner = ? AND state = 'running' AND slot <> seq "
        "ORDER BY seq",
        (new.message.conversation_id, owner),
    ).fetchall()
    if not (rows or new.beside):
        return 0
    if db.execute("SELECT 1 FROM generations WHERE id = ?", (new.generation_id,)).fetchone():
        raise AlreadyStored
    return slots.free_slot(new, [slots.Running(*row) for row in rows])


def extent(db: sqlite3.Connection, owner: str, id: str) -> Extent:
    sql = "SELECT size, message_count FROM conversations WHERE id = ? AND owner = ?"
    return Extent(*db.execute(sql, (id, owner)).fetchone())


def create(
    db: sqlite3.Connection, owner: str, conversation: Conversation, seq: int | None = None
) -> None:
    seq = next(next_numbers(db, 1)) if seq is None else seq
    values = from_conversation(conversation)
    db.execute(
        f"INSERT INTO conversations (seq, updated_seq, owner, {CONVERSATION_COLUMNS}) "
        f"VALUES (?, ?, ?{', ?' * len(values)})",
        (seq, seq, owner, *values),
    )
    search.add(db, seq, conversation.title)


def update(db: sqlite3.Connection, owner: str, id: str, changes: dict[str, Any]) -> None:
    row = db.execute(
        "SELECT seq, title, always FROM conversations WHERE id = ? AND owner = ?", (id, owner)
    ).fetchone()
    if row is None:
        raise NotFound("There is no conversation with this id.")
    seq, title, always = row
    changes = calls.with_still_allowed(changes, always)
    listing.check_folder(db, owner, changes.get("folder"))
    for name in CHANGEABLE:
        if name in changes:
            sql = f"UPDATE conversations SET {name} = ? WHERE seq = ? AND owner = ?"
            db.execute(sql, (from_value(changes[name]), seq, owner))
    if (new := changes.get("title", title)) != title:
        search.remove(db, seq, title)
        search.add(db, seq, new or "")


def delete(
    db: sqlite3.Connection, owner: str, id: str, is_theirs: Callable[[str], bool] = lambda _: False
) -> None:
    """Delete the rows. `search.sweep` then removes their words from the search index. Raises `Busy`
    if an answer is running whose instance `is_theirs`: another one, and alive."""
    running = logs.running(db, owner, id)
    if theirs := [id for id, instance in running.items() if is_theirs(instance)]:
        raise Busy(theirs)
    texts = db.execute(
        "SELECT seq, title FROM conversations WHERE id = ?1 AND owner = ?2 UNION ALL "
        "SELECT seq, content FROM messages WHERE conversation_id = ?1 AND owner = ?2 "
        "AND state IS NOT 'running'",
        (id, owner),
    ).fetchall()
    for seq, text in texts:
        search.remove(db, seq, text)
    files.detach(db, owner, id)
    answers = "(SELECT seq FROM messages WHERE conversation_id = ?1 AND owner = ?2)"
    for table, condition in [
        ("calls", f"generation_id IN (SELECT id FROM generations WHERE seq IN {answers})"),
        ("events", f"generation IN {answers}"),
        ("flushes", f"generation IN {answers}"),
        ("generations", f"seq IN {answers}"),
        ("messages", "conversation_id = ?1"),
        ("waiting", "conversation_id = ?1"),
        ("shares", "conversation_id = ?1"),
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
        sql = f"{UP} SELECT seq FROM up ORDER BY seq"
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
        f"{UP} SELECT {MESSAGE_COLUMNS} FROM up JOIN messages m USING (seq) ORDER BY m.seq",
        (message_id, owner),
    )
    return [to_message(row) for row in rows]


def texts(messages: Sequence[Message]) -> int:
    """The texts that the search finds in messages: their own, and those of their files."""
    return len(messages) + sum(len(files_of(message)) for message in messages)


def add_sent(db: sqlite3.Connection, owner: str, numbers: Iterator[int], message: Message) -> int:
    """Add a message that was sent, with its files. Returns its size."""
    seq = next(numbers)
    if message.files or message.parts:
        files.attach(db, owner, numbers, seq, message)
    return _add_message(db, owner, seq, message)


def _add_message(
    db: sqlite3.Connection, owner: str, seq: int, message: Message, slot: int = 0
) -> int:
    """Returns the size of the message."""
    is_running = message.state == "running"  # until its end, its text is only in its log
    if is_running and (
        message.content or message.reasoning or message.refusal or message.tool_calls
    ):
        message = replace(message, content="", reasoning="", refusal="", tool_calls=[])
    values = from_message(message)
    db.execute(_INSERT_MESSAGE, (seq, owner, slot, *values))
    search.add(db, seq, message.content)
    return size_of(values)
