"""The page in the pseudo-language `ar-XB`: right to left, with words a third longer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import urljoin

import pytest

from tornado_stream.page import STATIC
from tornado_stream.page.languages import Languages

from .access import cut, openers, violations
from .chat import Page, expect
from .conftest import Watch

WORDS = Languages(STATIC / "lang").all["ar-XB"].strings
#: Parameters of the API, which no language translates.
OPTIONS = ["temperature", "top_p", "max_tokens", "reasoning_effort"]
#: Lists all texts that the page shows or that a screen reader says, with names and titles.
SAID = """() => {
  const said = [document.title];
  const skip = "script, style, noscript, code, pre, kbd, math, svg, .katex";
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const {data, parentElement: e} = walker.currentNode;
    if (data.trim() && !e.closest(skip) && (e.closest(".visually-hidden") || e.checkVisibility()))
      said.push(data);
  }
  for (const e of document.querySelectorAll("[aria-label], [placeholder], [title], [alt]"))
    for (const name of ["aria-label", "placeholder", "title", "alt", "aria-description"])
      said.push(e.getAttribute(name) ?? "");
  for (const e of document.querySelectorAll("*"))
    for (const part of ["::before", "::after"])
      said.push(/^".*"/s.exec(getComputedStyle(e, part).content)?.[0] ?? "");
  return said;
}"""
#: The horizontal middle of an element, from 0 (left) to 1 (right).
MIDDLE = """(e) => {
  const {x, width} = e.getBoundingClientRect();
  return (x + width / 2) / innerWidth;
}"""


def word(key: str) -> str:
    section, name = key.split(".")
    found: str = WORDS[section][name]
    return found


@pytest.fixture
def mirrored(open_page: Callable[..., Page], tab: Page) -> Iterator[Page]:
    tab.set_extra_http_headers({"Accept-Language": "ar-XB"})
    yield open_page()
    tab.set_extra_http_headers({})


def ask(page: Page, question: str) -> None:
    page.get_by_label(word("composer.label")).fill(question)
    page.get_by_role("button", name=word("composer.send")).click()


def converse(page: Page) -> list[str]:
    """Ask for answers of several kinds; returns their texts, which are in no language file."""
    questions = ["play think=hm;say=Sure.", "play say=Half;close", "play status=401"]
    for question in questions:
        ask(page, question)
        expect(page.get_by_role("button", name=word("composer.send"))).to_be_visible()
    ask(page, "play count=3;stall")
    expect(page.get_by_role("article").last).to_contain_text("t2")
    why = page.evaluate(
        "fetch('/api/models').then((r) => r.json()).then((b) => b.models[0].detail)"
    )
    return [*questions, "play count=3;stall", "hm", "Sure.", "Half", "t0 t1 t2", why]


def test_the_page_is_mirrored(mirrored: Page) -> None:
    page = mirrored
    assert page.evaluate("[document.dir, document.documentElement.lang]") == ["rtl", "ar-XB"]
    page.set_viewport_size({"width": 1440, "height": 800})
    converse(page)
    expect(page.locator(".row-title").first).to_have_css("direction", "ltr")  # it is cut at its end
    on_the_right = {
        "the list": page.get_by_role("navigation"),
        "the brand": page.get_by_role("heading", level=1),
    }
    on_the_left = {
        "Stop": page.get_by_role("button", name=word("composer.stop")),
        "a new conversation": page.get_by_role("button", name=word("page.new")).first,
        "a question": page.get_by_role("article", name=word("message.you")).first.locator(".text"),
    }
    for name, found in on_the_right.items():
        assert found.evaluate(MIDDLE) > 0.6, name
    for name, found in on_the_left.items():
        assert found.evaluate(MIDDLE) < 0.4, name
    assert page.evaluate("getComputedStyle(document.body).textAlign") in ("start", "right")


def test_longer_words_fit(mirrored: Page) -> None:
    assert cut(mirrored, 360, 768, 1440) == []
    converse(mirrored)
    assert cut(mirrored, 360, 768, 1440) == []
    assert violations(mirrored) == []


def test_a_drawer_comes_from_the_right(mirrored: Page) -> None:
    page = mirrored
    page.set_viewport_size({"width": 360, "height": 740})
    page.get_by_role("button", name=word("page.conversations")).click()
    drawer = page.get_by_role("navigation")
    expect(drawer).to_be_in_viewport(ratio=1)
    box = drawer.bounding_box()
    assert box and round(box["x"] + box["width"]) == 360 and box["x"] > 20
    assert cut(page, 360) == []


@pytest.mark.wide
def test_every_word_comes_from_a_language_file(mirrored: Page) -> None:
    page = mirrored
    page.set_viewport_size({"width": 1440, "height": 800})
    assert english(page, []) == []
    data = converse(page)
    assert english(page, data) == []
    page.get_by_role("button", name=word("composer.stop")).click()
    expect(page.get_by_role("button", name=word("composer.send"))).to_be_visible()
    for opener in openers(page):
        assert english(page, data) == [], opener.evaluate("e => e.outerHTML")


def test_the_page_not_found_is_translated(mirrored: Page, watch: Watch) -> None:
    watch.allow("status of 404")
    mirrored.goto(urljoin(watch.base, "/no/such/page"))
    expect(mirrored.get_by_role("heading")).to_have_text(word("refused.missing"))
    assert english(mirrored, []) == []
    assert cut(mirrored, 320) == []
    mirrored.goto(watch.base)


def english(page: Page, data: list[str]) -> list[str]:
    """The texts in Latin letters that do not come from a language file."""
    data = [*data, "fake-model", *OPTIONS, *_from_the_server(page)]
    said: list[str] = page.evaluate(SAID)
    return [text for text in said if re.search(r"[A-Za-z]{2}", _foreign(text, data))]


def _from_the_server(page: Page) -> list[str]:
    """Titles of conversations, and error messages of the model's server."""
    listed = page.request.get(urljoin(page.url, "/api/conversations?limit=200")).json()
    titles = [one["title"] for one in listed["conversations"]]
    if "/c/" not in page.url:
        return titles
    kept = page.request.get(page.url.replace("/c/", "/api/conversations/")).json()
    return titles + [one["error"]["message"] for one in kept["messages"] if one["error"]]


def _foreign(text: str, data: list[str]) -> str:
    """`text` without names, and without the parts in the brackets of the pseudo-language."""
    for known in sorted(filter(None, data), key=len, reverse=True):
        text = text.replace(known, "")
    text = re.sub(r"https?://\S+", "", text)
    before = ""
    while before != text:
        before, text = text, re.sub(r"⟦[^⟦⟧]*⟧", "", text)
    return text
