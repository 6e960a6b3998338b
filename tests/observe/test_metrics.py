"""What is counted is right, and costs next to nothing."""

from __future__ import annotations

from array import array

import pytest

from tornado_stream.observe.metrics import Histogram, Metrics
from tornado_stream.values.errors import ProviderError
from tornado_stream.values.events import End


def end(state: str = "done", usage=None, error: ProviderError | None = None) -> End:
    return End(state, None, usage, error, None, True, {"first_token_ms": 1, "total_ms": 2})


def test_a_value_on_a_bound_is_below_it():
    one, many = Histogram((1, 2, 5)), Histogram((1, 2, 5))
    values = [7.0, 0.5, 1, 1.5, 2, 2.5, 5, 9]
    for value in values:
        one.observe(value)
    many.observe_all(values)
    assert one.counts == many.counts == [2, 2, 2, 2]
    assert one.sum == many.sum == 28.5


def test_nothing_is_no_value():
    histogram = Histogram((1,))
    histogram.observe_all([])
    assert histogram.counts == [0, 0] and histogram.sum == 0


def test_an_answer():
    metrics = Metrics()
    times = array("d", [10.5, 10.502, 10.602, 12.5])
    metrics.answer_ended(end(usage={"completion_tokens": 40}), 10.0, times)
    assert metrics.first_token.sum == 0.5 and sum(metrics.first_token.counts) == 1
    assert metrics.gaps.sum == pytest.approx(2.0) and sum(metrics.gaps.counts) == 3
    assert metrics.speed.sum == pytest.approx(20.0)
    assert metrics.ends == {("done", "none"): 1}


@pytest.mark.parametrize(
    "usage", [None, {}, {"completion_tokens": True}, {"completion_tokens": "9"}]
)
def test_without_usage_deltas_are_counted(usage):
    metrics = Metrics()
    metrics.answer_ended(end(usage=usage), 0.0, array("d", [1.0, 2.0, 3.0]))
    assert metrics.speed.sum == 1.5


def test_an_answer_without_text_has_an_end_alone():
    metrics = Metrics()
    metrics.answer_ended(end("error", error=ProviderError("auth", "no")), 0.0, array("d"))
    metrics.answer_ended(end("done"), 0.0, array("d", [1.0]))
    assert metrics.ends == {("error", "auth"): 1, ("done", "none"): 1}
    assert sum(metrics.first_token.counts) == 1
    assert sum(metrics.gaps.counts) == sum(metrics.speed.counts) == 0


def test_no_label_holds_what_others_wrote():
    metrics = Metrics()
    for path in ("/", "/c/x", "/api/x", "/favicon.ico", "/readyz", "/evil", "*", "", "//api"):
        metrics.request_ended(path, 200)
    routes = {"page", "api", "static", "watch", "other"}
    assert {route for route, _ in metrics.requests} == routes
    for status in (200, 429, 418, 599, 999, 0, 1000):
        metrics.upstream_answered(status)
    assert set(metrics.upstream) == {"200", "429", "418", "5xx", "9xx", "0xx"}
