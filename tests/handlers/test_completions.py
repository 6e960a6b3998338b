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
async def test_an_estimate_counts_calls_of_tools(chat):
    body = {**ASK, "model": 'tool=look_up:{"name": "something long"}'}
    for streamed in (False, True):
        body |= {"stream": streamed, "stream_options": {"include_usage": True}}
        if streamed:
            usage = (await stream(chat, body))[0][-1]["usage"]
        else:
            usage = (await post(chat, body)).json()["usage"]
        assert usage["estimated"] and usage["completion_tokens"] == (7 + 26) // 4


@pytest.mark.gen_test
async def test_a_request_without_a_model_gets_the_name_of_the_one_that_was_asked(chat):
    body = {name: value for name, value in ASK.items() if name != "model"}
    assert (await post(chat, body)).json()["model"] == "fake-model"
    chunks, _ = await stream(chat, body)
    assert {chunk["model"] for chunk in chunks} == {"fake-model"}


@pytest.mark.gen_test
async def test_a_streamed_answer(chat):
    body = {**ASK, "model": "think=hm;say=Hel;wait=0.02;say=lo;usage=3"}
    chunks, _ = await stream(chat, body)
    assert len({c["id"] for c in chunks}) == 1 and chunks[0]["id"].startswith("chatcmpl-")
    deltas = [c["choices"][0]["delta"] for c in chunks]
    assert "".join(d.get("content", "") for d in deltas) == "Hello"
    assert "".join(d.get("reasoning_content", "") for d in deltas) == "hm"
    assert [c["choices"][0]["finish_reason"] for c in chunks][-1] == "stop"
    assert not any("usage" in c for c in chunks)
    chunks, _ = await stream(chat, {**body, "stream_options": {"include_usage": True}})
    (counted,) = [c for c in chunks if c["choices"] == []]
    assert counted["usage"]["completion_tokens"] == 3


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
    assert sent["messages"] == messages
    assert (sent["tools"], sent["temperature"], sent["n"]) == (body["tools"], 0.5, 1)
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
        ("status=401", 502, "auth"),
        ("status=429;after=70", 429, "rate_limit_exceeded"),
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
    assert len(response.headers["x-generation-id"]) == 36


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
        {"messages": [{"role": ["user"], "content": "x"}]},
        {"messages": [{"role": {}, "content": "x"}]},
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


RELAYED = (
    'raw=data: {"id":"up-1","model":"real-model","system_fingerprint":"fp","choices":[{"index":0,'
    '"delta":{"content":"a"},"logprobs":{"content":[{"token":"a"}]}}]}%0A%0A;finish=stop;done'
)


@pytest.mark.gen_test
async def test_unknown_members_and_the_real_model_reach_the_program(chat):
    chunks, response = await stream(chat, {**ASK, "model": RELAYED})
    assert chunks[0]["id"] == "chatcmpl-" + response.headers["x-generation-id"]
    assert (chunks[0]["model"], chunks[0]["system_fingerprint"]) == ("real-model", "fp")
    assert chunks[0]["choices"][0]["logprobs"] == {"content": [{"token": "a"}]}
    answer = (await post(chat, {**ASK, "model": RELAYED})).json()
    assert (answer["model"], answer["system_fingerprint"]) == ("real-model", "fp")
    assert answer["choices"][0]["logprobs"] == {"content": [{"token": "a"}]}


@pytest.mark.gen_test
async def test_the_body_goes_upstream_as_it_came(chat, upstream):
    marked = {"type": "text", "text": "File A:", "cache_control": {"type": "ephemeral"}}
    messages = [
        {"content": [marked, {"type": "text", "text": "File B:"}], "role": "user", "x": [1]},
        {"role": "assistant", "tool_calls": [{"id": "c", "extra_content": {"g": "sig"}}]},
        {"role": "tool", "tool_call_id": "c", "content": [marked]},
    ]
    body = {
        "messages": messages,
        "model": "say=a",
        "stream_options": {"include_obfuscation": False, "include_usage": False},
        "stream": True,
        "seed": None,
        "odd": {"b": 1, "a": 2},
    }
    await post(chat, body)
    (sent,) = upstream.requests
    assert json.dumps(sent["messages"]) == json.dumps(messages)
    assert sent["stream_options"] == {"include_obfuscation": False, "include_usage": True}
    assert json.dumps(sent["odd"]) == json.dumps(body["odd"])
    assert sent.keys() == body.keys() and sent["seed"] is None


@pytest.mark.gen_test
@pytest.mark.parametrize("streamed", [True, False])
async def test_an_option_that_was_left_out_is_told_each_time(chat, streamed):
    refusal = json.dumps({"error": {"message": "Unsupported parameter: top_p", "param": "top_p"}})
    model = f"status=400;times=1;body={refusal};say=yes"
    for _ in range(2):
        response = await post(chat, {**ASK, "model": model, "top_p": 0.5, "stream": streamed})
        assert response.headers["tornado-stream-option-refused"] == "top_p"
        assert b'"warnings":["The model does not accept top_p; it was left out."]' in response.body


async def answers(chat) -> int:
    return len((await chat.request("GET", "/api/conversations")).json()["conversations"])


@pytest.mark.gen_test
@pytest.mark.parametrize("streamed", [True, False])
async def test_a_request_with_a_key_makes_one_answer_that_outlives_its_client(
    chat, upstream, streamed
):
    body = {**ASK, "model": "say=one ;hold;say=two", "stream": streamed}
    key = {"Idempotency-Key": "k-1"}
    connection = await chat.connect()
    await connection.write(chat.encode("POST", "/v1/chat/completions", body, key))
    await until(lambda: upstream.requests, what="the upstream was asked")
    connection.close()
    joined = asyncio.ensure_future(post(chat, body, key))
    await asyncio.sleep(0.05)
    upstream.released.set()
    first = await joined
    again = await post(chat, {name: body[name] for name in reversed(body)}, key)
    assert first.headers["idempotency-replayed"] == again.headers["idempotency-replayed"] == "true"
    assert first.body == again.body and b"two" in again.body
    assert first.headers["x-generation-id"] == again.headers["x-generation-id"]
    assert len(upstream.requests) == 1 and not upstream.closed_at
    other = await post(chat, {**body, "temperature": 1}, key)
    assert (other.status, other.json()["error"]["code"]) == (409, "idempotency_key_reused")
    assert await answers(chat) == 0


@pytest.mark.gen_test
async def test_two_requests_with_a_key_at_once_ask_once(chat, upstream):
    key = {"Idempotency-Key": "k"}
    both = await asyncio.gather(*(post(chat, {**ASK, "model": "say=a"}, key) for _ in range(2)))
    assert both[0].body == both[1].body and len(upstream.requests) == 1


@pytest.mark.gen_test
async def test_a_failure_that_may_have_been_processed_is_replayed_too(chat, upstream):
    key = {"Idempotency-Key": "k"}
    two = [await post(chat, {**ASK, "model": "status=500"}, key) for _ in range(2)]
    assert [one.status for one in two] == [502, 502] and two[0].body == two[1].body
    assert [one.headers.get("idempotency-replayed") for one in two] == [None, "true"]
    assert len({one.headers["x-generation-id"] for one in two}) == len(upstream.requests) == 1


@pytest.mark.gen_test
async def test_the_error_of_a_kept_call_names_its_conversation(chat):
    for path, ask in (("chat/completions", ASK), ("responses", {"input": "hi"})):
        failed = await chat.request(
            "POST", f"/v1/{path}", {**ask, "model": "say=half;reset"}, {"Tornado-Stream-Keep": "1"}
        )
        id = failed.headers["x-generation-id"]
        assert failed.status == 502 and (await chat.resume(id)).text == "half"
    refused = await post(chat, {})
    assert "x-generation-id" not in refused.headers


@pytest.mark.gen_test
async def test_the_same_body_at_another_route_or_in_another_form_is_another_request(chat, upstream):
    key, body = {"Idempotency-Key": "k"}, {**ASK, "input": "hi", "model": "say=a"}
    assert (await post(chat, body, key)).status == 200
    others = [
        await post(chat, {**body, "stream": True}, key),
        await post(chat, {**body, "stream": False}, key),
        await chat.request("POST", "/v1/responses", body, key),
    ]
    for other in others:
        error = other.json()["error"]
        assert (other.status, error["code"]) == (409, "idempotency_key_reused")
        assert "route" in error["message"] and "x-generation-id" not in other.headers
    assert len(upstream.requests) == 1


@pytest.mark.gen_test
async def test_what_was_not_processed_is_not_remembered(chat, upstream):
    key, body = {"Idempotency-Key": "k"}, {**ASK, "model": "status=429;times=1;after=61;say=yes"}
    refused = await post(chat, body, key)
    assert refused.status == 429
    answered = await post(chat, body, key)
    assert answered.status == 200 and "idempotency-replayed" not in answered.headers
    chat.application.generations.draining = True
    key = {"Idempotency-Key": "k2"}
    assert (await post(chat, body, key)).status == 503
    chat.application.generations.draining = False
    assert (await post(chat, body, key)).status == 200


@pytest.mark.gen_test
@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_a_key_has_1_to_255_characters(chat, upstream, key):
    response = await post(chat, ASK, {"Idempotency-Key": key})
    assert (response.status, response.json()["error"]["code"]) == (400, "invalid_request")
    assert (await post(chat, ASK, {"Idempotency-Key": "k" * 255})).status == 200
    assert len(upstream.requests) == 1


@pytest.mark.gen_test
async def test_a_kept_request_that_a_client_repeats_joins_the_first(chat, upstream):
    keep, body = {"Tornado-Stream-Keep": "true"}, {**ASK, "model": "say=a"}
    first = await post(chat, body, keep)
    retried = await post(chat, body, {**keep, "x-stainless-retry-count": "1"})
    assert retried.body == first.body and len(upstream.requests) == 1
    assert await answers(chat) == 1
    other = {**body, "temperature": 0.1}
    await post(chat, other, {**keep, "x-stainless-retry-count": "1"})  # there is no first
    await post(chat, body, {**keep, "x-stainless-retry-count": "0"})  # asked on purpose
    assert len(upstream.requests) == 3 and await answers(chat) == 3


@pytest.mark.gen_test
async def test_a_silent_stream_gets_its_head_and_a_ping_after_one_heartbeat(
    serve, settings, upstream
):
    chat = serve(replace(settings, heartbeat=0.1))
    connection = await chat.connect()
    body = {**ASK, "model": "hold;error=boom", "stream": True}
    await connection.write(chat.encode("POST", "/v1/chat/completions", body, {}))
    begin = await connection.read_until(b": ping\n\n")
    assert begin.startswith(b"HTTP/1.1 200")
    upstream.released.set()
    rest = await connection.read_until(b"data: [DONE]\n\n")
    assert b'{"error":{"message":"boom"' in rest


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("script", "code", "type", "param", "status"),
    [
        ("context_length_exceeded", "context_length_exceeded", "invalid_request_error", "m", 400),
        ("rate_limit_exceeded", "rate_limit_exceeded", "tokens", None, 429),
        ("invalid_api_key", "invalid_api_key", "invalid_request_error", None, 401),
    ],
)
async def test_the_upstreams_code_type_and_param_pass(chat, script, code, type, param, status):
    told = json.dumps({"error": {"message": "Why.", "type": type, "param": param, "code": code}})
    response = await post(chat, {**ASK, "model": f"status={status};after=61;body={told}"})
    error = response.json()["error"]
    assert (error["code"], error["type"], error["param"]) == (code, type, param)
    assert response.status == (502 if status == 401 else status)
    assert ("refused this server's key" in error["message"]) == (status == 401)


@pytest.mark.gen_test
async def test_what_nobody_processed_may_be_sent_again_and_says_when(serve, settings, upstream):
    chat = serve(replace(settings, max_answers=1))
    running = await chat.send(model="say=a;hold")
    await running.until("delta")
    full = await post(chat, ASK)
    upstream.released.set()
    await running.read()
    chat.application.generations.draining = True
    draining = await post(chat, ASK)
    for response in (full, draining):
        assert response.headers["x-should-retry"] == "true", response.body
        assert response.headers["retry-after"] == "5"
    chat.application.generations.draining = False
    bad = await post(chat, {})
    assert bad.headers["x-should-retry"] == "false"
