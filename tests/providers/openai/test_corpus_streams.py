"""The decoders with recorded responses of real upstreams, if there is a corpus of them.

The environment variable `CORPUS` names its directory. It has streams/NAME.sse and
http_errors/NAME.body, each with a NAME.json that says what is expected.
"""

import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from corpus import CORPUS

from tornado_stream.providers.openai.answer_decoder import AnswerDecoder
from tornado_stream.providers.openai.errors import decode_error
from tornado_stream.values.events import AnswerText

STREAMS = sorted((CORPUS / "streams").glob("*.sse"))
HTTP_ERRORS = sorted((CORPUS / "http_errors").glob("*.body"))

pytestmark = pytest.mark.skipif(not STREAMS, reason=f"no corpus in {CORPUS}")

#: Reasoning that only `reasoning_details` has, which the corpus does not expect.
IN_DETAILS = {"snowflake-thinking-no-finish-reason": "15 * 27 = 405"}

#: Larger streams are not split into single bytes: that takes long and tests nothing new.
BYTE_LIMIT = 30_000


def by_line(data: bytes) -> list[bytes]:
    return data.splitlines(keepends=True)


def by_event(data: bytes) -> list[bytes]:
    return [part + b"\n\n" for part in data.split(b"\n\n")]


def by_chance(data: bytes, seed: int) -> Iterable[bytes]:
    rng = random.Random(seed)
    position = 0
    while position < len(data):
        size = rng.choice((1, 2, 7, 40, 300, 2000))
        yield data[position : position + size]
        position += size


def fold(pieces: Iterable[bytes]) -> tuple[AnswerText, AnswerDecoder]:
    decoder, answer = AnswerDecoder(), AnswerText()
    for piece in pieces:
        if delta := decoder.feed(piece):
            answer.add(delta)
    if delta := decoder.close():
        answer.add(delta)
    return answer, decoder


def result(answer: AnswerText, decoder: AnswerDecoder) -> dict[str, Any]:
    ending = "error" if decoder.error else "complete" if decoder.complete else "incomplete"
    return {
        "ending": ending,
        "content": answer.content,
        "reasoning": answer.reasoning,
        "refusal": answer.refusal,
        "finish_reason": decoder.finish_reason,
        "tool_calls": answer.tool_calls,
        "usage": decoder.usage,
    }


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.stem)
def test_stream(path: Path) -> None:
    data = path.read_bytes()
    expected = json.loads(path.with_suffix(".json").read_bytes())["expected"]
    expected["reasoning"] = IN_DETAILS.get(path.stem, expected["reasoning"])
    answer, decoder = fold([data])
    whole = result(answer, decoder)
    assert whole == {name: expected[name] for name in whole}
    if expected["error"]:
        assert decoder.error is not None
        said = expected["error"].get("error", expected["error"])
        assert said["message"] in decoder.error.message
    assert result(*fold(by_line(data))) == whole
    assert result(*fold(by_event(data))) == whole
    for seed in range(5):
        assert result(*fold(by_chance(data, seed))) == whole, f"seed {seed}"
    if len(data) < BYTE_LIMIT:
        assert result(*fold(data[i : i + 1] for i in range(len(data)))) == whole


@pytest.mark.parametrize("path", HTTP_ERRORS, ids=lambda path: path.stem)
def test_http_error(path: Path) -> None:
    case = json.loads(path.with_suffix(".json").read_bytes())
    expected, http = case["expected"], case["http"]
    headers = {"Content-Type": http["content_type"], **http["headers"]}
    error = decode_error(http["status"], headers, path.read_bytes(), url="http://127.0.0.1/v1")
    assert error.code == expected["kind"]
    assert error.upstream_status == expected["upstream_status"]
    assert (expected["message"] or "") in error.message
    assert "<" not in error.message or expected["json"]
