"""Stores conversations, messages, event logs and sessions. Open a store with `open_store`."""

from __future__ import annotations

from pathlib import Path

from tornado_stream.store.base import NO_LIMIT, Extent, Store
from tornado_stream.store.sqlite import SQLiteStore


def open_store(data_dir: Path, *, synchronous: str = "normal", largest: Extent = NO_LIMIT) -> Store:
    """Open the store in `data_dir`, which is created if it does not exist.

    If `synchronous` is "full", each commit waits until the disk has it. `largest` is how large a
    conversation can become.

    The call reads and writes the disk, so it blocks for a moment: open the store before the loop
    serves. Raises `OpenError` if the directory is in use by another process, cannot be written,
    holds a damaged database, or was written by a newer version of this program.
    """
    return SQLiteStore(data_dir, synchronous=synchronous, largest=largest)
