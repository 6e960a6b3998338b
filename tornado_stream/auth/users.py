"""The users who can log in now: those of the users' file, and `local` as the settings define it.

The rule: a change of the file takes effect within a second, without a restart. A file that cannot
be used changes nothing: the users from before can still log in, nobody else can, and the log
says so.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import monotonic, time

from tornado_stream.auth.passwords import has_argon2, hash_password, is_argon2, is_same, verify
from tornado_stream.auth.users_file import (
    KnownUsers,
    Order,
    Token,
    changing_users,
    read_users,
    token_digest,
)
from tornado_stream.config_file import file_state
from tornado_stream.store.base import OpenError
from tornado_stream.values.messages import LOCAL_OWNER

logger = logging.getLogger(__name__)

FILE = "users.json"
#: Seconds between two checks whether the file has changed.
CHECK_INTERVAL = 1.0


class Users:
    """Raises `OpenError` if the file exists and cannot be used."""

    def __init__(
        self,
        path: Path,
        password: str | None = None,
        token: str | None = None,
        now: Callable[[], float] = monotonic,
        *,
        by_proxy: bool = False,
    ) -> None:
        self.path = path
        self._password = password
        self._token = token
        self._now = now
        self._by_proxy = by_proxy  # a proxy logs users in too
        self._users = KnownUsers()
        self._names: dict[str, str] = {}  # id → name
        self._tokens: dict[str, tuple[str, Token]] = {}  # digest → the owner's id, the token
        self._next_check = 0.0
        self._required = False
        self._told = ""  # why the file could not be used
        #: Called after a change of the file has been read.
        self.on_change: Callable[[], None] = lambda: None
        self._seen = file_state(path)
        self._use(read_users(path))

    @property
    def anyone(self) -> bool:
        """Whether anybody can log in."""
        self._check_file()
        return bool(self._users or self._password or self._token or self._by_proxy)

    @property
    def required(self) -> bool:
        """Whether clients have to log in. Once true, it stays true."""
        self._required = self._required or self.anyone
        return self._required

    @property
    def only_user(self) -> str | None:
        """The name of the only user with a password; None if there are several or none."""
        self._check_file()
        names = {name for name, user in self._users.items() if user.password}
        if self._password:
            names.add(LOCAL_OWNER)
        return names.pop() if len(names) == 1 else None

    @property
    def count(self) -> int:
        """How many users the file has."""
        return len(self._users)

    @property
    def orders(self) -> list[Order]:
        """What commands have left to the process that has the database."""
        self._check_file()
        return self._users.orders

    def with_token(self, token: str) -> str | None:
        """The id of the user who has this bearer token."""
        self._check_file()
        owner, known = self._tokens.get(token_digest(token), (None, None))
        return owner if known and not 0 < known.expires_at <= time() else None

    @property
    def token_digests(self) -> set[str]:
        """The digests of all tokens."""
        return set(self._tokens)

    def tokens_of(self, owner: str) -> list[Token]:
        """The tokens of the user with this id that are in the file."""
        self._check_file()
        user = self._users.get(self.name_of(owner))
        return list(user.tokens) if user else []

    def password_is_setting(self, owner: str) -> bool:
        """Whether the password of this user is in the settings, not in the file."""
        return owner == LOCAL_OWNER and bool(self._password)

    def name_of(self, id: str) -> str:
        """The name of the user with this id; the id itself where there is no such user."""
        return self._names.get(id, id)

    def id_of(self, name: str) -> str:
        """The id of the user with this name; "" where there is no such user."""
        if name in self._users:
            return self._users.owner_id(name)
        return LOCAL_OWNER if name == LOCAL_OWNER else ""

    def id_of_known(self, name: str) -> str:
        """As `id_of`, but `local` counts only where somebody can log in as `local`: everything from
        the time before there was a login belongs to that id."""
        self._check_file()
        has_local = bool(self._password or self._token)
        return self.id_of(name) if name in self._users or has_local else ""

    def is_user(self, id: str) -> bool:
        """Whether the user with this id can log in now; where there is no login, it is anybody."""
        if not self.required:
            return True
        self._check_file()
        return id in self._names or (id == LOCAL_OWNER and bool(self._password or self._token))

    def credential(self, id: str) -> str | None:
        """The secret that a session of this user depends on: it ends when the secret changes.

        None if the user with this id cannot log in with a password.
        """
        self._check_file()
        if id == LOCAL_OWNER and self._password:
            return self._password
        user = self._users.get(self._names.get(id, ""))
        return user.password if user else None

    def verifier(self, name: str) -> Callable[[str], str | None]:
        """Return a function that takes a password of this user, and runs on any thread.

        It returns the credential for a new session, or None if the password is wrong. It takes
        about 0.1 s, and as long if there is no such user. It replaces an argon2 hash in the file;
        call `check_now` afterwards.
        """
        credential = self.credential(self.id_of(name))
        argon2 = has_argon2() and any(is_argon2(u.password or "") for u in self._users.values())
        if credential and credential is self._password:
            return lambda password: _verify_plain(credential, password, argon2)
        if credential and is_argon2(credential):
            if not has_argon2():
                logger.warning(
                    "%s cannot log in: the password's hash was made by argon2, and argon2-cffi is "
                    "not installed. Install it until this user has logged in once, or set the "
                    "password again with --set-password.",
                    name,
                )
            return lambda password: self._verify_old(name, credential, password, argon2)
        return lambda password: credential if verify(credential, password, argon2=argon2) else None

    def check_now(self) -> None:
        """Notice a change of the file at the next use, not only within a second."""
        self._next_check = 0.0

    def _verify_old(self, name: str, old: str, password: str, argon2: bool) -> str | None:
        if not verify(old, password, argon2=argon2):
            return None
        new = hash_password(password)
        try:
            with changing_users(self.path) as users:
                user = users.get(name)
                if user and user.password == old:
                    users[name] = replace(user, password=new)
                    return new
        except OpenError as error:
            logger.warning("the new hash of a password was not written: %s", error)
            return old
        # Meanwhile another login has replaced the hash, or a command the password.
        stored = user.password if user else None
        return stored if verify(stored, password, argon2=argon2) else None

    def _check_file(self) -> None:
        now = self._now()
        if now < self._next_check:
            return
        self._next_check = now + CHECK_INTERVAL
        state = file_state(self.path)
        if state == self._seen:
            return
        self._seen = state
        told, self._told = self._told, ""
        try:
            if state is None:
                raise OpenError(f"{self.path} does not exist any more")
            self._use(read_users(self.path))
            logger.info("users: the file has changed; number of users: %d", len(self._users))
            self.on_change()
        except OpenError as error:
            self._told = str(error)
            if isinstance(error.__cause__, OSError):
                self._seen = ()  # perhaps it can be read in a second
            if self._told != told:
                logger.error("users: %s; the users from before remain", error)

    def _use(self, users: KnownUsers) -> None:
        self._next_check = self._now() + CHECK_INTERVAL
        self._users = users
        self._names = {users.owner_id(name): name for name in users}
        self._tokens = {
            token.digest: (users.owner_id(name), token)
            for name, user in users.items()
            for token in user.tokens
        }
        if self._token:
            digest = token_digest(self._token)
            self._tokens[digest] = LOCAL_OWNER, Token(digest)


def _verify_plain(wanted: str, given: str, argon2: bool) -> str | None:
    verify(None, given, argon2=argon2)  # so that it takes as long as for a hash
    return wanted if is_same(given, wanted) else None
