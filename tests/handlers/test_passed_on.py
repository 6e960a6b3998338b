"""The table "What is passed on" of docs/http-api.md, read and made true row by row."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from handlers.test_completions import ASK, post, stream

TEXT = (Path(__file__).resolve().parent.parent.parent / "docs" / "http-api.md").read_text()
SECTION = TEXT.split("### What is passed on\n")[1].split("\n#")[0]
ROWS = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in SECTION.splitlines()
    if re.match(r"\| (request|response) \|", line)
]
ODD = {"odd": [1, {"deep": "é"}], "flag": False}


def script(*chunks: Any, end: str = ";done") -> str:
    """A model whose stream has these chunks."""
    return ";".join("raw=" + quote(f"data: {json.dumps(chunk)}\n\n") for chunk in chunks) + end


def chunk(delta: Any, **choice: Any) -> dict[str, Any]:
    return {"id": "up", "choices": [{"index": 0, "delta": delta, **choice}]}


async def both(chat, *chunks: Any, **body: Any) -> tuple[list[dict], dict]:
    """The answer to the same request as chunks, and whole."""
    body = {**ASK, "model": script(*chunks), **body}
    chunks_got, _ = await stream(chat, body)
    return chunks_got, (await post(chat, body)).json()


async def messages(chat, upstream, names):
    part = {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}, **ODD}
    sent = [{"role": "user", "name": "n", "content": [part, part], **ODD}]
    await post(chat, {"messages": sent, "model": "say=a"})
    assert upstream.requests[0]["messages"] == sent


async def model(chat, upstream, names):
    await post(chat, {**ASK, "model": "say=a"})
    await post(chat, ASK)
    assert [request["model"] for request in upstream.requests] == ["say=a", "fake-model"]


async def streaming(chat, upstream, names):
    await post(chat, {**ASK, "stream": False})
    assert upstream.requests[0]["stream"] is True


async def stream_options(chat, upstream, names):
    await post(chat, {**ASK, "stream": True, "stream_options": {"include_usage": False, **ODD}})
    assert upstream.requests[0]["stream_options"] == {"include_usage": True, **ODD}


async def number_of_answers(chat, upstream, names):
    assert names == ["n"]
    for n in (1, None):
        await post(chat, {**ASK, "model": "say=a", "n": n})
        assert upstream.requests[-1]["n"] == n
    response = await post(chat, {**ASK, "n": 2})
    assert (response.status, response.json()["error"]["param"]) == (400, "n")
    assert len(upstream.requests) == 2


async def options(chat, upstream, names):
    body = {**ASK, **{name: 1 for name in names}, "unknown": ODD, "empty": None}
    await post(chat, body)
    (sent,) = upstream.requests
    assert {name: sent[name] for name in body} == body


async def refused(chat, upstream, names):
    told = json.dumps({"error": {"message": "Unsupported parameter: seed", "param": "seed"}})
    model = f"status=400;times=1;body={told};say=a"
    chunks, response = await stream(chat, {**ASK, "model": model, "seed": 1})
    assert "seed" not in upstream.requests[1]
    assert response.headers["tornado-stream-option-refused"] == "seed"
    assert "seed" in chunks[-1]["warnings"][0]
    for name in names:  # those that are never dropped
        told = json.dumps({"error": {"message": f"Unsupported parameter: {name}", "param": name}})
        if name not in ("warnings", "Tornado-Stream-Option-Refused"):
            kept = await post(chat, {**ASK, "model": f"status=400;body={told}", name: "x"})
            assert (kept.status, kept.json()["error"]["param"]) == (400, name)


async def request_headers(chat, upstream, names):
    await post(chat, ASK, {"Authorization": "Bearer theirs", "X-Odd": "1"})
    assert not {"X-Odd", "Authorization"} & upstream.headers[0].keys()


async def id(chat, upstream, names):
    chunks, whole = await both(chat, chunk({"content": "a"}))
    for id in (chunks[0]["id"], whole["id"]):
        assert re.fullmatch(r"chatcmpl-[0-9a-f-]{36}", id)


async def of_a_chunk(chat, upstream, names):
    more: dict[str, Any] = {name: f"their {name}" for name in names} | {"created": 7}
    chunks, whole = await both(chat, chunk({"content": "a"}) | more | ODD)
    for answer in (chunks[0], whole):
        assert {name: answer[name] for name in more | ODD} == more | ODD


async def of_a_choice(chat, upstream, names):
    more: dict[str, Any] = {name: {"content": [ODD]} for name in names} | ODD
    chunks, whole = await both(chat, chunk({"content": "a"}, **more))
    for answer in (chunks[0], whole):
        assert {name: answer["choices"][0][name] for name in more} == more


async def of_a_delta(chat, upstream, names):
    call = {"id": "c", "type": "custom", "custom": {"name": "f", "input": "x"}, **ODD}
    values = {name: [ODD] for name in names} | ODD | {"content": "<think>a</think>"}
    values |= {"tool_calls": [call], "function_call": {"name": "f", "arguments": "{}"}}
    sent = values | {"tool_calls": [{"index": 0, **call}]}
    sent.pop("<think>", None)
    values.pop("<think>", None)
    chunks, whole = await both(chat, chunk(sent))
    assert {name: chunks[0]["choices"][0]["delta"][name] for name in sent} == sent
    assert {name: whole["choices"][0]["message"][name] for name in values} == values


async def reasoning_content(chat, upstream, names):
    parts = [{"type": "thinking", "thinking": "hm"}]
    deltas = [{"reasoning_content": "a"}, {"reasoning": "b"}, {"content": parts}]
    chunks, _ = await both(chat, *map(chunk, deltas))
    found = [one["choices"][0]["delta"] for one in chunks[:3]]
    told = {"content": parts, "reasoning_content": "hm"}
    assert found == [deltas[0] | {"role": "assistant"}, deltas[1], told]


async def finish_reason(chat, upstream, names):
    chunks, whole = await both(chat, chunk({"content": "a"}), chunk({}, finish_reason="length"))
    for answer in (chunks[-1], whole):
        assert answer["choices"][0]["finish_reason"] == "length"
    chunks, whole = await both(chat, chunk({"content": "b"}))
    for answer in (chunks[-1], whole):
        assert answer["choices"][0]["finish_reason"] == "stop"


async def reason_of_none(chat, upstream, names):
    for word in (names[1].strip('"'), 7, True, ["stop"]):
        chunks, whole = await both(
            chat, chunk({"content": "a"}, finish_reason=word), chunk({}, finish_reason="length")
        )
        reasons = [c["choices"][0]["finish_reason"] for c in chunks]
        assert reasons == [None, "length"]
        assert whole["choices"][0]["finish_reason"] == "length"


async def failure(chat, upstream, names):
    error = {"error": {"message": "boom", "code": "dead"}, "choices": []}
    chunks, whole = await both(chat, chunk({"content": "a"}), error)
    assert len(chunks) == 2 and chunks[1]["error"]["code"] == whole["error"]["code"] == "dead"


async def usage(chat, upstream, names):
    used = {"id": "up", "choices": [], "usage": {"total_tokens": 3, **ODD}}
    asks = {"stream_options": {"include_usage": True}}
    chunks, whole = await both(chat, chunk({"content": "a"}), used)
    assert not any("usage" in one for one in chunks) and whole["usage"] == used["usage"]
    chunks, _ = await both(chat, chunk({"content": "a"}), used, **asks)
    assert [one["usage"] for one in chunks if "usage" in one] == [used["usage"]]
    chunks, whole = await both(chat, chunk({"content": "b"}), **asks)
    assert chunks[-1]["usage"]["estimated"] and whole["usage"]["estimated"]


async def message(chat, upstream, names):
    one = {"choices": [{"index": 0, "message": {"content": "a", **ODD}, "finish_reason": "stop"}]}
    chunks, _ = await stream(chat, {**ASK, "model": "raw=" + quote(json.dumps(one)) + ";end"})
    assert chunks[0]["choices"][0]["delta"] == {"content": "a", **ODD, "role": "assistant"}


async def older_text(chat, upstream, names):
    older = {"id": "up", "choices": [{"index": 0, "text": "a", **ODD}]}
    chunks, whole = await both(chat, older)
    assert chunks[0]["choices"][0]["delta"]["content"] == "a"
    assert whole["choices"][0]["message"]["content"] == "a"
    for answer in (chunks[0], whole):
        assert "text" not in answer["choices"][0] and answer["choices"][0]["odd"] == ODD["odd"]


async def repeated_call(chat, upstream, names):
    call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": '{"a": 1}'}}
    twice = [chunk({"tool_calls": [call]})] * 2
    chunks, whole = await both(chat, *twice)
    assert [one["choices"][0]["delta"]["tool_calls"] for one in chunks[:2]] == [[call]] * 2
    (one,) = whole["choices"][0]["message"]["tool_calls"]
    assert one["function"] == call["function"]


async def warnings(chat, upstream, names):
    chunks, whole = await both(chat, chunk({"content": "a"}))
    assert not any("warnings" in answer for answer in (*chunks, whole))
    await refused(chat, _Later(upstream), names)


async def response_headers(chat, upstream, names):
    response = await post(chat, {**ASK, "model": "status=429;after=61"})
    assert response.headers["retry-after"] == "61"
    assert "server" not in response.headers


class _Later:
    """The requests of an upstream from now on."""

    def __init__(self, upstream) -> None:
        self._upstream, self._from = upstream, len(upstream.requests)

    @property
    def requests(self):
        return self._upstream.requests[self._from :]


#: The check of each row, in the table's order.
CHECKS = [
    messages,
    model,
    streaming,
    stream_options,
    number_of_answers,
    options,
    refused,
    request_headers,
    id,
    of_a_chunk,
    of_a_choice,
    of_a_delta,
    reasoning_content,
    finish_reason,
    reason_of_none,
    failure,
    usage,
    message,
    older_text,
    repeated_call,
    warnings,
    response_headers,
]


def test_every_row_has_its_check():
    assert len(ROWS) == len(CHECKS)


@pytest.mark.gen_test
@pytest.mark.parametrize("place", range(len(CHECKS)), ids=lambda place: CHECKS[place].__name__)
async def test_the_row_is_true(chat, upstream, place):
    names = re.findall(r"`([^`]+)`", ROWS[place][1])
    await CHECKS[place](chat, upstream, names)
