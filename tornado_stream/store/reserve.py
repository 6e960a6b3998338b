"""Space on the disk that is kept for deletions: a file beside the database, which holds it.

A deletion writes before it frees anything, so on a full disk nothing could be deleted. The rule:
a deletion that finds the disk full gets the space of the file. After it, half of what is free is
held again; the other half is for the write-ahead log of other writes. The database file grows
when the log is moved into it: no write may let it grow by more than the reserve can give, for then
nothing could move the log, and no deletion would make room. All functions are synchronous, and may
be called on any thread.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tornado_stream.store.base import DiskFull
from tornado_stream.store.private_files import make_private

#: Bytes of the reserve, and at most which part of the whole disk. Half of it has room for the
#: write-ahead log, the other half for a deletion.
SIZE, PART = 32 * 1024 * 1024, 10
#: Bytes that must be free, so that a question counts as savable. Free pages of the database do not
#: count: what is written goes to the write-ahead log first.
LOW = 256 * 1024


class Reserve:
    """The reserve in a data directory. `held` is how many bytes it holds, at most `size`."""

    size = SIZE

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._path = directory / "reserve"
        self._in_use = False
        with suppress(OSError):
            self.size = min(SIZE, disk_space(directory)[0] // PART)
        self.held = self._held()

    @property
    def is_whole(self) -> bool:
        return self.held >= self.size

    def take(self) -> None:
        """Hold as much as there is room for, unless a deletion is using the space."""
        if self.is_whole or self._in_use:
            return
        room = self._free() + self.held
        wanted = self.size if room >= 2 * self.size else min(self.size, room) // 2
        if wanted <= self.held:
            return
        try:
            make_private(self._path)
            _fill(self._path, wanted)
        except OSError:
            self._remove()
        self.held = self._held()

    def release(self) -> None:
        """Give the space to a deletion, until `settle`."""
        self._in_use = True
        self._remove()

    def settle(self) -> None:
        """The deletion has ended: hold again what there is room for."""
        if self._in_use:
            self._in_use = False
            self.take()

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Give the space to the block, unless a deletion has it already."""
        if self._in_use:
            yield
            return
        self.release()
        try:
            yield
        finally:
            self.settle()

    def is_disk_full(self) -> bool:
        """Whether a question might not be saved."""
        return self._free() < LOW

    def check(self, growth: int) -> None:
        """Raise `DiskFull` if the reserve might not have the `growth` of the database file that is
        due, in bytes."""
        if growth > max(self.held, self._free() // 2):
            raise DiskFull

    def has_room_to_tidy(self) -> bool:
        """Whether deferred work may be done, which other writes then find room beside."""
        return self._free() >= 2 * LOW

    def has_room_for_index(self, unused: int) -> bool:
        """Whether texts may be indexed: on a disk that is nearly full, the last space is for
        questions and answers. `unused` is what the database has in its own file, in bytes."""
        return self._free() + unused >= self.size // 2

    def _remove(self) -> None:
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        self.held = self._held()

    def _held(self) -> int:
        try:
            found = self._path.stat()
        except OSError:
            return 0
        blocks = getattr(found, "st_blocks", None)
        return found.st_size if blocks is None else min(found.st_size, blocks * 512)

    def _free(self) -> int:
        try:
            return disk_space(self._directory)[1]
        except OSError:  # the directory is gone, or the disk fails: a write will say so
            return 2 * SIZE


def disk_space(path: Path) -> tuple[int, int]:
    """The size of the disk that has the path, and how much of it is free, in bytes. Raises
    `OSError`."""
    if hasattr(os, "statvfs"):
        found = os.statvfs(path)
        return found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize
    import shutil  # Windows; the module brings those of three compressions with it

    disk = shutil.disk_usage(path)
    return disk.total, disk.free


def _fill(path: Path, size: int) -> None:
    with path.open("r+b") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.write(bytes(size))
            file.flush()
