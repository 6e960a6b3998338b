"""The languages of the interface: one file each, shared by templates and the page's modules.

The rule: a file of `static/lang` is `export default {…};` around plain JSON, so that a browser
imports what a template reads. The browser says which one its reader wants; English is the last
resort.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

DEFAULT = "en"
RIGHT_TO_LEFT = {"ar", "fa", "he", "ur"}


@dataclass(frozen=True)
class Language:
    """A language by its BCP 47 tag, and its strings, in sections."""

    tag: str
    strings: dict[str, Any]

    @property
    def direction(self) -> str:
        return "rtl" if self.tag.partition("-")[0] in RIGHT_TO_LEFT else "ltr"

    def t(self, key: str) -> str:
        """The string with this `section.name`. Raises KeyError."""
        found: Any = self.strings
        for name in key.split("."):
            found = found[name]
        return str(found)


class Languages:
    """Every language that has a file in `folder`. A tag with a region is picked only as a whole:
    `ar-XB`, the pseudo-language of the tests, is for nobody who reads Arabic."""

    def __init__(self, folder: Path) -> None:
        self.all = {path.stem: Language(path.stem, read(path)) for path in folder.glob("*.js")}

    def pick(self, accept_language: str) -> Language:
        """The one that an Accept-Language header asks for first (RFC 9110 section 12.5.4)."""
        for tag in _by_preference(accept_language):
            for known, language in self.all.items():
                if tag == known.lower() or tag.partition("-")[0] == known:
                    return language
        return self.all[DEFAULT]


def read(path: Path) -> dict[str, Any]:
    """The strings of a file. Raises `orjson.JSONDecodeError`."""
    text = path.read_text(encoding="utf-8").strip()
    strings: dict[str, Any] = orjson.loads(text.removeprefix("export default").removesuffix(";"))
    return strings


def _by_preference(accept_language: str) -> Iterable[str]:
    ranges = re.findall(
        r"([a-zA-Z]{1,8}(?:-\w{1,8})*)(?:\s*;\s*q=([01](?:\.\d*)?))?", accept_language
    )
    wanted = [(float(q or 1), tag.lower()) for tag, q in ranges]
    return [tag for q, tag in sorted(wanted, key=lambda one: -one[0]) if q > 0]
