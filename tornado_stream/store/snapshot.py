"""What commands read of the database: a copy as it is at one moment, the check of such a copy,
the sessions, and what one user has.

The rule: a command reads beside a running server and delays none of its commits. A copy is one
file, which needs no write-ahead log. All calls are synchronous and raise `OpenError` or
`BadDatabase`.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tornado_stream.store import defaults, logs, presets, sessions, tables
from tornado_stream.store.base import OpenError, Session, StoredGeneration
from tornado_stream.store.migrate import migrate_copy
from tornado_stream.store.migrations import MIGRATIONS
from tornado_stream.store.opening import size, wal_of
from tornado_stream.store.private_files import make_private
from tornado_stream.store.sqlite_errors import reason
from tornado_stream.values.defaults import Defaults
from tornado_stream.values.messages import Conversation, Message
from tornado_stream.values.presets import Preset

#: The database in a data directory.
DATABASE = "chat.db"
#: Pages that one step copies. Between two steps a signal can end the program.
STEP = 500
#: Seconds to wait for another program that has locked the database.
BUSY_TIMEOUT = 30.0


class BadDatabase(Exception):
    """The database is damaged, or a newer program has written it. The message says which."""


@dataclass(frozen=True)
class Contents:
    """What a database holds. `schema` is the number of its last migration."""

    schema: int
    conversations: int
    messages: int


def copy_database(source: Path, target: Path) -> None:
    """Copy the database at `source` to the file `target`, which only its owner can read.

    One read transaction spans all steps. Without it, SQLite would begin the copy again after each
    commit of the server, and would never finish. Sessions are left out: one that a user has ended
    must not live again.
    """
    if not source.is_file():
        raise OpenError(f"there is no {source}; --data-dir names the server's data directory")
    make_private(target)
    with _opened(source) as db, _opened(target) as copy:
        db.execute("BEGIN")
        _schema(db)
        db.backup(copy, pages=STEP)
        db.execute("ROLLBACK")
        copy.execute("PRAGMA journal_mode = DELETE")
        copy.execute("PRAGMA secure_delete = ON")
        if copy.execute("SELECT 1 FROM sqlite_schema WHERE name = 'sessions'").fetchone():
            copy.execute("DELETE FROM sessions")


def check_database(path: Path) -> Contents:
    """Read every page of a database that no other program uses."""
    with _opened(path, ("mode=ro",)) as db:
        problems = db.execute("PRAGMA integrity_check(1)").fetchall()
        if problems != [("ok",)]:
            raise BadDatabase("the database is damaged")
        return Contents(
            _schema(db),
            *(
                int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
                for table in ("conversations", "messages")
            ),
        )


def file_sums(path: Path) -> list[str]:
    """The sha256 of the bytes of all files of users, each once."""
    with _opened(path, ("mode=ro",)) as db:
        if not db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'files'").fetchone():
            return []  # an earlier version has written it
        rows = db.execute("SELECT DISTINCT sha256 FROM files ORDER BY sha256").fetchall()
        return [sum for (sum,) in rows]


def read_file_sums(path: Path, owner: str) -> dict[str, tuple[str, int]]:
    """The sha256 of each file of an owner, and when it was uploaded, by its id."""
    if not path.is_file():
        return {}
    with _up_to_date(path) as db:
        rows = db.execute("SELECT id, sha256, uploaded_at FROM files WHERE owner = ?", (owner,))
        return {id: (sum, uploaded_at) for id, sum, uploaded_at in rows}


def read_sessions(path: Path) -> tuple[list[Session], dict[str, int]]:
    """The sessions of all users, and when sessions and tokens were last used, by their digests.
    There are none where no server has made the database yet."""
    if not path.is_file():
        return [], {}
    with _up_to_date(path) as db:
        return sessions.sessions(db), sessions.last_uses(db)


def read_conversations(
    path: Path, owner: str
) -> Generator[tuple[Conversation, list[Message], list[StoredGeneration]], None, None]:
    """Each conversation of an owner as it is at one moment, with its messages and with the logs of
    answers that were running then."""
    if not path.is_file():
        return
    with _up_to_date(path) as db:
        db.execute("BEGIN")
        for id in tables.conversation_ids(db, owner):
            conversation = tables.conversation(db, owner, id)
            assert conversation
            messages = tables.messages(db, owner, id)
            running = [m.generation_id for m in messages if m.state == "running"]
            found = [logs.generation(db, owner, id) for id in running if id]
            yield conversation, messages, [stored for stored in found if stored]


def read_settings(path: Path, owner: str) -> tuple[list[Preset], Defaults]:
    """The presets and the defaults of an owner."""
    if not path.is_file():
        return [], Defaults()
    with _up_to_date(path) as db:
        return presets.presets(db, owner), defaults.defaults(db, owner)


def _schema(db: sqlite3.Connection) -> int:
    schema = int(db.execute("SELECT max(number) FROM migrations").fetchone()[0] or 0)
    if schema > len(MIGRATIONS):
        raise BadDatabase(
            f"the database was written by a newer Tornado Stream (schema {schema}, this one knows "
            f"{len(MIGRATIONS)}); update this program"
        )
    return schema


@contextmanager
def _up_to_date(path: Path) -> Iterator[sqlite3.Connection]:
    """The database, to be read. After an upgrade, before the server's first start, it is a copy
    that has been updated: a server of the earlier version may still use the database itself."""
    with _opened(path) as db:
        if (schema := _schema(db)) == len(MIGRATIONS):
            yield db
            return
        with tempfile.TemporaryDirectory(prefix=".tornado-stream-", dir=path.parent) as folder:
            copy = Path(folder) / path.name
            make_private(copy)
            with _opened(copy) as target:
                db.execute("BEGIN")
                db.backup(target, pages=STEP)
                db.execute("ROLLBACK")
                migrate_copy(target, schema)
                yield target


@contextmanager
def _opened(
    path: Path, modes: tuple[str, ...] = ("mode=rw", "mode=ro", "immutable=1")
) -> Iterator[sqlite3.Connection]:
    """A connection in the first of the modes that works: a database on a disk that is full or
    read-only can be read, if it has no write-ahead log with anything in it."""
    if size(wal_of(path)):
        modes = tuple(mode for mode in modes if mode != "immutable=1")
    try:
        with closing(_connected(path, *modes)) as db:
            yield db
    except sqlite3.DatabaseError as error:
        why = reason(error)
        if isinstance(error, sqlite3.OperationalError) and "no such table" not in str(error):
            raise OpenError(f"cannot use {path}: {why}") from error
        raise BadDatabase("the database is damaged, or it is not one of this program") from error
    except OSError as error:
        raise OpenError(f"cannot use {path}: {reason(error)}") from error


def _connected(path: Path, mode: str, *others: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?{mode}"
    db = sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT, isolation_level=None)
    try:
        db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except BaseException as error:
        db.close()
        if not others or not isinstance(error, sqlite3.OperationalError):
            raise
        return _connected(path, *others)
    return db
