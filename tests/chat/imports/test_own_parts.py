"""Calls of tools in an export of this program come back as they were."""

from __future__ import annotations

from typing import Any

import pytest

from tornado_stream.chat.imports.own_parts import parts_of
from tornado_stream.values.calls import CUT_SHORT, Call

FILE = {
    "id": "f",
    "name": "a.png",
    "type": "image/png",
    "size": 7,
    "kind": "image",
    "tokens": 1,
    "pages": None,
    "pages_read": None,
    "shortened": False,
}
RESULT = {
    "text": "12:00",
    "structured": {"at": 12},
    "files": [FILE],
    "sources": [{"url": "https://x.example/", "title": "X"}],
    "shortened": False,
}


def call(**more: Any) -> Call:
    return Call(**{"index": 0, "id": "c", "name": "get", "server": "s", "arguments": "{}"} | more)


def part(**more: Any) -> dict[str, Any]:
    return call(**{"state": "done", "ms": 3, "result": RESULT} | more).to_part()


def test_parts_come_back_as_they_were():
    waiting = call(state="waiting", why="asks")
    parts = [
        {"type": "text", "text": "Let me see."},
        part(),
        {"type": "step", "number": 1, "cost": {"amount": 0.5}},
        part(state="failed", is_error=True, result=None, why="no"),
        part(state="refused", index=None, again="b", decision="refuse"),
        call(state="waiting", why="asks", sha256=waiting.digest()).to_part(),
    ]
    assert parts_of(parts) == parts


def test_what_is_approved_is_what_is_shown():
    parts = parts_of([part(decision="always"), part(decision="whatever")])
    assert parts and [one["decision"] for one in parts] == ["always", None]
    (waiting,) = parts_of([part(state="waiting", sha256="of another call")]) or []
    assert waiting["sha256"] == call(state="waiting").digest(), "it is bound to what is shown"


def test_a_call_that_ran_is_unknown():
    (one,) = parts_of([part(state="running", result=None)]) or []
    assert (one["state"], one["why"]) == ("unknown", CUT_SHORT)


@pytest.mark.parametrize(
    "value",
    [None, 7, "x", [], [7], [{}], [{"type": "call"}], [{"type": "call", "state": []}], [[]]],
)
def test_what_is_no_part_is_left_out(value):
    assert parts_of(value) is None
