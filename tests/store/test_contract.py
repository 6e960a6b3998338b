"""What every store must do; the same tests for each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tornado_stream.messages import Conversation, Message
from tornado_stream.store import Progress, Store, Turn, open_store


@pytest.fixture(params=["memory"])
def store(request, io_loop) -> Store:
    store = open_store()
    yield store
    io_loop.run_sync(store.close)


def turn(number: int = 1, *, conversation: Conversation | None = None, parent: str | None = None):
    new = conversation is None
    conversation = conversation or Conversation("c", "title", None, None, 1, 1)
    user = Message(f"u{number}", conversation.id, parent, "user", "hi", number)
    answer = Message(
        f"a{number}", conversation.id, user.id, "assistant", "", number, state="running"
    )
    frame = b"id: 1\nevent: start\ndata: {}\n\n"
    return Turn(f"g{number}", b"print", conversation if new else None, user, answer, frame)


@pytest.mark.gen_test
async def test_a_turn_is_kept_whole(store):
    await store.begin(turn())
    conversation = await store.conversation("c")
    assert (conversation.title, conversation.current_id) == ("title", "a1")
    assert [m.id for m in await store.thread("a1")] == ["u1", "a1"]
    assert (await store.message("a1")).state == "running"
    kept = await store.generation("g1")
    assert (kept.id, kept.fingerprint, kept.message.id) == ("g1", b"print", "a1")
    assert kept.frames == [turn().frame]


@pytest.mark.gen_test
async def test_logs_grow_together(store):
    await store.begin(turn(1))
    await store.begin(turn(2, conversation=await store.conversation("c"), parent="a1"))
    done = replace(turn(2).message, content="text", state="done", usage={"n": 1})
    await store.append([Progress("g1", 2, [b"two"]), Progress("g2", 2, [b"two", b"end"], done)])
    await store.append([Progress("g1", 3, [b"three"])])
    assert (await store.generation("g1")).frames[1:] == [b"two", b"three"]
    second = await store.generation("g2")
    assert second.frames[1:] == [b"two", b"end"]
    assert second.message == await store.message("a2") == done


@pytest.mark.gen_test
async def test_a_thread_is_one_branch(store):
    await store.begin(turn(1))
    conversation = await store.conversation("c")
    await store.begin(turn(2, conversation=conversation, parent="a1"))
    await store.begin(turn(3, conversation=conversation, parent="a1"))
    assert [m.id for m in await store.thread("a3")] == ["u1", "a1", "u3", "a3"]
    assert [m.id for m in await store.thread("u2")] == ["u1", "a1", "u2"]
    assert (await store.conversation("c")).current_id == "a3"


@pytest.mark.gen_test
async def test_a_second_answer_to_the_same_question(store):
    await store.begin(turn(1))
    again = replace(turn(2), conversation=None, user_message=None)
    again = replace(again, message=replace(again.message, parent_id="u1"))
    await store.begin(again)
    assert [m.id for m in await store.thread("a2")] == ["u1", "a2"]


@pytest.mark.gen_test
async def test_what_is_not_there(store):
    assert await store.conversation("x") is None
    assert await store.message("x") is None
    assert await store.thread("x") == []
    assert await store.generation("x") is None


@pytest.mark.gen_test
async def test_what_is_returned_is_the_callers(store):
    await store.begin(turn())
    (await store.generation("g1")).frames.clear()
    assert len((await store.generation("g1")).frames) == 1
