"""Space on the disk that is kept for deletions: a file beside the database, which holds it.

A deletion writes before it frees anything, so on a full disk nothing could be deleted. The rule:
when a deletion finds the disk full, the file is removed. From then on only deletions may use the
last `size // 2` bytes, on the disk and within the database, until the disk has enough space to
take the reserve again. All functions are
synchronous, and may be called on any thread.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tornado_stream.store.base import DiskFull
from tornado_stream.store.private_files import make_private

#: Bytes of the reserve, and at most which part of the whole disk. Half of it has room for the
#: write-ahead log, the other half for a deletion.
SIZE, PART = 32 * 1024 * 1024, 10
#: Bytes that must be usable while the reserve is held, so that a question counts as savable.
LOW = 256 * 1024


class Reserve:
    """The reserve in a data directory. It holds nothing until `take`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._path = directory / "reserve"
        with suppress(OSError):
            self.size = min(SIZE, shutil.disk_usage(directory).total // PART)
        self.held = self._is_held()

    size = SIZE

    def needed(self) -> bool:
        """Whether the disk is so full that not even a start may succeed."""
        return self._free() < LOW

    def take(self) -> None:
        """Hold the space, if as much again stays free. Does nothing if that fails."""
        if self.held or self._free() < 2 * self.size:
            return
        try:
            make_private(self._path)
            _fill(self._path, self.size)
            self.held = True
        except OSError:
            self.release()

    def release(self) -> bool:
        """Give the space back. False if there was none to give."""
        held, self.held = self.held, False
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        return held

    def check(self, unused: Callable[[], int]) -> None:
        """Raise `DiskFull` where the space that is left is for deletions only. `unused` returns the
        bytes within the database's own files that it can use again."""
        if not self.held and self._free() + unused() < self.size // 2:
            raise DiskFull

    def check_free(self, unused: Callable[[], int]) -> None:
        """Raise `DiskFull` where a question might not be saved."""
        self.check(unused)
        if self.held and self._free() + unused() < LOW:
            raise DiskFull

    def _is_held(self) -> bool:
        try:
            found = self._path.stat()
        except OSError:
            return False
        blocks = getattr(found, "st_blocks", None)
        return (found.st_size if blocks is None else blocks * 512) >= self.size

    def _free(self) -> int:
        try:
            return shutil.disk_usage(self._directory).free
        except OSError:  # the directory is gone, or the disk fails: a write will say so
            return 2 * SIZE


def _fill(path: Path, size: int) -> None:
    with path.open("r+b") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.write(bytes(size))
            file.flush()
