"""Commands that change users. A running server notices a change within a second."""

from __future__ import annotations

import getpass
import secrets
import sys
from dataclasses import replace
from pathlib import Path

from tornado_stream.auth.passwords import hash_password
from tornado_stream.auth.users import FILE
from tornado_stream.auth.users_file import NAME, User, changing_users, read_users, token_digest
from tornado_stream.settings import LONGEST_PASSWORD, SettingError

#: The commands and their help texts. On the command line, each is a flag that takes a user's name.
USER_COMMANDS = {
    "set-password": "Set the password of a user, and exit. A new name creates a user. The program "
    "asks for the password twice, or reads it from standard input.",
    "new-token": "Make a bearer token for a user, print it once, and exit.",
    "remove-tokens": "Remove all tokens of a user, and exit.",
    "remove-user": "Remove a user with their sessions and tokens, and exit. Their conversations "
    "remain.",
}
#: Begins every token, so that a person who finds one can tell what it is for.
TOKEN_PREFIX = "ts_"


def run(command: str, name: str, data_dir: Path) -> None:
    """Run one of `USER_COMMANDS` for a user. Raises `SettingError`, `OpenError`."""
    if not NAME.fullmatch(name):
        raise SettingError(
            f"--{command} cannot take {name!r}: a name is 1 to 64 letters, digits and . _ - @"
        )
    path = data_dir / FILE
    known = read_users(path)
    if command == "set-password":
        _set_password(path, name)
    elif command == "new-token":
        _new_token(path, name)
    elif name not in known:
        raise SettingError(f"there is no user {name} in {path}")
    elif command == "remove-tokens":
        with changing_users(path) as users:
            if name in users:
                users[name] = replace(users[name], tokens=())
        print(f"{name} has no tokens now")
    else:
        with changing_users(path) as users:
            users.pop(name, None)
        print(f"{name} is removed; their conversations remain")


def _set_password(path: Path, name: str) -> None:
    hashed = hash_password(_ask(name))
    with changing_users(path) as users:
        users[name] = replace(users.get(name, User()), password=hashed)
    print(f"{name} has a new password; sessions under an old one have ended")


def _new_token(path: Path, name: str) -> None:
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    with changing_users(path) as users:
        user = users.get(name, User())
        users[name] = replace(user, tokens=(*user.tokens, token_digest(token)))
    print(token)


def _ask(name: str) -> str:
    if not sys.stdin.isatty():
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = getpass.getpass(f"Password for {name}: ")
        if getpass.getpass("Again: ") != password:
            raise SettingError("the two passwords differ; nothing was changed")
    if not password:
        raise SettingError("a password must not be empty; nothing was changed")
    if len(password) > LONGEST_PASSWORD:
        raise SettingError(f"a password has at most {LONGEST_PASSWORD} characters")
    return password
