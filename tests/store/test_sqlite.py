"""The SQLite store: the disk, the lock, migrations, deletion, crashes and faults."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import sqlite3
import stat
import subprocess
import sys
import threading
import time
import weakref
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from deadlines import DEADLINE

from tornado_stream.store import database, folding, migrate, migrations, open_store, opening, search
from tornado_stream.store import tables as store_tables
from tornado_stream.store.base import OpenError, Progress, StoreError
from tornado_stream.store.sqlite import SQLiteStore
from tornado_stream.values.messages import Conversation

from .answers import converse, end, frame, listed, new_answer


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def store(data_dir: Path, io_loop) -> SQLiteStore:
    store = SQLiteStore(data_dir)
    yield store
    io_loop.run_sync(store.close)


def query(data_dir: Path, sql: str) -> list[tuple]:
    with closing(sqlite3.connect(data_dir / "chat.db")) as db:
        return db.execute(sql).fetchall()


def change(data_dir: Path, sql: str) -> None:
    with closing(sqlite3.connect(data_dir / "chat.db")) as db, db:
        db.execute(sql)


# -- restart


@pytest.mark.gen_test
async def test_a_restart_loses_nothing(data_dir):
    store = open_store(data_dir)
    await converse(store, 1, "hi", "hello", home="c1")
    await store.begin(new_answer(2, home="c2"))
    logs = [await store.generation("g1"), await store.generation("g2")]
    before = await store.messages("c1"), logs
    await store.close()
    store = open_store(data_dir)
    logs = [await store.generation("g1"), await store.generation("g2")]
    after = await store.messages("c1"), logs
    assert before == after
    await converse(store, 3, "hi", "hello", home="c3")
    assert await listed(store) == ["c3", "c2", "c1"]
    await store.close()


@pytest.mark.gen_test
async def test_a_log_has_a_row_for_each_flush_and_one_row_after_its_end(store, data_dir):
    await store.begin(new_answer())
    await store.begin(new_answer(2, home="c2"))
    for number in range(2, 6):
        await store.append([Progress(f"g{n}", number, [frame(number)]) for n in (1, 2)])
    flushes = "SELECT first, last FROM flushes WHERE generation = 3"
    logs = "SELECT first, last, packed FROM events"
    assert query(data_dir, flushes) == [(n, n) for n in range(1, 6)]
    await end(store, new_answer(), first=6)
    assert query(data_dir, logs) == [(1, 7, 1)]
    await tidy(store)
    # A row that is newer than one of a running answer stays until that answer has ended.
    assert query(data_dir, flushes) == [(n, n) for n in range(2, 6)]
    assert len((await store.generation("g2")).frames) == 5
    assert (await store.generation("g1")).frames[1:6] == [frame(n) for n in range(2, 7)]
    await end(store, new_answer(2, home="c2"), first=6)
    await tidy(store)
    assert query(data_dir, "SELECT * FROM flushes") == []


@pytest.mark.gen_test
async def test_the_end_of_a_log_is_looked_up_after_a_failure(store):
    await store.begin(new_answer())
    await store.append([Progress("g1", 2, [frame(2)])])
    with pytest.raises(ValueError):
        await store.append([Progress("g1", 3, [frame(3)]), Progress("g1", 9, [frame(9)])])
    await store.append([Progress("g1", 2, [frame(2), frame(3)])])
    assert (await store.generation("g1")).frames[1:] == [frame(2), frame(3)]


@pytest.mark.gen_test
async def test_a_log_that_an_older_version_began_can_continue(store, data_dir):
    await store.begin(new_answer())
    await store.append([Progress("g1", 2, [frame(2)])])
    row = "generation, first, last, owner, 0, frames"
    change(data_dir, f"INSERT INTO events SELECT {row} FROM flushes")
    change(data_dir, "DELETE FROM flushes")
    store._database.log_ends.clear()
    assert len((await store.generation("g1")).frames) == 2
    await store.append([Progress("g1", 3, [frame(3)])])
    await end(store, new_answer(), first=4)
    assert [f.partition(b"\n")[0] for f in (await store.generation("g1")).frames] == [
        b"id: %d" % n for n in range(1, 6)
    ]


@pytest.mark.gen_test
async def test_every_row_has_an_owner(store, data_dir):
    await converse(store, 1, "hi", "hello")
    for table in ("conversations", "messages", "generations", "events", "flushes"):
        assert query(data_dir, f"SELECT DISTINCT owner FROM {table}") == [("local",)]
        change(data_dir, f"UPDATE {table} SET owner = 'other'")
    assert await store.conversation("c") is None
    assert await store.message("a1") is await store.generation("g1") is None
    assert await store.messages("c") == await store.thread("a1") == []
    assert await listed(store) == await listed(store, query="hello") == []
    assert await listed(store, query="he") == []
    await store.delete("c")
    assert query(data_dir, "SELECT count(*) FROM messages") == [(2,)]


@pytest.mark.gen_test
async def test_a_list_reads_no_text(data_dir):
    touched = set()

    class Watched(sqlite3.Connection):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.set_authorizer(self.authorize)

        def authorize(self, action, table, column, *_):
            if action == sqlite3.SQLITE_READ:
                touched.add(f"{table}.{column}")
            return sqlite3.SQLITE_OK

    store = SQLiteStore(data_dir, connection_class=Watched)
    await store.begin(new_answer())
    touched.clear()
    assert (await store.conversations()).matches[0].generation_ids == ("g1",)
    assert "conversations.title" in touched
    assert not touched & {
        "messages.content",
        "messages.reasoning",
        "events.frames",
        "flushes.frames",
    }
    await store.close()


@pytest.mark.gen_test
@pytest.mark.parametrize(("synchronous", "level"), [("normal", 1), ("full", 2)])
async def test_a_commit_waits_for_the_disk_if_asked_to(data_dir, synchronous, level):
    store = SQLiteStore(data_dir, synchronous=synchronous)
    set_to = await store._database.writer.run(
        lambda db: db.execute("PRAGMA synchronous").fetchone()
    )
    assert set_to == (level,)
    await store.close()


@pytest.mark.skipif(sys.platform != "linux", reason="the offsets are those of SQLite on Unix")
def test_the_database_stays_locked_against_other_programs(data_dir, io_loop):
    """A program that finds no lock takes itself for the first one, and truncates the -shm file,
    which is memory of this process."""
    io_loop.run_sync(open_store(data_dir).close)
    store = open_store(data_dir)
    code = (
        "import fcntl, sys\n"
        "for name, at in ('-shm', 128), ('', 0x40000002):\n"  # UNIX_SHM_DMS, SHARED_FIRST
        "    with open(sys.argv[1] + name, 'r+b') as file:\n"
        "        try: fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, at)\n"
        "        except OSError: continue\n"
        "        sys.exit(f'chat.db{name} is not locked')"
    )
    command = [sys.executable, "-c", code, str(data_dir / "chat.db")]
    assert subprocess.run(command, capture_output=True, text=True).stderr == ""
    io_loop.run_sync(store.close)


# -- the data directory


def test_a_directory_has_one_process(data_dir, io_loop):
    first = open_store(data_dir)
    with pytest.raises(OpenError, match=rf"\(pid {os.getpid()}\).*--data-dir"):
        open_store(data_dir)
    io_loop.run_sync(first.close)
    io_loop.run_sync(open_store(data_dir).close)


def test_files_are_private(data_dir, io_loop):
    mask = os.umask(0)
    try:
        store = open_store(data_dir)
        io_loop.run_sync(lambda: store.begin(new_answer()))
        names = {path.name for path in data_dir.iterdir()}
        names.remove(f"instance-{store.instance}")
        assert names == {"chat.db", "chat.db-wal", "chat.db-shm", "lock", "checked", "reserve"}
        assert {stat.S_IMODE(path.stat().st_mode) for path in data_dir.iterdir()} == {0o600}
        assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700
        io_loop.run_sync(store.close)
        (data_dir / "chat.db").chmod(0o644)
        io_loop.run_sync(open_store(data_dir).close)
        assert stat.S_IMODE((data_dir / "chat.db").stat().st_mode) == 0o600
    finally:
        os.umask(mask)


def test_directories_that_cannot_be_used(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "data"):
        with pytest.raises(OpenError, match="--data-dir") as error:
            open_store(path)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "content", [b"not a database " * 500, b"SQLite format 3\0" + b"\xff" * 9000]
)
def test_a_damaged_database(data_dir, io_loop, content):
    io_loop.run_sync(open_store(data_dir).close)
    (data_dir / "chat.db").write_bytes(content)
    for _ in range(2):  # the lock is released
        with pytest.raises(OpenError, match=r"chat\.db: .*(damaged|not a database).*--data-dir"):
            open_store(data_dir)
    assert (data_dir / "chat.db").read_bytes() == content
    (data_dir / "chat.db").unlink()
    io_loop.run_sync(open_store(data_dir).close)


# -- migrations


def add_a_column(db):
    db.execute("ALTER TABLE conversations ADD COLUMN colour TEXT")


def fail_half_way(db):
    add_a_column(db)
    db.execute("INSERT INTO nowhere VALUES (1)")


async def written_and_tidied(store, number):
    """Write, and wait until the deferred work after it is done."""
    await store.begin(new_answer(number, home=f"c{number}"))
    async with asyncio.timeout(DEADLINE):
        while store._database._tidying:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def test_an_answer_that_begins_does_not_look_through_the_data_directory(
    data_dir, io_loop, monkeypatch
):
    store = open_store(data_dir)
    looked = []
    monkeypatch.setattr(migrate, "copies", lambda path: looked.append(path) or [])
    for number in range(1, 4):
        io_loop.run_sync(lambda n=number: store.begin(new_answer(n, home=f"c{n}")))
    assert looked == []
    io_loop.run_sync(store.close)


def test_a_migration_leaves_a_copy_for_a_week(data_dir, io_loop, monkeypatch):
    store = open_store(data_dir)
    io_loop.run_sync(lambda: store.begin(new_answer()))
    io_loop.run_sync(store.close)
    assert migrate.copies(data_dir / "chat.db") == []
    steps = [*migrations.MIGRATIONS, add_a_column]
    monkeypatch.setattr(migrations, "MIGRATIONS", steps)
    store = open_store(data_dir)
    assert query(data_dir, "SELECT colour FROM conversations") == [(None,)]
    applied = query(data_dir, "SELECT number, name FROM migrations")
    assert applied == [(n, step.__name__) for n, step in enumerate(steps, 1)]
    (copy,) = migrate.copies(data_dir / "chat.db")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with closing(sqlite3.connect(copy)) as db:
        assert db.execute("SELECT content FROM messages").fetchall() == [("hi",), ("",)]
        last = db.execute("SELECT max(number) FROM migrations").fetchone()
        assert last == (len(steps) - 1,)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    monkeypatch.setattr(database, "TIDY_DELAY", 0.0)
    monkeypatch.setattr(database, "COPIES_INTERVAL", 0.0)
    then = time.time() - migrate.COPY_LIFETIME
    os.utime(copy, (then + 60, then + 60))
    io_loop.run_sync(lambda: written_and_tidied(store, 2))
    assert copy.exists()
    os.utime(copy, (then - 60, then - 60))
    io_loop.run_sync(lambda: written_and_tidied(store, 3))
    assert not copy.exists()
    io_loop.run_sync(store.close)
    assert sorted(path.name for path in data_dir.iterdir()) == [
        "chat.db",
        "checked",
        "lock",
        "reserve",
    ]


def test_a_conversation_is_as_large_as_the_migration_says(data_dir, io_loop):
    """What is counted while messages are written, and what the migration counts later."""

    async def fill():
        store = open_store(data_dir)
        await converse(store, 1, "ä" * 10, "b" * 10)
        calls = [{"index": 0, "id": "t", "name": "n", "arguments": "{}"}]
        second = new_answer(2, conversation=await store.conversation("c"), parent="a1")
        await store.begin(second)
        done = replace(second.message, state="done", reasoning="why", tool_calls=calls)
        await store.append([Progress("g2", 2, [frame(2, "end")], done)])
        await store.begin(new_answer(3, home="d"))  # its answer is running
        await store.close()

    io_loop.run_sync(fill)
    counted = query(data_dir, "SELECT id, message_count, size FROM conversations")
    assert [row[1] for row in counted] == [4, 2] and counted[0][2] > 35 > counted[1][2] > 0
    for statement in (
        "ALTER TABLE conversations DROP COLUMN message_count",
        "ALTER TABLE conversations DROP COLUMN size",
    ):
        change(data_dir, statement)
    with closing(sqlite3.connect(data_dir / "chat.db")) as db, db:
        migrations._extents(db)
    # The column `parts` is younger than this migration.
    later = "SELECT sum(length(parts)) FROM messages WHERE state IS NOT 'running' "
    counted = [
        (*row, size - query(data_dir, later + f"AND conversation_id = '{row[0]}'")[0][0])
        for *row, size in counted
    ]
    assert query(data_dir, "SELECT id, message_count, size FROM conversations") == counted


def test_a_migration_that_fails_changes_nothing(data_dir, io_loop, monkeypatch):
    io_loop.run_sync(open_store(data_dir).close)
    first = migrations.MIGRATIONS
    monkeypatch.setattr(migrations, "MIGRATIONS", [*first, fail_half_way])
    for _ in range(2):
        with pytest.raises(OpenError):
            open_store(data_dir)
        assert query(data_dir, "SELECT max(number) FROM migrations") == [(len(first),)]
    monkeypatch.setattr(migrations, "MIGRATIONS", [*first, add_a_column])
    io_loop.run_sync(open_store(data_dir).close)


def test_a_newer_database_is_refused(data_dir, io_loop):
    io_loop.run_sync(open_store(data_dir).close)
    change(data_dir, "INSERT INTO migrations VALUES (99, 'later', 0)")
    content = (data_dir / "chat.db").read_bytes()
    with pytest.raises(OpenError, match=r"newer Tornado Stream \(schema 99.*--data-dir"):
        open_store(data_dir)
    assert (data_dir / "chat.db").read_bytes() == content


# -- deletion


def on_disk(data_dir: Path, *words: str) -> list[str]:
    """Those of the words that a file of the directory contains."""
    everything = b"\n".join(path.read_bytes() for path in sorted(data_dir.iterdir()))
    return [word for word in words if word.encode() in everything]


async def fill(store, number: int, more: str = "") -> list[str]:
    """Store a conversation whose texts contain words of their own; returns these words."""
    words = [f"{kind}{number}x{'qzj' * 3}" for kind in ("title", "user", "frame", "answer")]
    title, user, data, answer = words
    one = new_answer(number, home=f"c{number}", title=title, text=f"{user} " * number * 40 + more)
    await store.begin(one)
    await store.append([Progress(f"g{number}", 2, [frame(2, data=data)])])
    await end(store, one, f"{answer} ꙮꙮꙮ " * 40, first=3)
    await tidy(store)
    return words


def many_trigrams(number: int, size: int = 1_500) -> str:
    """A text that takes some pages of the index."""
    return "".join(random.Random(number).choices("abcdefghijklmnopqrstuvwxyz", k=size))


async def tidy(store) -> None:
    """Do the work now that is otherwise done a second later."""
    while await store._database.writer.transact(store._database._tidy_step):
        pass


@pytest.mark.gen_test
async def test_deleted_words_are_nowhere(data_dir, monkeypatch):
    store = open_store(data_dir)
    remaining = await fill(store, 1)
    words = await fill(store, 2)
    await store.update("c2", {"title": "anothertitle"})
    await store.close()
    monkeypatch.setattr(migrations, "MIGRATIONS", [*migrations.MIGRATIONS, add_a_column])
    store = open_store(data_dir)
    await converse(store, 3, "later", "later", home="c3")
    assert migrate.copies(data_dir / "chat.db")
    # The first title was replaced, and the row of the frame is compressed.
    assert on_disk(data_dir, *words, "anothertitle") == [words[1], words[3], "anothertitle"]
    await store.delete("c2")
    assert on_disk(data_dir, *words, "anothertitle") == []
    assert migrate.copies(data_dir / "chat.db") == []
    assert (data_dir / "chat.db-wal").stat().st_size == 0
    assert on_disk(data_dir, *remaining, "ꙮ") == [*remaining[:2], remaining[3], "ꙮ"]
    await store.delete("c1")
    assert on_disk(data_dir, *remaining, "ꙮ") == []  # the index does not have them either
    assert await listed(store, query="later") == ["c3"]
    await store.close()


@pytest.mark.gen_test
async def test_after_deletions_a_search_finds_the_other_conversations(store, data_dir, monkeypatch):
    monkeypatch.setattr(search, "SHARD", 7)
    monkeypatch.setattr(search, "SWEEP_PAGES", 1)
    words = {number: await fill(store, number) for number in range(1, 25)}
    for number in random.Random(1).sample(range(1, 25), 12):
        gone = words.pop(number)
        await store.delete(f"c{number}")
        assert on_disk(data_dir, *gone) == []
    for number, (title, user, _, answer) in words.items():
        for word in (title, user, answer):
            assert await listed(store, query=word) == [f"c{number}"]
    everyone = [f"c{number}" for number in sorted(words, reverse=True)]
    assert await listed(store, query="ꙮꙮꙮ") == everyone
    assert query(data_dir, "SELECT * FROM sweeps") == []
    for (table,) in query(data_dir, "SELECT name FROM sqlite_master WHERE sql LIKE '%fts5(%'"):
        change(data_dir, f"INSERT INTO {table} ({table}) VALUES ('integrity-check')")


@pytest.mark.gen_test
async def test_shards_without_texts_are_dropped(store, data_dir, monkeypatch):
    monkeypatch.setattr(search, "SHARD", 7)
    for number in range(1, 13):
        await fill(store, number)
    with closing(sqlite3.connect(data_dir / "chat.db")) as db:
        assert search.shards(db) == [5, 4, 3, 2, 1, 0]
        for number in (12, 11, 1, 2, 3, 4, 5):  # the newest shard stays
            await store.delete(f"c{number}")
        assert search.shards(db) == [5, 4, 3, 2]
    assert await listed(store, query="answer") == [f"c{number}" for number in range(10, 5, -1)]


def depths(data_dir: Path) -> list[int]:
    with closing(sqlite3.connect(data_dir / "chat.db")) as db:
        return [search._depth(db, f"search_{shard}") for shard in search.shards(db)]


@pytest.mark.gen_test
async def test_writes_between_the_steps_of_a_sweep_do_not_deepen_the_index(
    store, data_dir, monkeypatch
):
    monkeypatch.setattr(search, "DEEPEST", 20)
    monkeypatch.setattr(search, "SWEEP_PAGES", 1)
    remaining = {n: await fill(store, n, many_trigrams(n)) for n in range(1, 12)}
    gone, deepest = [], 0
    for number in range(12, 60):
        gone += await fill(store, number, many_trigrams(number, 500))
        await store._database.writer.transact(store_tables.delete, "local", f"c{number}")
        await store._database.writer.transact(search.sweep)
        deepest = max(deepest, *depths(data_dir), 0)
    assert 20 < deepest < 30  # the shard was rebuilt
    await store.delete("c11")
    assert on_disk(data_dir, *gone, *remaining.pop(11)) == []
    for number, (title, user, _, answer) in remaining.items():
        for word in (title, user, answer):
            assert await listed(store, query=word) == [f"c{number}"]
    assert query(data_dir, "SELECT * FROM sweeps") == []


@pytest.mark.gen_test
async def test_a_sweep_in_progress_is_finished_and_then_begun_again(store, data_dir, monkeypatch):
    monkeypatch.setattr(search, "SWEEP_PAGES", 1)
    for number in range(1, 12):
        await fill(store, number, many_trigrams(number, 500))
    begun = []
    for number in range(1, 11):
        await store._database.writer.transact(store_tables.delete, "local", f"c{number}")
        await store._database.writer.transact(search.sweep)
        begun += [row[0] for row in query(data_dir, "SELECT begun FROM sweeps")]
    assert search._AGAIN in begun and search._TO_BEGIN in begun


@pytest.mark.gen_test
async def test_an_index_that_is_too_deep_to_open_is_rebuilt(data_dir):
    store = SQLiteStore(data_dir)
    _, word, _, _ = await fill(store, 1)
    await fill(store, 2)
    await store._database.writer.transact(store_tables.delete, "local", "c2")
    await store.close()
    [(record,)] = query(data_dir, "SELECT block FROM search_0_data WHERE id = 10")
    deep = record[:4] + bytes([0x90, 0x20 + record[4]]) + record[5:] + bytes(2 * 2080)
    change(data_dir, f"UPDATE search_0_data SET block = X'{deep.hex()}' WHERE id = 10")
    assert depths(data_dir) == [0x820 + record[4]]
    store = SQLiteStore(data_dir)
    assert await listed(store, query=word) == ["c1"]
    await store.delete("c1")
    await store.close()


@pytest.mark.gen_test
async def test_a_deletion_that_a_crash_cut_short_is_finished_at_the_next_start(data_dir):
    store = SQLiteStore(data_dir)
    words = await fill(store, 1)
    await store._database.writer.transact(store_tables.delete, "local", "c1")
    await store.close()
    assert query(data_dir, "SELECT count(*) FROM sweeps") == [(1,)]
    await open_store(data_dir).close()
    assert query(data_dir, "SELECT count(*) FROM sweeps") == [(0,)]
    assert on_disk(data_dir, *words, "ꙮ") == []


@pytest.mark.gen_test
async def test_a_deletion_fails_if_another_program_prevents_the_wiping(store, data_dir):
    words = await fill(store, 1)
    await store._database.writer.run(lambda db: db.execute("PRAGMA busy_timeout = 50"))
    with closing(sqlite3.connect(data_dir / "chat.db", isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM messages").fetchone()
        with pytest.raises(StoreError, match="is deleted, but .* another program"):
            await store.delete("c1")
        assert await store.conversation("c1") is None
        await converse(store, 2, "hi", "hello", home="c2")
    await store.delete("c1")  # there are no rows any more, but words to wipe
    assert on_disk(data_dir, *words) == []


@pytest.mark.gen_test
async def test_cancelled_work_is_not_begun_and_no_result_is_kept(store):
    go_on, results = threading.Event(), []

    class Result(list):
        """A list that can be weakly referenced."""

    def work(_: sqlite3.Connection) -> Result:
        result = Result()
        results.append(weakref.ref(result))
        return result

    busy = store._database.writer.run(lambda _: go_on.wait(10))
    cancelled = store._database.writer.run(work)
    cancelled.cancel()
    go_on.set()
    await busy
    await store._database.writer.run(work)
    await asyncio.sleep(0)  # the loop lets go of the call that delivered it
    assert len(results) == 1 and results[0]() is None, "the thread keeps what it returned"


@pytest.mark.gen_test
async def test_a_long_reading_delays_no_write(store, data_dir):
    words = await fill(store, 1)
    go_on = threading.Event()

    def read(db):
        db.execute("SELECT count(*) FROM messages").fetchone()
        assert go_on.wait(60)

    reading = store._reader.transact(read)
    await asyncio.wait_for(converse(store, 2, "hi", "hello", home="c2"), 60)
    deleting = asyncio.create_task(store.delete("c1"))
    await asyncio.wait_for(converse(store, 3, "hi", "hello", home="c3"), 60)
    assert not reading.done() and not deleting.done()
    go_on.set()
    await deleting
    assert on_disk(data_dir, *words) == []
    assert await listed(store) == ["c3", "c2"]


@pytest.mark.gen_test
async def test_a_search_finds_texts_before_they_are_indexed(data_dir, monkeypatch):
    monkeypatch.setattr(database, "TIDY_DELAY", 0.01)
    monkeypatch.setattr(search, "STEP_TEXTS", 2)
    store = open_store(data_dir)
    await converse(store, 1, "first question", "first answer", home="c1")
    assert await listed(store, query="first answer") == ["c1"]
    await converse(store, 2, "second question", "second answer", home="c2")
    while query(data_dir, "SELECT * FROM unindexed") or store._database._tidying:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    monkeypatch.setattr(database, "TIDY_DELAY", 60)
    await converse(store, 3, "third question", "third answer", home="c3")
    await store.close()  # before they are indexed
    assert query(data_dir, "SELECT count(*) FROM unindexed") == [(3,)]
    store = open_store(data_dir)
    assert await listed(store, query="answer") == ["c3", "c2", "c1"]
    change(data_dir, "INSERT INTO unindexed (seq) VALUES (99999)")  # a text that does not exist
    assert await listed(store, query="third answer") == ["c3"]
    await store.update("c1", {"title": "not yet indexed"})
    await store.delete("c1", "c3")
    assert query(data_dir, "SELECT seq FROM unindexed") == [(99999,)]
    await store.close()


@pytest.mark.gen_test
async def test_a_search_writes_nothing(data_dir, monkeypatch):
    """So it works on a full disk, and waits for no write."""
    store = open_store(data_dir)
    await converse(store, 1, "not indexed", "yet", home="c1")
    monkeypatch.setattr(store._database.writer, "transact", None)
    assert await listed(store, query="not indexed") == ["c1"]
    monkeypatch.undo()
    assert query(data_dir, "SELECT count(*) FROM unindexed") == [(3,)]
    await store.close()


@pytest.mark.gen_test
async def test_a_long_text_is_indexed_in_steps(store, data_dir, monkeypatch):
    """Each trigram is found, and wiped when the text is deleted between two steps."""
    monkeypatch.setattr(search, "STEP_CHARACTERS", 300)
    monkeypatch.setattr(folding, "PIECE", 256)
    chance = random.Random(3)
    text = "".join(chance.choices("bcdfghéz日́", k=3_000))
    for number in (1, 2, 3):
        await converse(store, number, text, "", home=f"c{number}")
    steps = 1
    while await store._database.writer.transact(search.catch_up):
        steps += 1
        if steps == 3:
            await store.delete("c3")
            await store._database.writer.transact(search._rebuild, 0, "search_0")
    assert steps > 2 * len(text) / 600 and query(data_dir, "SELECT * FROM unindexed") == []
    folded = folding.fold(text)
    for at in range(0, len(folded) - 9, 11):
        for length in (2, 3, 9):
            assert await listed(store, query=folded[at : at + length].strip()) == ["c2", "c1"]
    await store.delete("c1", "c2")
    assert query(data_dir, "SELECT * FROM unindexed") == []
    with closing(sqlite3.connect(data_dir / "chat.db")) as db:
        db.execute("CREATE VIRTUAL TABLE temp.terms USING fts5vocab(main, search_0, row)")
        assert db.execute("SELECT * FROM temp.terms").fetchall() == []


OLD_INDEX = """
CREATE VIRTUAL TABLE search_0 USING fts5(
text, content = '', columnsize = 0, tokenize = 'trigram');
INSERT INTO search_0 (rowid, text) SELECT seq, content FROM messages;
CREATE VIRTUAL TABLE search_1 USING fts5(
text, content = '', columnsize = 0, tokenize = 'trigram');
INSERT INTO search_1 (rowid, text) SELECT seq + 8192, content FROM messages;
"""


def with_old_index(data_dir: Path) -> None:
    """Make the index of a closed database one without folding, as an earlier version wrote it."""
    with closing(sqlite3.connect(data_dir / "chat.db")) as db:
        for shard in search.shards(db):
            db.execute(f"DROP TABLE search_{shard}")
        db.executescript(OLD_INDEX)
        migrations._folded_search(db)
        db.commit()


@pytest.mark.gen_test
async def test_an_old_index_is_replaced_while_searches_find_everything(data_dir, monkeypatch):
    monkeypatch.setattr(search, "WIPED_ROWS", 1)
    store = open_store(data_dir)
    for number, text in enumerate(["a re\u0301sume\u0301", "deleted", "Straße"]):
        await converse(store, number, text, "the answer", home=f"c{number}")
    running = new_answer(9, home="c9", text="running")
    await store.begin(running)
    await store.close()
    with_old_index(data_dir)
    store = open_store(data_dir)
    for _ in range(2):  # before anything is indexed again, and after
        assert await listed(store, query="Resume") == ["c0"]
        assert await listed(store, query="STRASSE") == ["c2"]
        assert await listed(store, query="é") == ["c9", "c2", "c1", "c0"]
        await tidy(store)
    assert query(data_dir, "SELECT * FROM unindexed") == []
    assert query(data_dir, "SELECT name FROM sqlite_master WHERE name LIKE 'old%'") == []
    await end(store, running, "the end", first=2)
    assert await listed(store, query="the end") == ["c9"]
    await store.close()


@pytest.mark.gen_test
async def test_an_index_grows_old_while_an_older_one_is_removed(data_dir):
    store = open_store(data_dir)
    await converse(store, 1, "abcxyzjkl", "the answer", home="c1")
    await store.close()
    with_old_index(data_dir)
    with closing(sqlite3.connect(data_dir / "chat.db")) as db:
        db.executescript(OLD_INDEX)
        search.make_old(db)
        db.commit()
    store = open_store(data_dir)
    await store.delete("c1")
    assert query(data_dir, "SELECT name FROM sqlite_master WHERE name LIKE 'old%'") == []
    await store.close()


@pytest.mark.gen_test
async def test_a_deletion_wipes_an_old_index_too(data_dir):
    store = open_store(data_dir)
    await converse(store, 1, "abcxyzjkl", "the answer", home="c1")
    await store.close()
    with_old_index(data_dir)
    store = open_store(data_dir)
    assert query(data_dir, "SELECT name FROM sqlite_master WHERE name = 'old_search_0'")
    await store.delete("c1")
    assert query(data_dir, "SELECT name FROM sqlite_master WHERE name LIKE 'old%'") == []
    assert on_disk(data_dir, "abcxyzjkl", "xyz") == []
    await store.close()


@pytest.mark.gen_test
async def test_full_shards_are_merged_into_one_segment(store, data_dir, monkeypatch):
    monkeypatch.setattr(search, "SHARD", 10)
    for number in range(1, 31):
        await converse(store, number, f"question{number}x", "hello", home=f"c{number}")
        await tidy(store)
    for shard in range(9):
        pieces = f"SELECT count(DISTINCT segid) FROM search_{shard}_idx"
        assert query(data_dir, pieces) == [(1,)]
    for number in range(1, 31):
        assert await listed(store, query=f"question{number}x") == [f"c{number}"]


# -- crashes

WRITER = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from answers import converse, frame, new_answer
from tornado_stream.store import open_store
from tornado_stream.store.base import Progress

async def main(first):
    store = open_store(Path(sys.argv[1]))
    await store.delete(f"c{first - 7}")
    for number in range(first, first + 10000):
        home = f"c{number}"
        await store.begin(new_answer(number, home=home, text="word " * 50))
        for n in range(2, 5):
            await store.append([Progress(f"g{number}", n, [frame(n, data="x" * 500)])])
            print(number, n, flush=True)
        if number % 2:
            done = new_answer(number, home=home).message
            done = replace(done, content="text " * 50, state="done")
            await store.append([Progress(f"g{number}", 5, [frame(5, "end")], done)])
            print(number, 5, flush=True)

asyncio.run(main(int(sys.argv[3])))
"""


def write_until_killed(data_dir: Path, first: int, lines: int) -> tuple[int, int]:
    """Run a process that writes, and kill it at some moment; returns its last acknowledged write,
    as the number of an answer and of a frame."""
    command = [sys.executable, "-c", WRITER, str(data_dir), str(Path(__file__).parent), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        output = "".join(writer.stdout.readline() for _ in range(lines))
        writer.kill()
        output += writer.stdout.read()
    number, last = (
        output[: output.rindex("\n")].splitlines()[-1].split()
    )  # the last line may be cut
    return int(number), int(last)


@pytest.mark.parametrize("kills", [8, pytest.param(40, marks=pytest.mark.wide)])
@pytest.mark.gen_test
async def test_acknowledged_writes_survive_kills(data_dir, kills):
    chance, first = random.Random(7), 1
    for _ in range(kills):
        number, last = write_until_killed(data_dir, first, chance.randint(1, 60))
        store = open_store(data_dir)  # the lock was released with the process
        assert query(data_dir, "PRAGMA integrity_check") == [("ok",)]
        stored = await store.generation(f"g{number}")
        assert [f.partition(b"\n")[0] for f in stored.frames[:last]] == [
            b"id: %d" % n for n in range(1, last + 1)
        ]
        for stored in await store.orphans():
            assert stored.message.content == ""
            done = replace(stored.message, state="interrupted")
            ends = [frame(1_000_000_000, "end")]
            await store.append([Progress(stored.id, len(stored.frames) + 1, ends, done)])
        assert await store.orphans() == []
        await store.close()
        first = number + 10


# -- faults


class Fallible(sqlite3.Connection):
    """A connection whose call number `fail_at`, counted from 1, fails."""

    calls = 0
    fail_at = 0
    error = ""

    def execute(self, sql, *args):
        Fallible.calls += 1
        if Fallible.calls == Fallible.fail_at:
            raise sqlite3.OperationalError(Fallible.error)
        return super().execute(sql, *args)


FAULTS = {
    "database or disk is full": "the disk is full",
    "disk I/O error": "the disk failed",
    "database is locked": "another program has locked",
    "attempt to write a readonly database": "read-only",
    "near secret: who knows": "the database failed",
}


async def survive(store, number: int, operations: list) -> None:
    """Repeat each operation until it succeeds."""
    for operation in operations:
        while True:
            try:
                await operation()
                break
            except StoreError as error:
                assert FAULTS[Fallible.error] in error.message
                assert "secret" not in error.message
                await check_nothing_is_half_written(store, number)


async def check_nothing_is_half_written(store, number: int) -> None:
    """The store has a new answer whole or not at all, and also its end."""
    messages = await store.messages(f"c{number}")
    generation = await store.generation(f"g{number}")
    assert len(messages) == (2 if generation else 0)
    assert (await store.conversation(f"c{number}") is not None) == bool(messages)
    if generation:
        assert [f.partition(b"\n")[0] for f in generation.frames] == [
            b"id: %d" % (n + 1) for n in range(len(generation.frames))
        ]
        ended = generation.message.state == "done"
        assert ended == (len(generation.frames) == 4) == (generation.message.content != "")
    found = await listed(store, query=f"answer{number}x")
    assert found == ([f"c{number}"] if generation and generation.message.content else [])


@pytest.mark.parametrize("error", FAULTS)
@pytest.mark.gen_test
async def test_any_call_may_fail_and_the_next_try_works(data_dir, error):
    Fallible.fail_at, Fallible.error = 0, error
    store = SQLiteStore(data_dir, connection_class=Fallible)
    reached, number = True, 0
    while reached:
        number += 1
        one = new_answer(number, home=f"c{number}", text=f"question{number}x")
        done = replace(one.message, content=f"answer{number}x", state="done")
        Fallible.calls, Fallible.fail_at = 0, number
        batch = [Progress(one.generation_id, 3, [frame(3), frame(4, "end")], done)]
        await survive(
            store,
            number,
            [
                lambda one=one: store.begin(one),
                lambda one=one: store.append([Progress(one.generation_id, 2, [frame(2)])]),
                lambda batch=batch: store.append(batch),
            ],
        )
        # A fault in the store's own work, such as deleting flushed rows, reaches no caller.
        reached, Fallible.fail_at = Fallible.calls >= number, 0
        await check_nothing_is_half_written(store, number)
        assert len((await store.generation(f"g{number}")).frames) == 4
    assert number > 20
    await store.close()
    assert query(data_dir, "PRAGMA integrity_check") == [("ok",)]


@pytest.mark.gen_test
async def test_a_call_that_failed_can_be_repeated(data_dir):
    Fallible.fail_at, Fallible.error = 0, "disk I/O error"
    store = SQLiteStore(data_dir, connection_class=Fallible)
    await fill(store, 1)
    conversation = await store.conversation("c1")
    for call in (
        lambda: store.create(Conversation("e", "t", None, None, 1, 1)),
        lambda: store.update(conversation.id, {"title": "new"}),
        lambda: store.conversation("c1"),
        lambda: store.conversations(),
        lambda: store.orphans(),
        lambda: store.delete("c1"),
    ):
        for fail_at in itertools.count(1):
            Fallible.calls, Fallible.fail_at = 0, fail_at
            try:
                await call()
            except StoreError:
                continue
            break
        Fallible.fail_at = 0
        assert fail_at > 1
    assert await listed(store) == ["e"]
    assert on_disk(data_dir, "qzj") == []
    await store.close()


def test_a_disk_that_fails_while_opening(data_dir, io_loop):
    Fallible.calls, Fallible.error = 0, "disk I/O error"
    for fail_at in range(1, 100):
        Fallible.calls, Fallible.fail_at = 0, fail_at
        try:
            store = SQLiteStore(data_dir, connection_class=Fallible)
            break
        except OpenError as error:
            assert "the disk failed" in str(error)
    Fallible.fail_at = 0
    assert 10 < fail_at < 50
    io_loop.run_sync(lambda: converse(store, 1, "hi", "hello"))
    io_loop.run_sync(store.close)


@pytest.mark.gen_test
async def test_a_database_behind_a_link_is_read_as_it_is_now(tmp_path, caplog):
    """SQLite puts the write-ahead log beside the file, not beside the link."""
    data_dir, there = tmp_path / "linked", tmp_path / "disk"
    data_dir.mkdir()
    there.mkdir()
    (data_dir / "chat.db").symlink_to(there / "chat.db")
    (there / "chat.db").touch()
    store = open_store(data_dir)
    await converse(store, 1, "hi", "hello", home="c1")
    assert [path.name for path in data_dir.glob("*-wal")] == []
    with closing(opening.connect_reader(data_dir / "chat.db")) as beside:
        assert beside.execute("SELECT count(*) FROM messages").fetchone() == (2,)
    (there / "chat.db-wal").rename(there / "away")
    with pytest.raises(StoreError, match="removed or replaced"):
        await converse(store, 2, "hi", "hello", home="c2")
    caplog.clear()
    (there / "away").rename(there / "chat.db-wal")
    await store.close()


@pytest.mark.gen_test
async def test_an_empty_database_is_told(tmp_path, caplog):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "chat.db").touch()
    await open_store(tmp_path / "data").close()
    assert "is empty, so there are no conversations" in caplog.text
    caplog.clear()
    await open_store(tmp_path / "data").close()
    assert "is empty" not in caplog.text


@pytest.mark.gen_test
async def test_a_process_that_opens_beside_another_leaves_the_write_ahead_log_alone(data_dir):
    """Emptying it waits for the disk, and the writes of the other would wait for that."""
    statements: list[str] = []

    class Listed(sqlite3.Connection):
        def execute(self, statement, *args):
            statements.append(statement)
            return super().execute(statement, *args)

    first = SQLiteStore(data_dir, connection_class=Listed)
    assert "PRAGMA wal_checkpoint(TRUNCATE)" in statements
    statements.clear()
    second = SQLiteStore(data_dir, connection_class=Listed, lock=os.dup(first.lock))
    assert statements and not [one for one in statements if "wal_checkpoint(" in one]
    await first.close()
    await second.close()
