"""What readers of a shared link get of the events and messages of an answer."""

from __future__ import annotations

from dataclasses import fields

from tornado_stream.chat.shared_events import for_readers, shown_message
from tornado_stream.values.errors import ProviderError
from tornado_stream.values.events import Delta, End, Notice, Start, encode_event, frame_data
from tornado_stream.values.messages import Message
from tornado_stream.values.pictures import AnswerImage


def test_a_text_stays_as_it_is():
    frames = Delta('a "signed": b').encode(2, 5) + Delta(reasoning="why").encode(3, 6)
    assert for_readers(frames, with_files=False) == frames


def test_no_member_is_shown_that_is_not_allowed_by_name():
    secret = {"any": "secret"}
    start = Start("g", "secret", "a", "u", "secret", "m", "secret", 7)
    error = ProviderError("rate_limited", "secret")
    end = End("error", None, secret, error, secret, False, {"secret": 1}, "secret", secret)
    call = {"index": 0, "id": "secret", "name": "look", "arguments": "secret"}
    shown = b""
    for number, event in enumerate(
        [
            start,
            Delta("text", tool_calls=(call,), signed=secret),
            Notice("budget_low", secret),
            end,
        ],
        1,
    ):
        shown += for_readers(event.encode(number, 9), with_files=True)
    shown += for_readers(
        encode_event(5, "tool", {"index": 0, "name": "look", "result": "secret"}), with_files=True
    )
    shown += for_readers(encode_event(6, "later", secret), with_files=True)
    assert b"secret" not in shown and b"look" in shown and b"text" in shown
    assert [line for line in shown.split(b"\n") if line.startswith(b"id")] == [
        *(b"id: 1", b"id: 2", b"id: 4", b"id: 5")
    ]
    assert frame_data(for_readers(end.encode(4, 9), with_files=True))["error"] == {
        "code": "rate_limited"
    }


def test_pictures_are_told_only_to_readers_who_get_files():
    image = AnswerImage(file_id="f", type="image/png", name="n", size=1, tokens=2)
    frame = Delta("text", images=(image,)).encode(2, 5)
    shown = frame_data(for_readers(frame, with_files=True))["images"]
    assert shown == [{"file_id": "f", "type": "image/png", "name": "n", "size": 1}]
    assert frame_data(for_readers(frame, with_files=False)) == {"content": "text", "t": 5}


def test_no_field_of_a_message_is_shown_that_is_not_allowed_by_name():
    text = {"id": "a", "role": "assistant", "content": "said", "created_at": 1}
    secret = {f.name: "secret" for f in fields(Message)} | text
    secret |= {"state": "done", "generation_id": "g", "model": "m", "finish_reason": "stop"}
    secret |= {"reasoning": "", "refusal": "", "sources": []}
    secret["tool_calls"] = [{"index": 0, "id": "x", "name": "look", "arguments": "secret"}]
    call = {"type": "call", "index": 0, "state": "done", "decision": None, "result": "secret"}
    secret["parts"] = [call, {"type": "text", "text": "secret"}]
    secret["error"] = {"code": "rate_limited", "message": "secret", "upstream_status": 429}
    secret["files"] = [{"id": "f", "name": "n", "type": "t", "size": 1, "kind": "k", "x": "secret"}]
    message = Message(**secret)
    shown = shown_message(message, with_files=True)
    assert "secret" not in repr(shown) and "look" in repr(shown)
    assert shown.tool_calls == [{"index": 0, "name": "look", "state": "done"}]
    assert shown.files == [{"id": "f", "name": "n", "type": "t", "size": 1, "kind": "k"}]
    assert shown_message(message, with_files=False).files == []


def test_only_questions_and_answers_are_shown():
    for role in ("system", "developer", "tool", "function"):
        assert shown_message(Message("a", "c", None, role, "x", 1), with_files=True) is None
