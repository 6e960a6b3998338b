"""Every state of the page as a user sees it: boxes, ink and approved pictures."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from . import states
from .chat import Page
from .conftest import REPORT_VIOLATIONS, VIEWPORT, Browser, Program, Watch
from .pixels import Looks, look
from .words import untranslated

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
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("language", ["en", "ar-XB"])
def test_every_state_is_seen(
    browser: Browser,
    world: states.World,
    language: str,
) -> None:
    """All states, at three widths, in both schemes and directions, in two languages."""
    directions = ("ltr",) if language == "en" else ("rtl",)
    looks = Looks()
    with watched(browser, world.server, language) as page:
        for name in states.walk(page, world):
            look(page, name, looks, directions=directions, folder=os.environ.get("PICTURES", ""))
    print(looks.report(), *looks.broken, sep="\n")
    assert looks.broken == []


@pytest.mark.wide
@pytest.mark.timeout(3000)
def test_every_state_is_translated(browser: Browser, world: states.World) -> None:
    """In the pseudo-language, every word that is no content comes from a language file."""
    english: list[str] = []
    with watched(browser, world.server, "ar-XB") as page:
        for name in states.walk(page, world):
            english.extend(f"{name}: {text}" for text in untranslated(page))
    assert english == [], "\n".join(english)


@contextmanager
def watched(browser: Browser, server: Program, language: str) -> Iterator[Page]:
    """A page of its own, in this language, that may report nothing but failures of the network."""
    context = browser.new_context(viewport=VIEWPORT, reduced_motion="reduce", locale=language)
    context.add_init_script(REPORT_VIOLATIONS)
    page = context.new_page()
    watch = Watch(server.url)
    watch.allow(NETWORK, "a request to http://localhost")
    watch.on(page)
    yield page
    context.close()
    assert watch.unexpected() == []
