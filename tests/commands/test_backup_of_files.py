"""`backup` and `restore` of the files of users: every byte, or a word about it."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from tests.store.answers import new_answer
from tornado_stream.files.folder import FileFolder
from tornado_stream.server import main
from tornado_stream.store import open_store
from tornado_stream.values.files import StoredFile

DATA = [os.urandom(200_000), b"two"]


def sum_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def data_dir(tmp_path: Path, io_loop) -> Path:
    """A data directory in which a message has two files; other bytes are no file of anybody."""
    data_dir = tmp_path / "data"
    folder = FileFolder(data_dir)

    async def fill() -> None:
        store = open_store(data_dir)
        files = []
        for number, data in enumerate([*DATA, b"deleted"]):
            part = folder.new_part(len(data))
            part.write(data)
            sum = part.sync()
            new = StoredFile(f"f{number}", sum, "a", len(data), "text/plain", "text", 1)
            await store.add_file(new, lambda part=part, sum=sum: part.place(sum))
            part.close(sum)
            files.append(new)
        await store.delete_file("f2")
        new = new_answer()
        question = replace(new.messages[0], files=[file.in_message() for file in files[:2]])
        await store.begin(replace(new, messages=(question,)))
        await store.close()

    io_loop.run_sync(fill)
    return data_dir


def there(data_dir: Path) -> dict[str, bytes]:
    files = (data_dir / "files").rglob("*")
    return {path.name: path.read_bytes() for path in files if path.is_file()}


def test_every_byte_comes_back(data_dir, tmp_path, capsys, io_loop):
    file, other = tmp_path / "b.zip", tmp_path / "other"
    assert main(["backup", str(file), "--data-dir", str(data_dir)]) == 0
    assert ": 1 conversation, 2 messages, 2 files; " in capsys.readouterr().out
    assert main(["backup", str(file), "--verify"]) == 0
    assert "is whole: 1 conversation, 2 messages, 2 files; " in capsys.readouterr().out
    assert main(["restore", str(file), "--data-dir", str(other)]) == 0
    assert ": 1 conversation, 2 messages, 2 files, as they were" in capsys.readouterr().out
    assert there(other) == {sum_of(data): data for data in DATA}
    for path in (other / "files").rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600)
    store = open_store(other)
    message = io_loop.run_sync(lambda: store.message("u1"))
    io_loop.run_sync(store.close)
    assert [one["id"] for one in message.files] == ["f0", "f1"]


def test_bytes_that_are_gone_are_left_out(data_dir, tmp_path, capsys):
    FileFolder(data_dir).remove(sum_of(DATA[0]))
    file = tmp_path / "b.zip"
    assert main(["backup", str(file), "--data-dir", str(data_dir)]) == 0
    assert "2 messages, 1 file;" in capsys.readouterr().out
    assert main(["backup", str(file), "--verify"]) == 0


def rewritten(file: Path, change) -> None:
    with zipfile.ZipFile(file) as old:
        content = {name: old.read(name) for name in old.namelist()}
    change(content)
    with zipfile.ZipFile(file, "w") as new:
        for name, data in content.items():
            new.writestr(name, data)


NAME = f"files/{sum_of(DATA[0])[:2]}/{sum_of(DATA[0])}"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda content: content.pop(NAME), "missing"),
        (lambda content: content.update({NAME: b"x" * len(DATA[0])}), "the sum of files/"),
        (lambda content: content.update({"files/00/" + "1" * 64: b""}), "no backup"),
        (lambda content: content.update({"files/../x": b""}), "no backup"),
        (lambda content: content.update({f"files/00/{'0' * 64}": b""}), "missing"),
    ],
)
def test_an_archive_that_was_changed_is_refused(data_dir, tmp_path, capsys, change, says):
    file, other = tmp_path / "b.zip", tmp_path / "other"
    assert main(["backup", str(file), "--data-dir", str(data_dir)]) == 0
    rewritten(file, change)
    assert main(["restore", str(file), "--data-dir", str(other)]) == 1
    assert says in capsys.readouterr().err
    assert not other.exists()


def test_what_a_killed_restoration_left_is_replaced(data_dir, tmp_path):
    file, other = tmp_path / "b.zip", tmp_path / "other"
    assert main(["backup", str(file), "--data-dir", str(data_dir)]) == 0
    (other / "restore.part").mkdir(parents=True)
    (other / "files" / "00").mkdir(parents=True)
    (other / "files" / "00" / "left").write_bytes(b"x")
    assert main(["restore", str(file), "--data-dir", str(other)]) == 0
    assert there(other) == {sum_of(data): data for data in DATA}
    assert not (other / "restore.part").exists()
    shutil.rmtree(other / "files")
    assert main(["restore", str(file), "--data-dir", str(other)]) != 0  # it is not empty now


def test_many_files_take_no_room_in_the_manifest(data_dir, tmp_path):
    file = tmp_path / "b.zip"
    began = time.monotonic()
    assert main(["backup", str(file), "--data-dir", str(data_dir)]) == 0
    assert time.monotonic() - began < 60
    with zipfile.ZipFile(file) as archive:
        assert archive.getinfo(NAME).compress_type == zipfile.ZIP_STORED
        assert NAME.encode() not in archive.read("manifest.json")
