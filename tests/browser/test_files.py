"""Files in the page: added in every way, seen before and after, kept over everything."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pictures import png

from .access import violations
from .chat import Locator, Page, Response, Route, announced, answer, ask, composer, content, expect
from .conftest import Browser, MortalServer, Program, Watch, fresh_page
from .proxy import CuttableProxy

Seen = Callable[[], dict[str, Any]]

#: A picture that is drawn in the page, as bytes of this type.
DRAW = """async ([width, height, type, filled]) => {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const pen = canvas.getContext("2d");
  pen.fillStyle = "teal";
  pen.fillRect(0, 0, width, height * filled);
  const blob = await new Promise((done) => canvas.toBlob(done, type));
  let text = "";
  for (const byte of new Uint8Array(await blob.arrayBuffer())) text += String.fromCharCode(byte);
  return btoa(text);
}"""
#: Drops or pastes files: their names, types and bytes in base64.
GIVE = """([kind, selector, files]) => {
  const data = new DataTransfer();
  for (const [name, type, bytes] of files)
    data.items.add(
      new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name, { type }));
  const init = { bubbles: true, cancelable: true };
  const event = kind === "paste"
    ? new ClipboardEvent("paste", { ...init, clipboardData: data })
    : new DragEvent(kind, { ...init, dataTransfer: data });
  return !document.querySelector(selector).dispatchEvent(event);
}"""


def give(page: Page, kind: str, *files: tuple[str, str, bytes], at: str = "#question") -> bool:
    """Whether the page took them, so that the browser does nothing with them."""
    encoded = [[name, type, base64.b64encode(data).decode()] for name, type, data in files]
    return bool(page.evaluate(GIVE, [kind, at, encoded]))


def drawn(page: Page, width: int, height: int, type: str, filled: float = 0.5) -> bytes:
    return base64.b64decode(page.evaluate(DRAW, [width, height, type, filled]))


def deleted(response: Response) -> bool:
    return response.request.method == "DELETE"


def chips(page: Page) -> Locator:
    return page.get_by_role("list", name="Files of the question").get_by_role("listitem")


def ready(page: Page, count: int) -> None:
    expect(page.locator('.file[data-state="ready"]')).to_have_count(count)


def pictures(seen: Seen) -> list[str]:
    """The data URLs of the newest request."""
    contents = [m["content"] for m in seen()["requests"][-1]["messages"]]
    parts = [part for content in contents if isinstance(content, list) for part in content]
    return [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]


def size_of(page: Page, url: str) -> list[int]:
    found: list[int] = page.evaluate(
        """async (url) => {
          const picture = Object.assign(new Image(), { src: url });
          await picture.decode();
          return [picture.naturalWidth, picture.naturalHeight];
        }""",
        url,
    )
    return found


def test_a_screenshot_is_pasted_and_asked_about(page: Page, seen: Seen) -> None:
    shot = drawn(page, 300, 200, "image/png")
    assert give(page, "paste", ("image.png", "image/png", shot))
    ready(page, 1)
    expect(chips(page)).to_contain_text("image.png")
    expect(chips(page)).to_contain_text("about 80 tokens")
    expect(announced(page)).to_have_text("image.png was added.")
    expect(composer(page)).to_be_focused()
    ask(page, "What is it?\nplay say=Teal.")
    expect(content(page)).to_have_text("Teal.")
    assert pictures(seen) == ["data:image/png;base64," + base64.b64encode(shot).decode()]
    expect(page.locator("#attached")).to_be_hidden()
    shown = page.get_by_role("article", name="You").get_by_role("img", name="image.png")
    expect(shown).to_be_visible()
    assert shown.evaluate("one => one.decode().then(() => one.naturalWidth)") == 300
    page.reload()
    expect(shown).to_be_visible()
    expect(page.locator("#attached")).to_be_hidden()


def test_a_text_that_comes_with_a_picture_is_pasted_as_text(page: Page) -> None:
    """As a table does that was copied from a document."""
    taken = page.evaluate(
        """() => {
          const clipboardData = new DataTransfer();
          clipboardData.setData("text/plain", "a table");
          clipboardData.items.add(new File(["x"], "x.png", { type: "image/png" }));
          const paste = new ClipboardEvent("paste", { clipboardData, cancelable: true });
          return !document.querySelector("#question").dispatchEvent(paste);
        }"""
    )
    assert not taken
    expect(page.locator("#attached")).to_be_hidden()


def test_files_are_dropped_anywhere_and_removed(page: Page, seen: Seen) -> None:
    files = [
        ("a.png", "image/png", png(30, 30)),
        ("notes.txt", "text/plain", b"some words"),
        ("photo.jpg", "image/jpeg", drawn(page, 40, 30, "image/jpeg")),
    ]
    assert give(page, "dragover", *files, at="#scroller")
    assert give(page, "drop", *files, at="#scroller")
    ready(page, 3)
    with page.expect_response(deleted):
        page.get_by_role("button", name="Remove notes.txt").press("Enter")
    expect(chips(page)).to_have_count(2)
    expect(page.get_by_role("button", name="Remove photo.jpg")).to_be_focused()
    with page.expect_response(deleted):
        page.get_by_role("button", name="Remove a.png").click()
    left = page.request.get(f"{page.url}api/files").json()["files"]
    assert [file["name"] for file in left] == ["photo.jpg"]
    ask(page, "play say=One.")
    expect(content(page)).to_have_text("One.")
    assert len(pictures(seen)) == 1


def test_files_are_chosen_and_documents_are_read(page: Page, seen: Seen, tmp_path: Path) -> None:
    pytest.importorskip("pypdfium2", reason="pypdfium2 is not installed")
    path = tmp_path / "contract.pdf"
    printer = page.context.new_page()
    printer.set_content("<p>We agree, naïve: Привет.</p><p style='break-before: page'>Signed.</p>")
    path.write_bytes(printer.pdf())
    printer.close()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add files").click()
    chooser.value.set_files(path)
    ready(page, 1)
    expect(chips(page)).to_contain_text("2 pages")
    ask(page, "play say=Read.")
    expect(content(page)).to_have_text("Read.")
    sent = seen()["requests"][-1]["messages"][-1]["content"]
    assert sent.startswith("[File: contract.pdf]\n\nWe agree, naïve: Привет.")
    assert "Signed." in sent.partition("[End of contract.pdf]")[0]
    link = page.get_by_role("article", name="You").get_by_role("link", name="contract.pdf")
    with page.expect_download() as download:
        link.click(modifiers=["Alt"])
    assert download.value.suggested_filename == "contract.pdf"


def test_a_large_photo_is_made_smaller_and_loses_what_the_camera_wrote(
    page: Page, seen: Seen
) -> None:
    photo = drawn(page, 5000, 2500, "image/jpeg")
    place = b"GPS position of the photographer"
    exif = b"\xff\xe1" + (len(place) + 8).to_bytes(2, "big") + b"Exif\0\0" + place
    photo = photo[:2] + exif + photo[2:]
    give(page, "paste", ("photo.jpg", "image/jpeg", photo))
    ready(page, 1)
    ask(page, "play say=Smaller.")
    expect(content(page)).to_have_text("Smaller.")
    (url,) = pictures(seen)
    assert size_of(page, url) == [2048, 1024]
    assert place not in base64.b64decode(url.partition(",")[2])
    give(page, "paste", ("photo.jpg", "image/jpeg", photo))
    ready(page, 1)
    with page.expect_response(lambda response: "/api/files?" in response.url):
        page.get_by_label("Send pictures in their full size").check()
    ready(page, 1)
    ask(page, "play say=Original.")
    expect(content(page)).to_have_text("Original.")
    assert base64.b64decode(pictures(seen)[-1].partition(",")[2]) == photo


@pytest.mark.wide
@pytest.mark.parametrize(("filled", "type"), [(1, "image/jpeg"), (0.5, "image/png")])
def test_webp_is_sent_as_what_every_model_reads(
    page: Page, seen: Seen, filled: float, type: str
) -> None:
    """One without and one with transparent parts."""
    give(page, "paste", ("a.webp", "image/webp", drawn(page, 3000, 1500, "image/webp", filled)))
    ready(page, 1)
    expect(chips(page)).to_contain_text("a.png" if type == "image/png" else "a.jpg")
    ask(page, "play say=Seen.")
    expect(content(page)).to_have_text("Seen.")
    (url,) = pictures(seen)
    assert url.startswith(f"data:{type};base64,") and size_of(page, url) == [2048, 1024]


def test_files_stay_with_the_draft_and_with_their_conversation(page: Page) -> None:
    give(page, "paste", ("a.png", "image/png", png(30, 30)))
    ready(page, 1)
    composer(page).fill("A question with a file")
    page.reload()
    ready(page, 1)
    expect(composer(page)).to_have_value("A question with a file")
    page.keyboard.press("Enter")
    expect(answer(page)).to_be_visible()
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    expect(page.locator("#attached")).to_be_hidden()
    give(page, "paste", ("b.txt", "text/plain", b"words"))
    ready(page, 1)
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator("#attached")).to_be_hidden()
    page.go_back()
    ready(page, 1)
    expect(chips(page)).to_contain_text("b.txt")


@pytest.mark.wide
def test_a_page_that_is_closed_during_an_upload_finds_what_had_arrived(
    browser: Browser, mortal: MortalServer
) -> None:
    proxy = CuttableProxy(mortal.port)
    with fresh_page(browser, Program(proxy.url, mortal.program.process)) as first:
        page = first.context.new_page()
        page.goto(proxy.url)
        give(page, "paste", ("arrived.txt", "text/plain", b"some words"))
        ready(page, 1)
        proxy.most = 1_000_000
        give(page, "paste", ("never.txt", "text/plain", b"word " * 1_000_000))
        expect(page.locator('.file[data-state="sending"]')).to_have_count(1)
        parts = mortal.data / "files"
        while not [*parts.glob("*.part")]:  # some of it is on the disk
            page.evaluate("new Promise(requestAnimationFrame)")
        page.close()
        proxy.most = sys.maxsize
        while [*parts.glob("*.part")]:
            first.evaluate("new Promise(requestAnimationFrame)")
        again = first.context.new_page()
        again.goto(proxy.url)
        ready(again, 1)
        expect(chips(again)).to_have_count(1)
        expect(chips(again)).to_contain_text("arrived.txt")
        listed = again.request.get(f"{proxy.url}api/files").json()["files"]
        assert [file["name"] for file in listed] == ["arrived.txt"]
        ask(again, "play say=Read.")
        expect(content(again)).to_have_text("Read.")
        question = again.get_by_role("article", name="You")
        expect(question.get_by_role("link", name="arrived.txt")).to_be_visible()
    proxy.close()


@pytest.mark.wide
def test_only_a_temporary_chat_deletes_its_files_when_the_page_goes(page: Page) -> None:
    """Also where the browser brings the page back."""
    goes = "dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))"

    def kept(name: str) -> bool:
        files = page.request.get(f"{page.url}api/files").json()["files"]
        return name in [file["name"] for file in files]

    give(page, "paste", ("kept.txt", "text/plain", b"some words that stay"))
    ready(page, 1)
    page.evaluate(goes)
    page.get_by_role("button", name="Temporary chat").click()
    expect(page.locator("body")).to_have_attribute("data-temporary", "")
    give(page, "paste", ("gone.txt", "text/plain", b"some words that go"))
    ready(page, 1)
    with page.expect_response(lambda response: response.request.method == "DELETE"):
        page.evaluate(goes)
    assert kept("kept.txt") and not kept("gone.txt")
    expect(page.locator("#attached")).to_be_hidden()
    ask(page, "play say=Without.")
    expect(content(page)).to_have_text("Without.")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="New conversation").click()
    ready(page, 1)
    expect(chips(page)).to_contain_text("kept.txt")


def test_files_stay_over_a_reload_an_edit_and_a_new_answer(page: Page, seen: Seen) -> None:
    give(page, "paste", ("a.png", "image/png", png(30, 30)))
    ready(page, 1)
    ask(page, "1\nplay count=5;stall | say=Again.")
    expect(content(page)).to_contain_text("t4")
    page.reload()
    question = page.get_by_role("article", name="You").last
    expect(question.get_by_role("img", name="a.png")).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    answer(page).get_by_role("button", name="Regenerate", exact=True).click()
    expect(content(page)).to_have_text("Again.")
    assert len(pictures(seen)) == 1
    question.hover()
    question.get_by_role("button", name="Edit").click()
    page.get_by_label("Edit your question").fill("2\nplay say=Edited.")
    page.keyboard.press("Enter")
    expect(content(page)).to_have_text("Edited.")
    assert len(pictures(seen)) == 1
    expect(question.get_by_role("img", name="a.png")).to_be_visible()


def test_a_picture_alone_is_a_question(page: Page) -> None:
    give(page, "paste", ("a.png", "image/png", png(30, 30)))
    ready(page, 1)
    composer(page).press("Enter")
    expect(content(page)).to_have_text("")
    question = page.get_by_role("article", name="You")
    expect(question.get_by_role("img", name="a.png")).to_be_visible()
    expect(page.get_by_role("navigation", name="Conversations")).to_contain_text("a.png")


def test_nothing_is_sent_without_a_file_that_is_not_ready(page: Page, watch: Watch) -> None:
    watch.allow("Failed to load resource")
    held: list[Route] = []
    page.route("**/api/files?**", lambda route: held.append(route))
    give(page, "paste", ("a.txt", "text/plain", b"words"))
    expect(chips(page)).to_contain_text("Uploading")
    ask(page, "play say=No.")
    alert = page.locator("#composer-notice")
    expect(alert).to_have_text("Some files are not ready yet.")
    expect(answer(page)).to_have_count(0)
    held.pop().abort()
    expect(chips(page)).to_contain_text("The connection was lost.")
    page.keyboard.press("Enter")
    expect(alert).to_contain_text("A file could not be added.")
    page.unroute("**/api/files?**")
    page.get_by_role("button", name="Try again").click()
    ready(page, 1)
    composer(page).press("Enter")
    expect(content(page)).to_have_text("No.")


def test_what_the_server_refuses_is_told(page: Page, watch: Watch) -> None:
    watch.allow("415")
    give(page, "paste", ("a.exe", "application/x-msdownload", b"MZ\0\0"))
    expect(chips(page)).to_contain_text("Files of this kind cannot be added.")
    page.get_by_role("button", name="Remove a.exe").click()
    expect(page.locator("#attached")).to_be_hidden()
    expect(composer(page)).to_be_focused()


def test_no_more_files_than_a_question_can_have(page: Page) -> None:
    many = [(f"{n}.txt", "text/plain", str(n).encode()) for n in range(12)]
    give(page, "paste", *many)
    ready(page, 10)
    expect(chips(page)).to_have_count(10)


def with_models(page: Page, can: list[str]) -> None:
    model = {"id": "blind", "provider": "openai", "state": "ready", "detail": "", "can": can}
    page.route(
        "**/api/models",
        lambda route: route.fulfill(
            json={"models": [{**model, "can_known": True}], "default": "blind"}
        ),
    )
    page.reload()
    expect(page.get_by_role("button", name="Model: blind")).to_be_visible()


def test_a_model_that_cannot_see_is_told_before(page: Page) -> None:
    with_models(page, ["tools"])
    give(page, "paste", ("a.png", "image/png", png(30, 30)))
    ready(page, 1)
    expect(page.locator("#attached")).to_contain_text("blind cannot see pictures.")
    ask(page, "play say=No.")
    expect(page.locator("#composer-notice")).to_contain_text("blind cannot see pictures.")
    expect(answer(page)).to_have_count(0)
    page.get_by_role("button", name="Remove a.png").click()
    page.get_by_role("button", name="Send", exact=True).click()
    expect(content(page)).to_have_text("No.")


def test_an_upstream_that_refuses_pictures_is_asked_without_them(page: Page, seen: Seen) -> None:
    give(page, "paste", ("a.png", "image/png", png(30, 30)))
    ready(page, 1)
    body = json.dumps({"error": {"message": "this model does not support images"}})
    ask(page, f"play status=400;body={body} | say=Without.")
    expect(answer(page)).to_contain_text("This model takes no pictures.")
    answer(page).get_by_role("button", name="Ask without the pictures").click()
    expect(content(page)).to_have_text("Without.")
    sent = seen()["requests"][-1]["messages"][-1]["content"]
    assert sent.startswith("[Picture: a.png]")


def test_a_picture_of_an_answer_is_shown_and_kept(page: Page, seen: Seen) -> None:
    ask(page, "play say=Here:;picture=3000;badpicture=2000000;hold=go")
    shown = page.get_by_role("list", name="Pictures of the answer").get_by_role("img")
    expect(shown).to_have_count(1)
    expect(answer(page)).to_contain_text("A picture of this answer is missing: it arrived damaged.")
    page.reload()  # in the midst of the answer
    expect(shown).to_have_count(1)
    page.get_by_role("button", name="Stop", exact=True).click()
    page.reload()
    expect(shown).to_have_count(1)
    assert shown.evaluate("async (img) => (await img.decode(), img.naturalWidth)") == 2
    assert violations(page) == []
    ask(page, "play say=Seen.")
    expect(content(page)).to_have_text("Seen.")
    assert len(pictures(seen)) == 1


def test_an_answer_of_a_picture_alone_is_no_empty_answer(page: Page) -> None:
    ask(page, "play picture=300")
    expect(
        page.get_by_role("list", name="Pictures of the answer").get_by_role("img")
    ).to_be_visible()
    expect(answer(page).get_by_role("button", name="Try again")).to_have_count(0)
    ask(page, "play say=Next.")
    expect(content(page)).to_have_text("Next.")
    expect(page.get_by_text("not sent again")).to_have_count(0)


def test_a_text_that_was_shortened_is_told(page: Page) -> None:
    give(page, "paste", ("long.txt", "text/plain", b"x" * 300_000))
    ready(page, 1)
    expect(chips(page)).to_contain_text("beginning only")
    ask(page, "play say=Long.")
    expect(answer(page)).to_contain_text("The model got only the beginning of long.txt.")


def test_the_files_of_a_temporary_chat_go_with_it(page: Page, seen: Seen) -> None:
    def left() -> int:
        return len(
            page.request.get(f"{page.url.split('/c/')[0].rstrip('/')}/api/files").json()["files"]
        )

    before = left()
    page.locator("#temporary").click()
    expect(page.locator("body")).to_have_attribute("data-temporary", "")
    give(page, "paste", ("secret.png", "image/png", png(31, 17)))
    ready(page, 1)
    ask(page, "play say=Seen.;picture=12345")
    expect(content(page)).to_have_text("Seen.")
    shown = page.get_by_role("list", name="Pictures of the answer").get_by_role("img")
    expect(shown).to_have_count(1)
    ask(page, "play say=Again.")
    expect(content(page)).to_have_text("Again.")
    assert len(pictures(seen)) == 2  # of the question, and of the answer
    give(page, "paste", ("unsent.txt", "text/plain", b"an unsent secret"))
    ready(page, 1)
    assert left() == before + 3
    with page.expect_response(lambda response: response.request.method == "DELETE"):
        page.get_by_role("button", name="New conversation").click()
    page.wait_for_function(
        "async (n) => (await (await fetch('/api/files')).json()).files.length === n", arg=before
    )


def test_an_upload_that_another_conversation_ends_is_no_error(page: Page) -> None:
    page.route("**/api/files?*", lambda route: None)  # it never ends
    give(page, "paste", ("a.txt", "text/plain", b"words"))
    expect(page.locator('.file[data-state="sending"]')).to_have_count(1)
    page.locator("#temporary").click()
    expect(announced(page)).to_contain_text("Temporary")
    expect(page.locator("#attached")).to_be_hidden()
    page.wait_for_timeout(300)
    expect(announced(page)).not_to_contain_text("could not be added")


@pytest.mark.wide
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_a_phone_has_room(
    browser: Browser, server: Program, scheme: str
) -> None:
    options: Any = {
        "viewport": {"width": 360, "height": 740},
        "has_touch": True,
        "is_mobile": True,
        "color_scheme": scheme,
        "reduced_motion": "reduce",
    }
    with fresh_page(browser, server, **options) as page:
        names = ["a very long name of a file that does not fit " * 3, "b", "c"]
        files = [(f"{name}.txt", "text/plain", name.encode()) for name in names]
        give(page, "paste", ("p.png", "image/png", png(600, 300)), *files)
        ready(page, 4)
        assert violations(page) == []
        for button in page.locator("#composer button:visible").all():
            box = button.bounding_box()
            assert box and box["width"] >= 40 and box["height"] >= 40, button.inner_html()
            assert 0 <= box["x"] and box["x"] + box["width"] <= 360
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Take a photo").tap()
        chooser.value.set_files(
            {"name": "photo.png", "mimeType": "image/png", "buffer": png(50, 50)}
        )
        ready(page, 5)
        page.locator("#question").fill("play say=Seen.")
        page.locator("#send").tap()
        expect(content(page)).to_have_text("Seen.")
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
