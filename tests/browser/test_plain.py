"""The page in a Chromium without JavaScript."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from .chat import Page, ask, content, expect
from .conftest import VIEWPORT, Browser, Program, Release, fresh_page

CONVERSATION = re.compile(r"/c/[0-9a-f-]{36}$")


@pytest.fixture(params=[390, 1024])
def plain(request: Any, browser: Browser, server: Program) -> Iterator[Page]:
    viewport = VIEWPORT | {"width": request.param}
    with fresh_page(browser, server, viewport=viewport, java_script_enabled=False) as page:
        yield page


def send(page: Page, text: str) -> None:
    page.locator("#question").fill(text)
    page.get_by_role("button", name="Send", exact=True).click()


@pytest.mark.wide
def test_a_question_is_asked_and_its_answer_comes(plain: Page, release: Release) -> None:
    size: Any = plain.viewport_size
    held = f"plain{size['width']}"
    assert plain.locator("article").count() == 0
    send(plain, f"play say=begins;hold={held};say=, ends")
    expect(plain).to_have_url(CONVERSATION)
    answer = plain.locator("article.message.answer")
    expect(answer).to_contain_text("begins")
    expect(plain.locator("#question")).to_be_hidden()
    release(held)
    expect(answer).to_contain_text("begins, ends")
    expect(plain.locator("#question")).to_be_visible()
    plain.reload()
    expect(answer).to_have_count(1)
    question = plain.locator("article.message.user")
    expect(question).to_have_count(1)
    box = question.locator(".plain-text").bounding_box()
    assert box and box["width"] >= 200
    send(plain, "play say=second")
    expect(answer).to_have_count(2)
    expect(answer.last).to_contain_text("second")
    address = plain.url
    plain.get_by_role("link", name="New conversation").click()
    expect(answer).to_have_count(0)
    plain.get_by_role("navigation").get_by_role("link").first.click()
    expect(plain).to_have_url(address)
    expect(answer).to_have_count(2)
    for link in plain.locator("a:visible, button:visible, textarea:visible").all():
        box = link.bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= size["width"] + 1


def test_an_address_fills_the_box_and_nothing_covers_it(plain: Page, server: Program) -> None:
    plain.goto(f"{server.url}?q=play%20say%3Dfrom%20a%20link&model=fake-model")
    question, button = plain.locator("#question"), plain.locator("#send")
    expect(question).to_have_value("play say=from a link")
    for control in (question, button):
        control.click(trial=True)  # fails if something covers it
        box, seen = control.bounding_box(), plain.viewport_size
        assert box and seen and box["y"] + box["height"] <= seen["height"]
    assert plain.locator("article").count() == 0
    button.click()
    expect(plain).to_have_url(CONVERSATION)
    expect(plain.locator("article.message.answer")).to_contain_text("from a link")


def test_scripts_that_ran_once_and_do_not_any_more(plain: Page, server: Program) -> None:
    send(plain, "play say=begins")
    expect(plain.locator("article.message.answer")).to_contain_text("begins")
    address = plain.url
    plain.context.add_cookies([{"name": "ts_scripts", "value": "1", "url": server.url}])
    plain.goto(address)
    expect(plain).to_have_url(f"{address}?plain")
    expect(plain.locator("article.message.answer")).to_contain_text("begins")


def test_the_scripts_use_the_id_of_the_form(page: Page) -> None:
    made = page.locator("#request-id").get_attribute("value")
    with page.expect_request("**/stream") as first:
        ask(page, "play say=one")
    assert json.loads(first.value.post_data or "")["request_id"] == made
    expect(content(page)).to_have_text("one")
    with page.expect_request("**/stream") as second:
        ask(page, "play say=two")
    assert json.loads(second.value.post_data or "")["request_id"] != made
    assert "ts_scripts=1" in page.evaluate("document.cookie")
