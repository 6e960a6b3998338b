"""Who is logged in: sessions, in memory for every request, in the store for the next start.

The rule: what is kept does not help a thief. Of a session's token only the SHA-256 is kept, and
the credential it was made under only as an HMAC by that token; so a session ends with the
credential, though neither can be read from the disk.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import replace

from tornado_stream.store.base import Session, Store, StoreError

logger = logging.getLogger(__name__)

#: Seconds that a session lasts without a visit, and between two extensions.
LIFETIME, EXTENSION = 30 * 24 * 3600, 24 * 3600
#: Sessions of one user; the one that would end first gives way.
MOST = 100


class Sessions:
    """Sessions by their token. Where the store refuses, they last until the process ends."""

    def __init__(self, store: Store, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now
        self._known: dict[str, Session] = {}
        self._gone: list[str] = []  # ended, and perhaps in the store still

    async def open(self) -> None:
        """Take up what the store has. Raises `StoreError`."""
        self._known = {session.id: session for session in await self._store.sessions()}
        await self._sweep()

    async def start(self, owner: str, credential: str) -> str:
        """A new one; returns its token."""
        token = secrets.token_urlsafe(32)
        theirs = sorted((s for s in self._known.values() if s.owner == owner), key=_end)
        for session in theirs[: max(0, len(theirs) + 1 - MOST)]:
            self._drop(session.id)
        session = Session(_id(token), owner, _proof(token, credential), self._later())
        await self._keep(session)
        await self._sweep()
        return token

    def owner(self, token: str, credential: Callable[[str], str | None]) -> str | None:
        """Whose session it is, if it is one; `credential` tells theirs of today."""
        session = self._known.get(_id(token))
        if session is None:
            return None
        today = credential(session.owner)
        if session.expires_at > self._now() and today is not None:
            if hmac.compare_digest(session.proof, _proof(token, today)):
                return session.owner
        self._drop(session.id)
        return None

    async def extend(self, token: str) -> bool:
        """Let it last anew; False where it was extended within a day, and stays as it is."""
        session = self._known.get(_id(token))
        if session is None or session.expires_at > self._later() - EXTENSION:
            return False
        await self._keep(replace(session, expires_at=self._later()))
        return True

    async def end(self, token: str) -> None:
        """Log out. Idempotent."""
        self._drop(_id(token))
        await self._sweep()

    def _later(self) -> int:
        return int(self._now()) + LIFETIME

    def _drop(self, id: str) -> None:
        if self._known.pop(id, None):
            self._gone.append(id)

    async def _keep(self, session: Session) -> None:
        self._known[session.id] = session
        try:
            await self._store.keep_session(session)
        except StoreError as error:
            logger.warning("a session will not survive a restart: %s", error.message)

    async def _sweep(self) -> None:
        """Remove what has ended from the store."""
        for session in list(self._known.values()):
            if session.expires_at <= self._now():
                self._drop(session.id)
        gone, self._gone = self._gone, []
        if gone:
            try:
                await self._store.end_sessions(gone)
            except StoreError as error:
                self._gone += gone
                logger.warning("sessions that ended are still in the store: %s", error.message)


def _end(session: Session) -> int:
    return session.expires_at


def _id(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _proof(token: str, credential: str) -> bytes:
    return hmac.digest(token.encode("utf-8", "replace"), credential.encode(), "sha256")
