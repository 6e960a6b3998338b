"""What a client is told of an error that has only a status."""

from __future__ import annotations

import pytest

from tornado_stream.handlers.status_errors import STATUS_ERRORS, status_error


@pytest.mark.parametrize("status", [*STATUS_ERRORS, 402, 418, 499, 500, 503, 599])
def test_every_status_has_a_code_and_a_sentence(status):
    code, message = status_error(status)
    assert code.replace("_", "").isalpha() and code == code.lower()
    assert message[0].isupper() and message.endswith(".")


def test_a_failure_of_the_server_does_not_say_more_than_that():
    assert {status_error(status) for status in range(500, 600)} == {
        ("server_error", "This server failed; its log says why.")
    }


def test_a_status_without_words_of_its_own_has_those_of_http():
    assert status_error(402) == ("payment_required", "Payment Required.")
    assert status_error(405, ["GET", "HEAD"])[1].endswith("only these methods: GET, HEAD.")
    assert status_error(499) == ("error", "Error.")
