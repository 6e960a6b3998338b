"""Opens the connections to the database, also where the disk cannot be written.

On a disk that is full or read-only, what was saved can still be read. All functions are
synchronous.
"""

from __future__ import annotations

import errno
import logging
import sqlite3
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from tornado_stream.store import search
from tornado_stream.store.base import OpenError
from tornado_stream.store.migrate import (
    applied_migrations,
    known_migrations,
    migrate,
    remove_copies,
)
from tornado_stream.store.migrations import MIGRATIONS
from tornado_stream.store.private_files import make_private, unusable
from tornado_stream.store.sqlite_errors import is_full, reason
from tornado_stream.store.worker import transaction

logger = logging.getLogger(__name__)

#: The folder in the data directory where `restore` works. A killed one leaves it behind.
RESTORE_PART = "restore.part"
#: The first SQLite whose FTS5 has the trigram tokenizer.
OLDEST_SQLITE = (3, 34)
#: Seconds to wait for another program that has locked the database.
BUSY_TIMEOUT = 5.0
#: Pages in the write-ahead log at which SQLite moves it into the database, on a disk of usual
#: size. Many rows of running answers are deleted before that, so a high number saves writes.
CHECKPOINT = 4000
#: The page cache of the connections that write and that search, in KiB. It is large because a
#: search reads every shard.
CACHE = "cache_size = -16000"
#: Errors of a disk that cannot be written. SQLite has its own names for some of them.
_REFUSED = {errno.EROFS, errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
_SQLITE_REFUSED = {
    *("SQLITE_FULL", "SQLITE_CANTOPEN", "SQLITE_IOERR_SHMSIZE", "SQLITE_IOERR_SHMOPEN"),
    *("SQLITE_READONLY", "SQLITE_READONLY_DIRECTORY", "SQLITE_READONLY_CANTINIT"),
    "SQLITE_READONLY_RECOVERY",
}


def refuse_half_restored(data_dir: Path) -> None:
    """Raise `OpenError` if a restoration was cut short before the database had its name: a new,
    empty database would look as if everything were lost, and the backup could not be restored."""
    part = data_dir / RESTORE_PART
    if part.exists():
        raise OpenError(
            f"a restoration into {data_dir} was cut short; run `restore` again, or remove {part} "
            "to begin with an empty database"
        )


@dataclass(frozen=True, slots=True)
class Connections:
    """`read_only` says why the disk cannot be written; then `writer` cannot write either."""

    writer: sqlite3.Connection
    reader: sqlite3.Connection
    searcher: sqlite3.Connection
    read_only: str = ""


def open_connections(
    path: Path,
    connection_class: type[sqlite3.Connection],
    undo: ExitStack,
    *,
    longest_wal: int,
    synchronous: str,
    alone: bool,
) -> Connections:
    """Open the database, which is created if it does not exist, and update its schema. Unless this
    process is `alone`, that holds up no write of the others for longer than a usual commit does.

    SQLite moves the write-ahead log into the database when it has `longest_wal` pages, and waits
    for the disk as `synchronous` says. `undo` closes the connections. Raises `OpenError`.
    """
    try:
        return _open(path, connection_class, undo, longest_wal, synchronous, alone)
    except sqlite3.Error as error:
        raise OpenError(
            f"cannot open {path}: {reason(error)}; "
            "repair it, move it away, or use another --data-dir"
        ) from error
    except OSError as error:
        raise unusable(path.parent, error) from error


def _open(
    path: Path,
    connection_class: type[sqlite3.Connection],
    undo: ExitStack,
    longest_wal: int,
    synchronous: str,
    alone: bool,
) -> Connections:
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise OpenError(
            f"this Python has SQLite {sqlite3.sqlite_version}, but 3.34 or newer is needed"
        )
    try:
        if path.exists() and not size(path) + size(wal_of(path)):
            logger.warning(
                "%s is empty, so there are no conversations: if it had some, stop the "
                "server, remove this file and restore a backup",
                path,
            )
        make_private(path)
        writer = connect(path, "mode=rw", connection_class)
        undo.callback(writer.close)
        _prepare(writer, path, longest_wal, synchronous, alone)
        reader, searcher = (connect(path, "mode=ro", connection_class) for _ in range(2))
        undo.callback(reader.close)
        undo.callback(searcher.close)
        for setting in (CACHE, "temp_store = MEMORY"):
            searcher.execute(f"PRAGMA {setting}")
        return Connections(writer, reader, searcher)
    except (sqlite3.Error, OSError) as error:
        if not _disk_refuses(error) or not size(path):
            raise
        undo.close()
        return _open_read_only(path, connection_class, undo, reason(error))


def connect(
    path: Path, mode: str, connection_class: type[sqlite3.Connection] = sqlite3.Connection
) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?{mode}",
        uri=True,
        timeout=BUSY_TIMEOUT,
        isolation_level=None,
        check_same_thread=False,  # this thread opens it, then only a worker's thread uses it
        factory=connection_class,
    )


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that only reads, whether or not a server uses the database.

    Without a write-ahead log nobody else has the database open. Then SQLite is told that nobody
    changes it, and leaves no file behind that a server of another user could not use.
    """
    alone = not wal_of(path).exists()
    return connect(path, "immutable=1" if alone else "mode=ro")


def wal_of(path: Path) -> Path:
    """The write-ahead log of the database at `path`. SQLite puts it where a link leads."""
    path = path.resolve()
    return path.with_name(path.name + "-wal")


def size(path: Path) -> int:
    """The bytes of a file; 0 if there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def unused_bytes(db: sqlite3.Connection) -> int:
    """The bytes of the database's free pages."""
    (pages,), (page_size,) = (
        db.execute(f"PRAGMA {name}").fetchone() for name in ("freelist_count", "page_size")
    )
    return int(pages * page_size)


def growth_due(db: sqlite3.Connection, path: Path) -> int:
    """By how many bytes the file of the database grows when it gets all commits, and what the
    transaction of this connection has written so far."""
    (pages,), (page_size,) = (
        db.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size")
    )
    return int(pages * page_size) - size(path)


def touch(db: sqlite3.Connection) -> None:
    """Write one page of which nothing is read: `user_version` gets the value that it has."""
    db.execute("PRAGMA user_version = 0")


def never_wait(db: sqlite3.Connection) -> None:
    """From now on, this connection waits for no other program, and a commit moves nothing into the
    database."""
    db.execute("PRAGMA busy_timeout = 0").fetchall()
    db.execute("PRAGMA wal_autocheckpoint = 0").fetchall()


def may_wait(db: sqlite3.Connection, longest_wal: int) -> None:
    """Undo `never_wait`."""
    db.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT * 1000:.0f}").fetchall()
    db.execute(f"PRAGMA wal_autocheckpoint = {longest_wal}").fetchall()


def truncate_wal(db: sqlite3.Connection) -> bool:
    """Move all commits into the database and empty the write-ahead log. False, and at once, if a
    reader prevents it."""
    db.execute("PRAGMA busy_timeout = 0")
    try:
        return not db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    finally:
        db.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT * 1000:.0f}")


def checkpoint(db: sqlite3.Connection) -> bool:
    """Move the commits into the database as far as no reader prevents it. True if it has all."""
    _, pages, moved = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return bool(pages == moved)


def _open_read_only(
    path: Path, connection_class: type[sqlite3.Connection], undo: ExitStack, why: str
) -> Connections:
    mode = "mode=ro" if size(wal_of(path)) else "immutable=1"
    writer, reader, searcher = (connect(path, mode, connection_class) for _ in range(3))
    for connection in (writer, reader, searcher):
        undo.callback(connection.close)
    if known_migrations(reader, path) < len(MIGRATIONS):
        raise OpenError(f"{path} must be updated, but cannot be written: {why}")
    logger.warning(
        "%s cannot be written (%s): conversations can be read, and nothing is saved. "
        "Make the disk writable, then restart the server",
        path,
        why,
    )
    return Connections(writer, reader, searcher, read_only=why)


def _disk_refuses(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno in _REFUSED
    return getattr(error, "sqlite_errorname", "") in _SQLITE_REFUSED


def _prepare(
    db: sqlite3.Connection, path: Path, longest_wal: int, synchronous: str, alone: bool
) -> None:
    """Configure the connection, finish deletions that a crash interrupted, update the schema."""
    for setting in (
        "journal_mode = WAL",
        f"synchronous = {synchronous}",
        "secure_delete = ON",
        f"wal_autocheckpoint = {longest_wal}",
        "temp_store = MEMORY",
        CACHE,
    ):
        db.execute(f"PRAGMA {setting}").fetchall()
    for suffix in ("-wal", "-shm"):
        # Never open and close a file that SQLite has open: the process would lose its locks on it.
        # Another program would then truncate the shared memory, and SIGBUS would end this one.
        with suppress(FileNotFoundError):  # SQLite gives a new one the mode of the database
            wal_of(path).with_name(path.resolve().name + suffix).chmod(0o600)
    try:
        swept = applied_migrations(db, path) == 0
        while not swept:  # a migration copies the database; the copy must not have deleted words
            with transaction(db):
                swept = not search.sweep(db)
        migrate(db, path)
        with suppress(OSError):
            remove_copies(path)
        if alone:  # it waits for the disk, and nobody can write meanwhile
            truncate_wal(db)
    except sqlite3.Error as error:
        if not is_full(error) or known_migrations(db, path) < len(MIGRATIONS):
            raise
        logger.warning("the disk is full: delete conversations, or make room on it")
