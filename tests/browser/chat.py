"""How tests find the parts of the page, and how they ask a question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")

from playwright.sync_api import Locator, Page, Response, Route, expect

__all__ = [
    "Locator",
    "Page",
    "Response",
    "Route",
    "announced",
    "answer",
    "ask",
    "composer",
    "content",
    "counted",
    "expect",
    "held_back",
    "listed",
    "status",
    "text",
]


def ask(page: Page, question: str) -> None:
    page.get_by_label("Your question").fill(question)
    page.get_by_role("button", name="Send", exact=True).click()


def text(page: Page) -> str:
    """The text of the newest answer, with all its white space."""
    found: str = content(page).evaluate("element => element.textContent")
    return found


def listed(page: Page) -> Locator:
    """The conversations in the list."""
    return page.get_by_role("navigation", name="Conversations").get_by_role("listitem")


def counted(count: int) -> str:
    """The text that the fake upstream sends for the step `count`."""
    return "".join(f"t{number} " for number in range(count))


def answer(page: Page) -> Locator:
    """The newest answer."""
    return page.get_by_role("article", name="Answer").last


def content(page: Page) -> Locator:
    """The text of the newest answer."""
    return answer(page).locator(".content")


def status(page: Page) -> Locator:
    """The status line of the newest answer."""
    return answer(page).locator(".status")


def held_back(page: Page, path: str) -> Callable[[], None]:
    """Hold back the response of one request, until the function that is returned is called."""
    routes: list[Any] = []
    page.route(path, lambda route: routes.append(route), times=1)

    def release() -> None:
        while not routes:
            page.evaluate("new Promise(requestAnimationFrame)")
        routes[0].continue_()

    return release


def composer(page: Page) -> Locator:
    return page.get_by_label("Your question")


def announced(page: Page) -> Locator:
    return page.locator("#announcer")
