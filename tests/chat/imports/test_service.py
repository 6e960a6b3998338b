"""Imports in the background: journals, restarts, orphans, commands, full disks."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from client import until

from tornado_stream.chat.imports import runner, service
from tornado_stream.chat.imports.journal import Import, Journal
from tornado_stream.chat.imports.results import Skipped
from tornado_stream.chat.imports.service import Imports, place, read_journals
from tornado_stream.chat.imports.trees import Found
from tornado_stream.chat.imports.wire import FileBegins
from tornado_stream.chat.presets import Presets
from tornado_stream.config_file import ConfigFile
from tornado_stream.files.folder import FileFolder
from tornado_stream.files.service import Files
from tornado_stream.settings import Settings
from tornado_stream.store import open_store
from tornado_stream.store.base import DiskFull, Store

from . import samples
from .exports import chatgpt_archive, dump


@pytest.fixture
def store(io_loop, tmp_path):
    store = open_store(tmp_path / "data")
    yield store
    io_loop.run_sync(store.close)


@pytest.fixture
def imports(io_loop, store, tmp_path):
    """Makes the service, as each start of a server does."""
    made: list[Imports] = []

    def make(**more: Any) -> Imports:
        presets = Presets(ConfigFile(Settings(data_dir=tmp_path / "data")), store)
        made.append(
            Imports(store, presets, Files(store, tmp_path / "data"), tmp_path / "data", **more)
        )
        return made[-1]

    yield make
    for one in made:
        io_loop.run_sync(one.close)


async def add(imports: Imports, data: bytes, owner: str = "local") -> Import:
    upload = imports.begin(owner, len(data))
    if writing := upload.write(data):
        await writing
    return await imports.add(owner, "x.json", upload)


def leave(folder: FileFolder, data: bytes, owner: str = "local") -> Journal:
    """Leave an import in the folder, as a command does."""
    part = folder.new_part(len(data))
    part.write(data)
    journal = place(folder, part, owner, "x.json")
    part.close(part.sync())
    return journal


def journal(path: Path) -> Journal:
    return Journal.create(path, Import("i", "local", "x", 7, 5))


def test_a_journal_is_read_as_it_was_written(tmp_path):
    one = journal(tmp_path / "i.journal")
    assert one.claim() and not Journal(one.path).claim()
    one.begun(True)
    one.settled(added=True, left_out=2)
    one.begun(False)
    one.settled(added=False, left_out=1)
    one.skipped("title", "empty")
    one.presets(3, [Skipped("p", "full")])
    one.begun(True)
    one.skipped("large", "full")
    one.close()
    again = Journal(tmp_path / "i.journal")
    assert (again.about, again.done) == (one.about, one.done) and one.done == 5
    counts = again.about.found, again.about.imported, again.about.known, again.about.left_out
    assert counts == (4, 1, 1, 3) and again.about.presets == 3
    assert again.about.skipped == [
        Skipped("title", "empty"),
        Skipped("p", "full"),
        Skipped("large", "full"),
    ]
    assert again.claim()
    again.end("done")
    again.close()
    assert Journal(tmp_path / "i.journal").about.state == "done"


@pytest.mark.parametrize("cut", [0, 3, 12])
def test_a_journal_that_a_crash_has_cut_goes_on(tmp_path, cut):
    """What was begun and is there now was added before the crash, so it is counted once."""
    path = tmp_path / "i.journal"
    one = journal(path)
    assert one.claim()
    one.begun(True)
    whole = path.read_bytes()
    one.settled(added=True, left_out=0)
    one.close()
    path.write_bytes(whole + path.read_bytes()[len(whole) :][:cut])
    again = Journal(path)
    assert again.done == 0 and again.claim()
    again.begun(False)
    again.settled(added=False, left_out=0)
    again.begun(False)
    again.settled(added=False, left_out=0)
    again.close()
    about = Journal(path).about
    assert (about.found, about.imported, about.known) == (2, 1, 1) == (again.done, 1, 1)


def test_files_that_are_no_journals_are_passed_over(tmp_path):
    folder = FileFolder(tmp_path, "imports")
    folder.path.mkdir()
    for number, data in enumerate((b"", b"x", b"[]\n", b'{"id": 1}\n', b'{"owner": "x"}\n')):
        (folder.path / f"{number}.journal").write_bytes(data)
    journal(folder.path / "i.journal")
    assert [one.about.id for one in read_journals(folder)] == ["i"]


@pytest.mark.gen_test
async def test_an_import_goes_on_after_a_restart(store, imports, tmp_path):
    first = imports()
    await first.open()
    about = await add(first, dump([samples.chatgpt(n) for n in range(400)]))
    await until(lambda: about.imported >= 20)
    await first.close()
    assert about.state == "reading" and 20 <= about.imported < 400
    second = imports()
    await second.open()
    again = second.get("local", about.id)
    assert again is not about and again.imported >= about.imported
    await until(lambda: again.state != "reading")
    assert (again.state, again.found, again.imported, again.known) == ("done", 400, 400, 0)
    assert len(await store.conversation_ids()) == 400
    assert not [p for p in (tmp_path / "data" / "imports").rglob("*") if len(p.name) == 32]
    third = imports()
    await third.open()
    assert third.get("local", about.id).state == "done", "it is remembered for a day"


@pytest.mark.gen_test
async def test_imports_wait_for_each_other_and_each_can_be_stopped(imports):
    one = imports()
    await one.open()
    data = dump([samples.chatgpt(n) for n in range(300)])
    abouts = [await add(one, data, owner) for owner in ("anna", "ben", "cleo")]
    await one.stop("ben", abouts[1].id)
    await one.forget("cleo")
    assert abouts[2].state == "stopped"
    await until(lambda: all(about.state != "reading" for about in abouts))
    assert [about.state for about in abouts] == ["done", "stopped", "stopped"]
    assert [about.imported for about in abouts] == [300, 0, 0]


@pytest.mark.gen_test
async def test_an_import_that_a_command_has_left_is_found(imports, store, tmp_path):
    one = imports()
    await one.open()
    await one.look()
    folder = FileFolder(tmp_path / "data", "imports")
    left = leave(folder, dump(samples.claude()))
    await one.look()
    await until(lambda: one.get("local", left.about.id).state == "done")
    assert len(await store.conversation_ids()) == 1
    changed: list[Any] = []
    folder_run = one._folder.run
    one._folder.run = lambda *a: changed.append(a) or folder_run(*a)  # type: ignore[method-assign]
    for _ in range(3):
        await one.look()
    assert len(changed) <= 1, "the folder is read when it has changed"


@pytest.mark.gen_test
async def test_what_a_removed_user_has_left_is_not_imported(imports, store, tmp_path):
    left = leave(FileFolder(tmp_path / "data", "imports"), dump(samples.claude()), "gone:1")
    one = imports(is_user=lambda owner: owner == "local")
    await one.open()
    await until(lambda: one.get("gone:1", left.about.id).state == "stopped")
    assert await store.for_owner("gone:1").conversation_ids() == []


@pytest.mark.gen_test
async def test_what_crashes_have_left_is_removed(imports, tmp_path):
    folder = FileFolder(tmp_path / "data", "imports")
    left = leave(folder, dump(samples.claude()))
    old = time.time() - 2 * 3600
    for name, at in [("a" * 32, old), ("b" * 32, time.time())]:
        path = folder.path_of(name)
        path.parent.mkdir()
        path.write_bytes(b"x")
        os.utime(path, (at, at))
    unfinished = folder.path / "x.new"
    unfinished.touch()
    os.utime(unfinished, (old, old))
    (folder.path / "y.part").touch()
    one = imports()
    await one.open()
    await until(lambda: one.get("local", left.about.id).state == "done")
    names = {path.name for path in folder.path.rglob("*") if path.is_file()}
    assert names == {"b" * 32, left.path.name}


@pytest.mark.gen_test
async def test_imports_are_forgotten_after_a_day(imports, monkeypatch):
    one = imports()
    await one.open()
    about = await add(one, dump(samples.claude()))
    await until(lambda: about.state == "done")
    monkeypatch.setattr(service, "REMEMBERED", -1)
    await add(one, dump(samples.claude(2)))
    assert [each.id for each in one.all("local")] != [] and about not in one.all("local")


@pytest.mark.gen_test
async def test_a_full_disk_ends_an_import_and_the_next_one_goes_on(imports, store, monkeypatch):
    one = imports()
    await one.open()
    adopt: Callable[..., Any] = type(store).adopt
    calls: list[int] = []

    async def full(self: Store, *arguments: Any) -> bool:
        calls.append(1)
        if len(calls) == 3:
            raise DiskFull
        return bool(await adopt(self, *arguments))

    monkeypatch.setattr(type(store), "adopt", full)
    data = dump([samples.chatgpt(n) for n in range(5)])
    about = await add(one, data)
    await until(lambda: about.state != "reading")
    assert (about.state, about.why, about.imported) == ("failed", "not_saved", 2)
    again = await add(one, data)
    await until(lambda: again.state != "reading")
    assert (again.state, again.imported, again.known) == ("done", 3, 2)


@pytest.mark.gen_test
async def test_a_child_that_dies_is_a_failure(imports, monkeypatch, tmp_path):
    one = imports()
    await one.open()
    results = runner.ExportChild.results

    def killed(self: runner.ExportChild) -> Any:
        for result in results(self):
            if isinstance(result, Found):
                self.stop()
            yield result

    monkeypatch.setattr(runner.ExportChild, "results", killed)
    about = await add(one, chatgpt_archive(tmp_path / "x.zip", count=200).read_bytes())
    await until(lambda: about.state != "reading")
    assert (about.state, about.why) == ("failed", "failed") and 0 < about.imported < 200


@pytest.mark.gen_test
async def test_a_file_with_more_bytes_than_were_told_is_damaged(imports, store, monkeypatch):
    """A child that an export has taken over cannot fill the disk with one small file."""
    one = imports()
    await one.open()
    results = runner.ExportChild.results

    def more(self: runner.ExportChild) -> Any:
        for result in results(self):
            yield replace(result, size=50) if isinstance(result, FileBegins) else result

    monkeypatch.setattr(runner.ExportChild, "results", more)
    about = await add(one, dump(samples.llama_cpp()))
    await until(lambda: about.state != "reading")
    assert (about.state, about.imported) == ("done", 1)
    assert about.skipped == [Skipped("Cats 1: cat.png", "damaged")]
    (id,) = await store.conversation_ids()
    question = (await store.messages(id))[0]
    assert question.files == [] and question.content.endswith("[picture: cat.png]")


@pytest.mark.gen_test
async def test_of_two_processes_one_imports_and_the_other_shows_and_stops(imports, store):
    """Here the processes are two services over one folder, each with locks of its own."""
    one, two = imports(), imports()
    await one.open()
    about = await add(one, dump([samples.chatgpt(n) for n in range(2000)]))
    await until(lambda: about.imported > 3)
    await two.open()
    await until(lambda: two.get("local", about.id).imported > 3)
    seen = two.get("local", about.id)
    assert seen is not about and seen.state == "reading"
    await two.stop("local", about.id)
    await until(lambda: about.state == "stopped")
    await two.look()
    await until(lambda: seen.state == "stopped")
    assert seen.imported == about.imported == len(await store.conversation_ids())


@pytest.mark.gen_test
async def test_the_import_of_a_process_that_has_ended_is_taken_over(imports, store):
    one, two = imports(), imports()
    await one.open()
    about = await add(one, dump([samples.chatgpt(n) for n in range(300)]))
    await until(lambda: about.imported > 3)
    await two.open()
    await one.close()
    assert about.state == "reading"
    await two.look()
    await until(lambda: two.get("local", about.id).state == "done")
    seen = two.get("local", about.id)
    assert (seen.imported, seen.known) == (300, 0) and len(await store.conversation_ids()) == 300
