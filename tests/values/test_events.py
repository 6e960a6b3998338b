"""The events of an answer: their data, their frames, and the text that deltas add up to."""

from __future__ import annotations

import json
import time

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado_stream.values.errors import ProviderError
from tornado_stream.values.events import (
    TEXT_FRAME,
    AnswerText,
    Delta,
    End,
    Notice,
    encode_event,
    frame_data,
    frame_name,
    frame_number,
    split_frames,
)
from tornado_stream.values.sse import SSEDecoder


def test_an_empty_delta_is_false_and_a_space_is_not():
    assert not Delta() and Delta(" ") and Delta(tool_calls=({"index": 0},))


def test_a_delta_has_only_the_members_that_are_set():
    assert Delta("a", refusal="r").to_json() == {"content": "a", "refusal": "r"}


def test_content_that_was_reasoning_moves_behind_the_reasoning_before_it():
    folded = Delta("d", "c", was_reasoning=True)
    assert folded.to_json() == {"content": "d", "reasoning": "c", "was_reasoning": True}
    assert Delta(was_reasoning=True)
    answer = AnswerText()
    for delta in (Delta("a", "r"), Delta("b"), folded, Delta("e")):
        answer.add(delta)
    assert (answer.reasoning, answer.content) == ("rabc", "de")


def test_a_notice_carries_its_details():
    notice = Notice("context_trimmed", {"turns": 2})
    assert notice.to_json() == {"code": "context_trimmed", "turns": 2}


def test_fragments_of_tool_calls_are_joined():
    answer = AnswerText()
    answer.add(Delta(tool_calls=({"index": 0, "id": "x", "name": "get", "arguments": '{"a'},)))
    answer.add(Delta(tool_calls=({"index": 1, "id": "y", "name": "put", "arguments": ""},)))
    answer.add(Delta(tool_calls=({"index": 0, "id": None, "name": "", "arguments": '":1}'},)))
    assert answer.tool_calls == [
        {"index": 0, "id": "x", "name": "get", "arguments": '{"a":1}'},
        {"index": 1, "id": "y", "name": "put", "arguments": ""},
    ]


def test_adding_is_linear():
    def seconds(count: int) -> float:
        answer, began = AnswerText(), time.thread_time()
        for _ in range(count):
            answer.add(Delta("word "))
        assert len(answer.content) == 5 * count
        return time.thread_time() - began

    seconds(1000)
    assert seconds(200_000) < 40 * max(seconds(20_000), 0.002)


def test_an_end_has_every_member():
    end = End("error", None, None, ProviderError("auth", "No."), None, True, {"total_ms": 1})
    assert set(end.to_json()) == {
        "state",
        "finish_reason",
        "usage",
        "error",
        "stop",
        "saved",
        "timings",
        "upstream",
        "cost",
        "model",
        "waiting",
    }
    assert end.to_json()["error"]["code"] == "auth"


def test_an_event_is_encoded_as_one_frame():
    frame = 'id: 12\nevent: delta\ndata: {"content":"a\\nb\u2028","t":5}\n\n'.encode()
    assert encode_event(12, "delta", {"content": "a\nb\u2028", "t": 5}) == frame
    assert Delta("a\nb\u2028").encode(12, 5) == frame


@given(st.text(min_size=1), st.integers(1, 10**9), st.integers(0, 10**9))
def test_a_text_is_encoded_as_its_delta(text: str, number: int, t: int) -> None:
    text = text.encode("utf-8", "replace").decode()
    frame = TEXT_FRAME % (number, orjson.dumps(text), t)
    assert frame == Delta(text).encode(number, t)


def test_an_encoded_event_can_be_decoded():
    data = {"content": "line\r\nline\u2028\u0085 é 😀", "n": None}
    (event,) = SSEDecoder().feed(encode_event(1, "delta", data))
    assert (event.event, event.id) == ("delta", "1")
    assert json.loads(event.data) == data


def test_encoding_refuses_data_that_is_not_json():
    with pytest.raises(TypeError):
        encode_event(1, "delta", {"content": "\ud800"})


def test_the_parts_of_a_frame_can_be_read():
    frame = encode_event(12, "delta", {"content": "a\n\nb", "t": 3})
    assert frame_number(frame) == 12
    assert frame_name(frame) == "delta"
    assert frame_data(frame) == {"content": "a\n\nb", "t": 3}


def test_a_log_is_split_into_its_frames():
    frames = [Delta("a\n\nb").encode(1, 0), Notice("saved").encode(2, 1)]
    assert split_frames(b"".join(frames)) == frames
    assert split_frames(b"") == []
