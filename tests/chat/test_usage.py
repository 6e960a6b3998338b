"""The ledger's sums as rows and as a file."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest

from tornado_stream.chat.usage import Usage, UsageService, exact, usage_csv, usage_json
from tornado_stream.store.base import UsageRow
from tornado_stream.values.errors import InvalidRequest


def usage(by, *keys):
    rows = [UsageRow(key, "USD", 4, 3, 2, 1, 1_234_567_891, 1, 2) for key in keys]
    return Usage(by, date(2026, 1, 1), date(2026, 1, 31), "USD", rows)


def test_rows_have_dates_or_names_and_amounts_in_the_currency():
    shown = usage_json(usage("day", 20454))
    assert shown["rows"] == [
        {
            "day": "2026-01-01",
            "currency": "USD",
            "requests": 4,
            "prompt": 3,
            "cached": 2,
            "completion": 1,
            "amount": 1.234567891,
            "estimated": 1,
            "unknown": 2,
        }
    ]
    assert (shown["estimated_share"], shown["from"], shown["by"]) == (0.25, "2026-01-01", "day")


@pytest.mark.parametrize("name", ["=1+2", "+1", "-2", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(name):
    (_, row) = csv.reader(io.StringIO(usage_csv(usage("model", name))), strict=True)
    assert row[0] == f"'{name}"


def test_cells_with_quotes_and_lines_stay_one_cell():
    name = 'a,"b"\nc'
    (head, row) = csv.reader(io.StringIO(usage_csv(usage("model", name))))
    assert (row[0], head[0], len(row)) == (name, "model", len(head))
    assert dict(zip(head, row, strict=True))["amount"] == "1.234567891"


@pytest.mark.parametrize(
    ("amount", "shown"),
    [(0, "0"), (1, "0.000000001"), (10**9, "1"), (100 * 10**9, "100"), (1_500_000_000, "1.5")],
)
def test_an_amount_is_exact(amount, shown):
    assert exact(amount) == shown


@pytest.mark.parametrize(
    "query",
    [
        {"by": "hour"},
        {"from": "yesterday"},
        {"from": "2026-02-30"},
        {"from": "20260101"},
        {"from": "2026-W01-1"},
        {"from": "1969-12-31"},
        {"from": "2026-02-02", "to": "2026-02-01"},
        {"from": "1970-01-01", "to": "2026-01-01"},
    ],
)
@pytest.mark.gen_test
async def test_a_wrong_query_is_refused(query):
    with pytest.raises(InvalidRequest):
        await UsageService(None, frozenset(), "USD").read("ada", query)
