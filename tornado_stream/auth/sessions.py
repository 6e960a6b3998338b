"""Sessions of users who are logged in: in memory for requests, in the store for the next start.

The rule: a stolen database does not help a thief. The store has only the SHA-256 of a session's
token, and an HMAC, keyed by that token, of the credential under which the session was started.
So a session ends when the credential changes, and neither secret can be read from the disk.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from math import inf
from operator import attrgetter

from tornado_stream.auth.users_file import short_id
from tornado_stream.store.base import Session, Store, StoreError

logger = logging.getLogger(__name__)

#: Seconds that a session lasts without a visit, and the least time between two extensions.
LIFETIME, EXTENSION = 30 * 24 * 3600, 24 * 3600
#: Sessions of one user. A new one then replaces the one that would expire first.
MAX_SESSIONS = 100
#: Characters of the client's name that a session remembers.
LONGEST_AGENT = 200


async def _nothing() -> None: ...


class Sessions:
    """Sessions by their token. If the store refuses them, they last until the process ends."""

    def __init__(self, store: Store, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now
        self._known: dict[str, Session] = {}
        self._ended: set[str] = set()  # ids that may still be in the store
        self._unsaved: set[str] = set()  # ids that the store does not have, or not yet
        self._changed: set[str] = set()  # ids saved or ended since the last look at the store
        self._looking = asyncio.Lock()
        #: Awaited when sessions have begun or ended, before a client is told so.
        self.on_change: Callable[[], Awaitable[None]] = _nothing
        #: Called with the id of each session that ends.
        self.on_end: Callable[[str], None] = lambda id: None

    async def open(self) -> None:
        """Load the sessions that the store has. Where it fails, users log in again."""
        try:
            self._known = {session.id: session for session in await self._store.sessions()}
        except StoreError as error:
            logger.error("the sessions cannot be read: %s", error.message)
        await self._delete_ended()

    async def refresh(self) -> None:
        """Take over what another process has changed in the store. Where that cannot be read,
        nothing changes."""
        async with self._looking:
            self._changed.clear()
            try:
                stored = {session.id: session for session in await self._store.sessions()}
            except StoreError:
                return
            # What was read may have these as they were before.
            for id in (*self._changed, *self._unsaved, *self._ended):
                stored.pop(id, None)
                if id in self._known:
                    stored[id] = self._known[id]
            self._known = stored

    async def start(self, owner: str, credential: str, address: str = "", agent: str = "") -> str:
        """Start a session and return its token. `address` and `agent` are the client's."""
        token = secrets.token_urlsafe(32)
        theirs = [session for session in self._known.values() if session.owner == owner]
        theirs.sort(key=attrgetter("expires_at"))
        for session in theirs[: max(0, len(theirs) + 1 - MAX_SESSIONS)]:
            self._end(session.id)
        now, proof = int(self._now()), _proof(token, credential)
        shown = "".join(filter(str.isprintable, agent))[:LONGEST_AGENT]
        session = Session(session_id(token), owner, proof, now + LIFETIME, now, address, shown)
        await self._save(session)
        await self._delete_ended()
        return token

    def owner(self, token: str, credential: Callable[[str], str | None]) -> str | None:
        """The user who has the session with this token, or None.

        `credential` returns a user's credential as it is now; see `Users.credential`.
        """
        session = self._known.get(session_id(token))
        if session is None:
            return None
        today = credential(session.owner)
        if session.expires_at > self._now() and today is not None:
            if hmac.compare_digest(session.proof, _proof(token, today)):
                return session.owner
        self._end(session.id)
        return None

    async def extend(self, token: str) -> bool:
        """Give a session its full lifetime again; False if that was done less than a day ago."""
        session = self._known.get(session_id(token))
        if session is None or session.expires_at > self._new_expiry() - EXTENSION:
            return False
        await self._save(replace(session, expires_at=self._new_expiry()))
        return True

    async def end(self, token: str) -> None:
        """End a session. Idempotent."""
        self._end(session_id(token))
        await self._delete_ended()

    async def end_those_of(
        self, owner: str, id: str = "", *, keep: str = "", before: float = inf
    ) -> int:
        """End the sessions of an owner, or only the one with this short id; returns how many there
        were. The session with the token `keep` stays, and so do those that did not start `before`
        this time."""
        kept = session_id(keep) if keep else ""
        ended = [
            session
            for session in self.of(owner)
            if id in ("", short_id(session.id))
            and session.id != kept
            and session.created_at < before
        ]
        for session in ended:
            self._end(session.id)
        await self._delete_ended()
        return len(ended)

    def of(self, owner: str) -> list[Session]:
        """The sessions of an owner that have not expired, the newest first."""
        theirs = [s for s in self._known.values() if s.owner == owner]
        valid = [session for session in theirs if session.expires_at > self._now()]
        return sorted(valid, key=attrgetter("created_at"), reverse=True)

    def all(self) -> list[Session]:
        return list(self._known.values())

    def _new_expiry(self) -> int:
        return int(self._now()) + LIFETIME

    def _end(self, id: str) -> None:
        self._unsaved.discard(id)
        if self._known.pop(id, None):
            self._ended.add(id)
            self.on_end(id)

    async def _save(self, session: Session) -> None:
        self._known[session.id] = session
        self._unsaved.add(session.id)
        try:
            await self._store.save_session(session)
            self._changed.add(session.id)
            self._unsaved.discard(session.id)
            await self.on_change()
        except StoreError as error:
            self._unsaved.add(session.id)
            logger.warning("a session will not survive a restart: %s", error.message)
        if session.id not in self._known:  # it ended meanwhile, and was perhaps saved after that
            self._unsaved.discard(session.id)
            self._ended.add(session.id)
            await self._delete_ended()

    async def _delete_ended(self) -> None:
        """Delete the sessions that have ended or expired from the store."""
        for session in list(self._known.values()):
            if session.expires_at <= self._now():
                self._end(session.id)
        if ended := list(self._ended):
            try:
                await self._store.delete_sessions(ended)
                await self.on_change()
                self._changed.update(ended)
                self._ended.difference_update(ended)
            except StoreError as error:
                logger.warning("sessions that ended are still in the store: %s", error.message)


def session_id(token: str) -> str:
    """The digest that the store has of a session's token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _proof(token: str, credential: str) -> bytes:
    return hmac.digest(token.encode("utf-8", "replace"), credential.encode(), "sha256")
