"""`restore`: a whole backup becomes a data directory, and anything else leaves no trace."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.store.answers import converse
from tornado_stream.auth.users_file import Token, User, read_users, token_digest, write_users
from tornado_stream.commands import archive, restore
from tornado_stream.server import main
from tornado_stream.store import open_store
from tornado_stream.store.base import OpenError
from tornado_stream.store.lock import DirectoryLock

USERS = {"ada": User(tokens=(Token(token_digest("ts_x")),))}


@pytest.fixture
def file(tmp_path: Path, io_loop: Any, capsys: Any) -> Path:
    """A backup of two answers and a user."""
    data_dir, file = tmp_path / "first", tmp_path / "b.zip"

    async def fill() -> None:
        store = open_store(data_dir)
        for number in (1, 2):
            await converse(
                store, number, f"question {number}", f"answer {number}", home=f"c{number}"
            )
        await store.close()

    io_loop.run_sync(fill)
    write_users(data_dir / "users.json", USERS)
    assert main(["backup", str(file), "--data-dir", str(data_dir)]) == 0
    shutil.rmtree(data_dir)
    capsys.readouterr()
    return file


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


def run(file: Path, data_dir: Path) -> int:
    return main(["restore", str(file), "--data-dir", str(data_dir)])


def rewrite(file: Path, change: Any = lambda manifest: None, **members: bytes) -> None:
    """Write the archive again, with other members and a manifest that fits them."""
    with zipfile.ZipFile(file) as old:
        manifest = json.loads(old.read("manifest.json"))
        content = {name: old.read(name) for name in manifest["files"]} | members
    for name, data in content.items():
        sum = archive.hashlib.sha256(data).hexdigest()
        manifest["files"][name] = {"size": len(data), "sha256": sum}
    change(manifest)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in content.items():
            new.writestr(name, data)
        new.writestr("manifest.json", json.dumps(manifest))


@pytest.mark.gen_test
async def test_a_backup_is_restored(file, data_dir, capsys):
    assert run(file, data_dir) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{data_dir}: 2 conversations, 4 messages, as they were at 2")
    assert {path.name for path in data_dir.iterdir()} == {"chat.db", "users.json", "lock"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in data_dir.iterdir()} == {0o600}
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700
    assert read_users(data_dir / "users.json") == USERS
    store = open_store(data_dir)
    assert [message.content for message in await store.messages("c2")] == ["question 2", "answer 2"]
    await store.close()


@pytest.mark.parametrize(
    ("present", "status"),
    [
        (["lock", "models", "lost+found"], 0),
        (["restore.part", "users.json"], 0),  # a restore was killed before its last step
        (["users.json"], 2),
        (["chat.db", "restore.part"], 2),
        (["notes.txt"], 2),
        (["chat.db-wal"], 2),
    ],
)
def test_only_an_empty_directory_is_filled(file, data_dir, capsys, present, status):
    data_dir.mkdir()
    for name in present:
        (data_dir / name).mkdir() if "." not in name else (data_dir / name).write_text("mine")
    if "lock" in present:
        (data_dir / "lock").rmdir()
        (data_dir / "lock").touch()
    if "restore.part" in present:
        (data_dir / "restore.part").unlink()
        (data_dir / "restore.part").mkdir()
    assert run(file, data_dir) == status
    assert ("is not empty (it has" in capsys.readouterr().err) == (status == 2)
    names = {path.name for path in data_dir.iterdir()}
    if status:
        assert names == set(present)
    else:
        assert names == {"chat.db", "users.json", "lock", *present} - {"restore.part"}


def test_a_directory_of_a_running_server_is_refused(file, data_dir, capsys):
    data_dir.mkdir()
    lock = DirectoryLock(data_dir)
    assert run(file, data_dir) == 2
    assert f"in use by another Tornado Stream (pid {os.getpid()})" in capsys.readouterr().err
    lock.release()
    assert {path.name for path in data_dir.iterdir()} == {"lock"}


# -- archives that are not whole


def is_refused(file: Path, data_dir: Path, capsys: Any) -> str:
    """Both commands refuse it in one line and leave nothing; returns the line."""
    lines = []
    for arguments in (["restore", str(file)], ["backup", "--verify", str(file)]):
        status = main([*arguments, "--data-dir", str(data_dir)])
        shown = capsys.readouterr()
        assert status in (1, 2) and shown.out == "", shown
        assert shown.err.count("\n") == 1 and str(file) in shown.err, shown.err
        assert not data_dir.exists()
        lines.append(shown.err)
    return lines[0]


def test_every_cut_is_noticed(file, data_dir, capsys):
    whole = file.read_bytes()
    for length in (0, 1, 22, 1000, len(whole) // 2, len(whole) - 23, len(whole) - 1):
        file.write_bytes(whole[:length])
        assert "damaged, cut short, or no backup" in is_refused(file, data_dir, capsys)


def test_every_changed_byte_is_noticed_or_harmless(file, data_dir, tmp_path, capsys):
    """What is restored is what was stored, or nothing."""
    assert run(file, tmp_path / "right") == 0
    right = (tmp_path / "right" / "chat.db").read_bytes()
    whole, rng, noticed = file.read_bytes(), random.Random(7), 0
    places = [*rng.sample(range(len(whole)), 60), *range(len(whole) - 200, len(whole), 3)]
    for place in places:
        changed = bytearray(whole)
        changed[place] ^= rng.randrange(1, 256)
        file.write_bytes(changed)
        capsys.readouterr()
        if run(file, data_dir) == 0:
            assert (data_dir / "chat.db").read_bytes() == right, place
            assert read_users(data_dir / "users.json") == USERS
            shutil.rmtree(data_dir)
        else:
            noticed += 1
            shown = capsys.readouterr().err
            assert shown.count("\n") == 1 and "Traceback" not in shown
            assert not data_dir.exists()
    assert noticed > 60


@pytest.mark.parametrize(
    "name", ["../evil", "/tmp/evil", "a/../../evil", "C:\\evil", "chat.db-wal", "lock"]
)
def test_no_name_is_taken_from_an_archive(file, data_dir, tmp_path, capsys, name):
    rewrite(file, **{name: b"evil"})
    assert "does not hold the files of one" in is_refused(file, data_dir, capsys)
    with zipfile.ZipFile(file, "a") as more:  # in the archive, but not in the manifest
        more.writestr("x", b"")
    is_refused(file, data_dir, capsys)
    assert {path.name for path in tmp_path.iterdir()} == {"b.zip"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda m: m.update(format=archive.FORMAT + 1), "newer Tornado Stream"),
        (lambda m: m["files"]["chat.db"].update(sha256="0" * 64), "the sum of chat.db is wrong"),
        (lambda m: m["files"]["chat.db"].update(size=5), "the sum of chat.db is wrong"),
        (lambda m: m["files"]["chat.db"].update(size=-1), "damaged"),
        (lambda m: m["files"]["chat.db"].update(size="x"), "damaged"),
        (lambda m: m["files"].pop("chat.db"), "does not hold the files of one"),
        (lambda m: m.pop("files"), "damaged"),
        (lambda m: m.update(files=[]), "damaged"),
        (lambda m: m.update(format=None), "damaged"),
        (lambda m: m.update(program="x" * 100_000), "damaged"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(file, data_dir, capsys, change, says):
    rewrite(file, change)
    assert says in is_refused(file, data_dir, capsys)


def test_a_manifest_that_is_too_deep_is_refused(file, data_dir, capsys):
    with zipfile.ZipFile(file, "w") as new:
        new.writestr("manifest.json", b"[" * 60_000)
    assert "damaged" in is_refused(file, data_dir, capsys)


def test_a_bomb_is_refused_before_it_is_unpacked(file, data_dir, capsys, monkeypatch):
    zeros = bytes(50_000_000)
    rewrite(file, **{"chat.db": zeros})
    assert file.stat().st_size < 100_000
    room = shutil._ntuple_diskusage(10**9, 10**9, 40_000_000)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda path: room)
        assert "where 40.0 MB are free" in is_refused(file, data_dir, capsys)
    rewrite(file, lambda manifest: manifest["files"]["chat.db"].update(size=100))
    assert "the sum of chat.db is wrong" in is_refused(file, data_dir, capsys)


def database(change: str) -> bytes:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        for name, columns in (("migrations", "number"), ("conversations", "a"), ("messages", "a")):
            db.execute(f"CREATE TABLE {name} ({columns})")
        db.execute(change)
        return db.serialize()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "damaged"),
        (b"no database", "damaged"),
        (database("DROP TABLE messages"), "damaged"),
        (database("INSERT INTO migrations VALUES (1)")[:-5000], "damaged"),
        (database("INSERT INTO migrations VALUES (99)"), "newer Tornado Stream (schema 99"),
    ],
)
def test_a_database_that_is_not_whole_is_refused(file, data_dir, capsys, content, says):
    """The sums are right here: whoever wrote the archive wrote a bad database."""
    rewrite(file, **{"chat.db": content})
    assert says in is_refused(file, data_dir, capsys)


def test_users_that_cannot_be_read_are_refused(file, data_dir, capsys):
    rewrite(file, **{"users.json": b"{}"})
    assert "users.json is damaged" in is_refused(file, data_dir, capsys)


# -- failures on the way


@pytest.mark.parametrize("fails", ["fsync", "replace", "chown", "mkdir"])
def test_a_failure_at_any_step_leaves_nothing(file, data_dir, capsys, monkeypatch, fails):
    calls, real = [], getattr(os, fails)

    def failing(*arguments: Any, **more: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 2 or fails == "mkdir" and str(arguments[0]).endswith("restore.part"):
            raise OSError(28, "No space left on device")
        return real(*arguments, **more)

    if fails == "chown" and os.geteuid() != 0:
        pytest.skip("only root gives files away")
    with monkeypatch.context() as patch:
        patch.setattr(os, fails, failing)
        assert run(file, data_dir) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert not data_dir.exists()
    assert run(file, data_dir) == 0


def test_after_a_kill_the_same_command_restores(file, data_dir):
    """It is killed between its two last steps, the worst moment."""
    code = (
        "import os, signal, sys; from tornado_stream import server; replace = os.replace\n"
        "def kill(a, b):\n"
        "    if str(b).endswith('chat.db'): os.kill(os.getpid(), signal.SIGKILL)\n"
        "    replace(a, b)\n"
        "os.replace = kill; server.main(sys.argv[1:])"
    )
    command = [sys.executable, "-c", code, "restore", str(file), "--data-dir", str(data_dir)]
    done = subprocess.run(command, cwd=Path(restore.__file__).parents[2])
    assert done.returncode == -signal.SIGKILL
    assert not (data_dir / "chat.db").exists()
    with pytest.raises(OpenError, match="was cut short; run `restore` again"):
        open_store(data_dir)  # a server that starts meanwhile does not begin with nothing
    assert not (data_dir / "chat.db").exists()
    assert run(file, data_dir) == 0
    assert {path.name for path in data_dir.iterdir()} == {"chat.db", "users.json", "lock"}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
def test_what_root_restores_belongs_to_the_owner_of_the_directory(file, data_dir):
    data_dir.mkdir()
    os.chown(data_dir, 12345, 12345)
    assert run(file, data_dir) == 0
    assert {path.stat().st_uid for path in data_dir.iterdir()} == {12345}


@pytest.mark.parametrize("inside", [False, True])
def test_a_restoration_has_a_line_in_the_audit_log(file, data_dir, tmp_path, monkeypatch, inside):
    audit = (data_dir if inside else tmp_path) / "audit.log"
    monkeypatch.setenv("TORNADO_STREAM_AUDIT_LOG", str(audit))
    assert run(file, data_dir) == 0
    assert [json.loads(line)["event"] for line in audit.read_text().splitlines()] == ["restore"]


def test_a_command_whose_line_cannot_be_written_does_nothing(
    file, data_dir, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("TORNADO_STREAM_AUDIT_LOG", str(tmp_path / "no" / "audit.log"))
    for arguments in (
        ["restore", str(file)],
        ["backup", str(tmp_path / "new.zip")],
        ["users", "add", "ben", "--no-password"],
    ):
        assert main([*arguments, "--data-dir", str(data_dir)]) == 2
        error = capsys.readouterr().err
        assert "cannot write the audit log" in error and error.count("\n") == 1
    assert not data_dir.exists() and not (tmp_path / "new.zip").exists()


def test_a_pipe_and_a_device_are_no_backups(data_dir, tmp_path, capsys):
    """Reading them might never end."""
    os.mkfifo(tmp_path / "pipe")
    for file in (tmp_path / "pipe", Path("/dev/zero")):
        assert run(file, data_dir) == 2
        assert "it is no file" in capsys.readouterr().err
