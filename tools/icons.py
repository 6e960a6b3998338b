"""Renders the app's icons from `static/img/icon.svg` in Chromium: `make icons`.

Icons with the purpose `any` show the drawing unchanged. From `maskable` icons, and from Apple's,
the system cuts a shape of its own. In these the background fills the square, and the drawing stays
within the circle that every shape contains: https://www.w3.org/TR/appmanifest/#icon-masks.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

IMG = Path(__file__).resolve().parent.parent / "tornado_stream" / "static" / "img"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
#: The file, its size in pixels, and whether the background fills the square.
ICONS = [
    ("icon-192.png", 192, False),
    ("icon-512.png", 512, False),
    ("icon-maskable-512.png", 512, True),
    ("apple-touch-icon.png", 180, True),
]
STYLE = "html, body { margin: 0; background: none } svg { display: block; width: 100vw }"
FILLED = "rect { rx: 0 } path { scale: 0.8; transform-origin: 50% 50% }"


def main() -> None:
    drawing = (IMG / "icon.svg").read_text(encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        for name, size, filled in ICONS:
            page.set_viewport_size({"width": size, "height": size})
            page.set_content(f"<style>{STYLE}{FILLED if filled else ''}</style>{drawing}")
            page.screenshot(path=IMG / name, omit_background=True)
        browser.close()


if __name__ == "__main__":
    main()
