"""Decides whether a text contains a query, and makes the snippet that shows the match.

The functions here do no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tornado_stream.store.folding import PIECE, fold, fold_in_pieces, original
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

    It takes linear time, unlike a regular expression. A text can have megabytes, so it is read in
    pieces: `look` is called between them, and ends the search by raising an error.
    """

    def __init__(self, query: str, look: Callable[[], None] = lambda: None) -> None:
        self.query = fold(query)
        self._look = look

    def is_in(self, text: str) -> bool:
        return self.find(text) is not None if len(text) > PIECE else self.query in fold(text)

    def find(self, text: str) -> tuple[int, int] | None:
        """The begin and the end of the first match, or None."""
        folded = 0  # characters before `rest`
        rest = ""
        begins: list[tuple[int, int]] = []  # of the pieces: in the folded text, and in `text`
        for place, piece in fold_in_pieces(text):
            if place:
                self._look()
            begins.append((folded + len(rest), place))
            rest += piece
            if (found := rest.find(self.query)) >= 0:
                return self._original(text, folded + found, begins)
            passed = max(0, len(rest) - len(self.query) + 1)
            folded, rest = folded + passed, rest[passed:]
        return None

    def _original(self, text: str, found: int, begins: list[tuple[int, int]]) -> tuple[int, int]:
        folded, place = next(begin for begin in reversed(begins) if begin[0] <= found)
        match = found - folded, found - folded + len(self.query)
        begin, end = original(text[place:], *match)
        return place + begin, place + end


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
    if not re.fullmatch(r"-?[0-9]{1,19}", before) or abs(cursor := int(before)) > NEWEST:
        raise InvalidRequest("before must be the `next` of the previous page.")
    return cursor
