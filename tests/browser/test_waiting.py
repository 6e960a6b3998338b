"""The question that is written during an answer and waits on the server for its end."""

from __future__ import annotations

import re
import uuid

from .chat import Locator, Page, ask, composer, content, expect
from .conftest import Browser, Program, Release, fresh_page


def waiting(page: Page) -> Locator:
    return page.get_by_role("region", name="Waiting question")


def questions(page: Page) -> Locator:
    return page.locator("article.message.user")


def test_a_question_waits_is_changed_and_is_asked(page: Page, release: Release) -> None:
    name = uuid.uuid4().hex
    ask(page, f"play say=one;hold={name};say=end")
    expect(content(page)).to_contain_text("one")
    composer(page).fill("second")
    composer(page).press("Enter")
    expect(waiting(page)).to_contain_text("second")
    expect(composer(page)).to_have_value("")
    page.reload()
    expect(waiting(page)).to_contain_text("second")
    waiting(page).get_by_role("button", name="Edit").click()
    expect(waiting(page)).to_be_hidden()
    expect(composer(page)).to_have_value("second")
    composer(page).fill("play say=changed")
    composer(page).press("Enter")
    expect(waiting(page)).to_contain_text("changed")
    release(name)
    expect(questions(page)).to_have_count(2)
    expect(content(page)).to_have_text("changed")
    expect(waiting(page)).to_be_hidden()
    page.reload()
    expect(questions(page)).to_have_count(2)
    expect(content(page)).to_have_text("changed")


def test_where_enter_begins_a_new_line_a_button_lets_it_wait(
    browser: Browser, server: Program
) -> None:
    with fresh_page(browser, server, has_touch=True, is_mobile=True) as page:
        ask(page, f"play say=one;hold={uuid.uuid4().hex}")
        expect(content(page)).to_contain_text("one")
        send = page.get_by_role("button", name="Send")
        expect(send).to_be_hidden()
        composer(page).fill("second")
        send.click()
        expect(waiting(page)).to_contain_text("second")
        expect(send).to_be_hidden()
        page.get_by_role("button", name=re.compile("^Stop")).click()
        expect(waiting(page)).to_contain_text("waits for you")


def test_after_a_stop_it_waits_for_its_user(page: Page) -> None:
    ask(page, f"play say=one;hold={uuid.uuid4().hex}")
    expect(content(page)).to_contain_text("one")
    composer(page).fill("play say=later")
    composer(page).press("Enter")
    expect(waiting(page)).to_be_visible()
    page.get_by_role("button", name=re.compile("^Stop")).click()
    expect(waiting(page)).to_contain_text("waits for you")
    waiting(page).get_by_role("button", name="Send").click()
    expect(content(page)).to_have_text("later")
    expect(questions(page)).to_have_count(2)
    expect(waiting(page)).to_be_hidden()


def test_it_is_taken_back(page: Page) -> None:
    ask(page, f"play say=one;hold={uuid.uuid4().hex}")
    expect(content(page)).to_contain_text("one")
    composer(page).fill("never")
    composer(page).press("Enter")
    waiting(page).get_by_role("button", name="Take back").click()
    expect(waiting(page)).to_be_hidden()
    expect(composer(page)).to_have_value("")
    page.get_by_role("button", name=re.compile("^Stop")).click()
    page.reload()
    expect(questions(page)).to_have_count(1)
