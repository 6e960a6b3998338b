"""The states of the page that the pixel tests look at. No function needs a language."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from .chat import Locator, Page, expect
from .conftest import Release

ANSWER = quote(
    "A **short** answer with `code`:\n\n```python\n" + "print('a line of code')\n" * 6 + "```\n\n"
    "| Kind | What it means in some words | Where it is found |\n|---|---|---|\n"
    "| one | a sentence of a few words that fills its column well | https://example.org/a |\n\n"
    "The end of the answer comes after more than sixty characters of plain text.",
    safe="",
)
LONG: dict[str, str] = {
    "short": "A question of some more than sixty characters, so that it has a width to be seen.",
    "of 20,000 characters": "word " * 4000,
    "of 1 MB": "A line of a text that was pasted, number 12345.\n" * 20_000,
    "of one word": "w" * 100_000,
    "of 20,000 lines": "line\n" * 20_000,
    "of emoji": "👩‍👩‍👧‍👦🏳️‍🌈🎉" * 700,
    "from right to left": "هذا سؤال طويل من اليمين إلى اليسار. " * 200,
    "with code": "What is wrong here?\n\n```python\n"
    + "print('hello ' * 20)\n" * 40
    + "```\nThanks!",
}


def ready(page: Page) -> None:
    """Wait until nothing is being written and the newest message has its buttons."""
    expect(page.locator("#send")).to_be_visible()
    expect(page.locator("article.message.answer").last.locator(".tool").first).to_be_attached()


def send(page: Page, question: str) -> None:
    """Send a question of any length."""
    page.locator("#question").evaluate("(box, text) => (box.value = text)", question)
    page.locator("#send").click()
    expect(page.locator("article.message.answer").last).to_be_visible()


def anew(page: Page) -> None:
    page.locator("#new-conversation").click()
    expect(page.locator("#welcome")).to_be_visible()


def asked(page: Page, script: str) -> None:
    """Begin a new conversation with this answer; wait for its end."""
    anew(page)
    send(page, f"{LONG['short']}\nplay {script}")
    ready(page)


def tool(page: Page, name: str) -> Locator:
    return page.locator(f'article.message [data-action="{name}"]').last


def running(page: Page) -> None:
    anew(page)
    send(page, f"{LONG['short']}\nplay count=40;stall")
    expect(page.locator("article.message.answer .content")).to_contain_text("t39")


def thinking(page: Page) -> None:
    anew(page)
    send(page, f"{LONG['short']}\nplay think=A thought of some words. ;stall")
    expect(page.locator(".reasoning")).to_be_visible()


def stopped(page: Page) -> None:
    page.locator("#stop").click()
    ready(page)


def with_parts(page: Page) -> None:
    asked(page, f"think=One thought after another.;say={ANSWER};tool=weather:" + '{"city": "Rome"}')
    page.set_viewport_size({"width": 1440, "height": 900})
    for fold in page.locator("article.message details:not([open]) > summary").all():
        fold.click()


def editing(page: Page) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator("article.message.user").last.hover()
    tool(page, "edit").click()
    expect(page.locator(".editor textarea")).to_be_focused()


def details(page: Page) -> None:
    page.keyboard.press("Escape")
    page.locator("article.message.answer").last.hover()
    tool(page, "details").click()
    expect(page.locator(".facts-box")).to_be_visible()


def searching(page: Page) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator("#search").fill("question")
    expect(page.locator("#found .row").first).to_be_visible()


def not_searching(page: Page) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator("#search").fill("")
    expect(page.locator("#conversations .row").first).to_be_visible()


def close(page: Page) -> None:
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open], :popover-open")).to_have_count(0)


def opened(opener: str) -> Callable[[Page], None]:
    def act(page: Page) -> None:
        page.set_viewport_size({"width": 1440, "height": 900})
        page.locator(opener).first.click()
        expect(page.locator("dialog[open], :popover-open")).to_be_visible()

    return act


def drawer(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator("#side-toggle").click()
    expect(page.locator("#side")).to_be_visible()


def toasts(page: Page) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    for _ in range(2):
        page.locator("#conversations .row-link").first.focus()
        page.keyboard.press("Delete")
    expect(page.locator(".toast")).to_have_count(2)
    page.locator(".toast button").first.focus()  # the notes stay


def pasted(page: Page) -> None:
    page.locator("#question").evaluate(
        """(box, text) => {
          const clipboardData = new DataTransfer();
          clipboardData.setData("text/plain", text);
          const how = {clipboardData, bubbles: true, cancelable: true};
          box.dispatchEvent(new ClipboardEvent("paste", how));
        }""",
        "A long text that was pasted. " * 5000,
    )
    expect(page.locator("#pasted")).to_be_visible()


def full_box(page: Page) -> None:
    anew(page)
    page.locator("#question").fill("A line of a question that is not sent yet.\n" * 60)


def too_long(page: Page) -> None:
    page.locator("#question").evaluate("(box, text) => (box.value = text)", "x" * 1_100_000)
    page.locator("#send").click()
    expect(page.locator("#composer-notice")).to_be_visible()
    page.locator("#question").fill("")


def offline(page: Page, release: Release) -> None:
    anew(page)
    page.context.set_offline(True)
    send(page, f"{LONG['short']}\nplay say=At last.")
    expect(page.locator('.status[data-tone="busy"]')).to_be_visible()


def online(page: Page, release: Release) -> None:
    page.context.set_offline(False)
    expect(page.locator("article.message.answer .content").last).to_have_text("At last.")
    ready(page)
