"""Conversations and messages in PostgreSQL: functions of a connection, called in a transaction.

The methods of `Store` with the same names have the contract. The rule: what adds to a conversation
locks its row first, and so does a deletion, so nothing is added to a conversation that is gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import asyncpg

from tornado_stream.store import slots
from tornado_stream.store.base import CHANGEABLE, READ_BYTES, READ_MESSAGES, Busy, NewAnswer
from tornado_stream.store.calls import with_still_allowed
from tornado_stream.store.extent import ConversationFull, Extent
from tornado_stream.store.postgres import calls, files, listing, logs, texts, waiting_questions
from tornado_stream.store.postgres.texts import Text
from tornado_stream.store.postgres.values import (
    as_conversation,
    as_message,
    conversation_values,
    from_text,
    marks,
    message_values,
    to_text,
)
from tornado_stream.store.rows import (
    CONVERSATION_COLUMNS,
    MESSAGE,
    MESSAGE_COLUMNS,
    SIZED,
    from_message,
    from_value,
)
from tornado_stream.store.rows import size as size_of
from tornado_stream.values.errors import NotFound
from tornado_stream.values.messages import Conversation, Message, files_of

#: The messages from one up to its root.
#: The places of a message and of those before it: for the id of the message, and its owner.
UP = (
    "WITH RECURSIVE up (seq, parent_id) AS ("
    "SELECT seq, parent_id FROM messages WHERE id = $1 AND owner = $2 UNION ALL "
    "SELECT m.seq, m.parent_id FROM up JOIN messages m ON m.id = up.parent_id "
    "WHERE m.owner = $2)"
)
_STATE, _HOME = (f"${MESSAGE.index(name) + 4}::text" for name in ("state", "conversation_id"))
#: Where answers run in a conversation, an ordinary answer gets the slot of one of them, so that the
#: index of slots refuses it. Those that have left their slots have their `seq` as slot.
_SLOT = (
    f"CASE WHEN {_STATE} = 'running' AND $2::bigint = 0 THEN coalesce((SELECT min(slot) "
    f"FROM messages WHERE conversation_id = {_HOME} AND state = 'running' AND slot <> seq), 0) "
    "ELSE $2 END"
)
_ADD_MESSAGE = (
    f"INSERT INTO messages (seq, slot, owner, {', '.join(MESSAGE)}) VALUES ($1, {_SLOT}, "
    f"{', '.join(f'${number}' for number in range(3, len(MESSAGE) + 4))})"
)


async def numbers(db: asyncpg.Connection, count: int) -> list[int]:
    """The `seq` of the next rows."""
    sql = "SELECT nextval('numbers') FROM generate_series(1, $1::int)"
    return sorted(seq for (seq,) in await db.fetch(sql, count))


async def begin(
    db: asyncpg.Connection, owner: str, instance: str, new: NewAnswer, limit: Extent
) -> int:
    """Returns the answer's `seq`. It is in few statements, because each waits for the server."""
    home, answer = new.conversation, new.message
    added = [*new.messages, answer]
    free = iter(await waiting_questions.take(db, owner, new, _places(added) + bool(home)))
    home_seq = next(free) if home else 0
    rows = _Rows(owner, added, free)
    if home:
        extent = Extent(rows.size, len(added))
        shown = replace(home, current_id=answer.id, updated_at=answer.created_at, archived=False)
        await _insert(db, owner, home_seq, shown, rows.last, extent)
        rows.texts.append(Text(home_seq, owner, home.id, None, home.title))
    else:
        found = await db.fetchrow(
            "UPDATE conversations SET current_id = coalesce($1, current_id), updated_at = $2, "
            "updated_seq = $3, archived = false, message_count = message_count + $4, "
            "size = size + $5 WHERE id = $6 AND owner = $7 RETURNING size, message_count",
            *(None if new.beside else answer.id, answer.created_at, rows.last, len(added)),
            rows.size,
            *(answer.conversation_id, owner),
        )
        if found is None:
            raise NotFound("There is no conversation with this id.")
        extent = Extent(*found)
    if extent.exceeds(limit):
        raise ConversationFull(limit)
    if new.decided:
        await calls.decide(db, owner, new.decided)
    if new.ended:
        await db.execute(
            "UPDATE messages SET slot = seq "
            "WHERE generation_id = ANY($1::text[]) AND owner = $2 AND conversation_id = $3",
            *(list(new.ended), owner, answer.conversation_id),
        )
    # The conversation is locked, so no other answer begins in it meanwhile.
    slot = slots.free_slot(new, await running(db, owner, new)) if new.beside else 0
    await rows.write(db, slot)
    await logs.add(db, owner, instance, rows.last, new)
    return rows.last


async def add_messages(db: asyncpg.Connection, owner: str, messages: Sequence[Message]) -> int:
    """Add messages that were sent, with their files. Returns their size."""
    rows = _Rows(owner, messages, iter(await numbers(db, _places(messages))))
    await rows.write(db)
    return rows.size


def _places(messages: Sequence[Message]) -> int:
    """How many numbers the rows of messages need: a use of a file needs one, too."""
    return len(messages) + sum(len(files_of(message)) for message in messages)


class _Rows:
    """What new messages add to the tables. `last` is the `seq` of the last one, `size` that of
    those that do not run."""

    def __init__(self, owner: str, messages: Sequence[Message], free: Iterator[int]) -> None:
        self.texts: list[Text] = []
        self.size = self.last = 0
        self._owner = owner
        self._messages: list[list[Any]] = []
        self._uses: list[tuple[int, Message, list[int]]] = []
        for message in messages:
            self.last = seq = next(free)
            running = message.state == "running"
            if running:  # until its end, its text is only in its log
                message = replace(message, content="", reasoning="", refusal="", tool_calls=[])
            else:
                self.size += size_of(from_message(message))
            self._messages.append([seq, 0, owner, *message_values(message)])
            home = message.conversation_id
            self.texts.append(Text(seq, owner, home, message.id, message.content))
            if count := len(files_of(message)):
                self._uses.append((seq, message, list(islice(free, count))))

    async def write(self, db: asyncpg.Connection, slot: int = 0) -> None:
        """The last message gets the slot."""
        if self._messages:
            self._messages[-1][1] = slot
        for seq, message, numbers in self._uses:
            await files.attach(db, self._owner, seq, message, numbers)
        await db.executemany(_ADD_MESSAGE, self._messages)
        await texts.save(db, self.texts)


async def create(db: asyncpg.Connection, owner: str, conversation: Conversation) -> int:
    """Returns the conversation's `seq`."""
    (seq,) = await numbers(db, 1)
    await _insert(db, owner, seq, conversation, seq, Extent())
    await texts.save(db, [Text(seq, owner, conversation.id, None, conversation.title)])
    return seq


async def _insert(
    db: asyncpg.Connection,
    owner: str,
    seq: int,
    conversation: Conversation,
    updated_seq: int,
    extent: Extent,
) -> None:
    values = conversation_values(conversation)
    await db.execute(
        "INSERT INTO conversations (seq, updated_seq, owner, size, message_count, "
        f"{CONVERSATION_COLUMNS}) VALUES ({marks(len(values) + 5)})",
        *(seq, updated_seq, owner, extent.size, extent.messages, *values),
    )


async def update(db: asyncpg.Connection, owner: str, id: str, changes: dict[str, Any]) -> None:
    row = await db.fetchrow(
        "SELECT seq, always FROM conversations WHERE id = $1 AND owner = $2 FOR UPDATE", id, owner
    )
    if row is None:
        raise NotFound("There is no conversation with this id.")
    changes = with_still_allowed(changes, from_text(row["always"]))
    await listing.check_folder(db, owner, changes.get("folder"))
    names = [name for name in CHANGEABLE if name in changes]
    if names:
        values = (to_text(from_value(changes[name])) for name in names)
        fields = ", ".join(f"{name} = ${number}" for number, name in enumerate(names, 3))
        sql = f"UPDATE conversations SET {fields} WHERE seq = $1 AND owner = $2"
        await db.execute(sql, row["seq"], owner, *values)
    if "title" in changes:
        await texts.remove(db, owner, row["seq"])
        await texts.save(db, [Text(row["seq"], owner, id, None, changes["title"] or "")])


async def running(db: asyncpg.Connection, owner: str, new: NewAnswer) -> list[slots.Running]:
    """The answers that run in the conversation of a new one."""
    rows = await db.fetch(
        "SELECT slot, generation_id, parent_id FROM messages WHERE conversation_id = $1 "
        "AND owner = $2 AND state = 'running' AND slot <> seq ORDER BY seq",
        *(new.message.conversation_id, owner),
    )
    return [slots.Running(*row) for row in rows]


async def is_begun(db: asyncpg.Connection, new: NewAnswer) -> bool:
    sql = "SELECT EXISTS (SELECT 1 FROM generations WHERE id = $1)"
    return bool(await db.fetchval(sql, new.generation_id))


async def delete(db: asyncpg.Connection, owner: str, instance: str, id: str) -> None:
    lock = "SELECT 1 FROM conversations WHERE id = $1 AND owner = $2 FOR UPDATE"
    if not await db.fetchval(lock, id, owner):
        return
    theirs = await db.fetch(
        "SELECT g.id FROM messages m JOIN generations g ON g.seq = m.seq "
        "JOIN instances i ON i.name = g.instance AND i.name <> $3 "
        "WHERE m.conversation_id = $1 AND m.owner = $2 AND m.state = 'running' ORDER BY m.seq",
        *(id, owner, instance),
    )
    if theirs:
        raise Busy([id for (id,) in theirs])
    await files.detach(db, owner, id)
    await db.execute(
        "WITH gone AS (DELETE FROM messages WHERE conversation_id = $1 AND owner = $2 "
        "RETURNING seq), "
        "no_flushes AS (DELETE FROM flushes USING gone WHERE generation = gone.seq), "
        "no_logs AS (DELETE FROM logs USING gone WHERE generation = gone.seq), "
        "no_generations AS (DELETE FROM generations g USING gone WHERE g.seq = gone.seq "
        "RETURNING g.id), "
        "no_calls AS (DELETE FROM calls USING no_generations g WHERE generation_id = g.id), "
        "no_texts AS (DELETE FROM texts WHERE conversation_id = $1 AND owner = $2), "
        "no_waiting AS (DELETE FROM waiting WHERE conversation_id = $1 AND owner = $2), "
        "no_shares AS (DELETE FROM shares WHERE conversation_id = $1 AND owner = $2) "
        "DELETE FROM conversations WHERE id = $1 AND owner = $2",
        *(id, owner),
    )


async def conversation(db: asyncpg.Connection, owner: str, id: str) -> Conversation | None:
    sql = f"SELECT {CONVERSATION_COLUMNS} FROM conversations WHERE id = $1 AND owner = $2"
    row = await db.fetchrow(sql, id, owner)
    return as_conversation(row.values()) if row else None


async def conversation_ids(db: asyncpg.Connection, owner: str) -> list[str]:
    rows = await db.fetch("SELECT id FROM conversations WHERE owner = $1 ORDER BY seq", owner)
    return [id for (id,) in rows]


async def message(db: asyncpg.Connection, owner: str, id: str) -> Message | None:
    sql = f"SELECT {MESSAGE_COLUMNS} FROM messages m WHERE id = $1 AND owner = $2"
    row = await db.fetchrow(sql, id, owner)
    return as_message(row.values()) if row else None


async def messages(db: asyncpg.Connection, owner: str, conversation_id: str) -> list[Message]:
    rows = await db.fetch(
        f"SELECT {MESSAGE_COLUMNS} FROM messages m "
        "WHERE conversation_id = $1 AND owner = $2 ORDER BY seq",
        *(conversation_id, owner),
    )
    return [as_message(row.values()) for row in rows]


async def outline(
    db: asyncpg.Connection, owner: str, id: str, *, current: bool
) -> tuple[Conversation, list[int], int] | None:
    sql = f"SELECT size, {CONVERSATION_COLUMNS} FROM conversations WHERE id = $1 AND owner = $2"
    row = await db.fetchrow(sql, id, owner)
    if row is None:
        return None
    size, *values = row.values()
    found = as_conversation(values)
    if current:
        rows = await db.fetch(f"{UP} SELECT seq FROM up ORDER BY seq", found.current_id, owner)
    else:
        sql = "SELECT seq FROM messages WHERE conversation_id = $1 AND owner = $2 ORDER BY seq"
        rows = await db.fetch(sql, id, owner)
    return found, [seq for (seq,) in rows], size


async def messages_at(db: asyncpg.Connection, owner: str, places: list[int]) -> list[Message]:
    """The server sums the bytes, so that no more than a part is sent."""
    places = places[:READ_MESSAGES]
    size = " + ".join(f"coalesce(octet_length({name}), 0)" for name in SIZED)
    rows = await db.fetch(
        f"SELECT {MESSAGE_COLUMNS} FROM (SELECT *, sum({size}) OVER (ORDER BY seq) AS total, "
        "row_number() OVER (ORDER BY seq) AS number FROM messages "
        "WHERE seq = ANY($1::bigint[]) AND owner = $2) m "
        "WHERE number = 1 OR total <= $3 ORDER BY seq",
        *(places, owner, READ_BYTES),
    )
    return [as_message(row.values()) for row in rows]


async def thread(db: asyncpg.Connection, owner: str, message_id: str) -> list[Message]:
    rows = await db.fetch(
        f"{UP} SELECT {MESSAGE_COLUMNS} FROM up JOIN messages m USING (seq) ORDER BY m.seq",
        *(message_id, owner),
    )
    return [as_message(row.values()) for row in rows]
