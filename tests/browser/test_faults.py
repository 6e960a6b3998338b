"""Failures: the page names each one, keeps the text, and offers a next step."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Callable
from typing import Any

from .chat import Page, Route, announced, answer, ask, composer, content, expect, status
from .conftest import Release, Watch
from .proxy import CuttableProxy

NETWORK = r"Failed to load resource: net::ERR_|the server responded with a status of"
COUNT = "".join(f"t{n} " for n in range(100))


def test_a_wrong_key(page: Page) -> None:
    ask(page, _refusal(401, {"message": "Incorrect API key provided.", "code": "invalid_api_key"}))
    expect(answer(page)).to_have_attribute("data-state", "error")
    expect(status(page)).to_contain_text("Incorrect API key provided.")
    expect(status(page)).to_contain_text("OPENAI_API_KEY")
    expect(announced(page)).to_contain_text("OPENAI_API_KEY")
    expect(status(page)).to_contain_text("The model’s server refused the key.")
    expect(announced(page)).to_contain_text("The model’s server refused the key.")
    expect(status(page).locator(".status-icon svg")).to_have_css("width", "18px")


def test_an_error_is_text_and_can_be_retried(page: Page) -> None:
    bad = _refusal(500, {"message": "<img src=x onerror=alert(1)> broke"})
    ask(page, f"{bad} | say=fine")
    expect(status(page)).to_contain_text("<img src=x onerror=alert(1)> broke")
    page.get_by_role("button", name="Retry").click()
    expect(content(page)).to_have_text("fine")
    assert page.get_by_role("article").count() == 2


def test_an_end_whose_words_do_not_come_offers_a_retry(page: Page, watch: Watch) -> None:
    watch.allow("Failed to load resource")
    page.route("**/answers/troubles.js", lambda route: route.abort())
    ask(page, "play say=Half an;close | say=A whole answer")
    expect(status(page)).to_contain_text("The answer was interrupted")
    page.get_by_role("button", name="Regenerate", exact=True).click()
    expect(content(page)).to_have_text("A whole answer")


def test_a_cut_off_answer_is_never_shown_as_finished(page: Page) -> None:
    ask(page, "play say=Half an;say= answer;close | say=A whole answer")
    expect(status(page)).to_contain_text("The answer was cut off")
    expect(answer(page)).to_have_attribute("data-state", "cut_off")
    expect(content(page)).to_have_text("Half an answer")
    expect(announced(page)).to_contain_text("The answer was cut off")
    page.get_by_role("button", name="Regenerate", exact=True).click()
    expect(content(page)).to_have_text("A whole answer")


def test_the_length_limit_and_an_empty_answer(page: Page) -> None:
    ask(page, "play say=Once upon;finish=length;done")
    expect(status(page)).to_contain_text("Cut off at the length limit")
    ask(page, "play think=hmm;finish=length;done")
    expect(status(page)).to_contain_text("The model sent no text")
    expect(status(page)).to_contain_text("length limit while thinking")
    ask(page, "play say=Once;finish=content_filter;done")
    expect(status(page)).to_contain_text("Cut off by the content filter")


def test_a_conversation_that_is_too_long(page: Page, seen: Callable[[], dict[str, Any]]) -> None:
    for question in ("one", "two", "three"):
        ask(page, question)
        expect(content(page)).to_have_text(question)
        expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    code = "context_length_exceeded"
    refusal = _refusal(400, {"message": "maximum context length is 8", "code": code})
    ask(page, f"{refusal} | {refusal.removeprefix('play ')} | say=short enough")
    shorter = page.get_by_role("button", name="Send without the oldest messages")
    expect(status(page)).to_contain_text("longer than this model can read")
    expect(status(page).get_by_role("button", name="New conversation")).to_be_visible()
    shorter.click()
    expect(answer(page)).to_contain_text("The 2 oldest questions and their answers were not sent")
    shorter.click()
    expect(content(page)).to_have_text("short enough")
    expect(answer(page)).to_contain_text("The 3 oldest questions and their answers were not sent")
    sent = [len(request["messages"]) for request in seen()["requests"][-3:]]
    assert sent == [7, 3, 1]


def test_one_question_that_is_too_long(page: Page) -> None:
    question = _refusal(400, {"message": "too long", "code": "context_length_exceeded"})
    ask(page, question)
    expect(status(page)).to_contain_text("too long")
    assert page.get_by_role("button", name="Send without the oldest messages").count() == 0
    status(page).get_by_role("button", name="New conversation").click()
    expect(composer(page)).to_have_value(question)
    expect(page.get_by_role("article")).to_have_count(0)


def test_the_connection_breaks_while_text_comes(
    open_page: Callable[..., Page], proxy: CuttableProxy, watch: Watch, release: Release
) -> None:
    watch.allow(NETWORK)
    page = open_page(proxy.url)
    ask(page, "play gap=0.02;count=100;hold=cuts")
    for mark in ("t5 ", "t30 ", "t60 "):
        expect(content(page)).to_contain_text(mark)
        proxy.cut()
    release("cuts")
    expect(status(page)).to_contain_text("fake-model ·")
    assert content(page).evaluate("element => element.textContent") == COUNT
    assert proxy.accepted >= 4


def test_a_server_that_is_away_for_a_while(
    open_page: Callable[..., Page], proxy: CuttableProxy, watch: Watch, release: Release
) -> None:
    watch.allow(NETWORK)
    page = open_page(proxy.url)
    ask(page, "play gap=0.02;count=100;hold=away")
    expect(content(page)).to_contain_text("t5 ")
    proxy.refusing = True
    proxy.cut()
    expect(status(page)).to_have_text("Reconnecting…")
    expect(announced(page)).to_have_text("Reconnecting…")
    proxy.refusing = False
    release("away")
    page.evaluate("() => dispatchEvent(new Event('online'))")
    expect(status(page)).to_contain_text("fake-model ·")
    assert content(page).evaluate("element => element.textContent") == COUNT


def test_the_device_goes_offline(page: Page, watch: Watch, release: Release) -> None:
    watch.allow(NETWORK)
    ask(page, "play gap=0.02;count=100;hold=offline")
    expect(content(page)).to_contain_text("t5 ")
    page.context.set_offline(True)
    page.wait_for_function("() => !navigator.onLine")
    page.context.set_offline(False)
    release("offline")
    expect(status(page)).to_contain_text("fake-model ·")
    assert content(page).evaluate("element => element.textContent") == COUNT


def test_the_question_is_sent_again_until_it_arrives_and_only_once(
    open_page: Callable[..., Page],
    proxy: CuttableProxy,
    watch: Watch,
    seen: Callable[[], dict[str, Any]],
) -> None:
    watch.allow(NETWORK)
    page = open_page(proxy.url)
    expect(page.locator("#model-name")).to_have_text("fake-model")
    before = len(seen()["requests"])
    proxy.refusing = True
    proxy.cut()
    ask(page, "are you there?")
    expect(status(page)).to_contain_text("The server cannot be reached. Trying again…")
    proxy.refusing = False
    expect(content(page)).to_have_text("are you there?")
    assert len(seen()["requests"]) == before + 1


def test_a_question_that_the_server_refuses_is_kept(page: Page, watch: Watch) -> None:
    watch.allow(NETWORK)
    asked: list[Any] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.post_data_json)
        if len(asked) > 1:
            return route.continue_()
        error = {"error": {"code": "not_saved", "message": "The disk is full."}}
        route.fulfill(status=503, json=error)

    page.route("**/stream", refuse)
    ask(page, "keep this")
    expect(status(page)).to_contain_text("nothing was sent to the model.")
    expect(page.get_by_role("article", name="You")).to_have_text("keep this")
    page.get_by_role("button", name="Retry").click()
    expect(content(page)).to_have_text("keep this")
    assert asked[0] == asked[1]


def _refusal(status: int, error: dict[str, str]) -> str:
    """A question that makes the upstream answer with this error."""
    body = urllib.parse.quote(json.dumps({"error": error}), safe="")
    return f"play status={status};body={body}"
