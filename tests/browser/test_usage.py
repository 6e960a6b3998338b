"""What answers cost on the page: the notice of a budget, a refused question, and the usage page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .access import violations
from .chat import answer, ask, composer, content, expect, status
from .conftest import REPORT_VIOLATIONS, Browser, Program, Watch

CONFIG = """
[upstream.priced]
base_url = "{url}"
models = ["fake-model"]
[upstream.priced.prices]
fake-model = {{ input = 1000, output = 1000 }}
[budget]
amount = 0.001
"""
REFUSED = r"Failed to load resource: .* 429 \(Too Many"


@pytest.mark.wide
def test_a_budget_is_told_and_the_usage_page_shows_where_it_went(
    browser: Browser, serve: Callable[..., Program], upstream: Program, tmp_path: Path
) -> None:
    config = tmp_path / "priced.toml"
    config.write_text(CONFIG.format(url=upstream.url))
    program = serve(TORNADO_STREAM_CONFIG=str(config))
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, color_scheme="dark", reduced_motion="reduce"
    )
    context.add_init_script(REPORT_VIOLATIONS)
    page = context.new_page()
    watch = Watch(program.url)
    watch.allow(REFUSED)
    watch.on(page)
    page.goto(program.url)
    ask(page, "play say=A costly answer.")
    expect(content(page)).to_have_text("A costly answer.")
    expect(answer(page)).to_contain_text("0 USD are left of your budget.")
    ask(page, "And another one?")
    expect(status(page)).to_contain_text("You have spent your budget of this month.")
    expect(status(page)).not_to_contain_text("Try again in")
    expect(composer(page)).to_have_value("And another one?")
    page.locator("#side-toggle").click()
    page.get_by_role("link", name="Usage").click()
    expect(page.get_by_role("heading", name="Usage")).to_be_visible()
    expect(page.get_by_role("img", name="Cost of each day").locator(".usage-bar")).to_have_count(30)
    page.get_by_label("By").select_option("model")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("rowheader", name="fake-model")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(page) == []
    page.emulate_media(color_scheme="light")
    assert violations(page) == []
    context.close()
    assert watch.unexpected() == []
