"""An answer that is shown again at the pace at which it was written."""

from __future__ import annotations

import pytest

from .chat import Page, answer, ask, content, expect

pytestmark = pytest.mark.wide


def test_an_answer_is_replayed_from_its_log(page: Page) -> None:
    ask(page, "play think=hm;gap=0.05;count=20;say=**end**")
    expect(content(page)).to_contain_text("end")
    answer(page).get_by_role("button", name="Details").click()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
    shown = answer(page).locator(".replay-shown")
    seconds = {}
    for pace in (16, 1):
        began = page.evaluate("performance.now()")
        answer(page).get_by_role(
            "button", name=f"Replay as it was written ×{pace}", exact=True
        ).click()
        if pace == 1:
            expect(shown).to_contain_text("t3")
        expect(shown).to_have_attribute("data-ended", "true")
        seconds[pace] = (page.evaluate("performance.now()") - began) / 1000
        expect(shown.locator("strong")).to_have_text("end")
        expect(shown).to_contain_text("hm")
    assert seconds[1] > seconds[16] and seconds[1] > 0.9
    logs = [one for one in asked if "/stream" in one]
    assert len(logs) == 1 and logs[0].startswith("GET") and logs[0].endswith("?live=0")
