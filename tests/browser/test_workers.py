"""A reader's whole life over two workers: the page notices that there are two only when one dies.

`BROWSER_WORKERS=2` runs all other tests of this folder over two workers.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from workers.pair import stopped, workers_of

from .chat import Page, ask, content, counted, expect, status, text
from .conftest import REPORT_VIOLATIONS, VIEWPORT, Program, Watch
from .test_returning import NETWORK


@pytest.mark.wide
def test_a_readers_life_over_two_workers(
    run: Callable[..., Program], upstream: Program, browser: Any, tmp_path: Path
) -> None:
    environ = {"OPENAI_BASE_URL": upstream.url, "OPENAI_MODEL": "fake-model"}
    arguments = "--port", "0", "--data-dir", str(tmp_path), "--workers", "2"
    program = run("main.py", *arguments, **environ | {"OPENAI_API_KEY": "sk-x"})
    one, two = workers_of(program.process.pid)
    watch = Watch(program.url)
    watch.allow(NETWORK)
    pages: list[Page] = []

    def open_at(worker: int, url: str) -> Page:
        """The page in a browser of its own, whose first connections are to this worker."""
        context = browser.new_context(viewport=VIEWPORT, reduced_motion="reduce")
        context.add_init_script(REPORT_VIOLATIONS)
        pages.append(page := context.new_page())
        watch.on(page)
        with stopped([pid for pid in workers_of(program.process.pid) if pid != worker]):
            page.goto(url)
        return page

    first = open_at(one, program.url)
    ask(first, "play gap=0.02;count=5000")
    expect(content(first)).to_contain_text("t3 ")
    second = open_at(two, first.url)
    expect(content(second)).to_contain_text("t40 ")
    second.get_by_role("button", name="Stop", exact=True).click()
    for page in (first, second):
        expect(status(page)).to_contain_text("Stopped")
    assert text(first) == text(second) == counted(len(text(first).split()))
    ask(second, "asked at the second")
    for page in (second, first):
        page.bring_to_front()
        expect(content(page)).to_have_text("asked at the second")
        expect(status(page)).to_contain_text("fake-model ·")
    ask(first, "play gap=0.02;count=1000 | say=the rest;finish=stop;done")
    for page in (first, second):
        expect(content(page)).to_contain_text("t99 ")  # so that its beginning has been saved
    for worker in (one, two):  # whichever writes it
        os.kill(worker, signal.SIGKILL)
    for page in (first, second):
        page.bring_to_front()
        expect(status(page)).to_contain_text("The answer was interrupted")
    kept = text(first)
    assert kept == text(second) == counted(len(kept.split()))
    first.get_by_text("Continue", exact=True).click()
    expect(status(first)).to_contain_text("fake-model ·")
    assert text(first) == f"{kept}the rest"
    expect(content(second)).to_have_text(text(first).strip())
    for page in pages:
        page.context.close()
    assert not watch.unexpected()
