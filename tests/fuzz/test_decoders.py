"""The decoders of an upstream's responses accept any input, even one that no server would send.

`FUZZ_CASES` is the number of inputs (10,000 by default). `FUZZ_SEED` runs only the input with this
seed; the message of a failure contains it.
"""

import gc
import os
import re
import tracemalloc
from collections.abc import Iterable
from contextlib import suppress
from random import Random
from typing import Any

import orjson
import pytest
from both_ways import check_both_ways
from upstream_json import fold

from tornado_stream.providers.openai.answer_decoder import AnswerDecoder
from tornado_stream.providers.openai.answer_emitter import AnswerEmitter
from tornado_stream.providers.openai.errors import decode_error, redact
from tornado_stream.providers.openai.responses_decoder import ResponsesDecoder
from tornado_stream.values.errors import ProviderError
from tornado_stream.values.events import AnswerText, Delta
from tornado_stream.values.sse import SSEDecoder

from . import decoders

CASES = int(os.environ.get("FUZZ_CASES", "10000"))
SEEDS = [int(os.environ["FUZZ_SEED"])] if "FUZZ_SEED" in os.environ else range(CASES)
SAMPLES = decoders.SAMPLES * 3 + decoders.corpus_samples()
STATUSES = (204, 301, 400, 401, 402, 403, 404, 405, 408, 413, 422, 429, 500, 503, 529, 599)
HEADERS = ("", "1", "-1", "nan", "1e999", "Sun, 09 Sep 2001 01:47:00 GMT", "9" * 99, "\0", "x")


#: Chunks of which the text stands where TEXT is.
LANE_FORMS = (
    b'{"id":"c","choices":[{"index":0,"delta":{"content":TEXT},"finish_reason":null}]}',
    b'{"choices": [{"index": 0, "delta": {"role": "assistant", "content": TEXT}}], "usage": null}',
    b'{"content":"x","choices":[{"delta":{"content":TEXT}}]}',
)

KINDS = {AnswerDecoder: SAMPLES, ResponsesDecoder: decoders.RESPONSES * 3 + SAMPLES[:10]}


def make_input(rng: Random, samples: list[bytes]) -> bytes:
    return decoders.random_bytes(rng) if rng.random() < 0.3 else decoders.mutated(rng, samples)


def answer(pieces: Iterable[bytes], **limits: Any) -> dict[str, Any]:
    """Everything that the decoder finds in an answer. Fails if JSON cannot encode it."""
    folded, decoder = fold(pieces, **limits)
    result = {
        "content": folded.content,
        "reasoning": folded.reasoning,
        "refusal": folded.refusal,
        "tool_calls": folded.tool_calls,
        "sources": folded.sources,
        "signed": folded.signed,
        "finish_reason": decoder.finish_reason,
        "usage": decoder.usage,
        "error": decoder.error.to_json() if decoder.error else None,
        "ended": [decoder.done, decoder.failed, decoder.complete],
        "chunks": [decoder.chunks, decoder.skipped],
    }
    orjson.dumps(result)
    assert len(folded.content) <= decoders.MAX_INPUT
    return result


def emitted(pieces: Iterable[bytes]) -> tuple[str, str]:
    """Content and reasoning as they are emitted, after the tags were taken out."""
    answer = AnswerText()

    def emit(event: Any) -> None:
        if isinstance(event, Delta):
            orjson.dumps(event.to_json())
            answer.add(event)

    emitter = AnswerEmitter(emit)
    for piece in pieces:
        emitter.feed(piece)
    with suppress(ProviderError):
        emitter.close()
    return answer.content, answer.reasoning


def check_emitted(rng: Random, data: bytes) -> None:
    content, reasoning = emitted([data])
    split, split_reasoning = emitted(decoders.pieces(rng, data))
    # Reasoning in a member and in tags, in the same answer, has no order.
    assert (content, sorted(reasoning)) == (split, sorted(split_reasoning))
    decoded = answer([data])
    # Only tags and the headers of channels are taken out.
    left = len(content) + len(reasoning)
    taken = len(decoded["content"]) + len(decoded["reasoning"]) - left
    assert 0 <= taken and (taken == 0 or re.search(r"[<\[◁]", decoded["content"]))


def events(pieces: Iterable[bytes], **limits: int) -> tuple[Any, ...]:
    decoder = SSEDecoder(error_field=True, **limits)
    found = [event for piece in pieces for event in decoder.feed(piece)]
    return found + decoder.close(), decoder.error, decoder.comments, decoder.retry


def check_error(rng: Random, data: bytes) -> None:
    headers = {"Retry-After": rng.choice(HEADERS), "Retry-After-Ms": rng.choice(HEADERS)}
    error = decode_error(rng.choice(STATUSES), headers, data, key="call_1")
    orjson.dumps(error.to_json())
    assert 0 < len(error.message) < 2500
    assert not re.search(r"<html\b", error.message.lower())
    assert redact(error.message, None)


def by_chance(rng: Random) -> list[bytes]:
    """Pieces of a stream in which most events are those that the lane takes, and some damaged."""
    texts = rng.choices(["a", " b", "é😀", '"', "\\", "\n", "<", "[", "data: ", "◁"], k=8)
    form = rng.choice(LANE_FORMS)
    events = [b"data: %b\n\n" % form.replace(b"TEXT", orjson.dumps(text)) for text in texts]
    events.insert(rng.randrange(9), make_input(rng, SAMPLES))
    for _ in range(rng.randrange(3)):
        at = rng.randrange(len(events))
        events[at] = decoders.mutated(rng, [events[at] or b"x"])
    if rng.random() < 0.3:
        return list(decoders.pieces(rng, b"".join(events)))
    while len(events) > 1 and rng.random() < 0.3:
        at = rng.randrange(len(events) - 1)
        events[at : at + 2] = [events[at] + events[at + 1]]
    return [event for event in events if event]


@pytest.mark.timeout(0 if CASES > 100_000 else 600)
@pytest.mark.wide
def test_the_lane_emits_what_the_careful_way_emits() -> None:
    passed = 0
    for seed in SEEDS:
        rng = Random(seed)
        pieces, relay, cut = by_chance(rng), rng.random() < 0.3, rng.random() < 0.5
        try:
            passed += check_both_ways(pieces, relay=relay, cut=cut)[0]
        except Exception as error:
            raise AssertionError(f"FUZZ_SEED={seed}: {error!r} for {pieces!r}") from error
    assert passed > CASES / 2 or len(SEEDS) == 1


@pytest.mark.timeout(0 if CASES > 100_000 else 600)
@pytest.mark.wide
def test_decoders_stand_anything() -> None:
    for seed in SEEDS:
        rng = Random(seed)
        kind = rng.choice([*KINDS])
        data = make_input(rng, KINDS[kind])
        limits: dict[str, Any] = {}
        if rng.random() < 0.2:
            limits = {"max_line": rng.randint(1, 200), "max_total": rng.randint(0, 1000)}
        try:
            if rng.random() < 0.2:
                check_emitted(rng, data)
            elif rng.random() < 0.5:
                limits["kind"] = kind
                assert answer(decoders.pieces(rng, data), **limits) == answer([data], **limits)
            else:
                assert events(decoders.pieces(rng, data), **limits) == events([data], **limits)
            check_error(rng, data)
        except Exception as error:
            raise AssertionError(f"FUZZ_SEED={seed}: {error!r} for {data!r}") from error


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "data",
    [
        b"data: " + b"x" * 2**21,
        b"data: x\n" * 2**15,
        b"\n" * 2**18,
        b"data\n" * 2**15,
        b": ping\n\n" * 2**15,
        b"data: {}\n\n" * 2**14,
        b"{" + b"x" * 2**21,
        b"<" * 2**21,
    ],
    ids=lambda data: data[:10].decode(),
)
def test_memory_is_bounded(data: bytes, kind: type[AnswerDecoder]) -> None:
    pieces = [data[i : i + 2**13] for i in range(0, len(data), 2**13)]
    decoder = kind()
    gc.collect()
    tracemalloc.start()
    try:
        for piece in pieces:
            decoder.feed(piece)
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 1.5 * len(data)
    assert peak < 3 * len(data)
    decoder.close()
