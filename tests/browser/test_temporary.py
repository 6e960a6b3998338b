"""Temporary chats on the page: they work within the page, and nothing keeps a word of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from .access import violations
from .chat import Locator, Page, answer, ask, composer, content, expect, listed
from .conftest import MortalServer, Watch

STORED = """() => JSON.stringify([localStorage, sessionStorage, history.state, location.href,
  document.title])"""


def note(page: Page) -> Locator:
    return page.locator(".mode-note")


def begin(page: Page) -> None:
    page.get_by_role("button", name="Temporary chat").click()
    expect(note(page)).to_contain_text("Temporary chat: neither the server nor this browser")


def messages(request: dict[str, Any]) -> list[str]:
    return [message["content"] for message in request["messages"]]


@pytest.fixture
def own_page(open_page: Callable[..., Page], mortal: MortalServer) -> Page:
    """The page of a server of its own, whose data directory nobody else writes to."""
    return open_page(mortal.url)


@pytest.mark.wide
def test_a_temporary_chat_is_nowhere(own_page: Page, mortal: MortalServer, seen: Any) -> None:
    page = own_page
    composer(page).fill("play say=zeppelin")
    page.wait_for_function("() => Object.keys(localStorage).some((key) => key.includes('draft'))")
    begin(page)
    expect(composer(page)).to_have_value("play say=zeppelin")
    assert violations(page) == []
    composer(page).press("Enter")
    expect(content(page)).to_have_text("zeppelin")
    assert page.evaluate("location.pathname") == "/"
    ask(page, "play say=second")
    expect(content(page)).to_have_text("second")
    sent = messages(seen()["requests"][-1])
    assert sent == ["play say=zeppelin", "zeppelin", "play say=second"]
    answer(page).get_by_role("button", name="Regenerate", exact=True).click()
    expect(answer(page).locator(".versions")).to_have_attribute("aria-label", "Version 2 of 2")
    assert messages(seen()["requests"][-1]) == sent
    expect(page.get_by_role("button", name="Continue")).to_have_count(0)
    composer(page).fill("an unsent zeppelin")
    page.evaluate("dispatchEvent(new Event('pagehide'))")
    stored = page.evaluate(STORED)
    for word in ("zeppelin", "second"):
        assert word not in stored
        for path in mortal.data.rglob("*"):
            assert not path.is_file() or word.encode() not in path.read_bytes(), path
    expect(listed(page)).to_have_count(0)
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.locator("#settings").click()
    page.get_by_label("Language", exact=True).select_option("en")
    with page.expect_event("dialog") as asked:
        page.get_by_role("button", name="Use this language").click()
    assert asked.value.type == "beforeunload"
    page.keyboard.press("Escape")
    expect(content(page)).to_have_text("second")
    page.once("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(note(page)).to_contain_text("The temporary chat is gone.")
    expect(composer(page)).to_have_value("")
    expect(page.locator("article.message")).to_have_count(0)
    note(page).get_by_role("button", name="Close").click()
    expect(note(page)).to_be_hidden()
    page.reload()
    expect(page.locator("#welcome")).to_be_visible()
    expect(note(page)).to_have_count(0)


def test_it_ends_and_its_answer_is_stopped(page: Page, seen: Any, watch: Watch) -> None:
    begin(page)
    ask(page, "play count=10;stall")
    expect(content(page)).to_contain_text("t9")
    before = seen()["open"]
    with page.expect_request("**/stop"):  # the upstream also ends a silent answer by itself, later
        page.get_by_role("button", name="New conversation").click()
    expect(note(page)).to_contain_text("is gone")
    expect(page.locator("body")).not_to_have_attribute("data-temporary", "")
    while seen()["open"] >= before:
        page.evaluate("new Promise(requestAnimationFrame)")
    begin(page)
    note(page).get_by_role("button", name="End the chat").click()
    expect(note(page)).to_be_hidden()
    expect(composer(page)).to_be_focused()


def test_its_system_prompt_stays_in_the_page(page: Page, seen: Any) -> None:
    begin(page)
    page.locator("#panel").click()
    page.get_by_label("System prompt").fill("Be brief.")
    page.get_by_role("button", name="Save", exact=True).click()
    with page.expect_request("**/stream") as asked:
        ask(page, "play say=one")
    body = json.loads(asked.value.post_data or "")
    assert body["keep"] is False and body["system"] == "Be brief." and body["history"] == []
    expect(content(page)).to_have_text("one")
    assert messages(seen()["requests"][-1]) == ["Be brief.", "play say=one"]
    page.locator(".skip").focus()
    page.keyboard.press("Enter")  # to another place of the same page, which ends nothing
    expect(page).to_have_url(re.compile("#question$"))
    page.go_back()
    expect(page).not_to_have_url(re.compile("#"))
    ask(page, "play say=two")
    expect(page.locator("article.message")).to_have_count(4)
