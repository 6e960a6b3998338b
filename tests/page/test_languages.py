"""The languages of the interface: which one is picked, and that none lacks a string."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tools import pseudo_language
from tornado_stream.page import STATIC, TEMPLATES
from tornado_stream.page.languages import Languages

LANGUAGES = Languages(STATIC / "lang")
ENGLISH = LANGUAGES.all["en"].strings
PLURAL = {"zero", "one", "two", "few", "many", "other"}


def strings(level: dict[str, Any], prefix: str = "") -> dict[str, list[str]]:
    """Each key with its string, or with the strings of its plural forms."""
    found: dict[str, list[str]] = {}
    for name, value in level.items():
        if isinstance(value, str):
            found[prefix + name] = [value]
        elif value.keys() <= PLURAL:
            found[prefix + name] = list(value.values())
        else:
            found |= strings(value, f"{prefix}{name}.")
    return found


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


@pytest.mark.parametrize(
    ("accept", "tag"),
    [
        ("", "en"),
        ("*", "en"),
        ("de", "de"),
        ("DE-ch", "de"),
        ("zh-Hant-TW,zh;q=0.9", "zh"),
        ("fr, de;q=0.3, zh;q=0.7", "zh"),
        ("de;q=0, en", "en"),
        ("xx-yy", "en"),
        ("deu", "en"),
        ("'; DROP TABLE", "en"),
        ("AR-xb", "ar-XB"),
        ("ar", "en"),
        ("ar-EG, de;q=0.5", "de"),
    ],
)
def test_the_request_header_chooses_the_language(accept, tag):
    assert LANGUAGES.pick(accept).tag == tag


@pytest.mark.parametrize("tag", LANGUAGES.all)
def test_every_language_has_every_string(tag):
    wanted, found = strings(ENGLISH), strings(LANGUAGES.all[tag].strings)
    assert found.keys() == wanted.keys()
    for key, forms in found.items():
        for form in forms:
            assert form.strip(), key
            missing = placeholders(wanted[key][-1]) ^ placeholders(form)
            assert missing <= ({"n"} if len(forms) > 1 else set()), (
                key
            )  # the form "one" may omit the number


def test_every_string_is_used_and_every_used_string_exists():
    sections = "|".join(name for name, value in ENGLISH.items() if isinstance(value, dict))
    sources = [*(STATIC / "js").rglob("*.js"), *TEMPLATES.glob("*.html")]
    text = "\n".join(path.read_text() for path in sources)
    said = set(re.findall(rf'"((?:{sections})\.\w+)"', text)) | set(
        re.findall(r'\bt\("(\w+)"', text)
    )
    assert said == strings(ENGLISH).keys()


def test_the_pseudo_language_is_made_of_english():
    for folder in (STATIC / "lang", STATIC / "lang" / "pages"):
        text = (folder / f"{pseudo_language.TAG}.js").read_text(encoding="utf-8")
        assert text == pseudo_language.module(folder), "run `make lang`"
    assert LANGUAGES.all[pseudo_language.TAG].direction == "rtl"


def test_the_pseudo_language_is_longer_and_keeps_its_placeholders():
    assert pseudo_language.pseudo("Delete {title}?") == "\u200f⟦Ďééļééţéé {title}?⟧"
    plain, made = (
        "".join(sum(strings(s).values(), []))
        for s in (ENGLISH, LANGUAGES.all[pseudo_language.TAG].strings)
    )
    assert 1.3 < len(made) / len(plain) < 1.6
