"""The bytes of files on the disk: `files/ab/abcd…`, named by their sha256, mode 0600.

The rule: bytes have this name only when they are whole and on the disk. Until then they are in a
file `….part`, which its process has locked: what a dead process left is told from what is still
arriving. All functions block; they are called on the threads of `FileFolder.pool`.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO, ParamSpec, TypeVar

from tornado_stream.store.base import DiskFull
from tornado_stream.store.private_files import make_directory, sync_directory
from tornado_stream.store.reserve import PART, SIZE, disk_space

P = ParamSpec("P")
T = TypeVar("T")

#: The folder in the data directory.
FOLDER = "files"
#: Threads that read and write. One file's bytes are written one after the other.
THREADS = 2
#: Seconds after which an unfinished file is one that was left behind, where files have no locks.
ABANDONED = 3600.0


class FileFolder:
    """A folder of a data directory. It and its threads are made when they are first needed."""

    def __init__(self, data_dir: Path, name: str = FOLDER) -> None:
        self.path = data_dir / name
        self.pool = ThreadPoolExecutor(THREADS, thread_name_prefix=name)

    def exists(self) -> bool:
        """Whether there has ever been a file."""
        return self.path.is_dir()

    def path_of(self, sha256: str) -> Path:
        """Where the bytes with this sum are."""
        return self.path / sha256[:2] / sha256

    def run(self, work: Callable[P, T], *args: P.args, **more: P.kwargs) -> asyncio.Future[T]:
        """Call the function on one of the threads; the future belongs to the running loop."""
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self.pool, partial(work, *args, **more))

    def new_part(self, size: int) -> PartFile:
        """An empty file for so many bytes that arrive. Raises `DiskFull`, `OSError`, `OpenError`.

        A file leaves room for as much as the reserve holds: questions and answers go first.
        """
        make_directory(self.path)
        total, free = disk_space(self.path)
        if free - size < min(SIZE, total // PART):
            raise DiskFull
        return PartFile(self)

    def read(self, sha256: str, start: int, size: int) -> bytes:
        """Some of the bytes with this sum. Raises `OSError`."""
        with self.path_of(sha256).open("rb") as file:
            file.seek(start)
            return file.read(size)

    def remove(self, sha256: str) -> None:
        """Remove the bytes with this sum, if they are there. Raises `OSError`."""
        self.path_of(sha256).unlink(missing_ok=True)

    def remove_abandoned(self) -> None:
        """Remove the unfinished files of processes that have ended."""
        for path in self.path.glob("*.part"):
            with suppress(OSError), path.open("rb") as file:
                is_old = time.time() - path.stat().st_mtime > ABANDONED
                if lock(file, when_unknown=is_old):
                    path.unlink()

    def sums(self) -> Iterator[str]:
        """The names of all bytes that are there."""
        for folder in self.path.glob("[0-9a-f][0-9a-f]"):
            with suppress(OSError):
                yield from (entry.name for entry in os.scandir(folder))


class PartFile:
    """A file whose bytes are arriving. Its methods are called one after the other."""

    def __init__(self, folder: FileFolder) -> None:
        self._folder = folder
        self.path = folder.path / f"{secrets.token_hex(16)}.part"
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        self.file = os.fdopen(descriptor, "w+b", buffering=0)
        lock(self.file, when_unknown=True)
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes | bytearray) -> None:
        """Raises `OSError`."""
        self._hash.update(data)
        self.size += len(data)
        view = memoryview(data)
        while view:
            view = view[self.file.write(view) :]

    def sync(self) -> str:
        """Wait until the disk has all bytes, and return their sum. Raises `OSError`."""
        os.fsync(self.file.fileno())
        return self._hash.hexdigest()

    def place(self, sha256: str) -> None:
        """Give the bytes their name. Raises `OSError` and `OpenError`."""
        target = self._folder.path_of(sha256)
        make_directory(target.parent)
        os.replace(self.path, target)

    def close(self, sha256: str | None = None) -> None:
        """Close the file. One that has no name yet is removed; the name of another survives a power
        failure from now on."""
        with suppress(OSError):
            self.file.close()
        if sha256 is None:
            with suppress(OSError):
                self.path.unlink(missing_ok=True)
        else:
            sync_directory(self._folder.path_of(sha256).parent)


def lock(file: BinaryIO, *, when_unknown: bool) -> bool:
    """Lock the file until it is closed; False if another process has locked it."""
    try:
        import fcntl
    except ImportError:  # Windows
        return when_unknown
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return when_unknown
    return True
