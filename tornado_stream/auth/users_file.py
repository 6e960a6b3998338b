"""`users.json` in the data directory: the users who may log in, their hashes and their tokens.

The rule: the file is private to its owner, and every change replaces it in one step, so a running
server reads either the old content or the new. It holds only hashes of passwords and SHA-256
digests of tokens.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from tornado_stream.auth.passwords import is_hash
from tornado_stream.store.base import OpenError
from tornado_stream.store.lock import locked
from tornado_stream.store.private_files import make_directory, make_private, unusable

NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class User:
    """A user who can log in with a password (its hash), with tokens (their digests), or both."""

    password: str | None = None
    tokens: tuple[str, ...] = ()


def token_digest(token: str) -> str:
    """The digest that the file stores of a token, and by which the token is looked up."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def read_users(path: Path) -> dict[str, User]:
    """All users, by name; none if the file does not exist.

    Raises `OpenError` if the file cannot be read, or does not have the format of `write_users`.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise OpenError(f"cannot read {path} ({error.strerror or error})") from error
    try:
        users = orjson.loads(text)["users"]
        return {name: _user(name, entry) for name, entry in users.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        why = str(error) if isinstance(error, _Damaged) else "it is damaged"
        raise OpenError(f"cannot use {path}: {why}; repair it, or move it away") from error


@contextmanager
def changing_users(path: Path) -> Iterator[dict[str, User]]:
    """Read the users into a dict, let the block change it, and write it back if it has changed.

    The command line and a running server both change the file. A lock on a file beside it keeps
    one from undoing the change of the other. Blocks for a moment. Raises `OpenError`.
    """
    make_directory(path.parent)
    with locked(path.with_name(f"{path.name}.lock")):
        users = read_users(path)
        before = dict(users)
        yield users
        if users != before:
            write_users(path, users)


def write_users(path: Path, users: Mapping[str, User]) -> None:
    """Replace the file. Raises `OpenError`."""
    entries = {n: {"password": u.password, "tokens": u.tokens} for n, u in sorted(users.items())}
    text = orjson.dumps({"users": entries}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    new = path.with_name(f"{path.name}.{os.getpid()}")
    make_directory(path.parent)
    try:
        make_private(new)
        with new.open("wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise unusable(path.parent, error) from error


class _Damaged(ValueError):
    """The message says what is wrong with the file."""


def _user(name: str, entry: dict[str, Any]) -> User:
    password, tokens = entry.get("password"), entry.get("tokens", [])
    if not NAME.fullmatch(name):
        raise _Damaged("it holds a name that is not allowed")
    if password is not None and not is_hash(password):
        raise _Damaged(f"it holds a password that is not a scrypt or argon2id hash (user {name})")
    if not isinstance(tokens, list) or not all(_DIGEST.fullmatch(token) for token in tokens):
        raise _Damaged(f"it holds a token that is not a SHA-256 digest (user {name})")
    return User(password, tuple(tokens))
