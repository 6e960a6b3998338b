"""The users of several servers over one database: each has a copy of one file."""

from __future__ import annotations

import threading

import pytest

from tornado_stream.auth import commands
from tornado_stream.auth.shared_users import share_users_file
from tornado_stream.auth.users_file import KnownUsers, User, changing_users, read_users, write_users
from tornado_stream.store.base import OpenError

pytestmark = pytest.mark.wide


@pytest.fixture
def copies(postgres, tmp_path, monkeypatch):
    """The paths of the users' file in three data directories, of which the first has a user."""
    monkeypatch.setattr("tornado_stream.auth.users_file._ORIGINALS", {})
    url = postgres.new_database()
    paths = [tmp_path / name / "users.json" for name in "abc"]
    write_users(paths[0], KnownUsers({"first": User()}))
    return paths, [share_users_file(url, path) for path in paths]


def test_a_change_at_one_server_is_one_at_all(copies):
    paths, fetch = copies
    assert all(set(read_users(path)) == {"first"} for path in paths)
    commands.add_user(paths[1], "anna")
    token, _ = commands.new_token(paths[2], "anna")
    for each in fetch:
        each()
    users = [read_users(path) for path in paths]
    assert users[0] == users[1] == users[2] and set(users[0]) == {"first", "anna"}
    assert len(users[0]["anna"].tokens) == 1 and token
    assert paths[1].stat().st_mode & 0o077 == 0
    with changing_users(paths[0]) as some:
        some.clear()
    fetch[2]()
    assert read_users(paths[2]) == {}


def test_simultaneous_changes_are_all_made(copies):
    paths, fetch = copies

    def add(path, name):
        for number in range(5):
            commands.add_user(path, f"{name}{number}")

    threads = [
        threading.Thread(target=add, args=(path, name))
        for path, name in zip(paths, "abc", strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    fetch[0]()
    added = {f"{name}{number}" for name in "abc" for number in range(5)}
    assert set(read_users(paths[0])) == added | {"first"}


def test_what_the_database_does_not_take_is_not_in_the_copy(copies, postgres):
    paths, fetch = copies
    postgres.kill()
    try:
        with pytest.raises(OpenError, match="cannot open the database"):
            commands.add_user(paths[1], "anna")
        assert set(read_users(paths[1])) == {"first"}
    finally:
        postgres.start()
    with pytest.raises(ZeroDivisionError), changing_users(paths[1]) as users:
        users.add("bob")
        raise ZeroDivisionError
    fetch[0]()
    assert set(read_users(paths[0])) == {"first"}
    commands.add_user(paths[1], "anna")
    fetch[0]()
    assert set(read_users(paths[0])) == {"first", "anna"}
