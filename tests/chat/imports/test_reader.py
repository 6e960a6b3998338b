"""Whole files: archives, lists, lines, other files beside them, damage, and what is too much."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tornado_stream.chat.imports import archives, reader
from tornado_stream.chat.imports.reader import Result
from tornado_stream.chat.imports.results import OwnSettings, Skipped
from tornado_stream.chat.imports.trees import Found, Unreadable

from . import samples
from .exports import chatgpt_archive, dump, lines, write_zip
from .test_formats import exported


def results(path: Path, owner: str) -> Iterator[Result]:
    """What is settled one by one, without the files that come before it."""
    with path.open("rb") as file:
        yield from (one for one in reader.results(file, owner) if isinstance(one, Result))


def titles(path: Path) -> list[str]:
    return [one.conversation.title for one in results(path, "local") if isinstance(one, Found)]


def skipped(path: Path) -> list[tuple[str, str]]:
    return [(s.title, s.why) for s in results(path, "local") if isinstance(s, Skipped)]


def write(path: Path, data: Any) -> Path:
    path.write_bytes(data if isinstance(data, bytes) else dump(data))
    return path


def test_an_archive_of_chatgpt_with_shards(tmp_path):
    path = chatgpt_archive(tmp_path / "x.zip")
    assert titles(path) == [f"Rolling back {n}" for n in (0, 2, 4, 1, 3, 5)] and not skipped(path)


@pytest.mark.parametrize(
    "make",
    [samples.chatgpt, samples.claude, samples.open_webui, samples.librechat, samples.llama_cpp],
)
def test_one_conversation_or_a_list_of_them(tmp_path, make):
    title = next(results(write(tmp_path / "one.json", make(1)), "local"))
    assert isinstance(title, Found)
    path = write(tmp_path / "list.json", [make(1), make(2), make(3)])
    assert len(titles(path)) == 3 and not skipped(path)
    path = write(tmp_path / "around.json", {"version": 1, "data": [make(1), make(2)]})
    assert len(titles(path)) == 2 and not skipped(path)


def test_lines_of_llama_cpp(tmp_path):
    one, two = samples.llama_cpp_lines(1), samples.llama_cpp_lines(2)
    path = write(tmp_path / "x.jsonl", lines([*one, *two]))
    assert titles(path) == ["Cats 1", "Cats 2"] and not skipped(path)
    path = write_zip(tmp_path / "x.zip", {"a.jsonl": lines(one), "b.jsonl": lines(two)})
    assert titles(path) == ["Cats 1", "Cats 2"]
    whole = next(results(write(tmp_path / "y.json", samples.llama_cpp(1)), "local"))
    from_lines = next(results(path, "local"))
    assert whole == from_lines
    path = write(tmp_path / "cut.jsonl", lines([*one[2:], *two]))
    assert (titles(path), skipped(path)) == (["Cats 2"], [("", "damaged")])


def test_lines_of_llama_cpp_that_are_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "MAX_RECORD", 300)
    path = write(tmp_path / "x.jsonl", lines(samples.llama_cpp_lines(1)))
    assert (titles(path), skipped(path)) == ([], [("Cats 1", "too_large")])


def test_an_archive_of_our_own(tmp_path):
    record = exported()
    settings = {"presets": [{"name": "x"}], "defaults": {"system": "", "options": {}}}
    files = {
        "json/c1.json": json.dumps(record, indent=2).encode(),
        "markdown/A title c1.md": b"# A title",
        "settings.json": dump(settings),
    }
    found = list(results(write_zip(tmp_path / "x.zip", files), "local"))
    assert isinstance(found[0], Found) and found[0].original == "c1"
    assert found[1] == OwnSettings(settings["presets"], settings["defaults"])


def test_what_is_no_conversation_is_told_by_its_title(tmp_path):
    """As in `chatgpt-modern-export.json` of LibreChat's tests, one entry has no mapping."""
    broken = {"title": "Corrupted entry", "create_time": 1.0, "id": "x"}
    path = write(tmp_path / "x.json", [samples.chatgpt(1), broken, samples.chatgpt(2)])
    assert titles(path) == ["Rolling back 1", "Rolling back 2"]
    assert skipped(path) == [("Corrupted entry", "not_known")]
    assert list(results(write(tmp_path / "y.json", {"users": [{"id": 1}]}), "local")) == []


def test_a_damaged_file_of_an_archive_costs_what_follows_in_it(tmp_path):
    path = chatgpt_archive(tmp_path / "x.zip", count=40, shards=4)
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo("conversations-001.json")
    middle = entry.header_offset + 60 + entry.compress_size // 2
    data[middle : middle + 8] = bytes(8)
    path.write_bytes(data)
    found = titles(path)
    assert set(found) >= {f"Rolling back {n}" for n in range(40) if n % 4 != 1}
    assert [why for _, why in skipped(path)] == ["damaged"]


def test_archives_that_cannot_be_read(tmp_path):
    path = chatgpt_archive(tmp_path / "x.zip")
    cut = write(tmp_path / "cut.zip", path.read_bytes()[:-300])
    for data, why in [
        (cut, "damaged_archive"),
        (write(tmp_path / "a.zip", b"PK\x03\x04"), "damaged_archive"),
        (write(tmp_path / "b.json", b"hello"), "not_known"),
        (write(tmp_path / "c.json", b""), "not_known"),
        (write(tmp_path / "d.png", b"\x89PNG"), "not_known"),
    ]:
        with pytest.raises(Unreadable) as error:
            list(results(data, "local"))
        assert error.value.why == why
    with pytest.raises(OSError):
        list(results(tmp_path / "none", "local"))


def test_what_is_encrypted_or_packed_in_an_unknown_way_is_told(tmp_path):
    files = {"a.json": dump([samples.claude(1)]), "b.json": dump([samples.claude(2)])}
    path = write_zip(tmp_path / "x.zip", files)
    for flag, method, why in [(1, 8, "encrypted"), (0, 93, "damaged")]:
        data = bytearray(path.read_bytes())
        second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1)
        struct.pack_into("<HH", data, second + 8, flag, method)
        other = write(tmp_path / "y.zip", bytes(data))
        assert (titles(other), skipped(other)) == (["Planning 1"], [("b.json", why)])


def test_a_bomb_is_left_out(tmp_path, monkeypatch):
    bomb = b"[" + b" " * 40_000_000 + dump(samples.chatgpt(1)) + b"]"
    path = write_zip(tmp_path / "x.zip", {"a.json": bomb, "b.json": dump([samples.chatgpt(2)])})
    assert path.stat().st_size < 100_000
    assert (titles(path), skipped(path)) == (["Rolling back 2"], [("a.json", "too_large")])
    path = chatgpt_archive(tmp_path / "y.zip", count=4, shards=4)
    monkeypatch.setattr(archives, "MAX_UNPACKED", len(dump([samples.chatgpt(1)])) * 2 + 100)
    assert len(titles(path)) == 2
    assert skipped(path) == [(f"conversations-{n:03}.json", "too_large") for n in (2, 3)]
    monkeypatch.setattr(archives, "MAX_FILES", 3)
    with pytest.raises(Unreadable):
        titles(path)


def test_names_in_an_archive_mean_nothing(tmp_path):
    files = {
        "../../etc/passwd": dump([samples.chatgpt(1)]),
        "/abs/x.png": dump(samples.chatgpt(2)),
        "conversations.json": b"\x89PNG",
        "dir/": b"",
        "C:\\x": b"\xef\xbb\xbf\n" + dump([samples.chatgpt(3)]),
    }
    path = write_zip(tmp_path / "x.zip", files)
    assert titles(path) == [f"Rolling back {n}" for n in (1, 2, 3)]
    assert [one.name for one in tmp_path.iterdir()] == ["x.zip"]
