"""Builds streams of chat completions for tests, and decodes them."""

import json
from collections.abc import Iterable
from typing import Any

from tornado_stream.providers.openai.answer_decoder import AnswerDecoder
from tornado_stream.providers.openai.errors import decode_error
from tornado_stream.values.errors import ProviderError
from tornado_stream.values.events import AnswerText


def sse(*payloads: Any) -> bytes:
    """A stream of these chunks. A text becomes the data of an event as it is."""
    lines = [p if isinstance(p, str) else json.dumps(p) for p in payloads]
    return "".join(f"data: {line}\n\n" for line in lines).encode()


def chunk(delta: Any = None, finish: Any = None, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}


def say(text: Any) -> dict[str, Any]:
    return chunk({"content": text})


def call(**fragment: Any) -> dict[str, Any]:
    """A chunk with one fragment of a tool call; `name` and `arguments` go into `function`."""
    inner = {n: fragment.pop(n) for n in ("name", "arguments") if n in fragment}
    return chunk({"tool_calls": [{**fragment, "function": inner}]})


def half(text: str, kind: str = "content") -> str:
    """A chunk as JSON text, which may contain half a surrogate pair: half(r"\\ud83d")."""
    return f'{{"choices":[{{"delta":{{"{kind}":"{text}"}}}}]}}'


def fold(
    data: bytes | Iterable[bytes], *, kind: type[AnswerDecoder] = AnswerDecoder, **options: Any
) -> tuple[AnswerText, AnswerDecoder]:
    decoder, answer = kind(**options), AnswerText()
    for piece in [data] if isinstance(data, bytes) else data:
        if delta := decoder.feed(piece):
            answer.add(delta)
    if delta := decoder.close():
        answer.add(delta)
    return answer, decoder


def content(*payloads: Any) -> str:
    return fold(sse(*payloads))[0].content


def error_in(*payloads: Any) -> ProviderError:
    _, decoder = fold(sse(*payloads))
    assert decoder.error is not None
    assert not decoder.complete
    return decoder.error


def refusal(status: int, body: Any = b"", key: str | None = None, **headers: str) -> ProviderError:
    """The error for an answer with this status; `body` is bytes or JSON, `now` is 1e9."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return decode_error(status, names, data, url="http://u:p@host:1/v1?k=1", key=key, now=1e9)


def error_body(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, **more}}
