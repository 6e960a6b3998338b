"""Decides whether a text contains a query, and makes the snippet that shows the match.

The functions here do no I/O.
"""

from __future__ import annotations

import re

from tornado_stream.values.errors import InvalidRequest

#: These enclose the match in a snippet. They are removed from all other text.
MATCH_BEGINS, MATCH_ENDS = "\ue000", "\ue001"
#: Characters of a snippet before its match, and in total.
CONTEXT = 60
SNIPPET = 160

#: Lower-case letters that are variants of another letter.
_FORMS = [("ı", "i"), ("ſ", "s"), ("ς", "σ"), ("µ", "μ"), ("ϐ", "β"), ("ϑ", "θ"), ("ϕ", "φ")]

#: A cursor that is higher than every `seq`.
NEWEST = 2**63 - 1


def searchable(text: str) -> str:
    """The text as it is searched and shown: without the two marks, and with a space for each NUL,
    because NUL ends a text for SQLite's functions and tokenizers."""
    return text.replace(MATCH_BEGINS, "").replace(MATCH_ENDS, "").replace("\0", " ")


class Matcher:
    """Finds a query in `searchable` texts, in any letter case.

    It takes linear time, unlike a regular expression; a text can have a megabyte.
    """

    def __init__(self, query: str) -> None:
        self._query = _fold(query)

    def find(self, text: str) -> tuple[int, int] | None:
        """The begin and the end of the first match, or None."""
        begin = _fold(text).find(self._query)
        return None if begin < 0 else (begin, begin + len(self._query))


def _fold(text: str) -> str:
    """The text in one letter case, in which each character keeps its index."""
    text = text.replace("İ", "i").lower()  # lower() alone would make two characters of it
    for form, letter in _FORMS:
        text = text.replace(form, letter)
    return text


def snippet(text: str, pattern: Matcher) -> str:
    """The text around the first match, on one line; the beginning of the text without a match."""
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
    """The `seq` below which a page begins, from the `next` of the page before. Raises
    `InvalidRequest`."""
    if before is None:
        return NEWEST
    if not (before.isascii() and before.isdigit() and len(before) <= 18):
        raise InvalidRequest("before must be the `next` of the previous page.")
    return int(before)
