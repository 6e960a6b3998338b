"""Days and months of budgets, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tornado_stream.values.budgets import first_day, next_period


def seconds(*date):
    return datetime(*date, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("per", "now", "first", "following"),
    [
        ("day", (2026, 12, 31, 23, 59), (2026, 12, 31), (2027, 1, 1)),
        ("day", (2026, 3, 1), (2026, 3, 1), (2026, 3, 2)),
        ("month", (2026, 1, 31, 12), (2026, 1, 1), (2026, 2, 1)),
        ("month", (2028, 2, 29, 23, 59), (2028, 2, 1), (2028, 3, 1)),
        ("month", (2026, 12, 1), (2026, 12, 1), (2027, 1, 1)),
    ],
)
def test_a_period_begins_and_ends_at_midnight(per, now, first, following):
    assert first_day(per, seconds(*now)) == seconds(*first) // 86_400
    assert next_period(per, seconds(*now)) == seconds(*following)
