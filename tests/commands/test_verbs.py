"""Commands: the first argument decides, errors are one line, and signals leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from process import environ

from tornado_stream.auth.users_file import User, write_users
from tornado_stream.commands import verbs
from tornado_stream.commands.verbs import VERBS
from tornado_stream.server import main
from tornado_stream.settings import Settings, default_data_dir

MAIN = Path(__file__).resolve().parents[2] / "main.py"


@pytest.mark.parametrize("verb", VERBS)
def test_every_command_has_help_and_is_in_that_of_the_server(verb, capsys):
    for arguments in ([verb, "--help"], ["--help"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 0
        shown = " ".join(capsys.readouterr().out.split())
        assert VERBS[verb].split(",")[0] in shown and verb in shown
    assert (Path(verbs.__file__).parent / f"{verb}.py").exists()


def test_the_help_of_the_server_begins_with_the_commands(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    assert shown.isascii()  # every terminal can show it
    assert f"main.py {{{','.join(VERBS)}}} ..." in shown.splitlines()[1]


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_names_the_directory_that_the_command_uses(verb, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    with pytest.raises(SystemExit):
        main([verb, "--help"])
    assert f"[{default_data_dir()}]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["backup"], "arguments are required: FILE; see python main.py backup --help"),
        (["restore", "a", "b"], "unrecognized arguments: b"),
        (["backup", "--verfy", "a"], "--verfy"),
        (["--port", "1", "restore", "a"], "a command comes first: python main.py restore"),
        (["backup", "--data-dir", "", "/no/such/folder/file"], "cannot write into /no/such/folder"),
        (["restore", "/no/such/file"], "cannot read /no/such/file (No such file"),
    ],
)
def test_a_wrong_command_is_one_line_and_status_2(arguments, says, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("TORNADO_STREAM_DATA_DIR", str(tmp_path / "none"))
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert says in shown.err and shown.err.count("\n") == 1 and shown.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_command_and_its_temporary_files(number, tmp_path, monkeypatch):
    from tornado_stream.commands import backup

    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip("the signal is ignored here")

    def copy(source: Path, target: Path) -> None:
        target.write_text("half")
        os.kill(os.getpid(), number)

    monkeypatch.setattr(backup, "copy_database", copy)
    before = signal.getsignal(signal.SIGTERM)
    try:
        status = verbs.run_verb(
            ["backup", str(tmp_path / "file")], lambda flags: Settings(data_dir=tmp_path)
        )
    except SystemExit as ended:
        status = ended.code
    assert status == 128 + number and signal.getsignal(signal.SIGTERM) == before
    assert list(tmp_path.iterdir()) == []


def test_output_that_cannot_be_written_is_one_line(tmp_path):
    write_users(tmp_path / "users.json", {"anna": User()})
    command = [sys.executable, MAIN, "users", "list", "--data-dir", tmp_path]
    with open("/dev/full", "w") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert ended.returncode == 2 and "output could not be written (No space" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_bytes_that_are_no_text_are_told_or_shown(tmp_path):
    directory, variables = os.fsencode(tmp_path / "d") + b"\xe4", environ(PYTHONIOENCODING="utf-8")
    command = [sys.executable, MAIN, "users", "add", "anna", "--no-password"]
    made = [*command, "--data-dir", directory]
    assert subprocess.run(made, env=variables, check=True, capture_output=True).stdout
    for arguments, status, says in (
        (["check", "--data-dir", directory], 2, b"no database in"),
        (["export", "x.zip", "--user", b"\xe4"], 2, b"user is not text in UTF-8"),
        (["users", "list", "--data-dir", directory], 0, b"anna: no password"),
    ):
        command = [sys.executable, MAIN, *arguments]
        ended = subprocess.run(command, env=variables, capture_output=True, cwd=tmp_path)
        shown = ended.stdout + ended.stderr
        assert ended.returncode == status and says in shown and b"Traceback" not in shown
