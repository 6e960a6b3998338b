"""Users: their file, what changes it, and what a damaged one does not change."""

from __future__ import annotations

import os
import stat

import pytest
from argon2 import PasswordHasher

from tornado_stream.auth import passwords
from tornado_stream.auth.users import Users
from tornado_stream.auth.users_file import User, read_users, token_digest, write_users
from tornado_stream.store import OpenError

HASHED = PasswordHasher(1, 1024, 1).hash("anna's")


class Clock:
    time = 0.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch):
    monkeypatch.setattr(passwords, "ARGON2_MEMORY", 1024)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "users.json"


def test_the_file_comes_back_as_it_was_and_is_its_owners_alone(path):
    users = {"local": User(), "anna@x.org": User(HASHED, (token_digest("a"), token_digest("b")))}
    write_users(path, users)
    assert read_users(path) == users
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["users.json"]


def test_where_there_is_no_file_there_is_nobody(path):
    assert read_users(path) == {}
    users = Users(path)
    assert not users.anyone and users.only is None
    assert users.credential("local") is None and not users.check("local")("")
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


def test_a_change_holds_within_a_second(path):
    clock = Clock()
    users = Users(path, now=clock)
    write_users(path, {"anna": User(HASHED, (token_digest("t"),))})
    assert not users.anyone
    clock.time += 1
    assert users.anyone and users.only == "anna" and users.with_token("t") == "anna"
    assert users.check("anna")("anna's") and not users.check("anna")("ben's")
    write_users(path, {"anna": User(HASHED), "ben": User(HASHED)})
    clock.time += 1
    assert users.only is None and users.with_token("t") is None
    write_users(path, {})
    clock.time += 1
    assert users.credential("anna") is None and not users.anyone


@pytest.mark.parametrize("content", [b'{"users":', None])
def test_a_file_that_gets_damaged_changes_nothing_and_is_told_once(path, content, caplog):
    clock = Clock()
    write_users(path, {"anna": User(HASHED, (token_digest("t"),))})
    users = Users(path, now=clock)
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    for _ in range(3):
        clock.time += 1
        assert users.with_token("t") == "anna" and users.anyone
    assert [r.levelname for r in caplog.records] == ["ERROR"]
    assert "those who were known before stay" in caplog.text
    caplog.clear()
    write_users(path, {"ben": User(HASHED)})
    clock.time += 1
    assert users.only == "ben" and users.with_token("t") is None


def test_the_settings_are_locals(path):
    write_users(path, {"local": User(HASHED)})
    users = Users(path, "s\u00e9cret", "a token of length")
    assert users.credential("local") == "s\u00e9cret" and users.only == "local"
    assert users.check("local")("s\u00e9cret") and not users.check("local")("anna's")
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
