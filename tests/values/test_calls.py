"""Calls of tools: what models get of them, and what can be decided."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tornado_stream.values.calls import (
    MAX_ALWAYS,
    WAITING,
    Call,
    after_decision,
    called_name,
    decided,
    ended,
    from_part,
    undecided,
    wire_of_parts,
    with_allowed,
)
from tornado_stream.values.content import wire_messages
from tornado_stream.values.messages import Message

CALL = Call(0, "a", "get", "time", '{"x": "\\u00e9"}', "done", result={"text": "12", "files": []})
STEP = {"type": "step", "number": 1, "finish_reason": None, "usage": None, "cost": None}


def text(of: str) -> dict[str, Any]:
    return {"type": "text", "text": of}


def answer(id: str, parent: str, *parts: dict[str, Any], **more: Any) -> Message:
    content = "".join(part.get("text", "") for part in parts)
    return Message(id, "c", parent, "assistant", content, 1, parts=list(parts), **more)


def test_each_step_is_a_message_and_each_call_has_a_result():
    other = replace(CALL, index=1, id="b", state="refused", result=None)
    last = replace(CALL, index=2, id="c", state="failed", why="broken", result=None)
    parts = [text("I look."), STEP, CALL.to_part(), other.to_part(), text("\n\nOr"), STEP]
    steps = wire_of_parts([*parts, last.to_part(), text("\n\nSo.")], {})
    wire = [message for step, _ in steps for message in step]
    roles = [message["role"] for message in wire]
    assert roles == ["assistant", "tool", "tool", "assistant", "tool", "assistant"]
    assert [m["content"] for m in wire] == [
        *("I look.", "12", "The user refused this call. It did not run."),
        *("Or", "The call failed: broken", "So."),
    ]
    assert wire[0]["tool_calls"][0] == {
        "id": "a",
        "type": "function",
        "function": {"name": "time__get", "arguments": CALL.arguments},
    }


def test_the_result_of_a_decided_call_is_in_a_later_answer():
    waits = replace(CALL, state="waiting", result=None, sha256="")
    first = answer("1", "u", STEP, waits.to_part())
    (begun,) = after_decision(first.parts, {"a": "run"})
    unknown = answer("2", "1", replace(begun, state="unknown").to_part())
    (again,) = after_decision(unknown.parts, {"a": "run"})
    assert (again.id, again.again, again.state) == ("a_again", "a", "waiting")
    ran = replace(again, state="done", result={"text": "13", "files": []})
    third = answer("3", "2", ran.to_part(), text("So."), STEP)
    user = Message("u", "c", None, "user", "hi", 1)
    for history, result in [
        ([user, first], "The user has not decided"),
        ([user, first, unknown], "It is not known whether this call ran"),
        ([user, first, unknown, third], "13"),
    ]:
        wire, _ = wire_messages(None, history)
        assert [m["role"] for m in wire[:3]] == ["user", "assistant", "tool"]
        assert wire[2]["content"].startswith(result)
        assert len([m for m in wire if m["role"] == "tool"]) == 1
    assert wire[3] == {"role": "assistant", "content": "So."}


def test_what_was_signed_goes_back_with_its_step():
    signed = {**STEP, "signed": {"thought_signature": "s"}}
    parts = text("a"), STEP, CALL.to_part(), text("b"), signed, replace(CALL, id="b").to_part()
    one = answer("1", "u", *parts, upstream="up", model="m")
    wire, (found,) = wire_messages(None, [Message("u", "c", None, "user", "hi", 1), one])
    assert (wire[found.index]["content"], found.members) == ("b", {"thought_signature": "s"})


def test_a_running_call_of_an_answer_that_ends_is_unknown():
    (part,) = ended([replace(CALL, state="running", result=None).to_part()])
    assert (part["state"], undecided([part])) == ("unknown", ["a"])
    assert decided([part], {"a": "tell"})[0]["decision"] == "tell"
    assert undecided(decided([part], {"a": "tell"})) == []
    assert decided(decided([part], {"a": "tell"}), {"a": "tell"}) is None
    (told,) = after_decision([part], {"a": "tell"})
    assert undecided([told.to_part()]) == []


@pytest.mark.parametrize("change", [{"server": "t"}, {"name": "g"}, {"arguments": "{}"}])
def test_an_approval_is_bound_to_everything_that_is_approved(change):
    assert replace(CALL, **change).digest() != CALL.digest()
    assert replace(CALL, id="x", index=None, state="running").digest() == CALL.digest()


def test_a_call_comes_back_from_its_part():
    assert from_part(CALL.to_part()) == CALL


def test_models_know_tools_by_names_that_apis_take():
    assert called_name("time", "get_time") == "time__get_time"
    odd = {called_name("a", name) for name in ("x.y", "x/y", "\u00fc", "z" * 80, "z" * 81)}
    assert len(odd) == 5
    assert all(len(name) <= 64 and name.isascii() for name in odd)
    assert called_name(None, "anything at all") == "anything at all"


def test_the_tools_that_run_unasked_have_a_bound():
    always: list[dict[str, str]] = []
    for number in range(MAX_ALWAYS + 5):
        call = Call(0, "i", f"t{number}", "s", "{}", WAITING, definition="d")
        always = with_allowed(always, [call.to_part()], {"i": "always"})
    assert len(always) == MAX_ALWAYS
    assert (always[0]["name"], always[-1]["name"]) == ("t5", f"t{MAX_ALWAYS + 4}")
