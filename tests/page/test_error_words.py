"""Every error that a user may see has words in the language of the page, by its code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.page.test_languages import LANGUAGES
from tornado_stream.chat.waiting_questions import REASONS
from tornado_stream.handlers.status_errors import STATUS_ERRORS, status_error
from tornado_stream.page import PACKAGE

DOCS = PACKAGE.parent / "docs"
#: Functions whose first argument is a code. `refusal` has it as the second one.
WITH_A_CODE = {"ProviderError", "_failure", "_unreached", "limit_error"}


def of_documents() -> set[str]:
    """The codes that the documents name: in tables of errors, and after a status."""
    texts = [path.read_text(encoding="utf-8") for path in DOCS.glob("*.md")]
    found = {code for text in texts for code in re.findall(r"\b[45]\d\d `([a-z_\d]+)`", text)}
    found |= {code for text in texts for code in re.findall(r"^\| \d+ \| `(\w+)` \|", text, re.M)}
    events = (DOCS / "events.md").read_text(encoding="utf-8").partition("### Error codes")[2]
    return found | set(re.findall(r"^\| `(\w+)` \|", events, re.M))


def of_the_source() -> set[str]:
    """The codes that the source names."""
    named = {code for path in PACKAGE.rglob("*.py") for code in _codes(path)}
    return named | {code for code, _ in STATUS_ERRORS.values()} | {status_error(405)[0]}


def _codes(path: Path) -> Iterable[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.keyword) and node.arg == "code":
            yield from _text(node.value)
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "code":
            yield from _text(node.value)
        elif isinstance(node, ast.Call):
            name = (
                node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
            )
            if name in WITH_A_CODE and node.args:
                yield from _text(node.args[0])
            elif name == "refusal" and len(node.args) > 1:
                yield from _text(node.args[1])


def _text(node: ast.expr) -> list[str]:
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


#: Codes of no error, but of what `GET /readyz` reports.
OTHER = {"ready", "damaged", "not_saving", "upstream_failing"}


def words(tag: str, section: str) -> dict[str, Any]:
    found: dict[str, Any] = LANGUAGES.all[tag].strings[section]
    return found


def test_every_error_has_words_in_every_language():
    documented, named = of_documents(), of_the_source()
    assert {"quota", "too_many_answers", "login_required", "not_json"} <= documented
    assert {"search_too_slow", "forbidden", "unknown_host", "server_error"} <= named
    assert len(documented) > 50
    for tag in LANGUAGES.all:
        assert (documented | named) - OTHER == words(tag, "error").keys(), tag


@pytest.mark.parametrize("tag", LANGUAGES.all)
def test_every_reason_to_hold_a_question_has_words(tag):
    assert words(tag, "held").keys() == REASONS.keys()
