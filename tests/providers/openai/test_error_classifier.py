import json
from typing import Any

import pytest
from upstream_json import chunk, error_body, error_in, fold, refusal, say, sse


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
def test_an_empty_error_member_is_no_error(error: Any) -> None:
    _, decoder = fold(sse({**say("a"), "error": error}, chunk({}, "stop")))
    assert decoder.complete


@pytest.mark.parametrize(
    "payload", [{"message": "hello"}, {"code": 0, "message": "success"}, {"type": "ping"}]
)
def test_objects_that_are_no_errors(payload: Any) -> None:
    assert fold(sse(payload, say("a"), payload, "[DONE]"))[1].complete


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


def test_the_message_has_the_cause_that_a_router_quotes() -> None:
    raw = json.dumps({"error": {"message": "maximum context length is 8 tokens"}})
    metadata = {"provider_name": "x", "raw": raw}
    error = error_in({"error": {"message": "Provider returned error", "metadata": metadata}})
    assert error.message == "Provider returned error (maximum context length is 8 tokens)"
    assert error.code == "context_length"


@pytest.mark.parametrize("message", [None, "", " "])
@pytest.mark.parametrize(
    "raw", ["It is full", '{"error":{"message":"It is full"}}', {"detail": "It is full"}]
)
def test_the_cause_behind_a_router_without_a_message(message: Any, raw: Any) -> None:
    error = error_in({"error": {"message": message, "code": 502, "metadata": {"raw": raw}}})
    assert error.message == "It is full"


@pytest.mark.parametrize("raw", [None, 7, "", " ", "{", "<html>"])
def test_a_router_may_quote_no_cause(raw: Any) -> None:
    error = error_in({"error": {"message": "It failed", "metadata": {"raw": raw}}})
    assert error.message == "It failed" + (" ({)" if raw == "{" else "")


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, error_body("Bad key"), "auth"),
        (403, {"detail": "Forbidden"}, "auth"),
        (403, error_body("Your input was flagged for violence"), "bad_request"),
        (403, error_body("m requires moderation. Your prompt was refused"), "bad_request"),
        (403, error_body("Blocked by our content policy"), "bad_request"),
        (403, error_body("Unauthorized: the key has no access to moderation"), "auth"),
        (401, error_body("flagged"), "auth"),
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
        (404, error_body("Unknown path /v1/chat/completions"), "not_an_api"),
        (404, error_body("The requested endpoint does not exist"), "not_an_api"),
        (404, error_body("Not found: POST /v1/chat/completions"), "not_an_api"),
        (404, error_body("Invalid URL (POST /chat/completions)"), "not_an_api"),
        (404, error_body("File Not Found", type="not_found_error"), "not_an_api"),
        (405, b"<html>", "not_an_api"),
        (405, {"detail": "Method Not Allowed"}, "bad_request"),
        (301, b"", "not_an_api"),
        (204, b"", "not_an_api"),
    ],
)
def test_responses_with_an_error_status_are_classified(status: int, body: Any, code: str) -> None:
    error = refusal(status, body)
    assert error.code == code
    assert (error.upstream_status, error.state) == (status, "error")
    assert "<" not in error.message and "u:p" not in error.message and "k=1" not in error.message


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"base_resp": {"status_code": 1004, "status_msg": "login fail"}}, "login fail"),
        ({"error_code": 18, "error_msg": "too many queries"}, "too many queries"),
        ({"status": "failed", "message": "out of order"}, "out of order"),
        ({"success": False, "error_message": "not today"}, "not today"),
    ],
)
def test_errors_in_words_of_their_own(body: Any, text: str) -> None:
    """Gateways and makers of models answer 200 with these, instead of a stream and within one."""
    assert error_in(body).message == text
    _, decoder = fold(json.dumps(body).encode())
    assert decoder.error is not None and decoder.error.message == text


def test_an_error_in_a_vendors_member_counts_beside_content() -> None:
    failed = {"base_resp": {"status_code": 1027, "status_msg": "output new_sensitive"}}
    assert error_in(say("Half"), {**chunk({}, "stop"), **failed}).message == "output new_sensitive"
    assert error_in({**say("Half"), **failed}, chunk({}, "stop")).code == "upstream_error"
    _, decoder = fold(
        sse({**say("All"), "base_resp": {"status_code": 0, "status_msg": ""}}, "[DONE]")
    )
    assert decoder.complete
