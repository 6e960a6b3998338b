"""Turns what a request shows, a token, a session or a password, into a user."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor

from tornado_stream.auth.sessions import Sessions
from tornado_stream.auth.tries import TooManyTries, Tries, network
from tornado_stream.auth.users import Users
from tornado_stream.auth.users_file import NAME
from tornado_stream.values.errors import Unauthorized

logger = logging.getLogger(__name__)

#: Passwords that are verified at a time, and logins that may wait for that.
AT_ONCE, WAITING = 2, 20
#: Tries without a wait, and the longest wait in seconds after those: from one address, and from all
#: addresses for one name. A name's waits are short, because anybody can cause them for that user.
OF_ADDRESS, OF_NAME = (5, 900.0), (20, 60.0)


class Authenticator:
    """Users, sessions and tries. Create it before the loop serves, and await `open` before the
    first request."""

    def __init__(self, users: Users, sessions: Sessions) -> None:
        self._users = users
        self._sessions = sessions
        self._of_address = Tries(*OF_ADDRESS)
        self._of_name = Tries(*OF_NAME)
        self._checking = 0
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password")

    @property
    def asks_for_name(self) -> bool:
        """Whether a login needs a name, because a password alone does not identify the user."""
        return self._users.only_user is None

    async def open(self) -> None:
        """Load the sessions that the store has. Raises `StoreError`."""
        await self._sessions.open()

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def with_token(self, token: str) -> str | None:
        """The id of the user who has this bearer token."""
        return self._users.with_token(token)

    def with_session(self, token: str) -> str | None:
        """The id of the user who has the session with this token."""
        return self._sessions.owner(token, self._users.credential)

    async def log_in(self, name: str | None, password: str, address: str) -> str:
        """Start a session and return its token. Without a name, the only user logs in.

        Raises `Unauthorized` with the code `wrong_password`, or `TooManyTries`.
        """
        name = name or self._users.only_user or ""
        if not NAME.fullmatch(name):
            name = ""  # no user has it, and all such names share one count of tries
        where = network(address)
        self._admit(where, name)
        credential = await self._verify(name, password)
        if credential is None:
            # A name that does not exist is not logged: people type passwords into that field.
            known = (
                "" if self._users.credential(self._users.id_of(name)) is None else f" for {name}"
            )
            logger.info("a wrong password%s from %s", known, address)
            raise Unauthorized("The name or the password is wrong.", code="wrong_password")
        self._of_address.forget(where)
        self._of_name.forget(name)
        logger.info("%s logged in from %s", name, address)
        return await self._sessions.start(self._users.id_of(name), credential)

    async def extend(self, token: str) -> bool:
        """See `Sessions.extend`."""
        return await self._sessions.extend(token)

    async def log_out(self, token: str) -> None:
        """End a session. Idempotent."""
        await self._sessions.end(token)

    def _admit(self, where: str, name: str) -> None:
        self._of_address.check(where)
        self._of_name.check(name)
        if self._checking >= AT_ONCE + WAITING:
            raise TooManyTries(1)
        self._of_address.count(where)
        self._of_name.count(name)

    async def _verify(self, name: str, password: str) -> str | None:
        self._checking += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._users.verifier(name), password)
        finally:
            self._checking -= 1
            self._users.check_now()
