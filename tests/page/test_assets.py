"""The static files of the page: their types, their compression, and their version."""

from __future__ import annotations

import gzip
import hashlib
import json
import mimetypes
from pathlib import Path

import pytest

from tornado_stream.page import STATIC
from tornado_stream.page.assets import TYPES, Assets


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "js").mkdir()
    (tmp_path / "js" / "a.js").write_text("export const a = 1;\n" * 50)
    (tmp_path / "tiny.css").write_text("a{}")
    (tmp_path / "font.woff2").write_bytes(bytes(1000))
    return tmp_path


def test_a_file_has_its_path_in_the_url(root):
    assets = Assets(root)
    assert list(assets.files) == ["font.woff2", "js/a.js", "tiny.css"]
    assert assets.url("js/a.js") == f"/static/{assets.version}/js/a.js"
    with pytest.raises(KeyError):
        assets.url("js/b.js")


def test_a_file_is_compressed_if_that_saves_bytes(root):
    files = Assets(root).files
    packed = files["js/a.js"].gzipped
    assert packed and gzip.decompress(packed) == files["js/a.js"].body
    assert files["tiny.css"].gzipped is None
    assert files["font.woff2"].gzipped is None


def test_any_change_of_any_file_changes_the_version(root):
    versions = {Assets(root).version}
    (root / "tiny.css").write_text("b{}")
    versions.add(Assets(root).version)
    (root / "tiny.css").rename(root / "other.css")
    versions.add(Assets(root).version)
    assert len(versions) == 3
    assert Assets(root).version in versions


def test_the_digests_of_libraries_are_read_in_place_of_their_files(root):
    (root / "vendor").mkdir()
    library, digests = root / "vendor" / "one-1.js", root / "vendor" / "VENDOR.json"
    library.write_text("1")
    digests.write_text("{}")
    first = Assets(root).version
    library.unlink()
    library.symlink_to(root / "missing")
    assert Assets(root).version == first, "the file itself was not read"
    digests.write_text('{"one-1.js": "other"}')
    assert Assets(root).version != first
    library.rename(root / "vendor" / "one-2.js")
    digests.write_text("{}")
    assert Assets(root).version != first


def test_every_static_file_has_a_content_type():
    for name, asset in Assets(STATIC).files.items():
        assert asset.suffix in TYPES or "LICENSE" in name, name
        guessed = mimetypes.guess_type(name)[0]
        if guessed and asset.suffix not in (".md", ".js"):
            assert asset.content_type.startswith(guessed), name


def test_the_modules_to_preload(root):
    (root / "js" / "b").mkdir()
    (root / "js" / "app.js").write_text(
        """// import "./no.js"\nimport { a } from "./a.js";\nimport {\n  c,\n} from "./b/c.js";
        void import("./lazy.js");\n"""
    )
    (root / "js" / "b" / "c.js").write_text('import "../d.js";\nexport { a } from "../a.js";\n')
    (root / "js" / "d.js").write_text("")
    wanted = ["js/app.js", "js/a.js", "js/b/c.js", "js/d.js"]
    assert Assets(root).modules("js/app.js") == wanted


def test_the_page_preloads_its_modules():
    found = Assets(STATIC).modules("js/app.js")
    assert "js/answers/answer_stream.js" in found and len(found) > 30


def test_vendored_files_are_as_published():
    """`make vendor` downloads these files. A changed or unlisted file fails."""
    root = STATIC / "vendor"
    packages = json.loads((root / "VENDOR.json").read_text(encoding="utf-8"))["packages"]
    known = {name: value for package in packages for name, value in package["sha256"].items()}
    found = {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file() and path.name != "VENDOR.json"
    }
    assert found == known
    for package in packages:
        assert package["integrity"].startswith("sha512-")
        assert any("LICENSE" in name and package["version"] in name for name in package["sha256"])
    for path in root.rglob("*.*s"):
        assert b"sourceMappingURL" not in path.read_bytes(), path
