"""Conversations of other programs come in by the settings: chosen, dropped, stopped, told about."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chat.imports import samples
from chat.imports.exports import chatgpt_archive

from .access import violations
from .chat import expect
from .conftest import Browser, Program, Watch, fresh_page
from .test_settings import open_settings

#: Drops a file onto the dialog, as a file manager does.
DROP = """([name, data]) => {
  const dialog = document.querySelector("dialog.settings");
  const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], name));
  const how = {dataTransfer, bubbles: true, cancelable: true};
  const fire = (type) => dialog.dispatchEvent(new DragEvent(type, how));
  fire("dragover");
  const hint = getComputedStyle(dialog, "::after").content;
  fire("drop");
  return [hint, dialog.dataset.drop ?? ""];
}"""


@pytest.fixture
def program(serve: Callable[..., Program], upstream: Program) -> Program:
    """A server that only this test uses."""
    return serve(OPENAI_BASE_URL=upstream.url, OPENAI_MODEL="fake-model", OPENAI_API_KEY="sk-x")


@pytest.fixture
def own(browser: Browser, program: Program) -> Callable[..., Any]:
    """Opens pages of that server."""
    return lambda **options: fresh_page(browser, program, **options)


def choose(dialog: Any, *paths: Path) -> None:
    with dialog.page.expect_file_chooser() as chooser:
        dialog.get_by_role("button", name="Import…").click()
    chooser.value.set_files(list(paths))


def results(dialog: Any) -> Any:
    return dialog.locator(".import [role=status]")


def test_a_file_is_imported_and_its_conversations_go_on(own: Any, tmp_path: Path) -> None:
    archive = chatgpt_archive(tmp_path / "ChatGPT export.zip")
    with own() as page:
        dialog = open_settings(page)
        choose(dialog, archive)
        expect(results(dialog)).to_have_text("6 conversations imported")
        item = dialog.locator(".import")
        expect(item).to_contain_text("ChatGPT export.zip")
        expect(item).to_contain_text("12 hidden messages and steps of tools were left out.")
        expect(item.locator("progress")).to_have_count(0)
        choose(dialog, archive)
        expect(results(dialog).last).to_have_text("Nothing is new. · 6 were here already")
        page.keyboard.press("Escape")
        rows = page.locator("#conversations [data-id], #conversations li a")
        expect(page.locator("#conversations")).to_contain_text("Rolling back 3")
        rows.filter(has_text="Rolling back 3").first.click()
        messages = page.locator("#transcript")
        expect(messages).to_contain_text("Edited question")
        expect(messages).to_contain_text("Step two.")
        expect(messages).to_contain_text("2/2")  # the other branch is there too
        page.get_by_role("button", name="Previous version").last.press("Enter")
        picture = messages.get_by_role("img", name="shot.png")
        expect(picture).to_be_visible()
        width = "(image) => image.decode().then(() => image.naturalWidth)"
        assert picture.evaluate(width) == 40


@pytest.mark.wide
def test_what_is_not_imported_is_told_and_nothing_is_no_success(own: Any, tmp_path: Path) -> None:
    some, none, foreign = tmp_path / "some.json", tmp_path / "none.json", tmp_path / "hello.txt"
    broken = {"title": "Broken <b>one</b>", "id": "x"}
    empty = samples.chatgpt() | {"mapping": {}, "title": "Nothing said"}
    some.write_text(json.dumps([samples.chatgpt(2), broken, empty]))
    none.write_text(json.dumps([empty]))
    foreign.write_text("hello")
    with own() as page:
        dialog = open_settings(page)
        choose(dialog, some, none, foreign)
        expect(results(dialog)).to_have_count(3)
        first, second, third = (results(dialog).nth(n) for n in range(3))
        expect(first).to_have_text("1 conversation imported · 2 could not be imported")
        expect(second).to_have_text(re.compile("^Nothing was imported. There are no conversations"))
        expect(third).to_have_text("Nothing was imported. Its form is not known.")
        expect(second).to_have_class(re.compile("import-bad"))
        assert "import-bad" not in (first.get_attribute("class") or "")
        details = dialog.locator(".import-skipped").first
        details.locator("summary").press("Enter")
        expect(details).to_contain_text("Broken <b>one</b>: Its form is not known.")
        expect(details).to_contain_text("Nothing said: Nobody has said anything in it.")


@pytest.mark.wide
@pytest.mark.parametrize("width", [390, 1440])
def test_a_dropped_file_is_imported_at_every_width(own: Any, tmp_path: Path, width: int) -> None:
    archive = chatgpt_archive(tmp_path / f"{'a long name ' * 8}.zip", count=2)
    data = base64.b64encode(archive.read_bytes()).decode()
    with own(viewport={"width": width, "height": 780}, reduced_motion="reduce") as page:
        page.locator("body").press("Alt+Shift+E")
        dialog = page.get_by_role("dialog", name="Settings", exact=True)
        expect(dialog).to_be_visible()
        hint, after = page.evaluate(DROP, [archive.name, data])
        assert "Drop the file here" in hint and after == ""
        expect(results(dialog)).to_have_text("2 conversations imported")
        assert page.evaluate("document.querySelector('.settings-body').scrollWidth") <= width
        assert violations(page) == []


def many(path: Path) -> Path:
    path.write_text(json.dumps([samples.chatgpt(number) for number in range(4000)]))
    return path


@pytest.mark.wide
def test_an_import_is_seen_after_a_reload_and_stopped(own: Any, tmp_path: Path) -> None:
    with own() as page:
        dialog = open_settings(page)
        choose(dialog, many(tmp_path / "many.json"))
        expect(dialog.locator(".import")).to_contain_text(re.compile("conversations? imported"))
        page.reload()
        dialog = open_settings(page)
        item = dialog.locator(".import")
        expect(item).to_contain_text("many.json")
        expect(item).to_contain_text(re.compile("conversations imported"))
        expect(item.get_by_role("progressbar")).to_be_visible()
        item.get_by_role("button", name="Stop: many.json").press("Enter")
        expect(results(dialog)).to_have_text(
            re.compile(r"^The import was stopped\. · [\d,]+ conversations imported$")
        )
        expect(results(dialog)).to_be_focused()


@pytest.mark.wide
def test_the_server_refuses_with_words(browser: Browser, program: Program, tmp_path: Path) -> None:
    """Another import of the same user runs."""
    context = browser.new_context()
    page, watch = context.new_page(), Watch(program.url)
    watch.allow(r"Failed to load resource: .* 409 \(")
    watch.on(page)
    page.goto(program.url)
    dialog = open_settings(page)
    choose(dialog, many(tmp_path / "many.json"))
    expect(dialog.locator(".import")).to_contain_text("imported")
    page.reload()
    dialog = open_settings(page)
    expect(dialog.locator(".import")).to_have_count(1)
    choose(dialog, chatgpt_archive(tmp_path / "x.zip"))
    expect(results(dialog).last).to_contain_text("Another import of yours is running.")
    dialog.get_by_role("button", name="Stop: many.json").click()
    expect(results(dialog).first).to_contain_text("The import was stopped.")
    context.close()
    assert watch.unexpected() == []
