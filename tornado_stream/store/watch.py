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
        self._opened = self._identities()
        self._also = also
        self._closed = threading.Event()
        threading.Thread(target=self._run, name="store-watch", daemon=True).start()

    def look(self) -> None:
        """Raise `StoreError` if a file is not the one that was opened. Any thread may call it."""
        replaced = self._identities() != self._opened
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

    def close(self) -> None:
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.wait(INTERVAL):
            try:
                self.look()
            except StoreError:
                continue
            self._also()

    def _identities(self) -> list[tuple[int, int] | None]:
        return [_identity(path) for path in self._paths]


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # twice as fast as `Path.stat`, and done before each write
    except OSError:
        return None
    return found.st_dev, found.st_ino
