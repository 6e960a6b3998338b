"""Two instances over one PostgreSQL: each serves the readers of the other's answers."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from client import until
from deadlines import DEADLINE
from sinks import Sink

from tornado_stream.chat.service import ChatService
from tornado_stream.generations.mirrors import Mirror
from tornado_stream.generations.neighbours import Elsewhere
from tornado_stream.generations.places import Places
from tornado_stream.generations.registry import Generations
from tornado_stream.providers.base import Provider
from tornado_stream.store import open_store
from tornado_stream.store.base import Busy, StoreError
from tornado_stream.store.tail_base import NoPlace
from tornado_stream.values.errors import Unavailable
from tornado_stream.values.events import Delta, frame_data, frame_name, split_frames

from .neighbour import Endless, endless
from .tailing import TailingMemory

POSTGRES = pytest.param("postgres", marks=pytest.mark.wide)
#: For tests of what a database does, and the store in memory does not.
on_memory = pytest.mark.parametrize("instances", ["memory"], indirect=True)
on_postgres = pytest.mark.parametrize("instances", [POSTGRES], indirect=True)


class Counting(Provider):
    """Says the numbers from 1 to `count`, and then that it is done."""

    name = "counting"
    default_model = None

    def __init__(self, count: int, pause: float = 0.002) -> None:
        self.count, self.pause = count, pause

    async def generate(self, request, emit) -> None:
        for number in range(1, self.count + 1):
            emit(Delta(f"{number} "))
            await asyncio.sleep(self.pause)

    async def models(self):
        return []


def words(count: int) -> str:
    return "".join(f"{number} " for number in range(1, count + 1))


def counting(number: int, count: int, pause: float = 0.002):
    return replace(endless(number), provider=Counting(count, pause))


class Instance:
    """One of the servers: its answers, and what users can do with them."""

    def __init__(self, store) -> None:
        self.store = store
        self.generations = Generations(store)
        self.chat = ChatService(self.generations, store, Endless())

    @property
    def in_memory(self) -> bool:
        return isinstance(self.store, TailingMemory)

    @asynccontextmanager
    async def standing_still(self):
        """As if the process stood still for so long that others take it for dead."""
        if self.in_memory:
            self.store.fence()
            yield
        else:
            async with self.store._writer._free, self.store._listener._renewing:
                yield

    async def reader(self, number: int, after: int = 0) -> Reader:
        generation = await self.chat.generation("local", f"g{number}")
        return Reader(generation, after)

    async def vanish(self) -> None:
        """Die as a killed process does: it says nothing to anybody."""
        self.generations.neighbours.close()
        if self.in_memory:
            self.store.die()
            return
        for connection in (self.store._writer, self.store._reader):
            connection._server._url = "postgresql://nobody@127.0.0.1:1/none"
            for db in (*connection._idle, *connection._used):
                db.terminate()


class Reader:
    """A client that reads an answer."""

    def __init__(self, generation, after: int = 0) -> None:
        self.generation = generation
        self.sink = Sink()
        self.subscriber = generation.attach(self.sink, after)

    async def frames(self) -> list[bytes]:
        """All frames, once nothing more comes."""
        async with asyncio.timeout(60):
            await self.subscriber.done
        return split_frames(b"".join(self.sink.batches))


def text_of(frames: list[bytes]) -> str:
    return "".join(frame_data(f)["content"] for f in frames if frame_name(f) == "delta")


@pytest.fixture(params=["memory", POSTGRES])
def instances(request, io_loop, tmp_path, monkeypatch):
    """Two instances, of which each has looked at the other."""
    opened = []

    def stores():
        if request.param == "memory":
            first = TailingMemory()
            return [first, first.beside()]
        monkeypatch.setattr("tornado_stream.store.postgres.instances.LEASE", 1.5)
        url = request.getfixturevalue("postgres").new_database()
        stores = [open_store(tmp_path, database=url) for _ in range(2)]
        for store in stores:
            store.interval = 0.3
        return stores

    async def start():
        for store in both:
            await store.open()
            opened.append(Instance(store))
        for one in opened:
            await one.generations.recover()

    async def stop():
        for one in opened:
            one.generations.neighbours.close()
            await one.generations.interrupt(5)
        await asyncio.gather(*(one.store.close() for one in opened))

    both = stores()
    io_loop.run_sync(start)
    yield opened
    io_loop.run_sync(stop)


@pytest.mark.gen_test
async def test_readers_of_both_instances_read_the_same(instances):
    ours, theirs = instances
    await ours.generations.start(counting(1, 300))
    readers = [await one.reader(1) for one in (ours, theirs, theirs)]
    assert isinstance(readers[1].generation, Mirror)
    assert readers[1].generation is readers[2].generation
    first, second, third = [await reader.frames() for reader in readers]
    assert first == second == third
    assert text_of(first) == words(300) and frame_data(first[-1])["state"] == "done"
    late = await (await theirs.reader(1)).frames()
    assert late == first


@pytest.mark.gen_test
async def test_a_reader_that_comes_from_the_other_instance_misses_nothing(instances):
    ours, theirs = instances
    generation = await ours.generations.start(counting(1, 200, 0.01))
    await until(lambda: len(generation.frames) > 40)
    after = len(generation.frames)  # more than the store has
    reader = await theirs.reader(1, after)
    frames = await reader.frames()
    assert frame_name(frames[0]) == "delta"
    await until(lambda: generation.ended)  # the other instance may read the end first
    assert frames == generation.frames[after:]


@pytest.mark.gen_test
async def test_what_an_instance_hears_makes_it_prompt(instances, monkeypatch):
    """Without hints, a reader would be a look behind."""
    monkeypatch.setattr("tornado_stream.generations.mirrors.INTERVAL", 50.0)
    monkeypatch.setattr("tornado_stream.generations.mirrors.WATCH_INTERVAL", 0.5)
    ours, theirs = instances
    for one in instances:  # the connection that listens is made by the first look
        await until(lambda one=one: one.in_memory or one.store._listener._db is not None)
    generation = await ours.generations.start(counting(1, 200, 0.01))
    await until(lambda: len(generation.frames) > 20)
    frames = await (await theirs.reader(1)).frames()
    await until(lambda: generation.ended)
    assert frames == generation.frames


@pytest.mark.gen_test
async def test_an_answer_is_stopped_at_the_other_instance(instances):
    ours, theirs = instances
    generation = await ours.generations.start(endless(1))
    await until(lambda: len(generation.frames) > 20)
    reader = await theirs.reader(1)
    stopped = await theirs.chat.stop("local", "g1")
    assert stopped.end["state"] == "stopped"
    await until(lambda: generation.ended)
    assert (await theirs.store.message("a1")).state == "stopped"
    assert await reader.frames() == generation.frames
    assert (await theirs.chat.stop("local", "g1")).end["state"] == "stopped"  # again


@pytest.mark.gen_test
async def test_the_same_conversation_is_busy_for_both(instances):
    ours, theirs = instances
    await ours.generations.start(endless(1))
    with pytest.raises(Busy):
        await theirs.generations.start(endless(2, "c1"))
    await theirs.chat.stop("local", "g1")
    await theirs.generations.start(counting(3, 5))


@pytest.mark.gen_test
async def test_readers_of_a_deleted_answer_are_let_go(instances):
    ours, theirs = instances
    generation = await ours.generations.start(endless(1))
    await until(lambda: len(generation.frames) > 20)
    reader = await theirs.reader(1)
    async with theirs.generations.deleting("c1", "local"):
        await theirs.store.delete("c1")
    frames = await reader.frames()
    assert frame_name(frames[-1]) in ("delta", "end")
    assert await theirs.store.generation("g1") is None


@pytest.mark.gen_test
async def test_the_answers_of_a_dead_instance_end_for_readers_elsewhere(instances):
    ours, theirs = instances
    generation = await ours.generations.start(endless(1))
    reader = await theirs.reader(1)
    await until(lambda: len(reader.sink.batches) > 3)
    began = time.monotonic()
    await ours.vanish()
    frames = await reader.frames()
    assert ours.in_memory or time.monotonic() - began > 1, "nobody has waited for the lease"
    assert frame_data(frames[-1])["state"] == "interrupted"
    assert frames[:-1] == generation.frames[: len(frames) - 1]


@pytest.mark.gen_test
async def test_who_was_taken_for_dead_lets_its_readers_go(instances):
    """They resume elsewhere, and nobody sees two ends."""
    ours, theirs = instances
    generation = await ours.generations.start(endless(1))
    temporary = replace(endless(2), persisted=False)
    other = await ours.generations.start(temporary)
    reader, remote = await ours.reader(1), await theirs.reader(1)
    await until(lambda: len(remote.sink.batches) > 3)
    name = ours.store.instance
    async with ours.standing_still():
        frames = await remote.frames()
    assert frame_data(frames[-1])["state"] == "interrupted"
    seen = await reader.frames()
    assert frame_name(seen[-1]) == "delta" and not generation.ended
    await until(lambda: ours.store.instance != name)
    assert len(ours.generations) == 1 and not other.ended  # what is not stored goes on
    again = await (await ours.reader(1)).frames()
    assert again == frames
    await ours.generations.start(counting(3, 5))
    await ours.generations.stop("g2")


@on_postgres
@pytest.mark.gen_test
async def test_an_instance_whose_work_waits_in_the_database_lives(instances, postgres):
    """For longer than the lease: its writer for a lock, and its readers for their answers."""
    ours, theirs = instances
    generation = await ours.generations.start(endless(1))
    name = ours.store.instance

    async def wait(db):
        await db.execute("SELECT pg_sleep(4)")

    writer, reader = ours.store._writer, ours.store._reader
    waiting = asyncio.gather(writer.repeat(wait), reader.read(wait), reader.read(wait))
    while not waiting.done():
        assert theirs.store.is_alive(name)
        await asyncio.sleep(0.1)
    await waiting
    await ours.store.check()
    assert ours.store.instance == name and not generation.ended
    await ours.generations.stop("g1")
    assert generation.end["state"] == "stopped"


@on_postgres
@pytest.mark.gen_test
async def test_an_instance_that_begins_without_the_database_lives(instances, caplog):
    ours, theirs = instances
    ours.generations.neighbours.close()
    again = Generations(ours.store)
    with pytest.MonkeyPatch.context() as patch:

        async def failing():
            raise StoreError("away")

        patch.setattr(ours.store, "orphans", failing)
        assert await again.recover() == 0
    caplog.clear()
    await again.start(endless(1))
    await asyncio.sleep(2.5)  # longer than the lease
    assert theirs.store.is_alive(ours.store.instance) and len(again) == 1
    again.neighbours.close()
    await again.interrupt(5)


@pytest.mark.gen_test
async def test_an_answer_whose_begin_was_reported_as_failed_ends(instances, monkeypatch):
    """The commit is done, its reply is lost, and nobody asks for the answer again."""
    monkeypatch.setattr("tornado_stream.generations.neighbours.LOST_INTERVAL", 0.5)
    ours, theirs = instances
    begin = ours.store.begin

    async def unknown(new):
        await begin(new)
        raise StoreError("the reply was lost")

    running = await ours.generations.start(endless(2))
    with monkeypatch.context() as patch:
        patch.setattr(type(ours.store), "begin", lambda store, new: unknown(new))
        with pytest.raises(StoreError):
            await ours.generations.start(endless(1))
    reader = await theirs.reader(1)
    assert frame_data((await reader.frames())[-1])["state"] == "interrupted"
    await theirs.generations.start(counting(3, 5, 0.01))
    assert not running.ended
    await ours.generations.stop("g2")


@on_postgres
@pytest.mark.gen_test
async def test_while_the_database_is_away_nobodys_answer_ends(instances, postgres):
    ours, theirs = instances
    generations = [await ours.generations.start(counting(n, 150, 0.02)) for n in range(1, 11)]
    readers = [await theirs.reader(n) for n in range(1, 11)]
    await until(lambda: all(reader.sink.batches for reader in readers))
    postgres.kill()
    await asyncio.sleep(1.0)
    postgres.launch()
    await asyncio.get_running_loop().run_in_executor(None, postgres.wait)
    for generation, reader in zip(generations, readers, strict=True):
        frames = await reader.frames()
        assert text_of(frames) == words(150)
        assert frame_data(frames[-1])["state"] == "done"
        await until(lambda generation=generation: generation.ended)
        assert frames == generation.frames


@on_memory
@pytest.mark.gen_test
async def test_what_a_standby_has_lost_is_written_again(instances, monkeypatch, caplog):
    monkeypatch.setattr("tornado_stream.generations.saver.RETRY_INTERVAL", 0.05)
    ours, theirs = instances
    generation = await ours.generations.start(counting(1, 300, 0.005))
    readers = [await one.reader(1) for one in (ours, theirs)]
    await until(lambda: len(ours.store._generations["g1"].frames) > 50)
    ours.store.lose("g1", 20)
    first, second = [await reader.frames() for reader in readers]
    assert "saved again" in caplog.text
    assert first == second == generation.frames and text_of(first) == words(300)
    assert (await theirs.store.generation("g1")).frames == generation.frames


@on_memory
@pytest.mark.gen_test
async def test_a_reader_of_more_than_was_ever_stored_begins_again(instances):
    ours, theirs = instances
    generation = await ours.generations.start(endless(1))
    await until(lambda: len(generation.frames) > 20)
    reader = await theirs.reader(1, after=1000)
    await ours.vanish()
    frames = await reader.frames()
    assert frame_name(frames[0]) == "reset" and frame_name(frames[1]) == "start"
    assert frame_data(frames[-1])["state"] == "interrupted"


@on_memory
@pytest.mark.gen_test
async def test_readers_of_what_was_deleted_elsewhere_get_no_end(instances):
    ours, theirs = instances
    await ours.generations.start(endless(1))
    reader = await theirs.reader(1)
    await until(lambda: len(reader.sink.batches) > 3)
    del ours.store._generations["g1"]
    frames = await reader.frames()
    assert frame_name(frames[-1]) == "delta"


@on_memory
@pytest.mark.gen_test
async def test_a_reader_that_fails_harms_no_other(instances, caplog):
    ours, theirs = instances
    await ours.generations.start(counting(1, 100))
    reader = await theirs.reader(1)

    def fail(data: bytes) -> bool:
        raise RuntimeError("it is broken")

    broken = reader.generation.attach(fail, len(reader.generation.frames))
    frames = await reader.frames()
    assert text_of(frames) == words(100) and broken.done.done()
    assert "a subscriber failed" in caplog.text
    caplog.clear()


@on_memory
@pytest.mark.gen_test
async def test_a_stop_that_nobody_carries_out_says_so(instances, monkeypatch):
    monkeypatch.setattr("tornado_stream.generations.mirrors.STOP_WAIT", 0.1)
    ours, theirs = instances
    await ours.generations.start(endless(1))
    ours.generations.neighbours.close()
    with pytest.raises(Unavailable, match="cannot be stopped now"):
        await theirs.chat.stop("local", "g1")


@on_memory
@pytest.mark.gen_test
async def test_readers_wait_while_the_store_cannot_be_read(instances, monkeypatch):
    monkeypatch.setattr("tornado_stream.generations.mirrors.RETRY_INTERVAL", 0.02)
    ours, theirs = instances
    await ours.generations.start(counting(1, 100))
    failures, tail = [], theirs.store.tail

    async def sometimes(cursors):
        if len(failures) < 3:
            failures.append(cursors)
            raise StoreError("away")
        return await tail(cursors)

    monkeypatch.setattr(theirs.store, "tail", sometimes)
    frames = await (await theirs.reader(1)).frames()
    assert text_of(frames) == words(100) and len(failures) == 3


@on_memory
@pytest.mark.gen_test
async def test_a_server_that_ends_waits_for_readers_as_long_as_they_read(instances):
    ours, theirs = instances
    await ours.generations.start(endless(1))
    staying, leaving = await theirs.reader(1), await theirs.reader(1)
    await until(lambda: len(leaving.sink.batches) > 1)
    draining = asyncio.create_task(theirs.generations.drain(DEADLINE))
    leaving.subscriber.detach()
    done, _ = await asyncio.wait({draining}, timeout=0.1)
    assert not done, "the other one reads on"
    staying.subscriber.detach()
    began = time.monotonic()
    await draining
    assert time.monotonic() - began < DEADLINE / 2


@on_memory
@pytest.mark.gen_test
async def test_what_nobody_reads_is_not_followed(instances, monkeypatch):
    monkeypatch.setattr("tornado_stream.generations.mirrors.UNREAD", 0.0)
    ours, theirs = instances
    await ours.generations.start(endless(1))
    reader = await theirs.reader(1)
    mirrors = theirs.generations.mirrors
    await until(lambda: len(reader.sink.batches) > 1 and mirrors._mirrors)
    reader.subscriber.detach()
    await until(lambda: not mirrors._mirrors)
    elsewhere = Elsewhere("another", None)
    with pytest.raises(Elsewhere):
        mirrors.follow(elsewhere)


@on_memory
@pytest.mark.gen_test
async def test_an_answer_that_is_not_stored_counts_what_others_write(instances):
    ours, theirs = instances
    limited = Generations(theirs.store, places=Places(most_per_user=1))
    await ours.generations.start(endless(1))
    with pytest.raises(NoPlace, match="1 answers"):
        await limited.start(replace(counting(2, 5), persisted=False))
    await ours.generations.stop("g1")
    generation = await limited.start(replace(counting(2, 5), persisted=False))
    await until(lambda: generation.ended)
