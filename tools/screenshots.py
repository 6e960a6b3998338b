"""Takes the screenshots in docs/images: `make screenshots`, or some: `ARGS="answer error"`.

Chromium opens the page of a real server. A fake model gives the answers that are in this module.
Each state of the page is taken in the light and in the dark colour scheme, on a desktop and on a
phone, as WebP. The code finds elements by role and name, as the readers of the page do, so that it
still works after a redesign.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import fake_upstream
from playwright.sync_api import Browser, Page, Route, sync_playwright
from tornado.web import RequestHandler

from tornado_stream.store import open_store
from tornado_stream.store.base import NewAnswer, Progress
from tornado_stream.values.events import encode_event
from tornado_stream.values.messages import Conversation, Message

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-color-profile=srgb"]
#: The quality of WebP, from 0 to 1. Letters are still clean, and all files together stay small.
QUALITY = 0.6
AS_WEBP = """async ([png, quality]) => {
  const blob = await (await fetch(`data:image/png;base64,${png}`)).blob();
  const bitmap = await createImageBitmap(blob);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  const webp = await canvas.convertToBlob({ type: "image/webp", quality });
  return new Uint8Array(await webp.arrayBuffer()).toBase64();
}"""
#: Bytes that all screenshots together may take.
BUDGET = 1_500_000
DEVICES: dict[str, Any] = {
    "desktop": {"viewport": {"width": 1280, "height": 800}, "device_scale_factor": 1.5},
    "phone": {
        "viewport": {"width": 390, "height": 780},
        "device_scale_factor": 1.5,
        "has_touch": True,
        "is_mobile": True,
    },
}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
MODEL = "qwen3-32b"

LONG = r"""The mean of $n$ numbers is $\bar{x} = \frac{1}{n}\sum_{i=1}^{n} x_i$. Kept as a **running** mean it needs no list:

$$\bar{x}_n = \bar{x}_{n-1} + \frac{x_n - \bar{x}_{n-1}}{n}$$

In Python:

```python
def running_mean(values):
    mean = 0.0
    for n, value in enumerate(values, start=1):
        mean += (value - mean) / n
        yield mean
```

| after | value | mean |
| ---: | ---: | ---: |
| 1 | 4 | 4.0 |
| 2 | 8 | 6.0 |
| 3 | 3 | 5.0 |

- [x] one pass, one number kept
- [ ] a window needs a `deque` instead
"""  # noqa: E501
THOUGHTS = (
    "The user asks about ripples in sand. Wind or water moves grains in hops. A small bump "
    "shelters its lee side, so grains gather there and are taken from the side that faces "
    "the flow. That makes bumps grow, and "
)
HALF = (
    "Tides come mostly from the Moon. It pulls the water on the near side more strongly than the "
    "Earth's centre, and the centre more strongly than the far side. So there are **two** bulges, "
    "and a coast passes "
)
#: What the fake model does for each question, as steps of a script of tests/fake_upstream.py.
QUESTIONS = {
    "Why does sand form ripples?": [("think", THOUGHTS), ("stall", "")],
    "How do I keep a running mean?": [
        ("think", "A running mean: the formula, code, an example."),
        ("wait", "0.4"),
        *(("say", part) for part in re.findall(r".{1,40}", LONG, re.DOTALL)),
        ("usage", "214"),
        ("finish", "stop"),
        ("done", ""),
    ],
    "Translate “good morning” into Swahili.": [
        ("status", "401"),
        ("body", json.dumps({"error": {"message": "Incorrect API key provided: sk-…f3a2"}})),
    ],
    "What makes the tides?": [("say", HALF), ("close", "")],
}
#: Conversations that are stored before: how many hours ago, the title, and the answer's beginning.
STORED = [
    (1, "A name for a sailing boat", "How about *Second Wind*?"),
    (3, "Rain gauge from a bottle", "Cut the bottle below its neck. A millimetre of rain is …"),
    (26, "Letter to the landlord about the heating", "Dear Mr Baker,"),
    (28, "SQL: newest row per customer", "Number the rows of each customer, newest first."),
    (75, "Bread without kneading", "Mix, wait, fold, wait, bake."),
    (98, "Is a tomato a fruit?", "To a botanist, yes."),
    (120, "Regex for ISO dates", "Parse them instead."),
    (300, "Three days in Ghent", "On the first day walk along the water, if it does not rain."),
    (500, "Explain Bayes with umbrellas", "You see an umbrella. How likely is rain?"),
    (1400, "Packing list for a week of hiking", "Two shirts, one of them dry in any rain."),
]


class Loading(RequestHandler):
    """Answers `POST /stream` as the server does while it loads the model, and never goes on."""

    async def post(self) -> None:
        body = json.loads(self.request.body)
        start = {
            "generation_id": body["request_id"],
            "conversation_id": body.get("conversation_id") or str(uuid.uuid4()),
            "message_id": str(uuid.uuid4()),
            "user_message_id": str(uuid.uuid4()),
            "parent_id": None,
            "model": MODEL,
            "continued_from": None,
            "t": 0,
        }
        self.set_header("Content-Type", "text/event-stream")
        self.write(encode_event(1, "start", start))
        self.write(encode_event(2, "notice", {"code": "model_loading", "t": 1}))
        await self.flush()
        await asyncio.sleep(3600)


async def upstream() -> None:
    """Run the fake model, and `Loading` beside it."""

    def script(body: dict[str, Any]) -> list[tuple[str, str]]:
        return QUESTIONS.get(body["messages"][-1]["content"]) or [("say", "Of course.")]

    fake_upstream.parse_script = script
    fake = fake_upstream.FakeUpstream()
    fake.server.request_callback.add_handlers(r".*", [("/stream", Loading)])  # type: ignore
    print(fake.url, flush=True)
    await asyncio.Event().wait()


async def fill(data: Path) -> None:
    """Store the conversations of `STORED`."""
    store = open_store(data)
    now = int(time.time() * 1000)
    for hours, title, text in reversed(STORED):
        at = now - hours * 3_600_000
        home = Conversation(str(uuid.uuid4()), title, None, None, at, at)
        user = Message(str(uuid.uuid4()), home.id, None, "user", title, at)
        generation = str(uuid.uuid4())
        answer = Message(
            str(uuid.uuid4()), home.id, user.id, "assistant", text, at,
            model=MODEL, state="running", generation_id=generation,
        )  # fmt: skip
        begun = encode_event(1, "start", {})
        await store.begin(NewAnswer(generation, b"", home, (user,), answer, begun))
        frames = [encode_event(2, "end", {})]
        await store.append([Progress(generation, 2, frames, replace(answer, state="done"))])
    await store.close()


@contextmanager
def running(*command: str, **environ: str) -> Iterator[str]:
    """Run one of this project's programs; yields the URL that it prints."""
    process = subprocess.Popen(
        [sys.executable, *command],
        env=os.environ | environ,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout
    try:
        yield next(m[0] for line in process.stdout if (m := re.search(r"http://\S+", line)))
    finally:
        process.terminate()
        process.wait(20)


def ask(page: Page, question: str) -> None:
    page.get_by_label("Your question").fill(question)
    page.get_by_role("button", name="Send").click()


def finished(page: Page) -> None:
    page.get_by_role("article", name="Answer").last.wait_for()
    page.get_by_role("button", name="Send").wait_for()


def empty(page: Page, upstream: str) -> None:
    page.get_by_role("heading", name="What would you like to know?").wait_for()


def loading(page: Page, upstream: str) -> None:
    """The server is loading the model: the list of models and the answer both say so."""
    model = {"id": MODEL, "provider": "local", "state": "loading", "detail": ""}

    def models(route: Route) -> None:
        route.fulfill(json={"models": [model], "default": MODEL})

    page.route("**/api/models", models)
    page.route("**/stream", lambda route: route.continue_(url=f"{upstream}/stream"))
    page.reload()
    ask(page, "Why does sand form ripples?")
    page.get_by_text("Loading the model…").first.wait_for()


def thinking(page: Page, upstream: str) -> None:
    ask(page, "Why does sand form ripples?")
    page.get_by_text("That makes bumps grow").first.wait_for(state="attached")


def answer(page: Page, upstream: str) -> None:
    ask(page, "How do I keep a running mean?")
    last = page.get_by_role("article", name="Answer").last
    last.get_by_text("deque").first.wait_for()
    finished(page)
    page.wait_for_load_state("networkidle")  # the modules for code and formulas are loaded last
    page.get_by_role("region", name="Conversation").evaluate("e => e.scrollTo(0, 0)")


def error(page: Page, upstream: str) -> None:
    ask(page, "Translate “good morning” into Swahili.")
    finished(page)
    page.locator("[data-icon] svg").first.wait_for()  # the page fetches its icons late


def cut_off(page: Page, upstream: str) -> None:
    ask(page, "What makes the tides?")
    page.get_by_role("button", name="Continue").first.wait_for()
    page.locator("[data-icon] svg").first.wait_for()


def search(page: Page, upstream: str) -> None:
    box = page.get_by_role("searchbox").first
    if not box.is_visible():
        page.get_by_role("button", name="Conversations").first.click()
    box.fill("rain")
    page.get_by_role("navigation").locator("mark").first.wait_for()


def settings(page: Page, upstream: str) -> None:
    """The settings for an answer; without a button for these, the list of models."""
    name = re.compile(r"settings|parameters|options|instructions", re.IGNORECASE)
    button = page.get_by_role("button", name=name).first
    (button if button.count() else page.get_by_role("button", name="Model:").first).click()
    page.get_by_role("dialog").first.wait_for()


STATES: list[Callable[[Page, str], None]] = [
    empty, loading, thinking, answer, error, cut_off, search, settings,
]  # fmt: skip


def take(browser: Browser, url: str, upstream: str, states: list[str]) -> None:
    for device, options in DEVICES.items():
        for scheme in SCHEMES:
            for state in STATES:
                name = state.__name__.replace("_", "-")
                if states and name not in states:
                    continue
                # A new browser context, so that a picture shows no state of the one before.
                context = browser.new_context(
                    **options, color_scheme=scheme, reduced_motion="reduce", locale="en-GB"
                )
                page = context.new_page()
                page.goto(url)
                page.get_by_text(MODEL).first.wait_for(state="attached")
                page.get_by_text(STORED[0][1]).first.wait_for(state="attached")
                state(page, upstream)
                address = page.url
                save(page, IMAGES / f"{name}-{scheme}-{device}.webp")
                tidy(page, address)
                context.close()


def save(page: Page, path: Path) -> None:
    page.mouse.move(0, 0)
    page.evaluate("() => { document.documentElement.style.caretColor = 'transparent'; }")
    picture = base64.b64encode(page.screenshot(caret="initial")).decode()
    page.goto("about:blank")
    path.write_bytes(base64.b64decode(page.evaluate(AS_WEBP, [picture, QUALITY])))


def tidy(page: Page, address: str) -> None:
    """Delete the conversation that a picture needed, so that every picture shows the same list."""
    if "/c/" in address:
        page.request.delete(address.replace("/c/", "/api/conversations/"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("states", nargs="*", help="the states to take; default: all")
    parser.add_argument("--upstream", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.upstream:
        return asyncio.run(upstream())
    with ExitStack() as stack:
        data = stack.enter_context(tempfile.TemporaryDirectory())
        asyncio.run(fill(Path(data)))
        model = stack.enter_context(running(__file__, "--upstream"))
        environ = {"OPENAI_BASE_URL": model, "OPENAI_MODEL": MODEL, "OPENAI_API_KEY": "sk-f3a2"}
        command = ("main.py", "--port", "0", "--data-dir", data, "--log-level", "warning")
        url = stack.enter_context(running(*command, **environ))
        browser = stack.enter_context(sync_playwright()).chromium.launch(
            executable_path=CHROMIUM, args=ARGUMENTS
        )
        take(browser, url, model.removesuffix("/v1"), arguments.states)
        browser.close()
    size = sum(path.stat().st_size for path in IMAGES.glob("*.webp"))
    print(f"The pictures in {IMAGES.relative_to(ROOT)} take {size / 1e6:.2f} MB")
    if size > BUDGET:
        raise SystemExit(f"That is more than {BUDGET / 1e6} MB")


if __name__ == "__main__":
    main()
