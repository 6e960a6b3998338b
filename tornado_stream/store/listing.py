"""Lists of conversations as SQL: pages, searches, folders, and places in the list.

The functions take a connection and are called inside a transaction, like those of `tables.py`.
SQLite cannot know which index is short, so each list names its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tornado_stream.store import finding
from tornado_stream.store.base import MAX_FOLDERS, MAX_PINNED, PLACE
from tornado_stream.store.folding import fold
from tornado_stream.store.pages import Folder, Match, Page, Which
from tornado_stream.store.rows import CONVERSATION_COLUMNS, to_conversation
from tornado_stream.store.search_text import Matcher, parse_cursor, searchable, snippet
from tornado_stream.values.errors import Conflict

if TYPE_CHECKING:
    import sqlite3

#: Conversations that one statement changes, below the number of parameters that SQLite takes.
CHANGED_AT_ONCE = 500


def conversations(
    db: sqlite3.Connection,
    owner: str,
    query: str,
    limit: int,
    before: str | None,
    which: Which,
    *,
    look: Callable[[], None] = lambda: None,
) -> Page:
    """A page of the list, or of what a search finds. `look` is that of `Matcher`."""
    cursor = parse_cursor(before)
    if searchable(query).strip():
        pattern = Matcher(fold(searchable(query)).strip(), look)
        return _search(db, owner, pattern, limit, cursor, which)
    index, condition, values = _where(which)
    condition += " AND updated_seq < ?"
    rows = _rows(db, index, condition, owner, *values, cursor, limit + 1)
    matches = [_listed(db, owner, row) for row in rows[:limit]]
    page = Page(matches, str(rows[limit - 1][0]) if len(rows) > limit else None)
    if not which.loose or before:
        return page
    return Page(page.matches, page.next, _pinned(db, owner), _folders(db, owner))


def update_many(
    db: sqlite3.Connection,
    owner: str,
    changes: dict[str, Any],
    ids: Sequence[str],
    folder: str | None,
) -> int:
    check_folder(db, owner, changes.get("folder"), left=folder)
    names = [name for name in PLACE if name in changes]
    if not names:
        return 0
    sql = f"UPDATE conversations SET {', '.join(f'{name} = ?' for name in names)} WHERE owner = ? "
    values = (*(changes[name] for name in names), owner)
    if folder is not None:
        sql += "AND archived IN (0, 1) AND folder = ?"
        return db.execute(sql, (*values, folder)).rowcount
    count = 0
    for first in range(0, len(ids), CHANGED_AT_ONCE):
        some = ids[first : first + CHANGED_AT_ONCE]
        marks = ", ".join("?" * len(some))
        count += db.execute(f"{sql} AND id IN ({marks})", (*values, *some)).rowcount
    return count


def check_folder(
    db: sqlite3.Connection, owner: str, folder: str | None, left: str | None = None
) -> None:
    """Raise `Conflict` if this would be one folder too many. All conversations leave `left`."""
    if folder is None:
        return
    sql = (
        "SELECT DISTINCT folder FROM conversations INDEXED BY conversations_by_place "
        "WHERE owner = ? AND archived IN (0, 1) AND folder IS NOT NULL"
    )
    names = {name for (name,) in db.execute(sql, (owner,))} - {left}
    if folder not in names and len(names) >= MAX_FOLDERS:
        raise Conflict(
            f"There are {MAX_FOLDERS} folders, and that is the most. Use one of them.",
            code="too_many_folders",
        )


def _where(which: Which) -> tuple[str, str, tuple[str, ...]]:
    """The index to use, the condition behind `owner = ?`, and the values of its parameters."""
    archived = "archived IN (0, 1)" if which.archived is None else f"archived = {which.archived:d}"
    if which.folder is not None:
        return "conversations_by_place", f"{archived} AND folder = ?", (which.folder,)
    if which.loose:
        place = f"{archived} AND folder IS NULL AND pinned = 0"
        return "conversations_by_place", place, ()
    name = "archived" if which.archived else "by_write"
    return f"conversations_{name}", archived, ()


def _rows(
    db: sqlite3.Connection, index: str, condition: str, owner: str, *values: Any
) -> list[Any]:
    return db.execute(
        f"SELECT updated_seq, {CONVERSATION_COLUMNS} FROM conversations INDEXED BY {index} "
        f"WHERE owner = ? AND {condition} ORDER BY updated_seq DESC LIMIT ?",
        (owner, *values),
    ).fetchall()


def _pinned(db: sqlite3.Connection, owner: str) -> list[Match]:
    rows = _rows(db, "conversations_pinned", "pinned = 1 AND archived = 0", owner, MAX_PINNED)
    return [_listed(db, owner, row) for row in rows]


def _folders(db: sqlite3.Connection, owner: str) -> list[Folder]:
    sql = (
        "SELECT folder, sum(pinned = 0) FROM conversations INDEXED BY conversations_by_place "
        "WHERE owner = ? AND archived = 0 AND folder IS NOT NULL GROUP BY folder"
    )
    return [Folder(*row) for row in db.execute(sql, (owner,))]


def _search(
    db: sqlite3.Connection, owner: str, pattern: Matcher, limit: int, before: int, which: Which
) -> Page:
    if not pattern.query:  # it has only what a search leaves out
        return Page([], None)
    found, next = finding.find(db, owner, pattern, limit, before, _condition(which))
    matches = [_match(db, owner, one, pattern) for one in found]
    return Page(matches, None if next is None else str(next))


def _condition(which: Which) -> tuple[str, tuple[str, ...]]:
    """The condition that a conversation has to meet in a search, if there is one."""
    return ("", ()) if which == Which(archived=None) else _where(which)[1:]


def _match(db: sqlite3.Connection, owner: str, found: finding.Found, pattern: Matcher) -> Match:
    sql = f"SELECT {CONVERSATION_COLUMNS} FROM conversations WHERE id = ? AND owner = ?"
    parent = to_conversation(db.execute(sql, (found.conversation_id, owner)).fetchone())
    text, role = parent.title, ""
    if found.message_id:
        sql = (
            "SELECT content, role FROM messages WHERE seq = ?1 AND owner = ?2 UNION ALL "
            "SELECT f.text, '' FROM message_files u JOIN files f ON f.seq = u.file "
            "WHERE u.seq = ?1 AND u.owner = ?2"
        )
        text, role = db.execute(sql, (found.seq, owner)).fetchone()
    shown = snippet(text, pattern, markdown=role == "assistant")
    return Match(parent, _running(db, owner, parent.id), found.message_id, shown)


def _listed(db: sqlite3.Connection, owner: str, row: Sequence[Any]) -> Match:
    return Match(to_conversation(row[1:]), _running(db, owner, row[1]))


def _running(db: sqlite3.Connection, owner: str, conversation_id: str) -> tuple[str, ...]:
    """The ids of the generations that run in this conversation."""
    rows = db.execute(
        "SELECT generation_id FROM messages INDEXED BY messages_running "
        "WHERE conversation_id = ? AND owner = ? AND state = 'running' ORDER BY seq",
        (conversation_id, owner),
    )
    return tuple(id for (id,) in rows)
