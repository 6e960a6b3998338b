"""The parts of an error that programs read."""

from __future__ import annotations

from tornado_stream.values.errors import ChatError, Conflict, ProviderError


def test_a_chat_error_carries_its_details():
    error = Conflict("Busy.", code="conversation_busy", generation_id="g")
    assert isinstance(error, ChatError)
    assert (error.status, error.code, error.details) == (
        409,
        "conversation_busy",
        {"generation_id": "g"},
    )


def test_a_provider_error_is_the_object_of_the_contract():
    error = ProviderError("rate_limit", "Wait.", upstream_status=429, retryable=True, retry_after=2)
    assert error.to_json() == {
        "code": "rate_limit",
        "message": "Wait.",
        "upstream_status": 429,
        "retryable": True,
        "retry_after": 2,
    }
    assert error.state == "error"
