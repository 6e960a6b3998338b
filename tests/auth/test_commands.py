"""The commands that change users."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from deadlines import DEADLINE

from tornado_stream.auth.users import Users
from tornado_stream.auth.users_file import read_users
from tornado_stream.server import main

MAIN = Path(__file__).resolve().parent.parent.parent / "main.py"


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs `main` with arguments and standard input; returns exit status, output and errors."""

    def run(data_dir: Path, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        status = main(["--data-dir", str(data_dir), *arguments])
        return status, *capsys.readouterr()

    return run


def test_a_user_is_created_gets_tokens_and_is_removed(run, tmp_path):
    path = tmp_path / "new" / "users.json"
    data_dir = path.parent
    status, out, err = run(data_dir, "--set-password", "anna", stdin="hunter2 \r\nmore\n")
    assert (status, err) == (0, "") and "anna" in out
    assert "hunter2" not in path.read_text() + out
    token = run(data_dir, "--new-token", "anna")[1].strip()
    other = run(data_dir, "--new-token=anna")[1].strip()
    users = Users(path)
    assert users.verifier("anna")("hunter2 ") and not users.verifier("anna")("hunter2")
    assert users.with_token(token) == users.with_token(other) == users.id_of("anna")
    assert len(token) > 40 and token != other and token not in path.read_text()
    assert run(data_dir, "--remove-tokens", "anna")[0] == 0
    users = Users(path)
    assert users.with_token(token) is None and users.verifier("anna")("hunter2 ")
    assert run(data_dir, "--remove-user", "anna")[0] == 0
    assert read_users(path) == {}


@pytest.mark.parametrize(
    ("arguments", "stdin", "says"),
    [
        (["--set-password", "an na"], "x\n", "a name is 1 to 64 letters"),
        (["--set-password", "anna"], "\n", "must not be empty"),
        (["--set-password", "anna"], "", "must not be empty"),
        (["--remove-user", "anna"], "", "there is no user anna"),
        (["--new-token", "anna", "--remove-user", "anna"], "", "not allowed with"),
        (["--new-token"], "", "expected one argument"),
    ],
)
def test_an_error_is_one_line_and_changes_nothing(run, tmp_path, arguments, stdin, says):
    status, _, err = run(tmp_path, *arguments, stdin=stdin)
    assert status == 2 and err.count("\n") == 1 and says in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("again", "status"), [("secret", 0), ("secrte", 2)])
def test_a_terminal_asks_twice_and_shows_no_password(tmp_path, again, status):
    ours, theirs = pty.openpty()
    command = [sys.executable, str(MAIN), "--data-dir", str(tmp_path), "--set-password", "anna"]
    child = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    shown = read_until(ours, "Password for anna: ")
    os.write(ours, b"secret\n")
    shown += read_until(ours, "Again: ")
    os.write(ours, again.encode() + b"\n")
    shown += read_until(ours, "changed" if status else "ended")
    assert child.wait(DEADLINE) == status
    os.close(ours)
    assert "secret" not in shown and again not in shown
    assert (tmp_path / "users.json").exists() == (status == 0)


def read_until(terminal: int, words: str) -> str:
    shown = ""
    while words not in shown:
        shown += os.read(terminal, 1024).decode()
    return shown
