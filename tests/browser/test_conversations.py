"""The list of conversations, their addresses, and their drafts."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable

from .chat import Page, ask, composer, content, expect, listed
from .conftest import Program, Watch

NO_STORAGE = """
for (const name of ["localStorage", "sessionStorage"]) {
  Object.defineProperty(window, name, {get() { throw new DOMException("no", "SecurityError"); }});
}
"""
FULL_STORAGE = """
Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); };
"""


def test_every_conversation_has_its_address(page: Page, server: Program) -> None:
    ask(page, "apples and pears")
    expect(content(page)).to_have_text("apples and pears")
    expect(page).to_have_url(re.compile("/c/[0-9a-f-]{36}$"))
    apples = page.url
    expect(listed(page).first).to_contain_text("apples and pears")
    page.get_by_role("button", name="New conversation").click()
    expect(page).to_have_url(server.url)
    ask(page, "bananas")
    expect(content(page)).to_have_text("bananas")
    expect(page).to_have_title("bananas – Tornado Stream")
    expect(listed(page).nth(0)).to_contain_text("bananas")
    expect(listed(page).nth(1)).to_contain_text("apples and pears")
    expect(page.locator("[aria-current=page]")).to_contain_text("bananas")

    page.go_back()
    expect(page.get_by_role("heading", name="What would you like to know?")).to_be_visible()
    expect(page).to_have_title("Tornado Stream")
    page.go_back()
    expect(content(page)).to_have_text("apples and pears")
    expect(page).to_have_title("apples and pears – Tornado Stream")
    page.go_forward()
    page.go_forward()
    expect(content(page)).to_have_text("bananas")
    listed(page).nth(1).get_by_role("link").click()
    expect(page).to_have_url(apples)
    expect(content(page)).to_have_text("apples and pears")
    expect(composer(page)).to_be_focused()
    page.reload()
    expect(content(page)).to_have_text("apples and pears")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    ask(page, "and plums")
    expect(content(page)).to_have_text("and plums")
    assert page.get_by_role("article").count() == 4


def test_a_conversation_opens_once_the_code_for_it_comes(page: Page, watch: Watch) -> None:
    watch.allow("Failed to load resource")
    refused: list[str] = []
    # On a slow machine it is loaded for the new conversation already.
    page.route(
        "**/conversation/snapshot.js",
        lambda route: (refused.append(route.request.url), route.abort()),
        times=1,
    )
    ask(page, "patience")
    expect(content(page)).to_have_text("patience")
    page.get_by_role("button", name="New conversation").click()
    listed(page).first.get_by_role("link").click()
    expect(content(page)).to_have_text("patience")
    assert len(refused) == 1


def test_search_and_rename(page: Page) -> None:
    ask(page, "The quick brown fox <i>jumps</i>\nover the zebra")
    expect(content(page)).to_contain_text("zebra")
    url = page.url
    page.get_by_role("button", name="New conversation").click()
    ask(page, "nothing of that kind")
    expect(listed(page).nth(1)).to_contain_text("The quick brown fox")

    search = page.get_by_label("Search conversations")
    search.fill("zebra")
    expect(listed(page)).to_have_count(1)
    expect(listed(page).locator("mark")).to_have_text(["zebra", "zebra"])  # title and message
    expect(page.get_by_text("1 conversation found")).to_be_visible()
    search.fill("no such word anywhere")
    expect(page.get_by_text("Nothing found for “no such word anywhere”.")).to_be_visible()
    search.fill("zebra")
    listed(page).get_by_role("link").click()
    expect(page).to_have_url(url)
    search.fill("")
    expect(listed(page).locator("mark")).to_have_count(0)

    more = page.get_by_role("button", name="More for “The quick brown fox")
    more.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Rename")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="Pin")).to_be_focused()
    page.keyboard.press("End")
    expect(page.get_by_role("menuitem", name="Delete")).to_be_focused()
    page.keyboard.press("Escape")
    expect(more).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.get_by_label("New title of")).to_be_focused()
    page.keyboard.type("A fox & a <zebra>")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="A fox & a <zebra>")).to_be_focused()
    expect(page).to_have_title("A fox & a <zebra> – Tornado Stream")
    page.reload()
    expect(page).to_have_title("A fox & a <zebra> – Tornado Stream")


def test_a_drawer_where_the_page_is_narrow(page: Page) -> None:
    ask(page, "in the drawer")
    expect(listed(page).first).to_contain_text("in the drawer")
    page.get_by_role("button", name="New conversation").click()
    page.set_viewport_size({"width": 360, "height": 740})
    button = page.get_by_role("button", name="Conversations")
    drawer = page.get_by_role("navigation", name="Conversations")
    expect(drawer).to_be_hidden()
    expect(button).to_have_attribute("aria-expanded", "false")
    button.click()
    expect(drawer).to_be_visible()
    expect(page.locator("#side-toggle")).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("button", name="Close the list")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    assert not page.evaluate("document.activeElement.closest('.top, .main, .bottom')")
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    listed(page).first.get_by_role("link").click()
    expect(drawer).to_be_hidden()
    expect(content(page)).to_have_text("in the drawer")
    page.set_viewport_size({"width": 1024, "height": 740})
    expect(drawer).to_be_visible()
    button.click()
    expect(drawer).to_be_hidden()
    page.reload()
    expect(button).to_have_attribute("aria-expanded", "false")


def test_a_long_list_comes_page_by_page(page: Page, server: Program) -> None:
    for number in range(70):
        _post(f"{server.url}api/conversations", {"title": f"old number {number}"})
    page.reload()  # otherwise the page may load the whole list in between
    ask(page, "newest of all")
    expect(listed(page).first).to_contain_text("newest of all")
    expect(listed(page).nth(1)).to_contain_text("old number 69")
    assert listed(page).count() < 70
    page.locator(".side-list").evaluate("element => element.scrollTo(0, element.scrollHeight)")
    expect(page.locator(".row-title", has_text=re.compile("^old number 0$"))).to_be_attached()
    shown = page.locator(".row-title").all_text_contents()
    titles = [title for title in shown if title.startswith("old number")]
    assert titles == [f"old number {number}" for number in reversed(range(70))]


def test_a_draft_is_kept_for_each_conversation(page: Page) -> None:
    composer(page).fill("a thought\nwith two lines")
    page.reload()
    expect(composer(page)).to_have_value("a thought\nwith two lines")
    composer(page).fill("sent")
    page.keyboard.press("Enter")
    expect(content(page)).to_have_text("sent")
    composer(page).fill("for later")
    page.get_by_role("button", name="New conversation").click()
    expect(composer(page)).to_have_value("")
    page.go_back()
    expect(composer(page)).to_have_value("for later")
    page.reload()
    expect(composer(page)).to_have_value("for later")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_enabled()  # it is loaded
    page.keyboard.press("Enter")
    expect(content(page)).to_have_text("for later")
    page.reload()
    expect(content(page)).to_have_text("for later")
    expect(composer(page)).to_have_value("")


def test_the_page_works_without_storage(
    open_tab: Callable[[str], Page], server: Program, tab: Page
) -> None:
    for script in (NO_STORAGE, FULL_STORAGE):
        page = open_tab("about:blank")
        page.add_init_script(script)
        page.goto(server.url)
        ask(page, "without a trace")
        expect(content(page)).to_have_text("without a trace")
        composer(page).fill("a draft")
        page.get_by_role("button", name="New conversation").click()
        expect(composer(page)).to_have_value("")
        page.go_back()
        expect(composer(page)).to_have_value("a draft")


def _post(url: str, body: dict[str, str]) -> None:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    urllib.request.urlopen(request, timeout=60).close()


def test_back_closes_the_drawer_and_keeps_the_conversation(page: Page) -> None:
    ask(page, "one")
    expect(content(page)).to_have_text("one")
    address = page.url
    page.set_viewport_size({"width": 390, "height": 844})
    drawer = page.locator("#side")
    page.locator("#side-toggle").click()
    expect(drawer).to_be_visible()
    page.go_back()
    expect(drawer).to_be_hidden()
    expect(content(page)).to_have_text("one")
    assert page.url == address
    page.locator("#side-toggle").click()
    expect(drawer).to_be_visible()
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    # A conversation chosen in the drawer takes the drawer's place in the history.
    page.get_by_role("button", name="New conversation").click()
    page.locator("#side-toggle").click()
    listed(page).first.get_by_role("link").click()
    expect(content(page)).to_have_text("one")
    page.go_back()
    expect(page.locator("#welcome")).to_be_visible()


def test_an_editor_stays_below_the_header(page: Page) -> None:
    """Where the page overflows by a few pixels, it counts as being at its end."""
    ask(page, "play count=30")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    expect(page.locator("article.message.answer .tool").first).to_be_attached()
    scroller = page.locator("#scroller")
    space = scroller.evaluate("e => e.clientHeight - e.querySelector('.transcript').offsetHeight")
    page.set_viewport_size({"width": 1024, "height": 768 - int(space) + 40})
    question = page.locator("article.message.user")
    question.hover()
    question.get_by_role("button", name="Edit", exact=True).click()
    editor = page.get_by_label("Edit your question")
    editor.fill("a line\n" * 4)
    page.wait_for_timeout(100)  # two frames of a slow machine
    top = scroller.bounding_box()
    box = page.locator(".editor").bounding_box()
    assert top and box and box["y"] >= top["y"]


def test_the_deletion_of_the_open_conversation_is_undone_by_ctrl_z(page: Page) -> None:
    ask(page, "one")
    expect(content(page)).to_have_text("one")
    listed(page).first.get_by_role("link").focus()
    page.keyboard.press("Delete")
    expect(page.locator(".toast")).to_be_visible()
    page.keyboard.press("Control+z")
    expect(content(page)).to_have_text("one")
    listed(page).first.get_by_role("link").focus()
    page.keyboard.press("Delete")
    expect(composer(page)).to_be_focused()
    page.keyboard.type("text")
    page.keyboard.press("Control+z")
    expect(composer(page)).to_have_value("")
    expect(page.locator("#welcome")).to_be_visible()
