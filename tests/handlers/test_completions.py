"""OpenAI's API for other programs: requests, responses, and clients that leave."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from client import until

ASK = {"messages": [{"role": "user", "content": "hello you"}]}


async def post(chat, body, headers=None):
    return await chat.request("POST", "/v1/chat/completions", body, headers)


async def stream(chat, body, headers=None) -> tuple[list[dict], object]:
    """The chunks of a stream without the last one, `[DONE]`; and the response."""
    response = await post(chat, {**body, "stream": True}, headers)
    assert response.headers["content-type"] == "text/event-stream", response.body
    lines = [line for line in response.body.decode().split("\n\n") if line.startswith("data: ")]
    assert lines[-1] == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines[:-1]], response


@pytest.mark.gen_test
async def test_a_whole_answer(chat, upstream):
    response = await post(chat, {**ASK, "model": "say=Hel;say=lo;usage=3;finish=length;done"})
    answer = response.json()
    assert response.status == 200 and answer["object"] == "chat.completion"
    assert answer["id"] == "chatcmpl-" + response.headers["x-generation-id"]
    (choice,) = answer["choices"]
    assert choice["message"] == {"role": "assistant", "content": "Hello", "refusal": None}
    assert (choice["index"], choice["finish_reason"]) == (0, "length")
    assert answer["usage"]["completion_tokens"] == 3
    assert upstream.requests[0]["messages"] == ASK["messages"]
    uncounted = (await post(chat, ASK)).json()["usage"]
    assert uncounted["estimated"] and uncounted["total_tokens"] == 4


@pytest.mark.gen_test
async def test_a_streamed_answer(chat):
    body = {**ASK, "model": "think=hm;say=Hel;wait=0.02;say=lo;usage=3"}
    chunks, _ = await stream(chat, body)
    assert {c["object"] for c in chunks} == {"chat.completion.chunk"}
    assert len({(c["id"], c["created"], c["model"]) for c in chunks}) == 1
    deltas = [c["choices"][0]["delta"] for c in chunks]
    assert [d.get("role") for d in deltas] == ["assistant"] + [None] * (len(deltas) - 1)
    assert "".join(d.get("content", "") for d in deltas) == "Hello"
    assert "".join(d.get("reasoning_content", "") for d in deltas) == "hm"
    assert [c["choices"][0]["finish_reason"] for c in chunks][-1] == "stop"
    assert not any("usage" in c for c in chunks)
    chunks, _ = await stream(chat, {**body, "stream_options": {"include_usage": True}})
    assert chunks[-1]["choices"] == [] and chunks[-1]["usage"]["completion_tokens"] == 3


@pytest.mark.gen_test
async def test_tools_and_parts_and_other_roles_are_passed_on(chat, upstream):
    call = {"index": 0, "id": "c1", "type": "function"}
    fragments = [
        {**call, "function": {"name": "get", "arguments": ""}},
        {"index": 0, "function": {"arguments": '{"a":1}'}},
    ]
    script = ";".join(
        "raw=data: "
        + json.dumps({"choices": [{"delta": {"tool_calls": [f]}}]}).replace(";", "%3B")
        + "\\n\\n".replace("\\n", "%0A")
        for f in fragments
    )
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "x"}]},
        {"role": "tool", "tool_call_id": "x", "content": "7"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]},
    ]
    body = {"messages": messages, "tools": [{"type": "function"}], "temperature": 0.5, "n": 1}
    answer = (await post(chat, {**body, "model": script + ";finish=tool_calls;done"})).json()
    (choice,) = answer["choices"]
    (made,) = choice["message"]["tool_calls"]
    assert made == {
        "id": "c1",
        "type": "function",
        "function": {"name": "get", "arguments": '{"a":1}'},
    }
    assert (choice["message"]["content"], choice["finish_reason"]) == (None, "tool_calls")
    sent = upstream.requests[0]
    assert sent["messages"] == [messages[0], {"role": "user", "content": "ab"}, *messages[2:]]
    assert (sent["tools"], sent["temperature"]) == (body["tools"], 0.5)
    assert "n" not in sent
    chunks, _ = await stream(chat, {**body, "model": script + ";finish=tool_calls;done"})
    calls = [d for c in chunks for d in c["choices"][0]["delta"].get("tool_calls", [])]
    assert calls[0]["id"] == "c1" and calls[0]["type"] == "function"
    assert "".join(c["function"]["arguments"] for c in calls) == '{"a":1}'


@pytest.mark.gen_test
async def test_by_default_nothing_is_saved(chat):
    response = await post(chat, ASK)
    id = response.headers["x-generation-id"]
    assert (await chat.request("GET", f"/stream/{id}")).status == 404
    assert (await chat.request("GET", "/api/conversations")).json()["conversations"] == []
    assert len(chat.application.generations) == 0


@pytest.mark.gen_test
@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("script", ["nohead=9", "hold", "say=a;hold"])
async def test_a_client_that_leaves_stops_the_upstream(chat, upstream, streamed, script):
    connection = await chat.connect()
    body = {**ASK, "model": script, "stream": streamed}
    await connection.write(chat.encode("POST", "/v1/chat/completions", body, {}))
    await until(lambda: upstream.requests, what="the upstream was asked")
    if script == "say=a;hold" and streamed:
        await connection.read_until(b'"content":"a"')
    connection.close()
    await until(lambda: upstream.closed_at, what="the upstream's connection is closed")
    await until(lambda: not len(chat.application.generations), what="the answer has ended")
    assert len(upstream.requests) == 1


@pytest.mark.gen_test
async def test_with_the_keep_header_the_answer_outlives_its_client(chat, upstream):
    connection = await chat.connect()
    body = {**ASK, "model": "say=one ;hold;say=two", "stream": True}
    head = {"Tornado-Stream-Keep": "true"}
    await connection.write(chat.encode("POST", "/v1/chat/completions", body, head))
    start = await connection.read_until(b'"content":"one "')
    id = start.lower().split(b"x-generation-id: ")[1].split(b"\r\n")[0].decode()
    connection.close()
    await asyncio.sleep(0.05)
    assert not upstream.closed_at
    upstream.released.set()
    answer = await chat.resume(id)
    assert (answer.end["state"], answer.text) == ("done", "one two")
    (listed,) = (await chat.request("GET", "/api/conversations")).json()["conversations"]
    assert listed["title"] == "hello you"
    assert len(upstream.requests) == 1


@pytest.mark.gen_test
@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize(
    ("script", "status", "code"),
    [
        ("status=401", 401, "auth"),
        ("status=429;after=70", 429, "rate_limit"),
        ("status=500", 502, "upstream_5xx"),
        ("close", 502, "connection_closed"),
        ("error=boom", 502, "upstream_error"),
    ],
)
async def test_a_failure_before_the_first_text_is_a_status(chat, streamed, script, status, code):
    response = await post(chat, {**ASK, "model": script, "stream": streamed})
    error = response.json()["error"]
    assert (response.status, error["code"]) == (status, code)
    assert set(error) >= {"message", "type", "param", "code"} and error["param"] is None
    assert response.headers["x-should-retry"] == "false"
    assert response.headers.get("retry-after") == ("70" if "after" in script else None)


@pytest.mark.gen_test
async def test_a_failure_after_some_text_is_a_chunk(chat):
    chunks, _ = await stream(chat, {**ASK, "model": "say=half;reset"})
    assert chunks[0]["choices"][0]["delta"]["content"] == "half"
    assert chunks[-1]["error"]["code"] == "connection_reset"
    whole = await post(chat, {**ASK, "model": "say=half;reset"})
    assert (whole.status, whole.json()["error"]["code"]) == (502, "connection_reset")


@pytest.mark.gen_test
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": []},
        {"messages": "hi"},
        {"messages": ["hi"]},
        {"messages": [{"role": "robot", "content": "x"}]},
        {"messages": [{"role": "user", "content": 7}]},
        {"messages": [{"role": "user", "content": ["x"]}]},
        {**ASK, "n": 2},
        {**ASK, "model": 7},
        {**ASK, "stream": "yes"},
        {**ASK, "stream": True, "stream_options": 7},
    ],
)
async def test_malformed_requests_get_errors_in_openais_form(chat, upstream, body):
    response = await post(chat, body)
    error = response.json()["error"]
    assert (response.status, error["type"]) == (400, "invalid_request_error")
    assert error["code"] == "invalid_request" and error["message"]
    assert not upstream.requests


@pytest.mark.gen_test
async def test_models(chat):
    body = (await chat.request("GET", "/v1/models")).json()
    assert body["object"] == "list"
    (model,) = body["data"]
    assert model == {"id": "fake-model", "object": "model", "created": 0, "owned_by": "openai"}
    assert (await chat.request("GET", "/v1/models/fake-model")).json() == model
    missing = await chat.request("GET", "/v1/models/none/such")
    assert (missing.status, missing.json()["error"]["code"]) == (404, "model_not_found")


@pytest.mark.gen_test
async def test_a_draining_server_begins_no_answer(chat, upstream):
    chat.application.generations.draining = True
    response = await post(chat, ASK)
    assert (response.status, response.json()["error"]["code"]) == (503, "draining")
    assert not upstream.requests


@pytest.mark.gen_test
async def test_a_server_with_a_login_requires_a_token(serve, settings, upstream):
    token = "t" * 32
    chat = serve(replace(settings, token=token))
    for headers in ({}, {"Authorization": "Bearer sk-unknown"}):
        response = await post(chat, ASK, headers)
        error = response.json()["error"]
        assert (response.status, error["type"]) == (401, "invalid_request_error")
        assert response.headers["www-authenticate"] == "Bearer"
    assert not upstream.requests
    login = {"Authorization": f"Bearer {token}"}
    assert (await post(chat, ASK, login)).status == 200
    assert (await chat.request("GET", "/v1/models", headers=login)).status == 200


@pytest.mark.gen_test
async def test_answers_that_are_not_saved_count_against_the_limit(serve, settings, upstream):
    chat = serve(replace(settings, max_answers=1))
    stream = await chat.send(model="say=a;hold")
    await stream.until("delta")
    response = await post(chat, ASK)
    assert (response.status, response.json()["error"]["code"]) == (429, "too_many_answers")
    assert response.headers["retry-after"] == "5"
    upstream.released.set()
    await stream.read()
    assert (await post(chat, ASK)).status == 200
