"""The page's files: their types, their compression, and the version that is all of them."""

from __future__ import annotations

import gzip
import mimetypes
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tornado_stream.assets import TYPES, Assets, lean
from tornado_stream.handlers import STATIC


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "js").mkdir()
    (tmp_path / "js" / "a.js").write_text("export const a = 1;\n" * 50)
    (tmp_path / "tiny.css").write_text("a{}")
    (tmp_path / "font.woff2").write_bytes(bytes(1000))
    return tmp_path


def test_files_by_their_path(root):
    assets = Assets(root)
    assert list(assets.files) == ["font.woff2", "js/a.js", "tiny.css"]
    assert assets.url("js/a.js") == f"/static/{assets.version}/js/a.js"
    with pytest.raises(KeyError):
        assets.url("js/b.js")


def test_compressed_where_that_saves_something(root):
    files = Assets(root).files
    packed = files["js/a.js"].gzipped
    assert packed and gzip.decompress(packed) == files["js/a.js"].body
    assert files["tiny.css"].gzipped is None
    assert files["font.woff2"].gzipped is None


def test_any_change_of_any_file_is_another_version(root):
    versions = {Assets(root).version}
    (root / "tiny.css").write_text("b{}")
    versions.add(Assets(root).version)
    (root / "tiny.css").rename(root / "other.css")
    versions.add(Assets(root).version)
    assert len(versions) == 3
    assert Assets(root).version in versions


def test_every_file_that_is_shipped_has_a_type():
    for name, asset in Assets(STATIC).files.items():
        assert asset.path.suffix in TYPES or "LICENSE" in name, name
        guessed = mimetypes.guess_type(name)[0]
        if guessed and asset.path.suffix not in (".md", ".js"):
            assert asset.content_type.startswith(guessed), name


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
def test_what_is_not_sent_is_no_code(path):
    """No string was cut, and none goes over several lines, whose indents would be its text."""
    sent = lean(path.read_bytes())
    assert sent.count(b"\n") == path.read_bytes().count(b"\n")
    rest = LITERAL.sub(b"", sent)
    assert [line for line in rest.split(b"\n") if b"`" in line or b'"' in line] == []


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_lean_modules_are_modules_still(tmp_path):
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
