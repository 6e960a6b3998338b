"""Bringing a database to the newest schema, and the copies that are made before.

The rule: each migration runs in one transaction, together with the row that records it. Before an
existing database is migrated, it is copied to a file beside it. A copy is removed after a week,
and when a conversation is deleted. All functions are synchronous.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from tornado_stream.store import migrations
from tornado_stream.store.base import OpenError
from tornado_stream.store.private_files import make_private
from tornado_stream.store.worker import transaction

#: Seconds after which a copy is removed.
COPY_LIFETIME = 7 * 24 * 3600


def applied_migrations(db: sqlite3.Connection, path: Path) -> int:
    """The number of migrations that the database at `path` has had; 0 if it is new.

    Raises `OpenError` if a newer version of this program has written it.
    """
    db.execute(
        "CREATE TABLE IF NOT EXISTS migrations ("
        "number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL)"
    )
    return known_migrations(db, path)


def known_migrations(db: sqlite3.Connection, path: Path) -> int:
    """As `applied_migrations`, of a database that is not new. Writes nothing."""
    applied = int(db.execute("SELECT max(number) FROM migrations").fetchone()[0] or 0)
    if applied > len(migrations.MIGRATIONS):
        raise OpenError(
            f"{path} was written by a newer Tornado Stream (schema {applied}, this one knows "
            f"{len(migrations.MIGRATIONS)}); update this program, or use another --data-dir"
        )
    return applied


def migrate(db: sqlite3.Connection, path: Path) -> None:
    """Run the migrations that the database at `path` has not had yet.

    Raises `OpenError` as `applied_migrations` does, and `sqlite3.Error` or `OSError` if the
    database cannot be read or written.
    """
    applied = applied_migrations(db, path)
    if 0 < applied < len(migrations.MIGRATIONS):
        _copy(db, path, applied)
    migrate_copy(db, applied)


def migrate_copy(db: sqlite3.Connection, applied: int) -> None:
    """Run the migrations after the first `applied` ones, without another copy."""
    for number, migration in enumerate(migrations.MIGRATIONS[applied:], applied + 1):
        with transaction(db):
            migration(db)
            row = (number, migration.__name__, time.time_ns() // 1_000_000)
            db.execute("INSERT INTO migrations (number, name, applied_at) VALUES (?, ?, ?)", row)


def copies(path: Path) -> list[Path]:
    """The copies of the database at `path`, including one that was not completed."""
    return list(path.parent.glob(f"{path.name}.before-*"))


def remove_copies(path: Path, lifetime: float = COPY_LIFETIME) -> None:
    """Remove the copies that are older than `lifetime`, in seconds. Raises `OSError`."""
    for copy in copies(path):
        if time.time() - copy.stat().st_mtime >= lifetime:
            copy.unlink()


def _copy(db: sqlite3.Connection, path: Path, applied: int) -> None:
    copy = path.with_name(f"{path.name}.before-{applied + 1}")
    unfinished = copy.with_name(copy.name + ".part")
    unfinished.unlink(missing_ok=True)
    make_private(unfinished)
    with closing(sqlite3.connect(unfinished, isolation_level=None)) as target:
        db.backup(target)
        # So that the copy is one file, and stays one when a program opens it.
        target.execute("PRAGMA journal_mode = DELETE")
    os.replace(unfinished, copy)
