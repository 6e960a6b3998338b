import json
from typing import Any

import pytest
from wire import chunk, fold, say, sse

from tornado_stream.errors import ProviderError
from tornado_stream.providers.openai_errors import decode_error, redact

KEY = "sk-proj-canary0123456789"


def error_in(*payloads: Any) -> ProviderError:
    _, decoder = fold(sse(*payloads))
    assert decoder.error is not None
    assert not decoder.complete
    return decoder.error


# -- errors inside a 200


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ({"error": {"message": "it broke"}}, "it broke"),
        ({"error": "it broke"}, "it broke"),
        ({"error": "Bad", "message": "it really broke"}, "it really broke"),
        ({"error": "it really broke", "message": "Bad"}, "it really broke"),
        ({"error": {"message": "it broke"}, "message": "other"}, "it broke"),
        ({"error": {"code": 500}, "message": "it broke"}, "it broke"),
        ({"error": {"error": {"message": "it broke"}}}, "it broke"),
        ({"object": "error", "message": "it broke", "code": 500}, "it broke"),
        ({"type": "error", "error": {"type": "x", "message": "it broke"}}, "it broke"),
        ({"detail": "it broke"}, "it broke"),
        ({"detail": [{"loc": ["body"], "msg": "it broke"}, {"msg": "twice"}]}, "it broke; twice"),
        ({"code": "1234", "message": "it broke", "type": "x"}, "it broke"),
        ({"code": 1113, "msg": "it broke"}, "it broke"),
        ({"errors": [{"message": "it broke", "code": 5007}], "success": False}, "it broke"),
        ([{"error": {"message": "it broke"}}], "it broke"),
        ({"choices": [{"delta": {}, "error": {"message": "it broke"}}]}, "it broke"),
        ({"error": {}}, "no reason"),
        ({"error": True}, "no reason"),
        ({"error": {"code": "odd_code"}}, "odd_code"),
    ],
)
def test_error_shapes(payload: Any, text: str) -> None:
    error = error_in(say("a"), payload, chunk({}, "stop"), "[DONE]")
    assert text in error.message
    assert error.state == "error"


@pytest.mark.parametrize("error", [None, False, "", 0])
def test_error_that_says_there_is_none(error: Any) -> None:
    _, decoder = fold(sse({**say("a"), "error": error}, chunk({}, "stop")))
    assert decoder.complete


@pytest.mark.parametrize(
    "payload", [{"message": "hello"}, {"code": 0, "message": "success"}, {"type": "ping"}]
)
def test_objects_that_are_no_errors(payload: Any) -> None:
    assert fold(sse(payload, "[DONE]"))[1].complete


@pytest.mark.parametrize(
    "body", ["it broke", '"it broke"', '{"message":"it broke"}', '{"a":1,"detail":"it broke"}']
)
def test_event_error_with_any_body(body: str) -> None:
    for data in (f"event: error\ndata: {body}\n\n", f"error: {body}\n\n"):
        _, decoder = fold(sse(say("a")) + data.encode() + sse("[DONE]"))
        assert decoder.error is not None
        assert "it broke" in decoder.error.message


def test_first_error_wins_and_what_came_is_kept() -> None:
    data = sse(
        say("a"), {**say("b"), "error": "one", "usage": {"n": 1}}, {"error": "two"}, say("c")
    )
    answer, decoder = fold(data)
    assert decoder.error is not None and decoder.error.message == "one"
    assert answer.content == "abc"
    assert decoder.usage == {"n": 1}
    assert not decoder.failed


@pytest.mark.parametrize(
    ("error", "code", "status", "retryable"),
    [
        ({"message": "x"}, "upstream_error", None, False),
        ({"message": "x", "code": 502}, "upstream_5xx", 502, True),
        ({"message": "x", "code": "429"}, "rate_limit", 429, True),
        ({"message": "x", "code": 400}, "bad_request", 400, False),
        ({"message": "x", "code": "invalid_api_key"}, "auth", None, False),
        ({"message": "x", "type": "insufficient_quota"}, "quota", None, False),
        ({"message": "Rate limit reached"}, "rate_limit", None, True),
        ({"message": "x", "type": "exceed_context_size_error"}, "context_length", None, False),
        ({"message": "The model `m` does not exist"}, "model_not_found", None, False),
        ({"message": "Overloaded", "type": "overloaded_error"}, "upstream_error", None, True),
        ({"message": "x", "code": 1234}, "upstream_error", None, False),
    ],
)
def test_error_in_a_stream_is_classified(
    error: Any, code: str, status: int | None, retryable: bool
) -> None:
    found = error_in({"error": error})
    assert (found.code, found.upstream_status, found.retryable) == (code, status, retryable)


def test_cause_that_a_router_quotes() -> None:
    raw = json.dumps({"error": {"message": "maximum context length is 8 tokens"}})
    metadata = {"provider_name": "x", "raw": raw}
    error = error_in({"error": {"message": "Provider returned error", "metadata": metadata}})
    assert error.message == "Provider returned error (maximum context length is 8 tokens)"
    assert error.code == "context_length"


def test_error_shows_no_html_and_no_key() -> None:
    assert "<" not in error_in({"error": "<html><body>502</body></html>"}).message
    _, decoder = fold(sse({"error": f"bad key {KEY}\x07"}), key=KEY)
    assert decoder.error is not None and decoder.error.message == "bad key ***"


# -- answers other than 200


def refusal(status: int, body: Any = b"", **headers: str) -> ProviderError:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return decode_error(status, names, data, url="http://u:p@host:1/v1?k=1", key=KEY, now=1e9)


def error_body(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, **more}}


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, error_body("Bad key"), "auth"),
        (403, {"detail": "Forbidden"}, "auth"),
        (402, error_body("Pay"), "quota"),
        (429, error_body("Slow down"), "rate_limit"),
        (429, error_body("x", code="insufficient_quota"), "quota"),
        (429, error_body("You exceeded your current quota, check your billing"), "quota"),
        (429, error_body("Check your plan and billing"), "quota"),
        (429, error_body("Rate limit reached. More at example.com/billing"), "rate_limit"),
        (429, error_body("Too large for the context window"), "rate_limit"),
        (400, error_body("Your credit balance is too low"), "quota"),
        (404, error_body("model 'm' not found, try pulling it first"), "model_not_found"),
        (404, error_body("x", code="model_not_found"), "model_not_found"),
        (404, error_body("The model `m` does not exist or you have no access"), "model_not_found"),
        (404, error_body("No endpoints found for a/b"), "model_not_found"),
        (404, error_body("models/m is not found for API version v1"), "model_not_found"),
        (400, error_body("m is not a valid model ID"), "model_not_found"),
        (400, {"message": "Invalid model: m", "code": "1500", "type": "x"}, "model_not_found"),
        (400, error_body("Model Not Exist"), "model_not_found"),
        (400, error_body("This model does not support images"), "bad_request"),
        (400, error_body("'max_tokens' is not supported with this model"), "bad_request"),
        (400, error_body("This model's maximum context length is 8 tokens"), "context_length"),
        (400, error_body("x", type="exceed_context_size_error"), "context_length"),
        (400, error_body("x", code="context_length_exceeded"), "context_length"),
        (400, error_body("prompt is too long: 9 tokens > 8 maximum"), "context_length"),
        (400, error_body("Input exceeds the context window of this model"), "context_length"),
        (400, error_body("The input token count (9) exceeds the maximum"), "context_length"),
        (413, error_body("Please reduce the length of the messages"), "context_length"),
        (500, error_body("the request exceeds the available context size"), "context_length"),
        (400, error_body("temperature must be a number"), "bad_request"),
        (413, b"<html>413</html>", "bad_request"),
        (422, {"detail": [{"loc": ["body", "n"], "msg": "field required"}]}, "bad_request"),
        (500, {"error": "boom"}, "upstream_5xx"),
        (502, b"<html><title>502 Bad Gateway</title></html>", "upstream_5xx"),
        (529, error_body("Overloaded"), "upstream_5xx"),
        (404, b"<!DOCTYPE html><p>Nothing here", "not_an_api"),
        (404, b"404 page not found", "not_an_api"),
        (404, b"", "not_an_api"),
        (404, {"detail": "Not Found"}, "not_an_api"),
        (404, error_body("Invalid URL (POST /chat/completions)"), "not_an_api"),
        (404, error_body("File Not Found", type="not_found_error"), "not_an_api"),
        (405, b"<html>", "not_an_api"),
        (405, {"detail": "Method Not Allowed"}, "bad_request"),
        (301, b"", "not_an_api"),
        (204, b"", "not_an_api"),
    ],
)
def test_refusals_are_classified(status: int, body: Any, code: str) -> None:
    error = refusal(status, body)
    assert error.code == code
    assert (error.upstream_status, error.state) == (status, "error")
    assert "<" not in error.message and "u:p" not in error.message and "k=1" not in error.message


def test_retryable() -> None:
    statuses = (400, 401, 402, 404, 408, 409, 413, 429, 500, 502, 503, 504, 529, 301)
    found = [status for status in statuses if refusal(status, {"error": "x"}).retryable]
    assert found == [408, 409, 429, 500, 502, 503, 504, 529]
    assert not refusal(429, error_body("x", code="insufficient_quota")).retryable
    assert not refusal(500, error_body("exceeds the context window")).retryable


def test_messages_say_what_to_do() -> None:
    assert refusal(401, {"detail": "Bad key"}).message == (
        "Bad key. Check the API key (OPENAI_API_KEY)."
    )
    assert refusal(404, error_body("The model `m` does not exist.")).message == (
        "The model `m` does not exist. Check the name of the model."
    )
    assert refusal(404, b"<html>").message == (
        "The server answered 404 Not Found. http://host:1/v1 does not look like an"
        " OpenAI-compatible API. Check the base URL (often /v1 is missing)."
    )
    assert refusal(308, Location="https://u:p@host/x?k=1").message.startswith(
        "The server answered 308 Permanent Redirect (to https://host/x). http://host:1/v1 does"
    )
    assert decode_error(404, {}, b"", url="http://[").message.startswith(
        "The server answered 404 Not Found. The server does not look"
    )


@pytest.mark.parametrize(
    "body", [b"", b"<html>503</html>", b"oops <ht\0ml>", b"\x1f\x8b\x08\xff", b"null", b"{}"]
)
def test_message_where_the_server_has_none(body: bytes) -> None:
    assert refusal(503, body).message == "The server answered 503 Service Unavailable."


def test_unknown_status() -> None:
    assert refusal(529).message == "The server answered 529."


def test_plain_text_is_shown_whole_but_not_endless() -> None:
    assert (
        refusal(503, "warming up, come back\u202e\x00".encode()).message == "warming up, come back"
    )
    assert len(refusal(500, b"x" * 50_000).message) == 2000


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry_After": "7"}, 7),
        ({"retry_after": " 1.5 "}, 1.5),
        ({"Retry_After": "-3"}, 0),
        ({"Retry_After_Ms": "250"}, 0.25),
        ({"Retry_After_Ms": "250", "Retry_After": "1"}, 0.25),
        ({"Retry_After_Ms": "0", "Retry_After": "1"}, 1),
        ({"Retry_After_Ms": "0"}, 0),
        ({"Retry_After_Ms": "x", "Retry_After": "2"}, 2),
        ({"Retry_After": "Sun, 09 Sep 2001 01:47:00 GMT"}, 20),
        ({"Retry_After": "Sun, 09 Sep 2001 01:46:30 GMT"}, 0),
        ({"Retry_After": "soon"}, None),
        ({"Retry_After": "nan"}, None),
        ({"Retry_After": "inf"}, None),
        ({"Retry_After": "1_0"}, None),
        ({"Retry_After": "9" * 400}, None),
        ({"Retry_After": "Sun, 99 Sep 2001 99:99:99 GMT"}, None),
        ({"Retry_After": ""}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert refusal(429, **headers).retry_after == seconds


# -- redaction


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"key {KEY}!", "key ***!"),
        ("got sk-abcdefgh12345678, sorry", "got ***, sorry"),
        ("sk-proj-AbC_123-xyz9876", "***"),
        ("gsk_0123456789abcdef", "***"),
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer ***"),
        ("bearer aaaaaaaaaaaaaaaaaaaaaaaaa", "bearer ***"),
        ("Bearer authentication is required", "Bearer authentication is required"),
        (
            "a task-force-of-many, sk-abc***xyz, ****-key",
            "a task-force-of-many, sk-abc***xyz, ****-key",
        ),
    ],
)
def test_redact(text: str, expected: str) -> None:
    assert redact(text, KEY) == expected


def test_redact_short_and_missing_keys() -> None:
    assert redact("none of ollama's business", None) == "none of ollama's business"
    assert redact("is x here? xx", "x") == "is *** here? xx"
    assert redact("text", "") == "text"


def test_half_of_a_key_is_never_left_by_cutting() -> None:
    secret = "Q" * 40
    for length in range(1950, 2010):
        error = decode_error(500, {}, ("." * length + secret).encode(), key=secret)
        assert "Q" not in error.message
