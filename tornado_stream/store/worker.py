"""A connection and the thread that works with it: its work in the order of the calls, in
transactions.

The rule: a connection is used by one thread at a time, by the one that holds its lock. That is its
own thread, and while that has nothing to do, the event loop may borrow the connection. A call of
the thread costs two thirds of what it costs with a `ThreadPoolExecutor` of one thread.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import partial
from queue import SimpleQueue
from threading import Lock, Thread
from time import monotonic
from typing import Any, Concatenate, ParamSpec, TypeVar

from tornado_stream.store.base import DiskFull, StoreError
from tornado_stream.store.sqlite_errors import is_full, reason

P = ParamSpec("P")
T = TypeVar("T")

#: Gets what a work has returned, or what it has raised.
Deliver = Callable[[Any, BaseException | None], None]
#: A function of the connection, and the callback that is called on the worker's thread. None ends
#: the thread.
Job = tuple[Callable[[sqlite3.Connection], Any], Deliver] | None


class Worker:
    """A connection and its thread.

    The futures fail with `StoreError` if SQLite or the disk fails, otherwise with the exception of
    the work itself. `on_lent` is called when the connection is lent after the thread has used it,
    and `on_back` when the thread uses it after that.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        name: str,
        begin: str,
        on_failure: Callable[[], None] = lambda: None,
        on_commit: Callable[[float], None] = lambda seconds: None,
        on_lent: Callable[[sqlite3.Connection], None] = lambda db: None,
        on_back: Callable[[sqlite3.Connection], None] = lambda db: None,
    ) -> None:
        self._db = db
        self._begin = begin
        self._on_failure = on_failure
        self._on_commit = on_commit
        self._on_lent, self._on_back = on_lent, on_back
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._guard = Lock()  # of the next two
        self._unfinished = 0  # jobs in the queue, and the one that the thread is doing
        self._closed = False
        self._in_use = Lock()  # held by the thread that uses the connection
        # Guarded by `_in_use`: whether `on_lent` has done its work, and whether it has begun.
        self._is_lent = self._was_lent = False
        Thread(target=self._serve, name=name, daemon=True).start()

    def transact(
        self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **more: P.kwargs
    ) -> asyncio.Future[T]:
        """Call `work` with the connection, in a transaction of its own."""

        def in_transaction(db: sqlite3.Connection) -> T:
            began = monotonic()
            try:
                with transaction(db, self._begin):
                    done = work(db, *args, **more)
            except BaseException:
                self._on_failure()
                raise
            self._on_commit(monotonic() - began)
            return done

        return self.run(in_transaction)

    def run(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """Call `work` with the connection; the future belongs to the running loop. If it is
        cancelled before the thread has begun with it, `work` is not called."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def unless_cancelled(db: sqlite3.Connection) -> T | None:
            return None if future.cancelled() else work(db)

        self.post(unless_cancelled, partial(settle, future))
        return future

    def post(self, work: Callable[[sqlite3.Connection], Any], deliver: Deliver) -> None:
        """Call `work` with the connection, and then `deliver` in the running loop."""
        loop = asyncio.get_running_loop()

        def deliver_there(result: Any, error: BaseException | None) -> None:
            with suppress(RuntimeError):  # the loop is closed, so no coroutine waits
                loop.call_soon_threadsafe(deliver, result, error)

        self._put(work, deliver_there)

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Call `work` with the connection. This method can be called on any thread."""
        future: Future[T] = Future()
        self._put(work, partial(settle, future))
        return future

    @contextmanager
    def lent(self) -> Iterator[sqlite3.Connection | None]:
        """The connection, for the block alone and without waiting; None if the thread has something
        to do, or the connection is closed. Work that is submitted meanwhile waits for the block.
        Raises what `on_lent` raises."""
        with self._guard:
            is_free = not (self._closed or self._unfinished)
            if is_free:  # then nobody holds the lock: see `_done`
                self._in_use.acquire()
        if not is_free:
            yield None
            return
        try:
            if not self._is_lent:
                self._was_lent = True
                self._on_lent(self._db)
                self._is_lent = True
            yield self._db
        finally:
            self._in_use.release()

    def close(self) -> Future[None]:
        """Close the connection, after the work that was submitted before."""
        closed = self.submit(sqlite3.Connection.close)
        with self._guard:
            self._closed = True
            self._jobs.put(None)
        return closed

    def _put(self, work: Callable[[sqlite3.Connection], Any], deliver: Deliver) -> None:
        with self._guard:
            if self._closed:
                raise StoreError("The store is closed.")
            self._unfinished += 1
            self._jobs.put((work, deliver))

    # -- on the worker's thread

    def _serve(self) -> None:
        while self._do_next():
            pass  # without a variable that would keep the last result until the next job

    def _do_next(self) -> bool:
        job = self._jobs.get()
        if job is None:
            return False
        work, deliver = job
        try:
            with self._in_use:
                result = _guarded(self._db, self._back(work))
        except BaseException as error:
            self._done()
            deliver(None, error)
        else:
            self._done()
            deliver(result, None)
        return True

    def _back(self, work: Callable[[sqlite3.Connection], Any]) -> Callable[..., Any]:
        """`work`, before which a connection that was lent is again as it was."""
        if not self._was_lent:
            return work

        def after_taking_back(db: sqlite3.Connection) -> Any:
            self._is_lent = False
            self._on_back(db)
            self._was_lent = False
            return work(db)

        return after_taking_back

    def _done(self) -> None:
        """Nothing else is called between the end of a job and this, so when nothing is unfinished,
        the thread does not hold the lock."""
        with self._guard:
            self._unfinished -= 1


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


def settle(
    future: asyncio.Future[T] | Future[T], result: T, error: BaseException | None = None
) -> None:
    """Resolve a future with what a work has returned or raised, unless it was cancelled."""
    if future.cancelled():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


def told(error: BaseException) -> BaseException:
    """What the caller of a store gets for this error: `StoreError` if SQLite or the disk failed."""
    if not isinstance(error, (sqlite3.Error, OSError)):
        return error
    if is_full(error):
        new: StoreError = DiskFull()
    else:
        new = StoreError(f"The conversations cannot be used now: {reason(error)}.")
    new.__cause__ = error
    return new


def _guarded(db: sqlite3.Connection, work: Callable[[sqlite3.Connection], Any]) -> Any:
    try:
        return work(db)
    except (sqlite3.Error, OSError) as error:
        raise told(error) from error
