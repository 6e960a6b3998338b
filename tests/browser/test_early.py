"""A slow network: what is written and sent before the page's modules have arrived."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from .chat import Page, ask, composer, content, expect
from .conftest import REPORT_VIOLATIONS, Browser, Program, Watch

APP = "**/js/app.js"


class Held:
    """Holds the page's entry module back."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._routes: list[Callable[[], None]] = []
        page.route(APP, lambda route: self._routes.append(route.continue_))

    def let_go(self) -> None:
        self._page.wait_for_timeout(0)
        for go_on in self._routes:
            go_on()
        self._page.unroute(APP)


@pytest.fixture
def slow(tab: Page, server: Program, watch: Watch) -> Iterator[Page]:
    tab.goto(server.url)
    tab.evaluate("() => (localStorage.clear(), sessionStorage.clear())")
    yield tab
    tab.unroute_all(behavior="ignoreErrors")


@pytest.mark.wide
def test_what_is_typed_before_the_modules_run_is_kept(slow: Page, server: Program) -> None:
    ask(slow, "one")
    expect(content(slow)).to_have_text("one")
    address = slow.url
    for url, draft in ((server.url, ""), (address, "an old draft")):
        slow.goto(url)
        composer(slow).fill(draft)
        slow.wait_for_timeout(400) if draft else None
        held = Held(slow)
        slow.goto(url, wait_until="commit")
        composer(slow).press_sequentially("typed early")
        held.let_go()
        expect(slow.locator("#composer[data-taken]")).to_be_attached()
        expect(composer(slow)).to_have_value(f"{draft}\ntyped early" if draft else "typed early")
        composer(slow).press_sequentially(", and late")
        expect(composer(slow)).to_have_value(f"{draft}\ntyped early, and late".strip())


def test_enter_before_the_modules_run_sends_once(slow: Page, server: Program) -> None:
    held = Held(slow)
    slow.goto(server.url, wait_until="commit")
    composer(slow).press_sequentially("sent early")
    composer(slow).press("Shift+Enter")
    composer(slow).press_sequentially("in two lines")
    composer(slow).press("Enter")
    composer(slow).press("Enter")
    expect(composer(slow)).to_have_value("sent early\nin two lines")
    expect(composer(slow)).not_to_be_editable()
    held.let_go()
    expect(slow.locator("article.message.user .text")).to_have_text("sent early\nin two lines")
    expect(content(slow)).to_have_text("sent early\nin two lines")
    expect(composer(slow)).to_have_value("")
    expect(composer(slow)).to_be_editable()
    expect(slow.locator("article.message.user")).to_have_count(1)


def test_a_module_that_does_not_arrive_unlocks_the_box(
    slow: Page, server: Program, watch: Watch
) -> None:
    watch.allow("Failed to load resource")
    waiting = []
    slow.route(APP, lambda route: waiting.append(route))
    slow.goto(server.url, wait_until="commit")
    composer(slow).press_sequentially("kept")
    slow.get_by_role("button", name="Send", exact=True).click()
    expect(composer(slow)).not_to_be_editable()
    waiting[0].abort()
    expect(composer(slow)).to_be_editable()
    expect(composer(slow)).to_have_value("kept")


@pytest.mark.wide
def test_a_first_visit_over_a_slow_line(browser: Browser, server: Program) -> None:
    """400 ms and 50 KB/s: what is typed stays, and Enter sends before all scripts are there."""
    context = browser.new_context(reduced_motion="reduce")
    context.add_init_script(REPORT_VIOLATIONS)
    page = context.new_page()
    watch = Watch(server.url)
    watch.on(page)
    devtools = context.new_cdp_session(page)
    line = {"latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
    devtools.send("Network.enable")
    devtools.send("Network.emulateNetworkConditions", {"offline": False, **line})
    page.goto(server.url, wait_until="commit")
    composer(page).press_sequentially("typed while it loads")
    composer(page).press("Enter")
    assert page.locator("#composer[data-taken]").count() == 0, "the scripts are not there yet"
    expect(composer(page)).to_have_value("typed while it loads")
    expect(page.locator("article.message.user .text")).to_have_text("typed while it loads")
    expect(content(page)).to_have_text("typed while it loads")
    expect(page.locator("article.message.user")).to_have_count(1)
    expect(composer(page)).to_have_value("")
    context.close()
    assert watch.unexpected() == []
