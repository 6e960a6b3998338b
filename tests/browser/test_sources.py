"""The pages that an answer refers to are links below it, live and after a reload."""

from __future__ import annotations

import json
import urllib.request
from typing import Any
from urllib.parse import quote

import pytest

from .chat import Locator, Page, answer, ask, content, expect
from .conftest import Release

pytestmark = pytest.mark.wide

LONG = "Averyveryverylongtitlewithoutaspace" * 6
CITATION = {"type": "url_citation", "url_citation": {"url": "https://a.example/x", "title": LONG}}
#: What each dialect sends, and the links that it makes: label and address.
DIALECTS: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    (
        {"choices": [{"delta": {"content": "one ", "annotations": [CITATION]}}]},
        [(f"{LONG[:200]}…", "https://a.example/x")],
    ),
    (
        {
            "citations": ["https://b.example/1", "https://c.example/2?q=1&r=%22"],
            "search_results": [{"url": "https://b.example/1", "title": "<b>Bold</b> & co"}],
            "choices": [{"delta": {"content": "two "}}],
        },
        [
            ("<b>Bold</b> & co", "https://b.example/1"),
            ("c.example", "https://c.example/2?q=1&r=%22"),
        ],
    ),
    (
        {
            "choices": [
                {
                    "delta": {
                        "content": "three ",
                        "references": [
                            {"url": "javascript:alert(1)", "title": "script"},
                            {"url": "data:text/html,x", "title": "data"},
                            {"url": "//d.example/relative", "title": "relative"},
                            {"url": "http://e.example/", "title": "\u05d0\u05d1 right to left"},
                        ],
                    }
                }
            ]
        },
        [("\u05d0\u05d1 right to left", "http://e.example/")],
    ),
]
LINKS = [link for _, links in DIALECTS for link in links]


def script() -> str:
    """The steps of an answer in all dialects, which waits once its sources came."""
    chunks = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk, _ in DIALECTS)
    return f"play raw={quote(chunks, safe='')};hold=sources;say=the end"


def links(page: Page) -> Locator:
    return answer(page).get_by_role("navigation", name="Sources").get_by_role("link")


def check_links(page: Page) -> None:
    expect(links(page)).to_have_text([label for label, _ in LINKS])
    for link, (_, href) in zip(links(page).all(), LINKS, strict=True):
        expect(link).to_have_attribute("href", href)
        expect(link).to_have_attribute("target", "_blank")
        assert {"noopener", "noreferrer"} <= set((link.get_attribute("rel") or "").split())
    assert answer(page).locator(".sources :is(b, img, script)").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_sources_of_all_dialects_are_links(page: Page, release: Release, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 360, "height": 740})
    ask(page, f"{scheme}\n{script()}")
    check_links(page)
    release("sources")
    expect(content(page)).to_have_text("one two three the end")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    check_links(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    width = answer(page).evaluate("article => [article.scrollWidth, article.clientWidth]")
    assert width[0] <= width[1]
    page.reload()
    check_links(page)
    page.set_viewport_size({"width": 1024, "height": 768})


def test_copied_text_and_files_have_the_sources(page: Page, release: Release) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    release("sources")
    ask(page, f"copy\n{script()}")
    expect(content(page)).to_have_text("one two three the end")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    page.wait_for_url("**/c/*")
    for ending in ("md", "txt", "json"):
        with urllib.request.urlopen(f"{page.url}.{ending}") as response:
            text = response.read().decode()
        assert all(f"{url}" in text for _, url in LINKS)
        assert "javascript:" not in text.split("the end")[-1]
    answer(page).get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator("#announcer")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("one two three the end\n")
    assert all(url in copied for _, url in LINKS)
