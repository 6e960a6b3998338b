"""Changes of the users' file that a person asks for, by a command or in the page.

The rule: a running server notices a change within a second. All functions block for a moment, and
raise `SettingError` with a sentence for the person, or `OpenError`.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from pathlib import Path

from tornado_stream.auth.passwords import hash_password
from tornado_stream.auth.users_file import (
    DELETE_CONVERSATIONS,
    END_SESSIONS,
    LONGEST_TOKEN_NAME,
    MAX_TOKENS,
    NAME,
    KnownUsers,
    Order,
    Token,
    User,
    changing_users,
    read_users,
    token_digest,
)
from tornado_stream.settings import LONGEST_PASSWORD, SettingError
from tornado_stream.values.messages import LOCAL_OWNER

#: The flags of earlier versions and their help texts. Each takes a user's name.
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


def check_name(name: str, what: str = "a name") -> None:
    """Raises `SettingError` unless a user can have this name."""
    if not NAME.fullmatch(name):
        raise SettingError(
            f"{what} cannot be {name!r}: a name is 1 to 64 letters, digits and . _ - @"
        )


def known_user(path: Path, users: KnownUsers, name: str, owner: str = "") -> User:
    """The user with this name, and with the id `owner` if that is given. Raises `SettingError` if
    there is none."""
    if name not in users or owner not in ("", users.owner_id(name)):
        raise SettingError(f"there is no user {name} in {path}")
    return users[name]


def check_password(password: str) -> None:
    if not password:
        raise SettingError("a password must not be empty; nothing was changed")
    if len(password) > LONGEST_PASSWORD:
        raise SettingError(f"a password has at most {LONGEST_PASSWORD} characters")


def add_user(path: Path, name: str) -> str:
    """Add a user without a password, and return the id. A user with this name stays."""
    with changing_users(path) as users:
        users.add(name)
    return users.owner_id(name)


def set_password(path: Path, name: str, password: str, *, owner: str = "") -> str:
    """Set a user's password, and return its hash. A new name creates a user, unless the id `owner`
    is given."""
    check_password(password)
    hashed = hash_password(password)
    with changing_users(path) as users:
        if owner:
            known_user(path, users, name, owner)
        users.add(name)
        users[name] = replace(users[name], password=hashed)
        users.order(Order(END_SESSIONS, users.owner_id(name), given_at=int(time.time())))
    return hashed


def new_token(
    path: Path, name: str, label: str = "", seconds: int = 0, *, owner: str = LOCAL_OWNER
) -> tuple[str, Token]:
    """Make a token for a user, and return it with what the file has of it. A new name creates a
    user, unless another id than `local` is given. The token expires after `seconds`, or never if
    that is 0. Expired tokens of the user are removed."""
    if len(label) > LONGEST_TOKEN_NAME or not label.isprintable():
        raise SettingError(f"a token's name has at most {LONGEST_TOKEN_NAME} visible characters")
    now = int(time.time())
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = Token(token_digest(secret), label, now, now + seconds if seconds else 0)
    with changing_users(path) as users:
        if owner != LOCAL_OWNER:
            known_user(path, users, name, owner)
        users.add(name)
        valid = tuple(t for t in users[name].tokens if not 0 < t.expires_at <= now)
        if len(valid) >= MAX_TOKENS:
            raise SettingError(f"{name} has {len(valid)} tokens, which is the most; remove one")
        users[name] = replace(users[name], tokens=(*valid, token))
    return secret, token


def remove_tokens(path: Path, name: str, id: str = "") -> int:
    """Remove the tokens of a user, or only the one with this id; returns how many there were."""
    known_user(path, read_users(path), name)
    with changing_users(path) as users:
        before = known_user(path, users, name).tokens
        after = tuple(token for token in before if id not in ("", token.id))
        users[name] = replace(users[name], tokens=after)
    return len(before) - len(after)


def remove_user(path: Path, name: str, *, with_conversations: bool = False) -> str:
    """Remove a user, with an order to end the sessions and perhaps delete the conversations.
    Returns the user's id."""
    known_user(path, read_users(path), name)
    with changing_users(path) as users:
        known_user(path, users, name)
        owner = users.owner_id(name)
        del users[name]
        users.order(Order(DELETE_CONVERSATIONS if with_conversations else END_SESSIONS, owner))
    return owner


def order(path: Path, order: Order) -> None:
    """Leave an order to the process that has the database."""
    with changing_users(path) as users:
        users.order(order)
