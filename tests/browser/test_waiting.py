"""The question that is written during an answer and waits on the server for its end."""

from __future__ import annotations

import re
import uuid

from .chat import Locator, Page, Route, announced, ask, composer, content, expect
from .conftest import Browser, Program, Release, Watch, fresh_page


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
