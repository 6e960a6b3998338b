"""A body of `/v1/responses` becomes a body of `/v1/chat/completions`."""

from __future__ import annotations

import random
from typing import Any

import orjson
import pytest
from fuzz.requests import VALUES

from tornado_stream.chat.responses_input import chat_messages, referred_to
from tornado_stream.chat.responses_request import REFUSED, REPEATED, chat_body, response_head
from tornado_stream.values.errors import ChatError, InvalidRequest, NotFound


def unknown(id: str) -> dict[str, Any] | None:
    return None


def messages(*items: Any) -> list[dict[str, Any]]:
    return chat_messages(list(items), unknown)


def body(**members: Any) -> dict[str, Any]:
    return chat_body({"input": "how far?", **members}, unknown)


def refused(**members: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        body(**members)
    assert caught.value.message
    return caught.value


def call(id: str, name: str = "measure", arguments: str = "{}") -> dict[str, Any]:
    return {"type": "function_call", "call_id": id, "name": name, "arguments": arguments}


def chat_call(id: str, name: str = "measure", arguments: str = "{}") -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def output(id: str, value: Any) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": id, "output": value}


def said(text: str) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {"type": "message", "role": "assistant", "content": [part], "id": "msg_1"}


def test_a_text_is_a_question_of_the_user():
    assert body() == {"messages": [{"role": "user", "content": "how far?"}]}


def test_instructions_come_first_as_the_system_prompt():
    made = body(instructions="Answer in miles.")["messages"]
    assert made[0] == {"role": "system", "content": "Answer in miles."}
    assert made[1]["role"] == "user"


def test_messages_may_lack_a_type_and_have_parts():
    parts = [{"type": "input_text", "text": "one "}, {"type": "input_text", "text": "two"}]
    assert messages(
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": parts},
        said("three"),
        {"type": "message", "role": "user", "content": "four"},
    ) == [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "one two"},
        {"role": "assistant", "content": "three"},
        {"role": "user", "content": "four"},
    ]


def test_pictures_files_and_sound_keep_their_place():
    sound = {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}}
    (message,) = messages(
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "compare"},
                {"type": "input_image", "image_url": "data:image/gif;base64,R0lG", "detail": "low"},
                {"type": "input_image", "image_url": "https://host.example/p.png"},
                {"type": "input_file", "filename": "a.pdf", "file_data": "data:,x"},
                sound,
            ],
        }
    )
    assert message["content"] == [
        {"type": "text", "text": "compare"},
        {"type": "image_url", "image_url": {"url": "data:image/gif;base64,R0lG", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://host.example/p.png"}},
        {"type": "file", "file": {"file_data": "data:,x", "filename": "a.pdf"}},
        sound,
    ]


def test_a_part_with_a_mark_of_its_own_keeps_it():
    part = {"type": "input_text", "text": "long", "cache_control": {"type": "ephemeral"}}
    (message,) = messages({"role": "user", "content": [part]})
    assert message["content"] == [{**part, "type": "text"}]


def test_the_items_of_one_turn_become_one_message_with_calls():
    made = messages(
        {"role": "user", "content": "both"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"},
        said("I measure."),
        call("c1", arguments='{"of":"a"}'),
        call("c2"),
        output("c1", "7"),
        output("c2", [{"type": "input_text", "text": "8 "}, {"type": "input_text", "text": "9"}]),
        said("Done."),
    )
    assert made == [
        {"role": "user", "content": "both"},
        {
            "role": "assistant",
            "content": "I measure.",
            "tool_calls": [chat_call("c1", arguments='{"of":"a"}'), chat_call("c2")],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "7"},
        {"role": "tool", "tool_call_id": "c2", "content": "8 9"},
        {"role": "assistant", "content": "Done."},
    ]


def test_text_after_the_calls_of_a_turn_stays_before_their_outputs():
    made = messages(call("c1"), said("a"), said("b"), output("c1", "7"))
    calls = [chat_call("c1")]
    assert made == [
        {"role": "assistant", "content": "ab", "tool_calls": calls},
        {"role": "tool", "tool_call_id": "c1", "content": "7"},
    ]


def test_two_answers_in_a_row_stay_two():
    assert [m["content"] for m in messages(said("a"), said("b"))] == ["a", "b"]


def test_a_refusal_is_a_member_of_its_message():
    parts = [{"type": "refusal", "refusal": "No."}]
    assert messages({"role": "assistant", "content": parts}) == [
        {"role": "assistant", "content": None, "refusal": "No."}
    ]


def test_a_reference_stands_for_the_item_that_it_names():
    known = {"msg_7": said("far"), "fc_8": call("c8")}
    items = [
        {"type": "item_reference", "id": "rs_6"},
        {"type": "item_reference", "id": "msg_7"},
        {"id": "fc_8"},
        output("c8", "9"),
    ]
    made = chat_messages(items, known.get)
    assert made[0] == {"role": "assistant", "content": "far", "tool_calls": [chat_call("c8")]}
    with pytest.raises(NotFound) as caught:
        messages({"type": "item_reference", "id": "msg_9"})
    assert "store: false" in caught.value.message
    assert caught.value.details == {"param": "input[0]"}


@pytest.mark.parametrize(
    "given",
    [
        None,
        [],
        7,
        ["text"],
        [{"role": "robot", "content": "x"}],
        [{"role": ["user"], "content": "x"}],
        [{"role": "user", "content": 7}],
        [{"role": "user"}],
        [{"role": "user", "content": ["x"]}],
        [{"role": "user", "content": [{"type": "input_text"}]}],
        [{"role": "user", "content": [{"type": "input_video"}]}],
        [{"role": "user", "content": [{"type": "input_image", "file_id": "file_1"}]}],
        [{"role": "user", "content": [{"type": "input_image", "image_url": {"url": "x"}}]}],
        [{"role": "user", "content": [{"type": "input_file", "file_url": "https://x.example"}]}],
        [{"role": "user", "content": [{"type": "input_audio", "input_audio": "x"}]}],
        [{"role": "assistant", "content": ["x"]}],
        [{"role": "assistant", "content": [{"type": "refusal"}]}],
        [{"type": "function_call", "name": "x", "arguments": "{}"}],
        [{**call("c"), "arguments": {}}],
        [{**call("c"), "name": ""}],
        [output("", "x")],
        [{"type": "item_reference"}],
        [{"type": "web_search_call", "id": "ws_1"}],
        [{"type": "custom_tool_call", "id": "x", "call_id": "y", "input": "z"}],
    ],
)
def test_an_input_without_a_form_in_chat_completions_is_refused(given):
    error = refused(input=given)
    assert error.details["param"].startswith("input")


def test_tools_get_the_form_of_chat_completions():
    parameters = {"type": "object", "properties": {}}
    flat = {"type": "function", "name": "f", "parameters": parameters, "strict": True}
    nested = {"type": "function", "function": {"name": "g"}}
    made = body(
        tools=[{**flat, "description": None}, nested],
        tool_choice={"type": "function", "name": "f"},
        parallel_tool_calls=False,
    )
    inner = {"name": "f", "parameters": parameters, "strict": True}
    assert made["tools"] == [{"type": "function", "function": inner}, nested]
    assert made["tool_choice"] == {"type": "function", "function": {"name": "f"}}
    assert made["parallel_tool_calls"] is False
    allowed = {"type": "allowed_tools", "mode": "required", "tools": [flat]}
    assert body(tools=[flat], tool_choice=allowed)["tool_choice"] == {
        "type": "allowed_tools",
        "allowed_tools": {
            "mode": "required",
            "tools": [{"type": "function", "function": {"name": "f"}}],
        },
    }
    assert body(tools=[flat], tool_choice="required")["tool_choice"] == "required"
    without = body(tools=[], tool_choice="auto", parallel_tool_calls=True)
    assert without.keys() == {"messages"}


@pytest.mark.parametrize("kind", ["web_search", "file_search", "mcp", "custom", "computer_use"])
def test_a_tool_that_the_server_does_not_have_is_named(kind):
    error = refused(tools=[{"type": "function", "name": "f"}, {"type": kind}])
    assert kind in error.message and "your program runs" in error.message
    assert (error.status, error.code, error.details) == (
        400,
        "unsupported_value",
        {"param": "tools[1]"},
    )


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"max_output_tokens": 90}, {"max_tokens": 90}),
        ({"reasoning": {"effort": "low", "summary": "auto"}}, {"reasoning_effort": "low"}),
        ({"reasoning": {"effort": None}}, {}),
        ({"text": {"format": {"type": "text"}, "verbosity": "low"}}, {"verbosity": "low"}),
        (
            {"text": {"format": {"type": "json_object"}}},
            {"response_format": {"type": "json_object"}},
        ),
        (
            {
                "text": {
                    "format": {"type": "json_schema", "name": "n", "schema": {}, "strict": True}
                }
            },
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "n", "schema": {}, "strict": True},
                }
            },
        ),
        ({"temperature": 0.25, "top_p": 0.75, "model": "m", "stream": True}, None),
        ({"user": "u", "safety_identifier": "s", "prompt_cache_key": "k"}, None),
        ({"service_tier": "flex", "seed": 4, "my_option": {"a": 1}}, None),
        ({"include": ["reasoning.encrypted_content"], "truncation": "auto"}, {}),
        ({"store": True, "metadata": {"a": "b"}, "max_tool_calls": 3}, {}),
        ({"stream_options": {"include_obfuscation": False}, "background": False}, {}),
        ({"previous_response_id": None, "conversation": None, "top_logprobs": 0}, {}),
    ],
)
def test_options_are_translated_passed_on_or_left_out(members, expected):
    """None as expectation: the members are passed on as they are."""
    made = body(**members)
    made.pop("messages")
    assert made == (members if expected is None else expected)


@pytest.mark.parametrize(
    "members",
    [
        {"previous_response_id": "resp_1"},
        {"conversation": "conv_1"},
        {"conversation": {"id": "conv_1"}},
        {"background": True},
        {"prompt": {"id": "pmpt_1"}},
        {"top_logprobs": 3},
        {"context_management": [{"type": "compaction"}]},
    ],
)
def test_what_needs_a_store_of_responses_is_refused_with_a_way_out(members):
    error = refused(**members)
    (name,) = members
    assert (error.status, error.code) == (400, "unsupported_parameter")
    assert error.details == {"param": name}
    assert error.message.startswith(f"{name} is not supported. ")


@pytest.mark.parametrize(
    "members",
    [
        {"instructions": ["x"]},
        {"max_output_tokens": 0},
        {"max_output_tokens": "9"},
        {"reasoning": "low"},
        {"text": "json"},
        {"text": {"format": "json"}},
        {"text": {"format": {"type": "grammar"}}},
        {"tools": {"type": "function"}},
        {"tools": ["function"]},
        {"tools": [{"type": "function"}]},
        {"tools": [{"type": "function", "name": "f"}], "tool_choice": {"type": "web_search"}},
        {"tools": [{"type": "function", "name": "f"}], "tool_choice": 7},
    ],
)
def test_malformed_members_are_refused(members):
    error = refused(**members)
    assert error.details["param"].partition(".")[0].partition("[")[0] in members


def test_the_response_repeats_the_request_and_never_says_that_it_is_stored():
    given = {"instructions": "i", "temperature": 0.5, "metadata": {"k": "v"}, "store": True}
    head = response_head({**given, "truncation": "auto", "tools": None}, "g-1", 5, "m")
    assert (head["id"], head["status"], head["model"]) == ("resp_g-1", "in_progress", "m")
    assert (head["instructions"], head["temperature"], head["metadata"]) == ("i", 0.5, {"k": "v"})
    assert (head["store"], head["truncation"], head["tools"]) == (False, "disabled", [])


#: Values of any kind; those of the fuzz tests that are JSON.
ODD: list[Any] = []
for text in VALUES:
    try:
        ODD.append(orjson.loads(text))
    except orjson.JSONDecodeError:
        continue
SOUND: list[Any] = [
    {"role": "user", "content": "x"},
    said("x"),
    call("c"),
    output("c", "x"),
    {"type": "input_text", "text": "x"},
    {"type": "input_image", "image_url": "data:,", "detail": "low"},
    {"type": "input_file", "file_data": "data:,", "filename": "x"},
    {"type": "function", "name": "f", "parameters": {}},
    {"format": {"type": "json_schema", "name": "n", "schema": {}}, "effort": "low"},
]


def odd(chance: random.Random, depth: int = 0) -> Any:
    """A sound value with odd parts, a list of such, or an odd value."""
    kind = chance.random()
    if kind < 0.2 or depth > 3:
        return chance.choice(ODD)
    if kind < 0.4:
        return [odd(chance, depth + 1) for _ in range(chance.randint(0, 3))]
    value = dict(chance.choice(SOUND))
    for name in list(value):
        if chance.random() < 0.3:
            value[name] = odd(chance, depth + 1)
    return value


@pytest.mark.parametrize("seed", range(40))
def test_no_request_does_more_than_be_refused(seed):
    chance = random.Random(seed)
    names = [*REPEATED, *REFUSED, "include", "store", "stream", "model", "mine"]
    for _ in range(50):
        given = {name: odd(chance) for name in names if chance.random() < 0.05}
        given["input"] = odd(chance)
        try:
            made = chat_body(given, {}.get)
        except ChatError as error:
            assert error.status in (400, 404)
        else:
            assert all(isinstance(message["role"], str) for message in made["messages"])
            orjson.dumps({"type": "", "response": response_head(given, "g", 5, "m")})


def test_a_request_that_is_nested_too_deeply_is_refused():
    deep: Any = {}
    for _ in range(400):
        deep = {"a": deep}
    assert "deeply" in refused(metadata=deep).message


def test_the_items_that_an_input_names_are_known_before_it_is_read():
    named = [{"type": "item_reference", "id": "msg_1"}, {"id": "fc_2"}]
    others = [
        {"role": "user", "content": "hi", "id": "msg_3"},
        {"id": "rs_4"},
        {"id": [5]},
        "x",
        {},
    ]
    assert referred_to([*named, *others]) == ["msg_1", "fc_2"]
    assert [referred_to(value) for value in VALUES] == [[] for _ in VALUES]
