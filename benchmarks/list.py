"""Measures how the page shows a long list of conversations: `make bench-list`.

Chromium opens the page of a real server whose store holds 10,000 conversations. The program scrolls
the list to its end, so that the page fetches one part after another. Then it measures two things:
the time of each frame while the list scrolls back to its beginning, and the cost of a new
conversation at the top of the list. That cost is the list's own work (all listeners of its `change`
event) and the longest frame around it. `--folders` does the same with pins and folders.
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
#: Places of conversations, with `--folders`: a hundredth is pinned, and a tenth is in five
#: folders, which are opened.
PLACES: list[dict[str, Any]] = [
    {"pinned": True},
    *({"folder": f"Folder {number}"} for number in range(5) for _ in range(2)),
    *({} for _ in range(89)),
]
#: Collects in `window.changes` how many milliseconds the listeners of each `change` event of the
#: list take.
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
#: Scrolls to the last row there is; resolves to the number of rows after the page has fetched more.
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
#: Scrolls towards the beginning, `by` pixels a frame, for at most `most` frames; 0 pixels: it only
#: waits. Resolves to the milliseconds between frames.
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


async def fill(data: Path, count: int, *, folders: bool) -> None:
    """Store that many conversations, one for every three hours in the past."""
    store = open_store(data)
    now = time.time_ns() // 1_000_000
    for number in range(count):
        at = now - (count - number) * 3 * HOUR
        id = f"{number:08x}-0000-4000-8000-000000000000"
        title = f"Conversation {number} about something that takes a few words"
        place = PLACES[number % len(PLACES)] if folders else {}
        await store.create(Conversation(id, title, None, None, at, at, **place))
    await store.close()


def add(url: str) -> None:
    """Create one more conversation, as another client of the server does."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}api/conversations", b'{"title": "One more"}', headers)
    urllib.request.urlopen(request, timeout=5).close()


def at(values: list[float], part: float) -> float:
    """The quantile; `part` is between 0 and 1."""
    return sorted(values)[min(int(len(values) * part), len(values) - 1)]


def line(what: str, values: list[float], cpu: float | None = None) -> None:
    figures = [min(values), at(values, 0.5), at(values, 0.95), max(values)]
    row = f"{what:44}" + "".join(f"{figure:9.1f}" for figure in figures)
    print(row + (f"{cpu / len(values):9.1f}" if cpu is not None else ""))


def frames(page: Page, by: int, most: int) -> tuple[list[float], float]:
    """The time of each frame, and the CPU time of the page's process in these frames, in ms.

    Other programs on the machine add to the first figure, but not to the second.
    """
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
    for folder in page.locator(".folder-toggle").all():
        folder.click()
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
    line("the list's work for each part it fetched", page.evaluate("changes"))
    line("frames at rest", *frames(page, 0, 120))
    line("frames that scroll 300 pixels back", *frames(page, 300, 1500))
    page.evaluate("changes.length = 0")
    some: list[float] = []
    cpu = 0.0
    for _ in range(rounds):
        add(url)
        found, computed = frames(page, 0, 240)
        some += found
        cpu += computed
    line("the list's work for a new conversation", page.evaluate("changes"))
    line("frames around a new conversation", some, cpu)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=10_000, help="in the list")
    parser.add_argument(
        "--folders", action="store_true", help="pin some, and put some into folders"
    )
    parser.add_argument("--rounds", type=int, default=10, help="how many conversations to add")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(fill(Path(folder), options.conversations, folders=options.folders))
        with served(Path(folder)) as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.add_init_script(TIME_CHANGES)
            measure(page, url, options.conversations, options.rounds)
            browser.close()


if __name__ == "__main__":
    main()
