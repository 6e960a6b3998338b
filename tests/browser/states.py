"""The states of the page that the pixel tests look at. No function needs a language."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pictures import png

from .chat import Locator, Page, Route, expect
from .conftest import Program, Release

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
#: The models that are compared.
COMPARED = ("fake-model", "⟦gpt-model-b⟧", "⟦a-model-with-a-name-that-is-quite-long⟧")


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


def organized(page: Page) -> None:
    """Three conversations have places; the names of folders look translated."""
    page.set_viewport_size({"width": 1440, "height": 900})
    page.evaluate(
        """async () => {
          const of = "/api/conversations";
          const list = (await (await fetch(of)).json()).conversations;
          const headers = {"Content-Type": "application/json"};
          const put = (at, changes) => fetch(of, {method: "PATCH", headers, body: JSON.stringify({
            ids: [list[at].id], changes})});
          await put(1, {pinned: true});
          await put(2, {folder: "⟦Work⟧"});
          await put(3, {folder: "⟦A folder whose name is so long that it has to be cut⟧"});
          await put(4, {archived: true});
        }"""
    )
    expect(page.locator(".folder-toggle")).to_have_count(2)
    page.locator(".folder-toggle").first.click()
    page.locator(".folder-toggle").last.click()
    expect(page.locator(".folder-toggle[aria-expanded=true]")).to_have_count(2)


def selecting(page: Page) -> None:
    page.locator("#conversations .row-link").first.focus()
    page.keyboard.press("Shift+ArrowDown")
    expect(page.locator(".select-bar")).to_be_visible()


def moving(page: Page) -> None:
    page.locator('.select-bar [data-action="move"]').click()
    expect(page.locator("dialog[open]")).to_be_visible()


def changing_folder(page: Page) -> None:
    close(page)
    page.locator(".folder .row-more").first.click()
    expect(page.locator("dialog[open]")).to_be_visible()


def archive(page: Page) -> None:
    close(page)
    page.locator("#archive").click()
    expect(page.locator("#found .row")).to_have_count(1)


def close(page: Page) -> None:
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open], :popover-open")).to_have_count(0)


def back(page: Page) -> None:
    """Close the form of a preset, which leads back to the list."""
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open] .preset-use").first).to_be_visible()


def opened(opener: str) -> Callable[[Page], None]:
    def act(page: Page) -> None:
        page.set_viewport_size({"width": 1440, "height": 900})
        page.locator(opener).first.click()
        expect(page.locator("dialog[open], :popover-open")).to_be_visible()

    return act


def presets(page: Page) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    anew(page)
    for body in (
        {"name": "Translator", "system": "Translate what I write. " * 20, "model": "a-model"},
        {"name": "Review of " + "a long name " * 4 + "here", "kind": "prompt", "text": "On {{it}}"},
    ):
        page.request.post(f"{page.url}api/presets", data=body)
    page.locator("#presets").click()
    expect(page.locator("dialog[open] .preset-use")).to_have_count(2)


def preset_form(page: Page) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator("dialog[open] li .button").first.click()
    expect(page.locator("#preset-name")).to_be_focused()


def conflict(page: Page) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    stored = page.request.get(f"{page.url}api/presets").json()["presets"]
    id = next(one["id"] for one in stored if one["kind"] == "preset")
    page.request.patch(f"{page.url}api/presets/{id}", data={"version": 1, "system": "Other. " * 99})
    page.locator("#preset-text").fill("Mine.")
    page.locator("dialog[open] .primary").click()
    expect(page.locator(".preset-conflict")).to_be_visible()


def prompts(page: Page) -> None:
    back(page)
    close(page)
    page.locator("#question").fill("")
    page.locator("#question").press_sequentially("/")
    expect(page.locator("#prompts .prompt")).to_have_count(2)


def begun_with_preset(page: Page) -> None:
    page.locator("#question").fill("")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator("#presets").click()
    page.locator("dialog[open] .preset-use").first.click()
    expect(page.locator(".mode-note")).to_be_visible()


def temporary(page: Page) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    anew(page)
    for preset in page.request.get(f"{page.url}api/presets").json()["presets"]:
        page.request.delete(f"{page.url}api/presets/{preset['id']}")
    page.locator("#temporary").click()
    send(page, f"{LONG['short']}\nplay say={ANSWER}")
    ready(page)


def temporary_gone(page: Page) -> None:
    page.reload()
    expect(page.locator(".mode-note")).to_be_visible()


def drawer(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator("#side-toggle").click()
    expect(page.locator("#side")).to_be_visible()


def toasts(page: Page) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    for count in (1, 2):
        page.locator("#conversations .row-link").first.focus()
        page.keyboard.press("Delete")
        expect(page.locator(".toast")).to_have_count(count)
        page.locator(".toast").first.hover()  # the notes stay
    page.locator(".toast button").first.focus()
    page.mouse.move(0, 0)


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
    set_text = "(box, text) => (box.value = text)"
    page.locator("#question").evaluate(set_text, "x" * 1_100_000)
    page.locator("#send").click()
    page.locator("#question").evaluate(set_text, "Too long. " * 60)  # keeps the notice
    expect(page.locator("#composer-notice")).to_be_visible()


def offline(page: Page, release: Release) -> None:
    anew(page)
    page.context.set_offline(True)
    send(page, f"{LONG['short']}\nplay say=At last.")
    expect(page.locator('.status[data-tone="busy"]')).to_be_visible()


def online(page: Page, release: Release) -> None:
    page.context.set_offline(False)
    expect(page.locator("article.message.answer .content").last).to_have_text("At last.")
    ready(page)


def unreachable(page: Page) -> None:
    """An answer is being written, and the device has no network any more."""
    running(page)
    page.context.set_offline(True)


def attached(page: Page) -> None:
    """Files of every kind belong to the next question; one of them cannot be added."""
    page.set_viewport_size({"width": 1440, "height": 900})
    anew(page)
    names = ["⟦notes⟧.txt", "⟦a name of a file that is so long that it has to be cut⟧.txt"]
    files: list[Any] = [
        {"name": name, "mimeType": "text/plain", "buffer": name.encode()} for name in names
    ]
    files.append({"name": "⟦photo.png⟧", "mimeType": "image/png", "buffer": png(300, 200)})
    files.append({"name": "⟦program⟧.exe", "mimeType": "", "buffer": b"MZ" + bytes(9)})
    page.locator("#attach-files").set_input_files(files)
    expect(page.locator('.file[data-state="ready"]')).to_have_count(3)
    expect(page.locator('.file[data-state="failed"]')).to_have_count(1)


def with_files(page: Page) -> None:
    page.locator('.file[data-state="failed"] .button').last.click()
    send(page, f"{LONG['short']}\nplay say={ANSWER}")
    ready(page)
    expect(page.locator(".question-files .file")).to_have_count(3)


def ticking(page: Page) -> None:
    """Three models are ticked, to be compared."""
    anew(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator("#model").click()
    page.locator("#picker .picker-about").nth(1).click()
    for name in COMPARED[1:]:
        page.locator("#picker input").fill(name)
        page.locator("#picker input").press("Enter")
    expect(page.locator('.picker-option[aria-selected="true"]')).to_have_count(3)


def compared(page: Page) -> None:
    """Three models answer: one is done, one is writing, one has failed."""
    close(page)
    scripts = (
        f"say={ANSWER}",
        f"think=A thought.;say={ANSWER};stall",
        "say=Half an answer;error=broken",
    )
    parts = [f"{model}: {script}" for model, script in zip(COMPARED, scripts, strict=True)]
    send(page, f"{LONG['short']}\nplay {' | '.join(parts)}")
    expect(page.locator(".answer-column")).to_have_count(3)
    expect(page.locator('.answer-column .message[data-state="done"]')).to_have_count(1)
    expect(page.locator('.answer-column .message[data-state="error"]')).to_have_count(1)
    expect(page.locator(".answer-column .reasoning")).to_have_count(1)


def all_compared(page: Page) -> None:
    stopped(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    expect(page.locator(".answer-column .toolbar")).to_have_count(3)


def gone_on(page: Page) -> None:
    """The conversation goes on with one of them."""
    page.locator(".column-head .button:visible").last.click()
    expect(page.locator(".answer-column")).to_have_count(0)
    expect(page.locator(".versions").last).to_be_visible()


def not_sent(page: Page) -> None:
    """The server cannot store the question."""
    failure = {"error": {"code": "not_saved", "message": "The disk is full.", "retryable": True}}
    body = json.dumps(failure)
    page.route("**/stream", lambda route: route.fulfill(status=503, body=body), times=1)
    anew(page)
    send(page, LONG["short"])
    expect(page.locator('.status[data-tone="bad"]')).to_be_visible()


def unsaved(page: Page) -> None:
    """The answer came, and the server cannot store it."""
    start = {"conversation_id": "c", "message_id": "m", "user_message_id": "u", "model": "fake"}
    end = {"state": "done", "finish_reason": "stop", "saved": False}
    events: list[tuple[str, dict[str, Any]]] = [
        ("start", start),
        ("notice", {"code": "not_saved"}),
        ("delta", {"content": "An answer that is not saved."}),
        ("end", end),
    ]
    frames = (
        f"id: {n}\nevent: {kind}\ndata: {json.dumps(data)}\n\n"
        for n, (kind, data) in enumerate(events, 1)
    )
    body, kind = "".join(frames), "text/event-stream"
    page.route("**/stream", lambda r: r.fulfill(status=200, content_type=kind, body=body), times=1)
    anew(page)
    send(page, LONG["short"])
    expect(page.locator(".asides")).to_be_visible()
    ready(page)


def stored(page: Page, **members: Any) -> None:
    """The newest answer as if the store had it with these members, after a reload."""

    def change(route: Route) -> None:
        response = route.fetch()
        snapshot = response.json()
        snapshot["messages"][-1] |= members
        route.fulfill(response=response, json=snapshot)

    page.route("**/api/conversations/*-*", change, times=1)
    page.reload()
    ready(page)


def interrupted(page: Page) -> None:
    asked(page, "say=The server was killed when it had written so much.")
    stored(page, state="interrupted")


def with_sources(page: Page) -> None:
    cited = [{"url": f"https://{name}.example/", "title": f"Page {name}"} for name in "abc"]
    long = {"url": "https://d.example/x", "title": "Averylongtitlewithoutaspace" * 6}
    notes = [{"type": "url_citation", "url_citation": one} for one in [*cited, long]]
    chunk = {"choices": [{"delta": {"content": "An answer. ", "annotations": notes}}]}
    asked(page, f"raw={quote(f'data: {json.dumps(chunk)}', safe='')}%0A%0A;say={ANSWER}")
    expect(page.locator(".sources a").first).to_be_attached()


def with_waiting(page: Page) -> None:
    """A question waits for the end of the answer."""
    anew(page)
    send(page, f"{LONG['short']}\nplay say=one;hold={uuid.uuid4().hex}")
    expect(page.locator("article.message.answer .content")).to_contain_text("one")
    page.locator("#question").fill("A question that waits. " * 8)
    files: list[Any] = [
        {"name": "⟦a file that waits, too⟧.txt", "mimeType": "text/plain", "buffer": b"words"},
        {"name": "⟦photo.png⟧", "mimeType": "image/png", "buffer": png(300, 200)},
    ]
    page.locator("#attach-files").set_input_files(files)
    expect(page.locator('.file[data-state="ready"]')).to_have_count(2)
    page.locator("#question").press("Enter")
    expect(page.locator("#question")).to_have_value("")
    expect(page.get_by_text("A question that waits.").first).to_be_visible()


def held(page: Page) -> None:
    page.locator("#stop").click()
    expect(page.locator("#send")).to_be_visible()
    ready(page)


def with_preview(page: Page) -> None:
    rect = '<rect width="40" height="20"/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20">{rect}</svg>'
    asked(page, "say=" + quote(f"```svg\n{svg}\n```\n\nAfter it.", safe=""))
    page.set_viewport_size({"width": 1440, "height": 900})
    buttons = page.locator(".code .button[aria-pressed]")
    expect(buttons).to_have_count(2)  # the one for a preview comes later, and stands first
    buttons.first.click()
    frame = page.locator(".code iframe")
    expect(frame.content_frame.locator("rect")).to_be_visible()


def with_long_code(page: Page) -> None:
    lines = "".join(f"print({n}, 'a long line of code that does not fit')\n" for n in range(80))
    asked(page, "say=" + quote(f"```python\n{lines}```\n\nAfter it.", safe=""))
    expect(page.locator(".code-fold")).to_be_attached()


def with_open_code(page: Page) -> None:
    page.locator(".code-fold").click()
    page.locator(".code").evaluate("e => e.scrollIntoView({block: 'center'})")


def with_wide_table(page: Page) -> None:
    head = "".join(f"| Column {n} " for n in range(8)) + "|\n" + "|---" * 8 + "|\n"
    row = "| a word | a sentence of some words that needs a wide column " * 4 + "|\n"
    asked(page, "say=" + quote(f"Before it.\n\n{head}{row * 3}\nAfter it.", safe=""))


def replayed(page: Page) -> None:
    asked(page, f"think=A thought.;say={ANSWER}")
    details(page)
    page.locator(".replay-bar button").last.click()
    expect(page.locator(".replay-shown[data-ended=true]")).to_be_visible()


def nothing_found(page: Page) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator("#search").fill("a word that nobody wrote")
    expect(page.locator("#found .row")).to_have_count(0)
    expect(page.locator(".list-status:not(:empty)").first).to_be_visible()


def without_models(page: Page) -> None:
    """The list of models cannot be read."""
    page.route("**/api/models*", lambda route: route.abort())
    page.reload()
    expect(page.locator('#model[data-state="unreachable"]')).to_be_visible()
    page.unroute("**/api/models*")


def logging_in(page: Page, locked: Program) -> None:
    page.goto(locked.url)
    expect(page.locator("#login-password")).to_be_visible()


def wrong_password(page: Page) -> None:
    page.locator("#login-password").fill("wrong")
    page.locator("#login-enter").click()
    expect(page.locator("#login-notice")).not_to_be_empty()


def too_many_tries(page: Page) -> None:
    headers = {"Retry-After": "3600"}
    page.route("**/login", lambda route: route.fulfill(status=429, headers=headers), times=1)
    page.locator("#login-password").fill("wrong")
    page.locator("#login-enter").click()
    expect(page.locator("#login-enter")).to_contain_text("3")


def usage(page: Page, server: Program) -> None:
    page.goto(f"{server.url}usage")
    expect(page.locator(".usage-scroll")).to_be_visible()


def compact(page: Page) -> None:
    """The dialog of the context bar, in a conversation of two questions."""
    asked(page, "say=A first answer.")
    send(page, f"{LONG['short']}\nplay say=A second answer.;usage=9000;done")
    ready(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator(".context").click()
    expect(page.locator("dialog.compact")).to_be_visible()


def summarised(page: Page) -> None:
    """A summary was written, and the user can go on from it."""
    page.locator("#context-question").fill(f"{LONG['short']}\nplay say=An answer of some words.")
    page.locator(".compact .primary").click()
    expect(page.locator(".summary-note")).to_be_visible()
    ready(page)


def from_summary(page: Page) -> None:
    page.locator(".summary-note button").first.click()
    send(page, f"{LONG['short']}\nplay say=An answer of some words.")
    ready(page)
    expect(page.locator("article.of-program")).to_be_visible()


def deleting_all(page: Page) -> None:
    opened("#settings")(page)
    page.locator(".settings .danger").first.click()
    expect(page.locator("#delete-word")).to_be_focused()


def importing(page: Page) -> None:
    """Nothing of a file could be imported."""
    opened("#settings")(page)
    long, rtl = "A title of a conversation " * 8, "محادثة عن المطر"
    empty = [{"title": title, "id": title, "mapping": {}} for title in (long, rtl, "")]
    file = {"name": "export " * 12 + ".json", "mimeType": "", "buffer": json.dumps(empty).encode()}
    page.locator(".settings input[type=file]").set_input_files(file)
    expect(page.locator(".import .import-bad")).to_be_visible()
    page.locator(".import-skipped summary").click()
    page.locator(".import").scroll_into_view_if_needed()


def sharing(page: Page) -> None:
    """The dialog that shares a conversation, of which no link works."""
    asked(page, f"say={ANSWER}")
    page.locator("#title").click()
    page.get_by_role("menuitem").nth(4).click()
    expect(page.locator("dialog.share .share-list")).to_be_attached()


def share_made(page: Page) -> str:
    """A link was made; it is returned."""
    page.locator("dialog.share form .primary").click()
    expect(page.locator("dialog.share .share-list li")).to_have_count(1)
    return page.locator(".share-link input").input_value()


def share_revoked(page: Page) -> None:
    """The only link was taken back, in the dialog or in the settings."""
    page.locator("dialog[open] .share-list .button").click()
    expect(page.locator("dialog[open] .share-list li")).to_have_count(0)


def shares_in_settings(page: Page) -> None:
    opened("#settings")(page)
    expect(page.locator(".settings .share-list li")).to_have_count(1)
    page.locator(".settings .share-list").scroll_into_view_if_needed()


def shared_pages(page: Page, server: Program) -> Iterator[str]:
    """All of sharing: the dialog, the list in the settings, and the page of a link."""
    page.goto(server.url)
    sharing(page)
    yield "sharing"
    share_made(page)
    yield "sharing, a link was made"
    share_revoked(page)
    yield "sharing, no link works any more"
    link = share_made(page)
    close(page)
    yield "a row that is shared"
    shares_in_settings(page)
    yield "settings, a shared link"
    page.goto(link)
    expect(page.locator("article .markdown table")).to_be_visible()
    yield "the page of a link"
    page.goto(server.url)
    shares_in_settings(page)
    share_revoked(page)
    yield "settings, no shared link"
    page.goto(link)
    yield "a link that is gone"


@dataclass
class World:
    """The servers that a walk through all states needs."""

    server: Program
    locked: Program
    release: Release


def walk(page: Page, world: World, kinds: Collection[str] = tuple(LONG)) -> Iterator[str]:
    """Brings a page into every state, one after the other, and yields the state's name. The server
    has no conversation at the beginning. `kinds` are the kinds of long questions."""
    page.goto(world.server.url)
    expect(page.locator("#model-name")).to_have_text("fake-model")
    yield "empty"
    drawer(page)
    yield "drawer without conversations"
    page.goto(world.server.url)
    for kind in kinds:
        anew(page)
        send(page, f"{LONG[kind]}\nplay say={ANSWER}")
        ready(page)
        yield f"a question {kind}"
        more = page.locator("article.message.user [aria-expanded=false]")
        if kind != "of 1 MB" and more.count():
            more.first.click()
            yield f"a question {kind}, open"
    acts: dict[str, Callable[[Page], None]] = {
        "running": running,
        "stopped": stopped,
        "thinking": thinking,
        "stopped while it thought": stopped,
        "done": lambda page: asked(page, f"say={ANSWER}"),
        "cut off": lambda page: asked(page, "say=Half an answer;close"),
        "interrupted": interrupted,
        "failed": lambda page: asked(page, "status=401"),
        "an unknown model": lambda page: asked(page, "status=404"),
        "a rate limit": lambda page: asked(page, "status=429"),
        "length limit": lambda page: asked(page, "say=Half;finish=length;done"),
        "content filter": lambda page: asked(page, "say=Half;finish=content_filter;done"),
        "empty answer": lambda page: asked(page, "finish=stop;done"),
        "files for a question": attached,
        "a question with files": with_files,
        "not sent": not_sent,
        "not saved": unsaved,
        "reasoning and tools, open": with_parts,
        "edit open": editing,
        "details open": details,
        "replay": replayed,
        "sources": with_sources,
        "a wide table": with_wide_table,
        "long code": with_long_code,
        "long code, open": with_open_code,
        "preview": with_preview,
        "models to compare": ticking,
        "answers side by side": compared,
        "answers side by side, all ended": all_compared,
        "going on with one": gone_on,
        "waiting question": with_waiting,
        "waiting question, held": held,
        "search": searching,
        "search without a hit": nothing_found,
    }
    for name, act in acts.items():
        act(page)
        yield name
    not_searching(page)
    for name, opener in {
        "models": "#model",
        "settings panel": "#panel",
        "settings": "#settings",
        "shortcuts": "#shortcuts",
        "row menu": "#conversations .row-more",
        "title menu": "#title",
    }.items():
        page.mouse.move(0, 0)
        opened(opener)(page)
        yield name
        close(page)
    for name, act in {
        "pins and folders": organized,
        "rows selected": selecting,
        "choosing a folder": moving,
        "a folder's dialog": changing_folder,
        "archive": archive,
    }.items():
        act(page)
        yield name
    page.locator("#archive").click()
    deleting_all(page)
    yield "settings, deleting all"
    close(page)
    importing(page)
    yield "settings, nothing imported"
    close(page)
    for name, act in {
        "context bar, dialog": compact,
        "a summary": summarised,
        "going on from a summary": from_summary,
        "presets": presets,
        "preset, open": preset_form,
        "preset, changed meanwhile": conflict,
        "prompts": prompts,
        "begins with a preset": begun_with_preset,
        "temporary chat": temporary,
        "temporary chat, gone": temporary_gone,
    }.items():
        act(page)
        yield name
    drawer(page)
    yield "drawer"
    page.set_viewport_size({"width": 1440, "height": 900})
    full_box(page)
    yield "full box"
    pasted(page)
    yield "pasted"
    page.locator("#pasted button").click()
    too_long(page)
    yield "too long"
    page.locator("#question").fill("")
    offline(page, world.release)
    yield "offline"
    online(page, world.release)
    yield "online again"
    unreachable(page)
    yield "offline during an answer"
    page.context.set_offline(False)
    toasts(page)
    yield "toasts"
    page.goto(world.server.url)
    without_models(page)
    yield "without models"
    page.goto(f"{world.server.url}c/00000000-0000-4000-8000-000000000000")
    expect(page.locator("#place")).to_be_visible()
    yield "missing"
    yield from shared_pages(page, world.server)
    usage(page, world.server)
    yield "usage"
    page.goto(f"{world.server.url}no/such/page")
    yield "page not found"
    logging_in(page, world.locked)
    yield "login"
    wrong_password(page)
    yield "login, wrong password"
    too_many_tries(page)
    yield "login, waiting"
