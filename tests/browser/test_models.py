"""The list of models, and answers of several models."""

from __future__ import annotations

import json
import re

import pytest

from .chat import Page, Route, answer, ask, content, expect, status

PRICE = {"input": 0.25, "output": 2.0, "cached_input": None, "currency": "USD"}


def model(name: str, provider: str = "cloud", **more: object) -> dict[str, object]:
    known = {"state": "ready", "code": "", "detail": "http://10.1.2.3:8000/v1 (a file)"}
    return {"id": name, "provider": provider, "maker": "", **known, "price": None, **more}


def offer(page: Page, *models: dict[str, object]) -> None:
    listed = {"models": models, "default": models[0]["id"]}
    page.route("**/api/models", lambda route: route.fulfill(json=listed))
    page.reload()
    expect(page.get_by_role("button", name=f"Model: {models[0]['id']}")).to_be_visible()


@pytest.mark.parametrize("count", [30, 300])
def test_ten_of_many_models_are_seen_with_what_is_known_of_them(page: Page, count: int) -> None:
    known = {"context": 131072, "can": ["vision", "tools", "reasoning"], "price": PRICE}
    offer(page, *(model(f"maker-{number % 7}/model-{number}", **known) for number in range(count)))
    page.set_viewport_size({"width": 1440, "height": 820})
    page.get_by_role("button", name=re.compile("^Model:")).click()
    options = page.get_by_role("option")
    expect(options).to_have_count(count)
    expect(options.first).to_have_text(
        "maker-0/model-0default · 131k tokens · $0.25 in, $2 out per 1M tokens"
        " · vision · tools · reasoning"
    )
    seen = page.locator("#picker-list").evaluate(
        """(list) => { const frame = list.getBoundingClientRect();
          const isSeen = ({top, bottom}) => top >= frame.top - 1 && bottom <= frame.bottom + 1;
          return [...list.querySelectorAll("[role=option]")]
            .filter((one) => isSeen(one.getBoundingClientRect())).length; }"""
    )
    assert seen >= 10


def test_favourites_and_the_last_used_come_first_by_keyboard_alone(page: Page) -> None:
    away = model("lost", "attic", state="failed", code="connect_failed")
    offer(page, model("a"), model("b"), model("c"), model("d", "desk"), away)
    page.keyboard.press("Alt+Shift+M")
    picker = page.get_by_role("dialog", name="Choose a model")
    headings = picker.locator(".picker-heading")
    expect(headings).to_have_text(["cloud", "desk", "attic"])
    attic = page.get_by_role("group", name="attic")
    expect(attic.locator(".picker-why")).to_have_text("cannot be reached at the moment")
    assert "10.1.2.3" not in picker.inner_text()
    search = page.get_by_role("combobox")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+Enter")
    expect(page.locator("#announcer")).to_have_text("“c” is now a favourite")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Model: b")).to_be_visible()
    page.reload()
    page.keyboard.press("Alt+Shift+M")
    expect(headings).to_have_text(["Favourites", "Last used", "cloud", "desk", "attic"])
    expect(page.get_by_role("option").first).to_contain_text("favourite")
    order = ["c", "b", "a", "d", "lost"]
    assert picker.locator(".picker-name").all_text_contents() == order
    expect(page.get_by_role("option", selected=True)).to_have_id(
        search.get_attribute("aria-activedescendant") or "no option is active"
    )
    picker.locator(".picker-star").first.click()
    expect(page.locator("#announcer")).to_have_text("“c” is no longer a favourite")
    page.keyboard.press("Escape")
    expect(page.get_by_label("Your question")).to_be_focused()


def test_an_answer_of_another_model_is_a_version_with_its_name(page: Page) -> None:
    sent: list[dict[str, object]] = []

    def take(route: Route) -> None:
        sent.append(json.loads(route.request.post_data or ""))
        route.continue_()

    page.route("**/stream", take)
    offer(page, model("fake-model"), model("maker/other"), model("third"))
    ask(page, "who?\nplay say=one | say=two | say=three")
    expect(content(page)).to_have_text("one")
    for name, text in (("maker/other", "two"), ("third", "three")):
        answer(page).hover()
        button = answer(page).get_by_role("button", name="Regenerate with another model")
        button.click()
        picker = page.get_by_role("dialog", name="Regenerate with another model")
        expect(picker.get_by_role("combobox")).to_be_focused()
        page.keyboard.press("Escape")
        expect(button).to_be_focused()
        page.keyboard.press("Enter")
        page.get_by_role("option", name=name).click()
        expect(content(page)).to_have_text(text)
        assert sent[-1]["model"] == name
    expect(status(page)).to_contain_text("third")
    versions = answer(page).locator(".versions")
    expect(versions).to_have_text("3/3 · third")
    expect(page.get_by_role("button", name="Model: fake-model")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    versions.get_by_role("button", name="Previous version").click()
    expect(answer(page).locator(".versions")).to_have_text("2/3 · other")
    expect(page.locator("#announcer")).to_have_text("Version 2 of 3, maker/other")
    answer(page).get_by_role("button", name="Previous version").click()
    expect(answer(page).locator(".versions")).to_have_text("1/3 · fake-model")
    page.reload()
    expect(answer(page).locator(".versions")).to_have_text("1/3 · fake-model")
