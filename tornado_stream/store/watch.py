"""Notices that the files of the database are no longer those that the server opened.

A file that was removed or replaced (a restored backup, a moved directory) can still be written by
who opened it, but nobody will ever read that. The rule: nothing counts as saved from then on.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

from tornado_stream.store.base import StoreError

logger = logging.getLogger(__name__)

#: Seconds between two looks at the files, if nothing is written.
INTERVAL = 4.0


class Watch:
    """Looks at the files every `INTERVAL` seconds, on a thread of its own, and calls `also`."""

    def __init__(self, paths: list[Path], also: Callable[[], None]) -> None:
        self.replaced = False
        self._paths = [str(path) for path in paths]
        self._opened = list(map(_identity, self._stats()))
        self._modified_at: int | None = None  # ns since the epoch
        self._asked_at: int | None = None
        #: Bytes of the write-ahead log at the last look.
        self.log_size = 0
        self._also = also
        self._closed = threading.Event()
        threading.Thread(target=self._run, name="store-watch", daemon=True).start()

    def look(self) -> None:
        """Raise `StoreError` if a file is not the one that was opened. Any thread may call it."""
        found = self._stats()
        database, log = found
        self._modified_at = database and database.st_mtime_ns
        self.log_size = log.st_size if log else 0
        replaced = list(map(_identity, found)) != self._opened
        if replaced != self.replaced:
            self.replaced = replaced
            if replaced:
                logger.error(
                    "%s was removed or replaced: nothing is saved any more. Put the file back "
                    "that was there, or restart the server to use the one that is there now",
                    self._paths[0],
                )
            else:
                logger.warning("%s is back: the server saves again", self._paths[0])
        if replaced:
            raise StoreError(
                "The conversations cannot be saved now: the database was removed or replaced."
            )

    def was_modified(self) -> bool:
        """Whether the last look has found that the database's own file was written since this was
        last asked: that commits were moved into it. Only one thread may call this."""
        before, self._asked_at = self._asked_at, self._modified_at
        return self._asked_at is None or self._asked_at != before

    def close(self) -> None:
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.wait(INTERVAL):
            try:
                self.look()
            except StoreError:
                continue
            self._also()

    def _stats(self) -> list[os.stat_result | None]:
        return [_stat(path) for path in self._paths]


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)  # twice as fast as `Path.stat`, and done before each write
    except OSError:
        return None


def _identity(found: os.stat_result | None) -> tuple[int, int] | None:
    return found and (found.st_dev, found.st_ino)
