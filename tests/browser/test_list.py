"""A long list of conversations: dates, deleting and undoing, unread marks, keyboard, touch."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from .chat import Page, announced, ask, composer, content, expect, held_back, listed
from .conftest import REPORT_VIOLATIONS, VIEWPORT, Browser, Program, Release, Watch
from .history import NOW, TALK, ZONE, fill

pytestmark = pytest.mark.wide

#: The browser logs this where a conversation that was just deleted is asked for.
GONE = "status of 404"


@pytest.fixture(scope="module")
def past(
    run: Callable[..., Program], upstream: Program, tmp_path_factory: pytest.TempPathFactory
) -> Program:
    data = tmp_path_factory.mktemp("past")
    fill(data)
    environ = {"OPENAI_BASE_URL": upstream.url, "OPENAI_MODEL": "fake-model"}
    return run("main.py", "--port", "0", "--data-dir", str(data), **environ, OPENAI_API_KEY="sk-x")


@pytest.fixture
def visit(browser: Browser, past: Program, watch: Watch) -> Iterator[Callable[..., Page]]:
    """Opens the list in a new browser context, whose clock the test sets."""
    contexts = []

    def open(**how: Any) -> Page:
        context = browser.new_context(
            **{"viewport": VIEWPORT, "reduced_motion": "reduce", "timezone_id": ZONE} | how
        )
        contexts.append(context)
        context.add_init_script(REPORT_VIOLATIONS)
        context.clock.install(time=NOW)
        page = context.new_page()
        watch.base = past.url
        watch.on(page)
        page.goto(past.url)
        expect(page.locator(".row").first).to_be_attached()
        return page

    yield open
    for context in contexts:
        context.close()


@pytest.fixture
def page_of_past(visit: Callable[..., Page]) -> Page:
    return visit()


def headings(page: Page) -> list[str]:
    return page.get_by_role("navigation").get_by_role("heading", level=3).all_inner_texts()


def row(page: Page, title: str) -> Any:
    return page.get_by_role("link", name=title, exact=True)


#: Hides what stands below the message that was found, as long as it is highlighted.
HIDE_BELOW = """async () => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(".revealed ~ * { display: none !important; }");
  document.adoptedStyleSheets.push(sheet);
  for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
}"""


def stand_still(page: Page) -> None:
    """Stop the clock of the page; the test moves it."""
    page.clock.pause_at(NOW + timedelta(minutes=1))


def delete(page: Page, title: str) -> None:
    row(page, title).focus()
    page.keyboard.press("Delete")
    expect(row(page, title)).to_have_count(0)


def toast(page: Page, title: str) -> Any:
    return page.get_by_role("region", name="Deleted conversations").get_by_text(
        f"Deleted “{title}”"
    )


def is_there(server: Program, id: str) -> bool:
    try:
        urllib.request.urlopen(f"{server.url}api/conversations/{id}", timeout=60).close()
    except urllib.error.HTTPError as error:
        error.close()
        return False
    return True


def id_of(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


def create(server: Program, title: str) -> str:
    body = json.dumps({"title": title}).encode()
    request = urllib.request.Request(
        f"{server.url}api/conversations", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        id: str = json.load(response)["id"]
        return id


def test_headings_by_date_change_at_midnight(visit: Callable[..., Page]) -> None:
    page = visit()
    assert headings(page) == [
        "Today",
        "Yesterday",
        "Previous 7 days",
        "Previous 30 days",
        "October 2026",
        "October 2025",
    ]
    today = page.get_by_role("list", name="Today").get_by_role("listitem")
    assert today.all_inner_texts() == ["number 0", "number 1", "number 2"]
    expect(page.get_by_role("list", name="Yesterday").get_by_role("listitem")).to_have_count(3)
    row(page, "number 1").focus()
    page.clock.fast_forward("12:00:05")
    expect(page.get_by_role("list", name="Today")).to_have_count(0)
    assert headings(page)[:3] == ["Yesterday", "Previous 7 days", "Previous 30 days"]
    expect(row(page, "number 1")).to_be_focused()


def test_headings_by_date_in_german(visit: Callable[..., Page]) -> None:
    page = visit(locale="de-DE")
    assert headings(page)[:2] == ["Heute", "Gestern"]
    assert headings(page)[4] == "Oktober 2026"


def test_deleting_can_be_undone(page_of_past: Page, past: Program) -> None:
    page = page_of_past
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.method))
    stand_still(page)
    delete(page, "number 20")
    expect(toast(page, "number 20")).to_be_visible()
    expect(page.locator("#announcer")).to_have_text("Deleted “number 20”. Ctrl+Z undoes it.")
    expect(row(page, "number 21")).to_be_focused()
    page.clock.fast_forward(4000)
    delete(page, "number 22")
    page.clock.fast_forward(3900)
    expect(page.get_by_role("button", name="Undo: restore “number")).to_have_count(2)
    page.keyboard.press("Control+z")
    expect(row(page, "number 22")).to_be_focused()
    assert "DELETE" not in asked
    with page.expect_response(lambda response: response.request.method == "DELETE"):
        page.clock.fast_forward(200)
    expect(toast(page, "number 20")).to_have_count(0)
    page.clock.fast_forward(20_000)
    assert asked.count("DELETE") == 1
    assert is_there(past, id_of(22))
    expect(row(page, "number 20")).to_have_count(0)


def test_the_time_to_undo_stands_still_under_the_pointer(page_of_past: Page) -> None:
    page = page_of_past
    stand_still(page)
    delete(page, "number 30")
    delete(page, "number 31")
    undo = page.get_by_role("button", name="Undo: restore “number 30”")
    undo.hover()
    page.clock.fast_forward(60_000)
    expect(undo).to_be_visible()
    undo.focus()
    page.mouse.move(500, 10)
    page.clock.fast_forward(60_000)
    expect(undo).to_be_visible()
    with page.expect_request(lambda request: request.method == "DELETE"):
        page.keyboard.press("Escape")
    expect(undo).to_have_count(0)
    expect(row(page, "number 32")).to_be_focused()
    page.get_by_role("button", name="Undo: restore “number 31”").click()
    expect(row(page, "number 31")).to_be_visible()
    expect(page.get_by_role("region", name="Deleted conversations")).to_have_count(0)


def test_deleting_the_open_conversation(page_of_past: Page, past: Program, watch: Watch) -> None:
    page = page_of_past
    ask(page, "to be deleted\nplay gap=0.1;say=so far;count=600")
    expect(content(page)).to_contain_text("so far")
    url, id = page.url, page.url.rsplit("/", 1)[1]
    open_row = page.get_by_role("listitem").filter(has_text="to be deleted")
    for way in ("undo", "back"):
        open_row.hover()
        open_row.get_by_role("button").click()
        page.get_by_role("menuitem", name="Delete").click()
        expect(page).to_have_url(past.url)
        expect(composer(page)).to_be_focused()
        expect(open_row).to_have_count(0)
        if way == "undo":
            page.get_by_role("button", name="Undo: restore “to be deleted").click()
        else:
            page.go_back()
        expect(page).to_have_url(url)
        expect(open_row).to_be_visible()
        expect(page.get_by_role("button", name="Stop", exact=True)).to_be_visible()
    stand_still(page)
    page.mouse.move(0, 0)  # while the pointer is on the message, it stays
    open_row.get_by_role("link").focus()
    page.keyboard.press("Delete")
    expect(page).to_have_url(past.url)
    page.clock.fast_forward(7900)
    assert is_there(past, id)
    with page.expect_response(lambda response: response.request.method == "DELETE") as deleted:
        page.clock.fast_forward(200)
    assert deleted.value.status == 204
    assert not is_there(past, id)
    watch.allow(GONE)
    page.goto(url)
    expect(page.get_by_role("heading", name="There is no such conversation")).to_be_visible()


def test_a_conversation_that_the_server_does_not_delete_comes_back(
    page_of_past: Page, watch: Watch
) -> None:
    page = page_of_past
    watch.allow("status of 503")
    error = {"error": {"code": "not_saved", "message": "The disk is full."}}

    def refuse(route: Any) -> None:
        if route.request.method == "DELETE":
            route.fulfill(status=503, json=error)
        else:
            route.continue_()

    page.route("**/api/conversations/*", refuse)
    delete(page, "number 33")
    page.clock.fast_forward(8001)
    expect(row(page, "number 33")).to_be_visible()
    note = page.get_by_role("region", name="Deleted conversations")
    expect(note).to_contain_text("“number 33” was not deleted.")
    expect(note).to_contain_text("The disk is full.")
    note.get_by_role("button", name="Close").click()
    expect(note).to_have_count(0)


def test_leaving_the_page_deletes_at_once(visit: Callable[..., Page], past: Program) -> None:
    page = visit()
    other = page.context.new_page()
    other.goto(past.url)
    expect(row(other, "number 35")).to_be_attached()
    page.bring_to_front()
    delete(page, "number 34")
    delete(page, "number 35")
    expect(row(other, "number 35")).to_have_count(1)
    page.goto("about:blank")
    other.clock.fast_forward(3001)
    for number in (34, 35):
        expect(row(other, f"number {number}")).to_have_count(0)
        assert not is_there(past, id_of(number))


def test_arrow_keys(page_of_past: Page) -> None:
    page = page_of_past
    search = page.get_by_label("Search conversations")
    search.focus()
    for key, title in [
        ("ArrowDown", "number 0"),
        ("ArrowDown", "number 1"),
        ("ArrowDown", "number 2"),
        ("ArrowDown", "number 3"),
        ("ArrowDown", TALK),
        ("ArrowUp", "number 3"),
        ("ArrowUp", "number 2"),
        ("Home", "number 0"),
    ]:
        page.keyboard.press(key)
        expect(row(page, title)).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="More for “number 0”")).to_be_focused()
    page.keyboard.press("Tab")
    assert not page.evaluate("document.activeElement.closest('.row')")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    expect(row(page, "number 0")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(search).to_be_focused()
    search.fill("NUMBER 1")
    expect(page.get_by_text("or more conversations found")).to_be_visible()
    expect(listed(page).first.locator("mark")).to_have_text("number 1")
    assert headings(page) == []
    page.keyboard.press("ArrowDown")
    expect(listed(page).first.get_by_role("link")).to_be_focused()
    page.keyboard.press("Escape")
    expect(search).to_be_focused()
    expect(search).to_have_value("")
    expect(row(page, "number 0")).to_be_visible()
    page.keyboard.type("no such thing")
    expect(page.get_by_text("Nothing found")).to_be_visible()
    page.keyboard.press("Escape")
    expect(row(page, "number 0")).to_be_visible()
    row(page, "number 1").focus()
    late = held_back(page, "**/list/row_actions.js")
    page.keyboard.press("F2")
    page.keyboard.type("One!")  # before the code for it is there
    page.keyboard.press("Backspace")
    late()
    expect(page.get_by_label("New title of “number 1”")).to_be_focused()
    expect(page.get_by_label("New title of “number 1”")).to_have_value("One")
    page.keyboard.press("Escape")
    expect(row(page, "number 1")).to_be_focused()
    row(page, "number 2").dblclick()
    expect(page.get_by_label("New title of “number 2”")).to_be_focused()
    page.keyboard.type("Number two")
    page.keyboard.press("Enter")
    expect(row(page, "Number two")).to_be_focused()


def test_a_place_that_cannot_be_shown_is_reported(page_of_past: Page, watch: Watch) -> None:
    page = page_of_past
    watch.allow("Failed to load resource")
    page.route("**/list/search_highlights.js", lambda route: route.abort())
    page.get_by_label("Search conversations").fill("needle")
    expect(listed(page)).to_have_count(1)
    listed(page).get_by_role("link").click()
    expect(announced(page)).to_have_text(re.compile("could not be loaded"))


def test_a_search_result_opens_at_the_place_that_was_found(page_of_past: Page) -> None:
    page = page_of_past
    page.get_by_label("Search conversations").fill("needle")
    expect(listed(page)).to_have_count(1)
    listed(page).get_by_role("link").click()
    expect(listed(page).locator("mark")).to_be_visible()
    found = page.get_by_role("article").filter(has_text="needle")
    words = "() => [...(CSS.highlights.get('found') ?? [])].map(String)"
    expect(found).to_have_class(re.compile("revealed"))
    expect(found).to_be_in_viewport()
    assert page.evaluate(words) == ["needle"]
    expect(page.get_by_role("article").last).not_to_be_in_viewport()
    expect(page.get_by_role("button", name="To the newest text")).to_be_visible()
    # What stands below is not laid out yet, and the place seems to be the end for a moment.
    page.evaluate(HIDE_BELOW)
    page.clock.fast_forward(2600)
    expect(found).not_to_have_class(re.compile("revealed"))
    assert page.evaluate(words) == []
    expect(page.get_by_role("article").last).to_be_visible()
    expect(found).to_be_in_viewport()
    expect(page.get_by_role("article").last).not_to_be_in_viewport()
    page.get_by_role("button", name="To the newest text").click()
    expect(page.get_by_role("article").last).to_be_in_viewport()
    listed(page).get_by_role("link").click()  # it is already open
    expect(found).to_be_in_viewport()


def test_an_answer_is_unread_until_it_is_opened(
    page: Page, open_tab: Callable[[str], Page], release: Release
) -> None:
    ask(page, "in the background\nplay hold=later;say=ready")
    mine = listed(page).filter(has_text="in the background")
    expect(mine).to_contain_text("generating")
    page.get_by_role("button", name="New conversation").click()
    expect(page.get_by_role("article")).to_have_count(0)
    release("later")
    expect(mine).to_contain_text("unread")
    other = open_tab(page.url)
    theirs = listed(other).filter(has_text="in the background")
    expect(theirs).to_contain_text("unread")
    theirs.get_by_role("link").click()
    expect(content(other)).to_have_text("ready")
    expect(theirs).not_to_contain_text("unread")
    expect(mine).not_to_contain_text("unread")
    ask(other, "and before my eyes")
    expect(content(other)).to_have_text("and before my eyes")
    expect(other.get_by_role("button", name="Send", exact=True)).to_be_visible()
    other.get_by_role("button", name="New conversation").click()
    expect(theirs).not_to_contain_text("generating")
    expect(theirs).not_to_contain_text("unread")


def test_a_long_press_opens_the_menu(visit: Callable[..., Page]) -> None:
    page = visit(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    page.get_by_role("button", name="Conversations").tap()
    expect(row(page, "number 1")).to_be_visible()
    page.wait_for_load_state("networkidle")  # the code for touch is loaded later
    box = row(page, "number 1").bounding_box()
    assert box
    devtools = page.context.new_cdp_session(page)
    point = {"x": box["x"] + 60, "y": box["y"] + 20}

    def touch(kind: str, *points: dict[str, float]) -> None:
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

    touch("touchStart", point)
    page.clock.run_for(600)
    menu = page.get_by_role("menu", name="This conversation")
    expect(menu).to_be_visible()
    touch("touchEnd")
    expect(menu).to_be_visible()
    assert page.url.endswith("/")
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    row(page, "number 1").tap()
    expect(page).to_have_url(re.compile(id_of(1)))


def test_a_conversation_is_saved_as_a_file(page_of_past: Page) -> None:
    page = page_of_past
    for name, ending in [("Markdown", "md"), ("JSON", "json"), ("text", "txt")]:
        row(page, TALK).hover()
        page.get_by_role("button", name=f"More for “{TALK}”").click()
        with page.expect_download() as download:
            page.get_by_role("menuitem", name=f"Save as {name}").click()
        assert download.value.suggested_filename == f"{TALK}.{ending}"
        assert "needle" in Path(download.value.path()).read_text()


def test_hundreds_of_rows_are_laid_out_in_parts_and_do_not_jump(
    page_of_past: Page, past: Program
) -> None:
    page = page_of_past
    scroller = page.locator("#side-list")
    page.get_by_role("link", name="number 0", exact=True).focus()
    for number in (100, 200, 319):
        page.keyboard.press("End")
        expect(row(page, f"number {number}")).to_be_attached()
    laid_out = """() => [...document.querySelectorAll('.chunk')]
        .filter((c) => c.firstElementChild.checkVisibility({contentVisibilityAuto: true}))
        .reduce((sum, c) => sum + c.children.length, 0)"""
    assert page.evaluate(laid_out) < 250
    scroller.evaluate("element => element.scrollTo(0, element.scrollHeight / 2)")
    where = """() => { const box = document.querySelector('#side-list').getBoundingClientRect();
        const row = document.elementFromPoint(box.x + 30, box.y + 300).closest('.row');
        return [row.textContent, Math.round(row.getBoundingClientRect().y)]; }"""
    page.wait_for_function("new Promise((done) => requestAnimationFrame(() => done(true)))")
    title, y = page.evaluate(where)
    create(past, "newest of all")
    page.clock.fast_forward(3001)
    expect(page.get_by_role("link", name="newest of all")).to_be_attached()
    assert page.evaluate(where) == [title, y]
    assert listed(page).count() > 300
