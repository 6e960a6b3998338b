"""Makes the pseudo-language `ar-XB` from the English strings: `make lang`.

It is for testing. A text without brackets is one that the language files do not contain. A text
that is cut off, or an element on the wrong side, shows a fault in the layout before a translator
meets it. Letters get accents and vowels are doubled, which makes a text about a third longer, as
German is. Placeholders stay as they are. Every string begins with a mark that makes it run from
right to left.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

# The package beside this script, also where another checkout is installed.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tornado_stream.page.languages import FOLDERS, read

LANG = Path(__file__).resolve().parent.parent / "tornado_stream" / "static" / "lang"
TAG = "ar-XB"
VOWELS = str.maketrans({vowel: vowel * 2 for vowel in "aeiouAEIOU"})
ACCENTS = str.maketrans(
    "aceghijklnorstuwyzACDEGHIJKLNORSTUWYZ", "áçéĝĥíĵķļñóŕšţúŵýžÁÇĎÉĜĤÍĴĶĻÑÓŔŠŢÚŴÝŽ"
)
OPEN, CLOSE = "\u27e6", "\u27e7"
#: Unicode derives a text's direction from its first strong character (UAX 9); this is one.
RIGHT_TO_LEFT_MARK = "\u200f"


def pseudo(text: str) -> str:
    """The string in the pseudo-language, in brackets."""
    parts = re.split(r"(\{\w+\})", text)
    parts[::2] = [part.translate(VOWELS).translate(ACCENTS) for part in parts[::2]]
    return f"{RIGHT_TO_LEFT_MARK}{OPEN}{''.join(parts)}{CLOSE}"


def translated(level: dict[str, Any]) -> dict[str, Any]:
    """The same nested names, with every string in the pseudo-language."""
    return {
        name: translated(value) if isinstance(value, dict) else pseudo(value)
        for name, value in level.items()
    }


def module(folder: Path = LANG) -> str:
    """The text of the language's file in this folder."""
    strings = translated(read(folder / "en.js"))
    text = json.dumps(strings, ensure_ascii=False, indent=2).replace(RIGHT_TO_LEFT_MARK, r"\u200f")
    return f"export default {text};\n"


if __name__ == "__main__":
    for folder in (LANG, *(LANG / name for name in FOLDERS)):
        (folder / f"{TAG}.js").write_text(module(folder), encoding="utf-8")
