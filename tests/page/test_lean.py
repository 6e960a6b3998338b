"""Modules and style sheets are sent without comments, and every line keeps its number."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from tornado_stream.page import STATIC
from tornado_stream.page.assets import lean

#: A string, a template string of one line, a regular expression.
LITERAL = re.compile(
    rb'"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\\n])*`'
    rb"|'[^'\n]{1,3}'"
    rb"|(?<=[=(,:!&|?{};\s\[])/(?![*/\s])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/"
)
OURS = [path for kind in ("js", "css", "lang") for path in sorted((STATIC / kind).rglob("*.*s"))]


def test_comments_are_not_sent():
    source = b"""// @ts-check
/**
 * What it is.
 */
const url = "https://example.org/**/"; /* kept: it may be a string */
  /* one */
const x = /** @type {Map<string, number>} */ (y) / 2 / z; // why
if (x) {
  go("a // b", `c`); // to https://example.org
}
"""
    assert (
        lean(source)
        == b"""



const url = "https://example.org/**/"; /* kept: it may be a string */

const x = (y) / 2 / z;
if (x) {
go("a // b", `c`);
}
"""
    )


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_only_comments_and_indents_are_removed(path):
    """No string is cut, and none has several lines, because their indents would belong to it."""
    sent = lean(path.read_bytes())
    assert sent.count(b"\n") == path.read_bytes().count(b"\n")
    rest = LITERAL.sub(b"", sent)
    assert [line for line in rest.split(b"\n") if b"`" in line or b'"' in line] == []


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_modules_without_comments_can_be_parsed(tmp_path):
    parse = """
import { readdirSync, readFileSync } from "node:fs";
import vm from "node:vm";
for (const name of readdirSync(".")) new vm.SourceTextModule(readFileSync(name, "utf8"));"""
    for path in OURS:
        if path.suffix == ".js":
            (tmp_path / path.name).write_bytes(lean(path.read_bytes()))
    assert len(list(tmp_path.iterdir())) > 10
    command = ["node", "--no-warnings", "--experimental-vm-modules", "--input-type=module"]
    done = subprocess.run([*command, "-e", parse], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
