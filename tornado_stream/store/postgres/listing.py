"""Lists of conversations in PostgreSQL: pages, searches, folders, and places in the list.

Functions of a connection, called in a transaction, like those of `tables.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg

from tornado_stream.store.base import MAX_FOLDERS, MAX_PINNED, PLACE
from tornado_stream.store.pages import Folder, Match, Page, Which
from tornado_stream.store.postgres import finding
from tornado_stream.store.postgres.values import as_conversation, from_text, to_text
from tornado_stream.store.rows import CONVERSATION
from tornado_stream.store.search_text import Matcher, snippet
from tornado_stream.values.errors import Conflict

_COLUMNS = ", ".join(f"c.{name}" for name in CONVERSATION)
#: The ids of the generations that run in a conversation.
_RUNNING = (
    "array(SELECT m.generation_id FROM messages m WHERE m.conversation_id = c.id "
    "AND m.owner = c.owner AND m.state = 'running' ORDER BY m.seq)"
)


async def conversations(
    db: asyncpg.Connection, owner: str, limit: int, before: int, which: Which, *, is_first: bool
) -> Page:
    """A page of the list. Only the first one has what stands above it."""
    condition, values = where(which, 3)
    rows = await _rows(db, f"{condition} AND c.updated_seq < $2", limit + 1, owner, before, *values)
    next = str(rows[limit - 1]["updated_seq"]) if len(rows) > limit else None
    matches = [_match(row) for row in rows[:limit]]
    if not which.loose or not is_first:
        return Page(matches, next)
    pinned = await _rows(db, "c.pinned AND NOT c.archived", MAX_PINNED, owner)
    return Page(matches, next, [_match(row) for row in pinned], await _folders(db, owner))


async def search(
    db: asyncpg.Connection,
    owner: str,
    pattern: Matcher,
    limit: int,
    before: int,
    which: Which,
) -> Page:
    """A page of what a search finds. The query of `pattern` is not empty."""
    condition = ("true", ()) if which == Which(archived=None) else where(which, finding.MORE)
    found, next = await finding.find(db, owner, pattern.query, limit, before, condition)
    rows = await db.fetch(
        f"SELECT f.message_id, coalesce(d.text, m.content, c.title) AS text, m.role, {_RUNNING} AS "
        f"running, {_COLUMNS} FROM unnest($2::bigint[], $3::text[], $4::text[]) "
        "AS f (seq, conversation_id, message_id) "
        "JOIN conversations c ON c.id = f.conversation_id AND c.owner = $1 "
        "LEFT JOIN message_files u ON u.seq = f.seq AND u.owner = $1 "
        "LEFT JOIN files d ON d.seq = u.file "
        "LEFT JOIN messages m ON m.seq = f.seq AND m.owner = $1 ORDER BY f.seq DESC",
        *(owner, [one.seq for one in found], [one.conversation_id for one in found]),
        [one.message_id for one in found],
    )
    matches = []
    for message_id, text, role, running, *conversation in (row.values() for row in rows):
        shown = snippet(from_text(text), pattern, markdown=role == "assistant")
        matches.append(Match(as_conversation(conversation), tuple(running), message_id, shown))
    return Page(matches, None if next is None else str(next))


async def update_many(
    db: asyncpg.Connection,
    owner: str,
    changes: dict[str, Any],
    ids: Sequence[str],
    folder: str | None,
) -> int:
    await check_folder(db, owner, changes.get("folder"), left=folder)
    names = [name for name in PLACE if name in changes]
    if not names:
        return 0
    which = "folder = $2" if folder is not None else "id = ANY($2::text[])"
    fields = ", ".join(f"{name} = ${number}" for number, name in enumerate(names, 3))
    # The rows are locked in one order, so that two instances never wait for each other.
    rows = await db.fetch(
        "WITH chosen AS (SELECT seq FROM conversations "
        f"WHERE owner = $1 AND {which} ORDER BY id FOR UPDATE) "
        f"UPDATE conversations c SET {fields} FROM chosen WHERE c.seq = chosen.seq RETURNING 1",
        *(owner, list(ids) if folder is None else to_text(folder)),
        *(to_text(changes[name]) for name in names),
    )
    return len(rows)


async def check_folder(
    db: asyncpg.Connection, owner: str, folder: str | None, left: str | None = None
) -> None:
    """Raise `Conflict` if this would be one folder too many. All conversations leave `left`."""
    if folder is None:
        return
    sql = "SELECT DISTINCT folder FROM conversations WHERE owner = $1 AND folder IS NOT NULL"
    names = {from_text(name) for (name,) in await db.fetch(sql, owner)} - {left}
    if folder not in names and len(names) >= MAX_FOLDERS:
        raise Conflict(
            f"There are {MAX_FOLDERS} folders, and that is the most. Use one of them.",
            code="too_many_folders",
        )


def where(which: Which, first: int) -> tuple[str, tuple[str, ...]]:
    """The condition of a list for a conversation `c`, and the values of its parameters from
    `first` on."""
    parts = [] if which.archived is None else [f"c.archived = {which.archived}"]
    if which.loose:
        parts += ["c.folder IS NULL", "NOT c.pinned"]
    if which.folder is not None:
        return " AND ".join([*parts, f"c.folder = ${first}"]), (to_text(which.folder),)
    return " AND ".join(parts) or "true", ()


async def _rows(
    db: asyncpg.Connection, condition: str, limit: int, owner: str, *values: Any
) -> list[Any]:
    rows: list[Any] = await db.fetch(
        f"SELECT c.updated_seq, {_RUNNING} AS running, {_COLUMNS} FROM conversations c "
        f"WHERE c.owner = $1 AND {condition} ORDER BY c.updated_seq DESC LIMIT {int(limit)}",
        *(owner, *values),
    )
    return rows


def _match(row: Any) -> Match:
    _, running, *conversation = row.values()
    return Match(as_conversation(conversation), tuple(running))


async def _folders(db: asyncpg.Connection, owner: str) -> list[Folder]:
    rows = await db.fetch(
        "SELECT folder, count(*) FILTER (WHERE NOT pinned) FROM conversations "
        "WHERE owner = $1 AND NOT archived AND folder IS NOT NULL GROUP BY folder ORDER BY folder",
        owner,
    )
    return [Folder(from_text(name), count) for name, count in rows]
