"""The pseudo-language `ar-XB`, made from English: `make lang`.

It is for testing: who sees a word without its brackets has found one that no file of a language
holds; who sees a word cut off, or something on the wrong side, has found a fault in the layout
before a translator does. Every word is accented and its vowels are doubled (a third longer, as
German is), placeholders are kept, and every string begins as one that is read from the right.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tornado_stream.page.languages import read

LANG = Path(__file__).resolve().parent.parent / "tornado_stream" / "static" / "lang"
TAG = "ar-XB"
VOWELS = str.maketrans({vowel: vowel * 2 for vowel in "aeiouAEIOU"})
ACCENTS = str.maketrans(
    "aceghijklnorstuwyzACDEGHIJKLNORSTUWYZ", "áçéĝĥíĵķļñóŕšţúŵýžÁÇĎÉĜĤÍĴĶĻÑÓŔŠŢÚŴÝŽ"
)
OPEN, CLOSE = "\u27e6", "\u27e7"
#: Makes a string right to left for those who ask its first strong character (UAX 9).
RIGHT_TO_LEFT_MARK = "\u200f"


def pseudo(text: str) -> str:
    """One string, in brackets."""
    parts = re.split(r"(\{\w+\})", text)
    parts[::2] = [part.translate(VOWELS).translate(ACCENTS) for part in parts[::2]]
    return f"{RIGHT_TO_LEFT_MARK}{OPEN}{''.join(parts)}{CLOSE}"


def translated(level: dict[str, Any]) -> dict[str, Any]:
    """All strings below, under the same names."""
    return {
        name: translated(value) if isinstance(value, dict) else pseudo(value)
        for name, value in level.items()
    }


def module() -> str:
    """What the language's file should hold."""
    strings = translated(read(LANG / "en.js"))
    text = json.dumps(strings, ensure_ascii=False, indent=2).replace(RIGHT_TO_LEFT_MARK, r"\u200f")
    return f"export default {text};\n"


if __name__ == "__main__":
    (LANG / f"{TAG}.js").write_text(module(), encoding="utf-8")
