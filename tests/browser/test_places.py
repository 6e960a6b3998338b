"""Pins, folders, the archive, and selecting many conversations."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .chat import Page, Route, announced, ask, composer, content, expect
from .conftest import Browser, Program, fresh_page

pytestmark = pytest.mark.wide


@pytest.fixture
def own(serve: Callable[..., Program], upstream: Program) -> Program:
    """A server with six conversations and nothing else."""
    server = serve(OPENAI_BASE_URL=upstream.url, OPENAI_MODEL="fake-model", OPENAI_API_KEY="sk-x")
    for number in range(6):
        call(server, "POST", "/api/conversations", {"title": f"number {number}"})
    return server


@pytest.fixture
def page(browser: Browser, own: Program) -> Iterator[Page]:
    with fresh_page(browser, own, reduced_motion="reduce") as page:
        expect(page.locator(".row")).to_have_count(6)
        yield page


def call(server: Program, method: str, path: str, body: Any = None) -> Any:
    request = urllib.request.Request(
        f"{server.url.rstrip('/')}{path}",
        json.dumps(body).encode() if body is not None else None,
        {"Content-Type": "application/json"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


def row(page: Page, title: str) -> Any:
    return page.locator(".row").filter(has_text=title)


def choose(page: Page, title: str, item: str) -> None:
    """Choose from the menu of a row."""
    row(page, title).hover()
    row(page, title).locator(".row-more").click()
    page.get_by_role("menuitem", name=item).click()


def section(page: Page, name: str) -> Any:
    return page.locator(".period").filter(has=page.get_by_role("heading", name=name))


def test_pins_folders_and_the_archive(page: Page, own: Program, browser: Browser) -> None:
    choose(page, "number 1", "Pin")
    expect(section(page, "Pinned").locator(".row")).to_have_text(["number 1"])
    assert page.locator(".period").first.inner_text().startswith("Pinned")
    choose(page, "number 2", "Move to a folder")
    page.get_by_role("textbox", name="New folder").fill("Work & play")
    page.keyboard.press("Enter")
    expect(announced(page)).to_have_text("Moved to “Work & play”")
    folder = page.get_by_role("button", name="Work & play 1", exact=True)
    expect(folder).to_have_attribute("aria-expanded", "false")
    expect(row(page, "number 2")).to_have_count(0)
    folder.click()
    expect(section(page, "Work & play").locator(".row")).to_have_text(["number 2"])
    choose(page, "number 3", "Move to a folder")
    page.get_by_role("button", name="Work & play", exact=True).click()
    expect(section(page, "Work & play").locator(".row")).to_have_text(["number 3", "number 2"])
    page.reload()
    expect(section(page, "Work & play").locator(".row")).to_have_text(["number 3", "number 2"])
    expect(section(page, "Today").locator(".row")).to_have_text(
        ["number 5", "number 4", "number 0"]
    )

    with fresh_page(browser, own) as other:  # another device
        expect(section(other, "Pinned").locator(".row")).to_have_text(["number 1"])
        expect(section(other, "Today").locator(".row")).to_have_count(3)
        choose(other, "number 1", "Unpin")
        expect(section(other, "Pinned")).to_have_count(0)
        other.get_by_role("button", name="Change the folder “Work & play”").click()
        other.get_by_role("textbox", name="Name of the folder").fill("Play")
        other.keyboard.press("Enter")
        expect(other.get_by_role("button", name="Play 2")).to_be_visible()
    expect(section(page, "Pinned")).to_have_count(0)
    expect(page.get_by_role("button", name="Play 2")).to_be_visible()

    choose(page, "number 4", "Archive")
    expect(row(page, "number 4")).to_have_count(0)
    archive = page.get_by_role("button", name="Archive", exact=True)
    archive.click()
    expect(page.locator("#list-status")).to_have_text("1 conversation in the archive")
    expect(page.locator(".row:visible")).to_have_text(["number 4"])
    archive.click()
    held: list[Route] = []
    page.route("**/api/conversations?archived=true", lambda route: held.append(route), times=1)
    archive.click()
    page.get_by_role("searchbox").fill("number 3")
    expect(page.locator(".row:visible")).to_have_text(["number 3"])
    with page.expect_response("**/api/conversations?archived=true"):
        held[0].continue_()
    page.get_by_role("searchbox").press("End")
    expect(page.locator(".row:visible")).to_have_text(["number 3"])  # not the archive
    page.get_by_role("searchbox").fill("")
    expect(archive).to_have_attribute("aria-pressed", "false")
    archive.click()
    choose(page, "number 4", "Take out of the archive")
    expect(page.locator("#list-status")).to_have_text("0 conversations in the archive")
    archive.click()
    expect(section(page, "Today").locator(".row")).to_have_text(
        ["number 5", "number 4", "number 1", "number 0"]
    )
    page.get_by_role("button", name="Change the folder “Play”").click()
    page.get_by_role("button", name="Remove the folder").click()
    expect(page.locator(".folder")).to_have_count(0)
    expect(section(page, "Today").locator(".row")).to_have_count(6)


def test_many_are_selected_with_keys_and_deleted_together(page: Page, own: Program) -> None:
    page.locator(".row-link").nth(1).focus()
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    bar = page.get_by_role("toolbar", name="Selected conversations")
    expect(bar).to_contain_text("3 selected")
    expect(page.get_by_role("checkbox", checked=True)).to_have_text(
        ["number 4", "number 3", "number 2"]
    )
    page.keyboard.press("Control+ArrowDown")
    page.keyboard.press("Control+ArrowDown")
    page.keyboard.press("Space")
    page.locator(".row").first.click()
    expect(bar).to_contain_text("5 selected")
    page.keyboard.press("Space")
    expect(bar).to_contain_text("4 selected")
    page.keyboard.press("Delete")
    expect(page.locator(".row")).to_have_text(["number 5", "number 1"])
    expect(bar).to_have_count(0)
    expect(page.locator(".toast")).to_contain_text("4 conversations")
    page.keyboard.press("Control+z")
    expect(page.locator(".row")).to_have_count(6)
    page.locator(".row-link").first.focus()
    page.keyboard.press("Control+a")
    expect(bar).to_contain_text("6 selected")
    bar.get_by_role("button", name="Pin").click()
    expect(section(page, "Pinned").locator(".row")).to_have_count(6)
    choose(page, "number 2", "Select")
    page.locator(".row").first.click(modifiers=["Shift"])
    expect(bar).to_contain_text("4 selected")
    bar.get_by_role("button", name="Archive").click()
    expect(page.locator(".row")).to_have_text(["number 1", "number 0"])
    choose(page, "number 1", "Select")
    with page.expect_response(lambda response: response.request.method == "DELETE"):
        bar.get_by_role("button", name="Delete").click()
        page.locator(".toast button").focus()
        page.keyboard.press("Escape")
    assert len(call(own, "GET", "/api/conversations")["conversations"]) == 1
    page.locator(".row-link").first.focus()
    page.keyboard.press("Shift+End")
    expect(bar).to_be_visible()
    page.keyboard.press("Escape")
    expect(bar).to_have_count(0)
    expect(page.locator(".row-link").first).to_be_focused()


def test_the_open_conversation_is_deleted_with_the_key_and_restored(page: Page) -> None:
    ask(page, "the open one\nplay say=An answer.")
    expect(content(page)).to_have_text("An answer.")
    url = page.url
    for way in ("key", "menu"):
        if way == "key":
            row(page, "the open one").locator(".row-link").focus()
            page.keyboard.press("Delete")
        else:
            choose(page, "the open one", "Delete")
        expect(composer(page)).to_be_focused()
        page.keyboard.press("Control+z")
        expect(page).to_have_url(url)
        expect(content(page)).to_have_text("An answer.")
    page.locator(".row-link").first.focus()
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Delete")
    expect(page.locator(".row")).to_have_count(5)
    page.keyboard.press("Control+z")
    expect(page).to_have_url(url)
    expect(page.locator(".row")).to_have_count(7)
