"""Files of users in PostgreSQL: functions of a connection, called in a transaction.

`store/files.py` has their rule. Here, what adds or removes bytes holds a lock of their sha256 until
its commit. `place` and `remove` wait for the disk, so they are called on another thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import asyncpg

from tornado_stream.store.base import Progress
from tornado_stream.store.file_base import UNTIMELY
from tornado_stream.store.files import (
    COLUMNS,
    REMOVED_AT_ONCE,
    UNUSED,
    full,
    in_use,
    not_found,
)
from tornado_stream.store.postgres import texts as searched
from tornado_stream.store.postgres.texts import Text
from tornado_stream.store.postgres.values import from_text, marks, to_text
from tornado_stream.values.files import FAILED, READING, READY, ReadText, StoredFile
from tornado_stream.values.messages import Message, files_of


async def add(
    db: asyncpg.Connection,
    owner: str,
    file: StoredFile,
    place: Callable[[], None],
    most: int,
    answer: str | None,
) -> StoredFile:
    await _lock(db, f"files of {owner}")  # the sum of their sizes has a limit
    await _lock(db, file.sha256)
    sql = "SELECT id FROM files WHERE owner = $1 AND sha256 = $2"
    known = await db.fetchval(sql, owner, file.sha256)
    if known is None:
        if most and await total(db, owner) + file.size > most:
            raise full(most)
        values = [to_text(getattr(file, name)) for name in COLUMNS.split(", ")]
        values[-1] = int(file.shortened)
        sql = f"INSERT INTO files (owner, {COLUMNS}) VALUES ({marks(len(values) + 1)})"
        await db.execute(sql, owner, *values)
    elif answer is None:
        await db.execute(
            "UPDATE files SET name = $1, uploaded_at = $2, "
            "detail = CASE state WHEN $3 THEN '' ELSE detail END, "
            "state = CASE state WHEN $3 THEN $4 ELSE state END WHERE owner = $5 AND sha256 = $6",
            *(to_text(file.name), file.uploaded_at, FAILED, READING, owner, file.sha256),
        )
    await asyncio.to_thread(place)
    stored = (await one(db, owner, known) or file) if known else file
    if answer is not None:
        await _give(db, owner, answer, stored)
    return stored


async def _give(db: asyncpg.Connection, owner: str, answer: str, file: StoredFile) -> None:
    """Give a file to a running answer, unless that is gone. It ends after this transaction."""
    sql = "SELECT seq FROM generations WHERE id = $1 AND owner = $2 AND running FOR SHARE"
    message = await db.fetchval(sql, answer, owner)
    await db.execute(
        "INSERT INTO message_files (seq, owner, message, file) "
        "SELECT nextval('numbers'), $1, $2::bigint, seq FROM files WHERE id = $3 AND owner = $1 "
        "AND $2::bigint IS NOT NULL AND NOT EXISTS "
        "(SELECT 1 FROM message_files u WHERE u.message = $2 AND u.file = files.seq)",
        *(owner, message, file.id),
    )


async def keep_shown(db: asyncpg.Connection, ended: Sequence[tuple[int, Progress]]) -> None:
    """See `store/files.py`, for all answers that end together, with the `seq` of each."""
    rows = [
        (seq, one.owner, [to_text(file["id"]) for file in files_of(one.message)])
        for seq, one in ended
        if one.message and one.message.state in UNTIMELY
    ]
    if rows:
        await db.executemany(
            "DELETE FROM message_files WHERE message = $1 AND file NOT IN "
            "(SELECT seq FROM files WHERE owner = $2 AND id = ANY($3::text[]))",
            rows,
        )


async def total(db: asyncpg.Connection, owner: str) -> int:
    sql = "SELECT coalesce(sum(size), 0)::bigint FROM files WHERE owner = $1"
    return int(await db.fetchval(sql, owner))


async def one(db: asyncpg.Connection, owner: str, id: str) -> StoredFile | None:
    row = await db.fetchrow(
        f"SELECT {COLUMNS} FROM files WHERE id = $1 AND owner = $2", to_text(id), owner
    )
    return _file(row) if row else None


async def some(db: asyncpg.Connection, owner: str, ids: Sequence[str]) -> list[StoredFile]:
    rows = await db.fetch(
        f"SELECT {COLUMNS} FROM files WHERE id = ANY($1::text[]) AND owner = $2",
        *(list(map(to_text, ids)), owner),
    )
    found = {file.id: file for file in map(_file, rows)}
    return [found[id] for id in ids if id in found]


async def unused(db: asyncpg.Connection, owner: str, limit: int) -> list[StoredFile]:
    rows = await db.fetch(
        f"SELECT {COLUMNS} FROM files WHERE owner = $1 AND {UNUSED} "
        "ORDER BY uploaded_at DESC, seq DESC LIMIT $2",
        *(owner, limit),
    )
    return [_file(row) for row in rows]


async def texts(db: asyncpg.Connection, owner: str, ids: Sequence[str]) -> dict[str, str]:
    rows = await db.fetch(
        "SELECT id, text FROM files WHERE id = ANY($1::text[]) AND owner = $2 AND text <> ''",
        *(list(map(to_text, ids)), owner),
    )
    return {id: from_text(text) for id, text in rows}


async def save_text(
    db: asyncpg.Connection, owner: str, id: str, read: ReadText, tokens: int
) -> None:
    state = READY if read.text else FAILED
    await db.execute(
        "UPDATE files SET state = $1, detail = $2, text = $3, tokens = $4, pages = $5, "
        "pages_read = $6, shortened = $7 WHERE id = $8 AND owner = $9 AND state = $10",
        *(state, to_text(read.detail), to_text(read.text), tokens, read.pages, read.pages_read),
        *(int(read.shortened), id, owner, READING),
    )


async def delete(db: asyncpg.Connection, owner: str, id: str) -> None:
    sql = "SELECT seq FROM files WHERE id = $1 AND owner = $2 FOR UPDATE"
    seq = await db.fetchval(sql, id, owner)
    if seq is None:
        raise not_found()
    if not await _delete(db, "seq = $1", seq):
        raise in_use()


async def delete_unused(db: asyncpg.Connection, before: int) -> int:
    return await _delete(db, "uploaded_at < $1", before)


async def unread(db: asyncpg.Connection) -> list[tuple[str, StoredFile]]:
    rows = await db.fetch(
        f"SELECT owner, {COLUMNS} FROM files WHERE state = $1 ORDER BY seq", READING
    )
    return [(row["owner"], _file(tuple(row.values())[1:])) for row in rows]


async def known_bytes(db: asyncpg.Connection, sums: Sequence[str]) -> frozenset[str]:
    rows = await db.fetch(
        "SELECT DISTINCT sha256 FROM files WHERE sha256 = ANY($1::text[])", list(sums)
    )
    return frozenset(sum for (sum,) in rows)


async def remove_bytes(
    db: asyncpg.Connection, remove: Callable[[str], None], also: Sequence[str]
) -> int:
    sql = "INSERT INTO removed_files (sha256) VALUES ($1) ON CONFLICT DO NOTHING"
    await db.executemany(sql, [(sum,) for sum in sorted(also)])
    rows = await db.fetch(
        "SELECT sha256 FROM removed_files ORDER BY sha256 LIMIT $1", REMOVED_AT_ONCE
    )
    for (sum,) in rows:
        await _lock(db, sum)
        if not await known_bytes(db, [sum]):
            await asyncio.to_thread(remove, sum)
        await db.execute("DELETE FROM removed_files WHERE sha256 = $1", sum)
    return len(rows)


async def attach(
    db: asyncpg.Connection, owner: str, seq: int, message: Message, numbers: list[int]
) -> None:
    """Give a new message, whose row has this `seq`, its files; each use of one has one of these
    numbers. Raises `NotFound`."""
    for file, number in zip(files_of(message), numbers, strict=True):
        sql = "SELECT seq, text FROM files WHERE id = $1 AND owner = $2 FOR KEY SHARE"
        found = await db.fetchrow(sql, to_text(file["id"]), owner)
        if found is None:
            raise not_found()
        await db.execute(
            "INSERT INTO message_files (seq, owner, message, file) VALUES ($1, $2, $3, $4)",
            *(number, owner, seq, found["seq"]),
        )
        text = from_text(found["text"]) or ""
        one = Text(number, owner, message.conversation_id, message.id, text)
        await searched.save(db, [one])


async def detach(db: asyncpg.Connection, owner: str, conversation_id: str) -> None:
    """See `store/files.py`."""
    rows = await db.fetch(
        "WITH gone AS (DELETE FROM message_files f USING messages m WHERE m.seq = f.message "
        "AND m.conversation_id = $1 AND m.owner = $2 RETURNING f.file, m.created_at AS used_at), "
        "waited AS (DELETE FROM waiting_files WHERE conversation_id = $1 AND owner = $2 "
        "RETURNING file, uploaded_at AS used_at) SELECT file, max(used_at) "
        "FROM (TABLE gone UNION ALL TABLE waited) used GROUP BY file ORDER BY file",
        *(conversation_id, owner),
    )
    for file, last_used in rows:
        await _delete(db, "seq = $1 AND uploaded_at <= $2", file, last_used)


def _file(row: Any) -> StoredFile:
    values = list(map(from_text, row))
    return replace(StoredFile(*values), shortened=bool(values[-1]))


async def _delete(db: asyncpg.Connection, condition: str, *values: int) -> int:
    """Delete the files that meet the condition and that no message has, and record the bytes;
    returns how many. A message that begins with one of them at this moment comes first."""
    locked = f"SELECT seq FROM files WHERE {condition} AND {UNUSED} ORDER BY seq FOR UPDATE"
    found = [seq for (seq,) in await db.fetch(locked, *values)]
    rows = await db.fetch(
        f"DELETE FROM files WHERE seq = ANY($1::bigint[]) AND {UNUSED} RETURNING sha256", found
    )
    await db.executemany(
        "INSERT INTO removed_files (sha256) VALUES ($1) ON CONFLICT DO NOTHING",
        sorted({(sum,) for (sum,) in rows}),
    )
    return len(rows)


async def _lock(db: asyncpg.Connection, name: str) -> None:
    await db.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 1))", name)
