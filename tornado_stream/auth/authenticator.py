"""Turns what a request shows, a token, a session or a password, into a user."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from tornado_stream.auth import commands
from tornado_stream.auth.last_uses import LastUses
from tornado_stream.auth.password_checks import KnownPlaces, PasswordChecks
from tornado_stream.auth.sessions import Sessions, session_id
from tornado_stream.auth.shared_tries import Counted, SharedTries
from tornado_stream.auth.tries import Tries, network
from tornado_stream.auth.users import Users
from tornado_stream.auth.users_file import NAME, Token, token_digest
from tornado_stream.settings import SettingError
from tornado_stream.store.base import OpenError, Session
from tornado_stream.values.errors import (
    Conflict,
    Forbidden,
    InvalidRequest,
    NotFound,
    Unauthorized,
    Unavailable,
)
from tornado_stream.values.messages import LOCAL_OWNER
from tornado_stream.values.tries import TryLimit

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: Users of the file, if a proxy may name anybody: each new one writes the whole file.
MAX_USERS = 10_000

#: Tries without a wait, and the longest wait in seconds after those: from one address, and from all
#: addresses for one name. A name's waits are short, because anybody can cause them for that user.
OF_ADDRESS, OF_NAME = TryLimit(5, 900.0), TryLimit(20, 60.0)


class Authenticator:
    """Users, sessions, tokens and tries. Create it before the loop serves, and await `open` before
    the first request. An `owner` is the id of a user."""

    def __init__(
        self, users: Users, sessions: Sessions, last_uses: LastUses, shared: SharedTries
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._last_uses = last_uses
        self._of_address = Tries(OF_ADDRESS)
        self._of_name = Tries(OF_NAME)
        self._shared_tries = shared
        self._known_places = KnownPlaces()
        self._checks = PasswordChecks()
        sessions.on_end = last_uses.forget

    @property
    def asks_for_name(self) -> bool:
        """Whether a login needs a name, because a password alone does not identify the user."""
        return self._users.only_user is None

    async def open(self) -> None:
        """Load the sessions that the store has. Raises `StoreError`."""
        await self._sessions.open()
        sessions = self._sessions.all()
        for session in sorted(sessions, key=lambda session: session.expires_at):
            self._known_places.add(network(session.address), session.owner)
        await self._last_uses.open({s.id for s in sessions} | self._users.token_digests)

    def known_tries(self) -> list[dict[str, tuple[int, float]]]:
        """What another process needs to go on counting tries."""
        return [self._of_address.known(), self._of_name.known()]

    def take_tries(self, known: list[dict[str, tuple[int, float]]]) -> None:
        """Go on counting tries where another process has stopped."""
        for tries, theirs in zip((self._of_address, self._of_name), known, strict=True):
            tries.take(theirs)

    async def refresh(self) -> None:
        """Read the users and the sessions anew: another process may have changed them."""
        self._users.check_now()
        if self._users.anyone:
            await self._sessions.refresh()

    def tell(self, changed: Callable[[], Awaitable[None]]) -> None:
        """Await `changed` when sessions have begun or ended, or users have changed, before a client
        is told so."""
        self._sessions.on_change = changed

    def close(self) -> None:
        self._checks.close()

    def with_token(self, token: str) -> str | None:
        """The id of the user who has this bearer token."""
        if owner := self._users.with_token(token):
            self._last_uses.note(token_digest(token))
        return owner

    def with_session(self, token: str) -> str | None:
        """The id of the user who has the session with this token."""
        if owner := self._sessions.owner(token, self._users.credential):
            self._last_uses.note(session_id(token))
        return owner

    def known_owner(self, name: str | None) -> str:
        """The id of the user who is to log in with this name; "" if there is none."""
        owner = self._users.id_of(name or self._users.only_user or "")
        return "" if self._users.credential(owner) is None else owner

    def with_proxy_name(self, name: str, *, anyone: bool) -> str:
        """The id of the user whom the proxy names. Raises `Forbidden` `not_a_user`.

        With `anyone` every name is let in but `local`, up to `MAX_USERS`; "" then stands for a user
        who has no id yet, see `add_proxy_user`.
        """
        owner = self._users.id_of_known(name)
        may_be_added = anyone and name != LOCAL_OWNER and NAME.fullmatch(name)
        if owner or (may_be_added and self._users.count < MAX_USERS):
            return owner
        raise Forbidden(
            "You have logged in, but no user of this server has your name. Ask its operator.",
            code="not_a_user",
        )

    async def add_proxy_user(self, name: str) -> str:
        """Add the user whom the proxy names, without a password, and return the id. Raises
        `Unavailable`."""
        owner = await self._change(partial(commands.add_user, name=name))
        logger.info("%s is a new user, whom the proxy has named", name)
        return owner

    async def log_in(self, name: str | None, password: str, address: str, agent: str = "") -> str:
        """Start a session and return its token. Without a name, the only user logs in. `address`
        and `agent` are the client's.

        Raises `Unauthorized` with the code `wrong_password`, or `TooManyTries`.
        """
        name = name or self._users.only_user or ""
        if not NAME.fullmatch(name):
            name = ""  # no user has it, and all such names share one count of tries
        owner = self._users.id_of(name)
        credential = await self._check(name, password, address)
        if credential is None:
            # A name that does not exist is not logged: people type passwords into that field.
            known = "" if self._users.credential(owner) is None else f" for {name}"
            logger.info("a wrong password%s from %s", known, address)
            raise Unauthorized("The name or the password is wrong.", code="wrong_password")
        self._known_places.add(network(address), owner)
        logger.info("%s logged in from %s", name, address)
        return await self._sessions.start(owner, credential, address, agent)

    async def extend(self, token: str) -> bool:
        """See `Sessions.extend`."""
        return await self._sessions.extend(token)

    async def log_out(self, token: str) -> None:
        """End a session. Idempotent."""
        await self._sessions.end(token)

    def sessions_of(self, owner: str) -> list[tuple[Session, int]]:
        """The sessions of a user, and when each was last used."""
        return [(s, self._last_uses.at(s.id)) for s in self._sessions.of(owner)]

    async def end_session(self, owner: str, id: str) -> None:
        """End one session of a user. Raises `NotFound`."""
        if not await self._sessions.end_those_of(owner, id):
            raise NotFound("There is no session with this id.")

    async def end_sessions(self, owner: str, *, keep: str = "") -> int:
        """End all sessions of a user but the one with the token `keep`; returns how many."""
        return await self._sessions.end_those_of(owner, keep=keep)

    def tokens_of(self, owner: str) -> list[tuple[Token, int]]:
        """The tokens of a user that are in the users' file, and when each was last used."""
        return [(t, self._last_uses.at(t.digest)) for t in self._users.tokens_of(owner)]

    async def new_token(self, owner: str, name: str, seconds: int) -> tuple[str, Token]:
        """Make a token, and return it with what is stored of it. See `commands.new_token`."""
        user = self._users.name_of(owner)
        return await self._change(
            partial(commands.new_token, name=user, label=name, seconds=seconds, owner=owner)
        )

    async def remove_token(self, owner: str, id: str) -> None:
        """Remove one token of a user. Raises `NotFound`."""
        digests = [token.digest for token, _ in self.tokens_of(owner) if token.id == id]
        if not digests:
            raise NotFound("There is no token with this id.")
        user = self._users.name_of(owner)
        await self._change(partial(commands.remove_tokens, name=user, id=id))
        self._last_uses.forget(digests[0])

    async def change_password(
        self, owner: str, old: str, new: str, address: str, agent: str
    ) -> str:
        """Change a user's own password, end all their sessions, and start a new one, whose token is
        returned.

        Raises `Forbidden` `wrong_password`, `Conflict` `password_is_a_setting`, `InvalidRequest`
        or `TooManyTries`.
        """
        if self._users.password_is_setting(owner):
            raise Conflict(
                "This password is a setting of the server, which only its operator can change.",
                code="password_is_a_setting",
            )
        try:
            commands.check_password(new)
        except SettingError as error:
            raise InvalidRequest(f"{error}.") from None
        name = self._users.name_of(owner)
        if await self._check(name, old, address) is None:
            logger.info("a wrong old password for %s from %s", name, address)
            raise Forbidden("The old password is wrong.", code="wrong_password")
        change = partial(commands.set_password, name=name, password=new, owner=owner)
        credential = await self._change(change)
        logger.info("%s changed the password, from %s", name, address)
        await self._sessions.end_those_of(owner)
        return await self._sessions.start(owner, credential, address, agent)

    async def _check(self, name: str, password: str, address: str) -> str | None:
        """The credential of the user with this name, or None if the password is wrong. Counts the
        try. Raises `TooManyTries`."""
        where = network(address)
        known = await self._admit(where, name)
        work = partial(self._users.verifier(name), password)
        try:
            credential = await self._checks.run(work, known=known)
        finally:
            self._users.check_now()
        if credential is not None:
            self._of_address.forget(where)
            self._of_name.forget(name)
            await self._shared_tries.forget(self._counts(where, name))
        return credential

    async def _admit(self, where: str, name: str) -> bool:
        """Count a try, and return whether the user with this name has logged in from there before.
        Raises `TooManyTries`."""
        known = (where, self._users.id_of(name)) in self._known_places
        # Strangers who try this name must not keep its user out.
        counts = self._counts(where, name)[: 1 if known else 2]
        self._check_tries(counts, known=known)
        await self._shared_tries.count(counts)
        self._check_tries(counts, known=known)  # others may have tried meanwhile
        for one in counts:
            one.tries.count(one.key)
        return known

    def _counts(self, where: str, name: str) -> list[Counted]:
        return [
            Counted("address", where, self._of_address),
            Counted("name", name, self._of_name),
        ]

    def _check_tries(self, counts: list[Counted], *, known: bool) -> None:
        for one in counts:
            one.tries.check(one.key)
        self._checks.admit(known=known)

    async def _change(self, change: Callable[[Path], T]) -> T:
        """Change the users' file on another thread, and read it again at the next use."""
        try:
            changed = await asyncio.to_thread(change, self._users.path)
            await self._sessions.on_change()
            return changed
        except SettingError as error:
            raise InvalidRequest(f"{error}.") from None
        except OpenError as error:
            logger.error("the users cannot be changed: %s", error)
            raise Unavailable("The users cannot be changed now.", code="not_saved") from error
        finally:
            self._users.check_now()
