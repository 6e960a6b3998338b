"""The question that is written during an answer and waits on the server for its end."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from pictures import png

from .access import violations
from .chat import Locator, Page, Route, announced, ask, composer, content, expect
from .conftest import Browser, Program, Release, Watch, fresh_page

pytestmark = pytest.mark.wide

Seen = Callable[[], dict[str, Any]]


def waiting(page: Page) -> Locator:
    return page.get_by_role("region", name="Waiting question")


def questions(page: Page) -> Locator:
    return page.locator("article.message.user")


def lose(route: Route) -> None:
    """Lose the response to a request that has arrived."""
    route.fetch()
    route.abort()


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
        hint = re.compile("^Enter begins a new line")
        expect(composer(page)).to_have_accessible_description(hint)
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
    waiting(page).get_by_role("button", name="Take back").press("Enter")
    expect(waiting(page)).to_be_hidden()
    expect(composer(page)).to_have_value("")
    expect(composer(page)).to_be_focused()
    page.get_by_role("button", name=re.compile("^Stop")).click()
    page.reload()
    expect(questions(page)).to_have_count(1)


def test_it_is_asked_once_whatever_branch_is_shown(page: Page, release: Release) -> None:
    name = uuid.uuid4().hex
    ask(page, "play say=one")
    expect(content(page)).to_have_text("one")
    questions(page).hover()
    questions(page).get_by_role("button", name="Edit").click()
    page.get_by_label("Edit your question").fill(f"play say=two;hold={name}")
    page.keyboard.press("Enter")
    expect(content(page)).to_have_text("two")
    composer(page).fill("play say=three")
    composer(page).press("Enter")
    expect(waiting(page)).to_be_visible()
    questions(page).hover()
    page.get_by_role("button", name="Previous version").first.click()
    expect(content(page)).to_have_text("one")
    release(name)
    expect(waiting(page)).to_be_hidden()
    expect(questions(page)).to_have_count(1)
    expect(content(page)).to_have_text("one")
    page.get_by_role("button", name="Next version").first.click()
    expect(questions(page)).to_have_count(2)
    expect(content(page)).to_have_text("three")


def attach(page: Page, *files: tuple[str, str, bytes]) -> None:
    """Add files to the next question, as their names, types and bytes, and wait for them."""
    before = page.locator('#attached .file[data-state="ready"]').count()
    page.locator("#attach-files").set_input_files(
        [{"name": name, "mimeType": type, "buffer": data} for name, type, data in files]
    )
    expect(page.locator('#attached .file[data-state="ready"]')).to_have_count(before + len(files))


NOTES = ("notes.txt", "text/plain", b"some words")


def test_it_waits_with_its_files(page: Page, release: Release, seen: Seen) -> None:
    name, photo = uuid.uuid4().hex, png(30, 20)
    ask(page, f"play say=one;hold={name}")
    expect(content(page)).to_contain_text("one")
    attach(page, ("photo.png", "image/png", photo), NOTES)
    composer(page).fill("play say=two")
    composer(page).press("Enter")
    expect(waiting(page).get_by_role("img", name="photo.png")).to_be_visible()
    expect(waiting(page).get_by_role("link", name="notes.txt")).to_be_visible()
    expect(page.locator("#attached")).to_be_hidden()
    expect(composer(page)).to_have_value("")
    page.reload()
    expect(waiting(page).get_by_role("listitem")).to_have_count(2)
    expect(page.locator("#attached")).to_be_hidden()
    waiting(page).get_by_role("button", name="Edit").click()
    expect(waiting(page)).to_be_hidden()
    expect(composer(page)).to_have_value("play say=two")
    expect(page.locator('#attached .file[data-state="ready"]')).to_have_count(2)
    page.reload()
    expect(page.locator('#attached .file[data-state="ready"]')).to_have_count(2)
    page.get_by_role("button", name="Remove notes.txt").click()
    composer(page).press("Enter")
    expect(waiting(page).get_by_role("listitem")).to_have_count(1)
    attach(page, ("more.txt", "text/plain", b"other words"))
    composer(page).press("Enter")
    expect(waiting(page).get_by_role("listitem")).to_have_count(2)
    expect(waiting(page).locator("p").first).to_have_text("play say=two")
    other = page.context.new_page()
    other.goto(page.url)
    expect(waiting(other).get_by_role("link", name="more.txt")).to_be_visible()
    other.close()
    release(name)
    expect(content(page)).to_have_text("two")
    sent = questions(page).last.locator(".question-files")
    expect(sent.get_by_role("img", name="photo.png")).to_be_visible()
    expect(sent.get_by_role("link", name="more.txt")).to_be_visible()
    expect(waiting(page)).to_be_hidden()
    text, picture = seen()["requests"][-1]["messages"][-1]["content"]
    assert "other words" in text["text"] and "play say=two" in text["text"]
    data = base64.b64encode(photo).decode()
    assert picture["image_url"]["url"] == f"data:image/png;base64,{data}"
    page.reload()
    expect(questions(page)).to_have_count(2)
    expect(sent.get_by_role("listitem")).to_have_count(2)


def test_on_a_phone_files_alone_wait(browser: Browser, server: Program, release: Release) -> None:
    with fresh_page(browser, server, has_touch=True, is_mobile=True) as page:
        name = uuid.uuid4().hex
        ask(page, f"play say=one;hold={name}")
        expect(content(page)).to_contain_text("one")
        send = page.get_by_role("button", name="Send")
        expect(send).to_be_hidden()
        attach(page, NOTES)
        send.click()
        expect(waiting(page).get_by_role("link", name="notes.txt")).to_be_visible()
        expect(send).to_be_hidden()
        assert not violations(page)
        page.get_by_role("button", name=re.compile("^Stop")).click()
        expect(waiting(page)).to_contain_text("waits for you")
        waiting(page).get_by_role("button", name="Send").click()
        expect(questions(page)).to_have_count(2)
        expect(questions(page).last.get_by_role("link", name="notes.txt")).to_be_visible()
        expect(waiting(page)).to_be_hidden()


def test_files_whose_response_was_lost_wait_once(page: Page, watch: Watch) -> None:
    watch.allow("ERR_FAILED")
    ask(page, f"play say=one;hold={uuid.uuid4().hex}")
    expect(content(page)).to_contain_text("one")
    attach(page, NOTES)
    page.route("**/waiting", lose, times=1)
    composer(page).press("Enter")
    expect(announced(page)).to_contain_text("could not be reached")
    expect(page.locator("#attached .file")).to_have_count(1)
    composer(page).press("Enter")
    expect(waiting(page).get_by_role("listitem")).to_have_count(1)
    expect(page.locator("#attached")).to_be_hidden()


def test_sent_again_after_a_lost_response_it_waits_once(
    page: Page, release: Release, watch: Watch
) -> None:
    watch.allow("ERR_FAILED")
    name = uuid.uuid4().hex
    ask(page, f"play say=one;hold={name}")
    expect(content(page)).to_contain_text("one")
    page.route("**/waiting", lose, times=1)
    composer(page).fill("play say=second")
    composer(page).press("Enter")
    expect(announced(page)).to_contain_text("could not be reached")
    expect(composer(page)).to_have_value("play say=second")
    composer(page).press("Enter")
    expect(composer(page)).to_have_value("")
    expect(waiting(page).locator("p").first).to_have_text("play say=second")
    release(name)
    expect(content(page)).to_have_text("second")
    expect(questions(page)).to_have_count(2)


def test_what_is_written_while_it_is_put_is_not_a_part_of_it(page: Page, release: Release) -> None:
    name = uuid.uuid4().hex
    ask(page, f"play say=one;hold={name}")
    expect(content(page)).to_have_text("one")
    conversation = page.url
    held: list[Route] = []
    page.route("**/waiting", lambda route: held.append(route), times=2)
    composer(page).fill("play say=second")
    with page.expect_request("**/waiting"):
        composer(page).press("Enter")
    composer(page).press_sequentially("third")
    held.pop().continue_()
    expect(composer(page)).to_have_value("third")
    expect(waiting(page).locator("p").first).to_have_text("play say=second")
    page.wait_for_function("() => Object.values(localStorage).includes('third')")
    with page.expect_request("**/waiting"):
        composer(page).press("Enter")
    page.get_by_role("button", name="New conversation").click()
    held.pop().continue_()
    page.wait_for_function("() => !Object.values(localStorage).includes('third')")
    page.goto(conversation)
    expect(waiting(page).locator("p").first).to_have_text("play say=second\n\nthird")
    expect(composer(page)).to_have_value("")
    release(name)
