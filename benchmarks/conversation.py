"""Measures how the page shows long conversations: `make bench-page`.

Chromium opens the page of a real server. The server's store holds a conversation of 1,000 messages
and an answer of 100,000 characters. The program measures what the reader of the page sees: the
time from a click on a conversation until its newest message is on the screen, and the time between
frames while the page scrolls from the end of the conversation to its beginning. It prints the
median of several rounds. The times are those of the browser's clock.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from playwright.sync_api import Page, sync_playwright

from tornado_stream.store import open_store
from tornado_stream.store.base import NewAnswer, Progress
from tornado_stream.values.events import encode_event
from tornado_stream.values.messages import Conversation, Message

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WORDS = (
    "the model reads what came before and writes one word after another until it is done".split()
)
MANY, LONG = "Many messages", "A long answer"

#: Clicks on a conversation; resolves to the milliseconds until its newest message is on the screen
#: and the browser has made a frame of it.
OPEN = """(title) => new Promise((done) => {
  const link = [...document.querySelectorAll("nav a")].find((a) => a.textContent.includes(title));
  const began = performance.now();
  link.click();
  const look = () => {
    const last = [...document.querySelectorAll("[role=log] article")].at(-1);
    const box = last?.getBoundingClientRect();
    const shown = box && box.height > 0 && box.top < innerHeight && box.bottom > 0
      && last.textContent.includes("The very last words");
    if (!shown) return requestAnimationFrame(look);
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
  };
  requestAnimationFrame(look);
})"""
#: Scrolls from the end to the beginning, 300 pixels a frame; resolves to the milliseconds between
#: frames.
SCROLL = """() => new Promise((done) => {
  const scroller = document.querySelector("#scroller");
  const frames = [];
  let last = performance.now();
  const step = () => {
    const now = performance.now();
    frames.push(now - last);
    last = now;
    if (scroller.scrollTop <= 0 || frames.length >= 600) return done(frames.slice(1));
    scroller.scrollTop -= 300;
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})"""


def paragraph(chance: random.Random) -> str:
    return " ".join(chance.choices(WORDS, k=chance.randint(20, 60))).capitalize() + "."


def answer_text(chance: random.Random, size: int) -> str:
    """Markdown as models write it, at least `size` characters: paragraphs, lists, code, tables."""
    parts: list[str] = []
    while sum(map(len, parts)) < size:
        parts.append(paragraph(chance))
        kind = chance.random()
        if kind < 0.3:
            parts.append("\n".join(f"- **Point {n}**: {paragraph(chance)[:80]}" for n in range(4)))
        elif kind < 0.5:
            lines = "\n".join(f"    total += values[{n}] * {n}" for n in range(8))
            parts.append(f"```python\ndef add(values):\n{lines}\n    return total\n```")
        elif kind < 0.6:
            rows = "\n".join(f"| row {n} | `{n}` | {n * 3} |" for n in range(5))
            parts.append(f"| name | code | value |\n| --- | --- | ---: |\n{rows}")
    return "\n\n".join(parts)


async def fill(data: Path) -> None:
    """Store both conversations, with the store's own methods."""
    chance = random.Random(1)
    store = open_store(data)
    texts = [answer_text(chance, chance.randint(150, 900)) for _ in range(500)]
    await add(store, MANY, [paragraph(chance) for _ in texts], texts)
    await add(store, LONG, ["Tell me all."], [answer_text(chance, 100_000)])
    await store.close()


async def add(store: Any, title: str, questions: list[str], answers: list[str]) -> None:
    """Store one conversation; each answer belongs to the question at the same position."""
    home = Conversation(
        f"{len(questions):08x}-0000-4000-8000-00000000000d", title, None, None, 1, 1
    )
    parent = None
    for number, (question, text) in enumerate(zip(questions, answers, strict=True)):
        id = f"{home.id[:8]}-{number:04x}"
        user = Message(f"{id}-4000-8000-00000000000a", home.id, parent, "user", question, 1)
        generation = f"{id}-4000-8000-00000000000c"
        answer = Message(
            f"{id}-4000-8000-00000000000b", home.id, user.id, "assistant", "", 1,
            state="running", generation_id=generation,
        )  # fmt: skip
        parent = answer.id
        if number == len(answers) - 1:
            text += "\n\nThe very last words."
        frames = [encode_event(2, "delta", {"content": text}), encode_event(3, "end", {})]
        new = home if number == 0 else None
        await store.begin(
            NewAnswer(generation, b"", new, (user,), answer, encode_event(1, "start", {}))
        )
        done = replace(answer, content=text, state="done", finish_reason="stop")
        await store.append([Progress(generation, 2, frames, done)])


@contextmanager
def served(data: Path) -> Iterator[str]:
    """Run the server over this data directory; yields its URL. It needs no upstream."""
    environ = os.environ | {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "OPENAI_MODEL": "none"}
    command = [sys.executable, str(ROOT / "main.py"), "--port", "0", "--data-dir", str(data)]
    command += ["--log-level", "warning"]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        yield next(m[0] for line in process.stdout if (m := re.search(r"http://\S+", line)))
    finally:
        process.terminate()
        process.wait(20)


def measure(page: Page, url: str, title: str) -> tuple[float, list[float]]:
    """The milliseconds that opening this conversation takes, and those between frames."""
    page.goto(url)
    page.get_by_role("link", name=title).wait_for()
    page.wait_for_timeout(300)
    opened: float = page.evaluate(OPEN, title)
    page.wait_for_timeout(500)
    frames: list[float] = page.evaluate(SCROLL)
    return opened, frames


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often to measure each")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(fill(Path(folder)))
        with served(Path(folder)) as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            print(f"{'ms':16}{'to open':>12}{'frame p50':>12}{'p95':>8}{'p99':>8}{'longest':>9}")
            for title in (MANY, LONG):
                results = [measure(page, url, title) for _ in range(rounds)]
                frames = sorted(frame for _, some in results for frame in some)
                at = [frames[int(len(frames) * part)] for part in (0.5, 0.95, 0.99)]
                opened = statistics.median(one for one, _ in results)
                row = [f"{opened:12.0f}", f"{at[0]:12.1f}", f"{at[1]:8.1f}", f"{at[2]:8.1f}"]
                print(f"{title:16}{''.join(row)}{frames[-1]:9.1f}")
            browser.close()


if __name__ == "__main__":
    main()
