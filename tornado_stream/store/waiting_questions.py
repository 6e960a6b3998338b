"""Questions that wait for the end of an answer, as SQL: functions of a connection, to be called
inside a transaction.

The rule: the transaction that begins an answer takes the question with the answer's id away. So a
question waits or was asked, never both and never neither.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from tornado_stream.store.base import NewAnswer, WaitingQuestion
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
    return WaitingQuestion(id, request_id, version, message, model, orjson.loads(options))


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
        raise Conflict(
            "This request_id was used for another request. Make a new one.",
            code="request_id_reused",
        )
    new = replace(question, version=question.version + 1)
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
    db.execute(
        "DELETE FROM waiting WHERE conversation_id = ? AND owner = ?", (conversation_id, owner)
    )


def take(db: sqlite3.Connection, owner: str, new: NewAnswer) -> None:
    """Take away the question that this answer is the answer to. Raises `Conflict` if the question
    has another text meanwhile."""
    row = db.execute(
        "SELECT message, version FROM waiting WHERE request_id = ? AND owner = ?",
        (new.generation_id, owner),
    ).fetchone()
    if row is None:
        return
    message, version = row
    if not new.messages or new.messages[-1].content != message:
        raise _changed(version)
    db.execute("DELETE FROM waiting WHERE request_id = ? AND owner = ?", (new.generation_id, owner))


def _check_unsent(db: sqlite3.Connection, request_id: str) -> None:
    if db.execute("SELECT 1 FROM generations WHERE id = ?", (request_id,)).fetchone():
        raise Conflict(
            "This question was sent already.", code="already_sent", generation_id=request_id
        )


def _check_version(stored: WaitingQuestion | None, version: int) -> None:
    if version != (stored.version if stored else 0):
        raise _changed(stored.version if stored else 0)


def _changed(version: int) -> Conflict:
    return Conflict(
        "The waiting question was changed meanwhile. Read the conversation again.",
        code="changed_meanwhile",
        version=version,
    )
