"""The full-text index: trigrams in FTS5 tables of bounded size, the shards.

A text is the title of a conversation, the content of a message, or the text of a file that a
message has. It has the `seq` of its row, which for a file is that of its use by the message.
FTS5 keeps deleted words until an index is rewritten. One index of all texts would take a quarter
of a minute to rewrite at 500,000 messages, so there is one shard for each range of `seq`. A
deletion rewrites ("sweeps") only the shards it touches, some pages in each transaction.
`finding.py` searches in them.

Indexing a long answer costs more than all other work at its end. So a write only records the
`seq` of its text in the table `unindexed`. `catch_up` indexes the recorded texts a little later;
until then, a search reads them.

An index has texts as `fold` makes them, with two spaces behind them. So each character begins a
trigram, and a query of two characters is looked up by the trigrams that begin with it. An index
knows which texts have a trigram, and not where. Otherwise the places of one trigram could fill
megabytes, and FTS5 reads and sweeps them in one step that nothing can interrupt. A migration that
changes what is indexed makes the old shards garbage, which `wipe_old` removes, and records all
texts anew.

All functions take a connection and are called inside a transaction. SQLite's exceptions pass
through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tornado_stream.store.folding import fold, fold_in_pieces
from tornado_stream.store.search_text import searchable

if TYPE_CHECKING:
    import sqlite3

#: Values of `seq` in one shard. It is part of the schema: a change needs a migration.
SHARD = 8192
#: A step of indexing ends after this many texts, or when it has this many characters. The rest of a
#: longer text has steps of its own.
STEP_TEXTS, STEP_CHARACTERS = 64, 32_000
#: Pages that one step of a sweep rewrites, and rows that one step removes from an old index.
SWEEP_PAGES, WIPED_ROWS = 100, 400
#: A shard with more levels than DEEPEST is rebuilt; FTS5 treats one with more than TOO_DEEP as
#: damaged. If writes run between the steps of a sweep, the sweep adds levels and does not remove
#: them (SQLite 3.40; newer versions stop at 64 levels).
DEEPEST, TOO_DEEP = 1000, 2000
#: Selects the `seq` of all texts between two values.
_TEXTS = (
    "SELECT seq FROM messages WHERE seq BETWEEN ?1 AND ?2 AND content != '' UNION ALL "
    "SELECT seq FROM conversations WHERE seq BETWEEN ?1 AND ?2 AND title != '' UNION ALL "
    "SELECT u.seq FROM message_files u JOIN files f ON f.seq = u.file "
    "WHERE u.seq BETWEEN ?1 AND ?2 AND f.text != ''"
)
#: Values of `sweeps.begun`: not begun, begun, and begun before the last removal of a text.
_TO_BEGIN, _BEGUN, _AGAIN = 0, 1, 2
#: What the names of old shards begin with.
OLD = "old_search_"


def add(db: sqlite3.Connection, seq: int, text: str) -> None:
    """Record that the text with this `seq` has to be indexed."""
    if text:
        db.execute("INSERT OR IGNORE INTO unindexed (seq) VALUES (?)", (seq,))


def catch_up(db: sqlite3.Connection) -> bool:
    """Index some of the recorded texts, the newest first, for some ten milliseconds. False if none
    is left."""
    size = 0
    sql = "SELECT seq, done, carry FROM unindexed ORDER BY seq DESC LIMIT ?"
    rows = db.execute(sql, (STEP_TEXTS,)).fetchall()
    for seq, done, carry in reversed(rows):  # FTS5 flushes when a number is lower than before
        row = db.execute(
            "SELECT content FROM messages WHERE seq = ?1 UNION ALL "
            "SELECT title FROM conversations WHERE seq = ?1 UNION ALL "
            "SELECT f.text FROM message_files u JOIN files f ON f.seq = u.file WHERE u.seq = ?1",
            (seq,),
        ).fetchone()
        # A record of a missing text must not make every search fail.
        size += _index(db, seq, row[0], done, carry) if row and row[0] else _forget(db, seq)
        if size >= STEP_CHARACTERS:
            return True
    return len(rows) == STEP_TEXTS


def remove(db: sqlite3.Connection, seq: int, text: str) -> None:
    """Remove a text from the index; it must be the text that was indexed.

    The next sweep of its shard wipes its words from the disk.
    """
    sql = "SELECT done FROM unindexed WHERE seq = ?"
    (done,) = db.execute(sql, (seq,)).fetchone() or (None,)
    _forget(db, seq)
    indexed = _indexed(text) if done is None else fold(searchable(text)[:done])
    if text and indexed:
        shard = seq // SHARD
        table = f"search_{shard}"
        row = (seq, indexed)
        db.execute(f"INSERT INTO {table} ({table}, rowid, text) VALUES ('delete', ?, ?)", row)
        _request_sweep(db, shard)


def _indexed(text: str) -> str:
    """What the index has of a text."""
    return fold(searchable(text)) + "  "


def _forget(db: sqlite3.Connection, seq: int) -> int:
    db.execute("DELETE FROM unindexed WHERE seq = ?", (seq,))
    return 0


def _index(db: sqlite3.Connection, seq: int, text: str, done: int, carry: str) -> int:
    """Index the next part of a text, and return about how many characters it has. `done` characters
    are indexed, and when they are folded, `carry` is their end."""
    table = f"search_{seq // SHARD}"
    if not db.execute("SELECT 1 FROM pragma_table_info(?)", (table,)).fetchone():
        _make_shard(db, seq // SHARD)
    rest = searchable(text)[done:]
    for place, piece in fold_in_pieces(rest):
        if place >= STEP_CHARACTERS:
            sql = "UPDATE unindexed SET done = ?, carry = ? WHERE seq = ?"
            db.execute(sql, (done + place, carry[-2:], seq))
            break
        carry += piece
    else:
        _forget(db, seq)
        carry, place = carry + "  ", len(rest)
    db.execute(f"INSERT INTO {table} (rowid, text) VALUES (?, ?)", (seq, carry))
    return place


def _make_shard(db: sqlite3.Connection, shard: int) -> None:
    if filled := shards(db):  # the one that was filled before is faster as a single segment
        _request_sweep(db, filled[0] if shard > filled[0] else filled[-1])
    db.execute(
        f"CREATE VIRTUAL TABLE search_{shard} USING fts5("
        "text, content = '', columnsize = 0, detail = none, tokenize = 'trigram')"
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
    is_full = shard < shards(db)[0]
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
    db.execute(f"INSERT OR REPLACE INTO unindexed (seq) {_TEXTS}", _range(shard))


def _range(shard: int) -> tuple[int, int]:
    return shard * SHARD, shard * SHARD + SHARD - 1


def make_old(db: sqlite3.Connection) -> None:
    """Make all shards garbage, and record all texts. This takes a short time, whatever there is.
    Migrations before that of the files call it, so a later one records the texts of files itself.
    """
    # What an earlier migration made old may still be there.
    sql = (
        f"SELECT max(0 + substr(name, {len(OLD) + 1})) FROM sqlite_master WHERE name GLOB '{OLD}*'"
    )
    (last,) = db.execute(sql).fetchone()
    for number, shard in enumerate(shards(db), 0 if last is None else last + 1):
        # An index that is empty can be opened and dropped, whatever is left of it.
        db.execute(f"UPDATE search_{shard}_data SET block = zeroblob(7) WHERE id = 10")
        db.execute(f"ALTER TABLE search_{shard} RENAME TO {OLD}{number}")
    db.execute("DELETE FROM sweeps")
    db.execute(
        "INSERT OR REPLACE INTO unindexed (seq) SELECT seq FROM conversations UNION ALL "
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


def shards(db: sqlite3.Connection) -> list[int]:
    """The numbers of the shards, the newest first."""
    rows = db.execute("SELECT name FROM sqlite_master WHERE name GLOB 'search_[0-9]*'").fetchall()
    numbers = [name.removeprefix("search_") for (name,) in rows]
    return sorted((int(number) for number in numbers if number.isdigit()), reverse=True)
