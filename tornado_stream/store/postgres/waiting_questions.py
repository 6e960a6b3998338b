"""Questions that wait for the end of an answer, in PostgreSQL: functions of a connection, called in
a transaction. `store/waiting_questions.py` has their rule.
"""

from __future__ import annotations

from dataclasses import replace

import asyncpg
import orjson

from tornado_stream.store import files
from tornado_stream.store.base import NewAnswer, WaitingQuestion
from tornado_stream.store.postgres.values import from_text, to_text
from tornado_stream.store.spend import now
from tornado_stream.store.waiting_questions import changed, is_asked, reused, sent
from tornado_stream.values.errors import NotFound

_COLUMNS = "conversation_id, request_id, version, message, model, options"
_FILES = (
    "array(SELECT f.id FROM waiting_files w JOIN files f ON f.seq = w.file "
    "WHERE w.conversation_id = waiting.conversation_id ORDER BY w.place)"
)


async def waiting(
    db: asyncpg.Connection, owner: str, conversation_id: str
) -> WaitingQuestion | None:
    row = await db.fetchrow(
        f"SELECT {_COLUMNS}, {_FILES} FROM waiting WHERE conversation_id = $1 AND owner = $2",
        *(conversation_id, owner),
    )
    if row is None:
        return None
    id, request_id, version, message, model, options, ids = row.values()
    texts = from_text(message), from_text(model)
    return WaitingQuestion(id, request_id, version, *texts, orjson.loads(options), tuple(ids))


async def put(db: asyncpg.Connection, owner: str, question: WaitingQuestion) -> WaitingQuestion:
    id = question.conversation_id
    lock = "SELECT 1 FROM conversations WHERE id = $1 AND owner = $2 FOR UPDATE"
    if not await db.fetchval(lock, id, owner):
        raise NotFound("There is no conversation with this id.")
    await _check_unsent(db, question.request_id)
    stored = await waiting(db, owner, id)
    new = replace(question, version=question.version + 1)
    if stored == new:
        return stored  # the client did not get the response to the same request
    _check_version(stored, question.version)
    sql = "SELECT 1 FROM waiting WHERE request_id = $1 AND conversation_id <> $2"
    if await db.fetchval(sql, question.request_id, id):
        raise reused()
    await db.execute(
        f"INSERT INTO waiting (owner, {_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7) "
        "ON CONFLICT (conversation_id) DO UPDATE SET request_id = excluded.request_id, "
        "version = excluded.version, message = excluded.message, model = excluded.model, "
        "options = excluded.options",
        *(owner, id, new.request_id, new.version, to_text(new.message), to_text(new.model)),
        orjson.dumps(new.options).decode(),
    )
    await _let_go(db, id)
    for place, file in enumerate(new.files):
        added = await db.fetchval(
            "INSERT INTO waiting_files (conversation_id, place, owner, file, uploaded_at) "
            "SELECT $1, $2, owner, seq, uploaded_at FROM files WHERE id = $3 AND owner = $4 "
            "FOR KEY SHARE RETURNING 1",
            *(id, place, to_text(file), owner),
        )
        if not added:
            raise files.not_found()
    return new


async def delete(
    db: asyncpg.Connection,
    owner: str,
    conversation_id: str,
    request_id: str | None,
    version: int | None,
) -> None:
    stored = await waiting(db, owner, conversation_id)
    if request_id and (stored is None or stored.request_id != request_id):
        await _check_unsent(db, request_id)
    if stored is None:
        return
    if version is not None:
        _check_version(stored, version)
    sql = "DELETE FROM waiting WHERE conversation_id = $1 AND owner = $2 AND version = $3 "
    if await db.fetchval(f"{sql} RETURNING 1", conversation_id, owner, stored.version):
        await _let_go(db, conversation_id)


async def take(db: asyncpg.Connection, owner: str, new: NewAnswer, count: int) -> list[int]:
    """Take away the question that this answer is the answer to. Raises `Conflict` if the question
    has another text or other files meanwhile. Returns the `seq` of that many new rows, which saves
    a statement."""
    numbers, id, message, version = await db.fetchrow(
        "WITH taken AS (DELETE FROM waiting WHERE request_id = $1 AND owner = $2 "
        "RETURNING conversation_id, message, version) "
        "SELECT array(SELECT nextval('numbers') FROM generate_series(1, $3::int)), "
        "(SELECT conversation_id FROM taken), (SELECT message FROM taken), "
        "(SELECT version FROM taken)",
        *(new.generation_id, owner, count),
    )
    if id and not is_asked(new, from_text(message), await _taken_files(db, id)):
        raise changed(version)
    return sorted(numbers)


async def _taken_files(db: asyncpg.Connection, conversation_id: str) -> list[str]:
    """Take its files from a question that was taken away. Only a further statement sees those of a
    change for whose end the first one has waited."""
    rows = await db.fetch(
        "WITH taken AS (DELETE FROM waiting_files WHERE conversation_id = $1 "
        "RETURNING file, place) SELECT f.id FROM taken JOIN files f ON f.seq = file ORDER BY place",
        conversation_id,
    )
    return [id for (id,) in rows]


async def _let_go(db: asyncpg.Connection, conversation_id: str) -> None:
    """See `store/waiting_questions.py`."""
    await db.execute(
        "WITH gone AS (DELETE FROM waiting_files WHERE conversation_id = $1 RETURNING file) "
        "UPDATE files SET uploaded_at = $2 FROM gone WHERE seq = gone.file",
        *(conversation_id, now()),
    )


async def _check_unsent(db: asyncpg.Connection, request_id: str) -> None:
    if await db.fetchval("SELECT 1 FROM generations WHERE id = $1", request_id):
        raise sent(request_id)


def _check_version(stored: WaitingQuestion | None, version: int) -> None:
    if version != (stored.version if stored else 0):
        raise changed(stored.version if stored else 0)
