"""Makes inputs for the fuzz tests of the decoders: mutated streams, and random bytes.

All choices come from a `random.Random`, so its seed is enough to make a failing input again.
"""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

from corpus import CORPUS
from upstream_json import call, chunk, half, say, sse

#: The most bytes of an input: small inputs find the same faults, and take less time.
MAX_INPUT = 1000

_USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
_CALL = call(index=0, id="call_1", name="look_up", arguments="")
_PAGE = "https://a.example/1"
_DETAIL = {"type": "reasoning.text", "text": "hm", "index": 0}
_WHOLE = {"choices": [{"message": {"content": "all"}, "finish_reason": "stop"}], "usage": _USAGE}

SAMPLES = [
    sse(
        chunk({"images": [{"image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]}), say("a")
    ),
    sse(say("a"), say(f"![b](data:image/png;base64,{'iVBO' * 600}) c"), chunk({}, "stop")),
    sse(say("Hello"), say(" wörld 😀\u2028"), chunk({}, "stop"), {"usage": _USAGE}, "[DONE]"),
    sse(
        chunk({"reasoning_content": "hm", "reasoning": "hm"}), say([{"type": "text", "text": "a"}])
    ),
    sse(say([{"type": "thinking", "thinking": [{"type": "text", "text": "so"}]}]), "null"),
    sse(_CALL, call(index=0, arguments='{"a":'), call(index=0, arguments="1}"), chunk({}, "x")),
    sse(call(id="a", name="f", arguments="{}"), call(id="b", name="f", arguments="{}"), _CALL),
    sse(half(r"\ud83d"), half(r"\ude00"), half(r"\ud83d", "reasoning"), half("é", "refusal")),
    sse(say("a"), {"error": {"message": "it broke", "code": 502}}, chunk({}, "stop"), "[DONE]"),
    sse(say("a")) + b'event: error\ndata: {"error":"it broke"}\n\n',
    sse(say("a")) + b': ping\n\nerror: {"code":400,"message":"context size"}\n\n',
    sse({"choices": []}, {"choices": None}, {"detail": "no"}, "[DONE]").replace(b"\n", b"\r\n"),
    b"\xef\xbb\xbfid: 1\r" + sse(say("a"), chunk({}, "length")).replace(b"\n", b"\r"),
    sse(say("a"), say("b"), "[DONE]").replace(b"\n\n", b"\n"),
    sse(
        chunk({"reasoning_details": [_DETAIL], "reasoning": "hm"}),
        chunk({"reasoning_details": [{**_DETAIL, "text": "", "signature": "S"}]}, "stop"),
    ),
    sse(chunk({"thinking_blocks": [{"type": "thinking", "thinking": "so", "signature": "S"}]})),
    sse({**say("a [1]"), "citations": [_PAGE], "search_results": [{"url": _PAGE, "title": "A"}]}),
    sse(chunk({"annotations": [{"url_citation": {"url": _PAGE, "title": "A"}}]}), chunk({}, "x")),
    sse(say("a"), chunk({}, "MALFORMED_FUNCTION_CALL"), chunk({}, "aborted"), chunk({}, "endTurn")),
    sse({"type": "response.created"}, {"type": "message_start"}, {"candidates": []}),
    sse(say("<think>"), say("so</thi"), say("nk>3")) + sse(say("so\n</think>3"), "[DONE]"),
    sse(say("<|channel|>analysis<|message|>so<|end|><|channel|>final<|message|>3"), "[DONE]"),
    b'{"message":{"content":"a"},"done":false}\n{"done":true,"response":""}\n',
    json.dumps(_WHOLE).encode(),
    json.dumps(_WHOLE, indent=1).encode(),
    json.dumps({"error": {"message": "no such model", "type": "invalid"}}).encode(),
    b"<!doctype html><title>Hi</title>\ndata: {}\n\n",
]

_MESSAGE = {"type": "message", "id": "m", "content": [{"type": "output_text", "text": "Hi 😀"}]}
_THOUGHT = {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "so"}]}
_NAMED = {"type": "function_call", "id": "f", "call_id": "call_1", "name": "look_up"}
_RESPONSE = {"status": "completed", "output": [_THOUGHT, _MESSAGE], "usage": {"input_tokens": 5}}


def _event(kind: str, **members: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", **members}


#: Streams of the Responses API.
RESPONSES = [
    sse(
        _event("output_item.added", output_index=0, item={"type": "reasoning", "id": "r"}),
        _event("reasoning_summary_text.delta", output_index=0, summary_index=0, delta="so"),
        _event("output_item.done", item={**_THOUGHT, "encrypted_content": "S"}),
        _event("completed", response=_RESPONSE),
    ),
    sse(
        _event("output_text.delta", item_id="m", delta="Hi "),
        _event("output_text.delta", delta="😀"),
        _event("output_text.done", output_index=1, text="Hi 😀"),
        _event("content_part.done", output_index=1, part=_MESSAGE["content"]),
        _event("output_item.done", output_index=1, item=_MESSAGE),
        _event("completed", response=_RESPONSE),
    ),
    sse(
        _event("output_item.added", output_index=0, item=_NAMED),
        _event("function_call_arguments.delta", output_index=0, delta='{"a":'),
        _event("function_call_arguments.done", item_id="f", arguments='{"a":1}'),
        _event("output_item.done", item={**_NAMED, "arguments": '{"a":1}'}),
        _event("incomplete", response={"incomplete_details": {"reason": "max_output_tokens"}}),
    ),
    sse(
        _event("refusal.delta", delta="No"),
        _event("output_text.annotation.added", annotation={"type": "url_citation", "url": _PAGE}),
        _event("reasoning_text.delta", delta="hm"),
        {"type": "error", "code": "rate_limit_exceeded", "message": "slow down"},
        _event("failed", response={"status": "failed", "error": {"message": "it broke"}}),
    ),
    b'event: response.output_text.delta\ndata: {"delta":"a\\ud83d"}\n\n'
    b'event: response.output_text.delta\ndata: {"delta":"\\ude00"}\n\n'
    b'event: response.output_text.done\ndata: {"text":"a\\ud83d\\ude00b"}\n\n'
    b"event: response.completed\ndata: {}\n\n",
    json.dumps({"object": "response", **_RESPONSE}).encode(),
    json.dumps({"object": "response", **_RESPONSE, "output": [_MESSAGE, _MESSAGE]}).encode(),
]

#: Parts of real streams; mutations insert them anywhere.
TOKENS = [
    *(
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"\r\n\r\n",
        b"data: ",
        b"data",
        b"event: error\n",
        b"id: 7\n",
    ),
    *(b"error: ", b": ping\n\n", b"retry: 9\n", b"[DONE]", b"data: [DONE]\n\n", b"null", b"true"),
    *(b"{", b"}", b"[", b"]", b'"', b":", b",", b"\\", b"\\ud83d", b"\\ude00", b"\\u0000", b"NaN"),
    *(
        b'"error":',
        b'"choices":',
        b'"delta":',
        b'"content":',
        b'"index":',
        b'"tool_calls":',
        b'"id":',
        b'"reasoning":',
        b'"reasoning_details":',
        b'"citations":',
        b'"finish_reason":"abort"',
        b'"type":',
        b'"output_index":',
        b'"item":',
        b'"text":',
        b'"output":',
    ),
    *(b"<think>", b"</think>", b"[/THINK]", b"<|channel|>", b"<|message|>", b"<|end|>", b"final"),
    *(b"9" * 30, b"-1", b"1e999", b"0", b"\xef\xbb\xbf", b"\xff", b"\xc3", b"\xf0\x9f", b"\0"),
    *(b"\xe2\x80\xa8", b"\xc2\x85", b"\x0b", b" ", b"<", b"<html>", b"x" * 50, b"[" * 40),
]


def corpus_samples() -> list[bytes]:
    """The beginning of every recorded stream; nothing if there is no corpus."""
    return [path.read_bytes()[:MAX_INPUT] for path in sorted((CORPUS / "streams").glob("*.sse"))]


def random_bytes(rng: Random) -> bytes:
    """Random bytes, or tokens in a random order."""
    if rng.random() < 0.3:
        return rng.randbytes(rng.randrange(300))
    return b"".join(rng.choices(TOKENS, k=rng.randrange(40)))


def mutated(rng: Random, samples: list[bytes]) -> bytes:
    """A sample with one to eight random changes."""
    data = bytearray(rng.choice(samples))
    for _ in range(rng.randint(1, 8)):
        _mutate(rng, data, samples)
    return bytes(data[:MAX_INPUT])


def _mutate(rng: Random, data: bytearray, samples: list[bytes]) -> None:
    start = rng.randint(0, len(data))
    end = min(len(data), start + rng.choice((1, 1, 4, 20, 100)))
    match rng.randrange(6):
        case 0:
            data[start:start] = rng.choice(TOKENS)
        case 1:
            data[start:end] = rng.choice(TOKENS)
        case 2:
            del data[start:end]
        case 3:
            data[start:start] = data[start:end]
        case 4:
            other = rng.choice(samples)
            data[start:] = other[rng.randint(0, len(other)) :]
        case _:
            data[start:end] = rng.randbytes(end - start)


def pieces(rng: Random, data: bytes) -> Iterator[bytes]:
    """Split the bytes into pieces: of one byte if the input is short, or of mixed sizes."""
    sizes = rng.choice(((1,) if len(data) < 200 else (7,), (2, 9, 30), (1, 90), (50, 200)))
    position = 0
    while position < len(data):
        size = rng.choice(sizes)
        yield data[position : position + size]
        position += size
