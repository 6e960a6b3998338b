"""Deltas of a provider without chunks, as chunks of chat completions."""

from __future__ import annotations

from typing import Any

from tornado_stream.chat.delta_chunks import DeltaChunks
from tornado_stream.values.events import Delta

HEAD = {"id": "chatcmpl-9", "object": "chat.completion.chunk", "created": 7, "model": "m"}


def deltas(*events: Delta) -> list[dict[str, Any]]:
    made = DeltaChunks(HEAD)
    return [made.chunk(event)["choices"][0]["delta"] for event in events]


def test_a_chunk_has_the_head_and_one_choice():
    assert DeltaChunks(HEAD).chunk(Delta("Hé")) == {
        **HEAD,
        "choices": [
            {
                "index": 0,
                "delta": {"role": "assistant", "content": "Hé"},
                "logprobs": None,
                "finish_reason": None,
            }
        ],
    }


def test_only_the_first_delta_has_the_role():
    assert deltas(Delta("a"), Delta("b"))[1] == {"content": "b"}


def test_every_part_of_a_delta_has_its_member():
    source = {"url": "https://a.example/", "title": "A"}
    (delta,) = deltas(Delta("a", "hm", "no", sources=(source,), signed={"signature": "s"}))
    assert delta == {
        "role": "assistant",
        "signature": "s",
        "content": "a",
        "reasoning_content": "hm",
        "refusal": "no",
        "annotations": [{"type": "url_citation", "url_citation": source}],
    }


def test_only_the_first_fragment_of_each_call_has_its_id_and_type():
    first, other = [
        {"index": index, "id": f"c{index}", "name": "get", "arguments": "{"} for index in (0, 1)
    ]
    rest = {"index": 0, "id": None, "name": "", "arguments": "}"}
    calls = [
        delta["tool_calls"]
        for delta in deltas(*(Delta(tool_calls=(c,)) for c in (first, other, rest)))
    ]
    assert calls == [
        [
            {
                "index": i,
                "id": f"c{i}",
                "type": "function",
                "function": {"name": "get", "arguments": "{"},
            }
        ]
        for i in (0, 1)
    ] + [[{"index": 0, "function": {"arguments": "}"}}]]
