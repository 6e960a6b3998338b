"""The full-text index: trigrams in FTS5 tables of bounded size, the shards.

A text is the title of a conversation or the content of a message, and has the `seq` of its row.
FTS5 keeps deleted words until an index is rewritten. One index of all texts would take a quarter
of a minute to rewrite at 500,000 messages, so there is one shard for each range of `seq`. A
deletion rewrites ("sweeps") only the shards it touches, some pages in each transaction. A search
reads the newest shard first, and stops when its page is full.

Indexing a long answer costs more than all other work at its end. So a write only records the
`seq` of its text in the table `unindexed`. `catch_up` indexes the recorded texts a little later;
until then, a search reads them.

An index has texts as `fold` makes them, with two spaces behind them. So each character begins a
trigram, and a query of two characters is looked up by the trigrams that begin with it. A migration
that changes what is indexed makes the old shards garbage, which `wipe_old` removes, and records all
texts anew.

All functions take a connection and are called inside a transaction. SQLite's exceptions pass
through.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, closing
from functools import cache
from heapq import merge
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple
from unicodedata import normalize

from tornado_stream.store.folding import fold
from tornado_stream.store.search_text import NEWEST, Matcher, searchable

if TYPE_CHECKING:
    import sqlite3

#: Values of `seq` in one shard. It is part of the schema: a change needs a migration.
SHARD = 8192
#: A step of indexing ends after this many texts, or this many characters.
STEP_TEXTS, STEP_CHARACTERS = 64, 32_000
#: Pages that one step of a sweep rewrites, and rows that one step removes from an old index.
SWEEP_PAGES, WIPED_ROWS = 100, 400
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
#: The newest texts, in which a query of one character is looked for without the index.
SHORT_SEARCH = 50_000
#: Seconds for which a search reads texts that are not in the index, the newest first.
READING = 0.7
#: What the names of old shards begin with.
OLD = "old_search_"
#: The characters that one can be a form of: those of alphabets with accents, and of other widths.
_FORMS = (range(0x80, 0x530), range(0x1D00, 0x2000), range(0xF900, 0xFFF0))


class Found(NamedTuple):
    """A text that contains the query. `message_id` is None for a title."""

    seq: int
    conversation_id: str
    message_id: str | None


def add(db: sqlite3.Connection, seq: int, text: str) -> None:
    """Record that the text with this `seq` has to be indexed."""
    if text:
        db.execute("INSERT OR IGNORE INTO unindexed (seq) VALUES (?)", (seq,))


def catch_up(db: sqlite3.Connection) -> bool:
    """Index some of the recorded texts, the newest first, for some ten milliseconds. False if none
    is left."""
    size = 0
    sql = "SELECT seq FROM unindexed ORDER BY seq DESC LIMIT ?"
    rows = db.execute(sql, (STEP_TEXTS,)).fetchall()
    for (seq,) in reversed(rows):  # FTS5 flushes when a number is lower than the one before
        row = db.execute(
            "SELECT content FROM messages WHERE seq = ?1 UNION ALL "
            "SELECT title FROM conversations WHERE seq = ?1",
            (seq,),
        ).fetchone()
        db.execute("DELETE FROM unindexed WHERE seq = ?", (seq,))
        if row and row[0]:  # a record of a missing text must not make every search fail
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
        row = (seq, _indexed(text))
        db.execute(f"INSERT INTO {table} ({table}, rowid, text) VALUES ('delete', ?, ?)", row)
        _request_sweep(db, shard)


def _indexed(text: str) -> str:
    """What the index has of a text."""
    return fold(searchable(text)) + "  "


def _index(db: sqlite3.Connection, seq: int, text: str) -> None:
    table = f"search_{seq // SHARD}"
    if not db.execute("SELECT 1 FROM pragma_table_info(?)", (table,)).fetchone():
        _make_shard(db, seq // SHARD)
    db.execute(f"INSERT INTO {table} (rowid, text) VALUES (?, ?)", (seq, _indexed(text)))


def _make_shard(db: sqlite3.Connection, shard: int) -> None:
    if shards := _shards(db):  # the one that was filled before is faster as a single segment
        _request_sweep(db, shards[0] if shard > shards[0] else shards[-1])
    db.execute(
        f"CREATE VIRTUAL TABLE search_{shard} USING fts5("
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


def make_old(db: sqlite3.Connection) -> None:
    """Make all shards garbage, and record all texts. This takes a short time, whatever there is."""
    for shard in _shards(db):
        # An index that is empty can be opened and dropped, whatever is left of it.
        db.execute(f"UPDATE search_{shard}_data SET block = zeroblob(7) WHERE id = 10")
        db.execute(f"ALTER TABLE search_{shard} RENAME TO {OLD}{shard}")
    db.execute("DELETE FROM sweeps")
    db.execute(
        "INSERT OR IGNORE INTO unindexed (seq) SELECT seq FROM conversations UNION ALL "
        "SELECT seq FROM messages "
        "WHERE seq NOT IN (SELECT seq FROM messages WHERE state = 'running')"
    )


def wipe_old(db: sqlite3.Connection) -> bool:
    """Remove a part of an old shard, for some ten milliseconds. False if none is left."""
    sql = f"SELECT name FROM sqlite_master WHERE name GLOB '{OLD}*' AND sql LIKE '%fts5(%'"
    row = db.execute(sql).fetchone()
    if row is None:
        return False
    some = f"SELECT id FROM {row[0]}_data WHERE id > 10 LIMIT {WIPED_ROWS}"
    if not db.execute(f"DELETE FROM {row[0]}_data WHERE id IN ({some})").rowcount:
        db.execute(f"DROP TABLE {row[0]}")
    return True


def find(
    db: sqlite3.Connection, owner: str, query: str, limit: int, before: int
) -> tuple[list[Found], bool]:
    """The newest matching text of each conversation, the newest first, and whether there are more
    than `limit`. `query` is `searchable` and folded text, and not empty."""
    pattern = Matcher(query)
    seen: set[str] = set()
    page: list[Found] = []
    if len(query) == 1:
        sources = [_one_character(db, owner, query, before)]
    else:
        sources = [_in_index(db, owner, query, before), _not_in_index(db, owner, pattern, before)]
    with ExitStack() as stack:
        texts = [stack.enter_context(closing(source)) for source in sources]
        for found in merge(*texts, key=lambda found: -found.seq):
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
        return any(pattern.is_in(searchable(text)) for (text,) in texts)


def _in_index(
    db: sqlite3.Connection, owner: str, query: str, before: int
) -> Generator[Found, None, None]:
    pattern = Matcher(query) if len(query) > len(_looked_up(query)) else None
    text = ", coalesce(m.content, c.title)" if pattern else ""
    for shard in _shards(db):
        phrase = _phrase(db, shard, query) if shard <= before // SHARD else ""
        if phrase:
            table = f"search_{shard}"
            sql = (
                f"SELECT {table}.rowid, coalesce(m.conversation_id, c.id), m.id{text} FROM {table} "
                f"LEFT JOIN messages m ON m.seq = {table}.rowid AND m.owner = ?1 "
                f"LEFT JOIN conversations c ON c.seq = {table}.rowid AND c.owner = ?1 "
                f"WHERE {table} MATCH ?2 AND {table}.rowid < ?3 ORDER BY {table}.rowid DESC"
            )
            with closing(db.execute(sql, (owner, phrase, before))) as rows:
                for number, conversation_id, message_id, *more in rows:
                    if conversation_id and (not pattern or pattern.is_in(searchable(more[0]))):
                        yield Found(number, conversation_id, message_id)


def _looked_up(query: str) -> str:
    """The beginning of the query up to the first trigram that comes twice.

    For each trigram of a phrase, FTS5 reads where a text has it, and nothing can interrupt that. If
    the trigrams differ, these places are not more than the text has characters.
    """
    letters = query[:PHRASE]
    trigrams = [tuple(letters[begin : begin + 3]) for begin in range(len(letters) - 2)]
    for number, trigram in enumerate(trigrams):
        if trigram in trigrams[:number]:
            return query[: number + 2]
    return query[:PHRASE]


def _phrase(db: sqlite3.Connection, shard: int, query: str) -> str:
    """The query in the language of FTS5; empty if the shard cannot have it."""
    terms = [_looked_up(query)]
    if len(query) == 2:
        table = f"temp.terms_{shard}"
        db.execute(
            f"CREATE VIRTUAL TABLE IF NOT EXISTS {table} USING fts5vocab(main, search_{shard}, row)"
        )
        sql = f"SELECT term FROM {table} WHERE term >= ? AND term < ?"
        terms = [term for (term,) in db.execute(sql, (query, query + "\U0010ffff"))]
    return " OR ".join('"' + term.replace('"', '""') + '"' for term in terms)


def _not_in_index(
    db: sqlite3.Connection, owner: str, pattern: Matcher, before: int
) -> Generator[Found, None, None]:
    """The texts that are recorded to be indexed. There may be many, so the time is limited."""
    until = monotonic() + READING
    sql = (
        "SELECT u.seq, coalesce(m.conversation_id, c.id), m.id, coalesce(m.content, c.title) "
        "FROM unindexed u LEFT JOIN messages m ON m.seq = u.seq AND m.owner = ?1 "
        "LEFT JOIN conversations c ON c.seq = u.seq AND c.owner = ?1 "
        "WHERE u.seq < ?2 ORDER BY u.seq DESC"
    )
    with closing(db.execute(sql, (owner, before))) as rows:
        for seq, conversation_id, message_id, text in rows:
            if conversation_id and pattern.is_in(searchable(text)):
                yield Found(seq, conversation_id, message_id)
            if monotonic() > until:
                return


def _shards(db: sqlite3.Connection) -> list[int]:
    rows = db.execute("SELECT name FROM sqlite_master WHERE name GLOB 'search_[0-9]*'").fetchall()
    numbers = [name.removeprefix("search_") for (name,) in rows]
    return sorted((int(number) for number in numbers if number.isdigit()), reverse=True)


def _one_character(
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


def _like_patterns(character: str) -> list[str]:
    forms = {character, normalize("NFD", character), *_forms().get(character, "")}
    special = {"\\", "%", "_"}
    return [f"%\\{form}%" if form in special else f"%{form}%" for form in sorted(forms)]


@cache
def _forms() -> dict[str, list[str]]:
    """The characters in which a folded character is found; LIKE ignores the case of ASCII only."""
    forms: dict[str, list[str]] = {}
    for character in (chr(code) for codes in _FORMS for code in codes):
        for folded in fold(character):
            forms.setdefault(folded, []).append(character)
    return forms
