"""From a request to a job: fingerprints, titles, the messages for the model, composing."""

from __future__ import annotations

from dataclasses import replace
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
from tornado_stream.chat.sent_messages import sent_messages
from tornado_stream.values.events import Delta, Notice
from tornado_stream.values.messages import Message, SignedMembers

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


def chain(*messages: Message) -> list[Message]:
    """The messages, each the parent of the next."""
    ids = [f"m{i}" for i in range(len(messages))]
    parents = [None, *ids]
    return [
        replace(m, id=id, parent_id=parent)
        for m, id, parent in zip(messages, ids, parents, strict=False)
    ]


def test_a_question_without_an_answer_is_not_sent_with_the_next():
    history = chain(
        message("user", "a"),
        message("assistant", ""),
        message("user", "b"),
        message("assistant", "c"),
        message("user", "d"),
        message("assistant", " "),
        message("user", "e"),
        message("assistant", "hal"),
        message("user", "f"),
        replace(message("assistant", ""), refusal="no"),
        message("user", "g"),
    )
    wire, signed = wire_messages("be kind", history)
    assert [m["role"] for m in wire] == ["system", *["user", "assistant"] * 3, "user"]
    assert [m["content"] for m in wire] == ["be kind", "b", "c", "e", "hal", "f", "no", "g"]
    assert signed == ()
    # The last question is sent, whatever became of its other answers.
    assert wire_messages(None, history[:1])[0] == [{"role": "user", "content": "a"}]


def test_what_a_program_sent_is_neither_joined_nor_left_out():
    sent = [
        {"role": "developer", "content": "be brief"},
        {"role": "user", "content": [{"type": "text", "text": "A", "cache_control": {}}]},
        {"role": "user", "content": "B"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c"}]},
        {"role": "tool", "tool_call_id": "c", "content": ""},
        {"role": "user", "content": "C"},
    ]
    kept = list(sent_messages(sent, "c"))
    assert [m.content for m in kept] == ["be brief", "A", "B", "", "", "C"]
    assert kept[-1].sent is None and all(m.sent for m in kept[:-1])
    assert wire_messages(None, kept)[0] == sent
    assert leave_out(kept, 1)[0] == [kept[0], kept[5]]
    assert leave_out(kept[:1], 3) == (kept[:1], 0)


def test_signed_members_name_their_message():
    signing = replace(message("assistant", "b"), upstream="up", model="m", signed={"x": 1})
    _, signed = wire_messages("s", chain(message("user", "a"), signing, message("user", "c")))
    assert signed == (SignedMembers(2, "up", "m", {"x": 1}),)


def test_whole_turns_are_left_out():
    history = [message(r, c) for r, c in [("user", "1"), ("assistant", "1"), ("user", "2")]]
    assert [m.content for m in leave_out(history, 0)[0]] == ["1", "1", "2"]
    assert [m.content for m in leave_out(history, 1)[0]] == ["2"]
    assert leave_out(history, 5)[1] == 1


def test_a_new_question_is_saved_with_its_conversation():
    job = compose(SendRequest("g", "Why?"), new_thread("Why?"), PROVIDER)
    new = job.new_answer
    assert new.conversation and new.conversation.title == "Why?"
    assert [m.content for m in new.messages] == ["Why?"]
    assert (new.message.parent_id, new.message.model) == (new.messages[-1].id, "default")
    assert (job.request.messages, job.request.model) == (
        [{"role": "user", "content": "Why?"}],
        None,
    )
    assert job.first_events == ()


def test_another_answer_to_a_stored_question_saves_no_question():
    thread = Thread(new_thread("Why?").conversation, [message("user", "Why?", "u")])
    job = compose(SendRequest("g", None, model="m"), thread, PROVIDER)
    assert job.new_answer.conversation is None and not job.new_answer.messages
    assert (job.new_answer.message.parent_id, job.request.model) == ("u", "m")


def test_a_continued_answer_begins_with_the_text_that_is_there():
    talk = [message("user", "1"), message("assistant", "1"), message("user", "2", "u")]
    broken = message("assistant", "half", "a")
    thread = Thread(new_thread("1").conversation, talk, continued=broken)
    job = compose(SendRequest("g", None, leave_out=1), thread, PROVIDER)
    assert job.new_answer.message.continued_from == "a"
    assert (job.request.continued_text, job.request.left_out) == ("half", 1)
    assert job.first_events == (Delta("half"), Notice("context_trimmed", {"turns": 1}))
