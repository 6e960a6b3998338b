"""Questions that wait for the end of an answer, as SQL: functions of a connection, to be called
inside a transaction.

The rule: the transaction that begins an answer takes the question with the answer's id away. So a
question waits or was asked, never both and never neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from tornado_stream.store import files
from tornado_stream.store.base import NewAnswer, WaitingQuestion
from tornado_stream.store.spend import now
from tornado_stream.values.errors import Conflict, NotFound

if TYPE_CHECKING:
    import sqlite3

_COLUMNS = "conversation_id, request_id, version, message, model, options"


def waiting(db: sqlite3.Connection, owner: str, conversation_id: str) -> WaitingQuestion | None:
    row = db.execute(
        f"SELECT {_COLUMNS} FROM waiting WHERE conversation_id = ? AND owner = ?",
        (conversation_id, owner),
    ).fetchone()
    if row is None:
        return None
    id, request_id, version, message, model, options = row
    ids = _files(db, id)
    return WaitingQuestion(id, request_id, version, message, model, orjson.loads(options), ids)


def put(db: sqlite3.Connection, owner: str, question: WaitingQuestion) -> WaitingQuestion:
    id = question.conversation_id
    known = db.execute("SELECT 1 FROM conversations WHERE id = ? AND owner = ?", (id, owner))
    if not known.fetchone():
        raise NotFound("There is no conversation with this id.")
    _check_unsent(db, question.request_id)
    stored = waiting(db, owner, id)
    if stored == replace(question, version=question.version + 1):
        return stored  # the client did not get the response to the same request
    _check_version(stored, question.version)
    if db.execute(
        "SELECT 1 FROM waiting WHERE request_id = ? AND conversation_id <> ?",
        (question.request_id, id),
    ).fetchone():
        raise reused()
    new = replace(question, version=question.version + 1)
    _let_go(db, id)
    db.execute(
        f"INSERT INTO waiting (owner, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (conversation_id) DO UPDATE SET request_id = excluded.request_id, "
        "version = excluded.version, message = excluded.message, model = excluded.model, "
        "options = excluded.options",
        (
            *(owner, id, new.request_id, new.version, new.message, new.model),
            orjson.dumps(new.options).decode(),
        ),
    )
    for place, file in enumerate(new.files):
        added = db.execute(
            "INSERT INTO waiting_files (conversation_id, place, owner, file, uploaded_at) "
            "SELECT ?, ?, owner, seq, uploaded_at FROM files WHERE id = ? AND owner = ?",
            (id, place, file, owner),
        )
        if not added.rowcount:
            raise files.not_found()
    return new


def delete(
    db: sqlite3.Connection,
    owner: str,
    conversation_id: str,
    request_id: str | None,
    version: int | None,
) -> None:
    stored = waiting(db, owner, conversation_id)
    if request_id and (stored is None or stored.request_id != request_id):
        _check_unsent(db, request_id)
    if stored is None:
        return
    if version is not None:
        _check_version(stored, version)
    _let_go(db, conversation_id)
    db.execute(
        "DELETE FROM waiting WHERE conversation_id = ? AND owner = ?", (conversation_id, owner)
    )


def take(db: sqlite3.Connection, owner: str, new: NewAnswer) -> None:
    """Take away the question that this answer is the answer to. Raises `Conflict` if the question
    has another text or other files meanwhile."""
    row = db.execute(
        "SELECT conversation_id, message, version FROM waiting WHERE request_id = ? AND owner = ?",
        (new.generation_id, owner),
    ).fetchone()
    if row is None:
        return
    id, message, version = row
    if not is_asked(new, message, _files(db, id)):
        raise changed(version)
    db.execute("DELETE FROM waiting_files WHERE conversation_id = ?", (id,))
    db.execute("DELETE FROM waiting WHERE request_id = ? AND owner = ?", (new.generation_id, owner))


def is_asked(new: NewAnswer, message: str, files: Sequence[str]) -> bool:
    """Whether the question of a new answer has this text and these files."""
    if not new.messages:
        return False
    asked = new.messages[-1]
    return asked.content == message and [file["id"] for file in asked.files] == [*files]


def _files(db: sqlite3.Connection, conversation_id: str) -> tuple[str, ...]:
    rows = db.execute(
        "SELECT f.id FROM waiting_files w JOIN files f ON f.seq = w.file "
        "WHERE w.conversation_id = ? ORDER BY w.place",
        (conversation_id,),
    )
    return tuple(id for (id,) in rows)


def _let_go(db: sqlite3.Connection, conversation_id: str) -> None:
    """Take its files from a question. They may belong to a draft again, so they count as uploaded
    now."""
    db.execute(
        "UPDATE files SET uploaded_at = ? "
        "WHERE seq IN (SELECT file FROM waiting_files WHERE conversation_id = ?)",
        (now(), conversation_id),
    )
    db.execute("DELETE FROM waiting_files WHERE conversation_id = ?", (conversation_id,))


def _check_unsent(db: sqlite3.Connection, request_id: str) -> None:
    if db.execute("SELECT 1 FROM generations WHERE id = ?", (request_id,)).fetchone():
        raise sent(request_id)


def _check_version(stored: WaitingQuestion | None, version: int) -> None:
    if version != (stored.version if stored else 0):
        raise changed(stored.version if stored else 0)


def changed(version: int) -> Conflict:
    return Conflict(
        "The waiting question was changed meanwhile. Read the conversation again.",
        code="changed_meanwhile",
        version=version,
    )


def reused() -> Conflict:
    text = "This request_id was used for another request. Make a new one."
    return Conflict(text, code="request_id_reused")


def sent(request_id: str) -> Conflict:
    text = "This question was sent already."
    return Conflict(text, code="already_sent", generation_id=request_id)
