"""How much of the model's context is taken, and a conversation that goes on from a summary."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from .access import violations
from .chat import Page, announced, ask, composer, content, expect

MODEL = {"id": "fake-model", "provider": "openai", "state": "ready", "detail": ""}


@pytest.fixture
def known(page: Page) -> Page:
    """The page over a model whose context and price are known."""
    price = {"input": 1000, "output": 2000, "cached_input": None, "currency": "USD"}
    model = MODEL | {"context": 200, "price": price}
    answer = {"models": [model], "default": "fake-model"}
    page.route("**/api/models", lambda route: route.fulfill(json=answer))
    page.reload()
    expect(page.locator("#model-name")).to_have_text("fake-model")
    return page


def test_the_bar_counts_what_the_upstream_counted_and_the_draft(known: Page) -> None:
    page, bar = known, known.locator(".context")
    ask(page, "one\nplay say=1;usage=19;done")
    expect(content(page)).to_have_text("1")
    expect(bar).to_have_count(0)  # nothing is loaded for a single question
    ask(page, "two\nplay say=2;usage=19;done")
    expect(bar).to_have_accessible_name("10%: 20 of 200 tokens of context")
    composer(page).fill("word" * 160)
    expect(bar).to_have_accessible_name("90%: ≈ 180 of 200 tokens of context")
    expect(bar).to_have_attribute("data-level", "high")
    composer(page).fill("word" * 300)
    expect(bar).to_have_attribute("data-level", "over")
    composer(page).fill("")
    expect(bar).to_have_attribute("data-level", "fine")
    page.get_by_role("button", name="New conversation").click()
    expect(bar).to_be_hidden()


def test_a_context_that_is_not_known_is_not_guessed(page: Page) -> None:
    ask(page, "one\nplay say=1;usage=9;done")
    expect(content(page)).to_have_text("1")
    ask(page, "two\nplay say=2;usage=19;done")
    bar = page.locator(".context")
    expect(bar).to_have_text("20 tokens")
    expect(bar).to_have_accessible_name("20 tokens are sent; the model’s context is not known")
    expect(bar).not_to_contain_text("%")
    bar.click()
    dialog = page.get_by_role("dialog", name="What the model reads")
    expect(dialog).to_contain_text("not known")
    assert "cost" not in dialog.inner_text().lower()  # neither is a price


@pytest.mark.wide
def test_a_conversation_goes_on_from_a_summary_and_loses_nothing(
    known: Page, seen: Callable[[], dict[str, Any]]
) -> None:
    page = known
    for number in ("one", "two"):
        ask(page, f"{number}\nplay say={number} answered;usage=19;done")
        expect(content(page)).to_have_text(f"{number} answered")
    page.locator(".context").click()
    dialog = page.get_by_role("dialog", name="What the model reads")
    expect(dialog).to_contain_text("the model reads 20 tokens")
    expect(dialog).to_contain_text("That costs ≈ $2.02.")
    assert violations(page) == []
    before = len(seen()["requests"])
    box = dialog.get_by_label("The question")
    expect(box).to_have_value(re.compile("^Summarise what matters"))
    box.fill("Sum up.\nplay say=We counted to two.")
    dialog.get_by_role("button", name="Ask for a summary").click()
    expect(content(page)).to_have_text("We counted to two.")
    expect(announced(page)).to_have_text(re.compile("The summary is ready."))
    note = page.get_by_role("region", name="Go on from a summary")
    note.get_by_role("button", name="Go on from the summary").click()
    expect(note).to_contain_text("reads the summary instead")
    assert len(seen()["requests"]) == before + 1  # nothing is asked by itself
    ask(page, "three")
    expect(content(page)).to_have_text("three")
    expect(note).to_be_hidden()
    system = {"role": "system", "content": "We counted to two."}
    assert seen()["requests"][-1]["messages"] == [system, {"role": "user", "content": "three"}]
    summary = page.get_by_role("article", name="Summary", exact=True)
    expect(summary.locator("summary")).to_have_text("Summary")
    expect(page.get_by_role("article", name="Answer")).to_have_count(1)
    ask(page, "four")
    expect(page.get_by_role("article", name="Answer")).to_have_count(2)
    expect(content(page)).to_have_text("four")
    page.reload()
    expect(page.get_by_role("article", name="Answer")).to_have_count(2)
    summary.hover()
    page.get_by_role("button", name="Previous version").first.click()
    expect(page.get_by_role("article", name="Answer")).to_have_count(3)
    expect(content(page)).to_have_text("We counted to two.")
