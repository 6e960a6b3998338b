"""The names of files that people save. Pure.

The rule: every download is named here, by the title of what it contains, so that each system can
store it: no character that Windows or macOS forbids, no name that Windows reserves, no control
character, and a bounded length in bytes.
"""

from __future__ import annotations

import re
import unicodedata
from time import gmtime, strftime
from urllib.parse import quote

#: Bytes of a name in UTF-8, with its ending. File systems take 255, of which a browser needs some
#: for " (1)" and for the ending of an unfinished download; encrypted ones take 143.
MAX_BYTES = 130
#: Separators, which become a dash, and the other characters that Windows forbids.
_SEPARATORS, _FORBIDDEN = re.compile(r"[/\\:|]"), re.compile(r'[<>"?*]')
#: Names of devices, which Windows reserves with any ending. ¹, ² and ³ count as digits there.
_RESERVED = re.compile(
    r"(con|prn|aux|nul|(com|lpt)[0-9¹²³]|conin\$|conout\$|clock\$) *(\.|$)", re.I
)
#: Joiners, which emoji and some scripts need. All other format characters, such as those that
#: turn the direction of a text, are left out.
_JOINERS = "\u200c\u200d"
#: What no name begins or ends with: a file with a leading dot is hidden, one with a leading dash
#: looks like an option, and Windows leaves out dots and spaces at the end.
_ENDS = " .-~" + _JOINERS
#: The end of the year 2107, in seconds since the epoch.
LAST_DAY = 4_354_819_199


def file_name(title: str, ending: str, *, at: int = 0, default: str = "conversation") -> str:
    """The name of a file with this title. `ending` has no dot.

    `at`, in milliseconds since the epoch, gives the day in UTC for a name without a title.
    """
    most = MAX_BYTES - len(ending.encode()) - 1
    seconds = max(0, min(at // 1000, LAST_DAY))
    stem = cleaned(title, most) or f"{default}-{strftime('%Y-%m-%d', gmtime(seconds))}"
    return f"{stem}.{ending}"


def content_disposition(name: str, kind: str = "attachment") -> str:
    """The header of a response with this file (RFC 6266, RFC 8187). `name` comes from `file_name`.

    `filename` has only ASCII, for clients that do not know `filename*`.
    """
    stem, _, ending = name.rpartition(".")
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    plain = cleaned(plain.replace("%", " "), MAX_BYTES)  # some clients decode %41
    if 2 * _letters(plain) < _letters(stem) or not _letters(plain):
        plain = "conversation"
    encoded = quote(name, safe="!#$&+-.^_`|~")  # the characters of RFC 8187 (attr-char)
    return f"{kind}; filename=\"{plain}.{ending}\"; filename*=UTF-8''{encoded}"


def cleaned(text: str, most: int) -> str:
    """A text as a name of at most so many bytes; "" if nothing is left."""
    text = unicodedata.normalize("NFC", text)
    text = _FORBIDDEN.sub(" ", _SEPARATORS.sub("-", text))
    text = "".join(filter(None, map(_allowed, text)))
    text = _cut(" ".join(text.split()).strip(_ENDS), most).strip(_ENDS)
    if not any(unicodedata.category(character)[0] in "LNSP" for character in text):
        return ""
    return _cut(f"_{text}", most) if _RESERVED.match(text) else text


def _letters(text: str) -> int:
    """How many letters and digits a text has."""
    return sum(character.isalnum() for character in text)


def _allowed(character: str) -> str:
    """The character, a space for one that separates, or "" for one that no name may have."""
    category = unicodedata.category(character)
    if category in ("Zs", "Zl", "Zp") or character in "\t\n\v\f\r\x85":
        return " "
    if category in ("Cc", "Cs") or (category == "Cf" and character not in _JOINERS):
        return ""
    is_noncharacter = ord(character) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(character) <= 0xFDEF
    return "" if is_noncharacter else character


def _cut(text: str, most: int) -> str:
    """The beginning of a text, which ends with a whole character, its accents included."""
    data = text.encode()
    if len(data) <= most:
        return text
    kept = data[:most].decode(errors="ignore")
    follows = text[len(kept)]
    while kept and (unicodedata.category(follows)[0] == "M" or "\u200d" in (kept[-1], follows)):
        kept, follows = kept[:-1], kept[-1]
    return kept
