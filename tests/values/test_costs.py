"""The cost of an answer, and when it is an estimate."""

from __future__ import annotations

import pytest

from tornado_stream.values.costs import Price, cost_of

PRICE = Price(2.0, 10.0, 0.5, "EUR")


def test_cached_tokens_have_their_own_price():
    usage = {"prompt_tokens": 1000, "completion_tokens": 100}
    assert cost_of(usage, PRICE, 0, 0) == {
        "amount": 0.003,
        "currency": "EUR",
        "estimated": False,
    }
    usage["prompt_tokens_details"] = {"cached_tokens": 400}
    assert cost_of(usage, PRICE, 0, 0)["amount"] == pytest.approx(0.0024)
    assert cost_of(usage, Price(2.0, 10.0), 0, 0)["amount"] == pytest.approx(0.003)


def test_missing_token_counts_are_estimated():
    cost = cost_of(None, PRICE, 4000, 400)
    assert cost == {"amount": 0.003, "currency": "EUR", "estimated": True}
    assert cost_of({"prompt_tokens": 1000}, PRICE, 0, 400)["estimated"] is True


def test_a_cost_that_the_upstream_reports_comes_first():
    assert cost_of({"cost": 0.25, "prompt_tokens": 9}, PRICE, 0, 0) == {
        "amount": 0.25,
        "currency": "USD",
        "estimated": False,
    }


@pytest.mark.parametrize("usage", [None, {}, {"cost": "much"}, {"cost": -1}, {"cost": True}])
def test_without_a_price_there_is_no_cost(usage):
    assert cost_of(usage, None, 10, 10) is None


@pytest.mark.parametrize("odd", [None, "7", -7, True, 1e99, float("nan")])
def test_malformed_usage_is_ignored(odd):
    usage = {"prompt_tokens": odd, "completion_tokens": odd, "prompt_tokens_details": odd}
    assert cost_of(usage, PRICE, 4000, 400)["amount"] == 0.003
