"""Checks the whole database for damage: in the background, and as the command `check`.

The rule: a damage is told once it can be seen. A check is made after a start that followed no
clean end, and a day after the last one. It reads one table after the other, on a thread of low
priority and a connection of its own, so it delays nobody.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from tornado_stream.store.base import OpenError
from tornado_stream.store.opening import connect_reader
from tornado_stream.store.private_files import make_private
from tornado_stream.store.sqlite_errors import is_full, reason

_IS_OURS = "SELECT 1 FROM sqlite_master WHERE name = 'migrations'"

logger = logging.getLogger(__name__)

#: Seconds between two checks, and until the next try where a check was not possible.
PERIOD, AGAIN = 24 * 3600.0, 600.0
#: Seconds between two looks whether it is time for a check, at most.
LOOK = 60.0
#: Seconds between two pieces of a check.
PAUSE = 0.05
#: How often a deletion may stop one piece. After that, deletions wait until it has ended.
PATIENCE = 10
#: Damages that one line of the log, or the command, names at most.
SHOWN = 20
#: How much lower than the server's the priority of the thread is (`nice`).
NICE = 10
#: The tables as pieces. The piece of the schema includes the list of free pages.
_PIECES = (
    "SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0 "
    "UNION ALL SELECT 'sqlite_master'"
)
#: Errors that say nothing about the database.
_PASSING = {"SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CANTOPEN", "SQLITE_NOMEM"}


class Checker:
    """Checks the database at `path` when it is time: now if `at_once`, in a day if `is_new`. Of
    several processes, the one does it for which `may_begin` is true.

    `damage` has what the last check found; `checked_at` is when it ended. The time is kept as the
    time of the file `checked`, so that it survives a restart.
    """

    def __init__(
        self,
        path: Path,
        *,
        is_new: bool,
        at_once: bool,
        may_begin: Callable[[], bool] = lambda: True,
    ) -> None:
        self.damage: list[str] = []
        self._path = path
        self._may_begin = may_begin
        self._stamp = path.with_name("checked")
        if is_new:
            self._write_stamp()
        self.checked_at = self._read_stamp()
        self._due = 0.0 if at_once else self.checked_at + PERIOD
        self._closed = threading.Event()
        self._piece = threading.Lock()  # held while a piece runs
        self._stopped = False  # whether the present piece was stopped
        self._patience = PATIENCE  # how often it may still be stopped
        self._db: sqlite3.Connection | None = None
        self._thread = threading.Thread(target=self._run, name="store-check", daemon=True)
        self._thread.start()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Within the block no piece runs, so no snapshot of the database is held."""
        while not self._piece.acquire(timeout=0.02):
            self._stop_piece()
        try:
            yield
        finally:
            self._piece.release()

    def close(self) -> None:
        """Stop the check, and wait until its connection is closed."""
        self._closed.set()
        while self._thread.is_alive():
            self._stop_piece()
            self._thread.join(0.02)

    def _run(self) -> None:
        while not self._closed.wait(self._pause()):
            if self._may_begin() and time.time() >= self._due:
                _lower_priority()
                self._due = time.time() + (PERIOD if self._check() else AGAIN)

    def _pause(self) -> float:
        """Seconds until the next look whether it is time."""
        left = min(max(self._due - time.time(), 0.0), LOOK)
        return left if self._may_begin() else LOOK

    def _check(self) -> bool:
        """False if the check was not possible."""
        began = time.monotonic()
        try:
            with closing(connect_reader(self._path)) as self._db:
                damage = self._check_all(self._db)
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorname", "") in _PASSING or self._closed.is_set():
                return False
            damage = [reason(error)]
        finally:
            self._db = None
        if self._closed.is_set():
            return False
        self.damage, self.checked_at = damage, time.time()
        if damage:
            logger.error(
                "the database %s is damaged: %s. Make a copy of it, and restore a backup",
                self._path,
                "; ".join(damage[:SHOWN]),
            )
        else:
            self._write_stamp()
            logger.info("the database was checked in %.1f s", time.monotonic() - began)
        return True

    def _check_all(self, db: sqlite3.Connection) -> list[str]:
        damage = []
        for (name,) in db.execute(_PIECES).fetchall():
            damage += self._check_piece(db, name)
            if self._closed.wait(PAUSE):
                break
        return damage

    def _check_piece(self, db: sqlite3.Connection, name: str) -> list[str]:
        self._patience = PATIENCE
        while not self._closed.is_set():
            with self._piece:
                self._stopped = False
                try:
                    found = check_table(db, name)
                except sqlite3.OperationalError:
                    if not self._stopped:
                        raise
                if not self._stopped:  # otherwise SQLite may not have read all of it
                    return found
            self._patience -= 1
            self._closed.wait(PAUSE)
        return []

    def _stop_piece(self) -> None:
        if (db := self._db) and (self._patience > 0 or self._closed.is_set()):
            self._stopped = True
            with suppress(sqlite3.ProgrammingError):  # it was closed meanwhile
                db.interrupt()

    def _read_stamp(self) -> float:
        try:
            return min(self._stamp.stat().st_mtime, time.time())
        except OSError:
            return 0.0

    def _write_stamp(self) -> None:
        with suppress(OSError):
            make_private(self._stamp)
            os.utime(self._stamp)


def check_table(db: sqlite3.Connection, name: str) -> list[str]:
    """What is wrong with a table and its indexes. The texts name pages, and nothing stored."""
    quoted = name.replace('"', '""')
    return _problems(db, f'quick_check("{quoted}")')


def check_whole(path: Path) -> list[str]:
    """What is wrong with the database at `path`, which a server may be using; [] if nothing is.
    The texts name pages, and nothing stored. Raises `OpenError` if it cannot be read."""
    try:
        with closing(connect_reader(path)) as db:
            found = _problems(db, f"integrity_check({SHOWN})")
            if not found and not db.execute(_IS_OURS).fetchone():
                return ["it is empty, or not a database of this program"]
            return found
    except sqlite3.Error as error:
        is_damage = not isinstance(error, sqlite3.OperationalError) or (
            error.sqlite_errorname.startswith("SQLITE_IOERR") and not is_full(error)
        )
        if not is_damage:  # for example a disk that is full
            raise OpenError(f"cannot check {path}: {reason(error)}") from error
        return [reason(error)]


def _problems(db: sqlite3.Connection, pragma: str) -> list[str]:
    rows = [str(text) for (text,) in db.execute(f"PRAGMA {pragma}")]
    return [line for row in rows if row != "ok" for line in row.splitlines()]


def _lower_priority() -> None:
    if sys.platform == "linux":  # there a thread has a priority of its own
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
