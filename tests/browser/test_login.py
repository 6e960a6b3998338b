"""Logging in and out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from .access import cut, violations
from .chat import Page, Route, announced, ask, composer, content, expect
from .conftest import REPORT_VIOLATIONS, VIEWPORT, Browser, Program, Watch

PASSWORD = "correct horse"
#: The browser logs this for a refused request, which every login begins with.
REFUSED = r"Failed to load resource: .* 401 \(Unauthorized\)"


@pytest.fixture(scope="module")
def locked(serve: Callable[..., Program], upstream: Program) -> Program:
    return serve(
        OPENAI_BASE_URL=upstream.url,
        OPENAI_MODEL="fake-model",
        TORNADO_STREAM_PASSWORD=PASSWORD,
    )


@pytest.fixture
def stranger(browser: Browser, locked: Program) -> Iterator[Page]:
    """A page in a new browser context, which has no cookie."""
    context = browser.new_context(viewport=VIEWPORT, reduced_motion="reduce")
    context.add_init_script(REPORT_VIOLATIONS)
    page = context.new_page()
    watch = Watch(locked.url)
    watch.allow(REFUSED, "elsewhere.example", r"429 \(Too Many", "503 ", "ERR_FAILED")
    watch.on(page)
    yield page
    context.close()
    assert watch.unexpected() == []


def log_in(page: Page, password: str) -> None:
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def enter(page: Page) -> None:
    """Log in; returns when the page has loaded its models."""
    log_in(page, PASSWORD)
    expect(page.get_by_role("button", name="Model: fake-model")).to_be_visible()


def test_a_person_logs_in_stays_and_logs_out(stranger: Page, locked: Program) -> None:
    page = stranger
    page.goto(f"{locked.url}?q=1")
    field = page.get_by_label("Password")
    expect(field).to_be_focused()
    log_in(page, "wrong")
    expect(page.get_by_role("alert")).to_have_text("The password is wrong.")
    expect(field).to_be_focused()
    assert violations(page) == []
    assert cut(page, 320, 360) == []
    page.set_viewport_size(VIEWPORT)
    enter(page)
    expect(page.get_by_label("Your question")).to_have_value("1")
    ask(page, "play say=Rain falls.")
    expect(content(page)).to_have_text("Rain falls.")
    conversation = page.url
    page.reload()
    expect(content(page)).to_have_text("Rain falls.")

    expect(page.locator(".side-foot p")).to_have_text("Shared login")
    composer(page).fill("a draft")
    page.route("**/log_out.js", lambda route: route.abort(), times=1)
    page.get_by_role("button", name="Log out").click()
    expect(announced(page)).to_have_text(re.compile("could not be loaded"))
    page.get_by_role("button", name="Log out").click()
    expect(field).to_be_visible()
    assert page.url == conversation
    kept = page.evaluate("[...Object.keys(localStorage), ...Object.keys(sessionStorage)]")
    assert kept == []
    assert page.evaluate("document.cookie") == "ts_scripts=1"


def test_a_question_survives_the_end_of_the_session(stranger: Page, locked: Program) -> None:
    page = stranger
    page.goto(locked.url)
    enter(page)
    ask(page, "play say=Before.")
    expect(content(page)).to_have_text("Before.")

    def end_session(route: Route) -> None:
        page.context.clear_cookies()
        route.continue_()

    # The session ends when the question is on its way: nothing else notices it before.
    page.route("**/stream", end_session, times=1)
    ask(page, "play say=After.")
    expect(page.get_by_label("Password")).to_be_visible()
    log_in(page, PASSWORD)
    expect(content(page)).to_have_text("After.")


def test_a_link_from_another_site_arrives_logged_in(stranger: Page, locked: Program) -> None:
    page = stranger
    page.goto(locked.url)
    enter(page)
    page.route(
        "http://elsewhere.example/",
        lambda route: route.fulfill(
            content_type="text/html", body=f'<a href="{locked.url}">there</a>'
        ),
    )
    page.goto("http://elsewhere.example/")
    with page.expect_response(lambda response: response.url == locked.url) as first:
        page.get_by_role("link").click()
    assert first.value.status == 401
    expect(composer(page)).to_be_visible()


def test_too_many_tries_are_counted_down(stranger: Page, locked: Program) -> None:
    page = stranger
    page.goto(locked.url)
    page.route("**/login", lambda route: route.fulfill(status=429, headers={"Retry-After": "1"}))
    log_in(page, "wrong")
    button = page.get_by_role("button")
    expect(button).to_be_disabled()
    expect(page.get_by_role("alert")).to_contain_text("too many attempts")
    expect(button).to_be_enabled()
    expect(button).to_have_text("Log in")
    full = {"error": {"code": "not_saved", "message": "The disk is full."}}
    page.route("**/login", lambda route: route.fulfill(status=503, json=full))
    log_in(page, "wrong")
    expect(page.get_by_role("alert")).to_contain_text("cannot write to its disk")
    expect(page.get_by_role("alert")).to_contain_text("The server said: The disk is full.")


@pytest.mark.wide
def test_a_second_try_during_the_first_is_not_dropped(stranger: Page, locked: Program) -> None:
    page = stranger
    page.goto(locked.url)
    waiting: list[Callable[[], None]] = []
    page.route("**/login", lambda route: waiting.append(route.continue_), times=1)
    log_in(page, "wrong")
    log_in(page, PASSWORD)
    (go_on,) = waiting
    go_on()
    expect(page.get_by_role("button", name="Model: fake-model")).to_be_visible()
