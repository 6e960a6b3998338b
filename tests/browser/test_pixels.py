"""Every state of the page as a user sees it: boxes, ink and approved pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from . import states
from .chat import Page, expect
from .conftest import REPORT_VIOLATIONS, VIEWPORT, Browser, Program, Release, Watch
from .pixels import Looks, look

NETWORK = r"Failed to load resource: net::ERR_|status of"


def test_what_is_asked_is_seen(page: Page) -> None:
    """The short form: the states that are seen every day."""
    looks = Looks()
    look(page, "empty", looks)
    for name in ("of 20,000 characters", "of one word"):
        states.anew(page)
        states.send(page, f"{states.LONG[name]}\nplay say={states.ANSWER}")
        states.ready(page)
        look(page, f"a question {name}", looks, directions=("ltr",))
    look(page, "a question of one word", looks, directions=("rtl",))
    print(looks.report(), *looks.broken, sep="\n")
    assert looks.broken == []


@pytest.mark.wide
@pytest.mark.parametrize("language", ["en", "ar-XB"])
def test_every_state_is_seen(
    browser: Browser, server: Program, release: Release, language: str
) -> None:
    """All states, at three widths, in both schemes and directions, in two languages."""
    context = browser.new_context(viewport=VIEWPORT, reduced_motion="reduce", locale=language)
    context.add_init_script(REPORT_VIOLATIONS)
    page = context.new_page()
    watch = Watch(server.url)
    watch.allow(NETWORK)
    watch.on(page)
    page.goto(server.url)
    expect(page.locator("#model-name")).to_have_text("fake-model")
    directions = ("ltr",) if language == "en" else ("rtl",)
    looks = Looks()

    def see(name: str, act: Callable[..., Any] | None = None, *more: Any) -> None:
        if act:
            act(page, *more)
        look(page, name, looks, directions=directions)

    see("empty")
    for kind, question in states.LONG.items():
        if kind != "of 1 MB":
            states.anew(page)
            states.send(page, f"{question}\nplay say={states.ANSWER}")
            states.ready(page)
            see(f"a question {kind}")
            if (more := page.locator("article.message.user [aria-expanded=false]")).count():
                more.first.click()
                see(f"a question {kind}, open")
    states.anew(page)
    states.send(page, f"{states.LONG['of 1 MB']}\nplay say={states.ANSWER}")
    states.ready(page)
    see("a question of 1 MB")
    see("running", states.running)
    see("stopped", states.stopped)
    see("thinking", states.thinking)
    see("stopped while it thought", states.stopped)
    see("done", states.asked, f"say={states.ANSWER}")
    see("cut off", states.asked, "say=Half an answer;close")
    see("failed", states.asked, "status=401")
    see("a rate limit", states.asked, "status=429")
    see("length limit", states.asked, "say=Half;finish=length;done")
    see("empty answer", states.asked, "finish=stop;done")
    see("reasoning and tools, open", states.with_parts)
    see("edit open", states.editing)
    see("details open", states.details)
    see("search", states.searching)
    states.not_searching(page)
    for name, opener in {
        "models": "#model",
        "settings panel": "#panel",
        "shortcuts": "#shortcuts",
        "row menu": "#conversations .row-more",
        "title menu": "#title",
    }.items():
        page.mouse.move(0, 0)
        see(name, states.opened(opener))
        states.close(page)
    page.set_viewport_size({"width": 390, "height": 844})
    see("drawer", states.drawer)
    page.set_viewport_size({"width": 1440, "height": 900})
    see("full box", states.full_box)
    see("pasted", states.pasted)
    page.locator("#pasted button").click()
    see("too long", states.too_long)
    see("offline", states.offline, release)
    see("online again", states.online, release)
    see("toasts", states.toasts)
    page.goto(f"{server.url}c/00000000-0000-4000-8000-000000000000")
    expect(page.locator("#place")).to_be_visible()
    see("missing")
    context.close()
    print(looks.report(), *looks.broken, sep="\n")
    assert looks.broken == []
    assert watch.unexpected() == []
