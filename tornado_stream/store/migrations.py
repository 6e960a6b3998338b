"""The schema of the database, as a list of migrations.

The rule: a released migration is never changed; a change of the schema is a new migration at the
end of the list. `migrate.py` runs them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from tornado_stream.store import search
from tornado_stream.store.ledger_migrations import spend, spend_days


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


def _instances(db: sqlite3.Connection) -> None:
    """The process that writes each answer, and one running answer in each slot of a conversation.
    The database gives the numbers of rows, so that several processes may add some. Where a crash
    and a full disk had left two running answers in a conversation, the earlier gets another slot.
    """
    db.execute("ALTER TABLE generations ADD COLUMN instance TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE generations ADD COLUMN stop_asked INTEGER NOT NULL DEFAULT 0")
    db.execute("CREATE INDEX generations_asked ON generations (instance) WHERE stop_asked = 1")
    db.execute("ALTER TABLE spend ADD COLUMN instance TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE messages ADD COLUMN slot INTEGER NOT NULL DEFAULT 0")
    db.execute(
        "UPDATE messages SET slot = seq WHERE state = 'running' AND EXISTS (SELECT 1 "
        "FROM messages later WHERE later.conversation_id = messages.conversation_id "
        "AND later.state = 'running' AND later.seq > messages.seq)"
    )
    db.execute("DROP INDEX messages_running")
    db.execute(
        "CREATE UNIQUE INDEX messages_running ON messages (conversation_id, slot) "
        "WHERE state = 'running'"
    )
    db.execute("CREATE TABLE numbers (last INTEGER NOT NULL)")
    db.execute(
        "INSERT INTO numbers SELECT max(ifnull((SELECT max(seq) FROM messages), 0), "
        "ifnull((SELECT max(updated_seq) FROM conversations), 0))"
    )


def _files(db: sqlite3.Connection) -> None:
    """The files of users, whose bytes are beside the database (store/files.py). A use of a file by
    a message has a `seq` among those of the texts, for the search."""
    db.execute(
        "CREATE TABLE files ("
        "seq INTEGER PRIMARY KEY, owner TEXT NOT NULL, id TEXT NOT NULL UNIQUE,"
        "sha256 TEXT NOT NULL, size INTEGER NOT NULL, type TEXT NOT NULL, kind TEXT NOT NULL,"
        "name TEXT NOT NULL, uploaded_at INTEGER NOT NULL, state TEXT NOT NULL,"
        "detail TEXT NOT NULL, tokens INTEGER NOT NULL, pages INTEGER, pages_read INTEGER,"
        "shortened INTEGER NOT NULL DEFAULT 0, text TEXT NOT NULL DEFAULT '',"
        "UNIQUE (owner, sha256))"
    )
    db.execute("CREATE INDEX files_by_bytes ON files (sha256)")
    db.execute("CREATE INDEX files_unread ON files (seq) WHERE state = 'reading'")
    db.execute(
        "CREATE TABLE message_files ("
        "seq INTEGER PRIMARY KEY, owner TEXT NOT NULL, message INTEGER NOT NULL,"
        "file INTEGER NOT NULL)"
    )
    db.execute("CREATE INDEX message_files_by_message ON message_files (message)")
    db.execute("CREATE INDEX message_files_by_file ON message_files (file)")
    db.execute("CREATE TABLE removed_files (sha256 TEXT PRIMARY KEY) WITHOUT ROWID")
    db.execute("ALTER TABLE messages ADD COLUMN files TEXT NOT NULL DEFAULT '[]'")


def _shares(db: sqlite3.Connection) -> None:
    """Shared links (values/shares.py)."""
    db.execute(
        "CREATE TABLE shares ("
        "seq INTEGER PRIMARY KEY, owner TEXT NOT NULL, id TEXT NOT NULL UNIQUE,"
        "digest TEXT NOT NULL UNIQUE, conversation_id TEXT NOT NULL, leaf_id TEXT NOT NULL,"
        "live INTEGER NOT NULL, with_files INTEGER NOT NULL, created_at INTEGER NOT NULL,"
        "expires_at INTEGER)"
    )
    db.execute("CREATE INDEX shares_by_owner ON shares (owner)")
    db.execute("CREATE INDEX shares_by_conversation ON shares (conversation_id)")


def _calls(db: sqlite3.Connection) -> None:
    """Calls of tools under way (store/calls.py), and the parts of answers that have some."""
    db.execute(
        "CREATE TABLE calls ("
        "seq INTEGER PRIMARY KEY, owner TEXT NOT NULL, generation_id TEXT NOT NULL,"
        "id TEXT NOT NULL, state TEXT NOT NULL, data TEXT NOT NULL, UNIQUE (generation_id, id))"
    )
    db.execute("ALTER TABLE messages ADD COLUMN parts TEXT NOT NULL DEFAULT '[]'")
    db.execute("CREATE INDEX messages_with_parts ON messages (id) WHERE parts <> '[]'")


def _tools(db: sqlite3.Connection) -> None:
    """The servers of tools that a conversation may use, as JSON."""
    db.execute("ALTER TABLE conversations ADD COLUMN tools TEXT")


def _always(db: sqlite3.Connection) -> None:
    """The tools that run unasked in a conversation, as JSON."""
    db.execute("ALTER TABLE conversations ADD COLUMN always TEXT NOT NULL DEFAULT '[]'")


def _waiting_files(db: sqlite3.Connection) -> None:
    """The files of waiting questions. `uploaded_at` is that of the file when the question got it. A
    process of the version before cannot take such a question away without its files."""
    db.execute(
        "CREATE TABLE waiting_files ("
        "conversation_id TEXT NOT NULL, place INTEGER NOT NULL, owner TEXT NOT NULL,"
        "file INTEGER NOT NULL, uploaded_at INTEGER NOT NULL,"
        "PRIMARY KEY (conversation_id, place)) WITHOUT ROWID"
    )
    db.execute("CREATE INDEX waiting_files_by_file ON waiting_files (file)")
    db.execute(
        "CREATE TRIGGER waiting_with_files BEFORE DELETE ON waiting WHEN EXISTS ("
        "SELECT 1 FROM waiting_files WHERE conversation_id = OLD.conversation_id) "
        "BEGIN SELECT RAISE(ABORT, 'the question has files'); END"
    )


#: The n-th of them has the number n in the table `migrations`.
MIGRATIONS: list[Callable[[sqlite3.Connection], None]] = [
    _tables,
    _unindexed,
    _flushes,
    _sessions,
    _costs,
    _sources,
    spend,
    _last_uses,
    _presets,
    _extents,
    spend_days,
    _waiting,
    _folded_search,
    _places,
    _defaults,
    _search_without_places,
    _instances,
    _files,
    _shares,
    _calls,
    _tools,
    _always,
    _waiting_files,
]
#: The last of them after which a program that does not know it must not write any more. All later
#: ones only add: a process of the version before goes on beside one of the new version.
NOT_ADDITIVE = 17
