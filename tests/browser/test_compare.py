"""Several models that answer one question, side by side."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

import pytest
from deadlines import at_most

from .access import violations
from .chat import Locator, Page, announced, ask, composer, counted, expect
from .conftest import Release

MODELS = ["fake-model", "model-b", "model-c"]
SLOW = "gap=0.02;count=60", "gap=0.004;count=200", "say=short"


def play(question: str, *scripts: str, models: list[str] = MODELS) -> str:
    """A question that each model answers with its own script."""
    parts = [f"{model}: {script}" for model, script in zip(models, scripts, strict=True)]
    return f"{question}\nplay {' | '.join(parts)}"


def tick(page: Page, *names: str) -> None:
    """Choose models to compare, with the keyboard."""
    page.locator("#model").click()
    page.get_by_role("button", name="Compare…").click()
    search = page.get_by_role("combobox")
    for name in names:
        search.fill(name)
        search.press("Enter")
    page.get_by_role("button", name="Done").click()


def columns(page: Page) -> Locator:
    return page.locator(".answer-column")


def texts(page: Page) -> list[str]:
    found: list[str] = columns(page).locator(".content").all_text_contents()
    return [text.strip() for text in found]


def compared(page: Page, question: str, *names: str) -> None:
    """Ask with several models, and wait until all have ended."""
    tick(page, *(names or MODELS[1:]))
    ask(page, question)
    expect(columns(page)).to_have_count(1 + len(names or MODELS[1:]))
    ended(page)


def ended(page: Page) -> None:
    expect(page.locator(".answer-column .message[data-state=running]")).to_have_count(0)
    expect(page.locator("#send")).to_be_visible()


@pytest.fixture
def wide(page: Page) -> Page:
    page.set_viewport_size({"width": 1440, "height": 900})
    return page


def test_three_models_answer_side_by_side(wide: Page, seen) -> None:
    before = len(seen()["requests"])
    tick(wide, *MODELS[1:])
    expect(wide.get_by_role("button", name="3 requests")).to_be_visible()
    expect(wide.locator("#model")).to_contain_text("fake-model, model-b, model-c")
    ask(wide, play("which?", *SLOW))
    expect(columns(wide)).to_have_count(3)
    expect(wide.get_by_role("button", name="3 requests")).to_be_hidden()
    ended(wide)
    assert texts(wide) == [counted(60).strip(), counted(200).strip(), "short"]
    assert sorted(r["model"] for r in seen()["requests"][before:]) == MODELS  # in any order
    boxes = [column.bounding_box() for column in columns(wide).all()]
    assert len({box["y"] for box in boxes if box}) == 1 and len({b["x"] for b in boxes if b}) == 3
    expect(wide.locator(".columns-foot")).to_contain_text("follows the answer of fake-model")
    expect(wide.locator("#to-end")).to_be_hidden()


def test_the_answer_that_goes_on_is_the_branch_and_the_others_are_versions(wide: Page) -> None:
    compared(wide, play("go on", "say=first", "say=second", "say=third"))
    wide.get_by_role("button", name="Go on with this: model-b").click()
    expect(columns(wide)).to_have_count(0)
    expect(composer(wide)).to_be_focused()
    expect(wide.locator("#model")).to_contain_text("model-b")
    expect(wide.locator(".versions")).to_contain_text("2/3")
    ask(wide, "and then?\nplay say=fourth")
    expect(wide.locator("article.answer").last).to_contain_text("fourth")
    wide.reload()
    expect(wide.locator("article.answer").first).to_contain_text("second")
    expect(wide.locator("article.answer").last).to_contain_text("fourth")


def test_a_reload_finds_all_answers_again(wide: Page, release: Release, seen) -> None:
    before = len(seen()["requests"])
    tick(wide, *MODELS[1:])
    ask(wide, play("again", *(f"say={a};hold=cmp1;say={b}" for a, b in ("ab", "cd", "ef"))))
    expect(wide.locator(".answer-column .content")).to_have_text(["a", "c", "e"])
    wide.reload()
    expect(wide.locator(".answer-column .content")).to_have_text(["a", "c", "e"])
    release("cmp1")
    ended(wide)
    assert texts(wide) == ["ab", "cd", "ef"]
    wide.reload()
    expect(wide.locator(".answer-column .content")).to_have_text(["ab", "cd", "ef"])
    assert len(seen()["requests"]) == before + 3


@pytest.mark.wide
def test_another_tab_finds_the_running_answers(wide: Page, release: Release) -> None:
    tick(wide, *MODELS[1:])
    ask(wide, play("elsewhere", *(f"say={letter};hold=cmp2" for letter in "abc")))
    expect(wide.locator(".answer-column .content")).to_have_text(["a", "b", "c"])
    other = wide.context.new_page()
    other.set_viewport_size({"width": 1440, "height": 900})
    other.goto(wide.url)
    expect(other.locator(".answer-column .content")).to_have_text(["a", "b", "c"])
    release("cmp2")
    ended(other)
    other.close()
    ended(wide)


@pytest.mark.wide
def test_one_is_stopped_and_continued_while_the_others_go_on(wide: Page, release: Release) -> None:
    tick(wide, *MODELS[1:])
    held = "say={};hold=cmp3;say={}"
    scripts = held.format("a", "b"), "say=c;stall", held.format("e", "f"), "say= and d"
    ask(wide, play("stop", *scripts, models=[*MODELS, "model-b"]))
    expect(wide.locator(".answer-column .content")).to_have_text(["a", "c", "e"])
    column = columns(wide).nth(1)
    column.get_by_role("button", name="Stop").click()
    expect(column.locator(".message")).to_have_attribute("data-state", "stopped")
    column.locator(".status-actions").get_by_role("button", name="Continue").click()
    expect(column.locator(".content")).to_have_text("c and d")
    expect(columns(wide).nth(0).locator(".message")).to_have_attribute("data-state", "running")
    release("cmp3")
    ended(wide)
    assert texts(wide) == ["ab", "c and d", "ef"]


@pytest.mark.wide
def test_a_failure_of_one_repeats_nothing_in_the_others(wide: Page, seen) -> None:
    before = len(seen()["requests"])
    scripts = "say=a", "say=b;error=broken", "say=c", "say=better"
    compared(wide, play("fail", *scripts, models=[*MODELS, "model-b"]))
    column = columns(wide).nth(1)
    expect(column.locator(".message")).to_have_attribute("data-state", "error")
    column.locator(".status-actions").get_by_role("button", name="Regenerate").click()
    expect(column.locator(".content")).to_have_text("better")
    assert texts(wide) == ["a", "better", "c"]
    assert [r["model"] for r in seen()["requests"][before:]] == [*MODELS, "model-b"]


@pytest.mark.wide
def test_what_each_cost_and_all_of_them(wide: Page) -> None:
    def costing(amount: float) -> str:
        usage = {"prompt_tokens": 1, "completion_tokens": 2, "cost": amount}
        chunk = f"data: {json.dumps({'choices': [], 'usage': usage})}\n\n"
        return f"say=a;raw={quote(chunk, safe='')}"

    compared(wide, play("cost", costing(0.25), costing(1.5), "say=free"))
    costs = wide.locator(".column-cost")
    expect(costs.nth(0)).to_contain_text("0.25")
    expect(costs.nth(1)).to_contain_text("1.50")
    expect(wide.locator(".columns-foot")).to_contain_text("1.75 in all.")


@pytest.mark.wide
@pytest.mark.timed
def test_no_frame_is_long_while_three_models_write_fast(wide: Page) -> None:
    wide.evaluate(
        """() => {
          window.long = [];
          new PerformanceObserver((list) => long.push(...list.getEntries().map((e) => e.duration)))
            .observe({type: "longtask"});
        }"""
    )
    tick(wide, *MODELS[1:])
    fast = "gap=0.005;count=600"
    ask(wide, play("fast", fast, fast, fast))
    expect(columns(wide)).to_have_count(3)
    wide.evaluate("() => void (long.length = 0)")  # what was loaded counts elsewhere
    ended(wide)
    assert texts(wide) == [counted(600).strip()] * 3
    longest = wide.evaluate("Math.max(0, ...long)")
    print(f"longest task: {longest:.0f} ms")
    assert longest <= at_most(0.05) * 1000


@pytest.mark.wide
@pytest.mark.parametrize("size", [(1440, 900), (900, 800), (320, 700)])
def test_columns_and_tabs_are_accessible(page: Page, size: tuple[int, int]) -> None:
    compared(page, play("axe", "say=first", "say=second;error=broken", "say=third"))
    page.set_viewport_size({"width": size[0], "height": size[1]})
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert violations(page) == []
    page.evaluate("() => void (document.documentElement.dir = 'rtl')")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


@pytest.mark.wide
def test_from_right_to_left_the_first_column_is_at_the_right(wide: Page) -> None:
    compared(wide, play("rtl", "say=first", "say=second", "say=third"))
    wide.evaluate("() => void (document.documentElement.dir = 'rtl')")
    places = [column.bounding_box()["x"] for column in columns(wide).all()]  # type: ignore[index]
    assert places == sorted(places, reverse=True)
    wide.set_viewport_size({"width": 320, "height": 700})
    wide.get_by_role("tab").first.press("ArrowLeft")
    expect(wide.get_by_role("tabpanel", name="model-b")).to_contain_text("second")


@pytest.mark.wide
def test_below_56rem_the_answers_are_tabs(page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 700})
    compared(page, play("tabs", "say=first", "say=second", "say=third"))
    tabs = page.get_by_role("tab")
    expect(tabs).to_have_text(MODELS)
    expect(page.get_by_role("tabpanel")).to_have_count(1)
    tabs.first.press("ArrowRight")
    expect(tabs.nth(1)).to_be_focused()
    expect(page.get_by_role("tabpanel", name="model-b")).to_contain_text("second")
    tabs.nth(1).press("End")
    expect(page.get_by_role("tabpanel", name="model-c")).to_contain_text("third")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.get_by_role("button", name="Go on with this: model-c").click()
    expect(page.locator("article.answer")).to_contain_text("third")


def test_a_button_on_which_the_pointer_comes_to_lie_shows_no_tooltip(page: Page) -> None:
    """The list of models closes under a pointer that rests: nobody has asked what is below it, and
    the tooltip could cover *Send*."""
    page.set_viewport_size({"width": 320, "height": 700})
    tick(page, *MODELS[1:])
    page.wait_for_timeout(1000)
    expect(page.locator(".tooltip")).to_have_count(0)


@pytest.mark.wide
def test_the_announcer_says_two_sentences_for_each(wide: Page) -> None:
    tick(wide, *MODELS[1:])
    wide.evaluate(
        """() => {
          const heard = (window.heard = []);
          new MutationObserver(() => heard.push(document.querySelector("#announcer").textContent))
            .observe(document.querySelector("#announcer"), {childList: true});
        }"""
    )
    ask(wide, play("say", "say=first", "say=second;error=broken", "say=third"))
    expect(columns(wide)).to_have_count(3)
    ended(wide)
    wide.evaluate(
        "async () => { while (heard.length < 6) await new Promise(requestAnimationFrame); }"
    )
    heard = wide.evaluate("window.heard")
    (failed,) = [sentence for sentence in heard if sentence.startswith("model-b stopped answering")]
    assert sorted(heard) == sorted(
        [f"{model} is answering." for model in MODELS]
        + [f"{model}: the answer is complete." for model in ("fake-model", "model-c")]
        + [failed]
    )


def test_a_page_that_compares_nothing_loads_nothing_of_it(page: Page) -> None:
    ask(page, "alone\nplay say=alone")
    expect(page.locator("article.answer")).to_contain_text("alone")
    loaded = page.evaluate("performance.getEntriesByType('resource').map(({name}) => name)")
    assert not [name for name in loaded if re.search("compar|columns", name)]


@pytest.mark.wide
def test_what_is_ticked_stays_over_a_reload_until_it_is_unticked(wide: Page) -> None:
    tick(wide, "model-b")
    expect(wide.get_by_role("button", name="2 requests")).to_be_visible()
    wide.reload()
    wide.get_by_role("button", name="2 requests").click()
    expect(wide.get_by_role("option", name="model-b")).to_have_attribute("aria-selected", "true")
    search = wide.get_by_role("combobox")
    for name in ("model-c", "model-d"):
        search.fill(name)
        search.press("Enter")
    expect(wide.get_by_role("option", selected=True)).to_have_count(3)
    expect(announced(wide)).to_have_text("3 models at most.")
    for name in ("model-b", "model-c"):
        wide.get_by_role("option", name=name).click()
    wide.get_by_role("button", name="Done").click()
    expect(wide.locator(".compare-count")).to_be_hidden()
    ask(wide, "one\nplay say=one")
    expect(wide.locator("article.answer")).to_contain_text("one")
    expect(columns(wide)).to_have_count(0)
