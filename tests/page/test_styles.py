"""The style sheets use no left and right, so that the page mirrors in right-to-left languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tornado_stream.page import STATIC

SHEETS = sorted((STATIC / "css").rglob("*.css"))
DECLARATION = re.compile(r"(?:^|[;{])\s*([a-z-]+)\s*:\s*([^;{}]+)(?=[;}])")
FOUR_SIDES = re.compile(r"inset|margin|padding|scroll-(?:margin|padding)|border-color")


def declarations(text: str) -> Iterator[tuple[str, str]]:
    """Each property with its value."""
    text = re.sub(r"/\*.*?\*/|\"[^\"]*\"", "", text, flags=re.DOTALL)
    while found := DECLARATION.search(text):
        yield found[1], found[2].strip()
        text = text[found.end() :]


def values(value: str) -> list[str]:
    """The parts of a shorthand value; text in parentheses is one part."""
    while (flat := re.sub(r"\(([^()]*)\)", lambda m: "".join(m[1].split()), value)) != value:
        value = flat
    return value.split("/")[0].split()


def is_physical(name: str, value: str) -> bool:
    """Whether a declaration means left or right in every language. Those for the notch of a phone
    do, and are allowed."""
    if "safe-area-inset" in value:
        return False
    parts = values(value)
    if re.fullmatch(r"left|right|.*-(?:left|right)(?:-.*)?", name):
        return True
    if name in ("float", "clear", "text-align") or name.startswith(("background", "mask")):
        return re.search(r"\b(?:left|right)\b", value) is not None
    if FOUR_SIDES.fullmatch(name):
        return len(parts) == 4 and parts[1] != parts[3]
    if name == "border-radius" and len(parts) > 1:
        top, bottom = parts[0], parts[2] if len(parts) > 2 else parts[0]
        return parts[1] != top or (parts[3] if len(parts) > 3 else parts[1]) != bottom
    return False


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_no_declaration_names_a_physical_side(sheet: Path) -> None:
    found = list(declarations(sheet.read_text(encoding="utf-8")))
    assert found
    assert [f"{name}: {value}" for name, value in found if is_physical(name, value)] == []


@pytest.mark.parametrize(
    ("css", "physical"),
    [
        ("a { margin-left: 1px }", True),
        ("a{right:0;}", True),
        ("a { border-top-left-radius: 1px }", True),
        ("a { text-align: right }", True),
        ("a { inset: 0 auto 0 0 }", True),
        ("a { padding: 0 calc(1px + (2px)) 0 1px }", True),
        ("a { border-radius: 1px 1px 0 1px }", True),
        ("a { background: linear-gradient(to right, red, blue) }", True),
        ("a { /* left: 0 */ margin: 0 1px; content: \"left: 0\" }", False),
        ("a { inset: 0 1px 2px; padding: 1px calc(1px * 2) 3px calc(1px * 2) }", False),
        ("a { border-radius: 1px 1px 0 0; text-align: start; inset-inline-start: 0 }", False),
        ("a { padding: 0 env(safe-area-inset-right) 0 env(safe-area-inset-left) }", False),
    ],
)  # fmt: skip
def test_the_check_of_a_declaration(css: str, physical: bool) -> None:
    assert any(is_physical(*one) for one in declarations(css)) == physical
