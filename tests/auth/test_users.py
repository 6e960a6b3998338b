"""Users: their file, changes of it, damaged files, and hashes of earlier versions."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from tornado_stream.auth import passwords
from tornado_stream.auth.passwords import is_argon2, verify
from tornado_stream.auth.users import Users
from tornado_stream.auth.users_file import (
    Token,
    User,
    changing_users,
    read_users,
    token_digest,
    write_users,
)
from tornado_stream.store import lock
from tornado_stream.store.base import OpenError

from .hashes import CHEAP, cheap_hash, old_hash

HASHED = cheap_hash("anna's")


class Clock:
    time = 0.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch):
    monkeypatch.setattr(passwords, "SCRYPT_COST", CHEAP)
    monkeypatch.setattr(passwords, "ARGON2_DECOY", old_hash(os.urandom(9).hex()))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "users.json"


def test_the_file_is_read_as_it_was_written_and_is_private(path):
    users = {
        "local": User(),
        "anna@x.org": User(HASHED, (Token(token_digest("a")), Token(token_digest("b")))),
    }
    write_users(path, users)
    assert read_users(path) == users
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["users.json"]


def test_without_a_file_there_are_no_users(path):
    assert read_users(path) == {}
    users = Users(path)
    assert not users.anyone and users.only_user is None
    assert users.credential("local") is None and not users.verifier("local")("")
    assert users.with_token("") is None


DAMAGED = [
    b"",
    b"[]",
    b"{}",
    b'{"users": {"anna": {}}',
    b'{"users": []}',
    b'{"users": {"anna": []}}',
    b'{"users": {"an na": {}}}',
    b'{"users": {"anna": {"password": "plain"}}}',
    b'{"users": {"anna": {"password": 1}}}',
    b'{"users": {"anna": {"tokens": ["x"]}}}',
    b'{"users": {"anna": {"tokens": "x"}}}',
    b"\xff",
]


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_file_is_an_error_at_the_start(path, content):
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(OpenError) as caught:
        Users(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert "plain" not in str(caught.value)


def test_a_change_takes_effect_within_a_second(path):
    clock = Clock()
    users = Users(path, now=clock)
    write_users(path, {"anna": User(HASHED, (Token(token_digest("t")),))})
    assert not users.anyone
    clock.time += 1
    assert users.anyone and users.only_user == "anna" and users.with_token("t") == "anna"
    assert users.verifier("anna")("anna's") and not users.verifier("anna")("ben's")
    write_users(path, {"anna": User(HASHED), "ben": User(HASHED)})
    clock.time += 1
    assert users.only_user is None and users.with_token("t") is None
    write_users(path, {})
    clock.time += 1
    assert users.credential("anna") is None and not users.anyone


@pytest.mark.parametrize("content", [b'{"users":', None])
def test_a_file_that_gets_damaged_changes_nothing_and_is_logged_once(path, content, caplog):
    clock = Clock()
    write_users(path, {"anna": User(HASHED, (Token(token_digest("t")),))})
    users = Users(path, now=clock)
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    for _ in range(3):
        clock.time += 1
        assert users.with_token("t") == "anna" and users.anyone
    assert [r.levelname for r in caplog.records] == ["ERROR"]
    assert "the users from before remain" in caplog.text
    caplog.clear()
    write_users(path, {"ben": User(HASHED)})
    clock.time += 1
    assert users.only_user == "ben" and users.with_token("t") is None


def test_the_password_and_token_of_the_settings_belong_to_local(path):
    write_users(path, {"local": User(HASHED)})
    users = Users(path, "s\u00e9cret", "a token of length")
    assert users.credential("local") == "s\u00e9cret" and users.only_user == "local"
    assert users.verifier("local")("s\u00e9cret") and not users.verifier("local")("anna's")
    assert users.with_token("a token of length") == "local"
    assert users.with_token("a token of lengt") is None


def test_a_file_that_cannot_be_written_is_left_as_it_was(path, monkeypatch):
    write_users(path, {"anna": User(HASHED)})

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OpenError, match="No space left"):
        write_users(path, {})
    assert read_users(path) == {"anna": User(HASHED)}
    assert [file.name for file in path.parent.iterdir()] == ["users.json"]


# -- changes by several processes


def test_changes_at_the_same_time_are_all_written(path):
    def add(number: int) -> None:
        with changing_users(path) as known:
            known[f"user{number}"] = User()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add, range(40)))
    assert read_users(path).keys() == {f"user{number}" for number in range(40)}
    assert {file.name for file in path.parent.iterdir()} == {"users.json", "users.json.lock"}


def test_a_change_that_fails_writes_nothing(path):
    write_users(path, {"anna": User(HASHED)})
    with pytest.raises(ZeroDivisionError), changing_users(path) as known:
        known.clear()
        raise ZeroDivisionError
    assert read_users(path) == {"anna": User(HASHED)}


def test_a_change_does_not_wait_for_ever(path, monkeypatch):
    monkeypatch.setattr(lock, "LOCK_WAIT", 0.05)
    with changing_users(path), pytest.raises(OpenError, match=r"users\.json\.lock; try again"):
        with changing_users(path):
            pass


# -- hashes of earlier versions


@pytest.fixture
def old(path) -> str:
    """The hash of anna's password, as an earlier version wrote it."""
    old = old_hash("anna's")
    write_users(path, {"anna": User(old, (Token(token_digest("t")),)), "ben": User(HASHED)})
    return old


def test_a_login_replaces_an_argon2_hash(path, old):
    users = Users(path)
    assert users.verifier("anna")("ben's") is None
    assert read_users(path)["anna"].password == old
    new = users.verifier("anna")("anna's")
    assert new and not is_argon2(new) and verify(new, "anna's")
    assert read_users(path) == {"anna": User(new, (Token(token_digest("t")),)), "ben": User(HASHED)}
    assert users.credential("anna") == old
    users.check_now()
    assert users.credential("anna") == new and users.with_token("t") == "anna"
    assert users.verifier("anna")("anna's") == new


def test_two_logins_at_once_get_the_same_credential(path, old):
    users = Users(path)
    first, second = users.verifier("anna"), users.verifier("anna")
    new = first("anna's")
    assert second("anna's") == new == read_users(path)["anna"].password != old


def test_a_login_does_not_undo_a_change_that_was_made_meanwhile(path, old):
    users = Users(path)
    verifier, changed = users.verifier("anna"), {"anna": User(HASHED), "carl": User(HASHED)}
    write_users(path, changed | {"anna": User(cheap_hash("another"))})
    before = path.read_bytes()
    assert verifier("anna's") is None
    write_users(path, {"carl": User(HASHED)})
    assert verifier("anna's") is None and read_users(path).keys() == {"carl"}
    write_users(path, changed)
    assert verifier("anna's") == HASHED and path.read_bytes() != before


def test_a_hash_that_cannot_be_written_stays_as_it_was(path, old, monkeypatch, caplog):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    assert Users(path).verifier("anna")("anna's") == old
    assert "No space left" in caplog.text and "anna's" not in caplog.text
    monkeypatch.undo()
    assert read_users(path)["anna"].password == old


def test_without_argon2_the_log_says_what_to_do(path, old, monkeypatch, caplog):
    monkeypatch.setattr("tornado_stream.auth.users.has_argon2", lambda: False)
    known = Users(path)
    assert known.verifier("anna")("anna's") is None
    assert "anna cannot log in" in caplog.text and "--set-password" in caplog.text
    assert "argon2-cffi" in caplog.text and old not in caplog.text
    caplog.clear()
    assert known.verifier("ben")("anna's") == HASHED
    assert known.with_token("t") == "anna" and not caplog.records
    assert read_users(path)["anna"].password == old


def test_a_file_that_could_not_be_read_is_read_as_soon_as_it_can_be(path, monkeypatch, caplog):
    """A removal of a user must count, also if the file could not be read in that moment."""
    write_users(path, {"anna": User(HASHED), "ben": User(HASHED)})
    clock = Clock()
    users = Users(path, now=clock)
    write_users(path, {"anna": User(HASHED)})
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.read_bytes", lambda self: _raise(OSError(24, "Too many files")))
        for clock.time in (1.0, 2.0, 3.0):
            assert users.credential("ben") == HASHED
    assert caplog.text.count("Too many files") == 1
    clock.time = 4.0
    assert users.credential("ben") is None and users.credential("anna") == HASHED
    caplog.clear()


def _raise(error: Exception) -> None:
    raise error


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_or_a_directory_in_place_of_the_file_changes_nothing(path, caplog):
    write_users(path, {"anna": User(HASHED)})
    clock = Clock()
    users = Users(path, now=clock)
    for clock.time, make in ((1.0, os.mkfifo), (2.0, os.mkdir)):
        path.unlink()
        make(path)
        assert users.credential("anna") == HASHED
    assert caplog.text.count("it is no file") == 1, "it is told once"
    caplog.clear()
