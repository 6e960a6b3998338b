"""The composer: drafts and pasted text, the choice of a model, its parameters, and shortcuts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .chat import (
    Page,
    Route,
    announced,
    ask,
    composer,
    content,
    expect,
    held_back,
    listed,
    status,
)
from .conftest import Program, Watch

Seen = Callable[[], dict[str, Any]]

MANY = [
    {"id": f"{maker}/model-{number}", "provider": "openai", "state": "ready", "detail": ""}
    for maker in ("anthropic", "google", "meta-llama", "mistralai")
    for number in range(100)
]


@pytest.fixture
def many(page: Page) -> Iterator[Page]:
    """The page over a server with hundreds of models."""
    default = {"id": "plain", "provider": "openai", "state": "ready", "detail": "The usual one"}
    answer = {"models": [default, *MANY], "default": "plain"}
    page.route("**/api/models", lambda route: route.fulfill(json=answer))
    page.reload()
    expect(page.get_by_role("button", name="Model: plain")).to_be_visible()
    yield page


# -- the text


def test_the_field_grows_with_the_text_and_then_scrolls(page: Page) -> None:
    height = "element => element.getBoundingClientRect().height"
    one = composer(page).evaluate(height)
    page.keyboard.type("a")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("b")
    two = composer(page).evaluate(height)
    assert one < two < 2 * one
    composer(page).fill("line\n" * 200)
    box = page.locator("#composer").bounding_box()
    assert box and box["height"] < 500
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_in_viewport()


def test_a_megabyte_is_pasted_beside_the_question(page: Page, seen: Seen) -> None:
    line = "The five boxing wizards jump quickly, again and again.\n"
    large = line * (900_000 // len(line)) + "play say=All of it."
    _copy(page, large)
    composer(page).fill("What is this?")
    page.keyboard.press("Control+V")
    pasted = page.locator("#pasted")
    expect(pasted).to_contain_text(f"Pasted, {len(large):,} characters: “The five boxing wizards")
    page.keyboard.type("!")
    expect(composer(page)).to_have_value("What is this?!")
    page.reload()
    expect(pasted).to_be_visible()
    _copy(page, large)
    page.keyboard.press("Control+V")
    expect(pasted).to_contain_text(f"{2 * len(large) + 4 + len('What is this?!'):,} characters")
    page.keyboard.press("Enter")
    notice = page.get_by_role("alert")
    expect(notice).to_have_text(re.compile(r"^This message is about 7\d\d KB too long"))
    expect(composer(page)).to_be_focused()
    assert page.get_by_role("article").count() == 0
    pasted.get_by_role("button", name="Remove the pasted text").click()
    expect(notice).to_be_hidden()
    expect(composer(page)).to_be_focused()
    page.keyboard.press("Control+V")
    page.keyboard.press("Enter")
    expect(content(page)).to_have_text("All of it.")
    expect(pasted).to_be_hidden()
    assert seen()["requests"][-1]["messages"][-1]["content"] == large
    question = page.get_by_role("article", name="You").locator(".text")
    assert question.evaluate("element => element.textContent") == large


def test_a_long_paste_whose_code_does_not_come_is_in_the_box(page: Page, watch: Watch) -> None:
    watch.allow(r"pasted_text\.js", "ERR_FAILED")
    page.route("**/pasted_text.js", lambda route: route.abort())
    large = "A line.\n" * 15_000
    _copy(page, large)
    composer(page).fill("")
    page.keyboard.press("Control+V")
    expect(composer(page)).to_have_value(large)
    expect(page.locator("#pasted")).to_be_hidden()
    page.unroute("**/pasted_text.js")
    composer(page).fill("")
    page.keyboard.press("Control+V")  # the next one asks for the code again
    expect(page.locator("#pasted")).to_contain_text(f"Pasted, {len(large):,} characters")
    expect(composer(page)).to_have_value("")


@pytest.mark.wide
def test_a_draft_that_is_too_large_for_the_storage_breaks_nothing(page: Page) -> None:
    ask(page, "first")
    expect(content(page)).to_have_text("first")
    page.evaluate("localStorage.setItem('other', 'x'.repeat(5_000_000))")
    composer(page).fill("x" * 300_000)
    page.get_by_role("button", name="New conversation").click()
    expect(composer(page)).to_have_value("")
    ask(page, "short")
    expect(content(page)).to_have_text("short")
    page.go_back()
    page.go_back()
    expect(page.locator("#pasted")).to_contain_text("300,000 characters")


def test_a_composition_that_ends_with_enter_sends_nothing(page: Page) -> None:
    devtools = page.context.new_cdp_session(page)
    devtools.send(
        "Input.imeSetComposition", {"text": "にほ", "selectionStart": 2, "selectionEnd": 2}
    )
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowUp")
    devtools.send("Input.insertText", {"text": "日本"})
    devtools.detach()
    assert page.get_by_role("article").count() == 0
    expect(composer(page)).to_have_value(re.compile("日本"))


def test_a_key_that_ends_a_composition_does_nothing_else(page: Page) -> None:
    """Neither closes Escape the dialog and empties the box, nor sends Enter the form."""
    devtools = page.context.new_cdp_session(page)

    def compose(key: str) -> None:
        devtools.send(
            "Input.imeSetComposition", {"text": "にほ", "selectionStart": 2, "selectionEnd": 2}
        )
        page.keyboard.press(key)
        devtools.send("Input.insertText", {"text": "日本"})

    page.get_by_role("button", name="Presets and prompts…").click()
    expect(page.get_by_placeholder("Find by name")).to_be_focused()
    compose("Escape")
    expect(page.get_by_placeholder("Find by name")).to_have_value("日本")
    page.get_by_role("button", name="New preset").click()
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    compose("Enter")
    devtools.detach()
    expect(page.get_by_label("Name", exact=True)).to_have_value("日本")
    expect(page.locator(".preset-form [aria-invalid=true]")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator(".preset-form")).to_be_hidden()


# -- the model


def test_a_model_is_found_by_typing_and_remembered(many: Page, watch: Watch) -> None:
    page = many
    sent = _requests(page)
    composer(page).focus()
    page.keyboard.press("Alt+Shift+M")
    search = page.get_by_role("combobox", name="Search, or type a model’s name")
    expect(search).to_be_focused()
    options = page.get_by_role("option")
    expect(options).to_have_count(401)
    plain = page.get_by_role("option", name="plain", selected=True)
    expect(plain).to_have_text("plaindefault")  # without its detail, which may be an address
    page.keyboard.type("model-7")
    expect(page.get_by_role("group", name="google").get_by_role("option")).to_have_count(11)
    page.keyboard.type(" goo")
    expect(options).to_have_count(11 + 1)  # and the typed name
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    active = search.get_attribute("aria-activedescendant")
    expect(page.locator(f"#{active}")).to_have_text("google/model-71")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Model: google/model-71")).to_be_visible()
    expect(composer(page)).to_be_focused()
    page.keyboard.type("hello")
    page.keyboard.press("Enter")
    expect(status(page)).to_contain_text("google/model-71")
    assert sent[-1]["model"] == "google/model-71"

    page.reload()
    expect(page.get_by_role("button", name="Model: google/model-71")).to_be_visible()
    page.unroute("**/api/models")  # the server lists only fake-model
    page.reload()
    expect(page.get_by_role("button", name="Model: fake-model")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Model:")).click()
    expect(page.get_by_text("“google/model-71” is no longer available")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name=re.compile("^Model:"))).to_be_focused()
    ask(page, "and now?")
    expect(status(page)).to_contain_text("fake-model")
    assert "model" not in sent[-1]


def test_a_model_that_is_not_listed_is_passed_on_as_it_is(page: Page) -> None:
    sent = _requests(page)
    page.get_by_role("button", name=re.compile("^Model:")).click()
    expect(page.get_by_role("combobox")).to_be_focused()
    page.keyboard.type("say=I am another;close")
    expect(page.get_by_role("option")).to_have_text("Use “say=I am another;close”")
    page.keyboard.press("Enter")
    ask(page, "who are you?")
    expect(content(page)).to_have_text("I am another")
    page.reload()
    button = page.get_by_role("button", name="Model: say=I am another")
    expect(button).to_be_visible()
    with page.expect_response("**/stream"):
        page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("button", name="Continue")).to_be_visible()
    assert [body["model"] for body in sent] == ["say=I am another;close"] * 2
    button.click()
    page.get_by_role("option", name="fake-model").click()
    expect(page.get_by_role("button", name="Model: fake-model")).to_be_visible()
    assert page.evaluate("localStorage.getItem('tornado-stream:model')") is None


# -- parameters and the system prompt


def test_only_what_was_set_is_sent(page: Page, open_tab: Callable[[str], Page], seen: Seen) -> None:
    ask(page, "before")
    expect(content(page)).to_have_text("before")
    button = page.get_by_role("button", name="System prompt and parameters")
    mark = page.locator("#panel-set")
    expect(mark).to_be_hidden()
    button.click()
    temperature = page.get_by_label("temperature")
    temperature.fill("2.5")
    page.get_by_label("max_tokens").fill("1.5")
    page.keyboard.press("Enter")
    expect(temperature).to_be_focused()
    expect(temperature).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("Enter a number from 0 to 2.")).to_be_visible()
    expect(page.get_by_text("Enter a whole number.")).to_be_visible()
    temperature.fill("0,5")
    page.get_by_label("max_tokens").fill("100")
    page.get_by_label("reasoning_effort").select_option("low")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(button).to_be_focused()
    expect(mark).to_be_visible()
    other = open_tab(page.url)
    for number, each in enumerate((page, other)):
        ask(each, f"after {number}")
        expect(content(each)).to_have_text(f"after {number}")
        request = seen()["requests"][-1]
        sent = {k: v for k, v in request.items() if k not in ("model", "messages", "stream")}
        del sent["stream_options"]
        assert sent == {"temperature": 0.5, "max_tokens": 100, "reasoning_effort": "low"}
    button = other.get_by_role("button", name="System prompt and parameters")
    button.click()
    expect(other.get_by_label("temperature")).to_have_value("0.5")
    other.get_by_role("button", name="Reset parameters").click()
    other.keyboard.press("Escape")
    expect(other.locator("#panel-set")).to_be_visible()
    button.click()
    other.get_by_role("button", name="Reset parameters").click()
    other.get_by_role("button", name="Save", exact=True).click()
    expect(other.locator("#panel-set")).to_be_hidden()
    page.bring_to_front()
    expect(mark).to_be_hidden()
    ask(page, "again")
    expect(content(page)).to_have_text("again")
    assert "temperature" not in seen()["requests"][-1]


def test_a_system_prompt_belongs_to_its_conversation(
    page: Page, server: Program, seen: Seen
) -> None:
    button = page.get_by_role("button", name="System prompt and parameters")
    composer(page).fill("a draft")
    button.click()
    page.get_by_label("System prompt").fill("Speak like a pirate.")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page).to_have_url(re.compile("/c/[0-9a-f-]{36}$"))
    expect(composer(page)).to_have_value("a draft")
    expect(page.get_by_role("heading", name="What would you like to know?")).to_be_visible()
    expect(page.locator("#panel-set")).to_be_visible()
    page.reload()
    expect(page.locator("#panel-set")).to_be_visible()
    ask(page, "who names this?")
    expect(content(page)).to_have_text("who names this?")
    assert seen()["requests"][-1]["messages"][0] == {
        "role": "system",
        "content": "Speak like a pirate.",
    }
    expect(page).to_have_title("who names this? – Tornado Stream")
    expect(listed(page).first).to_contain_text("who names this?")
    button.click()
    expect(page.get_by_label("System prompt")).to_have_value("Speak like a pirate.")
    page.get_by_label("System prompt").fill("")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#panel-set")).to_be_hidden()
    ask(page, "and now?")
    expect(content(page)).to_have_text("and now?")
    assert [m["role"] for m in seen()["requests"][-1]["messages"]] == ["user", "assistant", "user"]
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator("#panel-set")).to_be_hidden()


def test_a_system_prompt_that_was_not_saved_stays_open(page: Page, watch: Watch) -> None:
    watch.allow("status of 503", "net::ERR_")
    error = {"error": {"code": "not_saved", "message": "The disk is full."}}
    page.route("**/api/conversations", lambda route: _refuse(route, error))
    page.get_by_role("button", name="System prompt and parameters").click()
    prompt = page.get_by_label("System prompt")
    prompt.fill("Be brief.")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("The server said: The disk is full.")).to_be_visible()
    expect(prompt).to_be_focused()
    expect(prompt).to_have_value("Be brief.")


def test_a_module_that_cannot_be_loaded_is_reported_and_loaded_again(
    page: Page, watch: Watch
) -> None:
    watch.allow("Failed to load resource")
    page.route("**/js/page/shortcuts_dialog.js", lambda route: route.abort())
    page.get_by_role("button", name="Keyboard shortcuts").click()
    expect(announced(page)).to_have_text(re.compile("could not be loaded"))


# -- shortcuts, and on-screen keyboards


def test_the_shortcuts(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page, "an answer to copy")
    expect(status(page)).to_contain_text("fake-model")
    page.keyboard.press("?")
    page.keyboard.press("/")
    expect(composer(page)).to_have_value("?/")
    page.keyboard.press("Alt+Shift+C")
    expect(announced(page)).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "an answer to copy"
    page.keyboard.press("Control+K")
    expect(page.get_by_label("Search conversations")).to_be_focused()
    page.keyboard.press("Alt+Shift+S")
    expect(page.get_by_role("navigation", name="Conversations")).to_be_hidden()
    page.get_by_role("region", name="Conversation", exact=True).focus()
    page.keyboard.press("/")
    expect(page.get_by_label("Search conversations")).to_be_focused()
    page.keyboard.press("Control+Shift+O")
    expect(composer(page)).to_be_focused()
    expect(page.get_by_role("article")).to_have_count(0)

    page.get_by_role("button", name="New conversation").focus()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog.get_by_role("definition").filter(has_text="Ctrl")).to_have_count(2)
    page.keyboard.press("Alt+Shift+P")
    expect(page.get_by_role("dialog")).to_have_count(1)
    dialog.get_by_role("checkbox", name="Use the keys without Ctrl or Alt").uncheck()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="New conversation")).to_be_focused()
    page.keyboard.press("?")
    page.keyboard.press("Alt+Shift+P")
    expect(page.get_by_role("dialog", name="This conversation")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Alt+Shift+E")
    expect(page.get_by_role("dialog", name="Settings", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    late = held_back(page, "**/composer/model_picker.js")
    page.keyboard.press("Alt+Shift+M")
    page.keyboard.type("say=typed early")  # before the code for it is there
    page.keyboard.press("Enter")
    late()
    expect(page.locator("#model-name")).to_have_text("say=typed early")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_up_in_an_empty_field_edits_the_last_question(page: Page) -> None:
    page.keyboard.press("ArrowUp")
    expect(composer(page)).to_be_focused()
    ask(page, "first")
    expect(content(page)).to_have_text("first")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    page.keyboard.type("x")
    page.keyboard.press("ArrowUp")
    expect(composer(page)).to_be_focused()
    composer(page).fill("")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("article").get_by_role("textbox")).to_be_focused()
    page.keyboard.press("Escape")
    expect(composer(page)).to_be_focused()


def test_escape_stops_the_answer_and_other_keys_do_not(page: Page) -> None:
    ask(page, "play gap=0.02;count=5000")
    expect(content(page)).to_contain_text("t3 ")
    page.keyboard.press("Alt+Shift+M")
    expect(page.get_by_role("listbox")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(composer(page)).to_be_focused()
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(status(page)).to_contain_text("Stopped")
    expect(composer(page)).to_be_focused()
    page.keyboard.press("Escape")
    expect(composer(page)).to_be_focused()


def test_the_composer_stays_above_an_on_screen_keyboard(page: Page) -> None:
    # `wait_for_function` evaluates a string at every look, which the policy of the page forbids;
    # a function it compiles once.
    page.set_viewport_size({"width": 360, "height": 740})
    ask(page, "play count=400")
    expect(status(page)).to_contain_text("fake-model")
    scroller = page.get_by_role("region", name="Conversation", exact=True)
    distance = "e => Math.round(e.scrollHeight - e.clientHeight - e.scrollTop)"
    # In Chrome and Firefox the keyboard makes the page smaller.
    page.set_viewport_size({"width": 360, "height": 400})
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_in_viewport(ratio=1)
    page.wait_for_function(f"() => ({distance})(document.querySelector('#scroller')) <= 1")
    page.set_viewport_size({"width": 360, "height": 740})
    # In Safari it covers the page, and only the visual viewport tells.
    cover = """height => {
      Object.defineProperty(visualViewport, "height", {value: height, configurable: true});
      visualViewport.dispatchEvent(new Event("resize"));
    }"""
    bottom = "document.querySelector('#composer').getBoundingClientRect().bottom"
    page.evaluate(cover, 380)
    page.wait_for_function(f"() => {bottom} <= 380")
    page.wait_for_function(f"() => ({distance})(document.querySelector('#scroller')) <= 1")
    assert scroller.evaluate("e => e.clientHeight") > 100
    page.evaluate(cover, 740)
    page.wait_for_function("() => document.body.getBoundingClientRect().height === 740")


def _copy(page: Page, text: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("text => navigator.clipboard.writeText(text)", text)


def _requests(page: Page) -> list[dict[str, Any]]:
    """Collects the bodies of the requests `POST /stream`."""
    sent: list[dict[str, Any]] = []

    def take(route: Route) -> None:
        sent.append(json.loads(route.request.post_data or ""))
        route.continue_()

    page.route("**/stream", take)
    return sent


def _refuse(route: Route, error: dict[str, Any]) -> None:
    if route.request.method == "POST":
        route.fulfill(status=503, json=error)
    else:
        route.continue_()
