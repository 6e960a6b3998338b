"""What the thread of a connection does: its work in the order of the calls, in transactions.

The rule: nothing here runs on the IOLoop's thread. A call costs two thirds of what it costs with a
`ThreadPoolExecutor` of one thread.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Thread
from typing import Any

from tornado_stream.store.base import DiskFull, StoreError
from tornado_stream.store.sqlite_errors import is_full, reason

#: A function of the connection, and the callback that gets what it returns or raises.
Job = tuple[Callable[[sqlite3.Connection], Any], Callable[[Any, BaseException | None], None]]
#: None ends the thread.
Jobs = SimpleQueue[Job | None]


def start(db: sqlite3.Connection, name: str) -> Jobs:
    """Start the only thread that uses this connection. It does the jobs of the queue, each of which
    fails with `StoreError` if SQLite or the disk fails."""
    jobs: Jobs = SimpleQueue()
    Thread(target=_serve, args=(db, jobs), name=name, daemon=True).start()
    return jobs


@contextmanager
def transaction(db: sqlite3.Connection, begin: str = "BEGIN IMMEDIATE") -> Iterator[None]:
    """Commit what the block writes, or none of it if the block raises.

    The connection can be used again afterwards, even if the COMMIT or the ROLLBACK fails.
    """
    if db.in_transaction:  # the rollback of the previous transaction had failed
        db.rollback()
    db.execute(begin)
    try:
        yield
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.rollback()


def _serve(db: sqlite3.Connection, jobs: Jobs) -> None:
    while _do_next(db, jobs):
        pass  # without a variable that would keep the last result until the next job


def _do_next(db: sqlite3.Connection, jobs: Jobs) -> bool:
    job = jobs.get()
    if job is None:
        return False
    work, deliver = job
    try:
        result = _guarded(db, work)
    except BaseException as error:
        deliver(None, error)
    else:
        deliver(result, None)
    return True


def _guarded(db: sqlite3.Connection, work: Callable[[sqlite3.Connection], Any]) -> Any:
    try:
        return work(db)
    except (sqlite3.Error, OSError) as error:
        if is_full(error):
            raise DiskFull from error
        raise StoreError(f"The conversations cannot be used now: {reason(error)}.") from error
