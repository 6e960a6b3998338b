"""Stores conversations, messages, event logs and sessions. Open a store with `open_store`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tornado_stream.store.base import OpenError, Store
from tornado_stream.store.extent import NO_LIMIT, Extent
from tornado_stream.store.sqlite import SQLiteStore

if TYPE_CHECKING:
    from tornado_stream.store.postgres.shared_file import SharedFile
    from tornado_stream.store.postgres.store import PostgresStore


def open_store(
    data_dir: Path,
    *,
    database: str | None = None,
    synchronous: str = "normal",
    largest: Extent = NO_LIMIT,
    lock: int | None = None,
) -> Store:
    """Open the store in `data_dir`, which is created if it does not exist. If `database` is the URL
    of a PostgreSQL database, the store is there; `Store.open` then connects to it.

    If `synchronous` is "full", each commit waits until the disk has it. `largest` is how large a
    conversation can become. `lock` is a descriptor of the directory's lock that another process has
    given to this one; the store closes it.

    The call reads and writes the disk, so it blocks for a moment: open the store before the loop
    serves. Raises `OpenError` if the directory is in use by another process, cannot be written,
    holds a damaged database, or was written by a newer version of this program.
    """
    if database is not None:
        return load_postgres()(database, synchronous=synchronous, largest=largest)
    return SQLiteStore(data_dir, synchronous=synchronous, largest=largest, lock=lock)


def shared_file(database: str, path: Path) -> SharedFile:
    """A file whose original is in a PostgreSQL database. Raises `OpenError`."""
    load_postgres()
    from tornado_stream.store.postgres.shared_file import SharedFile

    return SharedFile(database, path)


def load_postgres() -> type[PostgresStore]:
    """The store over PostgreSQL, which is imported only where it is used. Raises `OpenError`."""
    try:
        from tornado_stream.store.postgres.store import PostgresStore
    except ImportError:
        raise OpenError(
            "--database needs the package asyncpg; install it with: pip install "
            "'tornado-stream[postgres]'"
        ) from None
    return PostgresStore
