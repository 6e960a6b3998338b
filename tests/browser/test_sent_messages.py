"""A program's conversation on the page, and questions that got no answer."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from .chat import Page, ask, content, expect, status
from .conftest import Program

PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9Q"
    "DwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at":1}'}}
SENT = [
    {"role": "system", "content": "be brief"},
    {"role": "developer", "content": "no lists"},
    {"role": "user", "content": "where?"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "here it is"},
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "what is this?"},
            {"type": "image_url", "image_url": {"url": PIXEL}},
            {"type": "image_url", "image_url": {"url": "https://elsewhere.example/x.png"}},
        ],
    },
]


@pytest.mark.wide
def test_a_programs_conversation_is_shown_whole(
    server: Program, open_page: Callable[..., Page], seen: Callable[[], dict[str, Any]]
) -> None:
    body = json.dumps({"model": "say=a cat", "messages": SENT}).encode()
    head = {"Content-Type": "application/json", "Tornado-Stream-Keep": "true"}
    with urllib.request.urlopen(
        urllib.request.Request(server.url.rstrip("/") + "/v1/chat/completions", body, head)
    ):
        pass
    with urllib.request.urlopen(server.url.rstrip("/") + "/api/conversations") as response:
        id = json.load(response)["conversations"][0]["id"]
    page = open_page(f"{server.url.rstrip(chr(47))}/c/{id}")
    expect(content(page)).to_have_text("a cat")
    program = page.get_by_role("article", name="Sent by a program")
    expect(program).to_have_count(3)
    expect(program.nth(0)).to_contain_text("Developer")
    expect(program.nth(1)).to_contain_text("look")
    expect(program.nth(2).get_by_text("here it is")).to_be_hidden()
    program.nth(2).locator("summary").click()
    expect(program.nth(2).get_by_text("here it is")).to_be_visible()
    question = page.get_by_role("article", name="You").last
    expect(question).to_contain_text("what is this?")
    expect(question.locator("img")).to_have_count(1)
    assert question.locator("img").evaluate(
        "image => image.decode().then(() => image.naturalWidth)"
    )
    expect(question).to_contain_text("elsewhere.example")
    page.get_by_role("button", name="Regenerate", exact=True).last.click()
    expect(page.get_by_role("group", name="Version 2 of 2")).to_be_visible()
    assert seen()["requests"][-1]["messages"] == SENT


WHOLE = [
    *SENT[:5],
    {
        "role": "assistant",
        "content": None,
        "function_call": {"name": "old_way", "arguments": '{"x":7}'},
    },
    {"role": "function", "name": "old_way", "content": "the old result"},
    {"role": "assistant", "content": None, "refusal": "I will not."},
    {"role": "user", "content": "a plain question"},
    {"role": "assistant", "content": "a plain answer"},
    {"role": "user", "content": "say whom", "name": "Ann"},
    {
        "role": "assistant",
        "content": [{"type": "text", "text": "in parts"}, {"type": "refusal", "refusal": "but no"}],
    },
    SENT[5],
]


def keep(server: Program, messages: list[dict[str, Any]]) -> str:
    """The page of a conversation that a program sent with these messages."""
    base = server.url.rstrip("/")
    body = json.dumps({"model": "say=a cat", "messages": messages}).encode()
    head = {"Content-Type": "application/json", "Tornado-Stream-Keep": "true"}
    urllib.request.urlopen(
        urllib.request.Request(f"{base}/v1/chat/completions", body, head)
    ).close()
    with urllib.request.urlopen(f"{base}/api/conversations") as response:
        return f"{base}/c/{json.load(response)['conversations'][0]['id']}"


def test_nothing_of_a_programs_conversation_is_invisible(
    server: Program, open_page: Callable[..., Page], seen: Callable[[], dict[str, Any]]
) -> None:
    page = open_page(keep(server, WHOLE))
    expect(content(page)).to_have_text("a cat")
    program = page.get_by_role("article", name="Sent by a program")
    expect(program).to_have_count(8)
    speakers = ["Developer", "Assistant", "Result of a tool"]
    speakers += ["Assistant", "Result of a tool", "Assistant", "Assistant", "Assistant"]
    for article, speaker in zip(program.all(), speakers, strict=True):
        expect(article.locator("summary").first).to_contain_text(speaker)
        for fold in article.locator("details:not([open]) > summary").all():
            fold.click()
    texts = ["no lists", '"at": 1', "here it is", '"x": 7', "the old result", "I will not."]
    texts += ["a plain question", "a plain answer", "say whom", "in parts", "but no"]
    for words in [*texts, "what is this?", "elsewhere.example"]:
        expect(page.get_by_text(words).first).to_be_visible()
    expect(page.get_by_role("article", name="You")).to_have_count(4)
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    ask(page, "and this?")
    expect(content(page).last).to_have_text("and this?")
    more = [{"role": "assistant", "content": "a cat"}, {"role": "user", "content": "and this?"}]
    assert seen()["requests"][-1]["messages"] == [*WHOLE, *more]


def test_the_editor_says_that_pictures_are_not_sent(
    server: Program, open_page: Callable[..., Page], seen: Callable[[], dict[str, Any]]
) -> None:
    page = open_page(keep(server, SENT))
    warning = page.get_by_text("Only this text is sent, without the pictures")
    questions = page.get_by_role("article", name="You")
    expect(questions).to_have_count(2)
    for question, warned in ((questions.first, False), (questions.last, True)):
        question.get_by_role("button", name="Edit").click()
        editor = page.get_by_label("Edit your question")
        expect(editor).to_be_visible()
        expect(warning).to_have_count(int(warned))
        if not warned:
            page.keyboard.press("Escape")
    editor.fill("edited")
    page.keyboard.press("Enter")
    expect(content(page)).to_have_text("edited")
    assert seen()["requests"][-1]["messages"] == [*SENT[:5], {"role": "user", "content": "edited"}]
    expect(questions.last.locator("img")).to_have_count(0)
    questions.last.get_by_role("button", name="Previous version").click()
    expect(questions.last.locator("img")).to_have_count(1)


def test_a_question_without_an_answer_says_that_it_is_not_sent(
    page: Page, seen: Callable[[], dict[str, Any]]
) -> None:
    note = page.get_by_text("It is not sent with the next question.")
    ask(page, "play status=404")
    expect(status(page)).to_contain_text("model")
    expect(note).to_be_hidden()
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    ask(page, "second")
    expect(content(page).last).to_have_text("second")
    expect(note.first).to_be_visible()
    sent = [m["content"] for m in seen()["requests"][-1]["messages"] if m["role"] == "user"]
    assert sent == ["second"]
