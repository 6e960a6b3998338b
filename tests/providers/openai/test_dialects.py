import json
from typing import Any

import pytest
from upstream_json import chunk, fold, say, sse

from tornado_stream.providers.openai.dialects import foreign_dialect

#: The first chunks, or the whole bodies, of other APIs: the name in the error, and the chunks.
STREAMS: list[tuple[str, list[Any]]] = [
    ("Responses", [{"type": "response.created", "response": {"id": "r"}}]),
    ("Responses", [{"type": "response.output_text.delta", "delta": "Hi"}]),
    ("Anthropic", [{"type": "message_start", "message": {"id": "m", "content": []}}]),
    (
        "Anthropic",
        [
            {"type": "ping"},
            {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Hi"}},
        ],
    ),
    ("Ollama", [{"model": "m", "message": {"role": "assistant", "content": "H"}, "done": False}]),
    ("Ollama", [{"model": "m", "response": "H", "done": False}, {"response": "", "done": True}]),
    ("Gemini", [{"candidates": [{"content": {"parts": [{"text": "H"}]}, "index": 0}]}]),
    ("Gemini", [{"response": {"candidates": []}}]),
    ("Cohere", [{"type": "message-start", "delta": {}}]),
    ("Cohere", [{"is_finished": False, "event_type": "stream-start"}]),
    ("Bedrock", [{"messageStart": {"role": "assistant"}}, {"messageStop": {}}]),
    ("text generation", [{"token": {"id": 1, "text": "H"}, "generated_text": None}]),
    ("text generation", [{"content": "H", "stop": False}]),
    ("another API", [{"event": "message", "answer": "Hi"}, {"event": "message_end"}]),
]
BODIES: list[tuple[str, Any]] = [
    ("Responses", {"object": "response", "output": [], "status": "completed"}),
    ("Anthropic", {"type": "message", "role": "assistant", "content": [{"text": "Hi"}]}),
    ("Ollama", {"model": "m", "message": {"content": "Hi"}, "done": True}),
    ("Gemini", [{"candidates": []}, {"candidates": []}]),
    ("Gemini", {"candidates": [{"content": {}}]}),
    ("Cohere", {"id": "c", "finish_reason": "COMPLETE", "message": {"role": "assistant"}}),
    ("Bedrock", {"output": {"message": {}}, "stopReason": "end_turn"}),
]


def check(name: str, data: bytes) -> None:
    for pieces in ([data], [data[i : i + 1] for i in range(len(data))]):
        answer, decoder = fold(pieces)
        error = decoder.error
        assert error is not None and not decoder.complete
        assert (error.code, error.state, error.retryable) == ("not_an_api", "error", False)
        assert name in error.message
        assert "base URL" in error.message or "upstreams file" in error.message
        assert not answer.content


@pytest.mark.parametrize(("name", "chunks"), STREAMS, ids=lambda value: str(value)[:40])
def test_a_stream_of_another_api_is_an_error_that_names_it(name: str, chunks: list[Any]) -> None:
    check(name, sse(*chunks))
    check(name, b"".join(json.dumps(one).encode() + b"\n" for one in chunks))


@pytest.mark.parametrize(("name", "body"), BODIES, ids=lambda value: str(value)[:40])
def test_a_body_of_another_api_is_an_error_that_names_it(name: str, body: Any) -> None:
    check(name, json.dumps(body).encode())


def test_the_stream_of_another_api_is_not_read_to_its_end() -> None:
    _, decoder = fold(sse({"type": "response.created"}))
    assert decoder.failed
    _, decoder = fold(sse({"event": "message"}))
    assert not decoder.failed


def test_text_before_a_chunk_of_another_api_stays() -> None:
    answer, decoder = fold(sse(say("Hel"), say("lo"), {"type": "message_stop"}))
    assert answer.content == "Hello"
    assert decoder.error is not None and decoder.error.code == "not_an_api"


@pytest.mark.parametrize(
    "beside",
    [{}, {"type": "ping"}, {"type": "message_start"}, {"status": "queued"}, {"id": "a", "time": 1}],
)
def test_other_chunks_beside_chat_completions_are_ignored(beside: Any) -> None:
    answer, decoder = fold(sse(say("Hi"), beside, chunk({}, "stop"), beside))
    assert (answer.content, decoder.complete) == ("Hi", True)


@pytest.mark.parametrize("beside", [{"status": "queued"}, {"type": "ping"}])
def test_chunks_that_say_nothing_are_no_dialect_where_text_follows(beside: Any) -> None:
    for chunks in ([beside, say("Hi")], [beside, chunk({"content": "Hi", "role": "assistant"})]):
        answer, decoder = fold(sse(*chunks))
        assert (answer.content, decoder.error) == ("Hi", None)


def test_chunks_without_text_make_a_stream_one_of_chat_completions() -> None:
    pieces = [sse(say("")), sse(say("")), sse({"status": "queued"})]
    for data in (pieces, [b"".join(pieces)]):
        _, decoder = fold(data)
        assert decoder.error is None and not decoder.complete


@pytest.mark.parametrize(
    "value",
    [
        {"object": "chat.completion.chunk", "event": 1},
        None,
        7,
        "x",
        [],
        [1],
        {"choices": []},
        {"usage": {}},
    ],
)
def test_values_of_no_dialect(value: Any) -> None:
    assert foreign_dialect(value) is None


def test_an_error_says_more_than_the_dialect() -> None:
    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    _, decoder = fold(sse(overloaded, {"type": "message_stop"}))
    assert decoder.error is not None and decoder.error.message == "Overloaded"


def test_another_form_is_an_error_although_the_stream_says_that_it_is_done() -> None:
    _, decoder = fold(sse({"type": "text-delta", "delta": "Hi"}, "[DONE]"))
    assert decoder.error is not None and decoder.error.code == "not_an_api"
