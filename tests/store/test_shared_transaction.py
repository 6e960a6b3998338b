"""Small writes share transactions, on the loop or in the thread: none harms another, none is lost.

The database is a real one. Connections whose single calls are slow or fail stand for a slow or a
full disk.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from client import until
from deadlines import DEADLINE

from tornado_stream.store import checkpoints, opening, shared_transaction
from tornado_stream.store.base import AlreadyStored, DiskFull, StoreError
from tornado_stream.store.sqlite import SQLiteStore
from tornado_stream.values.errors import NotFound
from tornado_stream.values.messages import Conversation

from .answers import end, new_answer

MAIN = threading.main_thread()


class Faulty(sqlite3.Connection):
    """`before` is called before each statement on the writer's connection."""

    before: Callable[[sqlite3.Connection, str], None] = staticmethod(lambda db, sql: None)

    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        self.before(self, sql)
        return super().execute(sql, *args)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """No commit is slow because other tests run beside this one."""
    monkeypatch.setattr(shared_transaction, "SLOW", 5.0)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture(params=["normal", "full"])
def store(request, data_dir: Path, io_loop) -> Iterator[SQLiteStore]:
    """Commits on the loop, or in the thread."""
    yield from opened(data_dir, io_loop, request.param)


@pytest.fixture
def quick(data_dir: Path, io_loop) -> Iterator[SQLiteStore]:
    """Commits on the loop, unless something prevents it."""
    yield from opened(data_dir, io_loop, "normal")


def opened(data_dir: Path, io_loop: Any, synchronous: str) -> Iterator[SQLiteStore]:
    store = SQLiteStore(data_dir, synchronous=synchronous, connection_class=Faulty)
    io_loop.run_sync(lambda: warm(store))
    yield store
    Faulty.before = staticmethod(lambda db, sql: None)
    io_loop.run_sync(store.close)


async def warm(store: SQLiteStore) -> None:
    """The first commit begins the write-ahead log, in the thread."""
    await store.settle([])


def query(data_dir: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(data_dir / "chat.db")) as db:
        return db.execute(sql).fetchall()


def counted(statement: str) -> list[threading.Thread]:
    """Where the writer's connection executes the statement from now on."""
    found: list[threading.Thread] = []

    def before(db: sqlite3.Connection, sql: str) -> None:
        if sql == statement:
            found.append(threading.current_thread())

    Faulty.before = staticmethod(before)
    return found


def answers(data_dir: Path) -> list[str]:
    return [id for (id,) in query(data_dir, "SELECT id FROM generations ORDER BY seq")]


def begin(store: SQLiteStore, number: int, **more: Any) -> Any:
    return store.begin(replace(new_answer(number, home=f"c{number}"), **more))


@pytest.mark.gen_test
async def test_what_begins_in_one_iteration_is_one_commit(store, data_dir):
    commits = counted("COMMIT")
    await asyncio.gather(*(begin(store, number) for number in range(1, 51)))
    assert len(commits) == 1
    assert answers(data_dir) == [f"g{number}" for number in range(1, 51)]
    assert (commits == [MAIN]) == store.health().commits_on_loop


@pytest.mark.gen_test
async def test_a_write_that_fails_takes_no_other_with_it(store, data_dir):
    await begin(store, 1)
    commits = counted("COMMIT")
    outcomes = await asyncio.gather(
        begin(store, 2),
        begin(store, 1),  # its ids are taken
        begin(store, 3, conversation=None),  # its conversation does not exist
        begin(store, 4),
        begin(store, 2),
        return_exceptions=True,
    )
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == [type(None), AlreadyStored, NotFound, type(None), AlreadyStored]
    assert len(commits) == 1 and answers(data_dir) == ["g1", "g2", "g4"]
    # Nothing of those that failed is left, and the logs go on.
    assert query(data_dir, "SELECT count(*) FROM messages WHERE conversation_id = 'c3'") == [(0,)]
    for number in (1, 2, 4):
        await end(store, new_answer(number, home=f"c{number}"), "the end", first=2)
    assert query(data_dir, "SELECT count(*) FROM messages WHERE state = 'done'") == [(3,)]
    assert query(data_dir, "SELECT count(*) FROM spend") == [(3,)]


@pytest.mark.parametrize("error", [sqlite3.OperationalError("database or disk is full"), OSError()])
@pytest.mark.gen_test
async def test_each_write_is_made_alone_if_they_cannot_be_committed_together(
    store, data_dir, error
):
    begun: list[str] = []

    def before(db: sqlite3.Connection, sql: str) -> None:
        if sql == "BEGIN IMMEDIATE":
            begun.append(sql)
        if sql == "COMMIT" and len(begun) == 1:
            raise error

    Faulty.before = staticmethod(before)
    await asyncio.gather(*(begin(store, number) for number in (1, 2, 3)))
    assert len(begun) == 4 and answers(data_dir) == ["g1", "g2", "g3"]


@pytest.mark.gen_test
async def test_a_write_for_which_sqlite_rolls_everything_back_fails_alone(store, data_dir):
    def before(db: sqlite3.Connection, sql: str) -> None:
        if "conversations" in sql and "INSERT" in sql:
            left[0] -= 1
            if left[0] % 3 == 1:  # the second of three, with the others and alone
                db.rollback()
                raise sqlite3.OperationalError("disk I/O error")

    left = [6]
    Faulty.before = staticmethod(before)
    outcomes = await asyncio.gather(
        *(begin(store, number) for number in (1, 2, 3)), return_exceptions=True
    )
    failed = [type(outcome) is StoreError for outcome in outcomes]
    assert sum(failed) == 1
    stored = [f"g{number}" for number, bad in zip((1, 2, 3), failed, strict=True) if not bad]
    assert answers(data_dir) == stored


@pytest.mark.gen_test
async def test_a_question_for_which_the_reserve_is_too_small_fails_alone(
    store, data_dir, monkeypatch
):
    await begin(store, 1)
    reserve = store._database.reserve
    monkeypatch.setattr(reserve, "held", 0)
    monkeypatch.setattr(reserve, "_free", lambda: 2 * 20_000)
    large = new_answer(3, home="c3", text="?" * 60_000)
    outcomes = await asyncio.gather(
        begin(store, 2), store.begin(large), begin(store, 4), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [type(None), DiskFull, type(None)]
    assert answers(data_dir) == ["g1", "g2", "g4"]


@pytest.mark.gen_test
async def test_a_write_that_is_asked_for_later_comes_later(store):
    await asyncio.gather(
        begin(store, 1),
        store.update("c1", {"title": "the new title"}),
        end(store, new_answer(1, home="c1"), "the end", first=2),
        store.update("c1", {"title": "the last title"}),
    )
    conversation = await store.conversation("c1")
    assert conversation.title == "the last title"
    assert (await store.generation("g1")).message.state == "done"


@pytest.mark.gen_test
async def test_what_was_cancelled_is_not_written(store, data_dir):
    cancelled = asyncio.ensure_future(begin(store, 1))
    other = asyncio.ensure_future(begin(store, 2))
    while not store._database.shared._waiting:  # noqa: ASYNC110
        await asyncio.sleep(0)
    cancelled.cancel()
    await other
    assert answers(data_dir) == ["g2"]


@pytest.mark.gen_test
async def test_closing_does_what_was_asked_for(data_dir):
    store = SQLiteStore(data_dir)
    beginning = asyncio.ensure_future(begin(store, 1))
    await asyncio.sleep(0)
    await store.close()
    await beginning
    assert answers(data_dir) == ["g1"]
    with pytest.raises(StoreError, match="closed"):
        await begin(store, 2)


@pytest.mark.gen_test
async def test_the_metric_counts_transactions(store):
    seconds: list[float] = []
    store.on_commit = seconds.append
    await asyncio.gather(*(begin(store, number) for number in (1, 2, 3)))
    assert len(seconds) == 1 and seconds[0] > 0


# -- on the loop, and not on the loop


@pytest.mark.gen_test
async def test_a_large_write_is_made_in_the_thread(quick):
    commits = counted("COMMIT")
    await begin(quick, 1)
    await quick.begin(new_answer(2, home="c2", text="?" * shared_transaction.SMALL))
    await begin(quick, 3)
    assert [thread is MAIN for thread in commits] == [True, False, True]


@pytest.mark.gen_test
async def test_after_a_slow_commit_the_thread_commits_for_a_while(quick, monkeypatch):
    monkeypatch.setattr(shared_transaction, "REST", 1.0)
    monkeypatch.setattr(shared_transaction, "SLOW", 0.02)
    slow = 0.1
    commits: list[bool] = []

    def before(db: sqlite3.Connection, sql: str) -> None:
        if sql == "COMMIT":
            commits.append(threading.current_thread() is MAIN)
            time.sleep(slow)

    Faulty.before = staticmethod(before)
    await begin(quick, 1)
    assert not quick.health().commits_on_loop
    for number in range(2, 5):
        ticks = 0
        writing = asyncio.ensure_future(begin(quick, number))
        while not writing.done():
            await asyncio.sleep(slow / 20)
            ticks += 1
        assert ticks > 5, "the loop goes on meanwhile"
    assert commits == [True, False, False, False]
    Faulty.before = staticmethod(lambda db, sql: None)
    await until(lambda: quick.health().commits_on_loop)
    commits_again = counted("COMMIT")
    await begin(quick, 5)
    assert commits_again == [MAIN]


@pytest.mark.gen_test
async def test_the_loop_does_not_wait_for_another_program(quick, data_dir):
    commits = counted("COMMIT")
    with closing(sqlite3.connect(data_dir / "chat.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        writing = asyncio.ensure_future(begin(quick, 1))
        for _ in range(10):
            await asyncio.sleep(0.01)
        assert time.monotonic() - began < opening.BUSY_TIMEOUT / 2 and not writing.done()
        assert not quick.health().commits_on_loop
        other.execute("ROLLBACK")
    await asyncio.wait_for(writing, DEADLINE)
    assert MAIN not in commits and answers(data_dir) == ["g1"]


@pytest.mark.gen_test
async def test_a_busy_thread_commits(quick, data_dir):
    commits = counted("COMMIT")
    go_on = threading.Event()
    busy = quick._database.writer.run(lambda db: go_on.wait(DEADLINE))
    writing = asyncio.ensure_future(begin(quick, 1))
    await asyncio.sleep(0.02)
    assert not writing.done()
    go_on.set()
    await asyncio.gather(busy, writing)
    await begin(quick, 2)
    assert [thread is MAIN for thread in commits] == [False, True]


@pytest.mark.gen_test
async def test_nothing_is_moved_into_the_database_on_the_loop(data_dir, io_loop, monkeypatch):
    """SQLite moves the log only in the thread, which is asked before the log becomes too long; and
    the commit after that, which waits for the disk, is the thread's."""
    longest = 40
    monkeypatch.setattr(opening, "CHECKPOINT", longest)
    store = SQLiteStore(data_dir, connection_class=Faulty)
    path, moved_on = data_dir / "chat.db", set()
    state = [path.stat().st_mtime_ns]

    def before(db: sqlite3.Connection, sql: str) -> None:
        if sql == "COMMIT":
            state[0] = path.stat().st_mtime_ns
            if threading.current_thread() is MAIN:
                assert state[0] == unmoved[0], "a commit on the loop begins the log anew"

    unmoved = state[:]
    store.on_commit = lambda seconds: (
        moved_on.add(threading.current_thread()) if path.stat().st_mtime_ns != state[0] else None
    )
    Faulty.before = staticmethod(before)
    commits = []
    for number in range(1, 60):
        unmoved[0] = path.stat().st_mtime_ns
        await begin(store, number)
        commits.append(store.health().commits_on_loop)
        await asyncio.sleep(0.005)  # so that the file's time differs
    assert any(commits) and moved_on and MAIN not in moved_on
    wal = (data_dir / "chat.db-wal").stat().st_size
    assert wal < 4 * longest * (4096 + 24), "the log did not become long"
    Faulty.before = staticmethod(lambda db, sql: None)
    await store.close()


@pytest.mark.gen_test
async def test_the_connection_waits_for_others_in_the_thread_alone(quick):
    def settings(db: sqlite3.Connection) -> tuple[bool, int, int]:
        values = [
            db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("busy_timeout", "wal_autocheckpoint")
        ]
        return threading.current_thread() is MAIN, *values

    patient = (False, int(1000 * opening.BUSY_TIMEOUT), opening.CHECKPOINT)
    add = quick._database.shared.add
    assert await add(0, settings) == (True, 0, 0)
    assert await quick._database.writer.run(settings) == patient
    assert await add(0, settings) == (True, 0, 0)
    assert await add(shared_transaction.SMALL + 1, settings) == patient


@pytest.mark.gen_test
async def test_one_thread_at_a_time_uses_the_connection(quick):
    users, most, done = 0, 0, threading.Event()

    def work(db: sqlite3.Connection) -> None:
        nonlocal users, most
        users += 1
        most = max(most, users)
        time.sleep(0.0002)
        users -= 1

    def submit() -> None:
        while not done.is_set():
            quick._database.writer.submit(work).result()
            time.sleep(0.0005)

    threads = [threading.Thread(target=submit) for _ in range(3)]
    for thread in threads:
        thread.start()
    where = []
    for _ in range(300):
        await quick._database.shared.add(
            0, lambda db: (work(db), where.append(threading.current_thread() is MAIN))
        )
    done.set()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    assert most == 1 and len(where) == 300


@pytest.mark.gen_test
async def test_many_at_once_are_all_there(store, data_dir):
    """Some fail, some are large, some are cancelled, others use the thread meanwhile."""

    async def one(number: int) -> None:
        await asyncio.sleep(number % 7 / 1000)
        text = "?" * (70_000 if number % 31 == 0 else 10)
        new = new_answer(number, home=f"c{number}", text=text)
        await store.begin(new)
        if number % 5 == 0:
            with pytest.raises(AlreadyStored):
                await store.begin(new)
        if number % 11 == 0:
            await store.create(Conversation(f"x{number}", "", None, None, 1, 1))
        await end(store, new, f"the end {number}", first=2)

    await asyncio.gather(*(one(number) for number in range(1, 201)))
    assert len(answers(data_dir)) == 200
    done = query(data_dir, "SELECT content FROM messages WHERE state = 'done' ORDER BY content")
    assert sorted(text for (text,) in done) == sorted(f"the end {n}" for n in range(1, 201))
    assert query(data_dir, "SELECT count(*) FROM spend WHERE state = 'done'") == [(200,)]
    assert query(data_dir, "PRAGMA integrity_check") == [("ok",)]


def test_the_thread_is_asked_to_move_a_log_that_is_long():
    asked = []
    one = checkpoints.Checkpoints(
        move=None, empty=None, is_roomy=lambda: True, look=lambda: asked.append(1), longest=400
    )
    for _ in range(6):
        one.wrote_on_loop(1, 0)
    assert asked == []
    one.wrote_on_loop(1, 0)
    assert asked == [1]
    one.wrote_on_loop(1, 400 * 4096)
    assert asked == [1, 1]
