"""Asking, reading and stopping, with a server that answers."""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Callable
from typing import Any

from .chat import Page, announced, answer, ask, composer, content, expect, status
from .conftest import Watch

TEXT = (
    "  <u>bold</u> <button>press</button> &amp; &lt;i&gt;\n\n\tTab  two  blanks   \n"
    "<script>alert(1)</script>\n"
    "雪 👩🏽‍🚀 é \\n ``` end"
)


def test_html_in_an_answer_is_shown_as_text(page: Page) -> None:
    ask(page, TEXT)
    expect(status(page)).to_contain_text("fake-model ·")
    question = page.get_by_role("article", name="You").locator(".text")
    assert question.evaluate("element => element.textContent") == TEXT
    assert "Tab  two  blanks   \n<script>" in question.evaluate("element => element.innerText")
    for word in (
        "<button>press</button>",
        "Tab  two  blanks",
        "<script>alert(1)</script>",
        "雪 👩🏽‍🚀 é",
    ):
        expect(content(page)).to_contain_text(word)
    assert page.locator("article .content p button, article script, article i").count() == 0


def test_the_second_question_carries_the_first(
    page: Page, seen: Callable[[], dict[str, Any]]
) -> None:
    ask(page, "My name is Ada.")
    expect(content(page)).to_have_text("My name is Ada.")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    ask(page, "What is my name?")
    expect(content(page)).to_have_text("What is my name?")
    messages = seen()["requests"][-1]["messages"]
    assert [m["content"] for m in messages if m["role"] != "system"] == [
        "My name is Ada.",
        "My name is Ada.",
        "What is my name?",
    ]
    assert page.get_by_role("article").count() == 4


def test_stop_while_text_comes(page: Page, seen: Callable[[], dict[str, Any]]) -> None:
    ask(page, "play gap=0.02;count=5000")
    expect(content(page)).to_contain_text("t3 ")
    expect(page).to_have_title(re.compile("– generating$"))
    expect(announced(page)).to_have_text("Generating")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(status(page)).to_contain_text("Stopped")
    expect(announced(page)).to_have_text("Stopped. What had been written is kept.")
    expect(composer(page)).to_be_focused()
    expect(page).to_have_title(re.compile("– Tornado Stream$"))
    text = content(page).inner_text()
    assert text.split() == [f"t{n}" for n in range(len(text.split()))]
    assert seen()["open"] == 0


def test_stop_before_the_first_word(page: Page, seen: Callable[[], dict[str, Any]]) -> None:
    ask(page, "play nohead=30")
    expect(status(page)).to_have_text("Reading your question…")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(status(page)).to_contain_text("Stopped")
    assert seen()["open"] == 0


def test_stop_before_the_server_has_the_question(page: Page, watch: Watch) -> None:
    watch.allow("status of 404")
    held: list[Any] = []
    page.route("**/stream", lambda route: held.append(route))
    ask(page, "play count=1000;gap=0.02;count=1000")
    with page.expect_response(lambda response: response.status == 404):
        page.get_by_role("button", name="Stop", exact=True).click()
    expect(status(page)).to_have_text("Stopping…")
    held[0].continue_()
    expect(status(page)).to_contain_text("Stopped")


def test_the_keyboard_is_enough(page: Page) -> None:
    expect(composer(page)).to_be_focused()
    page.keyboard.type("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("play gap=0.02;count=5000")
    page.keyboard.press("Enter")
    expect(content(page)).to_contain_text("t1 ")
    expect(page.get_by_role("article", name="You").locator(".text")).to_have_text(
        re.compile("^one\nplay "), use_inner_text=True
    )
    expect(composer(page)).to_be_focused()
    expect(composer(page)).to_have_value("")
    for name in ("Model:", "System prompt", "Add files", "Keyboard shortcuts", "Stop"):
        page.keyboard.press("Tab")
        button = page.get_by_role("button", name=re.compile(f"^{name}"))
        expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(status(page)).to_contain_text("Stopped")
    expect(composer(page)).to_be_focused()
    expect(answer(page).get_by_role("button", name="Details")).to_be_visible()
    for name in ("Details", "Regenerate with another model", "Copy", "Regenerate"):
        page.keyboard.press("Shift+Tab")
        expect(answer(page).get_by_role("button", name=name, exact=True)).to_be_focused()


def test_nothing_is_sent_that_should_not_be(page: Page) -> None:
    for text in ("", "   \n "):
        composer(page).fill(text)
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Send", exact=True).click()
    assert page.get_by_role("article").count() == 0
    # A question that is typed while an answer runs is not sent before its end.
    ask(page, "play say=x;stall")
    expect(content(page)).to_have_text("x")
    composer(page).fill("the next question")
    page.keyboard.press("Enter")
    expect(composer(page)).to_have_value("")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(status(page)).to_contain_text("Stopped")
    assert page.get_by_role("article").count() == 2


def test_enter_sends_nothing_while_an_input_method_composes(page: Page) -> None:
    composing = """(element, init) => element.dispatchEvent(new KeyboardEvent("keydown",
        {key: "Enter", bubbles: true, cancelable: true, ...init}))"""
    composer(page).fill("ni")
    for init in ({"isComposing": True}, {"keyCode": 229}, {"isComposing": True, "keyCode": 229}):
        assert composer(page).evaluate(composing, init), "the input method gets the key"
    devtools = page.context.new_cdp_session(page)
    devtools.send("Input.imeSetComposition", {"text": "你", "selectionStart": 1, "selectionEnd": 1})
    devtools.send(
        "Input.dispatchKeyEvent",
        {"type": "rawKeyDown", "key": "Process", "code": "Enter", "windowsVirtualKeyCode": 229},
    )
    assert page.get_by_role("article").count() == 0
    devtools.send("Input.insertText", {"text": "你好"})
    page.keyboard.press("Enter")
    expect(content(page)).to_have_text("ni你好")


def test_reasoning_refusals_and_tool_calls_are_shown(page: Page) -> None:
    ask(page, "play think=Let me ;think=see.;say=42;wait=0.1")
    reasoning = answer(page).locator("details")
    expect(reasoning.locator("summary")).to_have_text(re.compile("^Thought"))
    expect(reasoning.locator(".text")).to_be_hidden()
    reasoning.locator("summary").click()
    expect(reasoning.locator(".text")).to_have_text("Let me see.")
    expect(content(page)).to_have_text("42")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()

    ask(page, f"play {_chunk(refusal='I will not.')};finish=stop;done")
    expect(answer(page).locator(".refusal")).to_have_text("The model refused to answerI will not.")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()

    call = {"index": 0, "id": "c1", "function": {"name": "weather", "arguments": '{"city":'}}
    rest = {"index": 0, "function": {"arguments": ' "Bern"}'}}
    chunks = f"{_chunk(tool_calls=[call])};{_chunk(tool_calls=[rest])}"
    ask(page, f"play {chunks};finish=tool_calls;done")
    expect(answer(page).locator(".tool-call code")).to_have_text("weather")
    expect(answer(page).locator(".tool-call .text")).to_have_text('{ "city": "Bern" }')
    expect(status(page)).to_contain_text("The model waits for the result of a tool")


def test_a_long_answer_arrives_whole(page: Page) -> None:
    ask(page, "play count=20000")
    expect(status(page)).to_contain_text("fake-model ·")
    words = content(page).evaluate("element => element.textContent.trim().split(' ')")
    assert words == [f"t{n}" for n in range(20000)]


def test_the_page_follows_the_text_only_while_the_reader_is_at_the_end(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 480})
    ask(page, "play count=600;gap=0.02;count=2000")
    distance = "e => e.scrollHeight - e.clientHeight - e.scrollTop"
    scroller = page.get_by_role("region", name="Conversation")
    expect(content(page)).to_contain_text("t599 t0 t1 ")
    assert scroller.evaluate(distance) < 2
    scroller.hover()
    page.mouse.wheel(0, -600)
    to_end = page.get_by_role("button", name="To the newest text")
    expect(to_end).to_be_visible()
    top = scroller.evaluate("e => e.scrollTop")
    length = len(content(page).inner_text())
    page.wait_for_function(
        "length => document.querySelector('.content').textContent.length > length + 50", arg=length
    )
    assert scroller.evaluate("e => e.scrollTop") == top
    to_end.click()
    expect(to_end).to_be_hidden()
    assert scroller.evaluate(distance) < 2
    page.get_by_role("button", name="Stop", exact=True).click()


def test_a_new_conversation_has_no_messages(page: Page, seen: Callable[[], dict[str, Any]]) -> None:
    ask(page, "first")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    page.get_by_role("button", name="New conversation").click()
    expect(page.get_by_role("article")).to_have_count(0)
    expect(page.get_by_role("heading", name="What would you like to know?")).to_be_visible()
    expect(composer(page)).to_be_focused()
    expect(page).to_have_title("Tornado Stream")
    ask(page, "second")
    expect(content(page)).to_have_text("second")
    assert [m["content"] for m in seen()["requests"][-1]["messages"]] == ["second"]


def test_questions_to_start_with_fill_the_composer(page: Page) -> None:
    starters = page.get_by_role("list", name="Questions to start with").get_by_role("button")
    for index in range(starters.count()):
        starters.nth(index).click()
        expect(composer(page)).to_have_value(starters.nth(index).inner_text())
        expect(composer(page)).to_be_focused()
    assert page.get_by_role("article").count() == 0


def _chunk(**delta: Any) -> str:
    """A step of a script, which sends this delta."""
    body = json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    return "raw=" + urllib.parse.quote(f"data: {body}\n\n", safe="")
