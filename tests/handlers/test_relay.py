"""`/v1` is a relay: what it does not know passes through in both directions, endings keep their
meaning, and the upstream's errors keep their codes."""

from __future__ import annotations

import json
import random
import string
import urllib.parse
from typing import Any

import pytest

from .test_completions import ASK, post, stream

FAILURE = {"type": "server_error", "param": None, "code": "overloaded", "message": "too much"}


class Json:
    """Random JSON. The names of members are unlike every name that has a meaning."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def name(self) -> str:
        letters = self.rng.choices(string.ascii_letters + "_-é", k=self.rng.randint(1, 12))
        return "x" + "".join(letters)

    def members(self, depth: int = 3) -> dict[str, Any]:
        return {self.name(): self.value(depth) for _ in range(self.rng.randint(0, 3))}

    def value(self, depth: int) -> Any:
        rng = self.rng
        kind = rng.randrange(8 if depth else 6)
        if kind == 6:
            return [self.value(depth - 1) for _ in range(rng.randint(0, 3))]
        if kind == 7:
            return self.members(depth - 1)
        texts = ["", "é😀", "\\u0041", 'a"b', "</script>", "\u2028", "data: [DONE]\n\n", "x;y=z"]
        scalars = [None, True, False, rng.randint(-(2**53), 2**53), rng.random(), 1e-9]
        return rng.choice(texts) if kind < 3 else rng.choice(scalars)


def raw(chunk: Any) -> str:
    """The step that sends this chunk."""
    data = chunk if isinstance(chunk, str) else json.dumps(chunk)
    return "raw=" + urllib.parse.quote(f"data: {data}\n\n")


def random_chunks(known: Json) -> list[dict[str, Any]]:
    """Chunks as a server sends them, with unknown members everywhere."""
    head = {"id": "up-1", "object": "chat.completion.chunk", "created": 7, "model": "its-name"}
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": known.rng.choice(["a", "bc ", "<think>", "é"])} for _ in range(4)]
    reasons = [None] * len(deltas) + ["stop"]
    return [
        {
            **head,
            **known.members(),
            "choices": [
                {"index": 0, "delta": {**delta, **known.members()}, "finish_reason": reason}
                | known.members()
            ],
        }
        for delta, reason in zip([*deltas, {}], reasons, strict=True)
    ]


@pytest.mark.gen_test
@pytest.mark.parametrize("seed", range(25))
async def test_members_of_chunks_that_are_not_known_reach_the_program(chat, seed):
    sent = random_chunks(Json(seed))
    script = ";".join([*map(raw, sent), "done"])
    received, response = await stream(chat, {**ASK, "model": script})
    id = "chatcmpl-" + response.headers["x-generation-id"]
    assert received == [{**chunk, "id": id} for chunk in sent]
    whole = (await post(chat, {**ASK, "model": script})).json()
    (choice,) = whole["choices"]
    for chunk in sent:
        assert_has(whole, chunk, "id", "object", "choices")
        assert_has(choice, chunk["choices"][0], "delta", "finish_reason")
        assert_has(choice["message"], chunk["choices"][0]["delta"], "content", "role")
    assert choice["message"]["content"] == "".join(
        chunk["choices"][0]["delta"].get("content", "") for chunk in sent
    )


def assert_has(whole: dict[str, Any], part: dict[str, Any], *without: str) -> None:
    expected = {name: value for name, value in part.items() if name not in without}
    assert {name: whole.get(name) for name in expected} == expected  # null is as good as nothing


@pytest.mark.gen_test
@pytest.mark.parametrize("seed", range(25))
async def test_members_of_requests_that_are_not_known_reach_the_upstream(chat, upstream, seed):
    known = Json(seed)
    parts = [{"type": "text", "text": text, **known.members()} for text in ("File A:", "File B:")]
    image = {"type": "image_url", "image_url": {"url": "data:,", **known.members()}}
    body = {
        "messages": [
            {"role": "system", "content": parts, **known.members()},
            {"role": "user", "content": [*parts, image], **known.members()},
            {"role": "assistant", "content": None, "tool_calls": [{"id": "x", **known.members()}]},
            {"role": "tool", "tool_call_id": "x", "content": parts[:1], **known.members()},
            {"role": "user", "content": "hello", **known.members()},
        ],
        "model": "say=ok",
        "tools": [{"type": "custom", "custom": {"name": "f"}, **known.members()}],
        **known.members(),
    }
    options = {"include_obfuscation": False, **known.members()}
    streamed = {**body, "stream": True, "stream_options": options}
    assert (await post(chat, body)).status == (await post(chat, streamed)).status == 200
    for request, asked in zip(upstream.requests, (body, streamed), strict=True):
        own = {"stream", "stream_options"}
        assert {n: v for n, v in request.items() if n not in own} == {
            n: v for n, v in asked.items() if n not in own
        }
    sent = upstream.requests[1]["stream_options"]
    assert {name: sent.get(name, "missing") for name in options} == options


CUT = ["abort", "ABORT", "aborted", "cancelled", "canceled", "timeout"]
CUT += ["insufficient_system_resource"]
FAILED = ["error", "ERROR", "network_error", "MALFORMED_FUNCTION_CALL", "malformed_function_call"]
GOOD = ["stop", "STOP", "length", "max_tokens", "eos", "end_turn", "content_filter", "sensitive"]
UNKNOWN = ["quokka", "x-of-its-own"]
STATES = {
    **dict.fromkeys(CUT, "cut_off"),
    **dict.fromkeys(FAILED, "error"),
    **dict.fromkeys([*GOOD, *UNKNOWN], "done"),
}


@pytest.mark.gen_test
@pytest.mark.parametrize("reason", STATES)
async def test_a_finish_reason_means_the_same_for_every_reader(chat, reason):
    script, state = f"say=half;finish={reason};done", STATES[reason]
    end = (await chat.ask(model=script)).end
    assert (end["state"], end["error"] is None) == (state, state == "done")
    chunks, _ = await stream(chat, {**ASK, "model": script})
    whole = await post(chat, {**ASK, "model": script})
    reasons = [choice["finish_reason"] for c in chunks for choice in c.get("choices", ())]
    if state == "done":
        assert "error" not in chunks[-1] and whole.status == 200
        assert reasons[-1] == whole.json()["choices"][0]["finish_reason"]
        return
    assert not any(reasons) and chunks[-1]["error"]["message"]
    assert whole.status == 502 and whole.json()["error"]["message"]


@pytest.mark.gen_test
@pytest.mark.parametrize("word", ["null", "None", "in_progress"])
async def test_a_program_gets_no_finish_reason_that_means_not_yet(chat, word):
    open_chunk = raw({"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": word}]})
    for ending in ("close", "end"):
        body = {**ASK, "model": f"{open_chunk};{open_chunk};{ending}"}
        chunks, _ = await stream(chat, body)
        assert not any(c["finish_reason"] for chunk in chunks for c in chunk.get("choices", ()))
        assert chunks[-1]["error"]["message"] and (await post(chat, body)).status == 502
    body = {**ASK, "model": f"{open_chunk};done"}
    chunks, _ = await stream(chat, body)
    (choice,) = (await post(chat, body)).json()["choices"]
    assert chunks[-1]["choices"][0]["finish_reason"] == choice["finish_reason"] == "stop"


@pytest.mark.gen_test
@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("reason", [*CUT, *FAILED])
async def test_a_failure_told_by_a_reason_alone_is_a_status(chat, reason, streamed):
    body = {**ASK, "model": f"finish={reason};done", "stream": streamed}
    response = await post(chat, body)
    assert response.status == 502 and response.json()["error"]["message"]


@pytest.mark.gen_test
@pytest.mark.parametrize(
    "last",
    [
        {"choices": [{"delta": {}, "finish_reason": "stop", "native_finish_reason": "error"}]},
        {"choices": [{"delta": {}, "finish_reason": "error", "native_finish_reason": "stop"}]},
        {"choices": [], "x_groq": {"id": "r", "error": "over capacity"}},
        {"choices": [{"delta": {}, "finish_reason": "stop"}], "x_groq": {"error": "broke"}},
    ],
)
async def test_failures_that_other_members_tell(chat, last):
    script = f"say=half;{raw(last)};done"
    assert (await chat.ask(model=script)).end["state"] == "error"
    chunks, _ = await stream(chat, {**ASK, "model": script})
    assert chunks[-1]["error"]["message"]
    assert (await post(chat, {**ASK, "model": script})).status == 502


@pytest.mark.gen_test
@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize(
    ("status", "expected", "code", "type", "param"),
    [
        (400, 400, "context_length_exceeded", "invalid_request_error", "messages"),
        (400, 400, "unsupported_value", "invalid_request_error", "messages[0].role"),
        (404, 404, "model_not_found", "invalid_request_error", "model"),
        (429, 429, "rate_limit_exceeded", "tokens", None),
        (429, 429, "insufficient_quota", "insufficient_quota", None),
        (401, 502, "invalid_api_key", "invalid_request_error", None),
        (403, 502, "unsupported_country_region_territory", "request_forbidden", None),
    ],
)
async def test_errors_of_the_upstream_keep_their_codes(
    chat, streamed, status, expected, code, type, param
):
    error = {"message": "It says why.", "type": type, "param": param, "code": code}
    script = f"status={status};body={urllib.parse.quote(json.dumps({'error': error}))}"
    response = await post(chat, {**ASK, "model": script, "stream": streamed})
    got = response.json()["error"]
    assert response.status == expected
    if status not in (401, 403):  # these are about this server's own key
        assert (got["code"], got["type"], got["param"]) == (code, type, param)
    assert "It says why." in got["message"]


@pytest.mark.gen_test
async def test_errors_within_a_stream_keep_their_codes(chat):
    script = f"say=half;{raw({'error': FAILURE})}"
    chunks, _ = await stream(chat, {**ASK, "model": script})
    got = chunks[-1]["error"]
    assert {name: got[name] for name in ("code", "type", "param")} == {
        name: FAILURE[name] for name in ("code", "type", "param")
    }
    assert FAILURE["message"] in got["message"]


@pytest.mark.gen_test
async def test_the_older_form_of_completions_has_its_text(chat):
    """Its choices have a `text` instead of a delta or a message."""
    head = {"id": "up-1", "object": "text_completion", "created": 7, "model": "its-name"}
    texts = ["Hel", "lo", "\n", ""]
    reasons = [None, None, None, "stop"]
    chunks = [
        {**head, "choices": [{"index": 0, "text": text, "logprobs": None, "finish_reason": reason}]}
        for text, reason in zip(texts, reasons, strict=True)
    ]
    script = ";".join([*map(raw, chunks), "done"])
    answer = await chat.ask(model=script)
    assert (answer.text, answer.end["state"]) == ("Hello\n", "done")
    received, _ = await stream(chat, {**ASK, "model": script})
    said = [chunk["choices"][0]["delta"].get("content", "") for chunk in received]
    assert said == texts and {chunk["object"] for chunk in received} == {"chat.completion.chunk"}
    whole = (await post(chat, {**ASK, "model": script})).json()
    assert whole["choices"][0]["message"]["content"] == "Hello\n"
    assert "text" not in whole["choices"][0]
    body = {**head, "choices": [{"index": 0, "text": "in one piece", "finish_reason": "stop"}]}
    script = "raw=" + urllib.parse.quote(json.dumps(body), safe="") + ";end"
    assert (await chat.ask(model=script)).text == "in one piece"
    whole = (await post(chat, {**ASK, "model": script})).json()
    assert whole["choices"][0]["message"]["content"] == "in one piece"


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"code": 40102, "message": "why"}, "40102"),
        ({"error_code": 336501, "message": "why"}, "336501"),
        ({"code": -7, "message": "why"}, "-7"),
        ({"code": 0, "message": "why"}, "upstream_5xx"),
        ({"code": 503, "message": "why"}, "upstream_5xx"),
        ({"code": True, "message": "why"}, "upstream_5xx"),
        ({"code": "named", "error_code": 336501, "message": "why"}, "named"),
    ],
)
async def test_a_code_that_is_a_number_is_told_as_text(chat, told, code):
    for error in ({"error": told}, told):
        body = urllib.parse.quote(json.dumps(error), safe="")
        response = await post(chat, {**ASK, "model": f"status=500;body={body}"})
        assert response.json()["error"]["code"] == code, error


@pytest.mark.gen_test
async def test_a_call_that_is_sent_twice_whole_comes_once(chat):
    def piece(**function: str) -> str:
        call = {"index": 0, "id": "call_9", "type": "function", "function": function}
        return raw({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]})

    whole = piece(name="measure", arguments='{"depth": 3}')
    in_pieces = [piece(name="measure", arguments='{"dep'), piece(arguments='th": 3}')]
    for steps in ([whole, whole], [*in_pieces, whole], [*in_pieces, piece(name="measure")]):
        script = ";".join([*steps, "finish=tool_calls", "done"])
        answer = (await post(chat, {**ASK, "model": script})).json()
        (call,) = answer["choices"][0]["message"]["tool_calls"]
        assert call["function"] == {"name": "measure", "arguments": '{"depth": 3}'}, steps


@pytest.mark.gen_test
async def test_the_end_of_an_answer_that_is_not_kept_says_so(chat, upstream):
    connection = await chat.open(
        "POST", "/v1/chat/completions", {**ASK, "model": "say=a;hold", "stream": True}
    )
    reader = await chat.open("GET", f"/stream/{connection.response.headers['x-generation-id']}")
    await reader.until("start")
    upstream.released.set()
    end = (await reader.read()).end
    assert (end["state"], end["saved"]) == ("done", False)
    kept = await post(chat, {**ASK, "model": "say=a"}, {"Tornado-Stream-Keep": "true"})
    assert (await chat.resume(kept.headers["x-generation-id"])).end["saved"] is True


@pytest.mark.gen_test
async def test_whole_numbers_beyond_64_bits_become_the_nearest_floats(chat, upstream):
    chunk = f'{{"id":"up-1","big":{2**70},"choices":[{{"index":0,"delta":{{"content":"a"}}}}]}}'
    script = f"{raw(chunk)};finish=stop;done"
    whole = (await post(chat, {**ASK, "model": script, "seed": 2**70, "low": -(2**63)})).json()
    assert whole["big"] == 2.0**70
    assert (upstream.requests[0]["seed"], upstream.requests[0]["low"]) == (2.0**70, -(2**63))
