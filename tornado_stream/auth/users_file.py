"""`users.json` in the data directory: the users who may log in, their hashes and their tokens.

The rule: the file is private to its owner, and every change replaces it in one step, so a running
server reads either the old content or the new. It holds only hashes of passwords and SHA-256
digests of tokens.

What belongs to a user has the user's id as its owner. A user of an earlier version has the name as
id. A new user gets an id that no user had before: not even a namesake inherits anything.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from tornado_stream.auth.passwords import is_hash
from tornado_stream.store.base import OpenError
from tornado_stream.store.lock import locked
from tornado_stream.store.private_files import make_directory, make_private, unusable
from tornado_stream.values.messages import LOCAL_OWNER

NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
#: An owner's id: a name, or a name and random digits. No name has a colon.
OWNER_ID = re.compile(r"[A-Za-z0-9._@-]{1,64}(?::[0-9a-f]{16})?")
#: Characters of a token's name, and tokens of one user.
LONGEST_TOKEN_NAME, MAX_TOKENS = 64, 100
#: What changes the original of a file that is a copy.
_ORIGINALS: dict[Path, Callable[[], AbstractContextManager[None]]] = {}
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Token:
    """A token as the file has it. Times are in seconds since the epoch.

    `created_at` is 0 for a token of an earlier version, which also had no name. `expires_at` is 0
    for a token that does not expire.
    """

    digest: str
    name: str = ""
    created_at: int = 0
    expires_at: int = 0

    @property
    def id(self) -> str:
        """The name of the token for the API and the commands."""
        return short_id(self.digest)


@dataclass(frozen=True, slots=True)
class User:
    """A user who can log in with a password (its hash), with tokens, or both.

    `id` is "" where it is the name itself: for `local`, and for users of earlier versions.
    """

    password: str | None = None
    tokens: tuple[Token, ...] = ()
    id: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """What a command leaves to the process that has the database: the server, or the next one.

    `action` is one of `ACTIONS`. `session` is the id of one session, or "" for all of the owner.
    Only sessions that started before the order was given end.
    """

    action: str
    owner: str
    session: str = ""
    given_at: int = field(default_factory=lambda: int(time.time()) + 1)


DELETE_CONVERSATIONS, END_SESSIONS = ACTIONS = ("delete_conversations", "end_sessions")


class KnownUsers(dict[str, User]):
    """The content of the file: users by their name, and the orders that are not carried out."""

    def __init__(
        self,
        users: Mapping[str, User] | Iterable[tuple[str, User]] = (),
        orders: Iterable[Order] = (),
    ) -> None:
        super().__init__(users)
        self.orders = list(orders)

    def __copy__(self) -> KnownUsers:
        return KnownUsers(self, self.orders)

    def owner_id(self, name: str) -> str:
        """The id of a user, which is the owner of what belongs to them. Raises `KeyError`."""
        return self[name].id or name

    def add(self, name: str) -> None:
        """Add a user who cannot log in yet, with a new id. A user with this name stays."""
        is_local = name == LOCAL_OWNER
        new_id = "" if is_local else f"{name}:{secrets.token_hex(8)}"
        self.setdefault(name, User(id=new_id))

    def order(self, order: Order) -> None:
        """Leave an order. An equal one that waits already is replaced."""
        same = replace(order, given_at=0)
        self.orders = [one for one in self.orders if replace(one, given_at=0) != same]
        self.orders.append(order)


def token_digest(token: str) -> str:
    """The digest that the file stores of a token, and by which the token is looked up."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def short_id(digest: str) -> str:
    """The id of a token or a session for the API and the commands: half of its digest."""
    return str(UUID(digest[:32]))


def read_users(path: Path) -> KnownUsers:
    """All users, by name; none if the file does not exist.

    Raises `OpenError` if the file cannot be read, or does not have the format of `write_users`.
    """
    try:
        if path.exists() and not path.is_file():
            raise OSError("it is no file")  # opening a pipe would wait for its writer
        text = path.read_bytes()
    except FileNotFoundError:
        return KnownUsers()
    except OSError as error:
        raise OpenError(f"cannot read {path} ({error.strerror or error})") from error
    try:
        content = orjson.loads(text)
        users = {name: _user(name, entry) for name, entry in content["users"].items()}
        _check_ids(users)
        return KnownUsers(users, map(_order, content.get("orders", [])))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        why = str(error) if isinstance(error, _Damaged) else "it is damaged"
        raise OpenError(f"cannot use {path}: {why}; repair it, or move it away") from error


def share_users(path: Path, changing: Callable[[], AbstractContextManager[None]]) -> None:
    """The file is a copy that several servers have. `changing` brings it up to date, and stores in
    the original what its block has changed."""
    _ORIGINALS[path] = changing


@contextmanager
def changing_users(path: Path) -> Iterator[KnownUsers]:
    """Read the users into a dict, let the block change it, and write it back if it has changed.

    The command line and a running server both change the file. A lock on a file beside it keeps
    one from undoing the change of the other. Blocks for a moment. Raises `OpenError`.
    """
    make_directory(path.parent)
    original = _ORIGINALS.get(path, nullcontext)
    with locked(path.with_name(f"{path.name}.lock")), original():
        users = read_users(path)
        before = copy(users)
        yield users
        if users != before or users.orders != before.orders:
            write_users(path, users)


def write_users(path: Path, users: Mapping[str, User]) -> None:
    """Replace the file. Raises `OpenError`."""
    content: dict[str, Any] = {"users": {n: _entry(user) for n, user in sorted(users.items())}}
    if orders := getattr(users, "orders", None):
        content["orders"] = orders
    text = orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
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


def _entry(user: User) -> dict[str, Any]:
    entry: dict[str, Any] = {"password": user.password, "tokens": user.tokens}
    return entry | ({"id": user.id} if user.id else {})


def _user(name: str, entry: dict[str, Any]) -> User:
    password, tokens, id = entry.get("password"), entry.get("tokens", []), entry.get("id", "")
    if not NAME.fullmatch(name):
        raise _Damaged("it holds a name that is not allowed")
    if password is not None and not is_hash(password):
        raise _Damaged(f"it holds a password that is not a scrypt or argon2id hash (user {name})")
    if not isinstance(tokens, list):
        raise _Damaged(f"its tokens are no list (user {name})")
    if id and not OWNER_ID.fullmatch(id):
        raise _Damaged(f"it holds an id that is not allowed (user {name})")
    return User(password, tuple(_token(name, token) for token in tokens), id)


def _token(user: str, entry: Any) -> Token:
    """A token; an earlier version wrote only the digest."""
    token = Token(entry) if isinstance(entry, str) else Token(**entry)
    if not _DIGEST.fullmatch(token.digest):
        raise _Damaged(f"it holds a token that is not a SHA-256 digest (user {user})")
    times = (token.created_at, token.expires_at)
    if not isinstance(token.name, str) or not all(isinstance(time, int) for time in times):
        raise _Damaged(f"it holds a token whose name or times are wrong (user {user})")
    return token


def _order(entry: dict[str, Any]) -> Order:
    order = Order(**entry)
    is_time = isinstance(order.given_at, int)
    if order.action not in ACTIONS or not OWNER_ID.fullmatch(order.owner) or not is_time:
        raise _Damaged("it holds an order that is not known")
    return order


def _check_ids(users: dict[str, User]) -> None:
    """Two users with one id would have the same conversations."""
    ids = [user.id or name for name, user in users.items()]
    if len(set(ids)) < len(ids):
        raise _Damaged("two users have the same id")
