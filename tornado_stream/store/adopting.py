"""Conversations that were written elsewhere, as SQL: see `Store.adopt`.

The functions take a connection and are called inside a transaction, like those of `tables.py`.

An adopted conversation is not the newest in the list. Its `updated_seq` is below those of all
conversations that were written here, and grows with its `updated_at`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tornado_stream.store import listing, tables
from tornado_stream.store.base import AlreadyStored
from tornado_stream.store.extent import ConversationFull, Extent
from tornado_stream.values.errors import Conflict
from tornado_stream.values.messages import Conversation, Message

if TYPE_CHECKING:
    import sqlite3

#: An `updated_seq` that grows with the time has the milliseconds and, so that no two are equal, the
#: lowest bits of the `seq`. All of them are below 0.
TIME_BITS, SEQ_BITS = 42, 20


def adopt(
    db: sqlite3.Connection,
    owner: str,
    limit: Extent,
    conversation: Conversation,
    messages: Sequence[Message],
    before: Callable[[bool], None],
) -> bool:
    sql = "SELECT owner, current_id FROM conversations WHERE id = ?"
    row = db.execute(sql, (conversation.id,)).fetchone()
    before(row is None)
    if row is None:
        _create(db, owner, conversation)
        new = list(messages)
    elif row[0] != owner:
        raise AlreadyStored
    else:
        sql = "SELECT id FROM messages WHERE conversation_id = ? AND owner = ?"
        known = {id for (id,) in db.execute(sql, (conversation.id, owner))}
        new = [message for message in messages if message.id not in known]
        if not new:
            return False
        if follows(row[1], conversation, new):
            sql = "UPDATE conversations SET current_id = ? WHERE id = ? AND owner = ?"
            db.execute(sql, (conversation.current_id, conversation.id, owner))
    numbers = tables.next_numbers(db, tables.texts(new))
    try:
        size = sum(tables.add_sent(db, owner, numbers, message) for message in new)
    except db.IntegrityError:
        raise AlreadyStored from None
    sql = (
        "UPDATE conversations SET message_count = message_count + ?, size = size + ? "
        "WHERE id = ? AND owner = ?"
    )
    db.execute(sql, (len(new), size, conversation.id, owner))
    if tables.extent(db, owner, conversation.id).exceeds(limit):
        raise ConversationFull(limit)
    return True


def place(updated_at: int, seq: int) -> int:
    """The `updated_seq` of a conversation that was last written at this time, in milliseconds."""
    time = max(0, min(updated_at, (1 << TIME_BITS) - 1))
    return (time << SEQ_BITS | seq & (1 << SEQ_BITS) - 1) - (1 << TIME_BITS + SEQ_BITS)


def _create(db: sqlite3.Connection, owner: str, conversation: Conversation) -> None:
    try:
        listing.check_folder(db, owner, conversation.folder)
    except Conflict:
        conversation = replace(conversation, folder=None)
    tables.create(db, owner, conversation)
    sql = "SELECT seq FROM conversations WHERE id = ? AND owner = ?"
    (seq,) = db.execute(sql, (conversation.id, owner)).fetchone()
    sql = "UPDATE conversations SET updated_seq = ? WHERE seq = ? AND owner = ?"
    db.execute(sql, (place(conversation.updated_at, seq), seq, owner))


def follows(shown: str | None, conversation: Conversation, new: list[Message]) -> bool:
    """Whether the new messages continue the branch that is shown."""
    parents = {message.id: message.parent_id for message in new}
    step = conversation.current_id
    while step in parents:
        step = parents[step]
    return step == shown
