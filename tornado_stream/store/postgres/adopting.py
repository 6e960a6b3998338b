"""Conversations that were written elsewhere, in PostgreSQL: see `Store.adopt` and
`store/adopting.py`. Functions of a connection, called in a transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import asyncpg

from tornado_stream.store.adopting import follows, place
from tornado_stream.store.base import AlreadyStored
from tornado_stream.store.extent import ConversationFull, Extent
from tornado_stream.store.postgres import listing, tables
from tornado_stream.values.errors import Conflict
from tornado_stream.values.messages import Conversation, Message


async def adopt(
    db: asyncpg.Connection,
    owner: str,
    limit: Extent,
    conversation: Conversation,
    messages: Sequence[Message],
    before: Callable[[bool], None],
) -> bool:
    row = await db.fetchrow(
        "SELECT owner, current_id FROM conversations WHERE id = $1 FOR UPDATE", conversation.id
    )
    before(row is None)
    if row is None:
        await _create(db, owner, conversation)
        new = list(messages)
    elif row["owner"] != owner:
        raise AlreadyStored
    else:
        sql = "SELECT id FROM messages WHERE conversation_id = $1 AND owner = $2"
        known = {id for (id,) in await db.fetch(sql, conversation.id, owner)}
        new = [message for message in messages if message.id not in known]
        if not new:
            return False
        if follows(row["current_id"], conversation, new):
            await db.execute(
                "UPDATE conversations SET current_id = $1 WHERE id = $2 AND owner = $3",
                *(conversation.current_id, conversation.id, owner),
            )
    size = await tables.add_messages(db, owner, new)
    extent = await db.fetchrow(
        "UPDATE conversations SET message_count = message_count + $1, size = size + $2 "
        "WHERE id = $3 AND owner = $4 RETURNING size, message_count",
        *(len(new), size, conversation.id, owner),
    )
    if Extent(*extent).exceeds(limit):
        raise ConversationFull(limit)
    return True


async def _create(db: asyncpg.Connection, owner: str, conversation: Conversation) -> None:
    try:
        await listing.check_folder(db, owner, conversation.folder)
    except Conflict:
        conversation = replace(conversation, folder=None)
    seq = await tables.create(db, owner, conversation)
    await db.execute(
        "UPDATE conversations SET updated_seq = $1 WHERE seq = $2 AND owner = $3",
        *(place(conversation.updated_at, seq), seq, owner),
    )
