"""The schema of the database, as a list of migrations.

The rule: a released migration is never changed; a change of the schema is a new migration at the
end of the list. Each runs in one transaction, together with the row that records it. Before an
existing database is migrated, it is copied to a file beside it. A copy is removed after a week,
and when a conversation is deleted. All functions are synchronous.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson

from tornado_stream.store import search
from tornado_stream.store.base import OpenError
from tornado_stream.store.private_files import make_private
from tornado_stream.store.spend import SUMS, settled_values, sum_days
from tornado_stream.store.worker import transaction
from tornado_stream.values.messages import Message

#: Seconds after which a copy is removed.
COPY_LIFETIME = 7 * 24 * 3600


def _tables(db: sqlite3.Connection) -> None:
    """All tables share one sequence of `seq`, so a row that was written later has a higher one.

    A generation has the `seq` of its answer. Search tables are created when they are needed.
    """
    db.execute(
        "CREATE TABLE conversations ("
        "seq INTEGER PRIMARY KEY, owner TEXT NOT NULL, id TEXT NOT NULL UNIQUE,"
        "updated_seq INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,"
        "current_id TEXT, title TEXT NOT NULL, system TEXT)"
    )
    db.execute("CREATE INDEX conversations_by_write ON conversations (owner, updated_seq)")
    db.execute(
        "CREATE TABLE messages ("
        "seq INTEGER PRIMARY KEY, owner TEXT NOT NULL, id TEXT NOT NULL UNIQUE,"
        "conversation_id TEXT NOT NULL, parent_id TEXT, role TEXT NOT NULL,"
        "created_at INTEGER NOT NULL, state TEXT, model TEXT, finish_reason TEXT,"
        "generation_id TEXT, continued_from TEXT, usage TEXT, error TEXT, timings TEXT,"
        "tool_calls TEXT, content TEXT NOT NULL, reasoning TEXT NOT NULL, refusal TEXT NOT NULL)"
    )
    db.execute("CREATE INDEX messages_by_conversation ON messages (conversation_id)")
    db.execute(
        "CREATE INDEX messages_running ON messages (conversation_id) WHERE state = 'running'"
    )
    db.execute(
        "CREATE TABLE generations ("
        "seq INTEGER PRIMARY KEY, owner TEXT NOT NULL, id TEXT NOT NULL UNIQUE,"
        "fingerprint BLOB NOT NULL)"
    )
    db.execute(
        "CREATE TABLE events ("
        "generation INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,"
        "owner TEXT NOT NULL, packed INTEGER NOT NULL, frames BLOB NOT NULL,"
        "PRIMARY KEY (generation, first)) WITHOUT ROWID"
    )
    db.execute("CREATE TABLE sweeps (shard INTEGER PRIMARY KEY, begun INTEGER NOT NULL)")


def _unindexed(db: sqlite3.Connection) -> None:
    """The `seq` of each text that is not in a search table yet."""
    db.execute("CREATE TABLE unindexed (seq INTEGER PRIMARY KEY)")


def _flushes(db: sqlite3.Connection) -> None:
    """Flushed frames of running answers, in the order of time: rows are added at the end and
    deleted at the beginning. `events` has the log of an answer that has ended."""
    db.execute(
        "CREATE TABLE flushes ("
        "seq INTEGER PRIMARY KEY, owner TEXT NOT NULL, generation INTEGER NOT NULL,"
        "first INTEGER NOT NULL, last INTEGER NOT NULL, frames BLOB NOT NULL)"
    )


def _costs(db: sqlite3.Connection) -> None:
    """The upstream that gave an answer, and what the answer cost, as JSON."""
    db.execute("ALTER TABLE messages ADD COLUMN upstream TEXT")
    db.execute("ALTER TABLE messages ADD COLUMN cost TEXT")


def _sessions(db: sqlite3.Connection) -> None:
    """Sessions of users who are logged in. `id` and `proof` are digests; times are in seconds."""
    db.execute(
        "CREATE TABLE sessions ("
        "id TEXT PRIMARY KEY, owner TEXT NOT NULL, proof BLOB NOT NULL,"
        "expires_at INTEGER NOT NULL) WITHOUT ROWID"
    )


def _sources(db: sqlite3.Connection) -> None:
    """The pages that an answer refers to, what its upstream wants back, and a message as a program
    sent it, all as JSON."""
    db.execute("ALTER TABLE messages ADD COLUMN sources TEXT NOT NULL DEFAULT '[]'")
    db.execute("ALTER TABLE messages ADD COLUMN signed TEXT")
    db.execute("ALTER TABLE messages ADD COLUMN sent TEXT")


def _spend(db: sqlite3.Connection) -> None:
    """The ledger (store/spend.py), with the answers that are there already."""
    db.execute(
        "CREATE TABLE spend ("
        "seq INTEGER PRIMARY KEY, owner TEXT NOT NULL, id TEXT NOT NULL,"
        "began_at INTEGER NOT NULL, ended_at INTEGER, state TEXT, model TEXT, upstream TEXT,"
        "prompt INTEGER, cached INTEGER, completion INTEGER, amount INTEGER, currency TEXT,"
        "estimated INTEGER NOT NULL DEFAULT 0)"
    )
    answers = db.execute(
        "SELECT owner, generation_id, created_at, state, model, upstream, usage, cost "
        "FROM messages WHERE generation_id IS NOT NULL ORDER BY seq"
    )
    db.executemany(
        "INSERT INTO spend (owner, id, began_at, ended_at, state, model, upstream, prompt, cached,"
        "completion, amount, currency, estimated) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        map(_spent, answers),
    )
    db.execute("CREATE INDEX spend_by_id ON spend (id)")
    db.execute("CREATE INDEX spend_open ON spend (seq) WHERE state IS NULL")


def _spent(row: tuple[Any, ...]) -> tuple[Any, ...]:
    owner, id, created_at, state, model, upstream, usage, cost = row
    answer = Message(
        *("", "", None, "assistant", "", created_at),
        state=None if state == "running" else state,
        model=model,
        usage=orjson.loads(usage) if usage else None,
        upstream=upstream,
        cost=orjson.loads(cost) if cost else None,
    )
    ended_at = created_at if answer.state else None
    return (owner, id, created_at, ended_at, *settled_values(answer))


def _last_uses(db: sqlite3.Connection) -> None:
    """Where sessions come from, and when sessions and tokens were last used, by their digests."""
    db.execute("ALTER TABLE sessions ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0")
    db.execute("ALTER TABLE sessions ADD COLUMN address TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE sessions ADD COLUMN agent TEXT NOT NULL DEFAULT ''")
    db.execute(
        "CREATE TABLE last_uses (id TEXT PRIMARY KEY, used_at INTEGER NOT NULL) WITHOUT ROWID"
    )


def _presets(db: sqlite3.Connection) -> None:
    """Presets of users; and what a conversation began with: the preset's name, the model, and the
    options as JSON."""
    db.execute(
        "CREATE TABLE presets ("
        "seq INTEGER PRIMARY KEY, owner TEXT NOT NULL, id TEXT NOT NULL UNIQUE,"
        "version INTEGER NOT NULL, name TEXT NOT NULL, data TEXT NOT NULL)"
    )
    db.execute("CREATE INDEX presets_by_owner ON presets (owner)")
    for name in ("model", "options", "preset"):
        db.execute(f"ALTER TABLE conversations ADD COLUMN {name} TEXT")


def _extents(db: sqlite3.Connection) -> None:
    """How many messages each conversation has, and the bytes of their texts. Those of a running
    answer are counted when it ends."""
    columns = ("content", "reasoning", "refusal", "tool_calls", "sources", "signed", "sent")
    size = " + ".join(f"ifnull(length(CAST({name} AS BLOB)), 0)" for name in columns)
    db.execute("ALTER TABLE conversations ADD COLUMN message_count INTEGER NOT NULL DEFAULT 0")
    db.execute("ALTER TABLE conversations ADD COLUMN size INTEGER NOT NULL DEFAULT 0")
    db.execute(
        "UPDATE conversations SET (message_count, size) = "
        f"(SELECT count(*), ifnull(sum(iif(state IS 'running', 0, {size})), 0) FROM messages m "
        "WHERE m.conversation_id = conversations.id)"
    )


def _spend_days(db: sqlite3.Connection) -> None:
    """The sums of the ledger by day. An owner's days are next to each other."""
    sums = ", ".join(f"{name} INTEGER NOT NULL" for name in SUMS)
    db.execute(
        "CREATE TABLE spend_days ("
        "owner TEXT NOT NULL, day INTEGER NOT NULL, upstream TEXT NOT NULL, model TEXT NOT NULL,"
        f"currency TEXT NOT NULL, {sums},"
        "PRIMARY KEY (owner, day, upstream, model, currency)) WITHOUT ROWID"
    )
    sum_days(db)


def _waiting(db: sqlite3.Connection) -> None:
    """Questions that wait for the end of an answer, one for each conversation at most."""
    db.execute(
        "CREATE TABLE waiting ("
        "conversation_id TEXT PRIMARY KEY, owner TEXT NOT NULL, request_id TEXT NOT NULL UNIQUE,"
        "version INTEGER NOT NULL, message TEXT NOT NULL, model TEXT, options TEXT NOT NULL)"
    )


def _folded_search(db: sqlite3.Connection) -> None:
    """The search index has texts without case and accents. It is made anew in the background."""
    search.make_old(db)


def _places(db: sqlite3.Connection) -> None:
    """The place of a conversation in the list. The indexes are those of `store/listing.py`."""
    for column in ("pinned INTEGER NOT NULL DEFAULT 0", "archived INTEGER NOT NULL DEFAULT 0"):
        db.execute(f"ALTER TABLE conversations ADD COLUMN {column}")
    db.execute("ALTER TABLE conversations ADD COLUMN folder TEXT")
    db.execute(
        "CREATE INDEX conversations_by_place ON conversations "
        "(owner, archived, folder, updated_seq, pinned)"
    )
    for name in ("pinned", "archived"):
        db.execute(
            f"CREATE INDEX conversations_{name} ON conversations (owner, updated_seq) "
            f"WHERE {name} = 1"
        )


def _defaults(db: sqlite3.Connection) -> None:
    """What the conversations of users who log in begin with; the options as JSON."""
    db.execute(
        "CREATE TABLE defaults (owner TEXT PRIMARY KEY, version INTEGER NOT NULL,"
        "system TEXT NOT NULL, options TEXT NOT NULL)"
    )


def _search_without_places(db: sqlite3.Connection) -> None:
    """The search index knows which texts have a trigram, and not where. A long text is indexed in
    parts: `done` characters are indexed, and `carry` has the last two of them, folded."""
    db.execute("ALTER TABLE unindexed ADD COLUMN done INTEGER NOT NULL DEFAULT 0")
    db.execute("ALTER TABLE unindexed ADD COLUMN carry TEXT NOT NULL DEFAULT ''")
    search.make_old(db)


#: The n-th of them has the number n in the table `migrations`.
MIGRATIONS: list[Callable[[sqlite3.Connection], None]] = [
    _tables,
    _unindexed,
    _flushes,
    _sessions,
    _costs,
    _sources,
    _spend,
    _last_uses,
    _presets,
    _extents,
    _spend_days,
    _waiting,
    _folded_search,
    _places,
    _defaults,
    _search_without_places,
]


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
    if applied > len(MIGRATIONS):
        raise OpenError(
            f"{path} was written by a newer Tornado Stream (schema {applied}, this one knows "
            f"{len(MIGRATIONS)}); update this program, or use another --data-dir"
        )
    return applied


def migrate(db: sqlite3.Connection, path: Path) -> None:
    """Run the migrations that the database at `path` has not had yet.

    Raises `OpenError` as `applied_migrations` does, and `sqlite3.Error` or `OSError` if the
    database cannot be read or written.
    """
    applied = applied_migrations(db, path)
    if 0 < applied < len(MIGRATIONS):
        _copy(db, path, applied)
    migrate_copy(db, applied)


def migrate_copy(db: sqlite3.Connection, applied: int) -> None:
    """Run the migrations after the first `applied` ones, without another copy."""
    for number, migration in enumerate(MIGRATIONS[applied:], applied + 1):
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
