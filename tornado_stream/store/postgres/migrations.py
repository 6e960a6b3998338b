"""The schema of the database in PostgreSQL, as a list of migrations.

The rule: a released migration is never changed; a change of the schema is a new migration at the
end of the list. All that are due run in one transaction under a lock of the server, so any number
of instances can start at once. Two versions of the program may be running meanwhile: a migration
adds, and takes nothing away that the version before it uses.
"""

from __future__ import annotations

import asyncpg

from tornado_stream.store.base import OpenError
from tornado_stream.store.postgres.schema import (
    ALWAYS,
    CALLS,
    SHARED_COUNTS,
    SHARED_FILES,
    SHARES,
    TABLES,
    TOOLS,
    WAITING_FILES,
)

#: The number of the lock under which the schema changes. Any number would do.
LOCK = 7_236_498_112
#: The oldest server, as it gives its number: since 13, who owns a database can add pg_trgm.
OLDEST = 130_000

#: The n-th of them has the number n in the table `migrations`; each with its name.
MIGRATIONS: list[tuple[str, str]] = [
    ("tables", TABLES),
    ("shared_files", SHARED_FILES),
    ("shares", SHARES),
    ("shared_counts", SHARED_COUNTS),
    ("calls", CALLS),
    ("tools", TOOLS),
    ("always", ALWAYS),
    ("waiting_files", WAITING_FILES),
]


async def migrate(db: asyncpg.Connection) -> None:
    """Run the migrations that the database has not had yet, within the caller's transaction.

    Raises `OpenError` if the server is too old, if the database has not the encoding UTF-8, or if
    a newer version of this program has written it.
    """
    version = int(await db.fetchval("SELECT current_setting('server_version_num')"))
    if version < OLDEST:
        raise OpenError(
            f"the database server is PostgreSQL {version // 10_000}; 13 or newer is needed"
        )
    if (encoding := await db.fetchval("SELECT current_setting('server_encoding')")) != "UTF8":
        raise OpenError(
            f"the database has the encoding {encoding}; create one with: "
            "CREATE DATABASE … ENCODING 'UTF8' LOCALE 'C.UTF-8' TEMPLATE template0"
        )
    await db.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
    await db.execute(
        "CREATE TABLE IF NOT EXISTS migrations (number integer PRIMARY KEY, name text NOT NULL, "
        "applied_at timestamptz NOT NULL DEFAULT now())"
    )
    applied = await db.fetchval("SELECT coalesce(max(number), 0) FROM migrations")
    if applied > len(MIGRATIONS):
        raise OpenError(
            f"the database was written by a newer Tornado Stream (schema {applied}, this one knows "
            f"{len(MIGRATIONS)}); update this program, or name another --database"
        )
    for number, (name, statements) in enumerate(MIGRATIONS[applied:], applied + 1):
        await db.execute(statements)
        await db.execute("INSERT INTO migrations (number, name) VALUES ($1, $2)", number, name)
