"""Requests in the form of OpenAI's Responses API
(https://platform.openai.com/docs/api-reference/responses/create)."""

from __future__ import annotations

from typing import Any

import pytest

from tornado_stream.providers.openai.responses_encoder import (
    not_there,
    responses_body,
    with_defaults,
)

USER = {"role": "user", "content": "hi"}


def options(**given: Any) -> dict[str, Any]:
    """The body's members for these options, without those of every request."""
    body = responses_body([USER], given, model="m")
    for name in ("model", "input", "stream", "store"):
        del body[name]
    return body


def items(*messages: dict[str, Any], **given: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = responses_body([*messages], given, model="m")["input"]
    return found


def test_a_request_has_what_every_request_has() -> None:
    assert responses_body([USER], {}, model="m") == {
        "model": "m",
        "input": [{"role": "user", "content": "hi"}],
        "stream": True,
        "store": False,
    }


def test_no_option_replaces_what_the_provider_sets() -> None:
    given = {"model": "x", "input": [], "stream": False, "store": True, "top_p": None}
    assert responses_body([USER], given, model="m") == responses_body([USER], {}, model="m")


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"max_tokens": 7}, {"max_output_tokens": 7}),
        ({"max_completion_tokens": 7, "max_tokens": 9}, {"max_output_tokens": 7}),
        ({"max_output_tokens": 5, "max_tokens": 9}, {"max_output_tokens": 5}),
        ({"temperature": 0.5, "top_p": 1}, {"temperature": 0.5, "top_p": 1}),
        ({"something_new": {"a": 1}, "user": "u"}, {"something_new": {"a": 1}, "user": "u"}),
        ({"reasoning_effort": "low"}, {"reasoning": {"effort": "low"}}),
        (
            {"reasoning_effort": "low", "reasoning_summary": "auto"},
            {"reasoning": {"effort": "low", "summary": "auto"}},
        ),
        (
            {"reasoning": {"effort": "high", "summary": None}, "reasoning_summary": "auto"},
            {"reasoning": {"effort": "high", "summary": None}},
        ),
        ({"reasoning": "x", "reasoning_effort": "low"}, {"reasoning": "x"}),
        ({"verbosity": "low"}, {"text": {"verbosity": "low"}}),
        (
            {"response_format": {"type": "json_object"}, "verbosity": "low"},
            {"text": {"format": {"type": "json_object"}, "verbosity": "low"}},
        ),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True},
                }
            },
            {
                "text": {
                    "format": {
                        "type": "json_schema",
                        "name": "n",
                        "schema": {"type": "object"},
                        "strict": True,
                    }
                }
            },
        ),
        ({"stream_options": {"include_usage": True}}, {}),
        ({"stream_options": {"x": 1, "include_usage": True}}, {"stream_options": {"x": 1}}),
        ({"stream_options": "x"}, {}),
        ({"tool_choice": "auto"}, {"tool_choice": "auto"}),
        (
            {"tool_choice": {"type": "function", "function": {"name": "f"}}},
            {"tool_choice": {"type": "function", "name": "f"}},
        ),
        (
            {"tool_choice": {"type": "custom", "custom": {"name": "f"}}},
            {"tool_choice": {"type": "custom", "name": "f"}},
        ),
        (
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {
                        "mode": "auto",
                        "tools": [{"type": "function", "function": {"name": "f"}}],
                    },
                }
            },
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "mode": "auto",
                    "tools": [{"type": "function", "name": "f"}],
                }
            },
        ),
        ({"tool_choice": {"type": "web_search"}}, {"tool_choice": {"type": "web_search"}}),
        ({"tools": [{"type": "web_search"}]}, {"tools": [{"type": "web_search"}]}),
        ({"tools": []}, {"tools": []}),
        ({"seed": 1, "stop": ["a"], "n": 2, "logit_bias": {}, "functions": []}, {}),
    ],
)
def test_options(given: dict[str, Any], sent: dict[str, Any]) -> None:
    assert options(**given) == sent


def test_tools() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    function = {"name": "f", "description": "d", "parameters": schema, "strict": True}
    grammar = {"syntax": "lark", "definition": "start: x"}
    custom = {"name": "sh", "format": {"type": "grammar", "grammar": grammar}}
    tools = [
        {"type": "function", "function": function},
        {"type": "function", "function": {"name": "g", "strict": None}},
        {"type": "custom", "custom": custom},
        {"type": "custom", "custom": {"name": "free", "format": {"type": "text"}}},
        {"type": "function", "name": "own form", "parameters": {}},
    ]
    assert options(tools=tools)["tools"] == [
        {"type": "function", **function},
        {
            "type": "function",
            "name": "g",
            "parameters": {"type": "object", "properties": {}},
            "strict": False,
        },
        {"type": "custom", "name": "sh", "format": {"type": "grammar", **grammar}},
        {"type": "custom", "name": "free", "format": {"type": "text"}},
        {"type": "function", "name": "own form", "parameters": {}},
    ]
    assert tools[2]["custom"] == custom  # what a program sent stays as it is


def test_texts_keep_their_roles_and_their_order() -> None:
    talk = [("system", "be kind"), ("user", "a"), ("assistant", "b"), ("developer", "c")]
    messages = [{"role": role, "content": text} for role, text in talk]
    assert items(*messages) == messages
    assert items({"role": "user", "content": None}) == [{"role": "user", "content": ""}]


def test_parts() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA", "detail": "low"}}
    audio = {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}
    parts = [
        {"type": "text", "text": "look"},
        image,
        {"type": "image_url", "image_url": "https://a.example/b.png"},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf,"}},
        audio,
        "text",
    ]
    (item,) = items({"role": "user", "content": parts})
    assert item["content"] == [
        {"type": "input_text", "text": "look"},
        {"type": "input_image", "image_url": "data:image/png;base64,AA", "detail": "low"},
        {"type": "input_image", "image_url": "https://a.example/b.png"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf,"},
        audio,
        "text",
    ]
    assert image["image_url"]["url"] == "data:image/png;base64,AA"
    texts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert items({"role": "user", "content": texts}) == [{"role": "user", "content": "ab"}]
    assert items({"role": "assistant", "content": texts}) == [
        {"role": "assistant", "content": "ab"}
    ]
    marked = [{**texts[0], "cache_control": {"type": "ephemeral"}}]
    (item,) = items({"role": "system", "content": marked})
    assert item["content"] == [{**marked[0], "type": "input_text"}]
    (item,) = items({"role": "assistant", "content": marked})
    assert item["content"] == [{**marked[0], "type": "output_text", "annotations": []}]


def test_a_refusal() -> None:
    (item,) = items({"role": "assistant", "content": None, "refusal": "No."})
    parts = [{"type": "refusal", "refusal": "No."}]
    assert item == {"type": "message", "role": "assistant", "content": parts}


def test_calls_and_their_results() -> None:
    calls = [
        {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
        {"id": "call_2", "type": "custom", "custom": {"name": "sh", "input": "ls"}},
        {"id": "call_3", "type": "function", "function": {"name": "free", "arguments": "x"}},
    ]
    results = [{"role": "tool", "tool_call_id": f"call_{n}", "content": f"r{n}"} for n in (1, 2, 3)]
    results[0]["content"] = [{"type": "text", "text": "r1"}]  # type: ignore[assignment]
    said = {"role": "assistant", "content": "I look.", "tool_calls": calls}
    tools = [{"type": "custom", "custom": {"name": "free"}}]
    assert items(said, *results, tools=tools) == [
        {"role": "assistant", "content": "I look."},
        {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "call_2", "name": "sh", "input": "ls"},
        {"type": "custom_tool_call", "call_id": "call_3", "name": "free", "input": "x"},
        {"type": "function_call_output", "call_id": "call_1", "output": "r1"},
        {"type": "custom_tool_call_output", "call_id": "call_2", "output": "r2"},
        {"type": "custom_tool_call_output", "call_id": "call_3", "output": "r3"},
    ]
    broken = {"role": "assistant", "content": "", "tool_calls": [{"id": "call_1"}, 7]}
    assert items(broken) == [
        {"type": "function_call", "call_id": "call_1", "name": None, "arguments": ""}
    ]


def test_encrypted_reasoning_comes_before_what_it_led_to() -> None:
    sealed = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"}
    other = {"type": "custom_tool_call"}
    said = {"role": "assistant", "content": "a", "reasoning_items": [sealed, {}, 7, other]}
    assert items(said) == [sealed, {"role": "assistant", "content": "a"}]
    without = {"role": "assistant", "content": "a", "reasoning_items": 7, "reasoning_details": []}
    assert items(without) == [{"role": "assistant", "content": "a"}]


def test_every_request_asks_for_reasoning() -> None:
    encrypted = "reasoning.encrypted_content"
    assert with_defaults({"seed": 1}) == {"reasoning_summary": "auto", "include": [encrypted]}
    given = {"reasoning_summary": "detailed", "include": ["x", encrypted]}
    assert with_defaults(given) == {"reasoning_summary": "detailed", "include": [encrypted, "x"]}
    assert with_defaults({"include": "x"})["include"] == [encrypted]


def test_options_that_ask_for_nothing_are_not_missed() -> None:
    neutral = {"n": 1, "logprobs": False, "stop": None, "presence_penalty": 0, "logit_bias": {}}
    assert not_there({**neutral, "temperature": 1}) == []
    assert not_there({"n": 2, "stop": ["a"], "seed": 0}) == ["n", "seed", "stop"]
