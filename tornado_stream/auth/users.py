"""Everybody who may log in now: those of the users' file, and `local` as the settings say.

The rule: a change of the file holds within a second, without a restart. A file that cannot be
used changes nothing: those who could log in still can, nobody else can, and the log says so.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from tornado_stream.auth.passwords import is_same, nobodys_password, verify
from tornado_stream.auth.users_file import User, read_users, token_digest
from tornado_stream.store.base import OpenError
from tornado_stream.values.messages import LOCAL_OWNER

logger = logging.getLogger(__name__)

FILE = "users.json"
#: Seconds between two looks at the file.
LOOK = 1.0


class Users:
    """Raises `OpenError` where the file is there and cannot be used."""

    def __init__(
        self,
        path: Path,
        password: str | None = None,
        token: str | None = None,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._path = path
        self._password = password
        self._token = token
        self._now = now
        self._users: dict[str, User] = {}
        self._tokens: dict[str, str] = {}
        self._due = 0.0
        self._seen = _state(path)
        self._take(read_users(path))

    @property
    def anyone(self) -> bool:
        """Whether there is any way to log in."""
        self._look()
        return bool(self._users or self._password or self._token)

    @property
    def only(self) -> str | None:
        """The one user with a password, where there is one only."""
        self._look()
        names = {name for name, user in self._users.items() if user.password}
        if self._password:
            names.add(LOCAL_OWNER)
        return names.pop() if len(names) == 1 else None

    def with_token(self, token: str) -> str | None:
        """Whose this token is."""
        self._look()
        return self._tokens.get(token_digest(token))

    def credential(self, name: str) -> str | None:
        """What a session of theirs depends on: it ends when this changes. None: they cannot log
        in. A secret."""
        self._look()
        if name == LOCAL_OWNER and self._password:
            return self._password
        user = self._users.get(name)
        return user.password if user else None

    def check(self, name: str) -> Callable[[str], bool]:
        """What tells whether a password is theirs, in some ten milliseconds and on any thread; it
        takes as long where there is no such user."""
        credential = self.credential(name)
        if credential is None:
            return _wrong
        if credential is self._password:
            return lambda password: _wrong(password) or is_same(password, credential)
        return lambda password: verify(credential, password)

    def _look(self) -> None:
        now = self._now()
        if now < self._due:
            return
        self._due = now + LOOK
        state = _state(self._path)
        if state == self._seen:
            return
        self._seen = state
        try:
            if state is None:
                raise OpenError(f"{self._path} is gone")
            self._take(read_users(self._path))
            logger.info("users: %d are known now", len(self._users))
        except OpenError as error:
            logger.error("users: %s; those who were known before stay", error)

    def _take(self, users: dict[str, User]) -> None:
        self._due = self._now() + LOOK
        self._users = users
        self._tokens = {token: name for name, user in users.items() for token in user.tokens}
        if self._token:
            self._tokens[token_digest(self._token)] = LOCAL_OWNER


def _wrong(password: str) -> bool:
    verify(nobodys_password(), password)
    return False


def _state(path: Path) -> tuple[int, ...] | None:
    """What changes with the file; None where there is none."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
