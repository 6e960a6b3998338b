"""Moves what a data directory's database has into an empty database of PostgreSQL, and compares.

The rules: all of it is one transaction, so a move that fails leaves an empty database. What was
written is read again before the commit, every row of it. The data directory is only read.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg

from tornado_stream.store.base import OpenError
from tornado_stream.store.folding import fold
from tornado_stream.store.logs import whole_log
from tornado_stream.store.postgres.connections import Server
from tornado_stream.store.postgres.errors import reason
from tornado_stream.store.postgres.migrations import migrate
from tornado_stream.store.postgres.values import from_text, to_text
from tornado_stream.store.rows import CONVERSATION, MESSAGE
from tornado_stream.store.search_text import searchable
from tornado_stream.store.shares import COLUMNS as SHARE
from tornado_stream.store.spend import SETTLED, SUMS

#: What is copied as it is: the tables, and their columns.
_TABLES: dict[str, tuple[str, ...]] = {
    "conversations": (
        *("seq", "owner", "updated_seq", "message_count", "size"),
        *CONVERSATION,
    ),
    "messages": ("seq", "owner", "slot", *MESSAGE),
    "generations": ("seq", "owner", "id", "fingerprint", "instance"),
    "spend": ("seq", "owner", "id", "began_at", "ended_at", *SETTLED),
    "spend_days": ("owner", "day", "upstream", "model", "currency", *SUMS),
    "presets": ("seq", "owner", "id", "version", "name", "data"),
    "defaults": ("owner", "version", "system", "options"),
    "waiting": (
        *("conversation_id", "owner", "request_id", "version", "message", "model", "options"),
    ),
    "sessions": ("id", "owner", "proof", "expires_at", "created_at", "address", "agent"),
    "last_uses": ("id", "used_at"),
    "files": (
        *("seq", "owner", "id", "sha256", "size", "type", "kind", "name", "uploaded_at", "state"),
        *("detail", "tokens", "pages", "pages_read", "shortened", "text"),
    ),
    "message_files": ("seq", "owner", "message", "file"),
    "waiting_files": ("conversation_id", "place", "owner", "file", "uploaded_at"),
    "removed_files": ("sha256",),
    "shares": ("seq", *SHARE),
}
#: The tables that give their rows a `seq` by themselves.
_NUMBERED = ("spend", "presets", "files", "shares")
_BOOLEAN = {"pinned", "archived", "live", "with_files"}


class NotTheSame(Exception):
    """What was read back is not what was written. Nothing was moved."""


@dataclass(slots=True)
class _Sum:
    """The number of rows, and a sum of their digests in which the order does not count."""

    rows: int = 0
    digest: int = 0

    def add(self, row: Sequence[Any]) -> None:
        values = tuple(int(value) if isinstance(value, bool) else value for value in row)
        self.rows += 1
        self.digest += int.from_bytes(sha256(repr(values).encode("utf-8", "replace")).digest())


async def move(path: Path, url: str) -> dict[str, int]:
    """Move the database at `path`, which no other program writes and whose answers have all ended.
    Returns the number of rows of each table. Raises `OpenError` and `NotTheSame`."""
    try:
        to = await Server(url).open()
    except Exception as error:
        raise OpenError(f"cannot open the database: {reason(error)}; check --to") from error
    try:
        with closing(_opened(path)) as db:
            async with to.transaction():
                await migrate(to)
                await _refuse_used(to)
                return await _move(db, to)
    except asyncpg.PostgresError as error:
        raise OpenError(f"nothing was moved: {reason(error)}") from error
    finally:
        await to.close()


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


async def _refuse_used(to: asyncpg.Connection) -> None:
    for table in _TABLES:
        if await to.fetchval(f"SELECT 1 FROM {table} LIMIT 1"):
            raise OpenError(
                f"the database is not empty: it has {table}; nothing was moved. Name a new one"
            )


async def _move(db: sqlite3.Connection, to: asyncpg.Connection) -> dict[str, int]:
    written = {table: _Sum() for table in (*_TABLES, "logs")}
    for table, columns in _TABLES.items():
        rows = _rows(db, table, columns, written[table])
        await to.copy_records_to_table(table, records=rows, columns=columns)
    await to.execute("UPDATE generations SET running = false")
    columns = ("generation", "last", "frames")
    await to.copy_records_to_table("logs", records=_logs(db, written["logs"]), columns=columns)
    columns = ("seq", "owner", "conversation_id", "message_id", "folded")
    await to.copy_records_to_table("texts", records=_texts(db), columns=columns)
    last = db.execute("SELECT last FROM numbers").fetchone()[0]
    await to.execute("SELECT setval('numbers', $1)", max(last, 1))
    for table in _NUMBERED:
        await to.execute(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'seq'), max(seq)) FROM {table}"
        )
    for table, columns in (*_TABLES.items(), ("logs", ("generation", "last", "frames"))):
        if await _read_again(to, table, columns) != written[table]:
            raise NotTheSame(f"{table} came back different; nothing was moved")
    return {table: sum.rows for table, sum in written.items()}


def _rows(
    db: sqlite3.Connection, table: str, columns: Sequence[str], sum: _Sum
) -> Iterator[tuple[Any, ...]]:
    booleans = [index for index, name in enumerate(columns) if name in _BOOLEAN]
    for row in db.execute(f"SELECT {', '.join(columns)} FROM {table}"):
        sum.add(row)
        values = [to_text(value) for value in row]
        for index in booleans:
            values[index] = bool(values[index])
        yield tuple(values)


def _logs(db: sqlite3.Connection, sum: _Sum) -> Iterator[tuple[int, int, bytes]]:
    """The log of each answer as one row. An older version had written some in parts."""
    rows = db.execute(
        "SELECT g.seq, g.owner, e.last, e.frames FROM generations g "
        "LEFT JOIN events e ON e.generation = g.seq AND e.packed = 1"
    )
    for seq, owner, last, frames in rows:
        if frames is None:
            log = whole_log(db, owner, seq)
            last, frames = log.count(b"\n\n"), zlib.compress(log, 1)
        sum.add((seq, last, frames))
        yield seq, last, frames


def _texts(db: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    rows = db.execute(
        "SELECT seq, owner, id, NULL, title FROM conversations WHERE title <> '' UNION ALL "
        "SELECT seq, owner, conversation_id, id, content FROM messages WHERE content <> ''"
    )
    for *known, text in rows:
        yield (*known, fold(searchable(text)))


async def _read_again(to: asyncpg.Connection, table: str, columns: Sequence[str]) -> _Sum:
    sum = _Sum()
    async for row in to.cursor(f"SELECT {', '.join(columns)} FROM {table}", prefetch=200):
        sum.add([from_text(value) for value in row.values()])
    return sum
