"""The languages of the interface: which one is picked, and that none lacks a string."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable
from typing import Any

import pytest

from tools import pseudo_language
from tornado_stream.page import STATIC, TEMPLATES
from tornado_stream.page.assets import Assets
from tornado_stream.page.languages import FOLDERS, Languages, read

ASSETS = Assets(STATIC)
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
        ("pt, de;q=0.3, zh;q=0.7", "zh"),
        ("es-419,es;q=0.9,en;q=0.8", "es"),
        ("fr-CA", "fr"),
        ("ja-JP", "ja"),
        ("de;q=0, en", "en"),
        ("xx-yy", "en"),
        ("deu", "en"),
        ("'; DROP TABLE", "en"),
        ("AR-xb", "ar-XB"),
        ("ar", "ar"),
        ("ar-EG, de;q=0.5", "ar"),
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


#: Sections whose keys are words of the server: `test_error_words.py` compares these.
OF_THE_SERVER = ("error.", "held.")


def used(text: str) -> set[str]:
    """The keys that a module or a template names."""
    sections = "|".join(name for name, value in ENGLISH.items() if isinstance(value, dict))
    return set(re.findall(rf'"((?:{sections})\.\w+)"', text)) | set(
        re.findall(r'\bt\("(\w+)"', text)
    )


def of_modules(names: Iterable[str]) -> set[str]:
    return {key for name in names for key in used(ASSETS.files[name].body.decode())}


@pytest.mark.parametrize(
    ("tag", "written"),
    [("en", "1,234.50 12,345"), ("de", "1.234,50 12.345"), ("es", "1234,50 12.345")],
)
def test_numbers_are_written_as_in_the_language(tag, written):
    language = LANGUAGES.all[tag]
    assert " ".join(map(language.number, ("1,234.50", "12,345"))) == written
    assert LANGUAGES.all["fr"].number("1,234.50") == "1\u202f234,50"


def test_what_an_error_means():
    assert LANGUAGES.all["fr"].meaning("quota").startswith("Le compte")
    assert LANGUAGES.all["fr"].meaning("new_in_version_9") == ""


#: Strings that may be as in English: names, keys of a keyboard, signs of units.
AS_IN_ENGLISH = {
    *("title", "tab.quiet", "action.count", "trash.keys", "seconds", "details.ms"),
    "select.inFolder",
    *("shortcuts.ctrl", "shortcuts.shift", "shortcuts.enter"),
}
#: Words that a language shares with English.
SHARED = {
    "de": {
        "share.link",
        "share.isLive",
        "login.name",
        "markdown.code",
        "presets.name",
        "presets.text",
        "presets.prompts",
    },
    "es": {
        *("budget.tokens", "details.tokens", "model.context"),
        *("presets.found", "presets.prompts"),
    },
    "fr": {
        *("select.count", "files.pages"),
        *("budget.tokens", "details.tokens", "model.context", "model.canSee", "markdown.code"),
        *("markdown.important", "message.fromAssistant", "message.sources", "select.count"),
        *("page.conversation", "page.conversations", "page.messages"),
        *("settings.notify", "settings.sessions", "presets.found", "presets.prompts"),
    },
}


@pytest.mark.parametrize("tag", sorted(LANGUAGES.all.keys() - {"en"}))
def test_no_string_is_left_in_english(tag):
    wanted, found = strings(ENGLISH), strings(LANGUAGES.all[tag].strings)
    same = {key for key, forms in found.items() if set(forms) & set(wanted[key])}
    assert same <= AS_IN_ENGLISH | SHARED.get(tag, set())


def test_templates_have_no_plural_forms():
    """Only the browser knows the rules of a language."""
    templates = {key for path in TEMPLATES.glob("*.html") for key in used(path.read_text())}
    assert [key for key in templates if len(strings(ENGLISH)[key]) > 1] == []


def test_every_string_is_used_and_every_used_string_exists():
    modules = [name for name in ASSETS.files if name.startswith("js/")]
    templates = {key for path in TEMPLATES.glob("*.html") for key in used(path.read_text())}
    ours = {key for key in strings(ENGLISH) if not key.startswith(OF_THE_SERVER)}
    assert of_modules(modules) | templates == ours


def without_words() -> set[str]:
    """The modules that may run before the strings of `later/` are loaded: those that the page
    begins with, and those that they import, but for `withWords(import(…))`."""
    found: set[str] = set()
    todo = ["js/app.js", "js/login.js"]
    while todo:
        module = todo.pop()
        for name in set(ASSETS.modules(module)) - found:
            found.add(name)
            lazy = re.findall(
                r'(withWords\()?\bimport\("(\.[^"]+)"\)', ASSETS.files[name].body.decode()
            )
            folder = posixpath.dirname(name)
            todo += [posixpath.normpath(f"{folder}/{path}") for waits, path in lazy if not waits]
    return {name for name in found if name.startswith("js/")}


def test_each_string_is_in_the_file_of_those_who_use_it():
    """A first page does not load the strings of dialogs that are opened later."""
    early = without_words()
    first, later, pages = (
        strings(read(STATIC / "lang" / folder / "en.js")).keys() for folder in ("", *FOLDERS)
    )
    modules = {name for name in ASSETS.files if name.startswith("js/")}
    assert of_modules(early) == first, "a string of modules that wait for no strings"
    ours = {key for key in later if not key.startswith(OF_THE_SERVER)}
    assert of_modules(modules) - first == ours, "other strings of modules"
    assert not pages & of_modules(modules), "strings of templates alone"


@pytest.mark.parametrize(
    "path", sorted((STATIC / "lang").rglob("*.js")), ids=lambda path: path.name
)
def test_no_string_is_written_twice(path):
    """The second one would hide the first."""

    def only_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs), [name for name, _ in pairs]
        return dict(pairs)

    text = path.read_text(encoding="utf-8").strip().removeprefix("export default")
    json.loads(text.removesuffix(";"), object_pairs_hook=only_once)


def test_the_pseudo_language_is_made_of_english():
    for folder in (STATIC / "lang" / name for name in ("", *FOLDERS)):
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
