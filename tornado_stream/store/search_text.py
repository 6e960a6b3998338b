"""What a search means: when a text holds the query, and the snippet that shows it. Pure."""

from __future__ import annotations

import re

from tornado_stream.values.errors import InvalidRequest

#: The match in a snippet stands between these; they are taken out of all other text.
MATCH_BEGINS, MATCH_ENDS = "\ue000", "\ue001"
#: Characters of a snippet before its match, and in all.
CONTEXT = 60
SNIPPET = 160

#: Lower-case letters that are another form of one.
_FORMS = [("ı", "i"), ("ſ", "s"), ("ς", "σ"), ("µ", "μ"), ("ϐ", "β"), ("ϑ", "θ"), ("ϕ", "φ")]

#: A cursor before which everything stands.
NEWEST = 2**63 - 1


def searchable(text: str) -> str:
    """The text as it is searched and shown: without the two marks, NUL as a space (SQLite's
    functions and tokenizers take NUL for the end)."""
    return text.replace(MATCH_BEGINS, "").replace(MATCH_ENDS, "").replace("\0", " ")


class Matcher:
    """Finds a query in searchable texts, in any letter case; in linear time, unlike a regular
    expression, and a text is a megabyte."""

    def __init__(self, query: str) -> None:
        self._query = _fold(query)

    def find(self, text: str) -> tuple[int, int] | None:
        """Where its first match begins and ends."""
        begin = _fold(text).find(self._query)
        return None if begin < 0 else (begin, begin + len(self._query))


def _fold(text: str) -> str:
    """In one letter case, each character in its place."""
    text = text.replace("İ", "i").lower()  # the only one that becomes two
    for form, letter in _FORMS:
        text = text.replace(form, letter)
    return text


def snippet(text: str, pattern: Matcher) -> str:
    """The text around the first match, on one line; its beginning where there is no match."""
    text = searchable(text)
    found = pattern.find(text)
    begin, end = found or (0, 0)
    end = min(end, begin + SNIPPET - CONTEXT)
    first = max(0, begin - CONTEXT)
    last = first + SNIPPET
    before, match, after = (
        re.sub(r"\s+", " ", part) for part in (text[first:begin], text[begin:end], text[end:last])
    )
    marked = f"{MATCH_BEGINS}{match}{MATCH_ENDS}" if found else ""
    return f"{'…' if first else ''}{before}{marked}{after}{'…' if last < len(text) else ''}"


def parse_cursor(before: str | None) -> int:
    """The number that a `next` stands for. Raises `InvalidRequest`."""
    if before is None:
        return NEWEST
    if not (before.isascii() and before.isdigit() and len(before) <= 18):
        raise InvalidRequest("before must be the `next` of the page before.")
    return int(before)
