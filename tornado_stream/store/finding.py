"""Finding texts: in the index, among texts that are not in it yet, and without it.

A search reads the newest shard first, and stops when its page is full. SQLite's exceptions pass
through.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, closing
from functools import cache
from heapq import merge
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple
from unicodedata import normalize

from tornado_stream.store import search
from tornado_stream.store.folding import fold
from tornado_stream.store.search_text import NEWEST, Matcher, searchable

if TYPE_CHECKING:
    import sqlite3

#: Most trigrams of a query that the index looks up. The texts that have them all are compared with
#: the query.
TRIGRAMS = 16
#: Most trigrams that begin with a query of two characters, for which the index gives the newest
#: texts first. Looking up a trigram takes a time that grows with the parts of the index.
ALTERNATIVES = 100
#: The newest texts, in which a query of one character is looked for without the index; and the most
#: characters of a text in which SQLite looks for all forms of the character in one step.
SHORT_SEARCH, SHORT_TEXT = 50_000, 16_384
#: Seconds for which a part of a search reads texts that are not in the index, the newest first.
READING = 0.7
#: Code points of letters that fold to another letter: with accents, and of other widths.
_FORMS = (range(0x80, 0x530), range(0x1D00, 0x2000), range(0xF900, 0xFFF0))


class Found(NamedTuple):
    """A text that contains the query. `message_id` is None for a title."""

    seq: int
    conversation_id: str
    message_id: str | None


#: The rows of a text `i`: a message or the file of one, or a conversation.
_OWNERS = (
    "LEFT JOIN message_files u ON u.seq = i.seq AND u.owner = ?1 "
    "LEFT JOIN files f ON f.seq = u.file "
    "LEFT JOIN messages m ON m.seq = coalesce(u.message, i.seq) AND m.owner = ?1 "
    "LEFT JOIN conversations c ON c.seq = i.seq AND c.owner = ?1 "
)
_TEXT = "coalesce(f.text, m.content, c.title)"


def find(
    db: sqlite3.Connection,
    owner: str,
    pattern: Matcher,
    limit: int,
    before: int,
    condition: tuple[str, tuple[str, ...]] = ("", ()),
) -> tuple[list[Found], int | None]:
    """The newest matching text of each conversation, the newest first, at most `limit` of them, and
    the next `before` if there may be more. The query of `pattern` is `searchable` text, and not
    empty. `condition` is SQL that a conversation has to meet, and the values of its parameters."""
    seen: set[str] = set()
    page: list[Found] = []
    sources = [_one_character] if len(pattern.query) == 1 else [_in_index, _not_in_index]
    with ExitStack() as stack:
        texts = [
            stack.enter_context(closing(source(db, owner, pattern, before))) for source in sources
        ]
        for found in merge(*texts, key=lambda found: -found.seq):
            if not found.conversation_id:
                return page, found.seq
            if found.conversation_id in seen:
                continue
            seen.add(found.conversation_id)
            if condition[0] and not _meets(db, owner, found.conversation_id, condition):
                continue
            if before < NEWEST and _was_found(db, owner, found.conversation_id, pattern, before):
                continue
            if len(page) == limit:
                return page, page[-1].seq
            page.append(found)
    return page, None


def _meets(
    db: sqlite3.Connection, owner: str, id: str, condition: tuple[str, tuple[str, ...]]
) -> bool:
    sql = f"SELECT 1 FROM conversations WHERE id = ? AND owner = ? AND {condition[0]}"
    return db.execute(sql, (id, owner, *condition[1])).fetchone() is not None


def _was_found(db: sqlite3.Connection, owner: str, id: str, pattern: Matcher, before: int) -> bool:
    """Whether an earlier page has the conversation, because of a newer text."""
    sql = (
        "SELECT content FROM messages WHERE conversation_id = ?1 AND owner = ?2 AND seq >= ?3 "
        "UNION ALL SELECT title FROM conversations WHERE id = ?1 AND owner = ?2 AND seq >= ?3 "
        "UNION ALL SELECT f.text FROM messages m JOIN message_files u ON u.message = m.seq "
        "JOIN files f ON f.seq = u.file "
        "WHERE m.conversation_id = ?1 AND m.owner = ?2 AND u.seq >= ?3"
    )
    with closing(db.execute(sql, (id, owner, before))) as texts:
        return any(pattern.is_in(searchable(text)) for (text,) in texts)


def _in_index(
    db: sqlite3.Connection, owner: str, pattern: Matcher, before: int
) -> Generator[Found, None, None]:
    """The texts that the index has. It does not know where a text has a trigram, so a text is
    compared with a query of more than one. Then no text makes a step of SQLite long."""
    is_exact = len(pattern.query) <= 3
    text = "NULL" if is_exact else _TEXT
    for shard in search.shards(db):
        if shard <= before // search.SHARD:
            seqs, values = _with_trigrams(db, shard, pattern.query)
            sql = (
                f"SELECT i.seq, coalesce(m.conversation_id, c.id), m.id, {text} FROM ({seqs}) i "
                f"{_OWNERS} WHERE i.seq < ?2 ORDER BY i.seq DESC"
            )
            with closing(db.execute(sql, (owner, before, *values))) as rows:
                for seq, conversation_id, message_id, content in rows:
                    if conversation_id and (is_exact or pattern.is_in(searchable(content))):
                        yield Found(seq, conversation_id, message_id)


def _with_trigrams(db: sqlite3.Connection, shard: int, query: str) -> tuple[str, tuple[str, ...]]:
    """SQL for each `seq` of a text that has the trigrams of the query, and its parameters from the
    third on."""
    table = f"search_{shard}"
    matching = f"SELECT rowid AS seq FROM {table} WHERE {table} MATCH ?3"
    if len(query) > 2:
        trigrams = dict.fromkeys(query[at : at + 3] for at in range(len(query) - 2))
        return matching, (" AND ".join(map(_quoted, islice(trigrams, TRIGRAMS))),)
    for kind in ("row", "instance"):
        db.execute(
            f"CREATE VIRTUAL TABLE IF NOT EXISTS temp.{kind}_{shard} "
            f"USING fts5vocab(main, {table}, {kind})"
        )
    bounds = query, query + "\U0010ffff"
    sql = f"SELECT term FROM temp.row_{shard} WHERE term >= ? AND term < ? LIMIT ?"
    terms = db.execute(sql, (*bounds, ALTERNATIVES + 1)).fetchall()
    if 0 < len(terms) <= ALTERNATIVES:
        return matching, (" OR ".join(_quoted(term) for (term,) in terms),)
    where = "WHERE term >= ?3 AND term < ?4"
    return f"SELECT DISTINCT doc AS seq FROM temp.instance_{shard} {where}", bounds


def _quoted(term: str) -> str:
    """A trigram in the language of FTS5."""
    return '"' + term.replace('"', '""') + '"'


def _not_in_index(
    db: sqlite3.Connection, owner: str, pattern: Matcher, before: int
) -> Generator[Found, None, None]:
    """The texts that are recorded to be indexed. There may be many, so the time is limited: the
    last one that was read then comes with no conversation."""
    until = monotonic() + READING
    sql = (
        f"SELECT i.seq, coalesce(m.conversation_id, c.id), m.id, {_TEXT} FROM unindexed i "
        f"{_OWNERS} WHERE i.seq < ?2 ORDER BY i.seq DESC"
    )
    with closing(db.execute(sql, (owner, before))) as rows:
        for seq, conversation_id, message_id, text in rows:
            if conversation_id and pattern.is_in(searchable(text)):
                yield Found(seq, conversation_id, message_id)
            if monotonic() > until:
                yield Found(seq, "", None)
                return


def _one_character(
    db: sqlite3.Connection, owner: str, pattern: Matcher, before: int
) -> Generator[Found, None, None]:
    likes = _like_patterns(pattern.query)
    content, title, text = (
        f"length({column}) > {SHORT_TEXT}" + f" OR {column} LIKE ? ESCAPE '\\'" * len(likes)
        for column in ("content", "title", "text")
    )
    row = db.execute("SELECT max(seq) FROM messages").fetchone()
    bounds = (owner, before, (row[0] or 0) - SHORT_SEARCH)
    sql = (
        f"SELECT seq, conversation_id, id, iif(length(content) > {SHORT_TEXT}, content, NULL) "
        f"FROM messages WHERE owner = ? AND seq < ? AND seq > ? AND ({content}) "
        f"UNION ALL SELECT seq, id, NULL, iif(length(title) > {SHORT_TEXT}, title, NULL) "
        "FROM conversations "
        f"WHERE owner = ? AND seq < ? AND seq > ? AND ({title}) UNION ALL "
        "SELECT u.seq, m.conversation_id, m.id, "
        f"iif(length(f.text) > {SHORT_TEXT}, f.text, NULL) FROM message_files u "
        "JOIN files f ON f.seq = u.file JOIN messages m ON m.seq = u.message "
        f"WHERE u.owner = ? AND u.seq < ? AND u.seq > ? AND ({text}) ORDER BY 1 DESC"
    )
    with closing(db.execute(sql, (*bounds, *likes) * 3)) as rows:
        for *found, long_text in rows:
            if long_text is None or pattern.is_in(searchable(long_text)):
                yield Found(*found)


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
