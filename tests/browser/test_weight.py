"""The weight of the page: all our files that a first answer needs, compressed as they are sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from .chat import Page, answer, ask, content, expect
from .conftest import Browser, Program, fresh_page

LIMIT = 101 * 1024
#: What reads a stored conversation. On a slow machine the list tells of the new one before its
#: answer has ended, and the page reads it again.
OF_STORED = {"js/conversation/snapshot.js", "js/answers/stored_answer.js"}
#: Lists our files with the size of the body as sent, and the bytes that were transferred now.
FILES = """async () => {
  // A browser without a window does not fetch the icon by itself.
  for (const link of document.querySelectorAll("link[rel=icon]"))
    await (await fetch(link.href)).text();
  return performance.getEntriesByType("resource")
    .filter(({name}) => new URL(name).pathname.startsWith("/static/"))
    .map(({name, encodedBodySize, transferSize}) => [name, encodedBodySize, transferSize]);
}"""


@pytest.fixture
def cold(browser: Browser, server: Program) -> Iterator[Page]:
    """A page in a new browser context, whose cache is empty."""
    with fresh_page(browser, server, reduced_motion="reduce") as page:
        yield page


def test_a_first_answer_needs_no_more_than_101_kilobytes(cold: Page, server: Program) -> None:
    ask(cold, "play say=**Rain** falls. It is:\n\n- wet\n- cold\n")
    _wait_for_all(cold, "wet")
    sizes = {path: size for path, size, _ in _files(cold)}
    assert all(sizes.values()), "a file without a size would not be counted"
    table = _table(sizes)
    print(table)
    assert sum(sizes.values()) <= LIMIT, table

    cold.goto(server.url)
    ask(cold, "play say=Again.")
    _wait_for_all(cold, "Again.")
    again = _files(cold)
    assert {path for path, _, _ in again} == sizes.keys()
    assert [path for path, _, sent in again if sent] == [], "the cache has all files"


def _wait_for_all(page: Page, text: str) -> None:
    """Wait for an answer with this text, and for the buttons below it, which come last."""
    expect(content(page)).to_contain_text(text)
    expect(answer(page).get_by_role("button", name="Copy", exact=True)).to_be_visible()


def _files(page: Page) -> list[tuple[str, int, int]]:
    """Each file's path below the version, the size of its body as sent, and the bytes sent now."""
    found: list[tuple[str, int, int]] = page.evaluate(FILES)
    files = [(urlsplit(url).path.split("/", 3)[3], body, sent) for url, body, sent in found]
    return [file for file in files if file[0] not in OF_STORED]


def _table(sizes: dict[str, int]) -> str:
    """The weight of each folder, and of the heaviest files."""
    kinds: Counter[str] = Counter()
    for path, size in sizes.items():
        kinds[path.rpartition("/")[0]] += size
    heaviest = sorted(sizes.items(), key=lambda one: -one[1])[:12]
    rows = [("all", sum(sizes.values())), *kinds.most_common(), ("", 0), *heaviest]
    return "\n".join(f"{size:8,} {name}" if name else "" for name, size in rows)
