"""The title of the open conversation in the header, and its menu."""

from __future__ import annotations

import re

import pytest

from .chat import Page, ask, composer, content, expect


@pytest.mark.wide
def test_the_title_is_in_the_header_with_its_menu_at_every_width(page: Page) -> None:
    title = page.get_by_role("banner").get_by_role("button", name="What is a header", exact=True)
    expect(page.locator("#heading")).to_be_hidden()
    ask(page, "What is a header\nplay say=A line at the top.")
    expect(content(page)).to_have_text("A line at the top.")
    for width in (390, 820, 1440):
        page.set_viewport_size({"width": width, "height": 844})
        expect(page.locator("#title")).to_be_visible()
        page.locator("#title").click()
        menu = page.get_by_role("menu", name="This conversation")
        names = ["Rename", "Pin", "Move to a folder…", "Archive"]
        names += ["Save as Markdown", "Save as JSON", "Save as text", "Save with its files (ZIP)"]
        names += ["Delete"]
        expect(menu.get_by_role("menuitem")).to_have_text(names)
        page.keyboard.press("Escape")
        expect(page.locator("#title")).to_be_focused()
    page.set_viewport_size({"width": 390, "height": 844})
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")  # Rename
    page.keyboard.type("Which? <b>/</b>")
    page.keyboard.press("Enter")
    expect(page.locator("#title")).to_have_text("Which? <b>/</b>")
    expect(page).to_have_title("Which? <b>/</b> – Tornado Stream")
    expect(page.locator("#title")).to_be_focused()
    page.locator("#title").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Save as Markdown").click()
    assert download.value.suggested_filename == "Which b - -b.md"
    address = page.url
    for item in ("Archive", "Take out of the archive", "Archive"):
        page.locator("#title").click()
        with page.expect_response(lambda response: response.request.method == "PATCH"):
            page.get_by_role("menuitem", name=item).click()
    page.reload()
    page.locator("#title").click()
    page.get_by_role("menuitem", name="Take out of the archive").click()
    expect(page.locator(".row", has_text="Which?")).to_have_count(1)
    page.locator("#title").click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(page.locator("#heading")).to_be_hidden()
    expect(composer(page)).to_be_focused()
    page.get_by_role("button", name=re.compile("^Undo")).click()
    expect(page).to_have_url(address)
    expect(page.locator("#title")).to_have_text("Which? <b>/</b>")
    expect(title).to_have_count(0)
