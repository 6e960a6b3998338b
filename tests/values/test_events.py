"""What deltas add up to."""

from __future__ import annotations

import time

from tornado_stream.values.errors import ProviderError
from tornado_stream.values.events import AnswerText, Delta, End, Notice


def test_an_empty_delta_is_false_and_a_space_is_not():
    assert not Delta() and Delta(" ") and Delta(tool_calls=({"index": 0},))


def test_a_delta_tells_only_what_it_has():
    assert Delta("a", refusal="r").to_json() == {"content": "a", "refusal": "r"}


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
        answer, began = AnswerText(), time.perf_counter()
        for _ in range(count):
            answer.add(Delta("word "))
        assert len(answer.content) == 5 * count
        return time.perf_counter() - began

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
    }
    assert end.to_json()["error"]["code"] == "auth"
