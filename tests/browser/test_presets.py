"""Presets and prompts on the page, and what the page's address asks for."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from deadlines import at_most

from .access import violations
from .chat import Locator, Page, announced, ask, composer, content, expect
from .conftest import Program, Watch
from .states import pasted

pytestmark = pytest.mark.wide

OWN = {"name": "Translator", "system": "Translate.", "model": "gpt-x", "options": {"seed": 7}}
PROMPT = {"name": "review", "kind": "prompt", "text": "Review {{file}}. Look for {{what}}."}


def call(server: Program, method: str, path: str, body: object = None) -> Any:
    headers = {"Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.url + path, data, headers, method=method)
    with urllib.request.urlopen(request) as response:
        return json.loads(response.read() or b"null")


@pytest.fixture
def add(server: Program) -> Any:
    """Adds presets and prompts. Afterwards there are none."""
    yield lambda preset: call(server, "POST", "api/presets", preset)
    for preset in call(server, "GET", "api/presets")["presets"]:
        call(server, "DELETE", f"api/presets/{preset['id']}")


def dialog(page: Page) -> Locator:
    return page.locator("dialog[open]")


def note(page: Page) -> Locator:
    return page.locator(".mode-note")


def open_presets(page: Page) -> None:
    page.get_by_role("button", name="Presets and prompts").click()
    expect(page.get_by_role("dialog", name="Presets and prompts")).to_be_visible()


def last_request(seen: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    last: dict[str, Any] = seen()["requests"][-1]
    return last


def test_a_preset_is_made_used_and_kept_by_its_conversation(
    page: Page, add: Any, server: Program, seen: Any, watch: Watch
) -> None:
    watch.allow("status of 409")
    open_presets(page)
    expect(dialog(page).get_by_text("None.")).to_have_count(2)
    dialog(page).get_by_role("button", name="New preset").click()
    dialog(page).get_by_role("button", name="Save").click()
    expect(dialog(page).get_by_text("Write a name.")).to_be_visible()
    dialog(page).get_by_label("Name").fill("Translator")
    dialog(page).get_by_label("System prompt").fill("Translate.")
    dialog(page).get_by_label("temperature").fill("0,5")
    dialog(page).get_by_role("button", name="Save").click()
    expect(dialog(page)).to_contain_text("“Translator” was saved.")
    page.keyboard.press("Escape")
    composer(page).fill("play say=hello")
    open_presets(page)
    dialog(page).locator(".preset-use").click()
    expect(note(page)).to_contain_text("Begins with the preset “Translator”.")
    expect(composer(page)).to_be_focused()
    expect(composer(page)).to_have_value("play say=hello")
    composer(page).press("Enter")
    expect(content(page)).to_have_text("hello")
    expect(note(page)).to_be_hidden()
    sent = last_request(seen)
    assert sent["temperature"] == 0.5
    assert sent["messages"][0] == {"role": "system", "content": "Translate."}
    (preset,) = call(server, "GET", "api/presets")["presets"]
    changes = {"version": 1, "system": "Sing.", "options": {}}
    call(server, "PATCH", f"api/presets/{preset['id']}", changes)
    page.reload()
    ask(page, "play say=again")
    expect(content(page)).to_have_text("again")
    sent = last_request(seen)
    assert sent["messages"][0]["content"] == "Translate." and sent["temperature"] == 0.5
    page.locator("#panel").click()
    expect(dialog(page).get_by_label("System prompt")).to_have_value("Translate.")
    dialog(page).get_by_role("button", name="Save as preset").click()
    expect(dialog(page).get_by_label("System prompt")).to_have_value("Translate.")
    expect(dialog(page).get_by_label("temperature")).to_have_value("0.5")
    dialog(page).get_by_label("Name").fill("translator")
    dialog(page).get_by_role("button", name="Save").click()
    expect(dialog(page).get_by_text("Another preset or prompt has this name.")).to_be_visible()
    page.keyboard.press("Escape")


def test_a_preset_with_a_model_of_its_own(page: Page, add: Any, server: Program, seen: Any) -> None:
    add(OWN)
    open_presets(page)
    page.keyboard.type("trans")
    page.keyboard.press("Tab")
    while not page.evaluate("document.activeElement.matches('.preset-use')"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#model-name")).to_have_text("gpt-x")
    ask(page, "hi")
    expect(content(page)).not_to_be_empty()
    assert last_request(seen)["model"] == "gpt-x" and last_request(seen)["seed"] == 7
    page.reload()
    expect(page.locator("#model-name")).to_have_text("gpt-x")
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator("#model-name")).to_have_text("fake-model")
    open_presets(page)
    dialog(page).locator(".preset-use").click()
    note(page).get_by_role("button", name="Without the preset").click()
    expect(note(page)).to_be_hidden()
    expect(page.locator("#model-name")).to_have_text("fake-model")


@pytest.mark.parametrize("way", ["Save mine instead", "Take the other version", "Keep both"])
def test_two_tabs_change_one_preset(
    page: Page, add: Any, server: Program, watch: Watch, way: str
) -> None:
    watch.allow("status of 409")
    made = add(OWN)
    open_presets(page)
    dialog(page).get_by_role("button", name="Change Translator").click()
    dialog(page).get_by_label("System prompt").fill("Mine.")
    call(server, "PATCH", f"api/presets/{made['id']}", {"version": 1, "system": "Theirs."})
    dialog(page).get_by_role("button", name="Save").click()
    conflict = dialog(page).get_by_role("alert")
    expect(conflict).to_contain_text("changed meanwhile")
    expect(conflict).to_contain_text("Theirs.")
    expect(dialog(page).get_by_label("System prompt")).to_have_value("Mine.")
    dialog(page).get_by_role("button", name=way).click()
    if way == "Take the other version":
        expect(dialog(page).get_by_label("System prompt")).to_have_value("Theirs.")
        dialog(page).get_by_role("button", name="Save").click()
    expect(dialog(page)).to_contain_text("was saved")
    stored = call(server, "GET", "api/presets")["presets"]
    kept = {preset["system"] for preset in stored}
    wanted = {"Save mine instead": {"Mine."}, "Keep both": {"Mine.", "Theirs."}}
    assert kept == wanted.get(way, {"Theirs."})


def test_a_preset_is_deleted_and_put_back(page: Page, add: Any, server: Program) -> None:
    add(OWN)
    open_presets(page)
    dialog(page).get_by_role("button", name="Delete Translator").click()
    expect(dialog(page).locator(".preset-use")).to_have_count(0)
    undo = dialog(page).get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    undo.click()
    expect(dialog(page).locator(".preset-use")).to_have_count(1)
    (back,) = call(server, "GET", "api/presets")["presets"]
    assert {name: back[name] for name in OWN} == OWN
    assert violations(page) == []
    dialog(page).get_by_role("button", name="Change Translator").click()
    assert violations(page) == []


# -- prompts


def prompts(page: Page) -> Locator:
    return page.locator("#prompts")


def test_a_slash_lists_prompts_and_tab_goes_through_the_fields(
    page: Page, add: Any, seen: Any
) -> None:
    add(PROMPT)
    add(PROMPT | {"name": "summary", "text": "Summarise this."})
    composer(page).focus()
    page.keyboard.type("/")
    expect(prompts(page).get_by_role("option")).to_have_count(3)
    expect(announced(page)).to_have_text("2 prompts")
    assert violations(page) == []
    page.keyboard.type("rev")
    expect(prompts(page).get_by_role("option")).to_have_text(
        ["reviewReview {{file}}. Look for {{what}}."]
    )
    active = composer(page).get_attribute("aria-activedescendant")
    expect(page.locator(f"#{active}")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(prompts(page)).to_be_hidden()
    expect(composer(page)).to_have_value(PROMPT["text"])
    page.keyboard.type("{{what}}")
    page.keyboard.press("Tab")
    page.keyboard.type("play say=done")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("getSelection().toString()") == "{{what}}", (
        "what was written is not looked into"
    )
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(content(page)).not_to_be_empty()
    assert (
        last_request(seen)["messages"][-1]["content"] == "Review {{what}}. Look for play say=done."
    )


def test_the_list_of_prompts_lets_the_keys_go(page: Page, add: Any, seen: Any) -> None:
    add(PROMPT)
    composer(page).focus()
    page.keyboard.type("/")
    expect(prompts(page)).to_be_visible()
    page.keyboard.press("Escape")
    expect(prompts(page)).to_be_hidden()
    page.keyboard.type("review this")
    expect(prompts(page)).to_be_hidden()
    composer(page).fill("")
    page.keyboard.type("/re")
    expect(prompts(page).get_by_role("option")).to_have_count(1)
    for how in ({"isComposing": True}, {"keyCode": 229}):
        composer(page).evaluate(
            "(box, how) => box.dispatchEvent(new KeyboardEvent('keydown', "
            "{key: 'Enter', bubbles: true, cancelable: true, ...how}))",
            how,
        )
    expect(composer(page)).to_have_value("/re")
    page.keyboard.type("x")
    expect(prompts(page)).to_be_hidden()
    composer(page).fill("play say=text")
    page.keyboard.press("Enter")
    expect(content(page)).to_have_text("text")


@pytest.mark.timed
def test_a_prompt_keeps_what_was_pasted(page: Page, add: Any, seen: Any) -> None:
    add({"name": "path", "kind": "prompt", "text": "/srv $& {{ {{a}} }}: what is it?"})
    pasted(page)
    composer(page).press_sequentially("/pat")
    expect(prompts(page)).to_be_visible()
    composer(page).press("Enter")
    expect(prompts(page)).to_be_hidden()
    expect(composer(page)).to_have_value("/srv $& {{ {{a}} }}: what is it?")
    composer(page).press_sequentially("$1")  # in the place of the field
    composer(page).press("Enter")
    expect(page.locator("#pasted")).to_be_hidden()
    expect(content(page)).to_contain_text("/srv")
    sent = last_request(seen)["messages"][-1]["content"]
    assert sent.startswith("/srv $& {{ $1 }}: what is it?\n\nA long text that was pasted.")


def test_the_list_opens_at_once_with_200_prompts(page: Page, add: Any) -> None:
    for number in range(200):
        add({"name": f"prompt {number}", "kind": "prompt", "text": f"Text {number}. " * 100})
    composer(page).focus()
    page.keyboard.type("/")
    expect(prompts(page).get_by_role("option")).to_have_count(201)
    took = []
    for _ in range(20):
        page.keyboard.press("Backspace")
        expect(prompts(page)).to_be_hidden()
        took.append(
            composer(page).evaluate(
                """async (box) => {
                  const begun = performance.now();
                  document.execCommand("insertText", false, "/");
                  const open = () => document.querySelector("#prompts:popover-open")?.offsetHeight;
                  while (!open()) await new Promise(requestAnimationFrame);
                  return performance.now() - begun;
                }"""
            )
        )
    print("ms until the list is open:", sorted(map(round, took)))
    assert sorted(took)[len(took) // 2] <= at_most(0.05) * 1000


# -- the address


def test_an_address_fills_the_box_and_sends_nothing(page: Page, server: Program, seen: Any) -> None:
    asked = len(seen()["requests"])
    page.goto(f"{server.url}?q=play%20say%3Dhello&model=of-the-link")
    expect(composer(page)).to_have_value("play say=hello")
    expect(page.locator("#model-name")).to_have_text("of-the-link")
    expect(page).to_have_url(server.url)
    composer(page).press("End")
    page.keyboard.type("!")
    page.reload()
    expect(composer(page)).to_have_value("play say=hello!")
    assert len(seen()["requests"]) == asked
    expect(page.locator("#model-name")).to_have_text("fake-model")
    composer(page).fill("")
    page.goto(f"{server.url}?q=play%20say%3Dhello&model=of-the-link")
    expect(page.locator("#model-name")).to_have_text("of-the-link")
    with page.expect_response(lambda response: response.request.method == "PATCH"):
        composer(page).press("Enter")
    expect(content(page)).to_have_text("hello")
    assert last_request(seen)["model"] == "of-the-link"
    page.reload()
    expect(page.locator("#model-name")).to_have_text("of-the-link")
