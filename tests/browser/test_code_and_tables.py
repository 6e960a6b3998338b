"""Long code folds, tables keep readable columns, and what is cut off says so; also on paper."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from .access import violations
from .chat import Locator, Page, ask, composer, content, expect, listed
from .conftest import Release
from .pixels import rows

ROW = "| number {n} | a sentence of some words, which a reader wants to read | in the garden |\n"
TABLE = "| Name | What it means in words | Place where it is found |\n|---|---|---|\n" + "".join(
    ROW.format(n=n) for n in range(4)
)
#: How many lines of the screen each word of a table's cells takes.
LINES_OF_WORDS = """(table) => [...table.querySelectorAll("th, td")].flatMap((cell) => {
  const text = cell.firstChild;
  return [...text.data.matchAll(/\\S+/g)].map(({0: word, index}) => {
    const range = document.createRange();
    range.setStart(text, index);
    range.setEnd(text, index + word.length);
    return new Set([...range.getClientRects()].map((box) => box.top)).size;
  });
})"""


def play(text: str) -> str:
    return f"say={quote(text, safe='')}"


def lines(first: int, last: int) -> str:
    return "".join(f"line {n} = {n} * 'a long line that is cut'\n" for n in range(first, last))


@pytest.fixture
def phone(page: Page) -> Iterator[Page]:
    page.set_viewport_size({"width": 390, "height": 844})
    yield page
    page.emulate_media(media="screen")


def edge(page: Page, box: Locator) -> bytes:
    """The colours of the last ten pixels of a box, in its middle."""
    at = box.bounding_box()
    assert at
    middle = at["y"] + at["height"] / 2
    clip = {"x": at["x"] + at["width"] - 11, "y": middle, "width": 10, "height": 1}
    return next(rows(page.screenshot(clip=clip)))  # type: ignore[arg-type]


def test_a_table_on_a_phone_keeps_readable_columns(phone: Page) -> None:
    ask(phone, f"play {play(TABLE)}")
    table = content(phone).get_by_role("group", name="Table")
    expect(phone.get_by_role("button", name="Send", exact=True)).to_be_visible()
    expect(phone.locator("link[href$='css/wide.css']")).to_be_attached()
    widths = table.locator("tr:last-child > *").evaluate_all("all => all.map((e) => e.clientWidth)")
    assert widths[1] >= 200 and min(widths) >= 80
    hidden = table.evaluate("e => e.scrollWidth - e.clientWidth")
    assert hidden > 50
    table.scroll_into_view_if_needed()
    table.focus()
    table.evaluate("e => (e.scrollLeft = 9999)")
    at_end = edge(phone, table)
    table.evaluate("e => (e.scrollLeft = 0)")
    assert edge(phone, table) != at_end, "the edge says that there is more"
    phone.keyboard.press("ArrowRight")
    phone.wait_for_function("() => document.activeElement.scrollLeft > 0")
    assert violations(phone) == []


def test_on_paper_words_stay_whole_and_nothing_is_cut(phone: Page) -> None:
    ask(phone, f"play {play(TABLE + chr(10) + '```' + chr(10) + lines(0, 60) + '```')}")
    expect(content(phone).get_by_role("button", name="Show all 60 lines")).to_be_visible()
    phone.set_viewport_size({"width": 700, "height": 900})  # A4 between its margins
    phone.emulate_media(media="print")
    assert set(content(phone).locator("table").evaluate(LINES_OF_WORDS)) == {1}
    beyond = """(e) => [e, ...e.querySelectorAll("*")].filter((one) => {
      const box = one.getBoundingClientRect();
      return box.right > innerWidth || one.scrollHeight > one.clientHeight + 1
        && getComputedStyle(one).overflowY !== "visible";
    }).map((one) => one.outerHTML.slice(0, 90))"""
    assert content(phone).evaluate(beyond) == []
    last = (
        content(phone)
        .locator("pre")
        .evaluate("e => e.scrollHeight - e.parentElement.getBoundingClientRect().height")
    )
    assert last <= 1, "all lines of code are on the paper"


@pytest.mark.wide
def test_long_code_folds_while_it_is_written(page: Page, release: Release) -> None:
    """What is above does not move, nothing shrinks, and all of it can be shown and copied."""
    code = lines(0, 120)
    ask(
        page,
        f"play {play('```python' + chr(10) + lines(0, 30))};hold=a;{play(lines(30, 41))};hold=b;"
        f"{play(lines(41, 60))};hold=c;{play(lines(60, 120) + '```' + chr(10) * 2 + 'After.')}",
    )
    frame = content(page).locator(".code")
    high = "e => e.querySelector('pre').offsetHeight"
    expect(frame).to_contain_text("line 29 ")
    heights = [frame.evaluate(high)]
    for name, last in (("a", 40), ("b", 59), ("c", 119)):
        release(name)
        expect(frame.locator("code")).to_contain_text(f"line {last} ")
        heights.append(frame.evaluate(high))
    assert heights[0] < heights[1] == heights[2] == heights[3]
    more = frame.get_by_role("button", name="Show all 120 lines")
    expect(more).to_have_attribute("aria-expanded", "false")
    expect(content(page)).to_contain_text("After.")
    more.scroll_into_view_if_needed()
    top = "e => e.getBoundingClientRect().top"
    before = frame.evaluate(top)
    more.press("Enter")
    less = frame.get_by_role("button", name="Show less")
    expect(less).to_be_focused()
    assert abs(frame.evaluate(top) - before) <= 1, "what is opened stays where it is"
    assert frame.evaluate(high) > 2 * heights[1]
    page.locator("#scroller").evaluate("(e, by) => (e.scrollTop += by)", before + 900)
    for name in ("Show less", "Wrap", "Copy"):
        expect(frame.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    frame.get_by_role("button", name="Copy").click()
    copied = "text => navigator.clipboard.readText().then((copied) => copied === text)"
    expect(frame.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate(copied, code)
    less.click()
    expect(frame.get_by_role("button", name="Show all 120 lines")).to_be_in_viewport()
    page.reload()
    expect(content(page).get_by_role("button", name="Show all 120 lines")).to_be_visible()


def test_code_in_a_question_has_its_copy_in_reach(page: Page) -> None:
    """Its button is not a part of the text, and the button that folds stays in view, too."""
    code = "".join(f"print({n})\n" for n in range(200))
    question = f"Why?\n```python\n{code}```\nThanks!\nplay say=ok"
    composer(page).evaluate("(box, text) => (box.value = text)", question)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(content(page)).to_have_text("ok")
    expect(listed(page).first).to_be_visible()
    asked = page.get_by_role("article", name="You")
    asked.get_by_role("button", name="Show all").click()
    page.locator("#scroller").evaluate("e => (e.scrollTop = 1500)")
    expect(asked.get_by_role("button", name="Show less")).to_be_in_viewport(ratio=1)
    copy = asked.locator(".asked-code").get_by_role("button", name="Copy")
    expect(copy).to_be_in_viewport(ratio=1)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    copy.click()
    expect(asked.get_by_role("button", name="Copied")).to_be_visible()
    copied = "text => navigator.clipboard.readText().then((copied) => copied === text)"
    assert page.evaluate(copied, code)
    assert asked.locator(".text").evaluate("(e, text) => e.textContent === text", question)
    assert violations(page) == []
