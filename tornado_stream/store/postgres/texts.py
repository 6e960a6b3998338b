"""The texts that a search reads: titles and messages, as `fold` makes them, in the table `texts`.

A text has the `seq` of its row. The index on the table finds texts by their trigrams.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

import asyncpg

from tornado_stream.store.folding import PIECE, fold
from tornado_stream.store.search_text import searchable


class Text(NamedTuple):
    """A title or a message (`message_id` is None for a title)."""

    seq: int
    owner: str
    conversation_id: str
    message_id: str | None
    text: str


async def folded(text: str) -> str:
    """The text as it is searched. A long one is folded on another thread."""
    text = searchable(text)
    if text.isascii() or len(text) <= PIECE:
        return fold(text)
    return await asyncio.get_running_loop().run_in_executor(None, fold, text)


async def save(db: asyncpg.Connection, texts: Iterable[Text]) -> None:
    """Store texts, or replace those with the same `seq`."""
    rows = [(*one[:-1], await folded(one.text)) for one in texts if one.text]
    if rows:
        await db.executemany(
            "INSERT INTO texts (seq, owner, conversation_id, message_id, folded) "
            "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (seq) DO UPDATE SET folded = excluded.folded",
            rows,
        )


async def remove(db: asyncpg.Connection, owner: str, seq: int) -> None:
    await db.execute("DELETE FROM texts WHERE seq = $1 AND owner = $2", seq, owner)
