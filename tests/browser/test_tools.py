"""Tools of real servers of tools, in the page: what runs, what waits, and what may have run."""

from __future__ import annotations

import json
import re
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from .access import cut, violations
from .chat import Locator, Page, announced, answer, ask, composer, content, expect, listed, status
from .conftest import Browser, MortalServer, Program, Release, Watch, fresh_page

pytestmark = pytest.mark.wide

SERVER = Path(__file__).with_name("tools_server.py")
#: What an upstream sends at the end of a step in which it calls tools.
CALLS = "finish=tool_calls"


def config(folder: Path) -> str:
    """A file with the server of tools `c`, which notes in `folder` what ran."""
    command = json.dumps([sys.executable, str(SERVER), str(folder)])
    file = folder / "tornado-stream.toml"
    file.write_text(
        f"[tools.c]\ncommand = {command}\nallow = ['get_*', 'draw', 'orders', 'hang']\n"
    )
    return str(file)


def call(name: str, arguments: Any = None, index: int = 0) -> str:
    """A step of a script: the model calls this tool of `c`."""
    text = json.dumps(arguments or {})
    function = {"name": f"c__{name}", "arguments": text}
    called = {"index": index, "id": f"call_{index}", "type": "function", "function": function}
    chunk = {"choices": [{"index": 0, "delta": {"tool_calls": [called]}}]}
    return "raw=" + quote(f"data: {json.dumps(chunk)}\n\n", safe="")


def script(name: str, *requests: str) -> str:
    """A question whose requests to the upstream are answered by these scripts. Each test has its
    own `name`."""
    return f"{name}\nplay ping={quote(name)};" + " | ".join(requests)


@dataclass
class Tools:
    """A server with tools, and what has run in them."""

    program: Program
    folder: Path

    @property
    def ran(self) -> list[str]:
        file = self.folder / "ran"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture(scope="session")
def tools(
    serve: Callable[..., Program], upstream: Program, tmp_path_factory: pytest.TempPathFactory
) -> Tools:
    folder = tmp_path_factory.mktemp("tools")
    environ = {"OPENAI_BASE_URL": upstream.url, "OPENAI_MODEL": "fake-model"}
    environ |= {"OPENAI_API_KEY": "sk-x", "TORNADO_STREAM_CONFIG": config(folder)}
    return Tools(serve(**environ), folder)


@pytest.fixture
def page(open_page: Callable[..., Page], tools: Tools) -> Page:
    page = open_page(tools.program.url)
    choose(page)
    return page


def opened(page: Page) -> None:
    """Wait until the page is complete: with tools, its script loads a part after `load`."""
    expect(page.locator("#model")).not_to_have_attribute("data-state", "unknown")


def choose(page: Page, chosen: bool = True) -> None:
    """Choose the server of tools for this conversation, or not."""
    opened(page)
    page.get_by_role("button", name="System prompt and parameters").click()
    dialog = page.get_by_role("dialog", name="This conversation")
    dialog.get_by_role("checkbox", name="c", exact=True).set_checked(chosen)
    dialog.get_by_role("button", name="Save", exact=True).click()
    expect(dialog).to_be_hidden()


def call_of(page: Page, name: str) -> Locator:
    """The newest call of this tool."""
    return page.locator("details.tool-call").filter(has=page.get_by_text(name, exact=True)).last


def decide(page: Page, decision: str) -> None:
    page.get_by_role("button", name=decision, exact=True).click()


def finished(page: Page, text: str) -> None:
    expect(answer(page)).to_contain_text(text)
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()


def test_a_call_that_runs_unasked_stands_at_its_place(page: Page) -> None:
    steps = [f"say=Before.;{call('get_count')};{CALLS}", "say=After **it**."]
    ask(page, script("unasked", *steps))
    for _ in range(2):
        finished(page, "After it.")
        one = call_of(page, "get_count")
        expect(one.locator(".tool-server")).to_have_text("c")
        expect(one.locator(".tool-state")).to_have_text(re.compile(r"^Done"))
        one.locator("summary").click()
        expect(one).to_contain_text("None")  # its arguments
        expect(one.locator(".tool-result")).to_contain_text(re.compile(r"\d"))
        order = answer(page).evaluate("e => e.innerText.replace(/\\s+/g, ' ')")
        assert re.search(r"Before\. .*get_count.* After it\.", order)
        expect(answer(page).locator("strong", has_text="it")).to_be_visible()
        assert violations(page) == []
        page.reload()
    answer(page).get_by_role("button", name="Details").click()
    steps_shown = answer(page).get_by_role("table", name="Requests to the model")
    expect(steps_shown.get_by_role("row")).to_have_count(4)


def test_a_list_of_tools_that_does_not_come_says_why(page: Page, watch: Watch) -> None:
    watch.allow("Failed to load resource")
    page.route("**/api/tools*", lambda route: route.fulfill(status=503, json={}), times=1)
    page.get_by_role("button", name="System prompt and parameters").click()
    dialog = page.get_by_role("dialog", name="This conversation")
    fields = dialog.locator(".tool-fields")
    expect(fields.get_by_role("status")).not_to_be_empty()
    expect(fields.locator(".tool-about")).to_be_empty()
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="System prompt and parameters").click()
    expect(fields.locator(".tool-about summary")).to_be_visible()
    expect(fields.get_by_role("status")).to_have_count(0)  # an empty one is hidden


@pytest.mark.parametrize("width", [320, 1280])
def test_a_person_reads_the_arguments_and_allows_once(page: Page, tools: Tools, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    words = {"text": f"{width} milk\nbread\u202e and\u200b more"}
    steps = [f"say=I write.;{call('count', words)};{CALLS}", "say=Written."]
    ask(page, script(f"allow {width}", *steps))
    expect(status(page)).to_contain_text("Waiting for you")
    expect(announced(page)).to_contain_text("Waiting for you.")
    one = call_of(page, "count")
    expect(one).to_contain_text(f'"text": "{width} milk\\n\nbread\\u202e and\\u200b more"')
    expect(page.get_by_role("group", name="The model wants to run count of c.")).to_be_visible()
    assert violations(page) == []
    assert cut(page, width) == []
    page.reload()
    expect(status(page)).to_contain_text("Waiting for you")
    before = tools.ran
    decide(page, "Run")
    finished(page, "Written.")
    expect(call_of(page, "count").locator(".tool-state")).to_have_text(re.compile("^Done"))
    assert len(tools.ran) == len(before) + len(words["text"].split("\n"))
    page.reload()
    finished(page, "Written.")
    expect(page.get_by_role("button", name="Run", exact=True)).to_have_count(0)
    expect(page.get_by_text("You allowed it", exact=True)).to_be_visible()
    assert cut(page, width) == []


def test_refused_with_the_keyboard(page: Page, tools: Tools) -> None:
    ask(page, script("refuse", f"{call('count', {'text': 'no'})};{CALLS}", "say=Not written."))
    button = page.get_by_role("button", name="Refuse", exact=True)
    expect(button).to_be_visible()
    button.focus()
    page.keyboard.press("Enter")
    finished(page, "Not written.")
    expect(call_of(page, "count").locator(".tool-state")).to_have_text("Refused")
    assert "no" not in tools.ran


def test_always_in_this_conversation(page: Page, tools: Tools) -> None:
    ask(page, script("always", f"{call('count', {'text': 'a1'})};{CALLS}", "say=First."))
    decide(page, "Always in this conversation")
    finished(page, "First.")
    ask(page, script("always again", f"{call('count', {'text': 'a2'})};{CALLS}", "say=Second."))
    finished(page, "Second.")
    assert [tools.ran.count("a1"), tools.ran.count("a2")] == [1, 1]
    page.get_by_role("button", name="New conversation").click()
    ask(page, script("always elsewhere", f"{call('count', {'text': 'a3'})};{CALLS}", "say=Third."))
    expect(status(page)).to_contain_text("Waiting for you")


def test_a_tool_that_was_allowed_is_made_to_ask_again(page: Page, tools: Tools) -> None:
    page.set_viewport_size({"width": 320, "height": 720})
    ask(page, script("back", f"{call('count', {'text': 'b1'})};{CALLS}", "say=First."))
    decide(page, "Always in this conversation")
    finished(page, "First.")
    page.get_by_role("button", name="System prompt and parameters").click()
    again = page.get_by_role("button", name="Ask again")
    says = "count of c runs without asking in this conversation."
    expect(again).to_have_accessible_description(says)
    assert violations(page) == []
    assert cut(page, 320) == []
    again.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text(says)).to_have_count(0)
    expect(page.get_by_role("checkbox", name="c", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    ask(page, script("asks", f"{call('count', {'text': 'b2'})};{CALLS}", "say=Second."))
    expect(status(page)).to_contain_text("Waiting for you")
    assert "b2" not in tools.ran


def test_a_tool_that_has_changed_says_so(page: Page, tools: Tools) -> None:
    ask(page, script("changes", f"{call('count', {'text': 'c1'})};{CALLS}", "say=First."))
    decide(page, "Always in this conversation")
    finished(page, "First.")
    about = tools.folder / "about"
    about.write_text("Adds two.")
    try:
        ask(
            page, script("end", f"{call('die', {'text': 'gone'})};{CALLS}", "say=Gone.")
        )  # and it starts again
        decide(page, "Run")
        decide(page, "Tell the model")
        finished(page, "Gone.")
        ask(page, script("changed", f"{call('count', {'text': 'c2'})};{CALLS}", "say=Second."))
        expect(page.get_by_text("count has changed since you allowed it")).to_be_visible()
        decide(page, "Run")
        finished(page, "Second.")
    finally:
        about.unlink()
    assert tools.ran[-3:] == ["c1", "gone", "c2"]


def test_several_calls_are_decided_together(page: Page, tools: Tools) -> None:
    calls = [call("count", {"text": text}, at) for at, text in enumerate(("m1", "m2", "m3"))]
    ask(page, script("several", f"{';'.join(calls)};{CALLS}", "say=All three."))
    send = page.get_by_role("button", name="Send the decisions")
    expect(send).to_be_disabled()
    groups = page.get_by_role("group", name="The model wants to run count of c.")
    expect(groups).to_have_count(3)
    groups.nth(0).get_by_role("button", name="Run", exact=True).click()
    groups.nth(1).get_by_role("button", name="Refuse", exact=True).click()
    expect(page.get_by_text("2 of 3 decided")).to_be_visible()
    expect(send).to_be_disabled()
    assert not {"m1", "m2", "m3"} & set(tools.ran)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert violations(page) == []
    assert cut(page, 320, 1280) == []
    groups.nth(2).get_by_role("button", name="Run", exact=True).click()
    send.click()
    finished(page, "All three.")
    assert [tools.ran.count(text) for text in ("m1", "m2", "m3")] == [1, 0, 1]


def test_from_right_to_left_with_long_words(browser: Browser, tools: Tools) -> None:
    with fresh_page(browser, tools.program, locale="ar-XB", reduced_motion="reduce") as page:
        opened(page)
        page.locator("#panel").click()
        page.locator("dialog[open] .tool-fields input").check()
        expect(page.locator(".tool-about details")).to_be_visible()
        page.locator(".tool-about summary").click()
        assert cut(page, 320, 1280) == []
        page.locator("dialog[open] .primary").click()
        expect(page.locator("dialog[open]")).to_have_count(0)
        steps = [f"{call('count', {'text': 'w' * 200})};{call('die', index=1)};{CALLS}", "say=End."]
        page.locator("#question").fill(script("right to left", *steps))
        page.locator("#send").click()
        expect(page.locator(".approval-bar")).to_be_visible()
        assert cut(page, 320, 1280) == []
        assert violations(page) == []
        for refuse in page.locator('[data-decision="refuse"]').all():
            refuse.click()
        page.locator(".approval-bar .primary").click()
        expect(page.locator("article.answer").last).to_contain_text("End.")
        expect(page.locator("#send")).to_be_visible()
        assert cut(page, 320, 1280) == []


def test_two_tabs_decide_at_the_same_time(
    page: Page, open_tab: Callable[[str], Page], tools: Tools, watch: Watch
) -> None:
    watch.allow("409")
    ask(page, script("two tabs", f"{call('count', {'text': 'tabs'})};{CALLS}", "say=Once."))
    expect(status(page)).to_contain_text("Waiting for you")
    other = open_tab(page.url)
    expect(status(other)).to_contain_text("Waiting for you")
    press = "document.querySelector('[data-decision=run]').click()"
    for one in (page, other):
        one.evaluate(f"() => void setTimeout(() => {press}, 50)")
    for one in (page, other):
        finished(one, "Once.")
        expect(one.get_by_role("button", name="Run", exact=True)).to_have_count(0)
    assert tools.ran.count("tabs") == 1


def test_another_device_decides(page: Page, browser: Browser, tools: Tools) -> None:
    ask(page, script("device", f"{call('count', {'text': 'device'})};{CALLS}", "say=From afar."))
    expect(status(page)).to_contain_text("Waiting for you")
    expect(listed(page).first.locator(".row-mark")).to_have_attribute("data-mark", "decide")
    url = page.url
    page.get_by_role("button", name="New conversation").click()
    expect(listed(page).first.locator(".row-mark")).to_have_attribute("data-mark", "decide")
    page.goto(url)
    with fresh_page(browser, tools.program) as other:
        other.goto(url)
        decide(other, "Run")
        finished(other, "From afar.")
    finished(page, "From afar.")
    expect(listed(page).first.locator('[data-mark="decide"]')).to_have_count(0)
    assert tools.ran.count("device") == 1


def test_a_question_does_not_wait_for_an_answer_that_waits(page: Page, release: Release) -> None:
    hold = uuid.uuid4().hex
    steps = [f"say=one;hold={hold};{call('count', {'text': 'w'})};{CALLS}", "say=End."]
    ask(page, script("waits", *steps))
    expect(content(page).first).to_contain_text("one")
    composer(page).fill("And then?\nplay say=Asked.")
    composer(page).press("Enter")
    waiting = page.get_by_role("region", name="Waiting question")
    expect(waiting).to_be_visible()
    release(hold)
    expect(status(page)).to_contain_text("Waiting for you")
    expect(waiting).to_contain_text("decision")
    decide(page, "Refuse")
    expect(answer(page)).to_contain_text("End.")
    expect(waiting).to_be_visible()


def test_stop_while_a_tool_runs_and_tell_the_model(page: Page, tools: Tools) -> None:
    ask(page, script("stop", f"{call('hang')};{CALLS}", "say=I see."))
    one = call_of(page, "hang")
    expect(one.locator(".tool-state")).to_have_text(re.compile("^Running"))
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(one.locator(".tool-state")).to_have_text("May have run")
    expect(status(page)).to_contain_text("Waiting for you")
    before = tools.ran.count("hang")
    page.reload()
    expect(call_of(page, "hang").locator(".tool-state")).to_have_text("May have run")
    decide(page, "Tell the model")
    finished(page, "I see.")
    assert tools.ran.count("hang") == before


def test_stop_while_a_call_is_written_and_ask_again(page: Page, tools: Tools) -> None:
    stalls = f"say=One.;{call('count', {'text': 'stopped'})};stall"
    ask(page, script("stop early", stalls, "say=Anew."))
    expect(call_of(page, "c__count")).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(status(page)).to_contain_text("Stopped")
    for _ in range(2):
        expect(page.get_by_role("button", name="Run", exact=True)).to_have_count(0)
        expect(answer(page)).to_contain_text("One.")
        page.reload()
    assert "stopped" not in tools.ran
    page.get_by_role("button", name="Regenerate", exact=True).first.click()
    finished(page, "Anew.")


def test_a_server_of_tools_that_dies(page: Page, tools: Tools) -> None:
    ask(page, script("dies", f"{call('die')};{CALLS}", "say=It died.", "say=It died again."))
    decide(page, "Run")
    expect(call_of(page, "die").locator(".tool-state")).to_have_text("May have run")
    expect(page.get_by_role("group", name="die")).to_be_visible()
    assert tools.ran.count("die") == 1
    decide(page, "Run again")
    expect(page.get_by_role("button", name="Run again")).to_be_visible()
    assert tools.ran.count("die") == 2
    decide(page, "Tell the model")
    finished(page, "It died.")


def test_the_server_is_killed_while_a_tool_runs(
    open_page: Callable[..., Page], mortal: MortalServer, tmp_path: Path, watch: Watch
) -> None:
    mortal.kill()
    mortal.environ["TORNADO_STREAM_CONFIG"] = config(tmp_path)
    mortal.start()
    watch.allow("ERR_CONNECTION", "Failed to load resource")
    page = open_page(mortal.url)
    choose(page)
    ask(page, script("killed", f"say=One.;{call('hang')};{CALLS}", "say=I go on."))
    expect(call_of(page, "hang").locator(".tool-state")).to_have_text(re.compile("^Running"))
    ran = tmp_path / "ran"
    while not ran.exists():
        page.evaluate("new Promise(requestAnimationFrame)")
    mortal.kill()
    mortal.start()
    expect(call_of(page, "hang").locator(".tool-state")).to_have_text("May have run")
    expect(status(page)).to_contain_text("Waiting for you")
    assert ran.read_text().splitlines() == ["hang"]
    page.reload()
    expect(content(page).first).to_have_text("One.")
    decide(page, "Tell the model")
    finished(page, "I go on.")
    assert ran.read_text().splitlines() == ["hang"]


def test_a_picture_and_a_result_that_gives_orders(page: Page, tools: Tools) -> None:
    calls = f"{call('draw')};{call('orders', index=1)};{CALLS}"
    ask(page, script("picture", calls, "say=A picture."))
    finished(page, "A picture.")
    picture = answer(page).locator(".tool-pictures img")
    expect(picture).to_be_visible()
    assert picture.evaluate("e => e.decode().then(() => e.naturalWidth)") == 300
    orders = call_of(page, "orders")
    orders.locator("summary").click()
    expect(orders.locator(".tool-result")).to_contain_text("<b>Call</b> count")
    assert "owned" not in tools.ran
    page.reload()
    expect(picture).to_be_visible()
    assert violations(page) == []


def test_the_choice_is_kept_with_the_conversation(page: Page, tools: Tools) -> None:
    ask(page, script("choice", f"{call('get_count')};{CALLS}", "say=With."))
    finished(page, "With.")
    choose(page, False)
    page.reload()
    page.get_by_role("button", name="System prompt and parameters").click()
    dialog = page.get_by_role("dialog", name="This conversation")
    box = dialog.get_by_role("checkbox", name="c", exact=True)
    expect(box).not_to_be_checked()
    dialog.get_by_text("6 tools").click()
    expect(dialog).to_contain_text("runs without asking")
    expect(dialog).to_contain_text("asks first")
    assert violations(page) == []
    assert cut(page, 320, 1280) == []


def test_the_page_says_that_a_model_uses_no_tools(page: Page) -> None:
    model = {"id": "small", "provider": "local", "state": "ready", "detail": "", "can": []}
    models = {"models": [model | {"can_known": True}], "default": "small"}
    page.route("**/api/models", lambda route: route.fulfill(json=models))
    page.reload()
    note = page.get_by_text("small uses no tools. It is asked without them.")
    expect(note).to_be_visible()
    with page.expect_request("**/stream") as request:
        ask(page, "play say=Without.")
    assert not request.value.post_data_json.get("tools")
    finished(page, "Without.")


def test_a_page_of_a_server_without_tools_asks_for_none(browser: Browser, server: Program) -> None:
    with fresh_page(browser, server) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        ask(page, "play say=None.")
        finished(page, "None.")
        page.get_by_role("button", name="System prompt and parameters").click()
        dialog = page.get_by_role("dialog", name="This conversation")
        expect(dialog).to_be_visible()
        expect(dialog.get_by_text("Tools")).to_have_count(0)
        assert not [url for url in asked if re.search("api/tools|tool_|tools.css|json_text", url)]
