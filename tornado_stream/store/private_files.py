"""Files and directories that only their owner can read, whatever the umask, and that last."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from tornado_stream.store.base import OpenError


def make_directory(path: Path) -> None:
    """Create the directory, with mode 0700. One that exists keeps its mode. Raises `OpenError`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            path.mkdir(mode=0o700)
            path.chmod(0o700)
        if not path.is_dir():
            raise NotADirectoryError(0, "it is not a directory")
    except OSError as error:
        raise unusable(path, error) from error


def make_private(path: Path) -> None:
    """Create the file if it is missing, and give it mode 0600. A device stays as it is. Raises
    `OSError`."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    mode = path.stat().st_mode
    if mode & 0o077 and stat.S_ISREG(mode):
        path.chmod(0o600)


def unusable(path: Path, error: OSError) -> OpenError:
    """The `OpenError` for a data directory in which a call failed with this error."""
    return OpenError(
        f"cannot use the data directory {path} ({error.strerror or error}); "
        "use another one with --data-dir"
    )


def sync_directory(path: Path) -> None:
    """Make the names in the directory survive a power failure, where the system can do that."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:  # Windows
        return
    try:
        os.fsync(descriptor)
    except OSError:  # some file systems
        pass
    finally:
        os.close(descriptor)
