"""The settings dialog: what holds for this browser, and what the server keeps for a person."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .chat import Page, ask, composer, content, expect
from .conftest import Browser, Program, Watch, fresh_page

pytestmark = pytest.mark.wide

PASSWORD = "correct horse"


def open_settings(page: Page) -> Any:
    page.keyboard.press("Alt+Shift+E")
    dialog = page.get_by_role("dialog", name="Settings", exact=True)
    expect(dialog).to_be_visible()
    return dialog


def root(page: Page, attribute: str) -> str | None:
    return page.locator("html").get_attribute(attribute)


#: How the hint beside the question is shown: `cut` would be a mistake.
HINT = """() => {
  const box = document.querySelector("#composer-hint").getBoundingClientRect();
  const text = document.querySelector("#composer-hint span").getBoundingClientRect();
  if (text.top >= box.bottom) return "not there";
  return text.left >= box.left - 1 && text.right <= box.right + 1 ? "whole" : "cut";
}"""


def test_colours_size_and_enter_hold_at_once_and_after_a_reload(page: Page) -> None:
    dialog = open_settings(page)
    expect(dialog.get_by_role("button", name="Close")).to_be_focused()
    dialog.get_by_label("Dark", exact=True).check()
    dialog.get_by_label("150%").check()
    dialog.get_by_label("Begins a new line").check()
    for _ in range(2):
        assert page.evaluate("getComputedStyle(document.body).colorScheme") == "dark"
        assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "24px"
        assert page.locator("#composer-hint").inner_text().startswith("Enter begins a new line")
        page.reload()
        # The server sends it, so it is there before any script.
        assert (root(page, "data-theme"), root(page, "data-text")) == ("dark", "150")
    page.set_viewport_size({"width": 1280, "height": 768})  # room for a short hint at this size
    for words, shown in (("↩", "whole"), ("Enter " * 40, "not there")):
        page.locator("#composer-hint span").evaluate(
            "(hint, text) => (hint.textContent = text)", words
        )
        assert page.evaluate(HINT) == shown
    composer(page).fill("one")
    composer(page).press("Enter")
    composer(page).press_sequentially("two")
    expect(composer(page)).to_have_value("one\ntwo")
    composer(page).press("Control+Enter")
    expect(content(page)).to_have_text("one\ntwo")
    dialog = open_settings(page)
    dialog.get_by_label("As the system").check()
    dialog.get_by_label("100%").check()
    assert root(page, "data-theme") is root(page, "data-text") is None
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.locator("#settings").click()
    page.keyboard.press("Escape")
    expect(page.locator("#settings")).to_be_focused()


def test_the_language_changes_and_what_is_written_stays(page: Page) -> None:
    composer(page).fill("half a question")
    dialog = open_settings(page)
    use = dialog.get_by_role("button", name="Use this language")
    expect(use).to_be_disabled()
    dialog.get_by_label("Language").select_option("Deutsch")
    use.click()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.locator("#question")).to_have_value("half a question")
    page.locator("#settings").click()
    page.get_by_label("Sprache").select_option("")
    page.get_by_role("button", name="Diese Sprache verwenden").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_conversations_begin_with_the_defaults_and_can_have_their_own(
    page: Page, seen: Callable[[], dict[str, Any]]
) -> None:
    dialog = open_settings(page)
    dialog.get_by_label("System prompt").fill("Be brief.")
    dialog.get_by_label("temperature").fill("0,5")
    dialog.get_by_label("top_p").fill("7")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_contain_text("Enter a number from 0 to 1.")
    dialog.get_by_label("top_p").fill("0.9")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_contain_text("Saved")
    page.keyboard.press("Escape")
    ask(page, "first")
    expect(content(page)).to_have_text("first")
    first = seen()["requests"][-1]
    assert first["messages"][0] == {"role": "system", "content": "Be brief."}
    assert (first["temperature"], first["top_p"]) == (0.5, 0.9)
    page.locator("#panel").click()
    panel = page.get_by_role("dialog", name="This conversation")
    expect(panel.get_by_label("System prompt")).to_have_value("Be brief.")
    expect(panel.get_by_label("temperature")).to_have_value("")
    expect(panel.get_by_label("temperature")).to_have_attribute("placeholder", re.compile("^0.5"))
    panel.get_by_label("temperature").fill("1")
    panel.get_by_role("button", name="Save", exact=True).click()
    expect(panel).to_be_hidden()
    page.reload()  # the server keeps it
    ask(page, "second")
    expect(content(page)).to_have_text("second")
    second = seen()["requests"][-1]
    assert (second["temperature"], second["top_p"]) == (1, 0.9)
    page.get_by_role("button", name="New conversation").click()
    ask(page, "third")
    expect(content(page)).to_have_text("third")
    assert seen()["requests"][-1]["temperature"] == 0.5


def test_all_conversations_are_exported_and_deleted(
    browser: Browser, serve: Callable[..., Program], upstream: Program
) -> None:
    own = serve(OPENAI_BASE_URL=upstream.url, OPENAI_MODEL="fake-model", OPENAI_API_KEY="sk-x")
    with fresh_page(browser, own) as page:
        ask(page, "one to keep in a file")
        expect(content(page)).to_contain_text("one to keep")
        composer(page).fill("a draft of this conversation")
        page.wait_for_function("() => Object.keys(localStorage).some((key) => /draft:./.test(key))")
        dialog = open_settings(page)
        with page.expect_download() as download:
            dialog.get_by_role("link", name="Download").click()
        assert download.value.suggested_filename.endswith(".zip")
        dialog.get_by_role("button", name="Delete all conversations").click()
        word = dialog.get_by_label("Type “delete”")
        expect(word).to_be_focused()
        for_ever = dialog.get_by_role("button", name="Delete for ever")
        word.fill("delet")
        expect(for_ever).to_be_disabled()
        dialog.get_by_role("button", name="Cancel").click()
        expect(dialog.get_by_role("button", name="Delete all conversations")).to_be_focused()
        page.keyboard.press("Enter")
        word.fill("Delete")
        for_ever.click()
        page.wait_for_url(own.url)
        expect(page.locator("#list-status")).to_have_text("Your conversations will be listed here.")
        assert page.evaluate("Object.keys(localStorage).filter((k) => /draft:./.test(k))") == []


@pytest.fixture
def person(
    browser: Browser, serve: Callable[..., Program], upstream: Program
) -> Iterator[Callable[[], Page]]:
    """Opens the page of a server with a login in a new browser that has logged in."""
    own = serve(
        OPENAI_BASE_URL=upstream.url, OPENAI_MODEL="fake-model", TORNADO_STREAM_PASSWORD=PASSWORD
    )
    contexts, watch = [], Watch(own.url)
    watch.allow(r"Failed to load resource: .* (401|403|409) \(")

    def open() -> Page:
        context = browser.new_context()
        contexts.append(context)
        page = context.new_page()
        watch.on(page)
        page.goto(own.url)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page.locator("#model-name")).to_have_text("fake-model")
        return page

    yield open
    for context in contexts:
        context.close()
    assert watch.unexpected() == []


def test_a_person_has_the_same_defaults_everywhere_and_ends_other_sessions(
    person: Callable[[], Page],
) -> None:
    one, two = person(), person()
    mine, other = open_settings(one), open_settings(two)
    mine.get_by_label("System prompt").fill("Be brief.")
    mine.get_by_role("button", name="Save").click()
    expect(mine).to_contain_text("Saved")
    other.get_by_label("System prompt").fill("Be long.")
    other.get_by_role("button", name="Save").click()
    expect(other).to_contain_text("changed this in another browser meanwhile")
    expect(other.get_by_label("System prompt")).to_have_value("Be long.")
    other.get_by_role("button", name="Save").click()
    expect(other).to_contain_text("Saved")
    one.reload()
    body = json.loads(one.locator("body").get_attribute("data-defaults") or "")
    assert (body["system"], body["version"]) == ("Be long.", 2)
    mine = open_settings(one)
    expect(mine.get_by_label("System prompt")).to_have_value("Be long.")
    expect(mine.locator(".sessions li")).to_have_count(2)
    mine.get_by_label("Old password").fill("wrong")
    mine.get_by_label("New password").fill("a new password")
    mine.get_by_role("button", name="Change the password").click()
    expect(mine).to_contain_text("That did not work.")
    mine.get_by_role("button", name=re.compile("^End: ")).click()
    expect(mine.locator(".sessions li")).to_have_count(1)
    expect(mine.locator(".sessions")).to_be_focused()
    expect(mine.get_by_role("button", name="End all other sessions")).to_be_hidden()
    two.reload()
    expect(two.get_by_label("Password")).to_be_visible()


#: Records the notifications that the browser really shows, and lets a test hide the page.
RECORD = """
const Real = Notification;
window.Notification = class extends Real {
  static asked = 0;
  static shown = [];
  static requestPermission() {
    this.asked++;
    return Real.requestPermission();
  }
  constructor(title, options) {
    super(title, options);
    Notification.shown.push({title, ...options, note: this});
  }
};
window.hide = (hidden) => {
  Object.defineProperty(document, "hidden", {configurable: true, get: () => hidden});
  document.dispatchEvent(new Event("visibilitychange"));
};
"""


def test_a_notification_says_that_an_answer_is_done_while_nobody_sees_the_page(
    browser: Browser, server: Program, release: Callable[[str], None]
) -> None:
    with fresh_page(browser, server) as page:
        page.context.grant_permissions(["notifications"])
        page.add_init_script(RECORD)
        page.reload()
        shown = "Notification.shown.map(({title, body}) => [title, body])"
        ask(page, "secret words\nplay say=one")
        expect(content(page)).to_have_text("one")
        assert page.evaluate("Notification.asked") == 0
        dialog = open_settings(page)
        dialog.get_by_role("button", name="Turn on notifications").click()
        expect(dialog).to_contain_text("They are on.")
        sample = ["Tornado Stream", "This is what a notification looks like."]
        assert page.evaluate(shown) == [sample]
        page.keyboard.press("Escape")
        page.reload()
        ask(page, "more\nplay say=seen")
        expect(content(page)).to_have_text("seen")
        assert page.evaluate(shown) == []  # the user saw it
        ask(page, "secret words again\nplay say=two;hold=unseen")
        expect(content(page)).to_have_text("two")
        page.evaluate("hide(true)")
        release("unseen")
        page.wait_for_function("() => Notification.shown.length === 1")
        assert page.evaluate(shown) == [["Tornado Stream", "Your answer is complete."]]
        page.evaluate("hide(false)")
        url = page.url
        page.get_by_role("button", name="New conversation").click()
        page.evaluate("Notification.shown[0].note.onclick()")
        expect(content(page)).to_have_text("two")
        assert page.url == url
        open_settings(page).get_by_role("button", name="Turn off notifications").click()
        assert root(page, "data-notify") is None
