"""The contract of a store: the same tests for SQLite, PostgreSQL and the oracle in memory."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest

from tornado_stream.store.base import (
    MAX_FOLDERS,
    READ_BYTES,
    READ_MESSAGES,
    AlreadyStored,
    Busy,
    NewAnswer,
    Progress,
    Session,
    StoreError,
    WaitingQuestion,
)
from tornado_stream.store.call_base import Decided
from tornado_stream.store.health import StoreHealth
from tornado_stream.store.pages import Folder, Which
from tornado_stream.store.search_text import Matcher
from tornado_stream.store.slots import BusyBeside
from tornado_stream.values.calls import DONE, RUNNING, Call
from tornado_stream.values.defaults import Defaults
from tornado_stream.values.errors import Conflict, InvalidRequest, NotFound
from tornado_stream.values.messages import Conversation, Message
from tornado_stream.values.presets import MAX_PRESETS, Preset
from tornado_stream.values.shares import MAX_SHARES, BranchMessage, Share

from .answers import converse, crashed, end, frame, listed, new_answer


@pytest.mark.gen_test
async def test_a_new_answer_is_stored_whole(store):
    await store.begin(new_answer())
    conversation = await store.conversation("c")
    assert (conversation.title, conversation.current_id) == ("title", "a1")
    assert [m.id for m in await store.thread("a1")] == ["u1", "a1"]
    assert await store.message("a1") == new_answer().message
    stored = await store.generation("g1")
    assert (stored.id, stored.fingerprint, stored.message.id) == ("g1", b"print", "a1")
    assert stored.frames == [new_answer().frame]


@pytest.mark.gen_test
async def test_a_message_comes_back_as_it_was(store):
    await store.begin(new_answer(text="a\0b \ud7ff\U0001f600 \n\n"))
    assert (await store.message("u1")).content == "a\0b \ud7ff\U0001f600 \n\n"
    done = Message(
        "a1",
        "c",
        "u1",
        "assistant",
        "text\0",
        7,
        reasoning="why",
        refusal="no",
        tool_calls=[{"index": 0, "id": "t", "name": "n", "arguments": "{}"}],
        model="m",
        state="error",
        finish_reason="stop",
        usage={"total": {"n": 1}},
        error={"code": "x", "retry_after": 0.5},
        timings={"first_token_ms": None, "total_ms": 3},
        generation_id="g1",
        continued_from="a0",
    )
    await store.append([Progress("g1", 2, [frame(2, "end")], done)])
    assert await store.message("a1") == done
    assert (await store.messages("c"))[1] == done


CALL = Call(0, "i\0", "get", "time", '{"a": "\\u00e9\0"}', RUNNING)


@pytest.mark.gen_test
async def test_a_call_is_in_the_ledger_until_its_answer_has_ended(store):
    await store.begin(new_answer())
    await store.begin_call("g1", CALL)
    assert await store.calls(["g1", "g2"]) == {"g1": [CALL]}
    with pytest.raises(AlreadyStored):
        await store.begin_call("g1", CALL)
    done = replace(CALL, state=DONE, result={"text": "12"}, ms=3)
    await store.for_owner("other").end_call("g1", done)
    assert await store.calls(["g1", "g2"]) == {"g1": [CALL]}
    await store.end_call("g1", done)
    assert await store.calls(["g1"]) == {"g1": [done]}
    message = replace(new_answer().message, state="done", parts=[done.to_part()])
    await store.append([Progress("g1", 2, [frame(2, "end")], message)])
    assert await store.calls(["g1"]) == {}
    assert (await store.message("a1")).parts == [done.to_part()]
    with pytest.raises(NotFound):
        await store.begin_call("g1", replace(CALL, id="j"))
    await store.end_call("g1", done)  # its row is gone


@pytest.mark.gen_test
async def test_an_instance_that_does_not_write_the_answer_begins_no_call(store):
    await store.begin(new_answer())
    with pytest.raises(NotFound):
        await crashed(store).begin_call("g1", CALL)
    with pytest.raises(NotFound):
        await store.for_owner("other").begin_call("g1", CALL)
    with pytest.raises(NotFound):
        await store.begin_call("g2", CALL)
    assert await store.calls(["g1"]) == {}


@pytest.mark.gen_test
async def test_calls_go_with_their_conversation(store):
    await store.begin(new_answer())
    await store.begin_call("g1", CALL)
    await store.delete("c")
    assert await store.calls(["g1"]) == {}


@pytest.mark.gen_test
async def test_calls_are_decided_once_and_with_the_answer_that_carries_it_out(store):
    await store.begin(new_answer())
    parts = [{"type": "text", "text": "a"}, replace(CALL, state="waiting").to_part()]
    message = replace(new_answer().message, state="done", parts=parts)
    await store.append([Progress("g1", 2, [frame(2, "end")], message)])
    home = await store.conversation("c")

    def deciding(number: int, **decisions: str) -> NewAnswer:
        new = new_answer(number, conversation=home, parent="a1")
        return replace(new, decided=Decided("a1", {CALL.id: "run"} | decisions))

    for wrong in (deciding(2, other="run"), replace(deciding(2), decided=Decided("x", {"i": "a"}))):
        with pytest.raises(Conflict, match="decided"):
            await store.begin(wrong)
    assert await store.message("a2") is None
    with pytest.raises((Conflict, NotFound)):
        await store.for_owner("other").begin(deciding(2))
    assert await store.undecided(["a1", "u1", "x"]) == {"a1"}
    assert await store.for_owner("other").undecided(["a1"]) == frozenset()
    await store.begin(deciding(2))
    assert await store.undecided(["a1", "a2"]) == frozenset()
    (_, part) = (await store.message("a1")).parts
    assert part["decision"] == "run"
    with pytest.raises(Conflict) as caught:
        await store.begin(deciding(3))
    assert caught.value.code == "already_decided"


@pytest.mark.gen_test
async def test_what_runs_unasked_is_decided_with_an_answer_and_only_taken_back(store):
    def waiting(name: str, definition: str | None) -> dict[str, Any]:
        call = replace(CALL, id=name, name=name, state="waiting", definition=definition)
        return call.to_part()

    async def decide(number: int, decision: str, *parts: dict[str, Any]) -> list[dict[str, str]]:
        """The next answer waits, and the one after it decides. Returns what runs unasked then."""
        home = await store.conversation("c")
        before = f"a{number - 1}" if home else None
        new = new_answer(number, conversation=home, parent=before)
        await store.begin(new)
        message = replace(new.message, state="done", parts=list(parts))
        await store.append([Progress(f"g{number}", 2, [frame(2, "end")], message)])
        home, decisions = await store.conversation("c"), {one["id"]: decision for one in parts}
        new = new_answer(number + 1, conversation=home, parent=f"a{number}")
        await store.begin(replace(new, decided=Decided(f"a{number}", decisions)))
        message = replace(new.message, state="done")
        await store.append([Progress(f"g{number + 1}", 2, [frame(2, "end")], message)])
        return (await store.conversation("c")).always

    a, b = ({"server": CALL.server, "name": n, "definition": f"{n}1"} for n in "ab")
    assert await decide(1, "run", waiting("a", "a1")) == []
    both = [waiting("a", "a1"), waiting("b", "b1")]
    assert await decide(3, "always", *both) == [a, b]
    assert await decide(5, "always", waiting("unknown", None)) == [a, b]
    changed = a | {"definition": "a2"}
    assert await decide(7, "always", waiting("a", "a2")) == [b, changed]
    with pytest.raises(NotFound):
        await store.for_owner("other").update("c", {"always": []})
    await store.update("c", {"always": [b | {"definition": "mine"}, b | {"name": "more"}]})
    assert (await store.conversation("c")).always == [b]
    await store.update("c", {"always": []})
    assert (await store.conversation("c")).always == []


@pytest.mark.gen_test
async def test_several_logs_grow_in_one_batch(store):
    await store.begin(new_answer(1))
    await store.begin(new_answer(2, conversation=await store.conversation("c"), parent="a1"))
    done = replace(new_answer(2).message, content="text", state="done", usage={"n": 1})
    ends = [frame(2), frame(3, "end")]
    await store.append([Progress("g1", 2, [frame(2)]), Progress("g2", 2, ends, done)])
    await store.append([Progress("g1", 3, [frame(3), frame(4)])])
    assert (await store.generation("g1")).frames[1:] == [frame(2), frame(3), frame(4)]
    second = await store.generation("g2")
    assert second.frames == [new_answer().frame, *ends]
    assert second.message == await store.message("a2") == done


@pytest.mark.gen_test
async def test_frames_that_are_stored_already_are_skipped(store):
    await store.begin(new_answer())
    frames = [frame(n) for n in range(1, 8)]
    await store.append([Progress("g1", 2, frames[1:4])])
    await store.append([Progress("g1", 2, frames[1:4])])
    await store.append([Progress("g1", 1, frames[:2])])
    await store.append([Progress("g1", 3, frames[2:6])])
    assert (await store.generation("g1")).frames[1:] == frames[1:6]
    with pytest.raises(ValueError):
        await store.append([Progress("g1", 8, [frame(8)])])
    assert len((await store.generation("g1")).frames) == 6


@pytest.mark.gen_test
async def test_a_log_that_has_ended_does_not_change(store):
    await store.begin(new_answer())
    done = await end(store, new_answer(), "words")
    await end(store, new_answer(), "words")
    running = replace(done, state="running", content="")
    await store.append([Progress("g1", 2, [frame(2)], running)])
    await store.append([Progress("g1", 4, [frame(4)])])
    stored = await store.generation("g1")
    assert stored.frames == [new_answer().frame, frame(2), frame(3, "end")]
    assert stored.message == done == await store.message("a1")
    assert await listed(store, query="words") == ["c"]


@pytest.mark.gen_test
async def test_append_tells_a_deleted_log_from_an_ended_one(store):
    await store.begin(new_answer(1, home="c1"))
    await store.begin(new_answer(2, home="c2"))
    await store.begin(new_answer(3, home="c3"))
    await end(store, new_answer(2, home="c2"))
    await store.delete("c3")
    batch = [Progress(f"g{number}", 2, [frame(2)]) for number in (1, 2, 3)]
    assert (await store.append(batch)).gone == {"g3"}
    assert (await store.generation("g1")).frames[1:] == [frame(2)]


@pytest.mark.gen_test
async def test_the_answers_of_a_dead_instance_are_taken_over_once(store, neighbour, io_loop):
    assert await store.orphans() == []
    await neighbour.begin(new_answer(1, home="c1"))
    await neighbour.begin(new_answer(2, home="c2"))
    await neighbour.for_owner("anna").begin(new_answer(3, home="c3"))
    await store.begin(new_answer(4, home="c4"))
    await end(neighbour, new_answer(2, home="c2"))
    await neighbour.append([Progress("g3", 2, [frame(2)], owner="anna")])
    assert store.is_alive(neighbour.instance) and not store.alone
    assert await store.orphans() == []
    await neighbour.close()
    assert (await store.generation("g1")).instance == neighbour.instance
    first, last = await store.orphans()
    assert not store.is_alive(neighbour.instance)
    assert (first.id, first.frames, first.message.state) == ("g1", [new_answer().frame], "running")
    assert (last.id, last.frames, last.owner) == ("g3", [new_answer().frame, frame(2)], "anna")
    assert {first.instance, last.instance} == {store.instance}
    assert (await store.generation("g1")).instance == store.instance
    assert await store.orphans() == []


@pytest.mark.gen_test
async def test_how_much_the_model_got_before_an_answer(store):
    anna = store.for_owner("anna")
    home = Conversation("c", "title", "Be brief. ", None, 1, 1)
    first = replace(new_answer(1), conversation=home)
    await anna.begin(first)
    await end(anna, first, "größer \U0001f600", owner="anna")
    await anna.begin(new_answer(2, conversation=home, parent="a1", text="x" * 100))
    await anna.begin(new_answer(3, conversation=home, parent="u2", text="and"))
    await store.begin(new_answer(4, home="d", text="four"))
    running = [
        await anna.generation("g2"),
        await anna.generation("g3"),
        await store.generation("g4"),
    ]
    until_a1 = len("Be brief. ") + len("hi") + len("größer \U0001f600")
    assert await store.prompt_lengths(running) == [until_a1 + 100, until_a1 + 103, 4]
    lost = replace(running[0], message=replace(running[0].message, parent_id=None))
    foreign = replace(running[0], owner="local")
    assert await store.prompt_lengths([lost, foreign]) == [len("Be brief. "), 0]
    assert await store.prompt_lengths([]) == []


@pytest.mark.gen_test
async def test_of_two_instances_one_begins_an_answer(store, neighbour):
    for number in range(100):
        one = new_answer(number, home=f"c{number}")
        begun = await asyncio.gather(store.begin(one), neighbour.begin(one), return_exceptions=True)
        assert {type(one) for one in begun} == {AlreadyStored, type(None)}
        first = store if begun[0] is None else neighbour
        assert (await store.generation(f"g{number}")).instance == first.instance


@pytest.mark.gen_test
async def test_of_two_instances_one_begins_in_a_conversation(store, neighbour):
    await store.begin(new_answer(1))
    await end(store, new_answer(1))
    parent = "a1"
    for number in range(2, 102):
        home = await store.conversation("c")
        pair = [new_answer(n, conversation=home, parent=parent) for n in (number, number + 1000)]
        pair = [replace(one, ended=()) for one in pair]
        calls = store.begin(pair[0]), neighbour.begin(pair[1])
        begun = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(one) for one in begun} == {Busy, type(None)}
        won, lost = (0, 1) if begun[0] is None else (1, 0)
        id = pair[won].generation_id
        assert begun[lost].details == {"generation_id": id, "generation_ids": [id]}
        first = (store, neighbour)[won]
        assert await store.running("c") == await neighbour.running("c") == {id: first.instance}
        assert await store.for_owner("anna").running("c") == {}
        await first.begin(replace(pair[lost], ended=(id,)))
        for one in pair:
            await end(first, one)
        parent = pair[won].message.id
    assert await store.running("c") == {}


def beside(number: int, most: int = 3, parent: str = "u1", **more):
    """A further answer to a message of the conversation."""
    message = replace(new_answer(number).message, parent_id=parent)
    new = replace(new_answer(number), conversation=None, messages=(), message=message)
    return replace(new, beside=most, **{"ended": (), **more})


@pytest.mark.gen_test
async def test_answers_to_one_message_run_beside_each_other(store, neighbour):
    await store.begin(new_answer(1))
    await neighbour.begin(beside(2))
    await store.begin(beside(3))
    assert list(await store.running("c")) == ["g1", "g2", "g3"]
    assert (await store.conversation("c")).current_id == "a1"
    (match,) = (await neighbour.conversations()).matches
    assert match.generation_ids == ("g1", "g2", "g3")
    home = await store.conversation("c")
    ordinary = replace(new_answer(5, conversation=home, parent="a1"), ended=())
    for one in (ordinary, beside(6, parent="a1", most=9)):
        with pytest.raises(Busy) as caught:
            await neighbour.begin(one)
        assert caught.value.details["generation_ids"] == ["g1", "g2", "g3"]
    with pytest.raises(BusyBeside) as full:
        await store.begin(beside(4))
    assert (full.value.code, full.value.status) == ("too_many_answers", 429)
    for number in (1, 2):  # a known id is known, whatever runs
        with pytest.raises(AlreadyStored):
            await store.begin(beside(number))
    await end(store, new_answer(1))
    with pytest.raises(Busy):  # those beside it still run
        await neighbour.begin(ordinary)
    await store.begin(beside(4))
    for writer, number in ((neighbour, 2), (store, 3), (store, 4)):
        await end(writer, beside(number), f"text{number}")
    await store.begin(ordinary)
    assert (await store.conversation("c")).current_id == "a5"
    assert [m.content for m in (await store.messages("c"))[2:4]] == ["text2", "text3"]


@pytest.mark.gen_test
async def test_two_instances_never_run_more_beside_each_other_than_the_limit(store, neighbour):
    await store.begin(new_answer(1))
    for round in range(30):
        new = [beside(10 * round + n) for n in range(10, 14)]
        calls = [(store, neighbour)[n % 2].begin(one) for n, one in enumerate(new)]
        begun = await asyncio.gather(*calls, return_exceptions=True)
        assert sorted(type(one).__name__ for one in begun) == ["BusyBeside"] * 2 + ["NoneType"] * 2
        for n, one in enumerate(new):
            if begun[n] is None:
                await end((store, neighbour)[n % 2], one)
    assert list(await store.running("c")) == ["g1"]


@pytest.mark.gen_test
async def test_of_an_ordinary_answer_and_one_beside_others_one_begins(store, neighbour):
    await store.begin(new_answer(1))
    await end(store, new_answer(1))
    for number in range(2, 62, 2):
        ordinary = beside(number, most=0)
        other = beside(number + 1, parent="a1")
        calls = store.begin(ordinary), neighbour.begin(other)
        begun = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(one) for one in begun} == {Busy, type(None)}
        await (end(store, ordinary) if begun[0] is None else end(neighbour, other))


@pytest.mark.gen_test
async def test_an_answer_whose_end_was_refused_leaves_its_slot(store):
    await store.begin(new_answer(1))
    await store.begin(beside(2))
    with pytest.raises(BusyBeside):
        await store.begin(beside(3, most=2))
    await store.begin(beside(3, most=2, ended=("g1",)))
    late = new_answer(4, conversation=await store.conversation("c"), parent="a1")
    with pytest.raises(Busy):
        await store.begin(replace(late, ended=()))
    await store.begin(replace(late, ended=("g2", "g3")))
    for number in (1, 2, 3, 4):
        await end(store, beside(number))
    assert await store.running("c") == {}


@pytest.mark.gen_test
async def test_rows_of_two_instances_are_in_the_order_of_their_writes(store, neighbour):
    for number in range(0, 20, 2):
        await converse(store, number, "q", "a", home=f"c{number}")
        await converse(neighbour, number + 1, "q", "a", home=f"c{number + 1}")
        await neighbour.delete(f"c{number}")
    newest_first = [f"c{number}" for number in range(19, 0, -2)]
    assert await listed(store) == await listed(neighbour) == newest_first


@pytest.mark.gen_test
async def test_an_instance_is_told_which_of_its_answers_to_stop(store, neighbour):
    for number in (1, 2, 3):
        await store.begin(new_answer(number, home=f"c{number}"))
    assert (await store.append([])).asked_to_stop == frozenset()
    await neighbour.ask_stop("g1")
    await neighbour.ask_stop("g2")
    await neighbour.for_owner("anna").ask_stop("g3")
    await neighbour.ask_stop("nobody's")
    assert (await neighbour.append([])).asked_to_stop == frozenset()
    assert (await store.append([])).asked_to_stop == {"g1", "g2"}
    await end(store, new_answer(1, home="c1"))
    assert (await store.append([])).asked_to_stop == {"g2"}


@pytest.mark.gen_test
async def test_a_conversation_in_which_another_instance_writes_is_not_deleted(store, neighbour):
    await neighbour.begin(new_answer(1, home="c1"))
    with pytest.raises(Busy) as caught:
        await store.delete("c1")
    assert caught.value.generation_ids == ["g1"]
    await neighbour.append([Progress("g1", 2, [frame(2)])])
    assert len((await store.generation("g1")).frames) == 2
    await neighbour.close()
    await store.delete("c1")
    assert await store.generation("g1") is None


@pytest.mark.gen_test
async def test_an_id_is_used_once(store):
    await store.begin(new_answer())
    await store.create(Conversation("empty", "t", None, None, 1, 1))
    with pytest.raises(StoreError):
        await store.create(Conversation("empty", "t", None, None, 1, 1))
    with pytest.raises(StoreError):
        await store.begin(new_answer())
    again = new_answer(2, conversation=await store.conversation("c"), parent="a1")
    with pytest.raises(StoreError):
        await store.begin(replace(again, generation_id="g1"))
    assert [m.id for m in await store.messages("c")] == ["u1", "a1"]
    await store.begin(again)


@pytest.mark.gen_test
async def test_a_thread_is_one_branch(store):
    await store.begin(new_answer(1))
    conversation = await store.conversation("c")
    await store.begin(new_answer(2, conversation=conversation, parent="a1"))
    await store.begin(new_answer(3, conversation=conversation, parent="a1"))
    assert [m.id for m in await store.thread("a3")] == ["u1", "a1", "u3", "a3"]
    assert [m.id for m in await store.thread("u2")] == ["u1", "a1", "u2"]
    assert [m.id for m in await store.messages("c")] == ["u1", "a1", "u2", "a2", "u3", "a3"]
    assert (await store.conversation("c")).current_id == "a3"


@pytest.mark.gen_test
async def test_a_conversation_is_read_in_parts(store):
    await store.begin(new_answer(1, text="a" * READ_BYTES))
    for number in range(2, 300):
        conversation, places, size = await store.outline("c")
        assert size >= 2
        assert conversation == await store.conversation("c")
        await store.begin(new_answer(number, conversation=conversation, parent=f"a{number // 2}"))
    for current, expected in (
        (False, await store.messages("c")),
        (True, await store.thread("a299")),
    ):
        conversation, places, _ = await store.outline("c", current=current)
        found = []
        while places:
            part = await store.messages_at(places)
            assert 0 < len(part) <= READ_MESSAGES
            found += part
            places = places[len(part) :]
        assert found == expected
    view = store.for_owner("anna")
    assert await view.outline("c") is None
    places = (await store.outline("c"))[1]
    assert await view.messages_at(places) == []
    await store.delete("c")
    assert await store.messages_at(places) == []
    assert await store.outline("c") is None


@pytest.mark.gen_test
async def test_a_second_answer_to_the_same_question(store):
    await store.begin(new_answer(1))
    again = replace(new_answer(2), conversation=None, messages=())
    again = replace(again, message=replace(again.message, parent_id="u1"))
    await store.begin(again)
    assert [m.id for m in await store.thread("a2")] == ["u1", "a2"]


@pytest.mark.gen_test
async def test_ids_that_do_not_exist(store):
    assert await store.conversation("x") is None
    assert await store.message("x") is None
    assert await store.messages("x") == []
    assert await store.thread("x") == []
    assert await store.generation("x") is None
    await store.delete("x")
    assert (await store.append([Progress("x", 2, [frame(2)])])).gone == {"x"}
    with pytest.raises(NotFound):
        await store.update("x", {"title": "t"})
    with pytest.raises(NotFound):
        await store.begin(new_answer(conversation=Conversation("x", "t", None, None, 1, 1)))
    assert await store.message("u1") is None
    assert await store.generation("g1") is None


@pytest.mark.gen_test
async def test_a_caller_can_change_the_lists_it_gets(store, neighbour):
    await store.begin(new_answer())
    (await store.generation("g1")).frames.clear()
    await neighbour.begin(new_answer(2, home="d"))
    await neighbour.close()
    (await store.orphans())[0].frames.clear()
    assert len((await store.generation("g2")).frames) == 1
    assert len((await store.generation("g1")).frames) == 1


@pytest.mark.gen_test
async def test_an_empty_conversation(store):
    empty = Conversation("e", "empty", "be kind", None, 5, 6)
    await store.create(empty)
    assert await store.conversation("e") == empty
    assert await store.messages("e") == []
    await store.begin(new_answer(conversation=empty))
    assert (await store.conversation("e")).current_id == "a1"


@pytest.mark.gen_test
async def test_the_list_is_in_the_order_of_writes_not_of_the_clock(store):
    for number in (1, 2, 3):
        one = new_answer(number, home=f"c{number}")
        await store.begin(replace(one, message=replace(one.message, created_at=-number)))
    await store.create(Conversation("e", "t", None, None, 0, 0))
    assert await listed(store) == ["e", "c3", "c2", "c1"]
    await store.begin(new_answer(4, conversation=await store.conversation("c2"), parent="a2"))
    assert await listed(store) == ["c2", "e", "c3", "c1"]
    renamed = replace(await store.conversation("c1"), title="new", system="s")
    await store.update("c1", {"title": "new", "system": "s"})
    assert await store.conversation("c1") == renamed
    await store.update("c1", {"current_id": "u1", "created_at": 5})
    renamed = replace(renamed, current_id="u1")
    assert await store.conversation("c1") == renamed
    await end(store, new_answer(3, home="c3"))
    assert await listed(store) == ["c2", "e", "c3", "c1"]
    matches = (await store.conversations()).matches
    assert [match.generation_ids for match in matches] == [("g2", "g4"), (), (), ("g1",)]
    assert (matches[0].message_id, matches[0].snippet) == (None, None)
    assert matches[3].conversation == renamed


@pytest.mark.gen_test
async def test_the_pages_of_a_list(store):
    for number in range(1, 8):
        await store.create(Conversation(f"c{number}", "same words", None, None, 1, 1))
    for query in ("", "words"):
        first = await store.conversations(query=query, limit=3)
        second = await store.conversations(query=query, limit=3, before=first.next)
        await store.create(Conversation(f"new{query}", "words", None, None, 1, 1))
        third = await store.conversations(query=query, limit=3, before=second.next)
        ids = [m.conversation.id for page in (first, second, third) for m in page.matches]
        assert third.next is None
        assert ids == [f"c{number}" for number in range(7, 0, -1)]
        await store.delete(f"new{query}")
    assert (await store.conversations(limit=7)).next is None
    for wrong in ("", "x", "--1", "1.5", "٣", "9" * 40):
        for query in ("", "words"):
            with pytest.raises(InvalidRequest):
                await store.conversations(query=query, before=wrong)


@pytest.mark.gen_test
async def test_a_search_finds_texts_of_all_kinds(store):
    await converse(store, 1, "Where is Zürich?", "In SWITZERLAND.", home="c1", title="A journey")
    await converse(store, 2, "我住在北京市中心", "Привет, мир", home="c2", title="旅行")
    await converse(store, 3, '100% "sure"_ \\ AND NOT (x*)', "a\0nul byte", home="c3")
    for query, wanted in [
        ("switzerland", ["c1"]),
        ("ZÜRICH", ["c1"]),
        ("where IS", ["c1"]),
        ("journey", ["c1"]),
        ("北京", ["c2"]),
        ("北京市", ["c2"]),
        ("ПРИВЕТ", ["c2"]),
        ("МИ", ["c2"]),
        ("旅行", ["c2"]),
        ('"sure"', ["c3"]),
        ("% ", ["c3"]),
        ("_ \\", ["c3"]),
        ("NOT (x*)", ["c3"]),
        ("100%", ["c3"]),
        ("nul", ["c3"]),
        ("zurich", ["c1"]),
        ("zu\u0308r", ["c1"]),
        ("Ü", ["c3", "c1"]),
        ("u\u0308R", ["c3", "c1"]),
        ("ch?", ["c1"]),
        ("?", ["c1"]),
        ("\u0301", []),
        ("心", ["c2"]),
        ("中心", ["c2"]),
        ("a\0nul", ["c3"]),
        ("in", ["c1"]),
        ("%%", []),
        ("__", []),
        ("absent", []),
        ("sure OR Zürich", []),
        ('"', ["c3"]),
        ("  switz ", ["c1"]),
        ("  ", ["c3", "c2", "c1"]),
    ]:
        assert await listed(store, query=query) == wanted, query


@pytest.mark.gen_test
async def test_a_search_names_the_newest_message_of_each_conversation(store):
    await converse(store, 1, "a word", "another word", home="c1", title="word")
    await converse(store, 2, "a word", "nothing", home="c2", title="word")
    await store.create(Conversation("c3", "only a word", None, None, 1, 1))
    again = new_answer(4, conversation=await store.conversation("c1"), parent="a1", text="the word")
    await store.begin(again)
    for query in ("word", "wo"):
        page = await store.conversations(query=query)
        found = [(m.conversation.id, m.message_id, m.generation_ids) for m in page.matches]
        assert found == [("c1", "u4", ("g4",)), ("c3", None, ()), ("c2", "u2", ())]
        one_by_one, cursor = [], None
        for _ in range(3):
            page = await store.conversations(query=query, limit=1, before=cursor)
            one_by_one += [m.conversation.id for m in page.matches]
            cursor = page.next
        assert (one_by_one, cursor) == (["c1", "c3", "c2"], None)


@pytest.mark.gen_test
async def test_a_renamed_conversation_is_found_by_its_new_title_only(store):
    await store.create(conversation := Conversation("c", "walrus", None, None, 1, 1))
    await store.update(conversation.id, {"title": "penguin"})
    assert await listed(store, query="walrus") == []
    assert await listed(store, query="penguin") == ["c"]


@pytest.mark.gen_test
async def test_a_search_finds_an_answer_once_it_has_ended(store):
    await store.begin(new_answer())
    await store.append([Progress("g1", 2, [frame(2, data='{"content":"heron"}')])])
    assert await listed(store, query="heron") == []
    await end(store, new_answer(), "a heron", first=3)
    assert await listed(store, query="heron") == ["c"]


@pytest.mark.gen_test
async def test_snippets(store):
    await converse(store, 1, "x " * 500 + "the\n\nNeedle\ue000 here" + " y" * 500, "", home="c1")
    await converse(store, 2, "needle" * 100, "", home="c2")
    await converse(store, 3, "\ue001needle", "", home="c3")
    long, repeated, short = (
        match.snippet for match in reversed((await store.conversations(query="nEEDLE")).matches)
    )
    assert short == "\ue000needle\ue001"
    assert repeated.startswith("\ue000needle\ue001needle") and repeated.endswith("…")
    assert "x the \ue000Needle\ue001 here y" in long
    assert long.startswith("…") and long.endswith("…") and len(long) <= 164


@pytest.mark.gen_test
async def test_a_deleted_conversation_is_gone(store):
    await converse(store, 1, "walrus", "walrus too", home="c1", title="walrus")
    await store.begin(new_answer(2, home="c2", text="walrus"))
    await store.delete("c1")
    assert await store.conversation("c1") is None
    assert await store.messages("c1") == await store.thread("a1") == []
    assert await store.generation("g1") is None
    assert await listed(store) == await listed(store, query="walrus") == ["c2"]
    await store.delete("c2")
    assert await store.running("c2") == {}
    await end(store, new_answer(2, home="c2"), "walrus")
    assert await store.message("a2") is None
    assert await listed(store, query="walrus") == []
    await converse(store, 1, "hi", "hello", home="c1")  # the ids can be used again
    assert await listed(store) == ["c1"]


@pytest.mark.gen_test
async def test_many_calls_at_the_same_time(store):
    await asyncio.gather(*(converse(store, n, "hi", f"no {n}", home=f"c{n}") for n in range(50)))
    await asyncio.gather(*(store.delete(f"c{n}") for n in range(0, 50, 10)))
    assert len(await listed(store)) == 45


@pytest.mark.gen_test
async def test_a_check_changes_nothing(store):
    await store.check()
    await store.begin(new_answer())
    await asyncio.gather(*(store.check() for _ in range(5)))
    assert await listed(store) == ["c"]


@pytest.mark.gen_test
async def test_a_closed_store_raises_an_error(store):
    await store.begin(new_answer())
    await store.close()
    await store.close()
    for call in (
        store.conversation("c"),
        store.append([]),
        store.begin(new_answer(2)),
        store.delete("c"),
        store.conversations(),
        store.orphans(),
        store.check(),
    ):
        with pytest.raises(StoreError, match="closed"):
            await call


@pytest.mark.gen_test
async def test_no_method_shows_what_belongs_to_another_owner(store):
    await converse(store, 1, "hi", "hello")
    other = store.for_owner("other")
    assert await other.conversation("c") is await other.message("a1") is None
    assert await other.generation("g1") is None
    assert await other.messages("c") == await other.thread("a1") == []
    for query in ("", "hello", "he", "title"):
        assert await listed(other, query=query) == []
    with pytest.raises(NotFound):
        await other.update("c", {"title": "mine"})
    with pytest.raises(NotFound):
        await other.begin(new_answer(2, conversation=await store.conversation("c"), parent="a1"))
    await other.delete("c")
    assert (await store.conversation("c")).title == "title"
    assert len(await store.messages("c")) == 2
    with pytest.raises(AlreadyStored):  # an id is unique over all owners
        await other.begin(new_answer(home="d"))


@pytest.mark.gen_test
async def test_each_owner_has_conversations_of_their_own(store):
    other = store.for_owner("other")
    await converse(store, 1, "hi", "hello one", home="c1")
    await converse(other, 2, "hi", "hello two", home="c2", owner="other")
    await other.create(Conversation("c3", "empty", None, None, 1, 1))
    assert await listed(store) == ["c1"]
    assert await listed(other) == ["c3", "c2"]
    assert await listed(store, query="hello") == ["c1"]
    assert await listed(other, query="hello") == ["c2"]
    await store.begin(new_answer(4, home="c4"))
    await other.begin(new_answer(5, home="c5"))
    await store.append(
        [Progress("g4", 2, [frame(2)]), Progress("g5", 2, [frame(2)], owner="other")]
    )
    assert len((await store.generation("g4")).frames) == 2
    assert len((await other.generation("g5")).frames) == 2


@pytest.mark.gen_test
async def test_times_of_last_uses_are_saved_replaced_and_deleted(store):
    assert await store.last_uses() == {}
    await store.save_last_uses({"a": 5, "b": 6})
    await store.save_last_uses({"a": 7, "b": None, "nobody's": None})
    assert await store.last_uses() == {"a": 7}


@pytest.mark.gen_test
async def test_all_ids_are_listed_and_many_conversations_deleted(store):
    for number in (1, 2, 3):
        await converse(store, number, "q", "a", home=f"c{number}")
    await converse(store.for_owner("anna"), 4, "q", "a", home="c4", owner="anna")
    await store.begin(new_answer(5, conversation=await store.conversation("c1"), parent="a1"))
    assert await store.conversation_ids() == ["c1", "c2", "c3"]
    await store.delete("c1", "c4", "c3", "nobody's")
    assert await store.conversation_ids() == ["c2"]
    assert await store.for_owner("anna").conversation_ids() == ["c4"]


@pytest.mark.gen_test
async def test_sessions_are_saved_replaced_and_deleted(store):
    assert await store.sessions() == []
    first, second = (
        Session("1", "anna", b"proof", 5, 4, "::1", "Firefox"),
        Session("2", "local", b"\0", 6),
    )
    await store.save_session(first)
    await store.save_session(second)
    await store.save_session(replace(first, expires_at=9))
    found = sorted(await store.sessions(), key=lambda session: session.id)
    assert found == [replace(first, expires_at=9), second]
    await store.delete_sessions(["1", "nobody's"])
    assert await store.sessions() == [second]


@pytest.mark.parametrize(
    ("text", "query", "found"),
    [
        ("In der Straße", "STRASSE", "Straße"),
        ("a straße", "sst", None),
        ("a résumé", "resume", "résumé"),
        ("a re\u0301sume\u0301 of", "Résumé", "re\u0301sume\u0301"),
        ("a résumé", "re\u0301sume\u0301", "résumé"),
        ("ıspanak İzmir", "ISPANAK iz", "ıspanak İz"),
        ("Мой дом", "мои", None),
        ("Ёлка, Мои\u0306", "елка, мой", "Ёлка, Мои\u0306"),
        ("مُحَمَّد هنا", "محمد", "مُحَمَّد"),
        ("أحمد", "احمد", None),
        ("각각", "가", None),
        ("\u1100\u1161\u11a8 하나", "각", "\u1100\u1161\u11a8"),
        ("かき", "が", None),
        ("の ｶﾞｽ", "ガス", "ｶﾞｽ"),
        ("ＡＢＣ ﬁn", "abc fin", "ＡＢＣ ﬁn"),
        ("हिन्दी", "हन्दी", None),
        ("soft\u00adware", "SOFTWARE", "soft\u00adware"),
        ("Søren, Łódź, Đà Nẵng", "soren, lodz, da nang", "Søren, Łódź, Đà Nẵng"),
        ("in İstanbul", "istanbul", "İstanbul"),
        ("ΟΔΟΣ", "οδος", "ΟΔΟΣ"),
        ("Łódź", "łÓDŹ", "Łódź"),
        ("300 K", "k", "K"),
        ("a.*b", ".*", ".*"),
    ],
)
def test_letter_case_and_accents_do_not_matter_and_all_else_does(text, query, found):
    place = Matcher(query).find(text)
    assert (text[slice(*place)] if place else None) == found


def test_a_long_query_takes_no_longer_than_a_short_one():
    query = "a" * 5000 + "b"
    text = ("a" * 5000 + "c") * 180 + query
    began = time.thread_time()
    assert Matcher(query).find(text) == (len(text) - len(query), len(text))
    assert time.thread_time() - began < 2  # a regular expression takes 20 times as long


@pytest.mark.gen_test
async def test_a_long_query_is_found_whole_and_at_once(store):
    """FTS5 alone takes minutes and gigabytes for the first query."""
    repeated, other = "x" * 200_000, "what begins like it: " + "y" * 30
    await converse(store, 1, repeated, other, home="c1")
    await converse(store, 2, "what begins like it is not it", "x" * 10_000 + "z", home="c2")
    began = time.process_time()
    for query, found in [
        ("x" * 10_000, ["c2", "c1"]),
        ("X" * 10_001, ["c1"]),
        ("x" * 9_000 + "Z", ["c2"]),
        ("begins like it: yyyyyyyyyyyyyyyy", ["c1"]),
        ("begins like it is", ["c2"]),
        ("begins like it was", []),
    ]:
        assert await listed(store, query=query) == found, query[:20]
    assert time.process_time() - began < 30


@pytest.mark.gen_test
async def test_what_a_conversation_began_with_comes_back(store):
    options = {"b": [1, None], "a": {"x": 0.5}}
    one = Conversation("c1", "t", "s", None, 1, 1, "m", options, "a name")
    two = Conversation("c2", "t", None, None, 1, 1, options={})
    for conversation in (one, two):
        await store.create(conversation)
        assert await store.conversation(conversation.id) == conversation
    assert [match.conversation for match in (await store.conversations()).matches] == [two, one]


@pytest.mark.gen_test
async def test_presets_of_an_owner(store):
    other = store.for_owner("other")
    a = Preset("1", "Straße", "preset", "", "s", "m", {"x": [1, {"y": None}]})
    b = Preset("2", "b", "prompt", "text")
    for preset in (a, b):
        await store.add_preset(preset)
    assert await store.presets() == [a, b] and await other.presets() == []
    await other.add_preset(replace(a, id="3"))
    newer = replace(a, name="STRASSE", system=None, version=2)
    await store.change_preset(newer)
    assert await store.presets() == [newer, b]
    for code, work in [
        ("changed_meanwhile", store.change_preset(newer)),
        ("changed_meanwhile", store.change_preset(replace(newer, version=4))),
        ("name_in_use", store.change_preset(replace(b, name="strasse", version=2))),
        ("name_in_use", store.add_preset(replace(a, id="4", name="B"))),
    ]:
        with pytest.raises(Conflict) as caught:
            await work
        assert caught.value.code == code
    for view, id in [(other, "2"), (store, "3"), (store, "none")]:
        with pytest.raises(NotFound):
            await view.delete_preset(id)
        with pytest.raises(NotFound):
            await view.change_preset(replace(b, id=id, name="new", version=2))
    await store.delete_preset("2")
    for number in range(MAX_PRESETS - 1):
        await store.add_preset(Preset(f"n{number}", f"n{number}"))
    with pytest.raises(Conflict, match="most"):
        await store.add_preset(Preset("more", "more"))
    await store.delete_presets()
    assert await store.presets() == [] and len(await other.presets()) == 1


@pytest.mark.gen_test
async def test_defaults_of_an_owner(store):
    other = store.for_owner("other")
    one = Defaults("Be brief.", {"x": [1, {"y": None}]}, 1)
    assert await store.defaults() == Defaults()
    await store.save_defaults(one)
    assert await store.defaults() == one and await other.defaults() == Defaults()
    for version in (1, 3):
        with pytest.raises(Conflict) as caught:
            await store.save_defaults(replace(one, version=version))
        assert (caught.value.code, caught.value.details["version"]) == ("changed_meanwhile", 1)
    await store.save_defaults(Defaults("", {}, 2))
    await other.delete_defaults()
    assert await store.defaults() == Defaults("", {}, 2)
    await store.delete_defaults()
    assert await store.defaults() == Defaults()


@pytest.mark.gen_test
async def test_options_of_a_conversation_change(store):
    await store.create(Conversation("c", "t", "s", None, 1, 1, options={"x": 1}))
    for options in ({"y": [None]}, None, {}):
        await store.update("c", {"options": options})
        changed = await store.conversation("c")
        assert changed.options == options and changed.system == "s"


@pytest.mark.gen_test
async def test_a_question_waits_until_its_answer_begins(store):
    question = WaitingQuestion("c", "g2", 0, "second", "m", {"x": [1, None]})
    with pytest.raises(NotFound):
        await store.put_waiting(question)
    await store.begin(new_answer())
    conversation = await store.conversation("c")
    first = await store.put_waiting(question)
    assert first == replace(question, version=1) == await store.put_waiting(question)
    assert await store.for_owner("other").waiting("c") is None
    second = await store.put_waiting(replace(first, message="changed"))
    assert second == replace(first, version=2, message="changed") == await store.waiting("c")
    for code, work in [
        ("changed_meanwhile", store.put_waiting(first)),
        ("changed_meanwhile", store.delete_waiting("c", "g2", 1)),
        ("already_sent", store.put_waiting(replace(second, request_id="g1"))),
        ("already_sent", store.delete_waiting("c", "g1")),
        ("changed_meanwhile", store.begin(new_answer(2, parent="a1", conversation=conversation))),
    ]:
        with pytest.raises(Conflict) as caught:
            await work
        assert caught.value.code == code
    assert [m.id for m in await store.messages("c")] == ["u1", "a1"]
    assert await store.waiting("c") == second
    await store.begin(new_answer(2, parent="a1", conversation=conversation, text="changed"))
    assert await store.waiting("c") is None
    with pytest.raises(Conflict):
        await store.put_waiting(second)
    third = await store.put_waiting(WaitingQuestion("c", "g3", 0, "third", None, {}))
    await store.delete_waiting("c", "g3", third.version)
    await store.delete_waiting("c", "g3", third.version)
    assert await store.waiting("c") is None
    await store.put_waiting(WaitingQuestion("c", "g4", 0, "fourth", None, {}))
    await store.delete("c")
    assert await store.waiting("c") is None


@pytest.mark.gen_test
async def test_the_place_of_a_conversation_in_the_list(store):
    for number in range(6):
        await converse(store, number, f"word {number}", "an answer", home=f"c{number}")
    assert (await store.conversation("c1")).pinned is False
    await store.update("c1", {"pinned": True})
    await store.update("c2", {"folder": "Work", "title": "t"})
    assert await store.update_many({"folder": "Work", "pinned": True}, ids=["c3", "nobody's"]) == 1
    assert await store.update_many({"archived": True, "folder": "Old"}, ids=["c4", "c5"]) == 2
    one = await store.conversation("c3")
    assert (one.pinned, one.archived, one.folder) == (True, False, "Work")
    assert await listed(store) == ["c3", "c2", "c1", "c0"]
    assert await listed(store, which=Which(folder="Work")) == ["c3", "c2"]
    assert await listed(store, which=Which(archived=True)) == ["c5", "c4"]
    assert await listed(store, which=Which(archived=True, folder="Work")) == []
    page = await store.conversations(which=Which(loose=True))
    assert [match.conversation.id for match in page.matches] == ["c0"]
    assert [match.conversation.id for match in page.pinned] == ["c3", "c1"]
    assert page.folders == [Folder("Work", 1)]
    assert (await store.conversations()).folders is None
    for which, found in [
        (Which(archived=None), ["c5", "c4", "c3", "c2", "c1", "c0"]),
        (Which(), ["c3", "c2", "c1", "c0"]),
        (Which(archived=True), ["c5", "c4"]),
        (Which(archived=None, folder="Old"), ["c5", "c4"]),
    ]:
        assert await listed(store, query="word", which=which) == found
        assert await listed(store, which=which) == found
    first = await store.conversations(which=Which(archived=True), limit=1)
    assert await listed(store, which=Which(archived=True), before=first.next) == ["c4"]
    assert await store.update_many({"folder": "New"}, folder="Old") == 2
    assert await listed(store, which=Which(archived=True, folder="New")) == ["c5", "c4"]
    other = store.for_owner("anna")
    assert await other.update_many({"folder": None}, folder="Work") == 0
    assert await other.update_many({"pinned": False}, ids=["c1"]) == 0


@pytest.mark.gen_test
async def test_an_archived_conversation_that_goes_on_is_in_the_list_again(store):
    await converse(store, 1, "hi", "hello", home="c1")
    await store.update("c1", {"archived": True, "folder": "Work"})
    again = new_answer(2, conversation=await store.conversation("c1"), parent="a1")
    await store.begin(again)
    one = await store.conversation("c1")
    assert (one.archived, one.folder) == (False, "Work")


def adopted(
    id: str = "x", at: int = 5, folder: str | None = None
) -> tuple[Conversation, list[Message]]:
    """A conversation from elsewhere, with two branches."""
    messages = [
        Message(f"{id}-u1", id, None, "user", "far question", 1),
        Message(f"{id}-a1", id, f"{id}-u1", "assistant", "far answer", 2, state="done", model="m"),
        Message(f"{id}-a2", id, f"{id}-u1", "assistant", "second", 3, reasoning="r", state="done"),
    ]
    return Conversation(id, f"title {id}", None, f"{id}-a2", 1, at, folder=folder), messages


@pytest.mark.gen_test
async def test_a_new_store_is_in_order(store):
    await store.begin(new_answer(1, home="c1"))
    found = replace(store.health(), checked_at=0.0, unsecured=0.0, commits_on_loop=False)
    assert found == StoreHealth()


@pytest.mark.gen_test
async def test_an_adopted_conversation_is_whole_and_known_the_second_time(store):
    conversation, messages = adopted()
    told: list[bool] = []
    assert await store.adopt(conversation, messages, told.append) is True
    assert await store.adopt(replace(conversation, title="other"), messages, told.append) is False
    assert told == [True, False]
    assert await store.conversation("x") == conversation
    assert await store.messages("x") == messages
    assert [m.id for m in await store.thread("x-a1")] == ["x-u1", "x-a1"]
    assert await listed(store, query="far answer") == ["x"] == await listed(store, query="title x")
    assert (await store.outline("x"))[0] == conversation and await store.orphans() == []
    await store.delete("x")
    assert await listed(store, query="far") == [] and await store.message("x-u1") is None
    assert await store.adopt(conversation, messages) is True


@pytest.mark.gen_test
async def test_what_was_added_elsewhere_meanwhile_is_added_here(store):
    conversation, messages = adopted()
    await store.adopt(conversation, messages)
    more = [
        Message("x-u2", "x", "x-a2", "user", "third", 8),
        Message("x-a3", "x", "x-u2", "assistant", "fourth", 9, state="done"),
    ]
    grown = replace(conversation, current_id="x-a3", title="other", updated_at=9)
    assert await store.adopt(grown, [*messages, *more]) is True
    assert (await store.conversation("x")) == replace(conversation, current_id="x-a3")
    assert await store.messages("x") == [*messages, *more]
    side = Message("x-u3", "x", "x-a1", "user", "aside", 10)
    await store.update("x", {"current_id": "x-a1"})
    aside = replace(grown, current_id="x-a3")
    assert await store.adopt(aside, [*messages, *more, side]) is True
    assert (await store.conversation("x")).current_id == "x-a1", "another branch is shown"


@pytest.mark.gen_test
async def test_adopted_conversations_stand_behind_others_by_their_times(store):
    await store.begin(new_answer(1, home="c1"))
    for id, at in [("x", 50), ("y", 90), ("z", 70), ("w", 70)]:
        await store.adopt(*adopted(id, at))
    await store.begin(new_answer(2, home="c2"))
    first = await store.conversations(limit=3)
    assert [m.conversation.id for m in first.matches] == ["c2", "c1", "y"]
    second = await store.conversations(limit=2, before=first.next)
    assert {m.conversation.id for m in second.matches} == {"z", "w"}
    third = await store.conversations(before=second.next)
    assert [m.conversation.id for m in third.matches] == ["x"] and third.next is None
    await store.begin(new_answer(3, conversation=await store.conversation("x"), parent="x-a2"))
    assert (await listed(store))[0] == "x"


@pytest.mark.gen_test
async def test_adopted_ids_belong_to_one_owner(store):
    await store.for_owner("anna").adopt(*adopted())
    assert await store.conversation("x") is None
    with pytest.raises(AlreadyStored):
        await store.adopt(*adopted())
    conversation, messages = adopted("y")
    with pytest.raises(AlreadyStored):
        await store.adopt(conversation, [replace(messages[0], id="x-u1")])
    assert await store.conversation("y") is None and await store.messages("y") == []


@pytest.mark.gen_test
async def test_a_folder_too_many_is_left_out(store):
    for number in range(MAX_FOLDERS):
        conversation = Conversation(f"c{number}", "t", None, None, 1, 1, folder=f"f{number}")
        await store.create(conversation)
    await store.adopt(*adopted("x", folder="f7"))
    await store.adopt(*adopted("y", folder="new"))
    assert (await store.conversation("x")).folder == "f7"
    assert (await store.conversation("y")).folder is None


def share(number=1, leaf="a1", **fields) -> Share:
    known = {"live": False, "with_files": True, "created_at": 5, "expires_at": None}
    ids = (f"s{number}", f"digest {number}", "local", "c", leaf)
    return Share(*ids, **(known | fields))


@pytest.mark.gen_test
async def test_a_share_is_found_by_its_digest_alone(store):
    await store.begin(new_answer())
    await store.add_share(share())
    await store.add_share(share(2, leaf="u1", live=True, with_files=False, expires_at=9))
    assert [one.title for one in await store.shares()] == ["title", "title"]
    assert [replace(one, title="") for one in await store.shares()] == [
        share(),
        share(2, leaf="u1", live=True, with_files=False, expires_at=9),
    ]
    stranger = store.for_owner("stranger")
    assert await stranger.share_with("digest 1") == share()
    assert await store.share_with("digest 3") is None
    assert await stranger.shares() == []
    with pytest.raises(NotFound):
        await stranger.delete_share("s1")
    assert await stranger.standing_shares(["s1", "s2", "s3"]) == {"s1", "s2"}


@pytest.mark.gen_test
async def test_a_share_is_gone_once_it_is_deleted(store):
    await store.begin(new_answer())
    for number in (1, 2, 3):
        await store.add_share(share(number))
    await store.delete_share("s1")
    with pytest.raises(NotFound):
        await store.delete_share("s1")
    assert await store.standing_shares(["s1", "s2", "s3"]) == {"s2", "s3"}
    await store.for_owner("stranger").delete_shares()
    assert len(await store.shares()) == 2
    await store.delete_shares()
    assert await store.shares() == [] and await store.share_with("digest 2") is None


@pytest.mark.gen_test
async def test_a_conversation_takes_its_shares_with_it(store):
    await store.begin(new_answer(1, home="c"))
    await store.begin(new_answer(2, home="c2"))
    await store.add_share(share())
    await store.add_share(share(2))
    await end(store, new_answer(1, home="c"))
    await store.delete("c")
    assert await store.shares() == [] and await store.standing_shares(["s1", "s2"]) == frozenset()


@pytest.mark.gen_test
async def test_only_messages_of_the_owners_conversation_are_shared(store):
    await store.begin(new_answer(1, home="c"))
    await store.begin(new_answer(2, home="c2"))
    for wrong in (share(leaf="a2"), share(leaf="?"), replace(share(), conversation_id="?")):
        with pytest.raises(NotFound):
            await store.add_share(wrong)
    with pytest.raises(NotFound):
        await store.for_owner("stranger").add_share(replace(share(), owner="stranger"))
    assert await store.shares() == []


@pytest.mark.gen_test
async def test_an_owner_has_so_many_shares_and_no_more(store):
    await store.begin(new_answer())
    for number in range(MAX_SHARES):
        await store.add_share(share(number, expires_at=100 if number == 7 else None))
    with pytest.raises(Conflict) as refused:
        await store.add_share(share(MAX_SHARES, created_at=99))
    assert refused.value.code == "too_many_shares"
    await store.add_share(share(MAX_SHARES, created_at=100))  # the one that has expired is gone
    assert await store.share_with("digest 7") is None


@pytest.mark.gen_test
async def test_a_branch_has_no_message_of_another(store):
    await store.begin(new_answer(1))
    await end(store, new_answer(1))
    for number, parent in ((2, "a1"), (3, "a1"), (4, "a2")):
        told = await store.conversation("c")
        await store.begin(new_answer(number, conversation=told, parent=parent))
        await end(store, new_answer(number, conversation=told, parent=parent))
    found = await store.branch("a4")
    assert [m.id for m in found] == ["u1", "a1", "u2", "a2", "u4", "a4"]
    assert [m.generation_id for m in found] == [None, "g1", None, "g2", None, "g4"]
    assert not any(m.running for m in found)
    texts = await store.messages_at([found[3].place])
    assert [m.id for m in texts] == ["a2"] and found[3].files == ()
    assert await store.branch("?") == await store.for_owner("stranger").branch("a4") == []
    assert isinstance(found[0], BranchMessage)
