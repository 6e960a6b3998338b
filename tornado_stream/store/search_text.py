"""Decides whether a text contains a query, and makes the snippet that shows the match.

The functions here do no I/O.
"""

from __future__ import annotations

import re

from tornado_stream.store.folding import fold, original
from tornado_stream.store.plain_text import plain_around
from tornado_stream.values.errors import InvalidRequest

#: These enclose the match in a snippet. They are removed from all other text.
MATCH_BEGINS, MATCH_ENDS = "\ue000", "\ue001"
#: Characters of a snippet before its match, and in total.
CONTEXT = 60
SNIPPET = 160
#: Characters on each side of the match that are read, because markup is left out.
AROUND = 240

#: A cursor that is higher than every `seq`.
NEWEST = 2**63 - 1


def searchable(text: str) -> str:
    """The text as it is searched and shown: without the two marks, and with a space for each NUL,
    because NUL ends a text for SQLite's functions and tokenizers."""
    return text.replace(MATCH_BEGINS, "").replace(MATCH_ENDS, "").replace("\0", " ")


class Matcher:
    """Finds a query in `searchable` texts; what `fold` folds does not count.

    It takes linear time, unlike a regular expression; a text can have a megabyte.
    """

    def __init__(self, query: str) -> None:
        self._query = fold(query)

    def is_in(self, text: str) -> bool:
        return self._query in fold(text)

    def find(self, text: str) -> tuple[int, int] | None:
        """The begin and the end of the first match, or None."""
        begin = fold(text).find(self._query)
        return None if begin < 0 else original(text, begin, begin + len(self._query))


def snippet(text: str, pattern: Matcher, *, markdown: bool = False) -> str:
    """The text around the first match, on one line; the beginning of the text without a match.
    The markup of Markdown is left out, except where it is what was found."""
    text = searchable(text)
    found = pattern.find(text)
    begin, end = found or (0, 0)
    end = min(end, begin + SNIPPET - CONTEXT)
    first, last = max(0, begin - AROUND), end + AROUND
    match = f"{MATCH_BEGINS}{text[begin:end]}{MATCH_ENDS}" if found else ""
    before, after = text[first:begin], text[end:last]
    if markdown:
        before, after = plain_around(before, after, is_start=not first)
    before, match, after = (re.sub(r"\s+", " ", part) for part in (before, match, after))
    cut = first or len(before) > CONTEXT
    before = before[-CONTEXT:] if begin else ""
    rest = SNIPPET - len(before) - (end - begin)
    cut_end = last < len(text) or len(after) > rest
    return f"{'…' if cut else ''}{before}{match}{after[:rest]}{'…' if cut_end else ''}"


def parse_cursor(before: str | None) -> int:
    """The `seq` below which a page begins, from the `next` of the page before. Raises
    `InvalidRequest`."""
    if before is None:
        return NEWEST
    if not (before.isascii() and before.isdigit() and len(before) <= 18):
        raise InvalidRequest("before must be the `next` of the previous page.")
    return int(before)
