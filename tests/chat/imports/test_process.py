"""The child process: its results are those of the reader, it is bounded, and ends when told."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from tornado_stream.chat.imports.own import ROLES
from tornado_stream.chat.imports.process import ExportChild
from tornado_stream.chat.imports.reader import Result
from tornado_stream.chat.imports.results import OwnSettings, Skipped
from tornado_stream.chat.imports.trees import Found
from tornado_stream.chat.imports.wire import BadLine, LineReader, end_line, lines

from . import samples
from .exports import chatgpt_archive, dump
from .test_formats import exported, read
from .test_reader import results


def run(path: Path, skip: int = 0) -> tuple[list[object], str]:
    child = ExportChild(path, "anna", skip)
    return [one for one in child.results() if isinstance(one, Result)], child.ended


def long_file(path: Path) -> Path:
    """A file that takes the child a while, and has nothing in it."""
    with path.open("wb") as file:
        file.write(b"[")
        file.truncate(2 * 1024**3)
    return path


def test_the_child_tells_what_the_reader_reads(tmp_path):
    path = chatgpt_archive(tmp_path / "x.zip")
    expected = list(results(path, "anna"))
    assert run(path) == (expected, "")
    assert run(path, 4) == (expected[4:], "") and run(path, 99) == ([], "")
    own = tmp_path / "own.json"
    settings = {"presets": [1], "defaults": {}}
    own.write_bytes(dump([exported(), settings, {"id": 1, "mapping": {}}, samples.claude()]))
    expected = list(results(own, "anna"))
    kinds = [type(one) for one in expected]
    assert kinds == [Found, OwnSettings, Skipped, Found] and run(own) == (expected, "")


def test_why_it_ends(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"hello")
    assert run(path) == ([], "not_known")
    path.write_bytes(b"PK\x03\x04")
    assert run(path) == ([], "damaged_archive")
    with pytest.raises(OSError):
        run(tmp_path / "none")


def test_it_has_no_secrets_and_ends_when_told(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("AUSTRALIAN", "canary")
    child = ExportChild(long_file(tmp_path / "x"), "anna")
    environment = Path(f"/proc/{child.pid}/environ")
    if environment.exists():
        assert b"canary" not in environment.read_bytes()
    child.stop()
    assert list(child.results()) == [] and child.ended == "failed"


def test_it_ends_with_the_server(tmp_path):
    """Nobody takes what it writes any more."""
    child = ExportChild(chatgpt_archive(tmp_path / "x.zip", count=300), "anna")
    process = child._process._process
    assert process.stdout and process.stdout.read(1)
    process.stdout.close()
    assert process.wait(60) == 0
    child._process._timer.cancel()


@pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="needs Linux's /proc")
def test_it_has_limits(tmp_path):
    child = ExportChild(long_file(tmp_path / "x"), "anna")
    due = time.monotonic() + 30
    while "536870912" not in (text := Path(f"/proc/{child.pid}/limits").read_text()):
        assert time.monotonic() < due, text
    child.stop()
    assert list(child.results()) == []


def test_lines_that_the_child_does_not_write():
    found = read(samples.claude())
    good = list(lines(found))
    reader = LineReader()
    assert [reader.feed(line) for line in good] == [None] * (len(good) - 1) + [found]
    message = found.messages[0]
    bad = [
        b"",
        b"[]",
        b"{}",
        b'{"skipped": ["x", "<b>"]}',
        b'{"done": "because"}',
        b'{"settings": [7, {}]}',
        good[-1],
        *(
            orjson.dumps({"message": replace(message, **{name: value})})
            for name, value in [
                ("role", "root"),
                ("content", None),
                ("state", "running"),
                ("created_at", "1"),
            ]
        ),
        b'{"message": {"id": "x"}}',
    ]
    for line in bad:
        with pytest.raises(BadLine):
            LineReader().feed(line)
    reader = LineReader()
    reader.feed(good[0])
    with pytest.raises(BadLine):
        reader.feed(good[-1])
    assert LineReader().feed(end_line("damaged_archive")) is None and "user" in ROLES


def test_a_line_of_another_conversation_ends_it():
    first, second = list(lines(read(samples.claude(1)))), list(lines(read(samples.claude(2))))
    reader = LineReader()
    with pytest.raises(BadLine):
        for line in [first[0], *second[1:]]:
            reader.feed(line)
