"""A piece of Markdown as plain text, for the snippets of a search.

The piece may be cut anywhere, and only people read the result. So this is no parser: what looks
like markup is left out, and a mistake costs a character. The functions here do no I/O.
"""

from __future__ import annotations

import re

#: Stands for the match, whose own characters all stay.
_MATCH = "\ue000"
#: At the beginning of a line: quotes, headings, items of lists, the line of a fence or a table.
_LINE = re.compile(
    r"^[ \t]*(?:(?:```+|~~~+)[^`\n\ue000]*$|[-*_=|: \t]{3,}$|(?:>[ \t]?|#{1,6}[ \t]+|"
    r"[-*+][ \t]+(?:\[[ xX]\][ \t]+)?|\[![A-Z]+\][ \t]*$)+)",
    re.MULTILINE,
)
#: Links and pictures keep their text; a target stays where the match is in it.
_LINK = re.compile(
    r"!?\[([^\[\]\n]*)\]"
    r"\(([^()\s]*(?:\([^()\s]*\)[^()\s]*)*)(?:\s+\"[^\"\n]*\")?\)"
)
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^<>\s]+)>")
#: The tags that the page takes for markup.
_TAG = re.compile(
    r"</?(?:details|summary|b|bdi|br|cite|code|del|dfn|em|i|ins|kbd|mark|q|rp|rt|ruby|s|samp|small|"
    r"strong|sub|sup|u|var|wbr)(?: open)? ?/?>"
)
#: Marks around words. `_` counts only at the ends of words, and none beside a space.
_MARKS = re.compile(
    r"(\*{1,3}|~~|`{1,2})(?=\S)([^\n]{0,300}?[^\s*~`])\1(?!\*)|"
    r"(?<![\w\ue000])(_{1,3})(?=\S)([^\n]{0,300}?[^\s_])\3(?![\w\ue000])"
)
#: Escaped characters are put aside meanwhile, as private characters from ASIDE on.
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_ASIDE = 0xE100
_BACK = {_ASIDE + code: code for code in range(128)}
_BAR = re.compile(r"(?<=\s)\|(?=\s)|^\||\|$", re.MULTILINE)


def plain_around(before: str, after: str, *, is_start: bool) -> tuple[str, str]:
    """What stands before and behind a match, without markup. `is_start` says that `before` is not
    cut: else its first line begins in the middle."""
    left, found, right = plain(before + _MATCH + after, is_start=is_start).partition(_MATCH)
    return (left, right) if found else (before, after)  # the match is in what was left out


def plain(text: str, *, is_start: bool = True) -> str:
    """The text without what looks like markup."""
    head, line, rest = ("", "", text) if is_start else text.partition("\n")
    text = head + line + _LINE.sub("", rest)
    text = _ESCAPE.sub(lambda found: chr(_ASIDE + ord(found[1])), text)
    text = _AUTOLINK.sub(r"\1", _LINK.sub(_link, text))
    text = _TAG.sub("", text)
    for _ in range(3):  # marks inside marks
        text, changed = _MARKS.subn(lambda found: found[2] or found[4], text)
        if not changed:
            break
    return _BAR.sub("", text).translate(_BACK)


def _link(found: re.Match[str]) -> str:
    return f"{found[1]} {found[2]}" if _MATCH in found[2] else found[1]
