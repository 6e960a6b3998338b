"""How the page takes a long list: `make bench-list`.

Real Chromium over a real server whose store holds 10,000 conversations. The list is scrolled to
its end, page by page; then are timed: the frames while it is scrolled back to its beginning, and
what one more conversation costs that comes above all others: the list's own work in the page
(everything that its `change` makes happen), and the longest frame around it.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from playwright.sync_api import Page, sync_playwright

from benchmarks.conversation import ARGUMENTS, CHROMIUM, served
from tornado_stream.store import open_store
from tornado_stream.values.messages import Conversation

HOUR = 3_600_000
#: The work of every `change` of the list, in milliseconds.
TIME_CHANGES = """
window.changes = [];
const dispatch = EventTarget.prototype.dispatchEvent;
EventTarget.prototype.dispatchEvent = function (event) {
  const began = performance.now();
  const result = dispatch.call(this, event);
  if (this.constructor.name === "Conversations") changes.push(performance.now() - began);
  return result;
};
"""
#: To the end of what is there; resolves to how many rows there are then.
TO_THE_END = """() => new Promise((done) => {
  const list = document.querySelector("#side-list");
  const before = document.querySelectorAll(".row").length;
  list.scrollTop = list.scrollHeight;
  let frames = 0;
  const look = () => {
    const now = document.querySelectorAll(".row").length;
    if (now > before || ++frames > 120) return done(now);
    requestAnimationFrame(look);
  };
  look();
})"""
#: Back to the beginning, `by` pixels a frame, or by none for so many frames; the time between.
FRAMES = """([by, most]) => new Promise((done) => {
  const list = document.querySelector("#side-list");
  const frames = [];
  let last = performance.now();
  const step = () => {
    const now = performance.now();
    frames.push(now - last);
    last = now;
    if ((by && list.scrollTop <= 0) || frames.length >= most) return done(frames.slice(1));
    if (by) list.scrollTop -= by;
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})"""


async def fill(data: Path, count: int) -> None:
    """As many conversations, one every three hours."""
    store = open_store(data)
    now = time.time_ns() // 1_000_000
    for number in range(count):
        at = now - (count - number) * 3 * HOUR
        id = f"{number:08x}-0000-4000-8000-000000000000"
        title = f"Conversation {number} about something that takes a few words"
        await store.create(Conversation(id, title, None, None, at, at))
    await store.close()


def add(url: str) -> None:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}api/conversations", b'{"title": "One more"}', headers)
    urllib.request.urlopen(request, timeout=5).close()


def at(values: list[float], part: float) -> float:
    return sorted(values)[min(int(len(values) * part), len(values) - 1)]


def line(what: str, values: list[float], cpu: float | None = None) -> None:
    figures = [min(values), at(values, 0.5), at(values, 0.95), max(values)]
    row = f"{what:44}" + "".join(f"{figure:9.1f}" for figure in figures)
    print(row + (f"{cpu / len(values):9.1f}" if cpu is not None else ""))


def frames(page: Page, by: int, most: int) -> tuple[list[float], float]:
    """The time of each frame, and all the time that the page's process computed meanwhile (other
    work of the machine adds to the first and not to the second)."""
    assert page.context.browser
    devtools: Any = page.context.browser.new_browser_cdp_session()

    def computed() -> float:
        processes = devtools.send("SystemInfo.getProcessInfo")["processInfo"]
        return 1000 * float(sum(p["cpuTime"] for p in processes if p["type"] == "renderer"))

    before = computed()
    found: list[float] = page.evaluate(FRAMES, [by, most])
    return found, computed() - before


def measure(page: Page, url: str, count: int, rounds: int) -> None:
    page.goto(url)
    page.locator(".row").first.wait_for()
    began = time.monotonic()
    while (rows := page.evaluate(TO_THE_END)) < count:
        pass
    print(f"{rows} rows, the last of them after {time.monotonic() - began:.1f} s")
    devtools: Any = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")
    metrics = {
        one["name"]: one["value"] for one in devtools.send("Performance.getMetrics")["metrics"]
    }
    print(f"{metrics['Nodes']:.0f} nodes, {metrics['JSHeapUsedSize'] / 1e6:.1f} MB of JavaScript")
    names = ("least", "p50", "p95", "longest", "CPU each")
    print(f"\n{'ms':44}" + "".join(f"{name:>9}" for name in names))
    line("the list's work for each page, on the way", page.evaluate("changes"))
    line("frames at rest", *frames(page, 0, 120))
    line("frames of 300 pixels, to the beginning", *frames(page, 300, 1500))
    page.evaluate("changes.length = 0")
    some: list[float] = []
    cpu = 0.0
    for _ in range(rounds):
        add(url)
        found, computed = frames(page, 0, 240)
        some += found
        cpu += computed
    line("the list's work for one more above", page.evaluate("changes"))
    line("frames meanwhile", some, cpu)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(fill(Path(folder), options.conversations))
        with served(Path(folder)) as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.add_init_script(TIME_CHANGES)
            measure(page, url, options.conversations, options.rounds)
            browser.close()


if __name__ == "__main__":
    main()
