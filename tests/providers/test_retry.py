"""How long is waited, and when not at all."""

from __future__ import annotations

import pytest

from tornado_stream.providers.retry import wait_before
from tornado_stream.values.errors import ProviderError


def error(code: str = "rate_limit", *, unprocessed: bool = True, after: float | None = None):
    return ProviderError(code, "No.", unprocessed=unprocessed, retry_after=after)


def test_waits_grow_and_differ():
    first = [wait_before(1, error()) for _ in range(50)]
    second = [wait_before(2, error()) for _ in range(50)]
    assert all(0.5 <= wait <= 1 for wait in first) and all(1 <= wait <= 2 for wait in second)
    assert len(set(first)) > 10


def test_the_server_may_ask_for_more_but_not_for_too_much():
    assert wait_before(1, error(after=7)) == 7
    assert wait_before(1, error(after=0)) >= 0.5
    assert wait_before(1, error(after=60)) == 60
    assert wait_before(1, error(after=61)) is None


@pytest.mark.parametrize(
    ("attempt", "failure"),
    [(3, error()), (1, error(unprocessed=False)), (1, error("quota")), (1, error("auth"))],
)
def test_some_things_are_not_tried_again(attempt, failure):
    assert wait_before(attempt, failure) is None
