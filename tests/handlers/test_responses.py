"""OpenAI's API of responses: over chat completions, and with the same rules."""

from __future__ import annotations

import asyncio
import json
import re
import urllib.parse
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from client import until

ASK = {"input": "count to three"}
TOOL = {"type": "function", "name": "measure", "parameters": {"type": "object"}}


async def post(chat, body, headers=None):
    return await chat.request("POST", "/v1/responses", body, headers)


async def stream(chat, body, headers=None) -> list[dict[str, Any]]:
    """The events of a stream; each has its type as name."""
    response = await post(chat, {**body, "stream": True}, headers)
    assert response.headers["content-type"] == "text/event-stream", response.body
    events = []
    for frame in response.body.decode().split("\n\n"):
        if frame and not frame.startswith(":"):
            name, data = frame.split("\n")
            events.append(json.loads(data.removeprefix("data: ")))
            assert name == "event: " + events[-1]["type"]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    return events


def raw(*chunks: Any) -> str:
    """Steps of the fake upstream that send these deltas."""
    texts = [f"data: {json.dumps({'choices': [{'delta': delta}]})}\n\n" for delta in chunks]
    return ";".join("raw=" + urllib.parse.quote(text, safe="") for text in texts)


def calls(*names: str) -> str:
    fragments = [
        {
            "index": i,
            "id": f"call_{i}",
            "function": {"name": name, "arguments": json.dumps({"i": i})},
        }
        for i, name in enumerate(names)
    ]
    return raw(*({"tool_calls": [fragment]} for fragment in fragments)) + ";finish=tool_calls;done"


@pytest.mark.gen_test
async def test_a_whole_response(chat, upstream):
    body = {**ASK, "model": "think=so;say=one ;say=two;usage=5", "instructions": "Count."}
    response = await post(chat, body)
    made = response.json()
    assert (response.status, made["object"], made["status"]) == (200, "response", "completed")
    assert made["id"] == "resp_" + response.headers["x-generation-id"]
    reasoning, message = made["output"]
    assert reasoning["summary"] == [{"type": "summary_text", "text": "so"}]
    assert message["content"][0]["text"] == "one two"
    assert (made["usage"]["input_tokens"], made["usage"]["output_tokens"]) == (1, 5)
    assert (made["instructions"], made["store"], made["error"]) == ("Count.", False, None)
    assert made["model"] == body["model"]
    assert upstream.requests[0]["messages"] == [
        {"role": "system", "content": "Count."},
        {"role": "user", "content": "count to three"},
    ]
    uncounted = (await post(chat, ASK)).json()
    assert uncounted["usage"]["estimated"] and uncounted["usage"]["output_tokens"] == 3
    assert uncounted["model"] == "fake-model"


@pytest.mark.gen_test
async def test_a_streamed_response_ends_with_the_whole_one(chat):
    body = {**ASK, "model": "think=so;say=one ;wait=0.02;say=two;usage=5"}
    events = await stream(chat, body)
    assert [events[0]["type"], events[1]["type"]] == ["response.created", "response.in_progress"]
    deltas = [e["delta"] for e in events if e["type"] == "response.output_text.delta"]
    assert deltas == ["one ", "two"]
    assert events[-1]["type"] == "response.completed"
    streamed, whole = events[-1]["response"], (await post(chat, body)).json()
    for response in (streamed, whole):
        for item in [response, *response["output"]]:
            item["id"] = item["id"].split("_")[0]
        response["created_at"] = 0
    assert streamed == whole


@pytest.mark.gen_test
async def test_what_an_upstream_signed_does_not_end_a_stream_early(chat):
    signed = {"reasoning_details": [{"type": "reasoning.encrypted", "data": "sealed"}]}
    body = {**ASK, "model": raw({"content": "one"}, signed) + ";wait=0.1;finish=stop;done"}
    events = await stream(chat, body)
    assert events[-1]["type"] == "response.completed"
    assert events[-1]["response"]["output"][-1]["content"][0]["text"] == "one"


@pytest.mark.gen_test
async def test_a_round_of_tools(chat, upstream):
    body = {**ASK, "tools": [TOOL], "tool_choice": "auto", "model": calls("measure", "weigh")}
    made = (await post(chat, body)).json()
    first, second = made["output"]
    assert (first["type"], first["call_id"], first["name"]) == (
        "function_call",
        "call_0",
        "measure",
    )
    assert (second["call_id"], second["arguments"]) == ("call_1", '{"i": 1}')
    assert made["tools"] == [TOOL]
    events = await stream(chat, body)
    done = [e for e in events if e["type"] == "response.function_call_arguments.done"]
    assert [(e["name"], e["arguments"]) for e in done] == [
        ("measure", '{"i": 0}'),
        ("weigh", '{"i": 1}'),
    ]
    outputs = [
        {"type": "function_call_output", "call_id": item["call_id"], "output": "7"}
        for item in made["output"]
    ]
    question = {"role": "user", "content": "both"}
    again = {**body, "model": "say=14", "input": [question, *made["output"], *outputs]}
    assert (await post(chat, again)).json()["output"][0]["content"][0]["text"] == "14"
    sent = upstream.requests[-1]
    assert [message["role"] for message in sent["messages"]] == [
        "user",
        "assistant",
        "tool",
        "tool",
    ]
    assert [call["id"] for call in sent["messages"][1]["tool_calls"]] == ["call_0", "call_1"]
    assert sent["tools"][0]["function"]["name"] == "measure"


@pytest.mark.gen_test
async def test_a_request_may_name_items_of_the_last_hour(serve, settings, upstream):
    chat = serve(replace(settings, token="t" * 32))
    login = {"Authorization": "Bearer " + "t" * 32}
    whole = (await post(chat, {**ASK, "model": "say=one"}, login)).json()
    streamed = await stream(chat, {**ASK, "model": "think=x;say=two"}, login)
    items = [*whole["output"], *streamed[-1]["response"]["output"]]
    references = [{"type": "item_reference", "id": item["id"]} for item in items]
    body = {"input": [*references, {"role": "user", "content": "and?"}]}
    assert (await post(chat, body, login)).status == 200
    said = [message["content"] for message in upstream.requests[-1]["messages"]]
    assert said == ["one", "two", "and?"]
    forgotten = (await post(chat, {**ASK, "model": "say=three", "store": False}, login)).json()
    id = forgotten["output"][0]["id"]
    response = await post(chat, {"input": [{"type": "item_reference", "id": id}]}, login)
    error = response.json()["error"]
    assert (response.status, error["code"], error["param"]) == (404, "item_not_found", "input[0]")
    assert len(upstream.requests) == 4


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("say=half;reset", "connection_reset"),
        ("say=half;close", "connection_closed"),
        ("say=half;error=boom", "upstream_error"),
    ],
)
async def test_a_stream_that_breaks_is_never_completed(chat, script, code):
    events = await stream(chat, {**ASK, "model": script})
    error, failed = events[-2:]
    assert (error["type"], error["code"]) == ("error", code)
    assert error["error"]["message"] == error["message"]
    assert (failed["type"], failed["response"]["status"]) == ("response.failed", "failed")
    assert failed["response"]["error"]["message"] == error["message"]
    assert failed["response"]["output"][0]["content"][0]["text"] == "half"
    assert not any(event["type"].endswith((".done", ".completed")) for event in events)
    whole = await post(chat, {**ASK, "model": script})
    assert (whole.status, whole.json()["error"]["code"]) == (502, code)


@pytest.mark.gen_test
async def test_a_server_that_ends_fails_the_response(chat):
    connection = await chat.connect()
    body = {**ASK, "model": "say=half;hold", "stream": True}
    await connection.write(chat.encode("POST", "/v1/responses", body, {}))
    await connection.read_until(b'"delta":"half"')
    await chat.application.generations.interrupt(1)
    rest = await connection.read_until(b"\r\n0\r\n\r\n")
    assert b"event: response.failed" in rest and b"response.completed" not in rest
    connection.close()


@pytest.mark.gen_test
@pytest.mark.parametrize("reason", ["length", "content_filter"])
async def test_a_response_that_was_cut_is_incomplete(chat, reason):
    body = {**ASK, "model": f"say=half;finish={reason};done", "max_output_tokens": 4}
    made = (await post(chat, body)).json()
    assert made["status"] == "incomplete"
    assert (await stream(chat, body))[-1]["type"] == "response.incomplete"


@pytest.mark.gen_test
@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize(
    ("script", "status", "code"),
    [
        ("status=400", 400, "bad_request"),
        ("status=500", 502, "upstream_5xx"),
        ("error=no", 502, None),
    ],
)
async def test_a_failure_before_the_first_text_is_a_status(chat, streamed, script, status, code):
    response = await post(chat, {**ASK, "model": script, "stream": streamed})
    error = response.json()["error"]
    assert response.status == status and error["code"] == (code or "upstream_error")
    assert response.headers["x-should-retry"] == "false"


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "input"),
        ({**ASK, "previous_response_id": "resp_9"}, "previous_response_id"),
        ({**ASK, "tools": [{"type": "web_search"}]}, "tools[0]"),
        ({**ASK, "background": True}, "background"),
    ],
)
async def test_what_cannot_be_done_is_refused_in_openais_form(chat, upstream, body, param):
    response = await post(chat, body)
    error = response.json()["error"]
    assert (response.status, error["type"], error["param"]) == (400, "invalid_request_error", param)
    assert error["code"] and error["message"]
    assert not upstream.requests


@pytest.mark.gen_test
@pytest.mark.parametrize("body", [{**ASK, "model": 7}, {**ASK, "stream": "yes"}, {**ASK, "n": 2}])
async def test_what_chat_completions_refuse_is_refused(chat, upstream, body):
    assert (await post(chat, body)).status == 400
    assert not upstream.requests


@pytest.mark.gen_test
async def test_options_reach_the_upstream_and_nothing_is_saved(chat, upstream):
    body = {
        **ASK,
        "max_output_tokens": 70,
        "temperature": 0.5,
        "reasoning": {"effort": "low"},
        "text": {"format": {"type": "json_object"}},
        "seed": 3,
        "metadata": {"a": "b"},
        "store": True,
        "include": ["reasoning.encrypted_content"],
    }
    response = await post(chat, body)
    assert response.json()["metadata"] == {"a": "b"}
    sent = upstream.requests[0]
    options = {n: v for n, v in sent.items() if n not in ("messages", "model", "stream_options")}
    assert options == {
        "stream": True,
        "max_tokens": 70,
        "temperature": 0.5,
        "reasoning_effort": "low",
        "response_format": {"type": "json_object"},
        "seed": 3,
    }
    assert (await chat.request("GET", "/api/conversations")).json()["conversations"] == []


@pytest.mark.gen_test
@pytest.mark.parametrize("streamed", [True, False])
async def test_a_client_that_leaves_stops_the_upstream(chat, upstream, streamed):
    connection = await chat.connect()
    body = {**ASK, "model": "say=a;hold", "stream": streamed}
    await connection.write(chat.encode("POST", "/v1/responses", body, {}))
    await until(lambda: upstream.requests, what="the upstream was asked")
    connection.close()
    await until(lambda: upstream.closed_at, what="the upstream's connection is closed")


@pytest.mark.gen_test
async def test_with_the_keep_header_the_answer_outlives_its_client(chat, upstream):
    connection = await chat.connect()
    body = {**ASK, "model": "say=one ;hold;say=two", "stream": True}
    head = {"Tornado-Stream-Keep": "true"}
    await connection.write(chat.encode("POST", "/v1/responses", body, head))
    start = await connection.read_until(b'"delta":"one "')
    id = start.lower().split(b"x-generation-id: ")[1].split(b"\r\n")[0].decode()
    connection.close()
    await asyncio.sleep(0.05)
    upstream.released.set()
    assert (await chat.resume(id)).text == "one two"
    (listed,) = (await chat.request("GET", "/api/conversations")).json()["conversations"]
    assert listed["title"] == "count to three"


@pytest.mark.gen_test
async def test_a_picture_reaches_the_upstream(chat, upstream):
    parts = [
        {"type": "input_text", "text": "What is it?"},
        {"type": "input_image", "image_url": "data:image/gif;base64,R0lG"},
    ]
    body = {"model": "say=a gif", "input": [{"role": "user", "content": parts}]}
    assert (await post(chat, body)).status == 200
    (message,) = upstream.requests[0]["messages"]
    assert message["content"][1] == {
        "type": "image_url",
        "image_url": {"url": "data:image/gif;base64,R0lG"},
    }


#: What a member of a request is in the table of docs/http-api.md: a value for it, and the members
#: that the upstream then gets.
MEMBERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "input": ("why?", {"messages": [{"role": "user", "content": "why?"}]}),
    "instructions": (
        "Be brief.",
        {
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": ASK["input"]},
            ]
        },
    ),
    "max_output_tokens": (60, {"max_tokens": 60}),
    "reasoning": ({"effort": "high", "summary": "auto"}, {"reasoning_effort": "high"}),
    "text": ({"format": {"type": "json_object"}, "verbosity": "low"}, {
        "response_format": {"type": "json_object"}, "verbosity": "low"}),
    "tools": ([TOOL], {"tools": [{"type": "function", "function": {
        "name": "measure", "parameters": {"type": "object"}}}]}),
    "tool_choice": ("required", {}),
    "parallel_tool_calls": (False, {}),
    "model": ("say=x", {"model": "say=x"}),
    "stream": (False, {"stream": True}),
    "temperature": (0.5, {"temperature": 0.5}),
    "top_p": (0.5, {"top_p": 0.5}),
    "user": ("u", {"user": "u"}),
    "safety_identifier": ("s", {"safety_identifier": "s"}),
    "prompt_cache_key": ("k", {"prompt_cache_key": "k"}),
    "service_tier": ("flex", {"service_tier": "flex"}),
    "store": (True, {}),
    "metadata": ({"a": "b"}, {}),
    "include": (["message.output_text.logprobs"], {}),
    "truncation": ("auto", {}),
    "max_tool_calls": (3, {}),
    "stream_options": ({"include_obfuscation": True}, {}),
    "messages": ([{"role": "user", "content": "other"}], {}),
    "previous_response_id": ("resp_1", {}),
    "conversation": ({"id": "conv_1"}, {}),
    "background": (True, {}),
    "prompt": ({"id": "pmpt_1"}, {}),
    "top_logprobs": (2, {}),
    "context_management": ([{"type": "compaction"}], {}),
}  # fmt: skip


def documented() -> dict[str, str]:
    """What the server does with each member, as the document says."""
    text = (Path(__file__).parents[2] / "docs/http-api.md").read_text(encoding="utf-8")
    section = text.partition("## `POST /v1/responses`")[2]
    rows = re.findall(r"^\| (`.+?) \| (\w[\w ]+) \|", section, re.MULTILINE)
    return {name: kind for names, kind in rows for name in re.findall(r"`(\w+)`", names)}


def test_the_document_names_every_member():
    assert documented().keys() == MEMBERS.keys()


@pytest.mark.gen_test
@pytest.mark.parametrize("name", MEMBERS)
async def test_the_table_of_members_is_true(chat, upstream, name):
    value, expected = MEMBERS[name]
    kind = documented()[name]
    response = await post(chat, {**ASK, name: value})
    if kind == "refused":
        assert (response.status, response.json()["error"]["param"]) == (400, name)
        assert (await post(chat, {**ASK, name: None})).status == 200
        return
    assert response.status == 200
    usual = {"model": "fake-model", "stream": True, "stream_options": {"include_usage": True}}
    question = {"messages": [{"role": "user", "content": ASK["input"]}]}
    assert upstream.requests[0] == usual | question | expected
    if kind == "passed on" and name != "stream":
        assert expected == {name: value}
    if kind == "left out":
        assert expected == {}


@pytest.mark.gen_test
@pytest.mark.parametrize("streamed", [True, False])
async def test_a_request_with_a_key_that_comes_again_gets_the_same_response(
    chat, upstream, streamed
):
    key = {"Idempotency-Key": "measure-7"}
    body = {**ASK, "model": "think=x;say=once;usage=2", "stream": streamed}
    first, second = [await post(chat, body, key) for _ in range(2)]
    assert first.body == second.body and b"once" in first.body
    assert second.headers["idempotency-replayed"] == "true"
    other = await post(chat, {**body, "input": "another"}, key)
    assert other.status == 409
    assert len(upstream.requests) == 1


@pytest.mark.gen_test
async def test_a_silent_stream_gets_its_head_and_heartbeats(serve, settings, upstream):
    chat = serve(replace(settings, heartbeat=0.05))
    connection = await chat.connect()
    body = {**ASK, "model": "wait=0.3;say=late", "stream": True}
    await connection.write(chat.encode("POST", "/v1/responses", body, {}))
    head = await connection.read_until(b": ping")
    assert b"200 OK" in head and b"response.created" not in head
    rest = await connection.read_until(b"\r\n0\r\n\r\n")
    assert b"event: response.completed" in rest
    connection.close()


@pytest.mark.gen_test
async def test_a_limit_gets_the_name_that_the_upstream_wants(chat, upstream):
    """Options are adapted, since a request of this API never was one of chat completions."""
    body = json.dumps({"error": {"message": "Use max_completion_tokens, not max_tokens."}})
    model = f"status=400;times=1;body={urllib.parse.quote(body)};say=ok"
    response = await post(chat, {**ASK, "model": model, "max_output_tokens": 9})
    assert response.json()["output"][0]["content"][0]["text"] == "ok"
    assert upstream.requests[-1]["max_completion_tokens"] == 9
    assert "max_tokens" not in upstream.requests[-1]


@pytest.mark.gen_test
async def test_an_option_that_was_left_out_is_told(chat, upstream):
    body = json.dumps({"error": {"message": "Unsupported parameter: 'seed'.", "param": "seed"}})
    model = f"status=400;times=1;body={urllib.parse.quote(body)};say=ok"
    response = await post(chat, {**ASK, "model": model, "seed": 9})
    assert response.headers["tornado-stream-option-refused"] == "seed"
    assert response.json()["warnings"] == ["The model does not accept seed; it was left out."]
    assert len(upstream.requests) == 2


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/embeddings"),
        ("POST", "/v1/completions"),
        ("GET", "/v1/responses/resp_1"),
        ("DELETE", "/v1/responses/resp_1"),
        ("POST", "/v1/audio/speech"),
    ],
)
async def test_what_the_server_does_not_have_is_named(chat, method, path):
    response = await chat.request(method, path, {} if method == "POST" else None)
    error = response.json()["error"]
    assert (response.status, error["code"]) == (404, "not_found")
    assert (error["type"], error["param"]) == ("invalid_request_error", None)
    assert path in error["message"] and "POST /v1/responses" in error["message"]
