"""From a request to a job: fingerprints, titles, the messages for the model, composing."""

from __future__ import annotations

from types import SimpleNamespace

from tornado_stream.chat.requests import (
    SendRequest,
    Thread,
    compose,
    leave_out,
    make_title,
    new_thread,
    wire_messages,
)
from tornado_stream.values.events import Delta, Notice
from tornado_stream.values.messages import Message

PROVIDER = SimpleNamespace(default_model="default")


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


def test_a_new_question_is_saved_with_its_conversation():
    job = compose(SendRequest("g", "Why?"), new_thread("Why?"), PROVIDER)
    new = job.new_answer
    assert new.conversation and new.conversation.title == "Why?"
    assert new.user_message and new.user_message.content == "Why?"
    assert (new.message.parent_id, new.message.model) == (new.user_message.id, "default")
    assert (job.request.messages, job.request.model) == (
        [{"role": "user", "content": "Why?"}],
        None,
    )
    assert job.first_events == ()


def test_another_answer_to_a_stored_question_saves_no_question():
    thread = Thread(new_thread("Why?").conversation, [message("user", "Why?", "u")])
    job = compose(SendRequest("g", None, model="m"), thread, PROVIDER)
    assert job.new_answer.conversation is job.new_answer.user_message is None
    assert (job.new_answer.message.parent_id, job.request.model) == ("u", "m")


def test_a_continued_answer_begins_with_the_text_that_is_there():
    talk = [message("user", "1"), message("assistant", "1"), message("user", "2", "u")]
    broken = message("assistant", "half", "a")
    thread = Thread(new_thread("1").conversation, talk, continued=broken)
    job = compose(SendRequest("g", None, leave_out=1), thread, PROVIDER)
    assert job.new_answer.message.continued_from == "a"
    assert (job.request.continued_text, job.request.left_out) == ("half", 1)
    assert job.first_events == (Delta("half"), Notice("context_trimmed", {"turns": 1}))
