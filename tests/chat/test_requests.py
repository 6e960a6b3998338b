"""From a request to a turn."""

from __future__ import annotations

from tornado_stream.chat.requests import SendRequest, leave_out, make_title, wire_messages
from tornado_stream.values.messages import Message


def message(role: str, content: str, id: str = "m") -> Message:
    return Message(id, "c", None, role, content, 1)


def test_titles_are_one_short_line():
    assert make_title("  What is\n\n this? ") == "What is this?"
    assert len(make_title("word " * 100)) <= 80 and make_title("word " * 100).endswith("…")


def test_the_fingerprint_does_not_depend_on_the_order_of_options():
    one = SendRequest("a", "hi", options={"x": 1, "y": 2})
    other = SendRequest("b", "hi", options={"y": 2, "x": 1})
    assert one.fingerprint == other.fingerprint
    assert one.fingerprint != SendRequest("a", "hi", options={"x": 1}).fingerprint
    assert one.fingerprint != SendRequest("a", None, options={"x": 1, "y": 2}).fingerprint
    given = SendRequest("a", "hi", parent_given=True)
    assert given.fingerprint != SendRequest("a", "hi").fingerprint


def test_roles_alternate_and_the_system_comes_first():
    history = [
        message("user", "a"),
        message("assistant", ""),
        message("user", "b"),
        message("assistant", "c"),
        message("user", "d"),
    ]
    assert wire_messages("be kind", history) == [
        {"role": "system", "content": "be kind"},
        {"role": "user", "content": "a\n\nb"},
        {"role": "assistant", "content": "c"},
        {"role": "user", "content": "d"},
    ]


def test_whole_turns_are_left_out():
    history = [message(r, c) for r, c in [("user", "1"), ("assistant", "1"), ("user", "2")]]
    assert [m.content for m in leave_out(history, 0)[0]] == ["1", "1", "2"]
    assert [m.content for m in leave_out(history, 1)[0]] == ["2"]
    assert leave_out(history, 5)[1] == 1
