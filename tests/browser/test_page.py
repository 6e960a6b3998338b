"""The page itself: the model's name, first steps, contrast, widths, landmarks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Literal

import pytest

from .chat import Locator, Page, Route, ask, content, expect, status
from .conftest import VIEWPORT, Program, Watch

DEMO = {"id": "smollm2-135m", "provider": "local", "state": "ready", "detail": ""}
#: The contrast (WCAG 2.2) of every element that has text, against its background.
CONTRASTS = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (; element; element = element.parentElement) {
      const color = rgba(getComputedStyle(element).backgroundColor);
      if (color[3] === 255) return color;
    }
    return rgba("white");
  };
  const own = (element) => [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  return [...document.body.querySelectorAll("*")]
    .filter((e) => own(e) && e.checkVisibility() && !e.closest(".visually-hidden, .skip, noscript"))
    .map((e) => {
      const [a, b] = [luminance(rgba(getComputedStyle(e).color)), luminance(ground(e))];
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      return [ratio, `${e.tagName}.${e.className}: ${e.textContent.trim().slice(0, 30)}`];
    });
}"""


def test_the_model_is_named(page: Page) -> None:
    expect(page.get_by_role("button", name="Model: fake-model")).to_be_visible()
    expect(page.locator("#welcome-setup")).to_be_hidden()
    dialog = _open_setup(page)
    expect(dialog).to_contain_text("OPENAI_API_KEY=sk-… python main.py")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name=re.compile("^Model:"))).to_be_focused()


def test_the_welcome_names_the_model_and_how_to_use_another(page: Page) -> None:
    expect(page.get_by_text("The model here is fake-model.")).to_be_visible()
    own = page.get_by_role("button", name="Use your own model…")
    own.click()
    dialog = page.get_by_role("dialog", name="Use your own model")
    expect(dialog).to_contain_text("OPENAI_BASE_URL=http://localhost:11434/v1")
    page.keyboard.press("Escape")
    expect(own).to_be_focused()


def test_the_demo_model_says_how_to_use_another(page: Page) -> None:
    answers = [{**DEMO, "state": "loading"}, {**DEMO, "state": "loading"}, DEMO]
    asked: list[str] = []

    def models(route: Route) -> None:
        model = answers[min(len(asked), 2)]
        asked.append(model["state"])
        route.fulfill(json={"models": [model], "default": model["id"]})

    page.route("**/api/models", models)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.reload()
    button = page.get_by_role("button", name="Model: smollm2-135m")
    expect(button).to_contain_text("loading…")
    setup = page.locator("#welcome-setup")
    expect(setup).to_contain_text("This is a small demo model")
    expect(button).to_have_attribute("data-state", "ready")
    assert asked == ["loading", "loading", "ready"]
    setup.get_by_role("button", name="Copy the line for Ollama").click()
    expect(setup.get_by_role("button", name="Copy the line for Ollama")).to_have_text("Copied")
    line = "OPENAI_BASE_URL=http://localhost:11434/v1 OPENAI_MODEL=llama3.2 python main.py"
    assert page.evaluate("navigator.clipboard.readText()") == line
    ask(page, "hi")
    expect(_open_setup(page)).to_contain_text(line)


def test_without_a_clipboard_the_command_is_copied_or_selected(page: Page) -> None:
    page.evaluate("() => { delete Navigator.prototype.clipboard }")
    _open_setup(page)
    copy = page.get_by_role("button", name="Copy the line for your own API key")
    copy.click()
    expect(copy).to_have_text("Copied")
    assert page.evaluate("getSelection().toString()") == "OPENAI_API_KEY=sk-… python main.py"


def test_a_model_that_failed_says_why_and_what_to_set(
    open_page: Callable[..., Page], serve: Callable[..., Program]
) -> None:
    server = serve(OPENAI_BASE_URL="http://127.0.0.1:9/v1")
    page = open_page(server.url)
    expect(page.get_by_role("button", name=re.compile("^Model:"))).to_contain_text("not available")
    setup = page.locator("#welcome-setup")
    expect(setup).to_contain_text("The model cannot be used")
    expect(setup).to_contain_text("The model’s server cannot be reached.")
    expect(setup).to_contain_text("127.0.0.1:9")
    expect(setup).to_contain_text("OPENAI_API_KEY=sk-… python main.py")
    _assert_fits(page, 320)
    assert page.locator("#scroller").evaluate("element => element.scrollTop") == 0
    expect(page.get_by_role("button", name="To the newest text")).to_be_hidden()


def test_what_is_wrong_is_said_once(
    open_page: Callable[..., Page], serve: Callable[..., Program]
) -> None:
    page = open_page(serve(TORNADO_STREAM_NO_LOCAL="1", TORNADO_STREAM_NO_DISCOVERY="1").url)
    lead = page.locator("#welcome-setup-lead")
    expect(lead).to_contain_text("it is switched off (--no-local)")
    assert lead.inner_text().count("The local model cannot run") == 1


def test_a_model_that_failed_is_asked_for_again_after_an_answer(page: Page) -> None:
    states = ["failed"]

    def models(route: Route) -> None:
        route.fulfill(json={"models": [{**DEMO, "state": states[0]}], "default": DEMO["id"]})

    page.route("**/api/models", models)
    page.reload()
    button = page.get_by_role("button", name="Model: smollm2-135m")
    expect(button).to_contain_text("not available")
    states[0] = "ready"
    ask(page, "hi")
    expect(button).to_have_attribute("data-state", "ready")
    button.click()
    expect(page.get_by_role("listbox")).to_be_visible()
    # There is nothing to compare the only model of this machine with.
    expect(page.get_by_role("button", name="Compare…")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_enough_contrast(page: Page, scheme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=scheme)
    background = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert (sum(json.loads(background.replace("rgb", "").translate({40: 91, 41: 93}))) < 300) == (
        scheme == "dark"
    )
    _assert_contrast(page)
    error = "%7B%22error%22:%7B%22message%22:%22no%22%7D%7D"
    for question in ("hello", "play say=Half;close", f"play status=400;body={error}"):
        ask(page, question)
        expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    ask(page, "play think=hm;stall")
    expect(status(page)).to_have_text("Thinking…")
    _assert_contrast(page)
    page.get_by_role("button", name=re.compile("^Model:")).click()
    expect(page.get_by_role("listbox")).to_be_visible()
    _assert_contrast(page)
    page.locator(".picker").get_by_role("button", name="Use your own model").click()
    expect(page.get_by_role("dialog", name="Use your own model")).to_be_visible()
    _assert_contrast(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="System prompt and parameters").click()
    page.get_by_label("temperature").fill("much")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("This is not a number.")).to_be_visible()
    _assert_contrast(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Keyboard shortcuts").click()
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    _assert_contrast(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(status(page)).to_contain_text("Stopped")


def test_nothing_is_wider_than_the_page(page: Page) -> None:
    widths = (320, 360, 768, 1440)
    _assert_fits(page, *widths)
    long = "x" * 400 + " " + "https://example.org/" + "y" * 300
    ask(page, long)
    expect(content(page)).to_have_text(long)
    _assert_fits(page, *widths)
    for opener in ("Model:", "System prompt and parameters", "Settings"):
        page.set_viewport_size(VIEWPORT)
        page.get_by_role("button", name=opener).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        _assert_fits(page, *widths)
        page.keyboard.press("Escape")


def test_the_page_has_landmarks_and_names(page: Page) -> None:
    for role in ("banner", "navigation", "main", "contentinfo"):
        expect(page.get_by_role(role)).to_have_count(1)  # type: ignore[arg-type]
    log = page.locator("[role=log]")
    expect(log).to_have_attribute("aria-live", "off")
    assert page.locator("[aria-live=polite]").count() == 1
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, textarea, dialog, a, [role=region]")]
        .concat(...document.querySelectorAll("input:not([type=hidden], [hidden])"))
        .filter((e) => !(e.ariaLabel || e.ariaLabelledByElements?.length || e.labels?.length
                         && e.tagName !== "BUTTON" || e.textContent.trim()))
        .map((e) => e.outerHTML)"""
    )
    assert nameless == []


def test_the_page_not_found(page: Page, server: Program, watch: Watch) -> None:
    watch.allow("status of 404")
    page.goto(f"{server.url}no/such/page")
    expect(page.get_by_role("heading")).to_be_visible()
    expect(page.get_by_text("404")).to_be_visible()
    page.get_by_role("link", name="Back to the chat").click()
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()


def _open_setup(page: Page) -> Locator:
    """Open the instructions for another model, from the list of models."""
    page.get_by_role("button", name=re.compile("^Model:")).click()
    page.locator(".picker").get_by_role("button", name="Use your own model").click()
    return page.get_by_role("dialog", name="Use your own model")


def _assert_contrast(page: Page) -> None:
    contrasts: list[tuple[float, str]] = page.evaluate(CONTRASTS)
    assert contrasts
    assert [found for found in contrasts if found[0] < 4.5] == []


def _assert_fits(page: Page, *widths: int) -> None:
    for width in widths:
        page.set_viewport_size({"width": width, "height": 740})
        sizes: dict[str, Any] = page.evaluate(
            """() => ({wide: [...document.querySelectorAll("body, body *")]
              .filter((e) => e.checkVisibility() && !e.closest(".visually-hidden, .skip, svg"))
              .filter((e) => e.getBoundingClientRect().right > innerWidth + 0.5)
              .map((e) => e.className || e.tagName),
              page: document.documentElement.scrollWidth - innerWidth})"""
        )
        assert sizes == {"wide": [], "page": 0}, width
