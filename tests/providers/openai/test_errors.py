import json

import pytest
from upstream_json import error_body, error_in, fold, refusal, say, sse

from tornado_stream.providers.openai.dialects import CHAT_COMPLETIONS, RESPONSES
from tornado_stream.providers.openai.errors import decode_error, redact

KEY = "sk-proj-canary0123456789"


# -- errors inside a 200


@pytest.mark.parametrize(
    "body", ["it broke", '"it broke"', '{"message":"it broke"}', '{"a":1,"detail":"it broke"}']
)
def test_event_error_with_any_body(body: str) -> None:
    for data in (f"event: error\ndata: {body}\n\n", f"error: {body}\n\n"):
        _, decoder = fold(sse(say("a")) + data.encode() + sse("[DONE]"))
        assert decoder.error is not None
        assert "it broke" in decoder.error.message


def test_the_first_error_counts_and_all_text_stays() -> None:
    data = sse(
        say("a"), {**say("b"), "error": "one", "usage": {"n": 1}}, {"error": "two"}, say("c")
    )
    answer, decoder = fold(data)
    assert decoder.error is not None and decoder.error.message == "one"
    assert answer.content == "abc"
    assert decoder.usage == {"n": 1}
    assert not decoder.failed


def test_error_shows_no_html_and_no_key() -> None:
    assert "<" not in error_in({"error": "<html><body>502</body></html>"}).message
    _, decoder = fold(sse({"error": f"bad key {KEY}\x07"}), key=KEY)
    assert decoder.error is not None and decoder.error.message == "bad key ***"


# -- responses with an error status


def test_which_statuses_are_retryable() -> None:
    statuses = (400, 401, 402, 404, 408, 409, 413, 429, 500, 502, 503, 504, 529, 301)
    found = [status for status in statuses if refusal(status, {"error": "x"}).retryable]
    assert found == [408, 409, 429, 500, 502, 503, 504, 529]
    assert not refusal(429, error_body("x", code="insufficient_quota")).retryable
    assert not refusal(500, error_body("exceeds the context window")).retryable


@pytest.mark.parametrize(
    "body",
    [
        error_body("The engine is currently overloaded, please try again later"),
        error_body("Loading model", code=503, type="unavailable_error"),
        {"error": "Model acme/large is currently loading", "estimated_time": 20.0},
        {"error": "server busy, please try again.  maximum pending requests exceeded"},
        error_body("There is no capacity for this model in your region"),
        error_body("This model is at full capacity."),
        error_body("x", code="insufficient_capacity"),
        {"detail": "The queue is full"},
        error_body("x", code="rate_limit_exceeded"),
        b"no healthy upstream",
        b"no available server",
        b"The server is draining.",
    ],
)
def test_a_503_that_refuses_is_known_to_be_unprocessed(body) -> None:
    assert refusal(503, body).unprocessed
    assert not refusal(500, body).unprocessed


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><title>503 Service Temporarily Unavailable</title></html>",
        error_body("Internal failure"),
        error_body("The backend failed while it wrote the answer"),
        b"upstream connect error or disconnect/reset before headers. reset reason: "
        b"connection termination",
        b"upstream connect error or disconnect/reset before headers. retried and the latest reset "
        b"reason: remote connection failure, transport failure reason: overloaded",
        error_body("The request timed out; the server is overloaded"),
    ],
)
def test_a_503_that_does_not_refuse_may_have_been_processed(body) -> None:
    assert not refusal(503, body).unprocessed
    assert refusal(503, body).retryable
    assert refusal(503, body, **{"Retry-After": "7"}).unprocessed


def test_some_statuses_need_no_words() -> None:
    found = [s for s in (408, 429, 500, 502, 503, 504, 529) if refusal(s, b"").unprocessed]
    assert found == [429, 529]


def test_a_server_that_wants_another_version_of_http() -> None:
    for error in (refusal(505), refusal(426), refusal(426, b"use h2", Upgrade="h2c")):
        assert error.message.endswith(
            "It wants another version of HTTP; this server speaks HTTP/1.1."
        )
        assert not error.retryable
    assert "HTTP/1.1" not in refusal(426, Upgrade="TLS/1.2").message
    assert "HTTP/1.1" not in refusal(500).message


def test_a_redirect_names_its_target() -> None:
    def target(location: str) -> str:
        return refusal(308, Location=location).message.partition(". ")[0]

    assert target("/v1/chat/completions/?k=1") == (
        "The model's server answered 308 Permanent Redirect (to /v1/chat/completions/)"
    )
    assert (
        target("../completions")
        == "The model's server answered 308 Permanent Redirect (to ../completions)"
    )
    assert target("//u:p@other/v1").endswith("(to //other/v1)")
    assert target("http://[").endswith("Redirect")


def test_messages_have_a_hint() -> None:
    assert refusal(401, {"detail": "Bad key"}).message == ("Bad key. Check the API key.")
    assert refusal(404, error_body("The model `m` does not exist.")).message == (
        "The model `m` does not exist. Check the name of the model."
    )
    assert refusal(404, b"<html>").message == (
        "The model's server answered 404 Not Found. http://host:1/v1 does not look like an"
        " OpenAI-compatible API. Check the base URL (often /v1 is missing)."
    )
    assert refusal(308, Location="https://u:p@host/x?k=1").message.startswith(
        "The model's server answered 308 Permanent Redirect (to https://host/x). http://host:1/v1"
    )
    assert decode_error(404, {}, b"", url="http://[").message.startswith(
        "The model's server answered 404 Not Found. The model's server does not look"
    )


@pytest.mark.parametrize("text", ["Unknown path /v1/chat/completions", "", "Not Found: POST /x"])
@pytest.mark.parametrize(
    ("url", "asked", "hint"),
    [
        ("http://host/v1", CHAT_COMPLETIONS, "If the server has only OpenAI's Responses API, set"),
        ("http://host/v1beta/openai", CHAT_COMPLETIONS, 'set dialect = "responses"'),
        ("http://host/v1", RESPONSES, 'leave dialect = "responses" out'),
        ("http://host/v1", None, "(often /v1 is missing)"),  # the list of models
        ("http://host", CHAT_COMPLETIONS, "(often /v1 is missing)"),
    ],
)
def test_a_path_that_is_not_there_has_a_hint_at_the_dialect(text, url, asked, hint) -> None:
    error = decode_error(404, {}, json.dumps(error_body(text)).encode(), url=url, asked=asked)
    assert error.code == "not_an_api" and hint in error.message
    assert error.message.count("Check the base URL") == 1


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (404, "This model is only supported in v1/responses and not in v1/chat/completions."),
        (400, "model gpt-5.3-codex is not accessible via the /chat/completions endpoint"),
    ],
)
def test_a_model_without_chat_completions_has_a_hint_at_its_dialect(status: int, text: str) -> None:
    message = refusal(status, error_body(text)).message
    assert message.startswith(text.rstrip(".")) and 'Set dialect = "responses"' in message
    assert "Check the name" not in message


@pytest.mark.parametrize(
    "body", [b"", b"<html>503</html>", b"oops <ht\0ml>", b"\x1f\x8b\x08\xff", b"null", b"{}"]
)
def test_the_message_if_the_upstream_sends_none(body: bytes) -> None:
    assert refusal(503, body).message == "The model's server answered 503 Service Unavailable."


def test_unknown_status() -> None:
    assert refusal(529).message == "The model's server answered 529."


def test_plain_text_is_shown_up_to_a_limit() -> None:
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
