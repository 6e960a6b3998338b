"""Back and swipes on a phone: they close what is open before a conversation is left."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from .chat import Page, ask, content, expect
from .conftest import Browser, Program, fresh_page

WIDE = quote("```\n" + "wide " * 99 + "\n" * 3 + "```\n\nEnd.", safe="")


@pytest.fixture
def phone(browser: Browser, server: Program) -> Iterator[Page]:
    touch = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    with fresh_page(browser, server, reduced_motion="reduce", **touch) as page:
        yield page


def swipe(page: Page, begin: tuple[float, float], end: tuple[float, float]) -> None:
    devtools = page.context.new_cdp_session(page)
    began = time.time()

    def touch(kind: str, step: int, *points: tuple[float, float]) -> None:
        where = [{"x": x, "y": y} for x, y in points]
        event = {"type": kind, "touchPoints": where, "timestamp": began + step / 50}
        devtools.send("Input.dispatchTouchEvent", event)

    touch("touchStart", 0, begin)
    for step in range(1, 5):
        x, y = (a + (b - a) * step / 4 for a, b in zip(begin, end, strict=True))
        touch("touchMove", step, (x, y))
    touch("touchEnd", 5)
    devtools.detach()


def test_back_and_swipes_close_what_is_open_and_keep_the_conversation(phone: Page) -> None:
    page = phone
    ask(page, f"first\nplay say={WIDE}")
    expect(content(page)).to_contain_text("End.")
    first = page.url
    page.locator("#new-conversation").click()
    ask(page, "second\nplay say=Here.")
    expect(content(page)).to_have_text("Here.")
    second = page.url
    layer = page.locator("dialog[open], :popover-open")
    for opener in ("#model", "#panel", "#title"):
        page.locator(opener).tap()
        expect(layer).to_have_count(1)
        page.go_back()
        expect(layer).to_have_count(0)
        assert page.url == second
        page.locator(opener).tap()
        expect(layer).to_have_count(1)
        page.keyboard.press("Escape")
        expect(layer).to_have_count(0)
        page.wait_for_function("() => !history.state?.layer")
    side = page.locator("#side")
    page.locator("#side-toggle").tap()
    page.locator(".row-more").first.tap()
    expect(layer).to_be_visible()
    page.go_back()
    expect(layer).to_have_count(0)
    expect(side).to_be_visible()
    page.go_back()
    expect(side).to_be_hidden()
    assert page.url == second
    swipe(page, (8, 400), (160, 410))
    expect(side).to_be_visible()
    swipe(page, (200, 600), (60, 590))
    expect(side).to_be_hidden()
    page.wait_for_function("() => !history.state?.layer")
    page.locator("#model").click()  # Chromium drops a tap just after a swipe
    expect(layer).to_be_visible()
    swipe(page, (5, 200), (160, 210))
    expect(layer).to_have_count(0)
    expect(side).to_be_hidden()
    page.wait_for_function("() => !history.state?.layer")
    swipe(page, (8, 400), (80, 600))  # this one scrolls
    swipe(page, (100, 400), (300, 400))  # not from the edge
    page.go_back()  # nothing is open
    expect(page).not_to_have_url(second)
    page.go_back()
    expect(page).to_have_url(first)
    expect(content(page)).to_contain_text("End.")
    page.locator(".answer pre").scroll_into_view_if_needed()  # waits until it rests
    code = page.locator(".answer pre").bounding_box()
    assert code
    swipe(page, (30, code["y"] + 30), (200, code["y"] + 30))  # it scrolls the code
    swipe(page, (8, 500), (30, 500))  # too short
    page.evaluate("new Promise((done) => requestAnimationFrame(done))")
    expect(side).to_be_hidden()
