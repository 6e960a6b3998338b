"""The cost of an answer, from the usage that the upstream reports. Pure values.

The rule: a number of tokens that is not known is estimated, and the cost is marked as an estimate.
Without a price there is no cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

#: Characters of one token, about, for upstreams that do not count tokens.
TOKEN_LENGTH = 4


@dataclass(frozen=True, slots=True)
class Price:
    """The price of a million tokens. With `cached_input` None, cached tokens cost as much as other
    input."""

    input: float
    output: float
    cached_input: float | None = None
    currency: str = "USD"


def cost_of(
    usage: dict[str, Any] | None, price: Price | None, prompt_length: int, answer_length: int
) -> dict[str, Any] | None:
    """`{"amount", "currency", "estimated"}`, or None where there is neither a price nor a cost.

    A cost that the upstream itself reports (`usage.cost`, as OpenRouter does) comes before the
    price. The lengths are in characters; they are used where the usage has no numbers.
    """
    usage = usage or {}
    if (named := _number(usage.get("cost"))) is not None:
        return {"amount": named, "currency": "USD", "estimated": False}
    if price is None:
        return None
    prompt, answer = _number(usage.get("prompt_tokens")), _number(usage.get("completion_tokens"))
    estimated = prompt is None or answer is None
    if prompt is None:
        prompt = prompt_length / TOKEN_LENGTH
    if answer is None:
        answer = answer_length / TOKEN_LENGTH
    details = usage.get("prompt_tokens_details")
    cached = _number(details.get("cached_tokens")) if isinstance(details, dict) else None
    cached = min(cached or 0, prompt)
    cached_price = price.input if price.cached_input is None else price.cached_input
    amount = (prompt - cached) * price.input + cached * cached_price + answer * price.output
    return {"amount": round(amount / 1e6, 9), "currency": price.currency, "estimated": estimated}


def sum_of_costs(costs: Sequence[dict[str, Any] | None]) -> dict[str, Any] | None:
    """The sum; None where no cost is known. It is an estimate if one of them is, or is not known.
    All steps of an answer have one currency."""
    known = [cost for cost in costs if cost]
    if not known:
        return None
    amount = round(sum(cost["amount"] for cost in known), 9)
    estimated = len(known) < len(costs) or any(cost["estimated"] for cost in known)
    return {"amount": amount, "currency": known[-1]["currency"], "estimated": estimated}


def estimated_tokens(length: int) -> int:
    """The tokens of a text of so many characters, rounded up."""
    return -(-length // TOKEN_LENGTH)


def _number(value: Any) -> float | None:
    return value if type(value) in (int, float) and 0 <= value < 1e12 else None
