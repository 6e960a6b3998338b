"""Two processes on one data directory: each touches only its own answers, and those of the dead."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from client import until
from deadlines import at_most
from process import environ
from store.answers import crashed

from tornado_stream.chat.conversations import ConversationService
from tornado_stream.generations.neighbours import Elsewhere
from tornado_stream.generations.registry import Generations
from tornado_stream.store import open_store
from tornado_stream.store.base import Busy, Fenced, StoreError
from tornado_stream.values.errors import Conflict, Unavailable

from .neighbour import endless

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def store(io_loop, tmp_path):
    store = open_store(tmp_path)
    yield store
    io_loop.run_sync(store.close)


@pytest.fixture
def generations(io_loop, store):
    async def make() -> Generations:
        return Generations(store)

    generations = io_loop.run_sync(make)
    yield generations
    io_loop.run_sync(lambda: generations.interrupt(5))
    generations.neighbours.close()


@contextmanager
def second_process(store, first: int = 1, count: int = 0):
    """Another process that has the store open, and runs answers of its own."""
    path = Path(__file__).with_name("neighbour.py")
    lock = os.dup(store.lock)
    arguments = [str(store._database.path.parent), str(lock), str(first), str(count)]
    process = subprocess.Popen(
        [sys.executable, path, *arguments],
        pass_fds=[lock],
        env=environ(PYTHONPATH=str(ROOT)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    os.close(lock)
    with process:
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def ask(process, number: int, home: str = "") -> str:
    """What comes of one more answer in the second process."""
    process.stdin.write(f"{number} {home}\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


async def state(store, number: int) -> str | None:
    return (await store.message(f"a{number}")).state


@pytest.mark.gen_test(timeout=120)
async def test_a_request_is_answered_by_one_of_two_processes(store, generations):
    with second_process(store) as other:
        for number in range(100):
            theirs = asyncio.to_thread(ask, other, number)
            mine, theirs = await asyncio.gather(
                generations.start(endless(number)), theirs, return_exceptions=True
            )
            begun = [not isinstance(mine, Exception), theirs == "begun"]
            assert sorted(begun) == [False, True]
            assert begun[0] or type(mine).__name__ == "AlreadyStored"
            assert begun[1] or theirs == "AlreadyStored"
            if begun[0]:
                await generations.stop(f"g{number}")
            else:
                with pytest.raises(Elsewhere):
                    await generations.get("local", f"g{number}")


@pytest.mark.gen_test(timeout=120)
async def test_a_conversation_is_busy_in_both_processes(store, generations):
    with second_process(store, 1, 1) as other:
        await generations.start(endless(2))
        assert await asyncio.to_thread(ask, other, 3, "c2") == "Busy"
        for number in range(10, 20):
            with pytest.raises(Conflict) as caught:
                await generations.start(endless(number, "c1"))
            assert caught.value.code == "conversation_busy"
            assert caught.value.details["generation_ids"] == ["g1"]
        await generations.stop("g2")
        assert await asyncio.to_thread(ask, other, 3, "c2") == "begun"


@pytest.mark.timed
@pytest.mark.gen_test(timeout=120)
async def test_the_answers_of_a_killed_process_alone_are_interrupted(store, generations):
    with second_process(store, 1, 20) as other:
        for number in range(21, 41):
            await generations.start(endless(number))
        for number in range(1, 21):
            while len((await store.generation(f"g{number}")).frames) < 3:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        with pytest.raises(Elsewhere) as caught:
            await generations.get("local", "g1")
        message, number = caught.value.so_far()
        assert (message.state, message.content) == ("running", "word " * (number - 1))
        assert (await generations.with_ends("local", [await store.message("a1")]))[0].content
        assert await generations.recover() == 0
        other.kill()
        killed = time.monotonic()
        await until(lambda: not store._database.instances.others)

        async def states() -> set[str | None]:
            return {await state(store, n) for n in range(1, 21)}

        while await states() != {"interrupted"}:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert time.monotonic() - killed < at_most(0.5)
        assert {await state(store, n) for n in range(21, 41)} == {"running"}
        for number in range(1, 21):
            generation = await generations.get("local", f"g{number}")
            assert generation.end["state"] == "interrupted"
            assert generation.message.content.startswith("word ")
        assert len(generations) == 20


@pytest.mark.gen_test(timeout=120)
async def test_deleting_stops_the_answer_of_the_other_process(store, generations):
    conversations = ConversationService(store, generations)
    with second_process(store, 1, 3):
        await conversations.delete("local", "c2")
        assert await store.conversation("c2") is None
        with pytest.raises(Elsewhere):
            await generations.get("local", "g1")
        assert await conversations.delete_all("local") == 2
        assert await store.conversation_ids() == []


@pytest.mark.gen_test(timeout=60)
async def test_an_answer_is_stopped_on_behalf_of_the_other_process(store, generations):
    with second_process(store, 1, 2):
        await store.ask_stop("g1")
        while await state(store, 1) == "running":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert [await state(store, 1), await state(store, 2)] == ["stopped", "running"]
        ended = await generations.get("local", "g1")
        assert ended.end["state"] == "stopped" and ended.end["saved"]


@pytest.mark.gen_test(timeout=60)
async def test_a_conversation_whose_answer_does_not_stop_is_not_deleted(
    store, generations, monkeypatch
):
    monkeypatch.setattr("tornado_stream.generations.neighbours.STOP_WAIT", 0.1)
    other = open_store(store._database.path.parent, lock=os.dup(store.lock))
    await other.begin(endless(1).new_answer)  # nobody produces it, but its process is alive
    with pytest.raises(Unavailable, match="cannot be stopped now"):
        await ConversationService(store, generations).delete("local", "c1")
    assert await state(store, 1) == "running"
    await other.close()
    await ConversationService(store, generations).delete("local", "c1")
    assert await store.conversation("c1") is None


@pytest.mark.gen_test(timeout=60)
async def test_an_end_that_was_refused_keeps_no_conversation_busy(store, generations, caplog):
    append = store.append

    async def refuse(batch):
        raise StoreError("disk full")

    await generations.start(endless(1))
    store.append = refuse
    await generations.stop("g1")
    assert await state(store, 1) == "running"
    await generations.start(endless(2, "c1"))
    assert [await state(store, 1), await state(store, 2)] == ["running", "running"]
    with pytest.raises(Busy):
        await generations.start(endless(3, "c1"))
    store.append = append
    while await state(store, 1) == "running":  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    assert [await state(store, 1), await state(store, 2)] == ["stopped", "running"]


@pytest.mark.gen_test(timeout=60)
async def test_an_answer_of_the_dead_keeps_no_conversation_busy(store, generations):
    for number in range(1, 4):
        await crashed(store).begin(endless(number).new_answer)
    await generations.start(endless(4, "c2"))
    assert await state(store, 1) == await state(store, 2) == "interrupted"


@pytest.mark.gen_test(timeout=60)
async def test_a_store_that_fails_for_a_while_is_told_once(store, generations, monkeypatch, caplog):
    other = open_store(store._database.path.parent, lock=os.dup(store.lock))
    await other.begin(endless(1).new_answer)
    looks = 0

    async def fail():
        nonlocal looks
        looks += 1
        raise StoreError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(store, "orphans", fail)
        generations.neighbours.watch()
        await until(lambda: looks > 2)
    assert caplog.text.count("cannot be read: the disk is gone") == 1
    await other.close()
    while await state(store, 1) == "running":  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert await state(store, 1) == "interrupted"


@pytest.mark.gen_test(timeout=60)
async def test_the_end_of_an_answer_elsewhere_can_be_awaited(store, generations):
    free: asyncio.Future[tuple[str, str]] = asyncio.get_running_loop().create_future()

    async def on_free(owner: str, conversation_id: str) -> None:
        free.set_result((owner, conversation_id))

    generations.neighbours.on_free = on_free
    assert not await generations.neighbours.await_end("local", "c1")  # there is nobody else
    other = open_store(store._database.path.parent, lock=os.dup(store.lock))
    await generations.start(endless(2))
    await other.begin(endless(1).new_answer)
    assert not await generations.neighbours.await_end("local", "c2")
    assert await generations.neighbours.await_end("local", "c1")
    await asyncio.sleep(0.3)
    assert not free.done()
    await other.close()
    assert await free == ("local", "c1")


@pytest.mark.gen_test(timeout=60)
async def test_others_are_asked_for_what_is_not_stored(store, generations):
    asked = []

    async def find(owner: str, id: str) -> str:
        asked.append((owner, id))
        return "0123456789abcdef" if id == "g1" else ""

    generations.neighbours.find = find
    await generations.neighbours.check_unstored("local", "g1")  # there is nobody else
    other = open_store(store._database.path.parent, lock=os.dup(store.lock))
    await generations.neighbours.check_unstored("local", "g2")
    with pytest.raises(Elsewhere) as caught:
        await generations.neighbours.check_unstored("local", "g1")
    assert caught.value.instance == "0123456789abcdef" and caught.value.stored is None
    assert asked == [("local", "g2"), ("local", "g1")]
    await other.close()


@pytest.mark.gen_test(timeout=60)
async def test_an_answer_is_stopped_where_it_runs(store, generations):
    other = open_store(store._database.path.parent, lock=os.dup(store.lock))
    generation = await generations.start(endless(1))
    await generations.start(endless(2))
    generations.neighbours.watch()
    await other.ask_stop("g1")
    await until(lambda: generation.ended)
    assert generation.end["state"] == "stopped" and len(generations) == 1
    await other.close()


@pytest.mark.gen_test(timeout=60)
async def test_the_answer_of_a_dead_process_is_read_although_its_end_is_refused(
    store, generations, monkeypatch, caplog
):
    await crashed(store).begin(endless(1).new_answer)

    async def refuse(batch):
        raise StoreError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(store, "append", refuse)
        generation = await generations.get("local", "g1")
        assert generation.end["state"] == "interrupted"
        assert await state(store, 1) == "running"
        message = (await generations.with_ends("local", [await store.message("a1")]))[0]
        assert message.state == "interrupted"
    assert await generations.recover() == 1  # the end that was refused is offered again
    assert await state(store, 1) == "interrupted"


@pytest.mark.gen_test(timeout=60)
async def test_who_was_taken_for_dead_is_told(store, generations, monkeypatch, caplog):
    told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    generations.neighbours.on_fenced = lambda: told.done() or told.set_result(None)

    async def fenced(batch):
        raise Fenced

    with monkeypatch.context() as patch:
        patch.setattr(store, "append", fenced)
        generations.neighbours.watch()
        await told
    assert "was away for too long" in caplog.text
