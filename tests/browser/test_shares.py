"""Sharing in the browser: the dialog, the marks, and the page of a link."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from deadlines import DEADLINE

from .access import CUT, violations
from .chat import Page, answer, ask, content, expect, listed
from .conftest import REPORT_VIOLATIONS, Browser, Program, Release, Watch, fresh_page
from .test_settings import open_settings

PICTURES = os.environ.get("PICTURES")


@pytest.fixture(scope="session")
def program(serve: Callable[..., Program], upstream: Program) -> Program:
    """A server that lets users share."""
    environ = {"OPENAI_BASE_URL": upstream.url, "OPENAI_MODEL": "fake-model"}
    return serve(**environ, OPENAI_API_KEY="sk-x", TORNADO_STREAM_SHARING="1")


@pytest.fixture
def page(browser: Browser, program: Program) -> Iterator[Page]:
    with fresh_page(browser, program, reduced_motion="reduce") as page:
        yield page


def call(program: Program, method: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(program.url.rstrip("/") + path, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=DEADLINE) as response:
        return json.loads(response.read() or b"null")


def share(program: Program, page: Page, **fields: Any) -> str:
    """A link to the conversation that the page shows."""
    id = page.url.rpartition("/c/")[2]
    leaf = call(program, "GET", f"/api/conversations/{id}")["current_id"]
    made = call(program, "POST", f"/api/conversations/{id}/shares", {"leaf_id": leaf, **fields})
    return str(made["url"])


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


@contextmanager
def reader(browser: Browser, program: Program, url: str, **options: Any) -> Iterator[Page]:
    """A page in a browser of somebody else, who has no login yet. A link that is gone is a failed
    request, and an answer that was being read is cut off."""
    context = browser.new_context(**options)
    context.add_init_script(REPORT_VIOLATIONS)
    page, watch = context.new_page(), Watch(program.url)
    watch.on(page)
    watch.allow("status of 40[14]|ERR_INCOMPLETE_CHUNKED_ENCODING")
    page.goto(url)
    yield page
    context.close()
    assert watch.unexpected() == []


def open_dialog(page: Page) -> Any:
    page.get_by_role("button", name="More for").first.click(force=True)
    page.get_by_role("menuitem", name="Share…").click()
    dialog = page.get_by_role("dialog", name="Share this conversation")
    expect(dialog).to_be_visible()
    return dialog


def test_a_conversation_is_shared_marked_and_revoked(page: Page) -> None:
    ask(page, "What is rain?\nplay say=Water.")
    expect(content(page)).to_have_text("Water.")
    dialog = open_dialog(page)
    expect(dialog.get_by_label("Also show what follows here")).to_be_focused()
    assert violations(page) == []
    picture(page, "dialog")
    dialog.get_by_label("The link works").select_option("30")
    dialog.get_by_role("button", name="Create a link").click()
    link = dialog.get_by_label("Link", exact=True)
    expect(link).to_be_visible()
    url = link.input_value()
    expect(dialog.get_by_role("listitem")).to_have_count(1)
    expect(dialog.get_by_role("button", name="Copy")).to_be_focused()
    assert violations(page) == []
    picture(page, "dialog-link")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    settings = open_settings(page)
    expect(settings.get_by_role("button", name="Revoke the link to “What is")).to_be_visible()
    page.keyboard.press("Escape")
    expect(listed(page).first.locator(".row-shared")).to_be_visible()
    expect(listed(page).first.get_by_role("link")).to_have_accessible_name(
        "shared What is rain? play say=Water."
    )
    picture(page, "row")
    page.reload()
    expect(listed(page).first.locator(".row-shared")).to_be_visible()

    other = page.context.new_page()
    other.goto(url)
    expect(other.get_by_role("heading", name="What is rain? play")).to_be_visible()
    dialog = open_dialog(page)
    dialog.get_by_role("button", name="Revoke the link").first.press("Enter")
    expect(dialog.get_by_role("status")).to_contain_text("no longer works")
    expect(dialog.get_by_role("listitem")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(listed(page).first.locator(".row-shared")).to_have_count(0)
    response = other.goto(url)
    assert response and response.status == 404
    expect(other.get_by_role("heading")).to_contain_text("There is nothing here.")
    other.close()


@pytest.mark.wide
def test_links_are_taken_back_in_the_settings(browser: Browser, program: Program) -> None:
    with fresh_page(browser, program, reduced_motion="reduce") as page:
        for text in ("One.", "Two."):
            ask(page, f"Link {text}\nplay say={text}")
            expect(content(page)).to_have_text(text)
            url = share(program, page)
            page.locator("#new-conversation").click()
        page.reload()
        expect(page.locator(".row-shared")).to_have_count(2)
        links = open_settings(page).locator(".share-list")
        expect(links.get_by_role("listitem").first).to_contain_text("Link Two.")
        assert violations(page) == []
        links.scroll_into_view_if_needed()
        picture(page, "settings")
        links.get_by_role("button").first.press("Enter")
        expect(links.get_by_role("listitem")).to_have_count(1)
        expect(links.get_by_role("button")).to_be_focused()
        expect(page.locator(".settings").get_by_text("no longer works")).to_be_visible()
        links.get_by_role("button").press("Enter")
        expect(page.locator(".settings")).to_contain_text("No link works at the moment.")
        expect(links).to_be_focused()
        page.keyboard.press("Escape")
        expect(page.locator(".row-shared")).to_have_count(0)
        with reader(browser, program, url) as gone:
            expect(gone.get_by_role("heading")).to_contain_text("There is nothing here.")


@pytest.mark.wide
@pytest.mark.parametrize(
    ("width", "scheme", "language"),
    [(320, "dark", "de"), (320, "light", "ar-XB"), (640, "light", "ar")],
)
def test_the_dialog_fits_in_any_language(
    browser: Browser, program: Program, width: int, scheme: Any, language: str
) -> None:
    options = {
        "viewport": {"width": width, "height": 700},
        "color_scheme": scheme,
        "locale": language,
    }
    with fresh_page(browser, program, reduced_motion="reduce", **options) as page:
        page.locator("#question").fill(f"A title with averyverylongword{'x' * 60}\nplay say=Hello.")
        page.locator("#send").click()
        expect(page.locator("[data-action=copy]").last).to_be_visible()
        page.locator("#title").click()
        page.get_by_role("menuitem").nth(4).click()
        dialog = page.locator("dialog.share")
        dialog.locator("form .primary").click()
        expect(dialog.locator(".share-link input")).to_be_visible()
        expect(dialog.get_by_role("listitem").first).to_be_visible()
        assert page.evaluate(CUT) == []
        assert violations(page) == []
        picture(page, f"dialog-{width}-{scheme}-{language}")


def test_without_sharing_the_menu_does_not_offer_it(open_page: Callable[..., Page]) -> None:
    page = open_page()
    ask(page, "play say=Hello.")
    expect(content(page)).to_have_text("Hello.")
    page.get_by_role("button", name="More for").first.click(force=True)
    expect(page.get_by_role("menuitem", name="Rename")).to_be_visible()
    expect(page.get_by_role("menuitem", name="Share…")).to_have_count(0)


ANSWER = "think=Hm.;say=**Bold** <img src=x onerror=alert(1)>%0A%0A- one%0A- `two`"


def test_the_page_of_a_link_is_read_without_scripts(
    page: Page, browser: Browser, program: Program
) -> None:
    ask(page, f"A <b>question</b>\nplay {ANSWER}")
    expect(answer(page).locator("[data-action=copy]")).to_be_visible()
    url = share(program, page)
    with reader(browser, program, url, java_script_enabled=False) as plain:
        expect(plain.get_by_role("article")).to_have_count(2)
        expect(plain.get_by_role("article").last).to_contain_text("**Bold** <img src=x")
        expect(plain.get_by_role("article").first).to_contain_text("A <b>question</b>")
        plain.get_by_text("Thoughts").click()
        expect(plain.get_by_text("Hm.", exact=True)).to_be_visible()
        assert plain.context.cookies() == []
        picture(plain, "plain")


@pytest.mark.wide
@pytest.mark.parametrize(
    ("width", "scheme", "language"),
    [(1280, "light", "en"), (320, "dark", "de"), (700, "light", "ar"), (320, "light", "ar-XB")],
)
def test_the_page_of_a_link_shows_markdown(
    page: Page, browser: Browser, program: Program, width: int, scheme: Any, language: str
) -> None:
    rows = "%0A%0A| a | b |%0A|---|---|%0A| 1 | 2 |%0A%0A".replace("|", "%7C")
    table = f"{rows}```python%0Aprint('a long line of code'*99)%0A```"
    ask(page, f"A question with averyverylongword{'x' * 80}\nplay {ANSWER}{table}")
    expect(answer(page).locator("[data-action=copy]")).to_be_visible()
    url = share(program, page)
    options = {"viewport": {"width": width, "height": 700}, "color_scheme": scheme}
    with reader(browser, program, url, locale=language, **options) as shared:
        expect(shared.locator(".markdown strong")).to_have_text("Bold")
        expect(shared.locator(".markdown li")).to_have_count(2)
        assert shared.evaluate(CUT) == []
        assert violations(shared) == []
        assert shared.context.cookies() == []
        picture(shared, f"shared-{width}-{scheme}-{language}")
        shared.emulate_media(media="print")
        picture(shared, f"print-{width}-{scheme}-{language}")


@pytest.mark.wide
def test_a_live_link_is_followed_until_it_is_revoked(
    page: Page, browser: Browser, program: Program, release: Release
) -> None:
    ask(page, "One?\nplay say=First;hold=shared;say= part.")
    expect(content(page)).to_contain_text("First")
    url = share(program, page, live=True)
    with reader(browser, program, url) as shared:
        expect(shared.locator(".markdown")).to_have_text("First")
        release("shared")
        expect(shared.locator(".markdown")).to_have_text("First part.")
        expect(content(page)).to_have_text("First part.")
        picture(shared, "live")
        ask(page, "Two?\nplay say=Second.")
        expect(shared.get_by_role("article")).to_have_count(4)
        expect(shared.locator(".markdown").last).to_have_text("Second.")
        (mine,) = [one for one in call(program, "GET", "/api/shares")["shares"] if one["live"]]
        call(program, "DELETE", f"/api/shares/{mine['id']}")
        expect(shared.get_by_role("status")).to_contain_text("The link no longer works")


@pytest.mark.wide
def test_pictures_of_a_live_answer_are_shown_by_its_link(
    page: Page, browser: Browser, program: Program, release: Release
) -> None:
    ask(page, "Draw.\nplay think=Hm.;picture=300;hold=drawn;picture=400;say=Done.")
    mine = page.get_by_role("list", name="Pictures of the answer").get_by_role("img")
    expect(mine).to_have_count(1)
    url = share(program, page, live=True, files=True)
    without = share(program, page, live=True)
    with reader(browser, program, url) as shared, reader(browser, program, without) as blind:
        shown = shared.get_by_role("list", name="Pictures of the answer").get_by_role("img")
        expect(shown).to_have_count(1)
        release("drawn")
        expect(shown).to_have_count(2)
        expect(shared.locator(".shared-text.markdown")).to_have_text("Done.")
        decoded = "async (img) => (await img.decode(), img.naturalWidth)"
        assert [one.evaluate(decoded) for one in shown.all()] == [2, 2]
        assert violations(shared) == []
        expect(blind.locator(".shared-text.markdown")).to_have_text("Done.")
        expect(blind.get_by_role("img")).to_have_count(0)
        shared.reload()
        expect(shown).to_have_count(2)
        expect(shared.get_by_role("img")).to_have_count(2)


@pytest.fixture(scope="session")
def locked(serve: Callable[..., Program], upstream: Program) -> Program:
    """The same server with a login."""
    environ = {"OPENAI_BASE_URL": upstream.url, "OPENAI_MODEL": "fake-model"}
    more = {"TORNADO_STREAM_SHARING": "1", "TORNADO_STREAM_PASSWORD": "correct horse"}
    return serve(**environ, **more, OPENAI_API_KEY="sk-x")


@pytest.mark.wide
@pytest.mark.parametrize(("width", "scheme"), [(320, "dark"), (768, "light"), (1440, "light")])
def test_a_link_is_taken_back_while_somebody_without_a_login_reads_a_live_answer(
    browser: Browser, locked: Program, release: Release, width: int, scheme: Any
) -> None:
    name = f"taken-back-{width}"
    with reader(browser, locked, locked.url, reduced_motion="reduce") as page:
        page.locator("#login-password").fill("correct horse")
        page.locator("#login-enter").click()
        ask(page, f"What is rain?\nplay say=Water that falls;hold={name};say= from clouds.")
        expect(content(page)).to_contain_text("Water that falls")
        page.locator("#title").click()
        page.get_by_role("menuitem", name="Share…").click()
        dialog = page.get_by_role("dialog", name="Share this conversation")
        dialog.get_by_label("Also show what follows here").check()
        dialog.get_by_role("button", name="Create a link").click()
        url = dialog.get_by_label("Link", exact=True).input_value()
        options = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
        with reader(browser, locked, url, **options) as shared:
            expect(shared.locator(".markdown")).to_have_text("Water that falls")
            assert shared.context.cookies() == []
            dialog.get_by_role("button", name="Revoke the link").first.click()
            expect(dialog.get_by_role("status")).to_contain_text("no longer works")
            expect(shared.get_by_role("status")).to_contain_text("The link no longer works")
            picture(shared, f"{name}-{scheme}")
            assert shared.evaluate(CUT) == [] and violations(shared) == []
            release(name)
            page.keyboard.press("Escape")
            expect(content(page)).to_have_text("Water that falls from clouds.")
            expect(shared.locator(".markdown")).to_have_text("Water that falls")
            shared.reload()
            expect(shared.get_by_role("heading")).to_contain_text("There is nothing here.")
            picture(shared, f"{name}-{scheme}-again")
