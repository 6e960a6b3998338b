"""Small writes that share a transaction: answers that begin and end, their new events, the ledger.

The rule: all of them that are asked for in one iteration of the event loop are one transaction, in
which each has a savepoint: one that fails takes none of the others with it. While a commit does not
wait for the disk, it is made on the loop, with the connection that the writer's idle thread lends;
everything else is done by that thread. docs/decisions/0013 says why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any, Concatenate, NamedTuple, ParamSpec, TypeVar

from tornado_stream.store.base import DiskFull, StoreError
from tornado_stream.store.worker import Worker, settle, told

if TYPE_CHECKING:
    import sqlite3

P = ParamSpec("P")
T = TypeVar("T")

#: The most bytes of text that are written on the loop at once: what is larger takes time to pack.
SMALL = 64 * 1024
#: A commit is slow if it takes so many seconds, and as many more for each of its writes.
SLOW, SLOW_EACH = 0.02, 0.001
#: Seconds after a slow commit in which the thread makes all of them.
REST = 10.0

#: What a write has returned, or what it has raised.
Outcome = tuple[Any, BaseException | None]


class Write(NamedTuple):
    """One of the writes; `size` is about how many bytes of text it has."""

    work: Callable[[sqlite3.Connection], Any]
    size: int
    future: asyncio.Future[Any]


class SharedTransactions:
    """The writes that wait for the end of the loop's iteration. All methods are called on the loop.

    `look` is called before each transaction and `check` before its commit; what they raise is the
    failure of the writes. `was_moved` tells whether the write-ahead log was moved into the database
    since it was last asked: then the next commit begins the log anew, and waits for the disk.
    `on_failure` is called when a write fails, `on_commit` after a transaction with its seconds, and
    `on_loop` after one that was made on the loop, with the numbers of its writes and of their
    bytes. `may_use_loop` says whether there may be any now. `on_settled` is called after each
    transaction, with whether the disk was full.
    """

    def __init__(
        self,
        writer: Worker,
        *,
        look: Callable[[], None],
        check: Callable[[sqlite3.Connection], None],
        was_moved: Callable[[], bool],
        on_failure: Callable[[], None],
        on_commit: Callable[[float], None],
        on_loop: Callable[[int, int], None],
        on_settled: Callable[[bool], None],
        may_use_loop: Callable[[], bool],
    ) -> None:
        self._writer = writer
        self._look, self._check, self._was_moved = look, check, was_moved
        self._on_failure, self._on_commit = on_failure, on_commit
        self._on_loop, self._on_settled = on_loop, on_settled
        self._may_use_loop = may_use_loop
        self._resting_until = 0.0
        self._waiting: list[Write] = []
        self._closed = False

    @property
    def uses_loop(self) -> bool:
        """Whether small commits are made on the loop now."""
        return monotonic() >= self._resting_until and self._may_use_loop()

    def add(
        self,
        size: int,
        work: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **more: P.kwargs,
    ) -> asyncio.Future[T]:
        """Call `work` with the connection, in the transaction of this iteration; `size` is about
        how many bytes of text it writes. If the future is cancelled before that, `work` is not
        called. Raises `StoreError` if the store is closed."""
        if self._closed:
            raise StoreError("The store is closed.")
        if not self._waiting:
            self._loop = asyncio.get_running_loop()
            self._loop.call_soon(self._commit)
        future: asyncio.Future[T] = self._loop.create_future()
        self._waiting.append(Write(lambda db: work(db, *args, **more), size, future))
        return future

    def hand_over(self) -> None:
        """Give what waits to the thread now, so that it comes before what is submitted next."""
        if writes := self._take():
            self._commit_in_thread(writes)

    def close(self) -> None:
        """Take no more writes. Those that wait are done by the thread."""
        self._closed = True
        self.hand_over()

    def _take(self) -> list[Write]:
        writes, self._waiting = self._waiting, []
        return [write for write in writes if not write.future.cancelled()]

    def _commit(self) -> None:
        writes = self._take()
        if writes and not self._commit_now(writes):
            self._commit_in_thread(writes)

    def _commit_now(self, writes: list[Write]) -> bool:
        """Commit on the loop. False if that may take time, or if no transaction could begin."""
        size = sum(write.size for write in writes)
        if size > SMALL or not self.uses_loop:
            return False
        began = monotonic()
        try:
            self._look()
            if self._was_moved():
                return False
            with self._writer.lent() as db:
                if db is None:
                    return False
                outcomes = self._perform(db, writes)
        except Exception:  # most likely another program has the lock, for which the thread waits
            self._resting_until = monotonic() + REST
            return False
        if monotonic() - began > SLOW + SLOW_EACH * len(writes):
            self._resting_until = monotonic() + REST
        self._settle(writes, outcomes)
        self._on_loop(len(writes), size)
        return True

    def _commit_in_thread(self, writes: list[Write]) -> None:
        def deliver(outcomes: list[Outcome], error: BaseException | None) -> None:
            self._settle(writes, outcomes or [(None, error)] * len(writes))

        def work(db: sqlite3.Connection) -> list[Outcome]:
            self._look()
            return self._perform(db, writes)

        try:
            self._writer.post(work, deliver)
        except Exception as error:  # the store was closed
            self._settle(writes, [(None, error)] * len(writes))

    def _perform(self, db: sqlite3.Connection, writes: list[Write]) -> list[Outcome]:
        began = monotonic()
        outcomes = perform(db, writes, self._check, self._on_failure)
        self._on_commit(monotonic() - began)
        return outcomes

    def _settle(self, writes: list[Write], outcomes: list[Outcome]) -> None:
        for write, outcome in zip(writes, outcomes, strict=True):
            settle(write.future, *outcome)
        self._on_settled(any(isinstance(failure, DiskFull) for _, failure in outcomes))


def perform(
    db: sqlite3.Connection,
    writes: list[Write],
    check: Callable[[sqlite3.Connection], None],
    on_failure: Callable[[], None] = lambda: None,
) -> list[Outcome]:
    """Do the writes in one transaction, or each in its own if that cannot be committed. Raises if
    no transaction can begin; then nothing was done."""
    if db.in_transaction:  # the rollback of the previous transaction had failed
        db.rollback()
    db.execute("BEGIN IMMEDIATE")
    do = _do if len(writes) == 1 else _do_apart
    try:
        outcomes = [do(db, write, on_failure) for write in writes]
        check(db)
        db.execute("COMMIT")
        return outcomes
    except Exception as error:
        on_failure()
        if len(writes) == 1:
            return [(None, told(error))]
    finally:
        if db.in_transaction:
            db.rollback()
    # Together they do not fit on the disk, or SQLite has rolled all of them back because of one.
    return [_alone(db, write, check, on_failure) for write in writes]


def _alone(
    db: sqlite3.Connection,
    write: Write,
    check: Callable[[sqlite3.Connection], None],
    on_failure: Callable[[], None],
) -> Outcome:
    try:
        (outcome,) = perform(db, [write], check, on_failure)
    except Exception as error:
        return None, told(error)
    return outcome


def _do(db: sqlite3.Connection, write: Write, on_failure: Callable[[], None]) -> Outcome:
    return write.work(db), None


def _do_apart(db: sqlite3.Connection, write: Write, on_failure: Callable[[], None]) -> Outcome:
    """Do one of several writes. If it fails, only what it has done is undone."""
    db.execute("SAVEPOINT write")
    try:
        result = write.work(db)
    except Exception as error:
        on_failure()
        if not db.in_transaction:
            raise
        db.execute("ROLLBACK TO write")
        db.execute("RELEASE write")
        return None, told(error)
    db.execute("RELEASE write")
    return result, None
