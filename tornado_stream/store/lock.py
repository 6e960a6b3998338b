"""Locks on files, for the data directory of a process and for a file that several processes change.

The operating system releases a lock when its process ends, however that happens. The files
remain: if one were removed, two processes could lock two different files of the same name.
All calls are synchronous and raise `OpenError`.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

from tornado_stream.store.base import DirectoryInUse, OpenError
from tornado_stream.store.private_files import make_private, unusable

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

#: Seconds that `locked` waits for another process, and between two attempts.
LOCK_WAIT, LOCK_PAUSE = 5.0, 0.02
#: The byte that is locked on Windows. Locked bytes cannot be read, and others must read the pid.
_FAR = 1 << 30
#: The content of the lock of a data directory that no process uses.
_RELEASED = "released\n"


class DirectoryLock:
    """The lock of a data directory, held from its construction until `release`.

    `was_unclean` says that the process before did not release it. On a read-only disk, a file that
    does not exist is not locked: no other process can write there either. Another process that uses
    the directory beside this one gets a `descriptor` of the same lock: the lock is held for as long
    as one of them has it open.
    """

    def __init__(self, directory: Path, descriptor: int | None = None) -> None:
        self.was_unclean = False
        self.descriptor = _open_lock(directory / "lock") if descriptor is None else descriptor
        if self.descriptor is None or descriptor is not None:
            return
        try:
            _lock(self.descriptor)
        except OSError:
            pid = os.read(self.descriptor, 20).decode("ascii", "replace").strip() or "unknown"
            self.abandon()
            raise DirectoryInUse(
                f"the data directory {directory} is in use by another Tornado Stream "
                f"(pid {pid}); take over from it with --replace, stop it, or use another "
                "directory with --data-dir"
            ) from None
        self.was_unclean = os.read(self.descriptor, 20).strip().isdigit()
        self.name_holder(os.getpid())

    def name_holder(self, pid: int) -> None:
        """Write into the file which process is the one to stop."""
        if self.descriptor is not None:
            self._write(f"{pid}\n")

    def release(self) -> None:
        """Idempotent."""
        if self.descriptor is not None:
            self._write(_RELEASED)
            self.abandon()

    def _write(self, text: str) -> None:
        """Replace the content. A full disk has room for it if there was some before."""
        assert self.descriptor is not None
        with suppress(OSError):
            os.lseek(self.descriptor, 0, os.SEEK_SET)
            os.write(self.descriptor, text.encode())
            os.ftruncate(self.descriptor, len(text))

    def abandon(self) -> None:
        """Give up this descriptor of the lock, as a crash would. Idempotent."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


def lock_holder(directory: Path) -> int | None:
    """The id of the process that holds the lock of a data directory, 0 if it is not known; None if
    none does."""
    try:
        descriptor = os.open(directory / "lock", os.O_RDWR)
    except OSError:
        return None
    try:
        _lock(descriptor)
    except OSError:
        text = os.read(descriptor, 20).strip()
        return int(text) if text.isdigit() else 0
    finally:
        os.close(descriptor)
    return None


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock the file, which is created if missing, while the block runs.

    Blocks the thread until the lock is free, for at most `LOCK_WAIT` seconds.
    """
    descriptor = _open(path)
    try:
        _wait_for_lock(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def _open_lock(path: Path) -> int | None:
    """The opened file; None on a read-only disk that does not have it."""
    try:
        return _open(path)
    except OpenError as error:
        cause = error.__cause__
        if not isinstance(cause, OSError) or cause.errno not in (errno.EROFS, errno.ENOSPC):
            raise
    with suppress(FileNotFoundError):
        return os.open(path, os.O_RDONLY)
    return None


def _open(path: Path) -> int:
    try:
        make_private(path)
        return os.open(path, os.O_RDWR)
    except OSError as error:
        raise unusable(path.parent, error) from error


def _wait_for_lock(descriptor: int, path: Path) -> None:
    deadline = monotonic() + LOCK_WAIT
    while True:
        try:
            return _lock(descriptor)
        except OSError:
            if monotonic() > deadline:
                raise OpenError(f"another process has locked {path}; try again") from None
            sleep(LOCK_PAUSE)


def _lock(descriptor: int) -> None:
    """Lock at once or raise `OSError`. Closing the file unlocks it."""
    if sys.platform == "win32":
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
