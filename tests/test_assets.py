"""The page's files: their types, their compression, and the version that is all of them."""

from __future__ import annotations

import gzip
import mimetypes
import shutil
import subprocess
from pathlib import Path

import pytest

from tornado_stream.assets import COMMENT, TYPES, Assets, without_comments
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


OURS = [path for kind in ("js", "css", "lang") for path in sorted((STATIC / kind).rglob("*.*s"))]


def test_comments_are_not_sent():
    source = b"""// @ts-check
/**
 * What it is.
 */
const url = "https://example.org/**/"; // kept: it is behind code
  /* one */
const x = /** @type {Map<string, number>} */ (y) / 2 / z; /* kept */
export const a = `b`;
"""
    assert (
        without_comments(source)
        == b"""



const url = "https://example.org/**/"; // kept: it is behind code

const x = (y) / 2 / z; /* kept */
export const a = `b`;
"""
    )


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_what_looks_like_a_comment_is_one(path):
    """It begins neither within a template string nor within a string."""
    source, code, end = path.read_bytes(), b"", 0
    for found in COMMENT.finditer(source):
        code += source[end : found.start()]
        end = found.end()
        assert code.count(b"`") % 2 == 0, found[0]
        line = code.rpartition(b"\n")[2]
        assert line.count(b'"') % 2 == 0, found[0]
    assert without_comments(source).count(b"\n") == source.count(b"\n")


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_without_comments_they_are_modules_still(tmp_path):
    parse = """
import { readdirSync, readFileSync } from "node:fs";
import vm from "node:vm";
for (const name of readdirSync(".")) new vm.SourceTextModule(readFileSync(name, "utf8"));"""
    for path in OURS:
        if path.suffix == ".js":
            (tmp_path / path.name).write_bytes(without_comments(path.read_bytes()))
    assert len(list(tmp_path.iterdir())) > 10
    command = ["node", "--no-warnings", "--experimental-vm-modules", "--input-type=module"]
    done = subprocess.run([*command, "-e", parse], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
