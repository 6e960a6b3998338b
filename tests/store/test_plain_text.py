"""Snippets of answers are plain text, whatever part of the Markdown they are cut from."""

from __future__ import annotations

import time

import pytest

from tornado_stream.store.plain_text import plain
from tornado_stream.store.search_text import Matcher, snippet

ANSWER = (
    "## The *title* of `it`\n\n> A quote with **bold text** and a [link to Rome]"
    '(https://example.com/a_(b)?x=1 "t").\n\n- [x] done with ~~old~~ new\n* `snake_case_name`\n\n'
    "```python\ndef f(a, *args):\n    return a * b * c\n```\n\n"
    "| Kind | Word |\n|---|:--:|\n| one | résumé |\n\n1. H<sub>2</sub>O \\*is\\* <b>wet</b>\n"
)


def test_markup_is_left_out_and_words_stay():
    assert " ".join(plain(ANSWER).split()) == (
        "The title of it A quote with bold text and a link to Rome. done with old new "
        "snake_case_name def f(a, *args): return a * b * c Kind Word one résumé "
        "1. H2O *is* wet"
    )


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("bold", "A quote with [bold] text and"),
        ("RESUME", "Kind Word one [résumé] 1. H2O"),
        ("snake", "new [snake]_case_name def"),
        ("example.com", "link to Rome https://[example.com]/a_(b)?x=1. done"),
        ("**bold", "[**bold]"),
        ("```", "[```]"),
    ],
)
def test_what_was_found_is_marked_and_never_left_out(query, shown):
    found = snippet(ANSWER, Matcher(query), markdown=True)
    assert shown in found.replace("\ue000", "[").replace("\ue001", "]")


def test_a_question_is_no_markdown():
    assert snippet("is 2*3*4 = 24?", Matcher("24")) == "is 2*3*4 = \ue00024\ue001?"


def test_a_cut_snippet_says_so():
    text = "**word** " * 200 + "needle" + " _word_" * 200
    found = snippet(text, Matcher("needle"), markdown=True)
    assert found.startswith("…") and found.endswith("…") and len(found) <= 164
    assert "*" not in found and " word \ue000needle\ue001 word" in found


def test_hostile_texts_take_no_longer():
    began = time.thread_time()
    for text in ["`" * 500, "*a" * 250, "_ " * 250, "[(" * 250, "> - " * 125, "*a*b" * 125]:
        plain(text)
    assert time.thread_time() - began < 2
