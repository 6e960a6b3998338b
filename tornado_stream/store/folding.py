"""Folding: texts that a search takes for equal become the same text.

Letter case, accents, points of Hebrew and Arabic, and the width of letters do not count; the marks
of other scripts do, because they make another word there. Texts are folded in slices: normalizing
takes a time that grows with the square of a run of marks, and holds the interpreter's lock.

The functions here do no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from unicodedata import category, normalize

#: Characters of a slice. It begins with a character that stands alone, if there is one among the
#: last CLUSTER.
SLICE, CLUSTER = 256, 64
#: Characters of a piece of a long text, which takes less than a millisecond to fold.
PIECE = 2048
#: What is left out: accents, the points of Hebrew and Arabic, the stroke that stretches Arabic
#: words, and characters that have no width. The hamza stays, as it makes another letter.
_LEFT_OUT = re.compile(
    "[\u00ad\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    "\u0610-\u061a\u0640\u064b-\u0652\u0656-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8"
    "\u06ea-\u06ed\u08d3-\u08e1\u08e3-\u08ff\u1ab0-\u1aff\u1dc0-\u1dff\u200b-\u200f\u2060"
    "\u20d0-\u20f0\ufe00-\ufe0f\ufe20-\ufe2f\ufeff]+"
)
#: Letters of another width, ligatures, and the forms of Arabic letters.
_FORMS = re.compile("[\ufb00-\ufdff\ufe70-\ufefe\uff01-\uffee]+")
#: Letters in which Unicode sees no accent.
_PLAIN = {"ı": "i", "ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ŧ": "t", "æ": "ae", "œ": "oe"}
_LETTERS = re.compile(f"[{''.join(_PLAIN)}]")
#: Stands for "й" meanwhile, which is no "и" with an accent. No text means this character.
_SHORT_I = "\ufffe"


def fold(text: str) -> str:
    """The text as a search compares it. Folding it again changes nothing."""
    return text.lower() if text.isascii() else "".join(map(_fold_slice, _slices(text)))


def fold_in_pieces(text: str) -> Iterator[tuple[int, str]]:
    """The pieces that `fold(text)` consists of, each with the place in `text` where it begins."""
    begin = at = 0
    slices: list[str] = []
    for part in [text] if len(text) <= SLICE else _slices(text):
        at += len(part)
        slices.append(part)
        if at - begin >= PIECE or at == len(text):
            yield begin, "".join(map(_fold_slice, slices))
            begin, slices = at, []


def original(text: str, begin: int, end: int) -> tuple[int, int]:
    """The part of `text` that became the part from `begin` to `end` of `fold(text)`."""
    if text.isascii():
        return begin, end
    first = None
    place = at = 0
    for piece in _slices(text):
        length = len(_fold_slice(piece))
        if at + length <= begin:
            place, at = place + len(piece), at + length
            continue
        for cluster in _clusters(piece):
            at += len(_fold_slice(cluster))
            if first is None and at > begin:
                first = place
            place += len(cluster)
            if first is not None and at >= end:
                return first, place
    return place if first is None else first, place


def _fold_slice(text: str) -> str:
    if text.isascii():
        return text.lower()
    text = _FORMS.sub(lambda forms: normalize("NFKC", forms[0]), text)
    for short_i in ("й", "Й", "и\u0306", "И\u0306"):
        text = text.replace(short_i, _SHORT_I)
    text = _LEFT_OUT.sub("", normalize("NFD", _LEFT_OUT.sub("", text)))
    text = text.casefold()
    text = _LETTERS.sub(lambda letter: _PLAIN[letter[0]], text).replace(_SHORT_I, "й")
    return text if text.isascii() else normalize("NFC", text)


def _slices(text: str) -> Iterator[str]:
    begin = 0
    while begin < len(text):
        end = cut = min(begin + SLICE, len(text))
        while cut < len(text) and cut > end - CLUSTER and not _stands_alone(text[cut]):
            cut -= 1
        end = cut if cut > end - CLUSTER else end
        yield text[begin:end]
        begin = end


def _clusters(text: str) -> Iterator[str]:
    """Each character, together with those that may change or join it."""
    begin = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or _stands_alone(text[at]):
            yield text[begin:at]
            begin = at


def _stands_alone(character: str) -> bool:
    """Whether a character begins anew, so that folding can be divided before it."""
    return character.isascii() or not (
        category(character)[0] == "M"
        or _LEFT_OUT.match(character)
        or "\u1160" <= character <= "\u11ff"  # the vowel or the end of a Korean syllable
        or "\uff9e" <= character <= "\uffdc"  # the same, and Japanese marks, of half width
    )
