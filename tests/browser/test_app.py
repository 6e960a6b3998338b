"""The page as an installed app, and printed on paper."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from urllib.parse import urljoin

import pytest

from tornado_stream.page import STATIC

from .chat import Page, ask, composer, expect
from .conftest import Program

#: Lists elements that belong to the screen only and would be printed.
BARS = """() => [...document.querySelectorAll("button, input, textarea, nav, header, footer")]
  .filter((e) => e.checkVisibility()).map((e) => e.outerHTML)"""


@pytest.fixture
def paper(page: Page) -> Iterator[Page]:
    yield page
    page.emulate_media(media="screen")


@pytest.mark.wide
def test_it_can_be_installed(page: Page, server: Program) -> None:
    devtools = page.context.new_cdp_session(page)
    found = devtools.send("Page.getAppManifest")
    assert found["errors"] == [], found
    manifest = json.loads(found["data"])
    reasons = devtools.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert {reason["errorId"] for reason in reasons} <= {"in-incognito"}
    devtools.detach()
    assert found["manifest"]["startUrl"] == found["manifest"]["scope"] == server.url
    assert found["manifest"]["id"] == server.url, "it has no version"
    assert {icon.get("purpose", "any") for icon in manifest["icons"]} == {"any", "maskable"}
    icons = [(urljoin(found["url"], icon["src"]), icon["sizes"]) for icon in manifest["icons"]]
    touch = page.locator("link[rel=apple-touch-icon]").evaluate("link => link.href")
    for url, sizes in [*icons, (touch, "180x180")]:
        answer = page.request.get(url)
        assert answer.ok and "immutable" in answer.headers["cache-control"], url
        if url.endswith(".png"):
            width, height = struct.unpack(">II", answer.body()[16:24])
            assert f"{width}x{height}" == sizes, url


def test_the_browser_bars_have_the_colour_of_the_page(page: Page) -> None:
    paper: dict[str, str] = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        paper[scheme] = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        bar = page.evaluate(
            """() => [...document.querySelectorAll("meta[name=theme-color]")]
            .find((meta) => matchMedia(meta.media).matches).content"""
        )
        assert _rgb(bar) == paper[scheme], scheme
    manifest = json.loads((STATIC / "app.webmanifest").read_text())
    assert {_rgb(manifest[f"{name}_color"]) for name in ("theme", "background")} == {paper["light"]}


def test_only_the_conversation_is_printed(paper: Page) -> None:
    page = paper
    ask(page, "play think=Let me count.;count=3000")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    page.emulate_media(color_scheme="dark")
    composer(page).fill("a draft is not printed")
    page.emulate_media(media="print")
    log = page.get_by_role("log")
    expect(log).to_be_visible()
    expect(page.get_by_text("Let me count.", exact=True)).to_be_visible()
    assert page.evaluate(BARS) == []
    assert page.evaluate(_CLIPPED) == []
    assert page.evaluate("getComputedStyle(document.body).color").startswith("rgb(2"), "dark"
    assert _pages(page) >= 4, "the whole answer"


def test_a_printed_link_shows_its_address(paper: Page) -> None:
    page = paper
    ask(page, "play say=See the standard.")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    page.get_by_role("article").last.evaluate(
        """(article) => {
          const link = article.appendChild(document.createElement("a"));
          Object.assign(link, {href: "https://www.rfc-editor.org/rfc/rfc9110", textContent: "It"});
        }"""
    )
    page.emulate_media(media="print")
    link = page.get_by_role("link", name="It")
    shown = link.evaluate("link => getComputedStyle(link, '::after').content")
    assert "https://www.rfc-editor.org/rfc/rfc9110" in shown


#: Lists ancestors of the newest message that would cut it off on paper.
_CLIPPED = """() => {
  const found = [];
  for (let e = document.querySelector("[role=log]"); e; e = e.parentElement)
    if (!/visible/.test(getComputedStyle(e).overflowY) || e.scrollHeight > e.clientHeight + 1)
      if (e !== document.documentElement && e !== document.body) found.push(e.className);
  return found;
}"""


def _pages(page: Page) -> int:
    """The number of A4 pages."""
    return len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4")))


def _rgb(color: str) -> str:
    red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgb({red}, {green}, {blue})"
