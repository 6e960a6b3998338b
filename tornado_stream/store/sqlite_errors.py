"""Errors of the disk and the database, in words for a person."""

from __future__ import annotations

#: Parts of SQLite's messages, and their meaning. SQLite's own message may contain parts of a
#: conversation, so it is not shown.
_MEANINGS = {
    "is full": "the disk is full",
    "is locked": "another program has locked the database",
    "readonly": "the database is read-only",
    "disk I/O": "the disk failed (I/O error)",
    "malformed": "the database is damaged",
    "not a database": "the file is damaged or not a database",
    "unable to open": "the database file cannot be opened",
    "out of memory": "there is not enough memory",
}


def reason(error: Exception) -> str:
    """The meaning of a `sqlite3.Error` or an `OSError`, without any text of a conversation."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if is_full(error):
        return _MEANINGS["is full"]
    for words, meaning in _MEANINGS.items():
        if words in str(error):
            return meaning
    return f"the database failed ({getattr(error, 'sqlite_errorname', type(error).__name__)})"


def is_full(error: BaseException) -> bool:
    """Whether this error of SQLite says that the disk is full."""
    # SQLite has another name for it where the index of the write-ahead log cannot grow.
    name = getattr(error, "sqlite_errorname", "")
    return name == "SQLITE_IOERR_SHMSIZE" or "is full" in str(error)
