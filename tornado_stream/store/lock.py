"""The data directory as one process's own: private, and locked while the process lives.

Everything here is synchronous and raises `OpenError`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tornado_stream.store.base import OpenError
from tornado_stream.store.private_files import make_private, unusable

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

#: Where Windows locks a byte: locked bytes cannot be read, and others must read the pid.
_FAR = 1 << 30


class DirectoryLock:
    """Held from its making until `release` or the end of the process, however that comes. The
    file stays: removing it would let two processes hold two files of one name."""

    def __init__(self, directory: Path) -> None:
        path = directory / "lock"
        try:
            make_private(path)
            self._descriptor: int | None = os.open(path, os.O_RDWR)
        except OSError as error:
            raise unusable(directory, error) from error
        try:
            _lock(self._descriptor)
        except OSError:
            pid = os.read(self._descriptor, 20).decode("ascii", "replace").strip() or "unknown"
            self.release()
            raise OpenError(
                f"the data directory {directory} is in use by another Tornado Stream "
                f"(pid {pid}); stop it, or take another with --data-dir"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let go. Idempotent."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


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
