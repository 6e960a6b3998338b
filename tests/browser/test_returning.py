"""Reloads, other tabs, other devices, a killed server: no text is lost or shown twice."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from deadlines import DEADLINE, at_most

from .chat import Page, Route, answer, ask, composer, content, counted, expect, listed, status, text
from .conftest import MortalServer, Program, Release, Watch
from .proxy import CuttableProxy

NETWORK = r"Failed to load resource: net::ERR_|the server responded with a status of"
Seen = Callable[[], dict[str, Any]]


def test_a_reload_in_the_middle_of_an_answer(page: Page, release: Release) -> None:
    ask(page, "play gap=0.02;count=100;hold=reload;say=reloaded")
    for mark in ("t5 ", "t40 "):
        expect(content(page)).to_contain_text(mark)
        page.reload()
    expect(content(page)).to_contain_text("t60 ")
    page.get_by_role("button", name="New conversation").click()
    mark = listed(page).first.locator(".row-mark")
    expect(mark).to_be_visible()
    release("reload")
    listed(page).first.get_by_role("link").click()
    expect(status(page)).to_contain_text("fake-model ·")
    assert text(page) == counted(100) + "reloaded"
    expect(mark).to_be_hidden()


@pytest.mark.wide
def test_two_tabs_are_in_step(
    page: Page, open_tab: Callable[[str], Page], server: Program, seen: Seen, watch: Watch
) -> None:
    ask(page, "play gap=0.02;count=5000;say=two tabs")
    expect(content(page)).to_contain_text("t3 ")
    other = open_tab(page.url)
    expect(content(other)).to_contain_text("t20 ")
    other.get_by_role("button", name="Stop", exact=True).click()
    for each in (other, page):
        each.bring_to_front()
        expect(status(each)).to_contain_text("Stopped")
    assert text(page) == text(other) == counted(len(text(page).split()))
    ask(page, "play say=in the first ;gap=0.02;count=40")
    expect(content(other)).to_contain_text("in the first t0 ")
    for each in (other, page):
        expect(status(each)).to_contain_text("fake-model ·")
        assert text(each) == "in the first " + counted(40)
    other.bring_to_front()
    ask(other, "from the second")
    page.bring_to_front()
    expect(content(page)).to_have_text("from the second")
    expect(status(page)).to_contain_text("fake-model ·")
    # Another device asks: this page learns it from the list.
    about = {"message": "from afar", "conversation_id": page.url.rsplit("/", 1)[-1]}
    _post(f"{server.url}stream", about)
    for each in (other, page):
        expect(content(each)).to_have_text("from afar")
        assert each.get_by_role("article").count() == 8
    page.get_by_role("button", name="More for").first.click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("button", name="Undo").focus()
    page.keyboard.press("Escape")  # delete at once, without the time to undo it
    other.bring_to_front()
    expect(other.get_by_role("heading", name="This conversation was deleted")).to_be_visible()
    expect(page).to_have_url(server.url)


@pytest.mark.wide
@pytest.mark.timed
def test_stop_in_the_last_of_eight_tabs(
    page: Page, open_tab: Callable[[str], Page], server: Program, seen: Seen
) -> None:
    pages = []
    for number in range(8):
        pages.append(open_tab(server.url) if number else page)
        ask(pages[-1], f"play say=tab {number};gap=0.05;count=5000")
        expect(content(pages[-1])).to_contain_text(f"tab {number}")
    assert seen()["open"] == 8
    for each in reversed(pages):
        # Chromium draws a hidden tab once a second, and a click waits for that.
        each.bring_to_front()
        began = time.monotonic()
        each.get_by_role("button", name="Stop", exact=True).click()
        expect(status(each)).to_contain_text("Stopped")
        if each is pages[-1]:
            assert time.monotonic() - began < at_most(1)
    assert seen()["open"] == 0


@pytest.mark.wide
def test_the_server_is_killed(
    open_page: Callable[..., Page], mortal: MortalServer, watch: Watch, seen: Seen
) -> None:
    watch.allow(NETWORK)
    page = open_page(mortal.url)
    script = "gap=0.02;count=1000 | say=the rest of it;finish=stop;done | say=all anew"
    ask(page, f"play {script}")
    expect(content(page)).to_contain_text("t30 ")
    asked = len(seen()["requests"])
    mortal.kill()
    expect(status(page)).to_have_text("Reconnecting…")
    mortal.start()
    expect(status(page)).to_contain_text("The answer was interrupted")
    kept = text(page)
    assert kept == counted(len(kept.split()))
    assert "t20 " in kept
    page.reload()
    expect(status(page)).to_contain_text("The answer was interrupted")
    assert text(page) == kept
    assert len(seen()["requests"]) == asked, "the page sends no request by itself"
    page.get_by_role("button", name="Continue").click()
    expect(status(page)).to_contain_text("fake-model ·")
    assert text(page) == f"{kept}the rest of it"
    expect(page.get_by_role("article")).to_have_count(2)
    page.reload()
    expect(status(page)).to_contain_text("fake-model ·")
    assert text(page) == f"{kept}the rest of it"


@pytest.mark.wide
def test_a_server_that_was_killed_before_the_page_came_back(
    open_page: Callable[..., Page], mortal: MortalServer, watch: Watch
) -> None:
    watch.allow(NETWORK)
    page = open_page(mortal.url)
    ask(page, "play say=half ;gap=0.02;count=1000 | say=all anew")
    expect(content(page)).to_contain_text("t99 ")  # so that its beginning has been saved
    url = page.url
    page.goto("about:blank")
    mortal.kill()
    mortal.start()
    page.goto(url)
    expect(status(page)).to_contain_text("The answer was interrupted")
    expect(content(page)).to_contain_text("half t0 t1 t2 ")
    page.get_by_role("button", name="Regenerate", exact=True).click()
    expect(status(page)).to_contain_text("fake-model ·")
    assert text(page) == "all anew"
    # The question is sent while the server is down, and arrives once when it is back.
    mortal.kill()
    ask(page, "are you back?")
    expect(status(page)).to_contain_text("The server cannot be reached. Trying again…")
    mortal.start()
    expect(content(page)).to_have_text("are you back?")


def test_a_reload_before_the_answer_has_begun(
    open_page: Callable[..., Page],
    open_tab: Callable[[str], Page],
    proxy: CuttableProxy,
    watch: Watch,
    seen: Seen,
) -> None:
    watch.allow(NETWORK)
    page = open_page(proxy.url)
    expect(page.locator("#model-name")).to_have_text("fake-model")
    before = len(seen()["requests"])
    # The question arrives, and its response is lost.
    proxy.mute = True
    ask(page, "did you hear me?")
    _until(lambda: len(seen()["requests"]) == before + 1)
    page.goto("about:blank")
    proxy.cut()
    proxy.mute = False
    page.goto(proxy.url)
    expect(content(page)).to_have_text("did you hear me?")
    expect(composer(page)).to_have_value("")
    assert len(seen()["requests"]) == before + 1
    # The question does not arrive, and its tab is closed; then three tabs are opened at once.
    lost = open_tab(proxy.url)
    expect(lost.locator("#model-name")).to_have_text("fake-model")
    proxy.refusing = True
    proxy.cut()
    ask(lost, "and me?")
    expect(status(lost)).to_contain_text("The server cannot be reached. Trying again…")
    lost.close()
    proxy.refusing = False
    others = [open_tab("about:blank") for _ in range(3)]
    for other in others:
        other.evaluate("url => { setTimeout(() => location = url) }", proxy.url)
    for other in others:
        expect(listed(other).first).to_contain_text("and me?")
    others[0].bring_to_front()
    listed(others[0]).first.get_by_role("link").click()
    expect(content(others[0])).to_have_text("and me?")
    assert len(seen()["requests"]) == before + 2
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.includes('outbox'))") == []


def test_an_answer_that_cannot_be_saved(page: Page) -> None:
    start = {"conversation_id": "c", "message_id": "m", "user_message_id": "u", "model": "fake"}
    events: list[tuple[str, dict[str, Any]]] = [
        ("start", start),
        ("notice", {"code": "not_saved"}),
        ("delta", {"content": "unsaved"}),
    ]
    frames = [
        f"id: {n}\nevent: {e}\ndata: {json.dumps(d)}\n\n" for n, (e, d) in enumerate(events, 1)
    ]
    saved = 'id: 4\nevent: notice\ndata: {"code": "saved"}\n\n'
    end = 'id: 5\nevent: end\ndata: {"state": "done", "finish_reason": "stop", "saved": true}\n\n'
    bodies = ["".join(frames), saved + end]

    def stream(route: Route) -> None:
        body = bodies.pop(0) if bodies else ""
        route.fulfill(status=200, content_type="text/event-stream", body=body)

    page.route("**/stream", stream)
    page.route("**/stream/*", lambda route: held.append(route))
    held: list[Route] = []
    ask(page, "will it be saved?")
    expect(answer(page)).to_contain_text("This answer is not saved")
    _until(lambda: page.title() is not None and bool(held))
    stream(held[0])
    expect(status(page)).to_contain_text("fake")
    expect(answer(page)).not_to_contain_text("This answer is not saved")


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _post(url: str, body: dict[str, str]) -> None:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    urllib.request.urlopen(request, timeout=60).read()
