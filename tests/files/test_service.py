"""Files over time: what a crash leaves, what is not used, and what goes with a conversation."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from client import until
from pictures import docx, paragraph, png
from store.answers import new_answer

from tornado_stream.files import service
from tornado_stream.files.folder import FileFolder
from tornado_stream.files.service import Files
from tornado_stream.files.upload import BUFFER, Upload
from tornado_stream.store import open_store
from tornado_stream.store.base import Store, StoreError
from tornado_stream.values.errors import Conflict, NotFound, TooLarge
from tornado_stream.values.files import StoredFile


@pytest.fixture
def store(io_loop, tmp_path: Path) -> Iterator[Store]:
    store = open_store(tmp_path)
    yield store
    io_loop.run_sync(store.close)


@pytest.fixture
def files(store, tmp_path: Path) -> Iterator[Files]:
    files = Files(store, tmp_path, max_file=1_000_000, max_files=2, max_file_text=1000)
    yield files
    files.close()


async def add(files: Files, data: bytes, name: str = "a", owner: str = "local") -> StoredFile:
    upload = files.begin(owner, len(data))
    for start in range(0, len(data), BUFFER // 2):
        if (writing := upload.write(data[start : start + BUFFER // 2])) is not None:
            await writing
    return (await files.add(owner, name, upload))[0]


async def use(store: Store, *some: StoredFile, number: int = 1) -> None:
    new = new_answer(number, home=f"c{number}")
    object.__setattr__(new.messages[0], "files", [file.in_message() for file in some])
    object.__setattr__(new.messages[0], "created_at", time.time_ns() // 1_000_000)
    await store.begin(new)


def names(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "files").rglob("*") if path.is_file()}


@pytest.mark.gen_test
async def test_a_start_removes_what_a_crash_left(files, store, tmp_path):
    kept = await add(files, png())
    folder = FileFolder(tmp_path)
    orphan = hashlib.sha256(b"orphan").hexdigest()
    folder.path_of(orphan).parent.mkdir()
    folder.path_of(orphan).write_bytes(b"orphan")
    (tmp_path / "files" / "dead.part").write_bytes(b"half")
    with (tmp_path / "files" / "alive.part").open("wb") as alive:
        fcntl.flock(alive, fcntl.LOCK_EX)  # as a process does that still receives it
        await files.open()
        assert names(tmp_path) == {kept.sha256, "alive.part"}
    await files.open()
    assert names(tmp_path) == {kept.sha256}


@pytest.mark.gen_test
async def test_where_there_are_no_files_nothing_is_made(files, tmp_path):
    await files.open()
    await files.remove_bytes()
    assert not (tmp_path / "files").exists()
    assert not files._folder.pool._threads and files._sweeping is None


@pytest.mark.gen_test
@pytest.mark.parametrize("data", [docx(paragraph("words")), b"words"])
async def test_a_file_that_was_not_read_is_read_after_the_next_start(store, tmp_path, data):
    first = Files(store, tmp_path)

    async def begin(owner, file):  # the server is killed before it reads the file
        return file

    first._reader.begin = begin
    file = await add(first, data)
    first.close()
    second = Files(store, tmp_path, max_file_text=3)
    await second.open()
    await until(lambda: second._reader.reading is None)
    assert await second.text("local", file.id) == "wor"
    assert (await second.get("local", file.id)).shortened
    second.close()


@pytest.mark.gen_test
async def test_the_end_of_the_server_ends_the_reading(store, tmp_path, monkeypatch):
    sleeps = tmp_path / "program.py"
    sleeps.write_text("import time; time.sleep(600)")
    monkeypatch.setattr("tornado_stream.files.text.CHILD", sleeps)
    files = Files(store, tmp_path)
    file = await add(files, docx(paragraph("words")))
    with pytest.raises(Conflict) as error:
        await files.text("local", file.id)
    assert error.value.code == "file_not_ready"
    await until(lambda: files._reader.process)
    process = files._reader.process._process
    files.close()
    await until(lambda: process.poll() is not None)
    assert (await store.file(file.id)).state == "reading"


@pytest.mark.gen_test
async def test_files_that_are_not_used_are_removed_after_a_day(files, store, tmp_path, monkeypatch):
    used, unused = await add(files, png(1, 1)), await add(files, png(1, 2))
    await use(store, used)
    await files.sweep()
    assert names(tmp_path) == {used.sha256, unused.sha256}
    monkeypatch.setattr(service, "UNUSED_LASTS", -1)
    await files.sweep()
    assert names(tmp_path) == {used.sha256}


@pytest.mark.gen_test
async def test_bytes_go_with_the_last_conversation_of_everybody(files, store, tmp_path):
    mine, theirs = await add(files, png()), await add(files, png(), owner="other")
    await use(store, mine)
    await store.delete("c1")
    await files.remove_bytes()
    assert names(tmp_path) == {theirs.sha256}
    await files.delete("other", theirs.id)
    assert names(tmp_path) == set()


@pytest.mark.gen_test
async def test_what_a_message_may_have(files, store):
    one, two, three = [await add(files, png(1, n)) for n in (1, 2, 3)]
    assert await files.for_message("local", [two.id, one.id]) == [two, one]
    with pytest.raises(TooLarge) as error:
        await files.for_message("local", [one.id, two.id, three.id])
    assert error.value.code == "too_many_files"
    for owner, ids in [("other", [one.id]), ("local", ["none", one.id])]:
        with pytest.raises(NotFound) as missing:
            await files.for_message(owner, ids)
        assert missing.value.code == "file_not_found"
    empty = await add(files, b" ", "blank.txt")
    assert (empty.state, empty.detail) == ("failed", "It is empty.")
    with pytest.raises(Conflict, match="blank.txt: It is empty") as failed:
        await files.for_message("local", [empty.id])
    assert failed.value.code == "file_not_ready"


@pytest.mark.gen_test
async def test_a_store_that_fails_leaves_no_bytes(files, store, tmp_path):
    await add(files, png(9, 9))

    async def add_file(file, place, *, most):
        raise StoreError("no")

    files._store = store.for_owner("local")
    files._store.for_owner = lambda owner: files._store
    files._store.add_file = add_file
    with pytest.raises(StoreError):
        await add(files, png())
    assert len(names(tmp_path)) == 1


@pytest.mark.gen_test
async def test_an_upload_that_ends_while_it_is_written_leaves_nothing(tmp_path):
    folder = FileFolder(tmp_path)
    ended = asyncio.get_running_loop().create_future()
    upload = Upload(folder, 10, lambda: ended.set_result(None))
    assert upload.write(b"x" * BUFFER) is not None
    await upload.end()
    assert ended.done() and names(tmp_path) == set()
    await upload.end()
    assert upload.write(b"x") is None
    folder.pool.shutdown()


@pytest.mark.gen_test
async def test_parts_of_bytes(files):
    data = png(noise=bytes(range(256)) * 2000)
    file = await add(files, data)
    assert await files.read(file.sha256, 100, 50) == data[100:150]
    assert b"".join([piece async for piece in files.pieces(file)]) == data
    with pytest.raises(NotFound):
        await files.read(file.sha256, len(data), 1)
    with pytest.raises(NotFound):
        await files.read("0" * 64, 0, 1)
