"""The registry, the producer and recovery, with a provider that each test writes itself."""

from __future__ import annotations

import asyncio
import gc
import threading

import orjson
import pytest
from client import until
from sinks import Sink
from store.answers import crashed
from store.memory import MemoryStore

from tornado_stream.generations.generation import Generation
from tornado_stream.generations.job import Job
from tornado_stream.generations.recovery import text_so_far
from tornado_stream.generations.registry import Generations
from tornado_stream.providers.base import Provider
from tornado_stream.store import logs, open_store
from tornado_stream.store.base import AlreadyStored, NewAnswer, Progress, Store, StoreError
from tornado_stream.values.errors import Conflict, ProviderError
from tornado_stream.values.events import Delta, Finish, Notice, encode_event
from tornado_stream.values.messages import ChatRequest, Conversation, Message


class ScriptedProvider(Provider):
    """Runs a function instead of asking an upstream."""

    name = "scripted"
    default_model = None

    def __init__(self, act) -> None:
        self.act = act
        self.calls = 0

    async def generate(self, request, emit) -> None:
        self.calls += 1
        await self.act(emit)

    async def models(self):
        return []


def job(act, number: int = 1, **options) -> Job:
    conversation = Conversation(f"c{number}", "t", None, None, 1, 1)
    user = Message(f"u{number}", conversation.id, None, "user", "hi", 1)
    answer = Message(f"a{number}", conversation.id, user.id, "assistant", "", 1, state="running")
    frame = encode_event(1, "start", {"t": 0})
    new_answer = NewAnswer(f"g{number}", b"", conversation, (user,), answer, frame)
    return Job(new_answer, ScriptedProvider(act), ChatRequest([]), **options)


def events(data: bytes) -> list[tuple[int, str, dict]]:
    found = []
    for frame in data.split(b"\n\n")[:-1]:
        id, name, body = frame.split(b"\n")
        found.append((int(id[4:]), name[7:].decode(), orjson.loads(body[6:])))
    return found


async def nothing(emit) -> None:
    """A provider that emits nothing."""


@pytest.fixture
def store() -> Store:
    return MemoryStore()


def refuse_until(store: Store) -> asyncio.Event:
    """Make a store refuse every batch until the returned event is set."""
    append, works = store.append, asyncio.Event()

    async def failing(batch):
        if not works.is_set():
            raise StoreError("disk full")
        return await append(batch)

    store.append = failing
    return works


async def finish(generations: Generations, generation: Generation) -> list[tuple[int, str, dict]]:
    sink = Sink()
    await generation.attach(sink, 0).done
    return events(sink.data)


@pytest.mark.gen_test
async def test_a_text_counts_as_the_delta_that_it_stands_for(store, monkeypatch):
    monkeypatch.setattr("tornado_stream.generations.producer.monotonic", lambda: 5.0)
    texts = ["a", " é", '"quoted"', "\n"]

    async def by_text(emit):
        emit(Delta("first"))
        for text in texts:
            emit.text(text, b"")

    async def by_delta(emit):
        for text in ["first", *texts]:
            emit(Delta(text))

    generations = Generations(store)
    one = await generations.start(job(by_text, 1))
    other = await generations.start(job(by_delta, 2))
    for generation in (one, other):
        await finish(generations, generation)
    await until(lambda: not len(generations))
    assert one.frames[1:] == other.frames[1:]
    assert one.message.content == other.message.content == "first" + "".join(texts)
    stored = [await store.generation(f"g{number}") for number in (1, 2)]
    assert stored[0].frames[1:] == stored[1].frames[1:] == one.frames[1:]


@pytest.mark.gen_test
async def test_a_text_after_a_stop_is_ignored(store):
    began = asyncio.Event()

    async def act(emit):
        emit.text("a", b"")
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            emit.text("b", b"")

    generations = Generations(store)
    generation = await generations.start(job(act))
    await began.wait()
    await generations.stop("g1")
    assert generation.message.content == "a"
    assert [name for _, name, _ in await finish(generations, generation)] == [
        *("start", "delta", "end")
    ]


@pytest.mark.gen_test
async def test_a_log_is_numbered_and_ends_once(store):
    async def act(emit):
        emit(Delta("a"))
        emit(Notice("model_loading"))
        emit(Delta("b", reasoning="r"))
        emit(Finish("stop", None))
        emit(Finish(None, {"n": 1}))

    generations = Generations(store)
    generation = await generations.start(job(act))
    log = await finish(generations, generation)
    assert [(n, name) for n, name, _ in log] == [
        (1, "start"),
        (2, "delta"),
        (3, "notice"),
        (4, "delta"),
        (5, "end"),
    ]
    assert log[-1][2]["finish_reason"] == "stop" and log[-1][2]["usage"] == {"n": 1}
    await until(lambda: not len(generations))
    stored = await store.generation("g1")
    assert b"".join(stored.frames) == b"".join(generation.frames)
    assert (stored.message.content, stored.message.reasoning) == ("ab", "r")
    assert (stored.message.state, stored.message.usage) == ("done", {"n": 1})


@pytest.mark.gen_test
async def test_the_end_is_saved_before_it_is_published(store):
    async def act(emit):
        emit(Delta("a"))

    order = []
    append = store.append

    async def slow_append(batch):
        await asyncio.sleep(0.05)
        gone = await append(batch)
        order.append("stored")
        return gone

    store.append = slow_append
    generations = Generations(store)
    generation = await generations.start(job(act))

    def sink(data: bytes) -> bool:
        if b"event: end" in data:
            order.append("published")
        return True

    await generation.attach(sink, 0).done
    assert order == ["stored", "published"]


@pytest.mark.gen_test
async def test_subscribers_may_be_ahead_of_the_store_by_one_flush(store):
    release = asyncio.Event()

    async def act(emit):
        emit(Delta("a"))
        emit(Delta("b"))
        await release.wait()

    append, taken = store.append, asyncio.Event()

    async def held(batch):
        await taken.wait()
        return await append(batch)

    store.append = held
    generations = Generations(store)
    generation = await generations.start(job(act))
    await until(lambda: generation.last_number == 3)
    assert len((await store.generation("g1")).frames) < 3
    taken.set()
    while (await store.generation("g1")).frames != generation.frames:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    release.set()
    await finish(generations, generation)


@pytest.mark.gen_test
async def test_subscribers_get_the_end_even_if_the_store_fails(store, caplog):
    async def act(emit):
        emit(Delta("a"))

    async def broken(batch):
        raise OSError("disk full")

    generations = Generations(store)
    generation = await generations.start(job(act))
    store.append = broken
    log = await finish(generations, generation)
    assert (log[-1][1], log[-1][2]["saved"], log[-1][2]["state"]) == ("end", False, "done")
    caplog.clear()


@pytest.mark.gen_test
async def test_a_bug_in_a_provider_is_an_error_without_its_words(store, caplog):
    async def act(emit):
        emit(Delta("a"))
        raise RuntimeError("secret words")

    generations = Generations(store)
    log = await finish(generations, await generations.start(job(act)))
    assert (log[-1][2]["state"], log[-1][2]["error"]["code"]) == ("error", "server_error")
    assert "secret" not in str(log)
    assert "RuntimeError" in caplog.text
    caplog.clear()


@pytest.mark.gen_test
async def test_a_provider_error_becomes_the_end(store):
    async def act(emit):
        emit(Delta("a"))
        raise ProviderError("idle_timeout", "Silent.", state="cut_off", retryable=True)

    generations = Generations(store)
    end = (await finish(generations, await generations.start(job(act))))[-1][2]
    assert (end["state"], end["error"]["code"]) == ("cut_off", "idle_timeout")


@pytest.mark.gen_test
async def test_a_stop_before_the_first_step_asks_no_provider(store):
    async def act(emit):
        raise AssertionError("the provider was asked")

    generations = Generations(store)
    task = job(act)
    generation = await generations.start(task)
    await generations.stop(generation.id)
    assert generation.end["state"] == "stopped"
    assert task.provider.calls == 0


@pytest.mark.gen_test
async def test_the_first_of_two_cancellations_decides_the_state(store):
    async def act(emit):
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.05)  # the provider takes a while to end

    generations = Generations(store)
    generation = await generations.start(job(act))
    await asyncio.sleep(0)
    stopping = asyncio.ensure_future(generations.stop(generation.id))
    await asyncio.sleep(0)
    await generations.interrupt(1)
    await stopping
    assert generation.end["state"] == "stopped"


@pytest.mark.gen_test
async def test_stopping_an_ended_answer_does_nothing(store):
    generations = Generations(store)
    generation = await generations.start(job(nothing))
    await finish(generations, generation)
    for _ in range(2):
        await generations.stop(generation.id)
        async with generations.deleting("c1"):
            pass
    assert generation.end["state"] == "done"


@pytest.mark.gen_test
async def test_an_answer_that_begins_while_the_store_looks_for_it_is_found(tmp_path):
    """The lookup begins before the answer does, and returns after."""
    store, release, looking = open_store(tmp_path), threading.Event(), threading.Event()
    lookup = logs.generation

    def slow(db, owner, id):
        found = lookup(db, owner, id)
        looking.set()
        release.wait(60)
        return found

    generations, hold = Generations(store), asyncio.Event()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logs, "generation", slow)
        found = asyncio.ensure_future(generations.get("local", "g1"))
        await until(looking.is_set)
        generation = await generations.start(job(lambda emit: hold.wait()))
        release.set()
        assert await found is generation
    hold.set()
    await finish(generations, generation)
    await store.close()


@pytest.mark.gen_test
async def test_events_after_a_stop_are_ignored(store):
    async def act(emit):
        emit(Delta("a"))
        try:
            await asyncio.sleep(60)
        finally:
            emit(Delta("late"))

    generations = Generations(store)
    generation = await generations.start(job(act))
    await until(lambda: generation.last_number == 2)
    await generations.stop(generation.id)
    assert [name for _, name, _ in events(b"".join(generation.frames))] == ["start", "delta", "end"]
    assert generation.end["stop"]["received_events"] == 1


@pytest.mark.gen_test
async def test_a_thousand_stops_leave_no_task_and_no_generation(store):
    async def act(emit):
        emit(Delta("a"))
        await asyncio.sleep(60)

    generations = Generations(store)
    before = len(asyncio.all_tasks())
    for number in range(1000):
        generation = await generations.start(job(act, number))
        if number % 3:
            await asyncio.sleep(0)
        await generations.stop(generation.id)
        assert generation.end["state"] == "stopped"
    assert len(generations) == 0
    await until(lambda: len(asyncio.all_tasks()) <= before + 1)  # the flush
    gc.collect()
    assert sum(isinstance(o, Generation) for o in gc.get_objects()) <= 2


@pytest.mark.gen_test
async def test_one_answer_at_a_time_in_a_conversation(store):
    release = asyncio.Event()

    async def act(emit):
        await release.wait()

    generations = Generations(store)
    generation = await generations.start(job(act))
    with pytest.raises(Conflict) as caught:
        await generations.start(job(act))
    assert caught.value.details == {"generation_id": "g1", "generation_ids": ["g1"]}
    release.set()
    await finish(generations, generation)


@pytest.mark.gen_test
async def test_drain_waits_and_interrupt_ends(store):
    async def quick(emit):
        await asyncio.sleep(0.05)
        emit(Delta("a"))

    async def endless(emit):
        while True:
            emit(Delta("a"))
            await asyncio.sleep(0.01)

    generations = Generations(store)
    done = await generations.start(job(quick, 1))
    cut = await generations.start(job(endless, 2))
    await generations.drain(1)
    assert done.end["state"] == "done" and not cut.ended
    await generations.interrupt(1)
    assert cut.end["state"] == "interrupted" and cut.end["error"] is None
    assert len(generations) == 0


@pytest.mark.gen_test
async def test_a_second_signal_ends_the_drain(store):
    async def endless(emit):
        await asyncio.sleep(60)

    generations = Generations(store)
    await generations.start(job(endless))
    hurry = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.05, hurry.set_result, 15)
    await asyncio.wait_for(generations.drain(3600, hurry), 60)
    await generations.interrupt(1)


@pytest.mark.gen_test
async def test_a_start_goes_on_where_what_a_crash_left_cannot_be_read(store, caplog):
    async def failing():
        raise StoreError("damaged")

    store.orphans = failing
    assert await Generations(store).recover() == 0
    assert "cannot be read: damaged" in caplog.text
    caplog.clear()


@pytest.mark.gen_test
async def test_an_interrupted_answer_can_be_read_although_its_end_cannot_be_saved(store):
    await crashed(store).begin(job(None).new_answer)
    works = refuse_until(store)
    generations = Generations(store)
    assert await generations.recover() == 1
    generation = await generations.get("local", "g1")
    assert generation and generation.end["state"] == "interrupted"
    works.set()
    assert await generations.recover() == 1
    assert (await store.message("a1")).state == "interrupted"


@pytest.mark.gen_test
async def test_recovery_goes_on_where_the_store_fails_in_between(store, monkeypatch, caplog):
    await crashed(store).begin(job(None).new_answer)

    async def fails(*_):
        raise StoreError("the disk is gone")

    monkeypatch.setattr(store, "thread", fails)
    monkeypatch.setattr(store, "settle_lost", fails)
    generations = Generations(store)
    assert await generations.recover() == 1
    assert "the ledger has open rows of answers before: the disk is gone" in caplog.text
    assert (await store.message("a1")).state == "interrupted"
    caplog.clear()


@pytest.mark.gen_test
async def test_the_text_that_another_process_has_stored_so_far(store):
    await crashed(store).begin(job(None).new_answer)
    frames = [encode_event(2, "delta", {"content": "half ", "t": 7})]
    frames += [encode_event(3, "notice", {"code": "waiting", "t": 8})]
    frames += [encode_event(4, "delta", {"content": "a text", "t": 9})]
    await store.append([Progress("g1", 2, frames)])
    message = text_so_far(await store.generation("g1"))
    assert (message.content, message.state) == ("half a text", "running")


@pytest.mark.gen_test
async def test_recover_ends_the_answers_that_a_crash_left_running(store):
    await crashed(store).begin(job(None).new_answer)
    frames = [
        encode_event(2, "delta", {"content": "half ", "reasoning": "r", "t": 7}),
        encode_event(3, "delta", {"content": "a thought", "t": 8}),
        encode_event(4, "delta", {"was_reasoning": True, "content": "a text", "t": 9}),
    ]
    await store.append([Progress("g1", 2, frames)])
    generations = Generations(store)
    assert await generations.recover() == 1
    generation = await generations.get("local", "g1")
    assert generation.ended and generation.last_number == 1_000_000_000
    assert generation.end["state"] == "interrupted"
    assert generation.end["timings"] == {"first_token_ms": 7, "total_ms": 9}
    message = generation.message
    assert (message.content, message.reasoning) == ("a text", "rhalf a thought")
    stored = await store.message("a1")
    assert (stored.state, stored.content) == ("interrupted", "a text")
    assert await generations.recover() == 0


@pytest.mark.gen_test
async def test_an_answer_whose_commit_was_reported_as_failed_does_not_stay_running(store):
    task = job(None)
    begin = store.begin

    async def committed_but_failed(new_answer):
        await begin(new_answer)
        raise StoreError("reported as failed")

    store.begin = committed_but_failed
    generations = Generations(store)
    with pytest.raises(StoreError):
        await generations.start(task)
    assert task.provider.calls == 0
    generation = await generations.get("local", "g1")
    assert generation.ended and generation.end["state"] == "interrupted"


@pytest.mark.gen_test
async def test_subscribers_are_told_when_saving_fails_and_when_it_works_again(
    store, monkeypatch, caplog
):
    monkeypatch.setattr("tornado_stream.generations.saver.RETRY_INTERVAL", 0.05)
    works, release = refuse_until(store), asyncio.Event()

    async def act(emit):
        emit(Delta("a"))
        await release.wait()
        emit(Delta("b"))

    generations = Generations(store)
    generation = await generations.start(job(act))

    def notices() -> list[str]:
        log = events(b"".join(generation.frames))
        return [data["code"] for _, name, data in log if name == "notice"]

    await until(lambda: notices() == ["not_saved"])
    works.set()
    await until(lambda: notices() == ["not_saved", "saved"])
    release.set()
    log = await finish(generations, generation)
    assert log[-1][2]["saved"] is True
    assert [number for number, _, _ in log] == list(range(1, len(log) + 1))
    stored = await store.generation("g1")
    assert stored.frames == generation.frames and stored.message.content == "ab"


@pytest.mark.gen_test
async def test_a_refused_end_is_saved_later(store, monkeypatch):
    monkeypatch.setattr("tornado_stream.generations.saver.RETRY_INTERVAL", 0.05)
    works = refuse_until(store)

    async def act(emit):
        emit(Delta("a"))

    generations = Generations(store)
    log = await finish(generations, await generations.start(job(act)))
    assert (log[-1][1], log[-1][2]["saved"]) == ("end", False)
    works.set()
    while (stored := await store.message("a1")).state != "done":  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    assert stored.content == "a"


@pytest.mark.gen_test
async def test_a_flush_that_fails_while_the_end_is_being_saved_adds_no_event(store):
    """The end has its number already, and a notice would get the same number."""
    append, flushing, fail = store.append, asyncio.Event(), asyncio.Event()

    async def slow(batch):
        if batch[0].message is None:
            flushing.set()
            await fail.wait()
            raise StoreError("disk full")
        fail.set()
        await asyncio.sleep(0.01)
        return await append(batch)

    store.append = slow

    async def act(emit):
        emit(Delta("a"))
        await flushing.wait()

    log = await finish(generations := Generations(store), await generations.start(job(act)))
    assert [(id, name) for id, name, _ in log] == [(1, "start"), (2, "delta"), (3, "end")]
    assert log[-1][2]["saved"]


@pytest.mark.gen_test
async def test_an_unsaved_end_is_shown_as_it_was_published(store):
    """The store has the answer as running, but no crash cut it short."""
    works = refuse_until(store)

    async def act(emit):
        emit(Delta("a"))

    generations = Generations(store)
    generation = await generations.start(job(act))
    log = await finish(generations, generation)
    assert (log[-1][2]["state"], log[-1][2]["saved"]) == ("done", False)
    works.set()
    again = await generations.get("local", generation.id)
    assert again and again.frames == generation.frames
    await generations.interrupt(1)
    stored = await Generations(store).get("local", generation.id)
    assert stored and stored.frames == generation.frames and stored.message.state == "done"


@pytest.mark.gen_test
async def test_after_a_slow_flush_the_next_one_follows_at_once(store, monkeypatch):
    monkeypatch.setattr("tornado_stream.generations.saver.FLUSH_INTERVAL", 0.3)
    append, begun, ended = store.append, [], []
    loop = asyncio.get_running_loop()

    async def slow(batch):
        begun.append(loop.time())
        await asyncio.sleep(0.32)  # longer than FLUSH_INTERVAL
        gone = await append(batch)
        ended.append(loop.time())
        return gone

    store.append = slow

    async def act(emit):
        while len(begun) < 4:
            emit(Delta("a"))
            await asyncio.sleep(0.01)

    generations = Generations(store)
    log = await finish(generations, await generations.start(job(act)))
    assert log[-1][2]["saved"]
    assert min(begun[n + 1] - ended[n] for n in range(3)) < 0.2


class DeletedStore(MemoryStore):
    """A store in which every conversation is gone as soon as it is begun."""

    async def begin(self, new) -> None:
        await super().begin(new)
        await self.delete(new.message.conversation_id)


@pytest.mark.gen_test
async def test_an_answer_whose_conversation_is_gone_is_stopped_and_never_saved():
    async def act(emit):
        emit(Delta("a"))
        await asyncio.sleep(3600)

    generations = Generations(DeletedStore())
    log = await finish(generations, await generations.start(job(act)))
    assert (log[-1][2]["state"], log[-1][2]["saved"]) == ("stopped", False)
    assert generations.unsaved_frames == 0 and not generations.failing


@pytest.mark.gen_test
async def test_a_deletion_forgets_the_ends_of_its_own_conversation_only(store):
    async def act(emit):
        emit(Delta("a"))

    works = refuse_until(store)
    generations = Generations(store)
    for number in (1, 2):
        await finish(generations, await generations.start(job(act, number)))
    async with generations.deleting("c1"), generations.deleting("c1"):
        pass
    works.set()
    await until(lambda: not generations.unsaved_frames)
    states = [(await store.message(id)).state for id in ("a1", "a2")]
    assert states == ["running", "done"]


@pytest.mark.gen_test
async def test_what_the_store_refuses_after_a_deletion_is_not_offered_again(store):
    trying, go = asyncio.Event(), asyncio.Event()
    calls = []

    async def failing(batch):
        calls.append(batch)
        if len(calls) > 1:
            trying.set()
            await go.wait()
        raise StoreError("disk full")

    store.append = failing
    generations = Generations(store)
    await finish(generations, await generations.start(job(nothing)))
    await trying.wait()
    async with generations.deleting("c1"):
        pass
    go.set()
    await asyncio.sleep(0.01)
    await generations.interrupt(1)  # offers everything that is left once more
    assert len(calls) == 2 and not generations.unsaved_frames


@pytest.mark.gen_test
async def test_the_end_of_an_answer_whose_conversation_is_gone_is_not_saved():
    async def act(emit):
        emit(Delta("a"))

    generations = Generations(DeletedStore())
    log = await finish(generations, await generations.start(job(act)))
    assert (log[-1][2]["state"], log[-1][2]["saved"]) == ("done", False)
    assert await generations.get("local", "g1") is None


def slow_to_begin(store: Store) -> tuple[asyncio.Event, asyncio.Event]:
    """Make a store take its time for a new answer: one event says that it was asked, the other
    lets it go on."""
    begin, asked, go = store.begin, asyncio.Event(), asyncio.Event()

    async def slow(new):
        asked.set()
        await go.wait()
        await begin(new)

    store.begin = slow
    store.for_owner = lambda owner: store
    return asked, go


@pytest.mark.parametrize("way", ["stop", "cancel", "delete", "interrupt"])
@pytest.mark.gen_test
async def test_an_answer_that_is_being_stored_can_be_ended(store, way):
    asked, go = slow_to_begin(store)

    async def act(emit):
        raise AssertionError("the provider was asked")

    generations, task = Generations(store), job(act)
    starting = asyncio.ensure_future(generations.start(task))
    await asked.wait()

    async def end() -> None:
        if way == "stop":
            await generations.stop("g1")
        elif way == "cancel":
            generations.cancel("g1")
        elif way == "interrupt":
            await generations.interrupt(60)
        else:
            async with generations.deleting("c1"):
                assert generation.ended

    ending = asyncio.ensure_future(end())
    await asyncio.sleep(0.01)
    assert way == "cancel" or not ending.done()
    go.set()
    generation = await starting
    await ending
    log = await finish(generations, generation)
    state = "interrupted" if way == "interrupt" else "stopped"
    assert (log[-1][2]["state"], log[-1][2]["saved"]) == (state, way != "delete")
    assert task.provider.calls == 0


@pytest.mark.gen_test
async def test_an_answer_that_is_being_stored_is_not_taken_for_one_that_a_crash_left(store):
    """The store has the answer already, but its `begin` has not returned yet."""
    begin, stored, go = store.begin, asyncio.Event(), asyncio.Event()

    async def slow(new):
        await begin(new)
        stored.set()
        await go.wait()

    store.begin = slow
    store.for_owner = lambda owner: store
    read = asyncio.Event()

    async def act(emit):
        await read.wait()

    generations = Generations(store)
    starting = asyncio.ensure_future(generations.start(job(act)))
    await stored.wait()
    reading = asyncio.ensure_future(generations.get("local", "g1"))
    await asyncio.sleep(0.01)
    go.set()
    assert await reading is await starting
    read.set()
    assert (await finish(generations, await starting))[-1][2]["state"] == "done"


@pytest.mark.gen_test
async def test_two_answers_cannot_begin_under_one_id(store):
    generations = Generations(store)
    with generations.admitted("ann", "g1"):
        with pytest.raises(AlreadyStored), generations.admitted("bob", "g1"):
            raise AssertionError("it was admitted")
    with generations.admitted("bob", "g1"):
        pass
