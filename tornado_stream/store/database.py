"""The SQLite database: a file in a directory that this process has locked, and three threads.

The rule: each connection is used by one thread at a time, and work is done in the order of the
calls. One thread writes, one reads, and one searches, so a search delays no reading, and neither
delays a commit. A write is a transaction, and small ones share it; some are committed on the loop.
The journal mode is WAL: what was committed survives a crash of the process at any moment. With
synchronous NORMAL a power failure may lose the newest commits, with FULL none. At most a minute
after a commit, the main file has it too.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Concatenate, ParamSpec, TypeVar

from tornado_stream.store import logs, opening, search
from tornado_stream.store.base import DiskFull, StoreError
from tornado_stream.store.checkpoints import Checkpoints
from tornado_stream.store.checks import Checker
from tornado_stream.store.health import StoreHealth
from tornado_stream.store.instances import Instances
from tornado_stream.store.lock import DirectoryLock
from tornado_stream.store.migrate import remove_copies
from tornado_stream.store.private_files import make_directory
from tornado_stream.store.reserve import Reserve
from tornado_stream.store.shared_transaction import SharedTransactions
from tornado_stream.store.watch import Watch
from tornado_stream.store.worker import Worker, transaction

P = ParamSpec("P")
T = TypeVar("T")

#: Seconds from a write until deferred work begins, and between two steps of that work.
TIDY_DELAY, TIDY_PAUSE = 1.0, 0.02
#: The same pause while much is written that can wait to be indexed, and for how long after that.
LONG_PAUSE, LONG_PAUSE_LASTS = 0.25, 1.0
#: Seconds between two looks for copies that have become too old, while something is written.
COPIES_INTERVAL = 3600.0
#: Seconds between two attempts to empty the write-ahead log while another program reads.
TRUNCATE_PAUSE = 0.05


class Database:
    """The open database. Raises `OpenError`.

    `log_ends` belongs to whoever uses the writer's connection. `shared` takes the small writes,
    `write` all others. `instances` has the processes of the directory. `connection_class` is for
    tests in which single calls fail. `on_commit` is called with the seconds of each transaction,
    by one thread at a time. `lock` is a descriptor of the directory's lock, where another process
    has the directory open.
    """

    def __init__(
        self,
        data_dir: Path,
        connection_class: type[sqlite3.Connection],
        on_commit: Callable[[float], None],
        *,
        synchronous: str,
        lock: int | None = None,
    ) -> None:
        self.path = data_dir / "chat.db"
        self._wal = opening.wal_of(self.path)
        self._synchronous = synchronous
        self.log_ends: logs.LogEnds = {}
        self._closed: Future[None] | None = None
        self._tidying: asyncio.TimerHandle | None = None
        self._long_pauses_until = 0.0
        self._copies_due = 0.0
        self._leads = lock is None
        make_directory(data_dir)
        with ExitStack() as undo:
            self.lock = DirectoryLock(data_dir, lock)
            undo.callback(self.lock.abandon)
            self.instances = Instances(data_dir, alone=lock is None)
            undo.callback(self.instances.close)
            self.reserve = Reserve(data_dir)
            if self.reserve.is_disk_full():
                self.reserve.release()
            is_new = not opening.size(self.path)
            if is_new:
                opening.refuse_half_restored(data_dir)
            unclean = lock is None and (self.lock.was_unclean or opening.size(self._wal) > 0)
            longest_wal = min(opening.CHECKPOINT, self.reserve.size // 2 // 4096)
            opened = opening.open_connections(
                self.path,
                connection_class,
                undo,
                longest_wal=longest_wal,
                synchronous=synchronous,
                alone=not self.instances.others,
            )
            undo.pop_all()
        self._checkpoints = Checkpoints(
            move=lambda: self.writer.run(opening.checkpoint),
            empty=lambda: self.searcher.run(self._give_back_wal),
            is_roomy=lambda: self.reserve.is_whole,
            look=self._move_if_long,
            longest=longest_wal,
        )
        self.read_only = opened.read_only
        self.writer = Worker(
            opened.writer,
            "store-writer",
            "BEGIN IMMEDIATE",
            on_failure=self.log_ends.clear,
            on_commit=on_commit,
            on_lent=opening.never_wait,
            on_back=lambda db: opening.may_wait(db, longest_wal),
        )
        self.reader = Worker(opened.reader, "store-reader", "BEGIN")
        self.searcher = Worker(opened.searcher, "store-searcher", "BEGIN")
        if not self.read_only:
            self.reserve.settle()
            self.reserve.take()
        self._watch = Watch([self.path, self._wal], also=self.reserve.take)
        is_quick = synchronous == "normal" and not self.read_only
        self.shared = SharedTransactions(
            self.writer,
            look=self._watch.look,
            check=self._check_growth,
            was_moved=self._watch.was_modified,
            on_failure=self.log_ends.clear,
            on_commit=on_commit,
            on_loop=self._checkpoints.wrote_on_loop,
            on_settled=self._settled,
            may_use_loop=lambda: is_quick and not self.instances.others,
        )
        self._checker = Checker(
            self.path, is_new=is_new, at_once=unclean, may_begin=lambda: self._leads
        )

    def write(
        self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **more: P.kwargs
    ) -> asyncio.Future[T]:
        """Call `work` with the connection that writes, in a transaction of its own."""

        def checked(db: sqlite3.Connection) -> T:
            self._watch.look()
            result = work(db, *args, **more)
            self._check_growth(db)
            return result

        self.shared.hand_over()
        writing = self.writer.transact(checked)
        writing.add_done_callback(self._written)
        self._settled(is_full=False)
        return writing

    def write_through(
        self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **more: P.kwargs
    ) -> asyncio.Future[T]:
        """As `write`. When it is done, the disk has it, whatever `synchronous` is."""

        def through(db: sqlite3.Connection) -> T:
            db.execute("PRAGMA synchronous = full")
            try:
                with transaction(db):
                    self._watch.look()
                    result = work(db, *args, **more)
                    self._check_growth(db)
                return result
            finally:
                db.execute(f"PRAGMA synchronous = {self._synchronous}")

        self.shared.hand_over()
        writing = self.writer.run(through)
        writing.add_done_callback(self._written)
        self._settled(is_full=False)
        return writing

    async def try_to_write(self) -> None:
        """Raise `StoreError` unless a question could be saved now. Changes nothing."""
        trying = self.writer.transact(self._try)
        trying.add_done_callback(self._written)
        await trying

    async def empty_wal(self) -> None:
        """Empty the write-ahead log. Raises `StoreError` if another program prevents it.

        The connections that read are idle meanwhile, so no snapshot of ours prevents it.
        """
        await self.searcher.run(self._empty_wal)

    async def make_room(self) -> None:
        """Give a deletion on a full disk the reserve, and what the write-ahead log takes. Settle
        the reserve afterwards."""
        self.reserve.release()
        with suppress(StoreError):
            await self.empty_wal()

    def health(self) -> StoreHealth:
        return StoreHealth(
            read_only=bool(self.read_only),
            replaced=self._watch.replaced,
            damaged=bool(self._checker.damage),
            checked_at=self._checker.checked_at,
            unsecured=self._checkpoints.unsecured,
            reserve_held=self.reserve.is_whole,
            commits_on_loop=self.shared.uses_loop,
        )

    def lead(self, pid: int) -> None:
        """See `Store.lead`."""
        self._leads = True
        self.lock.name_holder(pid)

    def tidy_seldom(self) -> None:
        """Make longer pauses between the steps of the deferred work for a second: more is about to
        be written, and the steps would only hold it up."""
        self._long_pauses_until = monotonic() + LONG_PAUSE_LASTS

    def tidy_soon(self) -> None:
        """Schedule the deferred work, together with that of other writes until then."""
        if self._tidying is None:
            self._tidy_in(TIDY_DELAY)

    async def close(self) -> None:
        """Do the work that was submitted before, then release threads, files and lock.
        Idempotent."""
        if self._closed is None:
            self._closed = Future()
            if self._tidying:
                self._tidying.cancel()
            self._checkpoints.close()
            self._watch.close()
            self.shared.close()
            # The writer closes last: SQLite then moves the write-ahead log into the database.
            self.searcher.close().add_done_callback(self._close_reader)
        await asyncio.shield(asyncio.wrap_future(self._closed))

    def _close_reader(self, _: Future[None]) -> None:
        self.reader.submit(lambda _: self._checker.close())
        self.reader.close().add_done_callback(self._close_writer)

    def _close_writer(self, _: Future[None]) -> None:
        self.writer.close().add_done_callback(self._release)

    def _release(self, _: Future[None]) -> None:
        self.instances.close()
        let_go = self.lock.abandon if self.instances.others else self.lock.release
        let_go()
        if self._closed:
            self._closed.set_result(None)

    def _try(self, db: sqlite3.Connection) -> None:
        self._watch.look()
        if self.reserve.is_disk_full():
            raise DiskFull
        opening.touch(db)

    def _empty_wal(self, _: sqlite3.Connection) -> bool:
        def truncate(_: sqlite3.Connection) -> bool:
            return self.writer.submit(opening.truncate_wal).result()

        due = monotonic() + opening.BUSY_TIMEOUT
        with self._checker.paused():
            # While another program reads, for example a backup, the writer does not wait.
            while not self.reader.submit(truncate).result():
                if monotonic() > due:
                    raise StoreError("another program is reading the database")
                sleep(TRUNCATE_PAUSE)
        self._checkpoints.emptied()
        return True

    def _settled(self, is_full: bool) -> None:
        """Something was written, or will be."""
        self.tidy_soon()
        if is_full:
            self._checkpoints.hurry()
        elif self._checkpoints.timer is None:
            self._checkpoints.soon()

    def _check_growth(self, db: sqlite3.Connection) -> None:
        """Raise `DiskFull` if a transaction lets the database grow by more than the reserve has."""
        if self._watch.log_size > self.reserve.held:
            self.reserve.check(opening.growth_due(db, self.path))

    def _move_if_long(self) -> None:
        """Let the thread commit something, after which SQLite looks how long the log is."""
        with suppress(StoreError):
            self.writer.transact(opening.touch).add_done_callback(self._written)

    def _written(self, writing: asyncio.Future[Any]) -> None:
        if not writing.cancelled() and isinstance(writing.exception(), DiskFull):
            self._checkpoints.hurry()

    def _give_back_wal(self, db: sqlite3.Connection) -> bool:
        """Empty the write-ahead log. If the database file has no room for it, use the reserve."""
        try:
            return self._empty_wal(db)
        except DiskFull:
            with self.reserve.lent():
                return self._empty_wal(db)

    def _tidy_in(self, seconds: float) -> None:
        if self._closed is None:
            self._tidying = asyncio.get_running_loop().call_later(seconds, self._tidy)

    def _tidy(self) -> None:
        with suppress(StoreError):
            self.writer.transact(self._tidy_step).add_done_callback(self._tidied)

    def catch_up(self, db: sqlite3.Connection) -> bool:
        """Index some texts, unless the disk is nearly full. False if that is not to be done again
        at once."""
        return self.reserve.has_room_for_index(opening.unused_bytes(db)) and search.catch_up(db)

    def _tidy_step(self, db: sqlite3.Connection) -> bool:
        """One step of the deferred work, of some ten milliseconds. False if nothing is left.
        Raises `DiskFull` if other writes need the space."""
        if monotonic() >= self._copies_due:
            self._copies_due = monotonic() + COPIES_INTERVAL
            with suppress(OSError):
                remove_copies(self.path)
        if not self.reserve.has_room_to_tidy():
            raise DiskFull
        return search.wipe_old(db) or self.catch_up(db) or logs.tidy(db) or search.sweep(db)

    def _tidied(self, step: asyncio.Future[bool]) -> None:
        self._tidying = None
        self._checkpoints.soon()
        self._written(step)
        if not step.cancelled() and step.exception() is None and step.result():
            self._tidy_in(LONG_PAUSE if monotonic() < self._long_pauses_until else TIDY_PAUSE)
