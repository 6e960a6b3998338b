"""Failures in OpenAI's form: the upstream's own words pass, its refusal of our key does not."""

from __future__ import annotations

from typing import Any

import pytest

from tornado_stream.chat.program_errors import UpstreamFailure, error_object
from tornado_stream.values.errors import ProviderError
from tornado_stream.values.events import End


def ended(code: str, **fields: Any) -> End:
    error = ProviderError(code, "Why.", **fields)
    return End(error.state, None, None, error, None, True, {})


@pytest.mark.parametrize(
    ("end", "status", "code", "type", "param"),
    [
        (
            ended(
                "context_length",
                upstream_status=400,
                upstream={"code": "string_above_max_length", "type": "bad", "param": "messages"},
            ),
            400,
            "string_above_max_length",
            "bad",
            "messages",
        ),
        (
            ended("context_length", upstream_status=400),
            400,
            "context_length_exceeded",
            "invalid_request_error",
            None,
        ),
        (
            ended("rate_limit", upstream_status=429),
            429,
            "rate_limit_exceeded",
            "rate_limit_error",
            None,
        ),
        (
            ended("auth", upstream_status=401, upstream={"code": "invalid_api_key"}),
            502,
            "invalid_api_key",
            "upstream_error",
            None,
        ),
        (ended("auth", upstream_status=403), 502, "auth", "upstream_error", None),
        (
            ended("model_not_found"),
            404,
            "model_not_found",
            "invalid_request_error",
            None,
        ),
        (ended("upstream_5xx", upstream_status=500), 502, "upstream_5xx", "upstream_error", None),
        (ended("upstream_5xx", upstream_status=529), 529, "upstream_5xx", "upstream_error", None),
        (ended("connection_reset"), 502, "connection_reset", "upstream_error", None),
        (
            End("interrupted", None, None, None, None, True, {}),
            502,
            "interrupted",
            "server_error",
            None,
        ),
    ],
)
def test_status_code_type_and_param(end, status, code, type, param):
    failure, error = UpstreamFailure(end), error_object(end)
    assert (failure.status, failure.code) == (status, code)
    assert (error["code"], error["type"], error["param"]) == (code, type, param)
    assert failure.details["type"] == type and failure.details["param"] == param


def test_the_words_say_that_it_is_the_servers_key():
    message = error_object(ended("auth", upstream_status=401))["message"]
    assert message == "The upstream refused this server's key. Why."


def test_only_what_cannot_have_been_processed_may_be_sent_again():
    assert UpstreamFailure(ended("connect_failed", unprocessed=True)).unprocessed
    assert not UpstreamFailure(ended("upstream_5xx", upstream_status=500)).unprocessed
    limited = ended("rate_limit", upstream_status=429, unprocessed=True, retry_after=6.6)
    assert UpstreamFailure(limited).unprocessed
    assert UpstreamFailure(limited).details["retry_after"] == 7
    later = ended("rate_limit", upstream_status=429, unprocessed=True, retry_after=61)
    busy = ended("upstream_5xx", upstream_status=503, unprocessed=True, retry_after=3600)
    empty = ended("quota", upstream_status=429, unprocessed=True)
    for end in (later, busy, empty):
        assert not UpstreamFailure(end).unprocessed


def test_a_question_that_was_refused_for_its_content_is_the_programs_own_mistake():
    assert UpstreamFailure(ended("bad_request", upstream_status=403)).status == 400
    assert UpstreamFailure(ended("auth", upstream_status=403)).status == 502
