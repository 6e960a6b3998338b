"""Actions on messages, and what a message shows besides its text."""

from __future__ import annotations

import json
import re
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from .chat import Locator, Page, announced, answer, ask, composer, content, expect, status
from .conftest import Program

Seen = Callable[[], dict[str, Any]]


def questions(page: Page) -> Locator:
    return page.get_by_role("article", name="You")


def answers(page: Page) -> Locator:
    return page.get_by_role("article", name="Answer")


def press(message: Locator, name: str) -> None:
    """Press a button in the toolbar of a message."""
    message.hover()
    message.get_by_role("button", name=name, exact=True).click()


def asked(page: Page, *questions: str) -> None:
    """Ask these questions, and wait for the answer to each."""
    for question in questions:
        ask(page, question)
        expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
        expect(answer(page)).not_to_have_attribute("data-state", "running")


def edit(page: Page, question: Locator) -> Locator:
    """Open the editor of a question."""
    press(question, "Edit")
    editor = page.get_by_label("Edit your question")
    expect(editor).to_be_focused()
    return editor


def rewrite(page: Page, question: Locator, words: str) -> None:
    edit(page, question).fill(words)
    page.keyboard.press("Enter")


def test_edit_makes_a_branch(page: Page, open_tab: Callable[[str], Page], seen: Seen) -> None:
    asked(page, "one", "two", "three")
    second = questions(page).nth(1)
    expect(edit(page, second)).to_have_value("two")
    page.keyboard.type(", or not")
    page.keyboard.press("Escape")
    expect(second).to_contain_text("two")
    expect(second.get_by_role("button", name="Edit")).to_be_focused()

    edit(page, second)
    page.keyboard.type(" apples")
    page.keyboard.press("Enter")
    expect(content(page)).to_have_text("two apples")
    expect(composer(page)).to_be_focused()
    assert questions(page).locator(".text").all_inner_texts() == ["one", "two apples"]
    sent = [m["content"] for m in seen()["requests"][-1]["messages"]]
    assert sent == ["one", "one", "two apples"]

    edited = questions(page).nth(1)
    expect(edited.get_by_role("group", name="Version 2 of 2")).to_have_text("2/2")
    press(edited, "Previous version")
    expect(questions(page)).to_have_count(3)
    expect(content(page)).to_have_text("three")
    expect(announced(page)).to_have_text("Version 1 of 2")
    expect(questions(page).nth(1).get_by_role("button", name="Next version")).to_be_focused()
    # Each tab chooses its branch: a reload keeps the choice, another tab shows the newest branch.
    page.reload()
    expect(content(page)).to_have_text("three")
    other = open_tab(page.url)
    expect(content(other)).to_have_text("two apples")
    other.close()
    # A question continues the branch that is shown, which then is the newest one.
    asked(page, "four")
    sent = [m["content"] for m in seen()["requests"][-1]["messages"] if m["role"] == "user"]
    assert sent == ["one", "two", "three", "four"]
    expect(questions(page)).to_have_count(4)


def test_the_first_question_can_be_edited_too(page: Page, server: Program) -> None:
    asked(page, "one")
    rewrite(page, questions(page).first, "another beginning")
    expect(content(page)).to_have_text("another beginning")
    expect(questions(page)).to_have_count(1)
    press(questions(page).first, "Previous version")
    expect(content(page)).to_have_text("one")
    conversation = page.url.rsplit("/", 1)[-1]
    with urllib.request.urlopen(f"{server.url}api/conversations/{conversation}") as response:
        stored = json.load(response)
    current = next(m for m in stored["messages"] if m["id"] == stored["current_id"])
    assert current["content"] == "another beginning", "looking at a branch changes nothing"


def test_the_editor_sends_only_a_changed_question(page: Page, seen: Seen) -> None:
    asked(page, "one")
    before = len(seen()["requests"])
    editor = edit(page, questions(page).first)
    composing = """(element, init) => element.dispatchEvent(new KeyboardEvent("keydown",
        {bubbles: true, cancelable: true, ...init}))"""
    for init in ({"key": "Enter", "isComposing": True}, {"key": "Enter", "keyCode": 229}):
        assert editor.evaluate(composing, init), "the input method gets the key"
    assert editor.evaluate(composing, {"key": "Escape", "isComposing": True})
    page.keyboard.press("Shift+Enter")
    expect(editor).to_have_value("one\n")
    editor.fill(" \n")
    page.get_by_role("button", name="Save").click()
    expect(editor).to_be_focused()
    editor.fill("one")
    page.get_by_role("button", name="Save").click()  # the editor keeps the text
    expect(editor).to_have_count(0)
    expect(questions(page).first.get_by_role("button", name="Edit")).to_be_focused()
    edit(page, questions(page).first)
    page.get_by_role("button", name="Cancel").click()
    expect(questions(page).first.get_by_role("button", name="Edit")).to_be_focused()
    assert len(seen()["requests"]) == before


def test_any_answer_can_be_asked_for_again(page: Page, seen: Seen) -> None:
    asked(page, "play say=first | say=second", "and then")
    first = answers(page).first
    press(first, "Regenerate")
    expect(answers(page)).to_have_count(1)
    expect(content(page)).to_have_text("second")
    expect(composer(page)).to_be_focused()
    expect(answer(page).get_by_role("group")).to_have_text("2/2 · fake-model")
    press(answer(page), "Previous version")
    expect(content(page)).to_have_text("and then")
    expect(answers(page).first.locator(".content")).to_have_text("first")
    expect(answers(page).first.get_by_role("button", name="Next version")).to_be_focused()
    page.keyboard.press("Enter")
    expect(content(page)).to_have_text("second")
    expect(answer(page).get_by_role("button", name="Previous version")).to_be_focused()


def test_an_answer_that_is_written_on_another_branch(page: Page, seen: Seen) -> None:
    asked(page, "one", "two")
    rewrite(page, questions(page).nth(1), "play gap=0.02;count=5000")
    expect(content(page)).to_contain_text("t3 ")
    press(questions(page).nth(1), "Previous version")
    expect(content(page)).to_have_text("two")
    note = page.get_by_text("An answer is being written on another branch")
    expect(note).to_be_visible()
    expect(answer(page).get_by_role("button", name="Regenerate", exact=True)).to_be_disabled()
    edit(page, questions(page).first)
    page.keyboard.type(" more")
    page.keyboard.press("Enter")
    expect(announced(page)).to_contain_text("You can save when it is complete")
    expect(page.get_by_label("Edit your question")).to_have_value("one more")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Show that branch").click()
    expect(content(page)).to_contain_text("t20 ")
    expect(note).to_have_count(0)
    press(questions(page).nth(1), "Previous version")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(note).to_have_count(0)
    expect(answer(page).get_by_role("button", name="Regenerate", exact=True)).to_be_enabled()
    assert seen()["open"] == 0


def test_copying_gives_the_markdown_source(page: Page) -> None:
    source = "a **bold** word\n\n- one\n- two"
    asked(page, source)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for message in (answer(page), questions(page).first):
        page.evaluate("navigator.clipboard.writeText('')")
        press(message, "Copy")
        expect(announced(page)).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == source
        page.evaluate("document.querySelector('#announcer').textContent = ''")
    # Without the permission, as on plain HTTP, the page copies a selection and keeps the focus.
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    press(answer(page), "Copy")
    expect(announced(page)).to_have_text("Copied")
    expect(answer(page).get_by_role("button", name="Copy", exact=True)).to_be_focused()


def test_continuing_an_answer(page: Page, seen: Seen) -> None:
    asked(page, "play say=Half an;close | say= answer;finish=stop;done", "next")
    expect(status(page)).to_contain_text("fake-model ·")
    press(answers(page).first, "Continue")
    expect(content(page)).to_have_text("Half an answer")
    expect(answers(page)).to_have_count(1)
    expect(answer(page).get_by_role("group")).to_have_text("2/2 · fake-model")
    # An answer that ended at its length limit is continued by a question, which the page shows.
    asked(page, "play say=Once upon;finish=length;done")
    page.get_by_role("button", name="Ask for the rest").click()
    expect(questions(page).last).to_contain_text("Please continue exactly where you stopped.")
    expect(status(page)).to_contain_text("fake-model ·")
    assert seen()["requests"][-1]["messages"][-1]["content"].startswith("Please continue")


def test_reasoning_is_open_while_it_lasts(page: Page) -> None:
    page.clock.install()
    ask(page, "play think=Let me see.;hold;say=42")
    fold = answer(page).locator("details.reasoning")
    expect(fold.locator(".text")).to_have_text("Let me see.")
    expect(fold.locator(".text")).to_be_visible()
    page.clock.fast_forward(12_000)
    expect(fold.locator("summary")).to_have_text(re.compile("^Thinking for 1[23] s$"))
    fold.locator("summary").click()
    expect(fold.locator(".text")).to_be_hidden()
    page.clock.fast_forward(5_000)
    expect(fold.locator("summary")).to_have_text(re.compile("^Thinking for 1[78] s$"))
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(fold.locator("summary")).to_have_text(re.compile(r"^Thought for \d"))
    expect(fold.locator(".text")).to_be_hidden()


def test_reasoning_is_markdown(page: Page) -> None:
    think = urllib.parse.quote("So **first**:\n\n- one\n- $x^2$\n\n<img src=x>", safe="")
    more = urllib.parse.quote("\n\n```py\nreturn 1\n```", safe="")
    ask(page, f"play think={think};say=4;think={more};say=2")
    expect(status(page)).to_contain_text("fake-model ·")
    text = answer(page).locator("details.reasoning .text")
    for what in ("strong", "li .katex", ".code .hljs-keyword"):
        expect(text.locator(what)).to_have_count(1)
    expect(text).to_contain_text("<img src=x>")
    assert text.evaluate("e => getComputedStyle(e).whiteSpace") == "normal"


def test_reasoning_folds_when_the_answer_begins_unless_the_reader_opened_it(page: Page) -> None:
    ask(page, "play think=Let me see.;wait=0.2;say=42")
    fold = answer(page).locator("details.reasoning")
    expect(content(page)).to_have_text("42")
    expect(fold.locator(".text")).to_be_hidden()
    expect(fold.locator("summary")).to_have_text(re.compile(r"^Thought for 0\.\d s$"))
    ask(page, "play think=Let me see.;stall")
    summary = fold.locator("summary")
    expect(fold.locator(".text")).to_be_visible()
    summary.click()
    summary.click()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(status(page)).to_contain_text("Stopped")
    expect(fold.locator(".text")).to_be_visible()
    page.reload()
    expect(fold.locator("summary")).to_have_text("Thoughts")
    expect(fold.locator(".text")).to_be_hidden()


def test_tool_calls_are_shown_with_their_arguments(page: Page) -> None:
    calls = [
        {"index": 0, "id": "a", "function": {"name": "weather", "arguments": '{"city":"Bern"}'}},
        {"index": 1, "id": "b", "function": {"name": "half", "arguments": '{"no":'}},
        {"index": 2, "id": "c", "function": {"name": "long", "arguments": json.dumps([0] * 40)}},
    ]
    asked(page, f"play {_chunk(tool_calls=calls)};finish=tool_calls;done")
    shown = answer(page).locator(".tool-call")
    expect(shown.locator("code")).to_have_text(["weather", "half", "long"])
    expect(status(page)).to_contain_text("does not run tools")
    assert shown.nth(0).locator(".text").inner_text() == '{\n  "city": "Bern"\n}'
    assert shown.nth(1).locator(".text").inner_text() == '{"no":'
    expect(shown.nth(2).locator(".text")).to_be_hidden()
    shown.nth(2).locator("summary").click()
    expect(shown.nth(2).locator(".text")).to_be_visible()


def test_a_stopped_answer_says_what_is_kept_and_its_details_what_was_received(page: Page) -> None:
    ask(page, "play gap=0.02;count=5000")
    expect(content(page)).to_contain_text("t3 ")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(status(page)).to_contain_text("Stopped")
    expect(status(page)).to_contain_text("What had been written is kept.")
    press(answer(page), "Details")
    details = answer(page).locator(".facts-box")
    expect(details).to_contain_text(
        re.compile(r"Connection to the model closed after\s*\d+ ms\s*Pieces received[^0-9]*\d+")
    )


def test_a_wait_is_counted_down(page: Page) -> None:
    page.clock.install()
    ask(page, _refusal(429, {"message": "Slow down."}, after=69) + " | say=now")
    retry = status(page).get_by_role("button", name="Retry")
    expect(status(page)).to_contain_text(re.compile(r"Try again in 6[89] s\."))
    expect(retry).not_to_have_class(re.compile("primary"))
    retry.focus()
    page.clock.fast_forward(64_000)
    expect(status(page)).to_contain_text(re.compile(r"Try again in [345] s\."))
    page.clock.fast_forward(6_000)
    expect(status(page)).to_contain_text("You can try again now.")
    expect(retry).to_have_class(re.compile("primary"))
    expect(retry).to_be_focused()
    page.keyboard.press("Enter")
    expect(content(page)).to_have_text("now")


def test_a_retry_is_announced_and_stop_ends_the_waiting(page: Page) -> None:
    slow = _refusal(429, {"message": "Slow down."}, after=1) + " | say=now"
    ask(page, slow)
    expect(status(page)).to_contain_text("(attempt 1)… The model’s server gets too many requests")
    expect(content(page)).to_have_text("now")
    ask(page, _refusal(429, {"message": "Slow down."}, after=50))
    expect(status(page)).to_contain_text(re.compile(r"Trying again in (50|4\d) s"))
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(status(page)).to_contain_text("Stopped")


ENDS = [
    ("404 model_not_found", "does not have this model", "Choose another model"),
    ("401 invalid_api_key", "OPENAI_API_KEY", "Retry"),
    ("400 bad", "Change the question", "Edit the question"),
    ("say=Once;finish=content_filter", "did not send the rest", "Edit the question"),
    ("refusal", "The model refused to answer", "Edit the question"),
    ("say=half;close", "closed the connection", "Continue"),
]


def test_each_end_offers_a_next_step(page: Page) -> None:
    for number, (how, says, button) in enumerate(ENDS, 1):
        asked(page, _script(how))
        expect(answers(page)).to_have_count(number)
        expect(answer(page)).to_contain_text(says)
        step = status(page).get_by_role("button", name=button)
        expect(step).to_be_visible()
        if button == "Edit the question":
            step.click()
            expect(page.get_by_label("Edit your question")).to_be_focused()
            page.keyboard.press("Escape")
            expect(step).to_be_focused()
        elif button == "Choose another model":
            step.click()
            expect(page.get_by_role("dialog")).to_be_visible()
            page.keyboard.press("Escape")
    # For older answers the page tells how they ended, and gives no advice.
    expect(answers(page).nth(2)).to_contain_text("The server says bad.")
    expect(answers(page).nth(2)).not_to_contain_text("Change the question")


def test_the_details_of_an_answer(page: Page) -> None:
    asked(page, "play say=Hello;wait=0.1;say= there;usage=120")
    press(answer(page), "Details")
    facts = answer(page).locator("dl")
    expect(facts).to_contain_text("Modelfake-model")
    expect(facts).to_contain_text("Tokens written120")
    expect(facts).to_contain_text("Tokens read1")
    expect(facts).to_contain_text("EndedComplete · stop")
    expect(facts).to_contain_text(re.compile(r"Tokens per second[\d,]+"))
    expect(answer(page).get_by_role("button", name="Details")).to_have_attribute(
        "aria-expanded", "true"
    )
    press(answer(page), "Details")
    expect(facts).to_have_count(0)
    # Without counted tokens, the page shows an estimate and says so.
    asked(page, "play say=twelve signs;wait=0.1;say=.;close")
    press(answer(page), "Details")
    expect(facts).to_contain_text("Tokens written≈ 4")
    expect(facts).to_contain_text(re.compile("Tokens per second≈ "))
    expect(facts).to_contain_text("Tokens readnot reported")
    expect(answer(page)).to_contain_text("estimated from the text")


def test_toolbars_are_built_when_they_are_needed(page: Page) -> None:
    asked(page, "one", "two")
    first = answers(page).first
    page.mouse.move(0, 0)
    for message, opacity in ((first, "0"), (answer(page), "1")):
        button = message.get_by_role("button", name="Copy", exact=True)
        expect(button).to_have_css("opacity", opacity)
    first.get_by_role("button", name="Copy", exact=True).focus()
    expect(first.get_by_role("button", name="Copy", exact=True)).to_have_css("opacity", "1")


def _script(how: str) -> str:
    if how == "refusal":
        return f"play {_chunk(refusal='I will not.')};finish=stop;done"
    if not how[:3].isdigit():
        return f"play {how};done"
    code = how[4:]
    return _refusal(int(how[:3]), {"message": f"The server says {code}.", "code": code})


def _refusal(status: int, error: dict[str, Any], after: int = 0) -> str:
    body = urllib.parse.quote(json.dumps({"error": error}), safe="")
    return f"play status={status};body={body}" + (f";after={after}" if after else "")


def _chunk(**delta: Any) -> str:
    """A step of a script, which sends this delta."""
    body = json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    return "raw=" + urllib.parse.quote(f"data: {body}\n\n", safe="")


@pytest.mark.parametrize(
    "kind",
    [
        "emoji",
        *(
            pytest.param(kind, marks=pytest.mark.wide)
            for kind in ("one word", "a megabyte", "20,000 lines", "right to left")
        ),
    ],
)
def test_a_long_question_is_folded_and_copied_byte_by_byte(page: Page, kind: str) -> None:
    question = {
        "one word": "x" * 100_000,
        "a megabyte": "a line\twith  spaces \n" * 45_000,  # 1 MB, with its escapes
        "20,000 lines": "line\n" * 20_000,
        "right to left": "هذا سؤال طويل من اليمين إلى اليسار. \n" * 500,
        "emoji": "👩‍👩‍👧‍👦 e\u0301 " * 900,
    }[kind]
    question += "\n```js\nlet a;\n```\nplay say=ok"
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    composer(page).evaluate("(box, text) => (box.value = text)", question)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(content(page)).to_have_text("ok")
    asked = questions(page)
    low = asked.bounding_box()
    asked.get_by_role("button", name="Show all").click()
    high = asked.bounding_box()
    assert low and high and high["height"] > low["height"] > 200 and low["width"] > 300
    tools = asked.locator(".tools")
    tools.evaluate("e => e.scrollIntoView({block: 'center'})")
    tools.get_by_role("button", name="Copy").click()
    expect(announced(page)).to_have_text("Copied")
    copied = "text => navigator.clipboard.readText().then((copied) => copied === text)"
    assert page.evaluate(copied, question)
    assert asked.locator(".text").evaluate("(e, text) => e.textContent === text", question)
    asked.get_by_role("button", name="Show less").click()
    assert (asked.bounding_box() or low)["height"] == pytest.approx(low["height"], abs=2)
