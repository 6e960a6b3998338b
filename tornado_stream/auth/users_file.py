"""`users.json` in the data directory: who may log in, read whole and written whole.

It holds no secret in plain: passwords are hashed, of tokens only the SHA-256 is kept. It is its
owner's alone, and replaced in one step, so that a running server reads the old one or the new.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from tornado_stream.auth.passwords import why_useless
from tornado_stream.store.base import OpenError
from tornado_stream.store.private_files import make_directory, make_private, unusable

NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class User:
    """One who may log in: with a password (its hash), with tokens (their digests), or both."""

    password: str | None = None
    tokens: tuple[str, ...] = ()


def token_digest(token: str) -> str:
    """What is kept of a token, and what it is found by."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def read_users(path: Path) -> dict[str, User]:
    """Everybody in the file; nobody where there is none. Raises `OpenError` where it cannot be
    read, or is not what `write_users` writes."""
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
    """What is wrong with the file, in words."""


def _user(name: str, entry: dict[str, Any]) -> User:
    password, tokens = entry.get("password"), entry.get("tokens", [])
    if not NAME.fullmatch(name):
        raise _Damaged("it holds a name that cannot be one")
    if password is not None and (why := why_useless(password)):
        raise _Damaged(f"{why} (user {name})")
    if not isinstance(tokens, list) or not all(_DIGEST.fullmatch(token) for token in tokens):
        raise _Damaged(f"it holds a token that is no SHA-256 (user {name})")
    return User(password, tuple(tokens))
