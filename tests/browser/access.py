"""Measurements on a page, for the tests of accessibility and of right-to-left text."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from .chat import Page

if TYPE_CHECKING:
    from playwright.sync_api import ElementHandle

#: A function that lists the elements that the Tab key reaches now.
TABBABLE = """const tabbable = () => [...document.querySelectorAll(
    "a[href], button, input, select, textarea, summary, [tabindex='0'], [contenteditable=true]")]
  .filter((e) => e.tabIndex >= 0 && !e.disabled && !e.closest("[inert]"))
  .filter((e) => e.checkVisibility({visibilityProperty: true, contentVisibilityAuto: false}));"""
#: Lists boxes that reach out of the page, and text that its own box cuts off without an ellipsis.
CUT = """() => {
  const shown = (e) => e.checkVisibility({visibilityProperty: true})
    && !e.closest(".visually-hidden, .skip, svg, [inert], math, .katex");
  const inside = (e) => { // what scrolls sideways by itself is not wider than the page
    for (let p = e.parentElement; p && p !== document.body; p = p.parentElement)
      if (/auto|scroll|hidden|clip/.test(getComputedStyle(p).overflowX)) return true;
    return false;
  };
  const name = (e) => `${e.tagName}.${e.className}: ${e.textContent.trim().slice(0, 40)}`;
  const all = [...document.querySelectorAll("body, body *")].filter(shown);
  const out = all.filter((e) => {
    const box = e.getBoundingClientRect();
    return (box.right > innerWidth + 0.5 || box.left < -0.5) && box.width && !inside(e);
  });
  const own = (e) => [...e.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  const cut = all.filter((e) => {
    const style = getComputedStyle(e);
    const box = e.getBoundingClientRect();
    const told = style.textOverflow === "ellipsis" || style.webkitLineClamp !== "none"
      || style.maskImage !== "none" // a folded text fades
      || style.clipPath === "inset(50%)"; // a text for screen readers
    if (!own(e) || told || box.width < 2) return false;
    const wide = e.scrollWidth > e.clientWidth + 1 && /hidden|clip/.test(style.overflowX);
    const high = e.scrollHeight > e.clientHeight + 1 && /hidden|clip/.test(style.overflowY);
    const button = e.closest("button, a.button");
    const text = document.createRange();
    text.selectNodeContents(e);
    const inner = text.getBoundingClientRect();
    const outer = button?.getBoundingClientRect();
    const beyond = outer && (inner.left < outer.left - 1 || inner.right > outer.right + 1
      || inner.top < outer.top - 1 || inner.bottom > outer.bottom + 1);
    const clamped = button && [...button.querySelectorAll("*"), button].some((part) => {
      const {textOverflow, webkitLineClamp} = getComputedStyle(part);
      return part.contains(e) && (textOverflow === "ellipsis" || webkitLineClamp !== "none");
    });
    return wide || high || (beyond && !clamped);
  });
  const page = document.documentElement.scrollWidth - innerWidth;
  return [...out.map((e) => `out: ${name(e)}`), ...cut.map((e) => `cut: ${name(e)}`),
    ...(page > 0 ? [`the page scrolls sideways by ${page}`] : [])];
}"""
#: Lists controls smaller than `least` pixels; a label counts as a part, links in text are left out.
SMALL = f"""(least) => {{
  {TABBABLE}
  const inText = (e) => e.tagName === "A" && getComputedStyle(e).display === "inline";
  return tabbable().filter((e) => !inText(e) && !e.matches(".skip")).filter((e) => {{
    const box = (e.closest("label") ?? e).getBoundingClientRect();
    return box.width < least - 0.1 || box.height < least - 0.1;
  }}).map((e) => `${{e.outerHTML.slice(0, 90)}} ${{e.offsetWidth}}×${{e.offsetHeight}}`);
}}"""
#: Runs axe. Its rule `region` excepts dialogs, which lie above the landmarks; we except menus too.
AXE = """async (options) => {
  const found = await axe.run(document, options);
  const above = (node) => document.querySelector(node.target[0])?.closest("[popover]");
  for (const one of found.violations.filter(({id}) => id === "region"))
    one.nodes = one.nodes.filter((node) => !above(node));
  return found;
}"""

#: Lists one button of each kind that opens a dialog, a menu, a drawer, a panel or a fold.
OPENERS = """() => {
  const all = document.querySelectorAll(
    "[aria-haspopup], [aria-expanded=false], details:not([open]) > summary");
  const kinds = new Map([...all].map((e) => [`${e.tagName} ${e.id || e.className}`, e]));
  return [...kinds.values()];
}"""


@cache
def _axe() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Page, *rules: str) -> list[Any]:
    """The violations that axe finds by `rules`; without these, by all rules and best practices."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(_axe())
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = {"type": "rule", "values": list(rules)}
    found = page.evaluate(AXE, options)
    return [
        (one["id"], node["target"], node["failureSummary"])
        for one in found["violations"]
        for node in one["nodes"]
    ]


#: The state of everything that can be open, as one text. It changes when something opens, which
#: may take a while: some modules are loaded first.
OPEN = """() => [...document.querySelectorAll("button, summary, details, dialog, [popover]")]
  .map((e) => [e.ariaExpanded, e.open, e.popover && e.matches(":popover-open")]).join()"""

#: The dialog or menu that is open.
ON_TOP = "document.querySelector('dialog[open], :popover-open')"


def openers(page: Page) -> Iterator[ElementHandle]:
    """Opens dialogs, menus and folds, one at a time; yields the button that opened it."""
    for handle in page.evaluate_handle(OPENERS).get_properties().values():
        opener = handle.as_element()
        if opener and opener.is_visible() and not opener.evaluate("e => e.closest('[inert]')"):
            before = page.evaluate(OPEN)
            opener.click()
            page.wait_for_function(f"before => ({OPEN})() !== before", arg=before)
            if opener.get_attribute("aria-haspopup"):  # it is loaded after the state changes
                page.wait_for_function(f"() => {ON_TOP}")
            yield opener
            page.keyboard.press("Escape")
            page.wait_for_function(f"() => !{ON_TOP}")
            if opener.get_attribute("aria-expanded") == "true":
                opener.click()


def resize(page: Page, width: int, height: int) -> None:
    """Give the window this size. Returns when the page has noticed: what was open may close."""
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")


def cut(page: Page, *widths: int) -> list[tuple[int, str]]:
    """What does not fit into the page, for each of these widths in pixels."""
    found = []
    for width in widths:
        resize(page, width, 740)
        found += [(width, one) for one in page.evaluate(CUT)]
    return found
