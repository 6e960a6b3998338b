"""Which processes use a data directory: each holds a lock on a file of its own.

The rule: the system frees a lock when its process ends, however that happens, and no name is used
twice. So a process whose lock is free is dead for ever, and a process that hangs is alive. All
calls are synchronous; `alone` costs one call of the system.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import Lock

if sys.platform != "win32":
    import fcntl

#: How the names of the files begin.
PREFIX = "instance-"
#: Nanoseconds after which a change of the directory has a time of its own.
SETTLED = 50_000_000
#: The ending of a file that is not locked yet.
_UNLOCKED = ".new"


class Instances:
    """The processes of a data directory. `name` is that of this one. `alone` says that this one has
    just got the lock of the directory, so that no other can be alive.

    `registered` is False where the disk refuses the file, and on Windows: then no other process can
    tell that this one is alive, and must not use the directory. All methods can be called on any
    thread.
    """

    def __init__(self, data_dir: Path, *, alone: bool = False) -> None:
        self.name = os.urandom(8).hex()
        self._folder = data_dir
        self._descriptor: int | None = None
        self._dead: set[str] = set()
        self._others: frozenset[str] = frozenset()
        self._seen_at = -1  # when the directory had last changed
        self._scanning = Lock()
        for name in self._names() if alone else ():
            self._bury(name)
        self.register()

    @property
    def registered(self) -> bool:
        return self._descriptor is not None

    def register(self) -> bool:
        """Hold the lock, unless the disk refuses the file. Returns whether it is held."""
        if self._descriptor is None and sys.platform != "win32":
            with suppress(OSError):
                self._descriptor = self._locked_file()
        return self.registered

    def _locked_file(self) -> int:
        """Raises `OSError`."""
        path = self._path(self.name)
        unlocked = path.with_name(path.name + _UNLOCKED)
        descriptor = os.open(unlocked, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            if sys.platform != "win32":
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # It gets its name only now: a free file of this name would mean a dead process.
            os.rename(unlocked, path)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def is_alive(self, name: str) -> bool:
        """Whether the process with this name may still run."""
        if name == self.name:
            return True
        if not name or name in self._dead:
            return False
        if not self._is_free(name):
            return True
        self._bury(name)
        return False

    def is_neighbour(self, name: str) -> bool:
        """Whether this is the name of another process, which may still run."""
        return name != self.name and self.is_alive(name)

    @property
    def others(self) -> frozenset[str]:
        """The other processes that are alive, as far as is known without asking for each."""
        try:
            changed_at = os.stat(self._folder).st_mtime_ns
        except OSError:
            return self._others
        if changed_at != self._seen_at:
            with self._scanning:
                # A second change within the same tick of the disk's clock would not be seen.
                settled = time.time_ns() - changed_at > SETTLED
                self._seen_at = changed_at if settled else -1
                self._others = frozenset(filter(self.is_alive, self._names()))
        return self._others

    def look(self) -> None:
        """Ask for each of the others whether it is still alive."""
        self._others = frozenset(filter(self.is_alive, self.others))

    def close(self) -> None:
        """Leave the directory as a process that has ended. Idempotent."""
        if self._descriptor is not None:
            with suppress(OSError):
                self._path(self.name).unlink()
            self.abandon()

    def abandon(self) -> None:
        """Free the lock as a crash would. Idempotent."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _bury(self, name: str) -> None:
        self._dead.add(name)
        with suppress(OSError):
            self._path(name).unlink()

    def _names(self) -> list[str]:
        try:
            names = os.listdir(self._folder)
        except OSError:
            return []
        found = [name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)]
        return [name for name in found if name != self.name and not name.endswith(_UNLOCKED)]

    def _path(self, name: str) -> Path:
        return self._folder / (PREFIX + name)

    def _is_free(self, name: str) -> bool:
        if sys.platform == "win32" or not name.isalnum():
            return True
        try:
            descriptor = os.open(self._path(name), os.O_RDONLY)
        except FileNotFoundError:
            return True
        except OSError:  # out of descriptors, or not ours: it may be alive
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return True
