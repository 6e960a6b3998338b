"""Members of foreign objects: times in any unit, halves of characters, fences that hold."""

from __future__ import annotations

import pytest

from tornado_stream.chat.imports.members import attached, identity, moment, name, part, source, text

NOON = 1_748_779_200_000


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1_748_779_200, NOON),
        (1_748_779_200.25, NOON + 250),
        (NOON, NOON),
        (NOON * 1000, NOON),
        (NOON * 1_000_000, NOON),
        ("2025-06-01T12:00:00Z", NOON),
        ("2025-06-01T14:00:00.500+02:00", NOON + 500),
        ("2025-06-01T12:00:00", NOON),
        ("1748779200", NOON),
        *(
            (odd, 0)
            for odd in (None, True, -1, 0, 1e300, 10**400, float("nan"), "soon", "", [], {})
        ),
        ("0001-01-01T00:00:00+23:59", 0),
        ("9" * 5000, 0),
    ],
)
def test_times(value, expected):
    assert moment(value) == expected


def test_texts_and_names():
    assert text("half \ud83d of it") == "half \ufffd of it"
    assert [text(odd) for odd in (None, 7, [], b"x")] == [""] * 4
    assert name("  gpt\n4 " + "x" * 500) == "gpt 4 " + "x" * 194
    assert (name(""), name(None)) == (None, None)
    assert [identity(one) for one in ("a", 7, True, "", None, 10**30)] == ["a", "7", *[None] * 4]


def test_what_stands_for_files():
    assert (part("picture", None), part("file", "a\nb")) == ("[picture]", "[file: a b]")
    assert attached("x", "```\n`````") == "[file: x]\n``````\n```\n`````\n``````"
    assert source("javascript:alert(1)", "x") == source(None, "x") == []
    assert source("https://x.example", "a\n b") == [{"url": "https://x.example", "title": "a b"}]
