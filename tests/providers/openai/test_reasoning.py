from typing import Any

import pytest
from upstream_json import chunk, fold, half, sse

from tornado_stream.providers.openai.reasoning import ReasoningOnce, text_in

DIALECTS: list[dict[str, Any]] = [
    {"reasoning_content": "So it is"},
    {"reasoning_content": [{"type": "text", "text": "So it"}, {"type": "text", "text": " is"}]},
    {"reasoning_content": {"type": "text", "text": "So it is"}},
    {"reasoning": {"summary": [{"type": "summary_text", "text": "So it is"}]}},
    {"reasoning": ["So it", " is"]},
    {"reasoning": {"content": "So it is", "effort": "high"}},
    {"reasoning_text": "So it is", "reasoning_opaque": "abc", "content": None},
    {"thinking": "So it is"},
    {"thinking": {"thinking": "So it is", "signature": "s"}},
    {"reasoning_details": [{"type": "reasoning.summary", "summary": "So it is", "index": 0}]},
    {"reasoning_details": [{"type": "reasoning.text", "text": "So it is", "signature": "s"}]},
    {
        "reasoning": "So it is",
        "reasoning_details": [{"type": "reasoning.text", "text": "So it is"}],
    },
    {"reasoning_details": [{"type": "reasoning.encrypted", "data": "QQ"}, {"text": "So it is"}]},
    {"thinking_blocks": [{"type": "thinking", "thinking": "So it is", "signature": ""}]},
    {
        "reasoning_content": "So it is",
        "thinking_blocks": [{"type": "thinking", "thinking": "So it is"}],
    },
    {"reasoning_steps": [{"thought": "So it", "type": "web_search"}, {"thought": " is"}]},
    {"cot_summary": "So it is", "cot_id": "abc", "content": None},
    {"content": [{"type": "reasoning", "text": "So it is"}]},
    {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "So it is"}]}]},
    {"content": [{"type": "reasoning.summary", "summary": "So it is"}]},
    {
        "content": [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "So it is"}]},
            {"type": "redacted_thinking", "data": "QQ"},
        ]
    },
    {"content": {"type": "reasoning", "text": "So it is"}},
]


@pytest.mark.parametrize("delta", DIALECTS, ids=str)
def test_reasoning_of_every_dialect(delta: dict[str, Any]) -> None:
    for form in (chunk(delta), {"choices": [{"message": delta}]}):
        answer, _ = fold(sse(form, chunk({"content": "3"}, "stop")))
        assert (answer.reasoning, answer.content) == ("So it is", "3")


def test_parts_of_text_and_reasoning_in_one_list() -> None:
    parts = [{"type": "reasoning", "text": "hm"}, {"type": "text", "text": "3"}, "!", 7]
    answer, _ = fold(sse(chunk({"content": parts})))
    assert (answer.reasoning, answer.content) == ("hm", "3!")


@pytest.mark.parametrize(
    "value", [None, True, 7, {}, [], {"type": "x", "data": "QQ"}, [[[[[["x"]]]]]]]
)
def test_values_without_text(value: Any) -> None:
    assert text_in(value) == ""


def details(text: str, **more: Any) -> dict[str, Any]:
    return chunk({"reasoning_details": [{"type": "reasoning.text", "text": text, **more}]})


def test_reasoning_that_another_member_repeats_at_the_end_counts_once() -> None:
    texts = [chunk({"reasoning": text}) for text in ("Let me", " think", ".")]
    for repeated in (
        [details("Let me think.", signature="s")],
        [details("Let m"), details("e think."), details("", signature="s")],
    ):
        answer, _ = fold(sse(*texts, *repeated))
        assert answer.reasoning == "Let me think."


def test_reasoning_that_each_chunk_has_twice_counts_once() -> None:
    pairs = [
        part for text in ("a", "bc", "d") for part in (chunk({"reasoning": text}), details(text))
    ]
    assert fold(sse(*pairs))[0].reasoning == "abcd"


def test_other_reasoning_in_another_member_is_kept() -> None:
    once = ReasoningOnce()
    assert once.add("a", "one") == "one"
    assert once.add("b", "on") == ""
    assert once.add("b", "e two") == " two"  # it goes on where the first one ends
    assert once.add("c", "six") == "six"
    assert once.add("c", "one") == "one"  # that member says something else
    assert once.add("a", "!") == "!"


def test_halves_of_a_pair_in_other_members() -> None:
    data = sse(half(r"\ud83d", "reasoning_text"), half(r"\ude00", "reasoning_text"))
    assert fold(data)[0].reasoning == "😀"


@pytest.mark.parametrize(
    "deltas, echoed",
    [
        ([{"reasoning_content": "a"}, {"reasoning_content": "b"}], {"reasoning_content": "ab"}),
        ([{"reasoning_content": ""}], {"reasoning_content": ""}),
        ([{"reasoning": "a", "reasoning_content": "a"}], {"reasoning_content": "a"}),
        ([{"reasoning": "a"}, {"reasoning_content": "a"}], None),
        ([{"reasoning_content": None}], None),
        ([{"reasoning": "a"}], None),
    ],
)
def test_what_goes_back_with_calls(deltas: list[dict[str, Any]], echoed: Any) -> None:
    function = {"name": "f", "arguments": "{}"}
    calls = {"tool_calls": [{"index": 0, "id": "i", "function": function}]}
    end = chunk(finish="stop")
    answer, _ = fold(sse(*(chunk(delta) for delta in [*deltas, calls]), end))
    assert answer.signed == echoed
    answer, _ = fold(sse(*(chunk(delta) for delta in deltas), end))
    assert answer.signed is None, "without calls nothing goes back"
