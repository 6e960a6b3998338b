"""Finding texts in PostgreSQL: the newest ones are read, the others come from the index.

A search begins with the newest texts of its owner, because most searches find what they need there,
and most owners have no more. A query with a whole trigram then uses the index for all older texts,
unless so many have it that another step of reading should find enough.
Any other goes on to read, the newest first, and stops in time: the page tells where to go on.

The server compares a text with a query in a time that grows with the product of their lengths, and
nothing interrupts that. So it never gets more than `LONGEST` characters of a query, and this
program compares the rest.
"""

from __future__ import annotations

import re
from time import monotonic
from typing import Any, NamedTuple

import asyncpg

from tornado_stream.store.search_text import NEWEST

#: Texts that are read first, and those that one further step reads.
FIRST, STEP = 500, 5_000
#: Characters of a query that the server compares with texts.
LONGEST = 64
#: Seconds for which texts are read.
READING = 1.5
#: Texts of any length that are fetched together.
AT_ONCE = 4
#: The number of the first parameter of the condition that `find` is given.
MORE = 6
_TRIGRAM = re.compile(r"[^\W_]{3}")


class Found(NamedTuple):
    """A text that contains the query. `message_id` is None for a title."""

    seq: int
    conversation_id: str
    message_id: str | None


class _Query(NamedTuple):
    """What a search asks for. `condition` is one for a conversation `c`, and the values of its
    parameters from `MORE` on."""

    owner: str
    like: str
    before: int
    condition: tuple[str, tuple[str, ...]]


async def find(
    db: asyncpg.Connection,
    owner: str,
    query: str,
    limit: int,
    before: int,
    condition: tuple[str, tuple[str, ...]],
) -> tuple[list[Found], int | None]:
    """The newest matching text of each conversation, the newest first, at most `limit` of them, and
    the next `before` if there may be more. `query` is folded, and not empty."""
    if len(query) > LONGEST:
        return await _find_long(db, owner, query, limit, before, condition)
    asked = _Query(owner, _like(query), before, condition)
    page: list[Found] = []
    seen: set[str] = set()
    has_index = _TRIGRAM.search(query) is not None
    until = monotonic() + READING
    below, step, read = before, FIRST, 0
    while True:
        found, lowest = await _read(db, asked, below, step)
        read += step
        for one in found:
            if one.conversation_id not in seen:
                seen.add(one.conversation_id)
                page.append(one)
        if len(page) > limit:
            return page[:limit], page[limit - 1].seq
        if lowest is None:
            return page, None
        below, step = lowest, STEP
        # Where every tenth text or so has the query, reading on fills the page sooner.
        if has_index and len(page) * STEP < limit * read:
            page += await _look_up(db, asked, below, seen, limit + 1 - len(page))
            return page[:limit], page[limit - 1].seq if len(page) > limit else None
        if monotonic() > until:
            return page, below


async def _find_long(
    db: asyncpg.Connection,
    owner: str,
    query: str,
    limit: int,
    before: int,
    condition: tuple[str, tuple[str, ...]],
) -> tuple[list[Found], int | None]:
    """As `find`, for a query that the server compares in part."""
    page: list[Found] = []
    seen: set[str] = set()
    like = _like(query[:LONGEST])
    rows = db.cursor(
        "SELECT t.seq, t.conversation_id, t.message_id, t.folded FROM texts t "
        "JOIN conversations c ON c.id = t.conversation_id AND c.owner = $1 "
        "WHERE t.owner = $1 AND t.folded LIKE $2 AND t.seq < $3 AND $4 AND $5 "
        f"AND {condition[0]} ORDER BY t.seq DESC",
        *(owner, like, before, True, True, *condition[1]),
        prefetch=AT_ONCE,
    )
    async for row in rows:
        *found, folded = _values(row)
        one = Found(*found)
        if one.conversation_id in seen or query not in folded:
            continue
        seen.add(one.conversation_id)
        if before < NEWEST and await _was_found(db, one.conversation_id, query, before):
            continue
        if len(page) == limit:
            return page, page[-1].seq
        page.append(one)
    return page, None


async def _was_found(db: asyncpg.Connection, conversation_id: str, query: str, before: int) -> bool:
    """Whether an earlier page has this conversation, because of a newer text."""
    rows = db.cursor(
        "SELECT folded FROM texts WHERE conversation_id = $1 AND seq >= $2 AND folded LIKE $3",
        *(conversation_id, before, _like(query[:LONGEST])),
        prefetch=AT_ONCE,
    )
    async for (folded,) in rows:
        if query in folded:
            return True
    return False


async def _read(
    db: asyncpg.Connection, asked: _Query, below: int, count: int
) -> tuple[list[Found], int | None]:
    """The matches among the newest texts below a `seq`, and the lowest `seq` that was read; None
    if those were all."""
    condition, values = asked.condition
    rows = await db.fetch(
        "WITH read AS MATERIALIZED (SELECT seq, conversation_id, message_id, folded LIKE $2 AS hit "
        "FROM texts WHERE owner = $1 AND seq < $3 ORDER BY seq DESC LIMIT $4) "
        f"SELECT r.seq, r.conversation_id, r.message_id, r.hit AND {condition} AND c.id IS NOT NULL"
        f" AND NOT {_newer('r')} AS found, (SELECT count(*) FROM read) AS count FROM read r "
        "LEFT JOIN conversations c ON c.id = r.conversation_id AND c.owner = $1 "
        "WHERE r.hit OR r.seq = (SELECT min(seq) FROM read) ORDER BY r.seq DESC",
        *(asked.owner, asked.like, below, count, asked.before, *values),
    )
    found = [Found(*row[:3]) for row in map(_values, rows) if row[3]]
    return found, rows[-1]["seq"] if rows and rows[-1]["count"] == count else None


async def _look_up(
    db: asyncpg.Connection, asked: _Query, below: int, seen: set[str], limit: int
) -> list[Found]:
    """The matches among all texts below a `seq`, by the index, without conversations that were
    `seen`."""
    condition, values = asked.condition
    rows = await db.fetch(
        "SELECT seq, conversation_id, message_id FROM (SELECT DISTINCT ON (t.conversation_id) "
        "t.seq, t.conversation_id, t.message_id FROM texts t "
        "JOIN conversations c ON c.id = t.conversation_id AND c.owner = $1 "
        f"WHERE t.owner = $1 AND t.folded LIKE $2 AND t.seq < $3 AND {condition} "
        "AND t.conversation_id <> ALL($4::text[]) ORDER BY t.conversation_id, t.seq DESC) r "
        f"WHERE NOT {_newer('r')} ORDER BY seq DESC LIMIT {int(limit)}",
        *(asked.owner, asked.like, below, list(seen), asked.before, *values),
    )
    return [Found(*_values(row)) for row in rows]


def _newer(row: str) -> str:
    """Whether an earlier page has the conversation of a row, because of a newer text."""
    return (
        "EXISTS (SELECT 1 FROM texts n WHERE n.owner = $1 AND n.folded LIKE $2 "
        f"AND n.conversation_id = {row}.conversation_id AND n.seq >= $5 AND $5 < {NEWEST})"
    )


def _values(row: Any) -> tuple[Any, ...]:
    return tuple(row.values())


def _like(query: str) -> str:
    return "%" + re.sub(r"([\\%_])", r"\\\1", query) + "%"
