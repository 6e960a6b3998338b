"""The names of files that people save."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest

from tornado_stream.values.file_names import MAX_BYTES, content_disposition, file_name

#: 2026-03-01, in milliseconds.
DAY = 1_772_323_200_000
#: A title, its name, and the name for clients that know only ASCII (absent: the same).
NAMES: list[tuple[str, ...]] = [
    ("Why is the sky blue?", "Why is the sky blue"),
    ("Grüße aus Köln", "Grüße aus Köln", "Grue aus Koln"),
    ("大约3~5天,价格?", "大约3~5天,价格", "conversation"),
    ("مرحبا بالعالم", "مرحبا بالعالم", "conversation"),
    ("a/b\\c:d|e", "a-b-c-d-e"),
    ('<b>"bold"</b> *now*', "b bold -b now"),
    ("C:\\Windows\\system32", "C--Windows-system32"),
    ("../../etc/passwd", "etc-passwd"),
    ("...hidden", "hidden"),
    ("-rf /", "rf"),
    ("ends. . .", "ends"),
    ("con", "_con"),
    ("Con.txt", "_Con.txt"),
    ("NUL .x", "_NUL .x"),
    ("com1", "_com1"),
    ("LPT²", "_LPT²", "_LPT2"),
    ("CONIN$", "_CONIN$"),
    ("aux: a jack", "aux- a jack"),
    ("Console", "Console"),
    ("com10", "com10"),
    ("日CON", "日CON", "_CON"),
    ("a\r\nX-Evil: 1\u2028b", "a X-Evil- 1 b"),
    ("one\ttwo\u00a0three\u3000four", "one two three four"),
    ("a\x00b\x1b[31mc\x7f\x9b", "ab[31mc"),
    ("evil\u202egpj.exe", "evilgpj.exe"),
    ("\u2066a\u2069\u200eb\u061cc\ufeffd\u00ade", "abcde"),
    ("\ud800surrogate\ufffe", "surrogate"),
    ("100% sure %41", "100% sure %41", "100 sure 41"),
    ("cafe\u0301", "caf\u00e9", "cafe"),
    ("👩\u200d💻 codes", "👩\u200d💻 codes", "codes"),
    ("می\u200cخواهم", "می\u200cخواهم", "conversation"),
    ("it's; a=b, (c) [d] {e} #1 & more", "it's; a=b, (c) [d] {e} #1 & more"),
    *((title, "conversation-2026-03-01") for title in ("", " ", "???", ". .", "\u202e", "\u0301")),
]


@pytest.mark.parametrize("case", NAMES, ids=lambda case: ascii(case[0]))
def test_a_title_is_a_name_that_every_system_can_store(case: tuple[str, ...]) -> None:
    title, name, *plain = case
    assert file_name(title, "md", at=DAY) == f"{name}.md"
    assert _read(content_disposition(f"{name}.md")) == (f"{plain[0] if plain else name}.md", name)


@pytest.mark.parametrize(
    "letter", ["a", "é", "한", "😀", "👩\u200d👩\u200d👧", "e\u0331\u0332", " .", "\u0332"]
)
def test_the_length_is_bounded_in_bytes_and_no_letter_is_cut(letter: str) -> None:
    for before in range(8):
        title = "x" * before + letter * 200
        name = file_name(title, "json", at=DAY)
        size = len(name.encode())
        assert size <= MAX_BYTES
        stem = name.removesuffix(".json")
        assert title.startswith(stem) or stem == "conversation-2026-03-01"
        assert re.fullmatch(f"x*({letter})*", stem) or stem == "conversation-2026-03-01"
        plain, _ = _read(content_disposition(name))
        assert len(plain) <= MAX_BYTES


def test_a_name_without_a_title_has_its_day_whatever_the_clock_says() -> None:
    assert file_name("", "zip", at=DAY, default="conversations") == "conversations-2026-03-01.zip"
    assert file_name("", "md", at=-5) == "conversation-1970-01-01.md"
    assert file_name("", "md", at=10**18) == "conversation-2107-12-31.md"


def _read(header: str) -> tuple[str, str]:
    """The plain name of a header, and the stem of its other name, as a client decodes them."""
    assert header.isascii() and header.isprintable()
    found = re.fullmatch(r"attachment; filename=\"([^\"\\]+)\"; filename\*=UTF-8''(\S+)", header)
    assert found, header
    assert re.fullmatch(r"([A-Za-z0-9!#$&+.^_`|~-]|%[0-9A-F]{2})+", found[2]), "RFC 8187"
    return found[1], unquote(found[2]).rpartition(".")[0]
