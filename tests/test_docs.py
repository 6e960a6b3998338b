"""The documents are complete: settings, routes, events, error codes, links and test names."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from tools.write_docs import with_table
from tornado_stream.handlers import routes
from tornado_stream.handlers.openai import OutsideV1NotFoundHandler
from tornado_stream.page import STATIC
from tornado_stream.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"


def test_configuration_lists_every_setting():
    text = (DOCS / "configuration.md").read_text()
    assert text == with_table(text), "run `make docs`"


def test_http_api_lists_every_route():
    text = (DOCS / "http-api.md").read_text()
    for route in routes():
        if route.handler_class is OutsideV1NotFoundHandler:
            continue  # it only says where the API is
        path = re.sub(r"\(\[.*?\{12\}\)", "{id}", route.regex.pattern.rstrip("$"))
        path = path.replace("/stream/{id}", "/stream/{generation_id}").replace("\\", "")
        path = path.replace("(?:([0-9a-f]{16})/)?(.+)", "{version}/{path}")
        path = path.replace("/v1/models/(.+)", "/v1/models/{id}").replace("/v1(?:/.*)?", "/v1/…")
        for ending in ("md", "json", "txt") if "|" in path else ("",):
            shown = path.replace("(md|json|txt)", ending)
            assert f" {shown}`" in text or f" {shown}?" in text, shown


def test_events_lists_every_error_code():
    """The documents list every error code that the server can send."""
    documented = set(re.findall(r"^\| `(\w+)` \|", (DOCS / "events.md").read_text(), re.MULTILINE))
    used = set()
    for path in (ROOT / "tornado_stream" / "providers").rglob("*.py"):
        text = path.read_text()
        used |= set(re.findall(r"(?:ProviderError|_failure)\(\s*\"(\w+)\"", text))
    assert used and used <= documented, used - documented


def test_relative_links_lead_somewhere():
    for page in [ROOT / "README.md", *DOCS.rglob("*.md")]:
        for target, heading in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", page.read_text()):
            linked = page.parent / target if target else page
            assert linked.exists(), f"{page.name} links to {target}"
            assert not heading or heading in anchors(linked), f"{page.name}: #{heading}"


def anchors(page: Path) -> set[str]:
    """The names of the page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_named_tests_exist():
    pages = [DOCS / "security.md", ROOT / "benchmarks" / "targets.py"]
    text = "".join(page.read_text() for page in pages)
    named = re.findall(r"\btests/([\w/]+\.py)(?:::(\w+))?", text)
    assert len(named) > 80
    for path, test in named:
        text = (ROOT / "tests" / path).read_text()
        assert re.search(rf"^(async )?def {test}\(", text, re.MULTILINE) or not test, (
            f"{path}::{test}"
        )


def test_the_table_of_bounds_names_what_there_is():
    """Every row names a setting or a constant that exists, and a test (see above); no setting that
    limits a size or a number is missing."""
    text = (DOCS / "security.md").read_text().partition("### Bounds\n")[2].partition("\n### ")[0]
    rows = [row.split("|")[1:-1] for row in text.splitlines() if row.startswith("| ")][2:]
    code = "".join(path.read_text() for path in (ROOT / "tornado_stream").rglob("*.py"))
    names = {field.name for field in fields(Settings)}
    named = set(re.findall(r"`--(max-[\w-]+)`", text))
    assert len(rows) > 10
    for what, _, set_by, test in rows:
        assert "`" in set_by or "no setting" in set_by, what
        assert "tests/" in test, what
    for constant in re.findall(r"`([A-Z_]{4,})`", text):
        assert re.search(rf"^(\w+, )*{constant}(, \w+)* = ", code, re.MULTILINE), constant
    limits = {name.replace("_", "-") for name in names if name.startswith("max_")}
    assert named == limits - {"max-message"}


def spine() -> list[Path]:
    """The Python files that docs/reading.md tells to read, in their order."""
    text = (DOCS / "reading.md").read_text()
    return [ROOT / name for name in re.findall(r"^\| \d+ \| `(tornado_stream/\S+)`", text, re.M)]


def test_the_files_to_read_are_there():
    text = (DOCS / "reading.md").read_text()
    page = re.findall(r"^\| \d+ \| `(\w[\w/]*\.js)`", text, re.MULTILINE)
    assert len(page) == 10
    for path in [*spine(), *(STATIC / "js" / name for name in page)]:
        assert path.exists(), path


def test_what_is_said_of_the_spine_is_true():
    readme, reading = (ROOT / "README.md").read_text(), (DOCS / "reading.md").read_text()
    lines = sum(len(path.read_text().splitlines()) for path in spine())
    assert f"the {len(spine())} Python files below" in reading
    said = re.search(r"(\d+) Python files, about ([\d,]+) lines", readme)
    assert said and int(said[1]) == len(spine())
    assert abs(int(said[2].replace(",", "")) - lines) < 300, lines
    package = [*STATIC.parent.rglob("*.py"), *(STATIC / "js").rglob("*.js")]
    package += (STATIC / "lang").glob("*.js")
    whole = sum(len(path.read_text().splitlines()) for path in package)
    told = re.search(r"about ([\d,]+) lines of Python and JavaScript", reading)
    assert told and abs(int(told[1].replace(",", "")) - whole) < 500, whole
