"""The main paths in Firefox: asking, stopping, a reload, a cut line, editing, searching, dark."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .access import CUT
from .conftest import Program, Release
from .firefox import FIREFOX, Firefox
from .proxy import CuttableProxy
from .states import ANSWER

pytestmark = [
    pytest.mark.wide,
    pytest.mark.skipif(FIREFOX is None, reason="there is no Firefox: install firefox-esr"),
]
QUESTIONS = "document.querySelectorAll('article.message.user')"
ANSWERS = "document.querySelectorAll('article.message.answer')"
LAST = f"[...{ANSWERS}].at(-1)"


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    firefox = Firefox(tmp_path_factory.mktemp("firefox") / "profile")
    yield firefox
    firefox.close()


@pytest.fixture
def fox(firefox: Firefox, proxy: CuttableProxy) -> Iterator[Firefox]:
    firefox.faults.clear()
    firefox.resize(1280, 800)
    firefox.open(proxy.url)
    firefox.wait_for("document.querySelector('#composer[data-taken]')")
    yield firefox
    firefox.open("about:blank")


def ask(fox: Firefox, question: str) -> None:
    fox.click("#question")
    *before, last = question.split("\n")
    for line in before:
        fox.type(line)
        fox.press("Shift", "Enter")
    fox.type(last)
    fox.press("Enter")


def shows(fox: Firefox, text: str) -> None:
    fox.wait_for(f"{LAST}.querySelector('.content').textContent.includes({json.dumps(text)})")


def is_free(fox: Firefox) -> None:
    fox.wait_for("document.querySelector('#send').checkVisibility()")


def test_asking_stopping_and_editing(fox: Firefox) -> None:
    ask(fox, f"A question\nplay say={ANSWER}")
    shows(fox, "The end of the answer")
    is_free(fox)
    fox.wait_for("document.querySelector('.hljs-string')")
    ask(fox, "play count=20;stall")
    shows(fox, "t19")
    fox.click("#stop")
    fox.wait_for(f"{LAST}.dataset.state === 'stopped'")
    is_free(fox)
    fox.wait_for(
        "document.querySelector('article.message.user:nth-last-child(2) [data-action=edit]')"
    )
    fox.click("article.message.user:nth-last-child(2) [data-action=edit]")
    fox.wait_for("document.activeElement.closest('.editor')")
    fox.evaluate("void document.activeElement.select()")
    fox.type("play say=Edited.")
    fox.press("Enter")
    shows(fox, "Edited.")
    is_free(fox)
    fox.wait_for("document.querySelector('.versions')")
    assert fox.evaluate(f"{QUESTIONS}.length") == 2
    assert fox.faults == []


def test_a_reload_and_cut_lines_lose_nothing(
    fox: Firefox, proxy: CuttableProxy, release: Release
) -> None:
    ask(fox, "play count=30;hold=fox1;count=30;hold=fox2;say=The end.")
    shows(fox, "t29")
    fox.reload()
    shows(fox, "t29")
    release("fox1")
    fox.wait_for(f"{LAST}.textContent.split('t29').length === 3")
    proxy.refusing = True
    proxy.cut()
    fox.wait_for(f"/reconnect|cannot be reached/i.test({LAST}.textContent)")
    proxy.refusing = False
    release("fox2")
    shows(fox, "The end.")
    is_free(fox)
    text = fox.evaluate(f"{LAST}.querySelector('.content').textContent")
    assert text.split("The end.")[0].split() == [f"t{n}" for n in range(30)] * 2


def test_searching_and_every_width(fox: Firefox) -> None:
    ask(fox, f"A question about a heron\nplay say=A heron. {ANSWER}")
    shows(fox, "The end of the answer")
    is_free(fox)
    found: list[Any] = []
    for width in (1440, 820, 390):
        fox.resize(width, 844)
        found += [(width, one) for one in fox.evaluate(f"({CUT})()")]
    assert found == []
    fox.resize(1280, 800)
    fox.click("#search")
    fox.type("heron")
    fox.wait_for("document.querySelector('#found .row')")
    fox.click("#found .row-link")
    fox.wait_for("document.querySelector('.revealed')")
    fox.press("Escape")
    assert fox.faults == []


def test_it_is_dark_where_the_system_is(tmp_path: Path, server: Program) -> None:
    """Also the ink of each part, which `light-dark()` chooses."""
    dark = Firefox(tmp_path / "dark", **{"layout.css.prefers-color-scheme.content-override": 0})
    try:
        dark.open(server.url)
        dark.wait_for("document.querySelector('#composer[data-taken]')")
        paper = dark.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        ink = dark.evaluate("getComputedStyle(document.body).color")
        assert paper == "rgb(20, 24, 27)" and ink == "rgb(230, 233, 235)"
        assert dark.faults == []
    finally:
        dark.close()
