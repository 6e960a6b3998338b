"""What a page must look like in every state: rules about the boxes of its parts and its ink.

`RULES` names each rule. `look` measures a page at several widths, in both colour schemes and both
directions, and returns what breaks a rule.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from .access import CUT, TABBABLE
from .chat import Page

WIDTHS = {390: 844, 820: 1180, 1440: 900}
SCHEMES = ("light", "dark")
DIRECTIONS = ("ltr", "rtl")

#: Each rule is a function that lists what breaks it.
RULES: dict[str, str] = {
    "one composer with one text box, inside the window": """() => {
      if (!document.querySelector("#scroller")) return []; // the login, or a page without a chat
      const boxes = document.querySelectorAll("form.composer textarea");
      const box = boxes[0]?.getBoundingClientRect();
      const visible = box && box.width >= 200 && box.height >= 24 && within(box, 0.5);
      return boxes.length === 1 && visible ? [] : [`${boxes.length} ${show(box)}`];
    }""",
    "the text of a message is inside its column": """() => texts().filter(([e, box]) => {
      const column = document.querySelector("#column").getBoundingClientRect();
      return box.left < column.left - 1 || box.right > column.right + 1;
    }).map(named)""",
    "a text of more than 60 characters is at least 200 pixels wide": """() => texts()
      .filter(([e, box]) => e.textContent.trim().length > 60 && box.width < 200).map(named)""",
    "a folded question is not higher than the window": """() =>
      [...document.querySelectorAll("article.message.user .text")].filter((e) =>
        e.textContent.length > 5000 && !e.closest("article").querySelector("[aria-expanded=true]")
        && e.getBoundingClientRect().height > innerHeight).map((e) => named([e]))""",
    "messages stand below each other": """() => {
      const beside = ".answer-column ~ .answer-column > *";
      const boxes = [...document.querySelectorAll(`article.message:not(${beside})`)]
        .filter((e) => e.checkVisibility({visibilityProperty: true}))
        .map((e) => [e, e.getBoundingClientRect()]);
      return boxes.filter(([e, box], at) => at && box.top < boxes[at - 1][1].bottom - 1).map(named);
    }""",
    "no control reaches out of the window": """() => controls().filter(([e, box]) =>
      box.right > innerWidth + 0.5 || box.left < -0.5
      || (!scrolls(e) && (box.top < -0.5 || box.bottom > innerHeight + 0.5))).map(named)""",
    "no two controls overlap": """() => {
      const all = controls();
      const over = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
      return all.flatMap(([a, box], at) => all.slice(at + 1)
        .filter(([b, other]) => !a.contains(b) && !b.contains(a) && layer(a) === layer(b)
          && scrolls(a) === scrolls(b) && over(box, other) && !a.closest(".row")
          && !stuck(a) && !stuck(b))
        .map(([b]) => `${named([a])} and ${named([b])}`));
    }""",
    "nothing covers a control that is not behind a layer": """() => controls()
      .filter(([e, box]) => !covered(e) && within(box, 0.5) && !layerOnTop(e) && !scrolls(e))
      .filter(([e, box]) => {
        const at = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
        return !(at && (e.contains(at) || at.contains(e) || e.closest("label")?.contains(at)));
      }).map(named)""",
    "the bars, the list and the messages do not overlap": """() => {
      const drawer = document.body.dataset.side === "open" && innerWidth < 896;
      const names = [".top", ".main", ".bottom", ...(drawer ? [] : [".side"])];
      const all = names.map((name) => document.querySelector(name))
        .filter((e) => e?.checkVisibility({visibilityProperty: true}))
        .map((e) => [e, e.getBoundingClientRect()]);
      return all.flatMap(([a, box], at) => all.slice(at + 1).filter(([, other]) =>
        Math.min(box.right, other.right) - Math.max(box.left, other.left) > 1
        && Math.min(box.bottom, other.bottom) - Math.max(box.top, other.top) > 1)
        .map(([b]) => `${a.className} and ${b.className}`));
    }""",
    "the messages have room": """() => {
      const main = document.querySelector(".main");
      if (!main) return [];
      const {width, height} = main.getBoundingClientRect();
      return width >= Math.min(320, innerWidth) && height >= 200 ? [] : [`${width} × ${height}`];
    }""",
    "a dialog or menu is inside the window": """() =>
      [...document.querySelectorAll(":popover-open, dialog[open]")]
        .filter((e) => e.checkVisibility({visibilityProperty: true}))
        .map((e) => [e, e.getBoundingClientRect()]).filter(([, box]) => !within(box, 1))
        .map(named)""",
    "the page does not scroll sideways, and no text is cut off": f"() => ({CUT})()",
}
_HELP = f"""
{TABBABLE}
const show = (box) => box && [box.x, box.y, box.width, box.height].map(Math.round).join(" ");
const named = ([e, box]) => `${{e.tagName}}#${{e.id}}.${{e.className}} `
  + `${{e.textContent.trim().slice(0, 30)}} ${{show(box ?? e.getBoundingClientRect())}}`;
const within = (box, slack) => box.left >= -slack && box.top >= -slack
  && box.right <= innerWidth + slack && box.bottom <= innerHeight + slack;
const layer = (e) => e.closest(":popover-open, dialog[open], .toasts, .side, #to-end");
const stuck = (e) => e.closest(".code-head, .fence, .show-all"); // stays in view over what scrolls
const covered = (e) => e.closest("[inert]");
const layerOnTop = (e) => {{
  const top = document.querySelector("dialog[open]:modal, :popover-open");
  return (top && !top.contains(e)) || e.closest(".toasts");
}};
const scrolls = (e) => {{
  for (let p = e.parentElement; p && p !== document.body; p = p.parentElement)
    if (/auto|scroll/.test(getComputedStyle(p).overflowY)) return p;
  return document.body.matches(".page") ? null : document.scrollingElement;
}};
const controls = () => tabbable().filter((e) => !covered(e) && !e.matches(".skip, .scroller"))
  .filter((e) => getComputedStyle(e).display !== "inline")
  .map((e) => [e, e.getBoundingClientRect()]).filter(([, box]) => box.width && box.height)
  .filter(([e, box]) => !scrolls(e) || (box.bottom > 0 && box.top < innerHeight));
const texts = () => [...document.querySelectorAll(
    "article.message.user .text, article.message.answer .content, article.message .status-text")]
  .filter((e) => e.textContent && e.checkVisibility({{visibilityProperty: true}}))
  .map((e) => [e, e.getBoundingClientRect()])
  .filter(([, box]) => box.bottom > 0 && box.top < innerHeight); // no others are laid out anew
"""
_ALL = "() => {{ {} return Object.entries({{ {} }}).flatMap(([rule, broken]) => {} ); }}".format(
    _HELP,
    ",".join(f'"{name}": {rule}' for name, rule in RULES.items()),
    "broken().map((one) => `${rule}: ${one}`)",
)
#: The part of the newest text of each kind that is visible, 30 pixels high.
_INK = """() => ["article.message.user .text", "article.message.answer .content"].map((name) => {
  const e = [...document.querySelectorAll(name)].findLast((one) => one.textContent.trim());
  const box = e?.getBoundingClientRect();
  const scroller = document.querySelector("#scroller")?.getBoundingClientRect();
  if (!box || !e.checkVisibility() || document.querySelector("dialog[open], :popover-open"))
    return null;
  if (document.body.dataset.side === "open" && innerWidth < 896) return null;
  const top = Math.max(box.top, scroller.top);
  const bottom = Math.min(box.bottom, scroller.bottom);
  if (bottom - top < 30) return null;
  return {x: Math.max(0, box.left), y: top, width: box.width, height: 30};
}).filter((box) => box)"""


@dataclass
class Looks:
    """How many pictures were looked at, and what broke a rule."""

    pictures: int = 0
    measured: int = 0
    broken: list[str] = field(default_factory=list)

    def report(self) -> str:
        rules = len(RULES) + 1
        return f"{self.pictures} pictures, {rules} rules, {self.measured} texts had their ink"


def look(
    page: Page, state: str, looks: Looks, *, directions: Any = DIRECTIONS, folder: str = ""
) -> None:
    """Measure the page, in a state, at each width, in each scheme and direction. A folder is for
    pictures, to look at them."""
    for (width, height), scheme, direction in product(WIDTHS.items(), SCHEMES, directions):
        picture = f"{state}, {width} px, {scheme}, {direction}"
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.evaluate("dir => void (document.documentElement.dir = dir)", direction)
        _settle(page)
        looks.pictures += 1
        if folder:
            page.screenshot(path=Path(folder) / f"{picture}.png")
        looks.broken += [f"{picture}: {one}" for one in page.evaluate(_ALL)]
        for box in page.evaluate(_INK):
            looks.measured += 1
            if colours(page.screenshot(clip=box)) < 3:
                looks.broken.append(f"{picture}: a text without ink: {box}")


def _settle(page: Page) -> None:
    """Wait for two frames: the drawer, `content-visibility` and observers have done their work."""
    page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )


def colours(png: bytes) -> int:
    """How many colours a picture of Chromium has."""
    return len({pixel for row in rows(png) for pixel in zip(*[iter(row)] * 3, strict=True)})


def rows(png: bytes) -> Iterator[bytes]:
    """The rows of a PNG of eight bits for each colour and without transparency (PNG section 9)."""
    at, data, width, channels = 8, b"", 0, 3
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        body = png[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, _, depth, colour = struct.unpack(">IIBB", body[:10])
            assert depth == 8 and colour in (2, 6)
            channels = 3 if colour == 2 else 4
        elif kind == b"IDAT":
            data += body
        at += 12 + length
    raw, size = zlib.decompress(data), width * channels
    before = bytearray(size)
    for start in range(0, len(raw), size + 1):
        row = bytearray(raw[start + 1 : start + 1 + size])
        _unfilter(raw[start], row, before, channels)
        before = row
        yield bytes(row) if channels == 3 else bytes(b for i, b in enumerate(row) if i % 4 != 3)


def _unfilter(kind: int, row: bytearray, before: bytearray, channels: int) -> None:
    for i in range(len(row)):
        left = row[i - channels] if i >= channels else 0
        above, corner = before[i], before[i - channels] if i >= channels else 0
        if kind == 1:
            add = left
        elif kind == 2:
            add = above
        elif kind == 3:
            add = (left + above) // 2
        elif kind == 4:
            guess = left + above - corner
            add = min((left, above, corner), key=lambda one: abs(guess - one))
        else:
            add = 0
        row[i] = (row[i] + add) & 255
