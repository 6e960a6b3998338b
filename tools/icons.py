"""Renders the app's icons from `static/img/icon.svg` in Chromium: `make icons`.

`any` icons are the drawing as it is. Where a system cuts out a shape of its own (`maskable`, and
Apple's) the ground goes to the edges and the drawing stays within the circle that every shape
keeps: https://www.w3.org/TR/appmanifest/#icon-masks.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

IMG = Path(__file__).resolve().parent.parent / "tornado_stream" / "static" / "img"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
#: File, size in pixels, whether the ground goes to the edges.
ICONS = [
    ("icon-192.png", 192, False),
    ("icon-512.png", 512, False),
    ("icon-maskable-512.png", 512, True),
    ("apple-touch-icon.png", 180, True),
]
STYLE = "html, body { margin: 0; background: none } svg { display: block; width: 100vw }"
TO_THE_EDGES = "rect { rx: 0 } path { scale: 0.8; transform-origin: 50% 50% }"


def main() -> None:
    drawing = (IMG / "icon.svg").read_text(encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        for name, size, full in ICONS:
            page.set_viewport_size({"width": size, "height": size})
            page.set_content(f"<style>{STYLE}{TO_THE_EDGES if full else ''}</style>{drawing}")
            page.screenshot(path=IMG / name, omit_background=True)
        browser.close()


if __name__ == "__main__":
    main()
