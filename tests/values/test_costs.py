"""What an answer costs, and what of that is known."""

from __future__ import annotations

import pytest

from tornado_stream.values.costs import Price, cost_of

PRICE = Price(2.0, 10.0, 0.5, "EUR")


def test_tokens_have_their_price_and_cached_ones_their_own():
    usage = {"prompt_tokens": 1000, "completion_tokens": 100}
    assert cost_of(usage, PRICE, 0, 0) == {
        "amount": 0.003,
        "currency": "EUR",
        "estimated": False,
    }
    usage["prompt_tokens_details"] = {"cached_tokens": 400}
    assert cost_of(usage, PRICE, 0, 0)["amount"] == pytest.approx(0.0024)
    assert cost_of(usage, Price(2.0, 10.0), 0, 0)["amount"] == pytest.approx(0.003)


def test_what_was_not_counted_is_estimated_and_says_so():
    cost = cost_of(None, PRICE, 4000, 400)
    assert cost == {"amount": 0.003, "currency": "EUR", "estimated": True}
    assert cost_of({"prompt_tokens": 1000}, PRICE, 0, 400)["estimated"] is True


def test_what_the_server_charges_it_knows_best():
    assert cost_of({"cost": 0.25, "prompt_tokens": 9}, PRICE, 0, 0) == {
        "amount": 0.25,
        "currency": "USD",
        "estimated": False,
    }


@pytest.mark.parametrize("usage", [None, {}, {"cost": "much"}, {"cost": -1}, {"cost": True}])
def test_without_a_price_there_is_no_cost(usage):
    assert cost_of(usage, None, 10, 10) is None


@pytest.mark.parametrize("odd", [None, "7", -7, True, 1e99, float("nan")])
def test_odd_usage_is_no_usage(odd):
    usage = {"prompt_tokens": odd, "completion_tokens": odd, "prompt_tokens_details": odd}
    assert cost_of(usage, PRICE, 4000, 400)["amount"] == 0.003
