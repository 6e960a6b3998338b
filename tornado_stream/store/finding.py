"""Finding texts: in the index, among texts that are not in it yet, and without it.

A search reads the newest shard first, and stops when its page is full. SQLite's exceptions pass
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

from tornado_stream.store import search
from tornado_stream.store.folding import fold
from tornado_stream.store.search_text import NEWEST, Matcher, searchable

if TYPE_CHECKING:
    import sqlite3

#: Most characters of a query that the index looks up (`_looked_up`). If the query has more, each
#: text found is compared with it, because FTS5 takes minutes for a phrase of thousands in a text
#: that repeats itself.
PHRASE = 16
#: The newest texts, in which a query of one character is looked for without the index.
SHORT_SEARCH = 50_000
#: Seconds for which a search reads texts that are not in the index, the newest first.
READING = 0.7
#: Code points of letters that fold to another letter: with accents, and of other widths.
_FORMS = (range(0x80, 0x530), range(0x1D00, 0x2000), range(0xF900, 0xFFF0))


class Found(NamedTuple):
    """A text that contains the query. `message_id` is None for a title."""

    seq: int
    conversation_id: str
    message_id: str | None


def find(
    db: sqlite3.Connection,
    owner: str,
    query: str,
    limit: int,
    before: int,
    condition: tuple[str, tuple[str, ...]] = ("", ()),
) -> tuple[list[Found], bool]:
    """The newest matching text of each conversation, the newest first, and whether there are more
    than `limit`. `query` is `searchable` and folded text, and not empty. `condition` is SQL
    that a conversation has to meet, and the values of its parameters."""
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
            if condition[0] and not _meets(db, owner, found.conversation_id, condition):
                continue
            if before < NEWEST and _was_found(db, owner, found.conversation_id, pattern, before):
                continue
            if len(page) == limit:
                return page, True
            page.append(found)
    return page, False


def _meets(
    db: sqlite3.Connection, owner: str, id: str, condition: tuple[str, tuple[str, ...]]
) -> bool:
    sql = f"SELECT 1 FROM conversations WHERE id = ? AND owner = ? AND {condition[0]}"
    return db.execute(sql, (id, owner, *condition[1])).fetchone() is not None


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
    for shard in search.shards(db):
        phrase = _phrase(db, shard, query) if shard <= before // search.SHARD else ""
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
    trigrams = [query[begin : begin + 3] for begin in range(min(len(query), PHRASE) - 2)]
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
