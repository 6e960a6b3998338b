"""The door: what a request shows, a token, a session or a password, is turned into a user."""

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

#: Passwords that are verified at a time, and that may wait for it.
AT_ONCE, WAITING = 2, 20
#: Tries that are free, and seconds of the longest wait after those: of one address, and of all
#: together for one name. The latter is milder, since anybody can make it long for that user.
OF_ADDRESS, OF_NAME = (5, 900.0), (20, 60.0)


class Authenticator:
    """Users, sessions and tries. Made before the loop serves; `open` before the first request."""

    def __init__(self, users: Users, sessions: Sessions) -> None:
        self._users = users
        self._sessions = sessions
        self._of_address = Tries(*OF_ADDRESS)
        self._of_name = Tries(*OF_NAME)
        self._required = False
        self._checking = 0
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password")

    @property
    def required(self) -> bool:
        """Whether one must be logged in. Never false again once it was true."""
        self._required = self._required or self._users.anyone
        return self._required

    @property
    def asks_for_name(self) -> bool:
        """Whether a password alone does not tell whose it is."""
        return self._users.only is None

    async def open(self) -> None:
        """Take up the sessions of the last process."""
        await self._sessions.open()

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def with_token(self, token: str) -> str | None:
        """Whose bearer token it is."""
        return self._users.with_token(token)

    def with_session(self, token: str) -> str | None:
        """Whose session it is."""
        return self._sessions.owner(token, self._users.credential)

    async def log_in(self, name: str | None, password: str, address: str) -> str:
        """A session's token. Without a name it is the only user's. Raises `Unauthorized`
        `wrong_password`, or `TooManyTries`."""
        name = name or self._users.only or ""
        if not NAME.fullmatch(name):
            name = ""  # nobody's; and all that is remembered of it
        where = network(address)
        self._admit(where, name)
        credential = self._users.credential(name)
        if not await self._check(name, password) or credential is None:
            known = "" if credential is None else f" for {name}"  # a name may be a password
            logger.info("a wrong password%s from %s", known, address)
            raise Unauthorized("The name or the password is wrong.", code="wrong_password")
        self._of_address.forget(where)
        self._of_name.forget(name)
        logger.info("%s logged in from %s", name, address)
        return await self._sessions.start(name, credential)

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

    async def _check(self, name: str, password: str) -> bool:
        self._checking += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._users.check(name), password)
        finally:
            self._checking -= 1
