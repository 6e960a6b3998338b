"""The full-text index: trigrams in FTS5 tables of bounded size, the shards.

A text is the title of a conversation or the content of a message, and has the `seq` of its row.
FTS5 keeps deleted words until an index is rewritten. One index of all texts would take a quarter
of a minute to rewrite at 500,000 messages, so there is one shard for each range of `seq`. A
deletion rewrites ("sweeps") only the shards it touches, some pages in each transaction. A search
reads the newest shard first, and stops when its page is full.

Indexing a long answer costs more than all other work at its end. So a write only records the
`seq` of its text in the table `unindexed`. `catch_up` indexes the recorded texts a little later,
or before a search.

All functions take a connection and are called inside a transaction. SQLite's exceptions pass
through.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from tornado_stream.store.search_text import NEWEST, Matcher, searchable

if TYPE_CHECKING:
    import sqlite3

#: Values of `seq` in one shard. It is part of the schema: a change needs a migration.
SHARD = 8192
#: A step of indexing ends after this many texts, or this many characters.
STEP_TEXTS, STEP_CHARACTERS = 64, 32_000
#: Pages that one step of a sweep rewrites.
SWEEP_PAGES = 100
#: Most characters of a query that the index looks up (`_looked_up`). If the query has more, each
#: text found is compared with it, because FTS5 takes minutes for a phrase of thousands in a text
#: that repeats itself.
PHRASE = 16
#: A shard with more levels than DEEPEST is rebuilt; FTS5 treats one with more than TOO_DEEP as
#: damaged. If writes run between the steps of a sweep, the sweep adds levels and does not remove
#: them (SQLite 3.40; newer versions stop at 64 levels).
DEEPEST, TOO_DEEP = 1000, 2000
#: Selects the `seq` of all texts between two values.
_TEXTS = (
    "SELECT seq FROM messages WHERE seq BETWEEN ?1 AND ?2 AND content != '' UNION ALL "
    "SELECT seq FROM conversations WHERE seq BETWEEN ?1 AND ?2 AND title != ''"
)
#: Values of `sweeps.begun`: not begun, begun, and begun before the last removal of a text.
_TO_BEGIN, _BEGUN, _AGAIN = 0, 1, 2
#: The newest texts, in which a query of one or two characters is looked for without the index.
SHORT_SEARCH = 50_000


class Found(NamedTuple):
    """A text that contains the query. `message_id` is None for a title."""

    seq: int
    conversation_id: str
    message_id: str | None


def add(db: sqlite3.Connection, seq: int, text: str) -> None:
    """Record that the text with this `seq` has to be indexed."""
    if text:
        db.execute("INSERT INTO unindexed (seq) VALUES (?)", (seq,))


def catch_up(db: sqlite3.Connection) -> bool:
    """Index some of the recorded texts, for some ten milliseconds. False if none is left."""
    size = 0
    rows = db.execute("SELECT seq FROM unindexed ORDER BY seq LIMIT ?", (STEP_TEXTS,)).fetchall()
    for (seq,) in rows:
        row = db.execute(
            "SELECT content FROM messages WHERE seq = ?1 UNION ALL "
            "SELECT title FROM conversations WHERE seq = ?1",
            (seq,),
        ).fetchone()
        db.execute("DELETE FROM unindexed WHERE seq = ?", (seq,))
        if row:  # a record of a missing text must not make every search fail
            _index(db, seq, row[0])
            size += len(row[0])
        if size >= STEP_CHARACTERS:
            return True
    return len(rows) == STEP_TEXTS


def remove(db: sqlite3.Connection, seq: int, text: str) -> None:
    """Remove a text from the index; it must be the text that was indexed.

    The next sweep of its shard wipes its words from the disk.
    """
    if text and not db.execute("DELETE FROM unindexed WHERE seq = ?", (seq,)).rowcount:
        shard = seq // SHARD
        table = f"search_{shard}"
        row = (seq, searchable(text))
        db.execute(f"INSERT INTO {table} ({table}, rowid, text) VALUES ('delete', ?, ?)", row)
        _request_sweep(db, shard)


def _index(db: sqlite3.Connection, seq: int, text: str) -> None:
    table = f"search_{seq // SHARD}"
    if not db.execute("SELECT 1 FROM pragma_table_info(?)", (table,)).fetchone():
        _make_shard(db, table)
    db.execute(f"INSERT INTO {table} (rowid, text) VALUES (?, ?)", (seq, searchable(text)))


def _make_shard(db: sqlite3.Connection, table: str) -> None:
    for full in _shards(db)[:1]:
        _request_sweep(db, full)  # a search is faster if the shard is a single segment
    db.execute(
        f"CREATE VIRTUAL TABLE {table} USING fts5("
        "text, content = '', columnsize = 0, tokenize = 'trigram')"
    )


def _request_sweep(db: sqlite3.Connection, shard: int) -> None:
    """Sweep this shard. A sweep in progress is finished first, and then begun again: if each
    request restarted it, it might never end."""
    db.execute(
        "INSERT INTO sweeps (shard, begun) VALUES (?, ?) "
        "ON CONFLICT (shard) DO UPDATE SET begun = ? WHERE begun = ?",
        (shard, _TO_BEGIN, _AGAIN, _BEGUN),
    )


def sweep(db: sqlite3.Connection) -> bool:
    """Merge some pages of a shard, for some ten milliseconds. False if nothing is left to do.

    At the end of a sweep the shard is a single segment, without the words of removed texts.
    """
    row = db.execute("SELECT shard, begun FROM sweeps ORDER BY shard DESC LIMIT 1").fetchone()
    if row is None:
        return False
    shard, begun = row
    table = f"search_{shard}"
    if _depth(db, table) > DEEPEST:
        _rebuild(db, shard, table)
        return True
    before = db.total_changes
    pages = SWEEP_PAGES if begun else -SWEEP_PAGES  # negative: begin a merge of all segments
    db.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('merge', ?)", (pages,))
    if db.total_changes - before >= 2:
        db.execute("UPDATE sweeps SET begun = max(begun, ?) WHERE shard = ?", (_BEGUN, shard))
    elif begun == _AGAIN:  # FTS5 made less than 2 changes: the merge is complete
        db.execute("UPDATE sweeps SET begun = ? WHERE shard = ?", (_TO_BEGIN, shard))
    else:
        db.execute("DELETE FROM sweeps WHERE shard = ?", (shard,))
        _drop_if_empty(db, shard, table)
    return True


def _drop_if_empty(db: sqlite3.Connection, shard: int, table: str) -> None:
    """Every shard slows each search, so empty ones are dropped, except the newest, still being
    filled."""
    is_full = shard < _shards(db)[0]
    if is_full and not db.execute(f"{_TEXTS} LIMIT 1", _range(shard)).fetchone():
        db.execute(f"DROP TABLE {table}")


def _depth(db: sqlite3.Connection, table: str) -> int:
    """The number of levels of an index: the first varint of its structure record, which follows a
    cookie of 4 bytes."""
    (record,) = db.execute(f"SELECT block FROM {table}_data WHERE id = 10").fetchone()
    depth = 0
    for byte in record[4:]:
        depth = depth << 7 | byte & 127
        if byte < 128:
            break
    return depth


def _rebuild(db: sqlite3.Connection, shard: int, table: str) -> None:
    """Drop a shard, and record its texts so that `catch_up` indexes them again."""
    if _depth(db, table) > TOO_DEEP:  # DROP TABLE would fail too, so make the index empty first
        db.execute(f"UPDATE {table}_data SET block = zeroblob(7) WHERE id = 10")
    db.execute(f"DROP TABLE {table}")
    db.execute("DELETE FROM sweeps WHERE shard = ?", (shard,))
    db.execute(f"INSERT OR IGNORE INTO unindexed (seq) {_TEXTS}", _range(shard))


def _range(shard: int) -> tuple[int, int]:
    return shard * SHARD, shard * SHARD + SHARD - 1


def find(
    db: sqlite3.Connection, owner: str, query: str, limit: int, before: int
) -> tuple[list[Found], bool]:
    """The newest matching text of each conversation, the newest first, and whether there are more
    than `limit`. `query` is `searchable` text, and not empty."""
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
    """Whether an earlier page has the conversation, because of a newer text."""
    sql = (
        "SELECT content FROM messages WHERE conversation_id = ?1 AND owner = ?2 AND seq >= ?3 "
        "UNION ALL SELECT title FROM conversations WHERE id = ?1 AND owner = ?2 AND seq >= ?3"
    )
    with closing(db.execute(sql, (id, owner, before))) as texts:
        return any(pattern.find(searchable(text)) for (text,) in texts)


def _long(
    db: sqlite3.Connection, owner: str, query: str, before: int
) -> Generator[Found, None, None]:
    looked_up = _looked_up(query)
    phrase = '"' + looked_up.replace('"', '""') + '"'
    pattern = Matcher(query) if len(query) > len(looked_up) else None
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


def _looked_up(query: str) -> str:
    """The beginning of the query up to the first trigram that comes twice.

    For each trigram of a phrase, FTS5 reads where a text has it, and nothing can interrupt that. If
    the trigrams differ, these places are not more than the text has characters.
    """
    letters = [character.lower() for character in query[:PHRASE]]
    trigrams = [tuple(letters[begin : begin + 3]) for begin in range(len(letters) - 2)]
    for number, trigram in enumerate(trigrams):
        if trigram in trigrams[:number]:
            return query[: number + 2]
    return query[:PHRASE]


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
    """LIKE ignores the letter case of ASCII only, so other letters are given in both cases."""
    spellings = [{c} if c.isascii() else {c, c.lower(), c.upper()} for c in query]
    words = sorted("".join(word) for word in product(*spellings))
    for special in "\\%_":
        words = [word.replace(special, "\\" + special) for word in words]
    return [f"%{word}%" for word in words]
