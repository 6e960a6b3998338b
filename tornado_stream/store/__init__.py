"""Where conversations, messages and event logs are kept. `open_store` is the only way in."""

from __future__ import annotations

from pathlib import Path

from tornado_stream.store.base import (
    Match,
    NewAnswer,
    Page,
    Progress,
    Session,
    Store,
    StoredGeneration,
    StoreError,
)
from tornado_stream.store.lock import OpenError
from tornado_stream.store.memory import MemoryStore
from tornado_stream.store.sqlite import SQLiteStore

__all__ = [
    "Match",
    "OpenError",
    "Page",
    "Progress",
    "Session",
    "Store",
    "StoreError",
    "StoredGeneration",
    "NewAnswer",
    "open_store",
]


def open_store(data_dir: Path | None = None) -> Store:
    """A store that is ready: one that lasts, in `data_dir`; without one, in memory.

    Synchronous: it may read and write the disk for a moment. Raises `OpenError`, whose message is
    one line for a person: the directory is in use, unwritable, newer than this program, damaged.
    """
    return SQLiteStore(data_dir) if data_dir else MemoryStore()
