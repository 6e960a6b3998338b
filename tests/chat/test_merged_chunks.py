"""Chunks become one completion; what is unknown is kept too."""

from __future__ import annotations

from time import process_time
from typing import Any

from tornado_stream.chat.merged_chunks import MergedChunks


def merged(*deltas: dict[str, Any]) -> dict[str, Any]:
    chunks = MergedChunks()
    for delta in deltas:
        chunks.add({"choices": [{"index": 0, "delta": delta}]})
    message = chunks.completion("")["choices"][0]["message"]
    return {name: value for name, value in message.items() if value is not None}


def test_texts_are_joined_and_names_are_not():
    first = {"role": "assistant", "content": "a", "audio": {"id": "x", "transcript": "o"}}
    second = {"role": "assistant", "content": "b", "audio": {"id": "x", "transcript": "h"}}
    assert merged(first, second) == {
        "role": "assistant",
        "content": "ab",
        "audio": {"id": "x", "transcript": "oh"},
    }


def test_calls_with_one_index_and_two_ids_are_two_calls():
    def call(**more: Any) -> dict[str, Any]:
        return {"tool_calls": [more]}

    found = merged(
        call(index=0, id="a", function={"name": "f", "arguments": "{}"}),
        call(index=0, id="b", function={"name": "g", "arguments": "{"}),
        call(index=0, id="", function={"name": "", "arguments": "}"}),
    )
    assert found["tool_calls"] == [
        {"id": "a", "function": {"name": "f", "arguments": "{}"}},
        {"id": "b", "function": {"name": "g", "arguments": "{}"}},
    ]


def details(*entries: dict[str, Any]) -> list[dict[str, Any]]:
    return merged(*({"reasoning_details": [entry]} for entry in entries))["reasoning_details"]


def test_entries_of_other_types_or_ids_are_other_entries_with_one_index_too():
    summary = {"type": "reasoning.summary", "summary": "So", "index": 0}
    one = {"type": "reasoning.encrypted", "data": "A", "id": "rs_1", "index": 0}
    two = {**one, "data": "B", "id": "rs_2"}
    assert details(summary, one, two) == [summary, one, two]
    assert details(summary, {**summary, "summary": " it is"}) == [
        {**summary, "summary": "So it is"}
    ]


def test_what_is_signed_is_one_entry_up_to_its_signature():
    def block(**more: Any) -> dict[str, Any]:
        return {"thinking_blocks": [{"type": "thinking", **more}]}

    found = merged(
        *(block(thinking="a", signature=""), block(thinking="b"), block(signature="S")),
        {"thinking_blocks": [{"type": "redacted_thinking", "data": "Q"}]},
        block(thinking="c", signature="T"),
    )
    assert found["thinking_blocks"] == [
        {"type": "thinking", "thinking": "ab", "signature": "S"},
        {"type": "redacted_thinking", "data": "Q"},
        {"type": "thinking", "thinking": "c", "signature": "T"},
    ]


def test_beside_a_delta_the_last_text_counts():
    chunks = MergedChunks()
    for text in "ab":
        filtered = {"hate": {"filtered": False, "severity": "safe"}}
        logprobs = {"content": [{"token": text}]}
        chunks.add(
            {
                "choices": [
                    {
                        "delta": {"content": text},
                        "content_filter_results": filtered,
                        "logprobs": logprobs,
                    }
                ]
            }
        )
    (choice,) = chunks.completion("")["choices"]
    assert choice["content_filter_results"]["hate"]["severity"] == "safe"
    assert choice["logprobs"]["content"] == [{"token": "a"}, {"token": "b"}]
    assert choice["message"]["content"] == "ab"


def test_a_piece_of_a_call_without_a_name_continues_it_whatever_its_id():
    found = merged(
        {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}}]},
        {"tool_calls": [{"index": 0, "id": "b", "function": {"arguments": "}"}}]},
    )
    assert found["tool_calls"] == [{"id": "a", "function": {"name": "f", "arguments": "{}"}}]


def test_pieces_of_two_calls_may_have_their_ids_only():
    found = merged(
        {"tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{"}}]},
        {"tool_calls": [{"id": "b", "function": {"name": "g", "arguments": "{"}}]},
        {"tool_calls": [{"id": "a", "function": {"arguments": "}"}}]},
        {"tool_calls": [{"id": "b", "function": {"arguments": " }"}}]},
    )
    assert [call["function"]["arguments"] for call in found["tool_calls"]] == ["{}", "{ }"]


def test_a_text_before_and_after_parts_becomes_a_part():
    part = {"type": "thinking", "thinking": "hm"}
    found = merged({"content": "a"}, {"content": [part]}, {"content": "b"}, {"content": "c"})
    assert found["content"] == [
        {"type": "text", "text": "a"},
        part,
        {"type": "text", "text": "bc"},
    ]


def test_of_members_at_the_top_the_last_value_counts():
    chunks = MergedChunks()
    chunks.add({"citations": ["a"], "usage": None, "choices": []})
    chunks.add({"citations": ["a", "b"], "usage": {"n": 1}})
    chunks.add({"usage": None, "choices": ["odd", {"delta": {"content": "x"}}]})
    whole = chunks.completion("length")
    assert (whole["citations"], whole["usage"]) == (["a", "b"], {"n": 1})
    assert whole["choices"][0]["finish_reason"] == "length"


def test_a_message_that_repeats_its_deltas_counts_once():
    chunks = MergedChunks()
    chunks.add({"choices": [{"delta": {"content": "x"}}]})
    chunks.add({"choices": [{"message": {"content": "x"}}]})
    assert chunks.completion("")["choices"][0]["message"]["content"] == "x"


def test_without_any_choice_there_is_an_empty_one():
    (choice,) = MergedChunks().completion("stop")["choices"]
    assert choice["message"]["role"] == "assistant" and choice["finish_reason"] == "stop"


def test_an_index_that_is_no_number_counts_as_the_first():
    chunks = MergedChunks()
    for index in (0, None, [1], {"a": 1}, 2.5):
        chunks.add({"choices": [{"index": index, "delta": {"content": "x"}}]})
    (choice,) = chunks.completion("")["choices"]
    assert choice["message"]["content"] == "xxxxx"


def test_adding_takes_linear_time():
    def seconds(count: int) -> float:
        return min(once(count) for _ in range(3))

    def once(count: int) -> float:
        began = process_time()
        merged(*({"content": "x" * 20, "details": [{"index": n, "t": "y"}]} for n in range(count)))
        calls = ({"tool_calls": [{"index": 0, "id": f"c{n}"}, {"index": 0}]} for n in range(count))
        merged(*calls)
        return process_time() - began

    assert seconds(8000) < 24 * seconds(1000)
