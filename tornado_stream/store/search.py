"""The full-text index: trigrams, in tables of bounded size.

A text is a title or a message's content, under the `seq` of its conversation or message. Words
that were deleted stay in an FTS5 index until it has been rewritten, and rewriting one index of
everything would take a quarter of a minute at 500,000 messages. So it is cut into shards by
`seq`: a deletion rewrites only those it touches, some pages in each transaction, and a search
reads them newest first until its page is full.

Indexing a long answer costs more than all else at its end. So a text is only noted when it is
written, and indexed a little later together with others, or when somebody searches.

All functions are given a connection, inside a transaction; what SQLite raises passes through.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from tornado_stream.store.search_text import NEWEST, Matcher, searchable

if TYPE_CHECKING:
    import sqlite3

#: Numbers in one shard. Part of the schema: changing it needs a migration.
SHARD = 8192
#: Texts, and characters of them, after which a step of indexing is over.
STEP_TEXTS, STEP_CHARACTERS = 64, 32_000
#: Pages of a shard that one step of a sweep rewrites.
SWEEP_PAGES = 100
#: Characters of a query that the index is asked for: FTS5 takes minutes for a phrase of thousands
#: in a text that repeats itself.
PHRASE = 16
#: Levels of a shard above which it is made anew, and above which FTS5 takes it for damaged. A sweep
#: that writes come between adds levels, which stay (SQLite 3.40; newer ones stop at 64).
DEEPEST, TOO_DEEP = 1000, 2000
#: The numbers of all texts between two.
_TEXTS = (
    "SELECT seq FROM messages WHERE seq BETWEEN ?1 AND ?2 AND content != '' UNION ALL "
    "SELECT seq FROM conversations WHERE seq BETWEEN ?1 AND ?2 AND title != ''"
)
#: What `sweeps.begun` says: to be begun, begun, and begun before the last removal.
_TO_BEGIN, _BEGUN, _AGAIN = 0, 1, 2
#: How many of the newest texts are searched for one or two characters, which no index helps.
SHORT_SEARCH = 50_000


class Found(NamedTuple):
    """A text that holds the query; `message_id` is None for a title."""

    seq: int
    conversation_id: str
    message_id: str | None


def add(db: sqlite3.Connection, seq: int, text: str) -> None:
    """Have a text indexed that has been written under this number."""
    if text:
        db.execute("INSERT INTO unindexed (seq) VALUES (?)", (seq,))


def catch_up(db: sqlite3.Connection) -> bool:
    """One step of indexing what was added; some ten milliseconds. False: that was all."""
    size = 0
    rows = db.execute("SELECT seq FROM unindexed ORDER BY seq LIMIT ?", (STEP_TEXTS,)).fetchall()
    for (seq,) in rows:
        row = db.execute(
            "SELECT content FROM messages WHERE seq = ?1 UNION ALL "
            "SELECT title FROM conversations WHERE seq = ?1",
            (seq,),
        ).fetchone()
        db.execute("DELETE FROM unindexed WHERE seq = ?", (seq,))
        if row:  # a note of what is gone must not stop every search
            _index(db, seq, row[0])
            size += len(row[0])
        if size >= STEP_CHARACTERS:
            return True
    return len(rows) == STEP_TEXTS


def remove(db: sqlite3.Connection, seq: int, text: str) -> None:
    """Take a text out; it must be the one that was added. Its words go with the next sweep."""
    if text and not db.execute("DELETE FROM unindexed WHERE seq = ?", (seq,)).rowcount:
        shard = seq // SHARD
        table = f"search_{shard}"
        row = (seq, searchable(text))
        db.execute(f"INSERT INTO {table} ({table}, rowid, text) VALUES ('delete', ?, ?)", row)
        _mark(db, shard)


def _index(db: sqlite3.Connection, seq: int, text: str) -> None:
    table = f"search_{seq // SHARD}"
    if not db.execute("SELECT 1 FROM pragma_table_info(?)", (table,)).fetchone():
        _make_shard(db, table)
    db.execute(f"INSERT INTO {table} (rowid, text) VALUES (?, ?)", (seq, searchable(text)))


def _make_shard(db: sqlite3.Connection, table: str) -> None:
    for full in _shards(db)[:1]:
        _mark(db, full)  # in one piece it is searched faster
    db.execute(
        f"CREATE VIRTUAL TABLE {table} USING fts5("
        "text, content = '', columnsize = 0, tokenize = 'trigram')"
    )


def _mark(db: sqlite3.Connection, shard: int) -> None:
    """A sweep that is under way goes on to its end first: begun anew it would never get there."""
    db.execute(
        "INSERT INTO sweeps (shard, begun) VALUES (?, ?) "
        "ON CONFLICT (shard) DO UPDATE SET begun = ? WHERE begun = ?",
        (shard, _TO_BEGIN, _AGAIN, _BEGUN),
    )


def sweep(db: sqlite3.Connection) -> bool:
    """One step towards shards in one piece, without what was removed; some ten milliseconds.
    False: there is nothing left to do."""
    row = db.execute("SELECT shard, begun FROM sweeps ORDER BY shard DESC LIMIT 1").fetchone()
    if row is None:
        return False
    shard, begun = row
    table = f"search_{shard}"
    if _depth(db, table) > DEEPEST:
        _begin_anew(db, shard, table)
        return True
    before = db.total_changes
    pages = SWEEP_PAGES if begun else -SWEEP_PAGES  # negative: take in all that there is
    db.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('merge', ?)", (pages,))
    if db.total_changes - before >= 2:
        db.execute("UPDATE sweeps SET begun = max(begun, ?) WHERE shard = ?", (_BEGUN, shard))
    elif begun == _AGAIN:  # FTS5's way to say that nothing was left to do
        db.execute("UPDATE sweeps SET begun = ? WHERE shard = ?", (_TO_BEGIN, shard))
    else:
        db.execute("DELETE FROM sweeps WHERE shard = ?", (shard,))
        _drop_if_empty(db, shard, table)
    return True


def _drop_if_empty(db: sqlite3.Connection, shard: int, table: str) -> None:
    """Each shard costs every search, and memory. The newest one stays: more comes."""
    is_full = shard < _shards(db)[0]
    if is_full and not db.execute(f"{_TEXTS} LIMIT 1", _numbers(shard)).fetchone():
        db.execute(f"DROP TABLE {table}")


def _depth(db: sqlite3.Connection, table: str) -> int:
    """How many levels an index has: the first number of its structure record, after a cookie."""
    (record,) = db.execute(f"SELECT block FROM {table}_data WHERE id = 10").fetchone()
    depth = 0
    for byte in record[4:]:
        depth = depth << 7 | byte & 127
        if byte < 128:
            break
    return depth


def _begin_anew(db: sqlite3.Connection, shard: int, table: str) -> None:
    """Drop a shard and have its texts indexed again, as if they had just been written."""
    if _depth(db, table) > TOO_DEEP:  # even the dropping would fail: pretend that it is empty
        db.execute(f"UPDATE {table}_data SET block = zeroblob(7) WHERE id = 10")
    db.execute(f"DROP TABLE {table}")
    db.execute("DELETE FROM sweeps WHERE shard = ?", (shard,))
    db.execute(f"INSERT OR IGNORE INTO unindexed (seq) {_TEXTS}", _numbers(shard))


def _numbers(shard: int) -> tuple[int, int]:
    return shard * SHARD, shard * SHARD + SHARD - 1


def find(
    db: sqlite3.Connection, owner: str, query: str, limit: int, before: int
) -> tuple[list[Found], bool]:
    """The newest text of each conversation that holds the query, newest first; and whether there
    are more of them than `limit`. `query` is searchable and not empty."""
    pattern = Matcher(query)
    seen: set[str] = set()
    page: list[Found] = []
    texts = _short(db, owner, query, before) if len(query) < 3 else _long(db, owner, query, before)
    with closing(texts):
        for found in texts:
            if found.conversation_id in seen:
                continue
            seen.add(found.conversation_id)
            if before < NEWEST and _was_found(db, owner, found.conversation_id, pattern, before):
                continue
            if len(page) == limit:
                return page, True
            page.append(found)
    return page, False


def _was_found(db: sqlite3.Connection, owner: str, id: str, pattern: Matcher, before: int) -> bool:
    """Whether the conversation stands on an earlier page, with a newer text."""
    sql = (
        "SELECT content FROM messages WHERE conversation_id = ?1 AND owner = ?2 AND seq >= ?3 "
        "UNION ALL SELECT title FROM conversations WHERE id = ?1 AND owner = ?2 AND seq >= ?3"
    )
    with closing(db.execute(sql, (id, owner, before))) as texts:
        return any(pattern.find(searchable(text)) for (text,) in texts)


def _long(
    db: sqlite3.Connection, owner: str, query: str, before: int
) -> Generator[Found, None, None]:
    phrase = '"' + query[:PHRASE].replace('"', '""') + '"'
    pattern = Matcher(query) if len(query) > PHRASE else None
    text = ", coalesce(m.content, c.title)" if pattern else ""
    for shard in _shards(db):
        if shard <= before // SHARD:
            table = f"search_{shard}"
            sql = (
                f"SELECT {table}.rowid, coalesce(m.conversation_id, c.id), m.id{text} FROM {table} "
                f"LEFT JOIN messages m ON m.seq = {table}.rowid AND m.owner = ?1 "
                f"LEFT JOIN conversations c ON c.seq = {table}.rowid AND c.owner = ?1 "
                f"WHERE {table} MATCH ?2 AND {table}.rowid < ?3 ORDER BY {table}.rowid DESC"
            )
            with closing(db.execute(sql, (owner, phrase, before))) as rows:
                for number, conversation_id, message_id, *more in rows:
                    if conversation_id and (not pattern or pattern.find(searchable(more[0]))):
                        yield Found(number, conversation_id, message_id)


def _shards(db: sqlite3.Connection) -> list[int]:
    rows = db.execute("SELECT name FROM sqlite_master WHERE name GLOB 'search_[0-9]*'").fetchall()
    numbers = [name.removeprefix("search_") for (name,) in rows]
    return sorted((int(number) for number in numbers if number.isdigit()), reverse=True)


def _short(
    db: sqlite3.Connection, owner: str, query: str, before: int
) -> Generator[Found, None, None]:
    likes = _like_patterns(query)
    content, title = (
        " OR ".join([f"{column} LIKE ? ESCAPE '\\'"] * len(likes))
        for column in ("content", "title")
    )
    row = db.execute("SELECT max(seq) FROM messages").fetchone()
    bounds = (owner, before, (row[0] or 0) - SHORT_SEARCH)
    sql = (
        "SELECT seq, conversation_id, id FROM messages "
        f"WHERE owner = ? AND seq < ? AND seq > ? AND ({content}) "
        f"UNION ALL SELECT seq, id, NULL FROM conversations "
        f"WHERE owner = ? AND seq < ? AND seq > ? AND ({title}) ORDER BY 1 DESC"
    )
    with closing(db.execute(sql, (*bounds, *likes, *bounds, *likes))) as rows:
        yield from (Found(*row) for row in rows)


def _like_patterns(query: str) -> list[str]:
    """LIKE knows the letter cases of ASCII alone: the others are spelled out."""
    spellings = [{c} if c.isascii() else {c, c.lower(), c.upper()} for c in query]
    words = sorted("".join(word) for word in product(*spellings))
    for special in "\\%_":
        words = [word.replace(special, "\\" + special) for word in words]
    return [f"%{word}%" for word in words]
