"""The languages of the interface, whose files templates and JavaScript modules share.

The rule: a file in `static/lang` is `export default {…};` around plain JSON, so a browser can
import the same file that the server reads for its templates. The request's Accept-Language header
chooses the language; English is the fallback.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

DEFAULT = "en"
#: The folders of a language's other files: strings that only lazily loaded modules use, and strings
#: that only templates use, which no browser loads.
FOLDERS = ("later", "pages")
#: How a language writes `,` and `.` in numbers, where it is not as in English (CLDR).
SEPARATORS = {"de": (".", ","), "es": (".", ","), "fr": ("\u202f", ",")}
#: The pseudo-language of the tests.
PSEUDO = "ar-XB"
RIGHT_TO_LEFT = {"ar", "fa", "he", "ur"}


@dataclass(frozen=True)
class Language:
    """A language: its BCP 47 tag, and its file in the folder of all languages."""

    tag: str
    path: Path

    @cached_property
    def strings(self) -> dict[str, Any]:
        """The strings in sections. The first use reads the files, in a few milliseconds: a language
        that nobody uses takes no memory."""
        return _strings(self.path)

    @property
    def direction(self) -> str:
        return "rtl" if self.tag.partition("-")[0] in RIGHT_TO_LEFT else "ltr"

    def t(self, key: str) -> str:
        """The string with the key `section.name`. Raises `KeyError`."""
        found: Any = self.strings
        for name in key.split("."):
            found = found[name]
        return str(found)

    def meaning(self, code: str) -> str:
        """What an error means, by its code; empty if the code is not known."""
        return str(self.strings["error"].get(code, ""))

    def number(self, english: str) -> str:
        """A number that is written as in English, in the way of this language."""
        thousands, point = SEPARATORS.get(self.tag, (",", "."))
        if self.tag == "es" and re.fullmatch(r"\d,\d{3}(\.\d+)?", english):
            thousands = ""  # Spanish divides numbers of five digits and more
        return english.translate({ord(","): thousands, ord("."): point})


class Languages:
    """The languages that have a file in `folder`, and in each of `FOLDERS` one of the same name.

    A language whose tag has a region is picked for exactly this tag only, because `ar-XB`, the
    pseudo-language of the tests, is not Arabic.
    """

    def __init__(self, folder: Path) -> None:
        self.all = {path.stem: Language(path.stem, path) for path in folder.glob("*.js")}

    @property
    def tags(self) -> list[str]:
        """The languages that a person can choose, as tags."""
        return sorted(tag for tag in self.all if tag != PSEUDO)

    def pick(self, accept_language: str) -> Language:
        """The known language that an Accept-Language header prefers (RFC 9110 section 12.5.4)."""
        exact = {tag.lower(): language for tag, language in self.all.items()}
        for tag in _by_preference(accept_language):
            if found := exact.get(tag) or self.all.get(tag.partition("-")[0]):
                return found
        return self.all[DEFAULT]


def read(path: Path) -> dict[str, Any]:
    """The strings of a language's file. Raises `orjson.JSONDecodeError`."""
    text = path.read_text(encoding="utf-8").strip()
    strings: dict[str, Any] = orjson.loads(text.removeprefix("export default").removesuffix(";"))
    return strings


def _strings(path: Path) -> dict[str, Any]:
    """All strings of a language. A section may have strings in several files."""
    strings = read(path)
    for folder in FOLDERS:
        for name, section in read(path.parent / folder / path.name).items():
            strings[name] = strings.get(name, {}) | section
    return strings


def _by_preference(accept_language: str) -> Iterable[str]:
    ranges = re.findall(
        r"([a-zA-Z]{1,8}(?:-\w{1,8})*)(?:\s*;\s*q=([01](?:\.\d*)?))?", accept_language
    )
    wanted = [(float(q or 1), tag.lower()) for tag, q in ranges]
    return [tag for q, tag in sorted(wanted, key=lambda one: -one[0]) if q > 0]
