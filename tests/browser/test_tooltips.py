"""What buttons without a text do, and where lists open, whatever was opened before."""

from __future__ import annotations

from .chat import Page, ask, expect, status
from .conftest import Browser, Program, fresh_page


def beside(page: Page, part: str, button: str) -> float:
    """Pixels between a part of the page and a button, at the closest."""
    one, other = page.locator(part).bounding_box(), page.locator(button).bounding_box()
    assert one and other
    across = max(one["x"] - other["x"] - other["width"], other["x"] - one["x"] - one["width"], 0)
    down = max(one["y"] - other["y"] - other["height"], other["y"] - one["y"] - one["height"], 0)
    found: float = across + down
    return found


def test_a_tooltip_waits_until_its_button_rests(page: Page) -> None:
    """A key opens the list on a narrow screen: its button has the focus while that slides in."""
    page.set_viewport_size({"width": 390, "height": 700})
    page.emulate_media(reduced_motion="no-preference")
    page.keyboard.press("Alt+Shift+S")
    expect(page.locator("#side-close")).to_be_focused()
    expect(page.locator(".tooltip")).to_have_text("Close the list")
    assert beside(page, ".tooltip", "#side-close") < 10


def test_a_button_that_shows_what_is_open_has_its_tooltip_in_both_states(page: Page) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    toggle = page.locator("#side-toggle")
    expect(toggle).to_have_attribute("aria-expanded", "true")
    toggle.hover()
    expect(page.locator(".tooltip")).to_contain_text("Conversations")
    page.mouse.move(700, 400)
    expect(page.locator(".tooltip")).to_have_count(0)
    page.locator("#model").click()
    page.mouse.move(700, 400)
    expect(page.locator("#model")).to_have_attribute("aria-expanded", "true")
    page.locator("#model").hover(position={"x": 8, "y": 8})  # not where it was pressed
    page.wait_for_timeout(1000)
    expect(page.locator(".tooltip")).to_have_count(0)


def test_the_list_of_models_opens_at_its_button_after_the_panel_too(
    browser: Browser, server: Program
) -> None:
    with fresh_page(
        browser, server, viewport={"width": 390, "height": 700}, has_touch=True
    ) as page:
        ask(page, "a question")  # loads sheets that may stand in between
        expect(status(page)).to_contain_text("fake-model")
        page.locator("#panel").tap()
        panel = page.get_by_role("dialog", name="This conversation")
        panel.get_by_role("button", name="Cancel").tap()
        expect(panel).to_be_hidden()
        page.locator("#model").tap()
        menu = page.get_by_role("dialog", name="Choose a model")
        expect(menu).to_be_visible()
        assert beside(page, "#picker", "#model") < 10
