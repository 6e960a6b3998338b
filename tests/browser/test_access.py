"""Accessibility: axe's rules, keyboard, zoom, touch targets, forced colours, reduced motion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from . import states
from .access import SMALL, TABBABLE, cut, openers, resize, violations
from .chat import Page, announced, answer, ask, content, expect
from .conftest import REPORT_VIOLATIONS, VIEWPORT, Browser, Release, Watch

pytestmark = pytest.mark.wide

PHONE: Any = {"width": 360, "height": 740}
#: Whether the focus ring of the focused element is visible and not covered. Also removes the
#: element from `left`, the list of elements that the test has yet to reach.
STOP = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  window.left = window.left?.filter((one) => one !== e);
  const seen = [e, e.parentElement, e.parentElement?.parentElement].some((box) => {
    const style = box && getComputedStyle(box);
    return style && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1
      && (box === e || box.matches(":focus-within"));
  });
  const box = e.getBoundingClientRect();
  const at = document.elementFromPoint(
    Math.min(Math.max(box.x + box.width / 2, 1), innerWidth - 1),
    Math.min(Math.max(box.y + box.height / 2, 1), innerHeight - 1));
  const covered = !(at && (e.contains(at) || at.contains(e)));
  return { seen, covered, left: window.left?.length, html: e.outerHTML.slice(0, 120) };
}"""


@pytest.fixture
def wide(page: Page) -> Iterator[Page]:
    """A page on which a test may emulate media; the emulation ends with the test."""
    page.set_viewport_size({"width": 1280, "height": 800})
    yield page
    page.emulate_media(forced_colors="none", reduced_motion="reduce", color_scheme="light")


def converse(page: Page) -> None:
    """Ask for four answers: one with reasoning, one cut off, one failed, one still running."""
    ask(page, "play think=hm;say=A **short** answer with `code` and a list:\n\n- one\n- two")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    for question in ("play say=Half;close", "play status=401"):
        ask(page, question)
        expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    ask(page, "play count=20;stall")
    expect(content(page)).to_contain_text("t19")


def test_axe_finds_nothing_on_the_empty_page(wide: Page) -> None:
    assert violations(wide) == []
    wide.emulate_media(color_scheme="dark")
    wide.set_viewport_size(PHONE)
    assert violations(wide) == []


def test_axe_finds_nothing_in_a_conversation(wide: Page) -> None:
    converse(wide)
    assert violations(wide) == []
    wide.emulate_media(color_scheme="dark")
    wide.set_viewport_size(PHONE)
    assert violations(wide) == []
    wide.get_by_role("button", name="Stop", exact=True).click()
    expect(wide.get_by_role("button", name="Send", exact=True)).to_be_visible()
    assert violations(wide, "color-contrast") == []


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_axe_finds_nothing_in_what_opens(wide: Page, size: str) -> None:
    """Opens every dialog, menu, fold and drawer of the page."""
    page = wide
    if size == "phone":
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size(PHONE)
    ask(page, "play think=hm;say=An answer.")
    expect(content(page)).to_have_text("An answer.")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    opened = 0
    for opener in openers(page):
        label = opener.evaluate("e => e.outerHTML.slice(0, 120)")
        assert violations(page) == [], label
        assert page.evaluate(SMALL, 24) == [], label
        assert cut(page, page.viewport_size["width"]) == [], label  # type: ignore[index]
        opened += 1
    assert opened >= 3, "the model, the list or a menu of it, the thoughts"


@pytest.mark.parametrize("size", ["desktop", "phone", "drawer"])
def test_the_keyboard_gets_everywhere_and_is_seen_there(wide: Page, size: str) -> None:
    page = wide
    if size != "desktop":
        page.set_viewport_size(PHONE)
    ask(page, "play think=hm;say=A **short** answer with a [link](https://example.org/).")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    if size == "drawer":
        page.get_by_role("button", name="Conversations").click()
    count = page.evaluate(f"() => {{ {TABBABLE} return (window.left = tabbable()).length; }}")
    stops: list[dict[str, Any]] = []
    for _ in range(2 * count):  # more than one round, which leads through the browser's own bars
        page.keyboard.press("Tab")
        if stop := page.evaluate(STOP):
            stops.append(stop)
            if not stop["left"]:
                break
    assert page.evaluate("() => left.filter((e) => e.isConnected).map((e) => e.outerHTML)") == []
    assert [stop["html"] for stop in stops if not stop["seen"]] == []
    assert [stop["html"] for stop in stops if stop["covered"]] == []
    assert len(stops) > 3
    assert violations(page, "button-name", "link-name", "label", "aria-command-name") == []


def test_screen_readers_hear_one_live_region(wide: Page) -> None:
    """A screen reader hears one polite live region; the transcript itself is not live."""
    assert wide.locator("[aria-live=assertive], [role=alert]:not(:empty)").count() == 0
    assert wide.locator("[aria-live=polite]").count() == 1
    ask(wide, "play say=x;stall")
    expect(announced(wide)).to_have_text("Generating")
    expect(wide.get_by_role("log")).to_have_attribute("aria-live", "off")
    wide.get_by_role("button", name="Stop", exact=True).click()
    expect(announced(wide)).to_contain_text("Stopped")


def test_zoomed_text_fits(wide: Page) -> None:
    """Zoom of 200 % and 400 % (half and a quarter of the width), and text alone at 200 %."""
    converse(wide)
    assert cut(wide, 640, 320) == []
    wide.evaluate("() => document.documentElement.style.fontSize = '200%'")
    assert cut(wide, 1280) == []
    for name in ("Stop", "New conversation"):
        expect(wide.get_by_role("button", name=name, exact=True)).to_be_in_viewport(ratio=1)
    wide.get_by_role("button", name="New conversation").click()
    assert cut(wide, 1280) == []


def test_touch_targets_are_large_enough(wide: Page) -> None:
    """Targets have 24 pixels at least (WCAG 2.2, 2.5.8); the ones used most have 40."""
    converse(wide)
    for size in (wide.viewport_size, PHONE):
        wide.set_viewport_size(size)
        assert wide.evaluate(SMALL, 24) == []
        for name in ("Stop", "New conversation", "Conversations", "Model:"):
            button = wide.get_by_role("button", name=name, exact=name == "Stop").first
            box = button.bounding_box()
            assert box and min(box["width"], box["height"]) >= 40, name


def test_nothing_depends_on_colours_alone(wide: Page) -> None:
    """Forced colours remove backgrounds and shadows; borders, outlines and icons must remain."""
    converse(wide)
    wide.emulate_media(forced_colors="active")
    composer = wide.get_by_label("Your question")
    composer.focus()
    assert wide.evaluate(STOP)["seen"]
    assert wide.evaluate(_UNSEEN) == []
    assert violations(wide, "color-contrast") == []


def test_nothing_moves_with_reduced_motion(wide: Page) -> None:
    moving = "() => document.getAnimations().filter((one) => one.playState === 'running').length"
    wide.emulate_media(reduced_motion="no-preference")
    ask(wide, "play stall")
    expect(answer(wide)).to_be_visible()
    assert wide.evaluate(moving) > 0, "otherwise this test finds nothing to check"
    wide.emulate_media(reduced_motion="reduce")
    assert wide.evaluate(moving) == 0


def test_the_page_not_found_is_accessible(wide: Page, watch: Watch) -> None:
    watch.allow("status of 404")
    wide.goto(f"{watch.base}no/such/page")
    assert violations(wide) == []
    assert cut(wide, 320) == []
    wide.goto(watch.base)


@pytest.mark.wide
@pytest.mark.timeout(1500)
def test_every_state_is_accessible_and_can_be_enlarged(
    browser: Browser, world: states.World
) -> None:
    """axe in both schemes, zoom of 200 % (half the width), and letters of twice their size."""
    context = browser.new_context(viewport=VIEWPORT, reduced_motion="reduce")
    context.add_init_script(REPORT_VIOLATIONS)
    page = context.new_page()
    found: list[Any] = []
    count = 0
    for name in states.walk(page, world, ("short", "of 20,000 characters", "with code")):
        count += 1
        for scheme, size in (("light", (1280, 800)), ("dark", (PHONE["width"], PHONE["height"]))):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            resize(page, *size)
            found += [(name, scheme, one) for one in violations(page)]
        found += [(name, "zoom", one) for one in cut(page, 640)]
        page.evaluate("() => void (document.documentElement.style.fontSize = '200%')")
        found += [(name, "letters", one) for one in cut(page, 1280)]
        page.evaluate("() => void (document.documentElement.style.fontSize = '')")
    context.close()
    print(f"{count} states", *found, sep="\n")
    assert found == []


def test_a_day_by_keyboard_alone(wide: Page, release: Release) -> None:
    """Asking, stopping, editing, regenerating, searching, renaming, deleting, models, settings."""
    page, keys = wide, wide.keyboard
    last = page.locator("article.message.answer .content").last
    page.locator("#question").focus()
    keys.type("play say=A heron.;hold=keyboard")
    keys.press("Enter")
    expect(last).to_have_text("A heron.")
    keys.press("Escape")
    expect(page.locator("#send")).to_be_visible()
    keys.press("ArrowUp")
    expect(page.locator(".editor textarea")).to_be_focused()
    keys.press("Tab")
    keys.press("Escape")
    expect(page.locator("#question")).to_be_focused()
    keys.press("ArrowUp")
    expect(page.locator(".editor textarea")).to_be_focused()
    keys.press("ControlOrMeta+a")
    keys.type("play say=Edited heron.")
    keys.press("Enter")
    expect(last).to_have_text("Edited heron.")
    expect(page.locator('[data-action="again"]').last).to_be_attached()
    page.locator("#question").focus()
    for _ in range(20):
        keys.press("Shift+Tab")
        if page.evaluate("document.activeElement.dataset.action") == "again":
            break
    keys.press("Enter")
    expect(page.locator(".versions").last).to_contain_text("2")
    expect(page.locator("#send")).to_be_visible()
    keys.press("Alt+Shift+M")
    expect(page.locator(".picker input")).to_be_focused()
    for _ in range(3):  # past the list and the button to compare
        keys.press("Tab")
    expect(page.locator("#panel")).to_be_focused()
    expect(page.locator(":popover-open")).to_have_count(0)
    keys.press("Alt+Shift+P")
    expect(page.locator("dialog[open]")).to_be_visible()
    keys.press("Escape")
    expect(page.locator("dialog[open], :popover-open")).to_have_count(0)
    keys.press("ControlOrMeta+Shift+O")
    expect(page.locator("#welcome")).to_be_visible()
    keys.press("ControlOrMeta+k")
    keys.type("heron")
    expect(page.locator("#found .row").first).to_be_visible()
    keys.press("ArrowDown")
    keys.press("Enter")
    expect(last).to_have_text("Edited heron.")
    page.locator("#search").fill("")
    page.locator("#conversations .row.current .row-link").focus()
    keys.press("F2")
    expect(page.locator("#conversations input:focus")).to_be_visible()  # its code is loaded
    keys.press("ControlOrMeta+a")
    keys.type("Renamed")
    keys.press("Enter")
    row = page.locator("#conversations .row", has_text="Renamed")
    expect(row).to_be_visible()
    row.locator(".row-link").focus()
    keys.press("Delete")
    expect(row).to_have_count(0)
    keys.press("ControlOrMeta+z")
    expect(row).to_be_visible()
    row.locator(".row-more").focus()
    keys.press("Enter")
    expect(page.locator(".menu:popover-open button").first).to_be_focused()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "Enter"):  # to the archive
        keys.press(key)
    expect(row).to_have_count(0)
    expect(page.locator("#side :focus")).to_have_count(1)  # the row's place has the focus


#: Lists buttons, and small boxes that carry meaning by their background, that become invisible.
_UNSEEN = """() => [...document.querySelectorAll("body *")]
  .filter((e) => e.checkVisibility({visibilityProperty: true, opacityProperty: true}))
  .filter((e) => !e.closest("svg, .visually-hidden, .skip"))
  .filter((e) => {
    const style = getComputedStyle(e);
    const box = e.getBoundingClientRect();
    const border = style.borderBlockStartStyle !== "none" && style.borderBlockStartWidth !== "0px";
    const mark = !e.childNodes.length && box.width > 3 && box.width < 25 && box.height < 25
      && e.matches("span, i, b") && style.borderRadius !== "0px";
    const canvas = getComputedStyle(document.documentElement).backgroundColor;
    if (mark) return !border && style.backgroundColor === canvas;
    return e.matches("button.primary, input, dialog[open]") && !border
      && !e.closest("form, search, [role=search]");
  }).map((e) => e.outerHTML.slice(0, 90))"""
