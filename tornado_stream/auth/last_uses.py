"""When sessions and tokens were last used: in memory for each request, in the store now and then.

The rule: a request costs no write. A crash loses the times of the last minute at most.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection

from tornado_stream.store.base import Store, StoreError

logger = logging.getLogger(__name__)

#: Seconds to which a time is exact.
EXACTNESS = 60


class LastUses:
    """Times by the digest of a session or token, in seconds since the epoch."""

    def __init__(self, store: Store, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now
        self._at: dict[str, int] = {}
        self._changed: dict[str, int | None] = {}

    async def open(self, known: Collection[str]) -> None:
        """Load the times; those of digests that are not `known` any more are removed."""
        try:
            stored = await self._store.last_uses()
        except StoreError as error:
            logger.error("the times of last uses cannot be read: %s", error.message)
            return
        self._at = {digest: at for digest, at in stored.items() if digest in known}
        self._changed = dict.fromkeys(stored.keys() - self._at.keys())

    def note(self, digest: str) -> None:
        """The session or token is being used now."""
        now = int(self._now())
        if now >= self._at.get(digest, 0) + EXACTNESS:
            self._at[digest] = self._changed[digest] = now

    def at(self, digest: str) -> int:
        """When it was last used; 0 if that is not known."""
        return self._at.get(digest, 0)

    def forget(self, digest: str) -> None:
        if self._at.pop(digest, 0):
            self._changed[digest] = None

    async def save(self) -> None:
        """Store what has changed, and read what other processes have stored. What the store refuses
        is saved with the next call."""
        changed, self._changed = self._changed, {}
        try:
            if changed:
                await self._store.save_last_uses(changed)
            if not self._store.alone:
                for digest, at in (await self._store.last_uses()).items():
                    self._at[digest] = max(at, self._at.get(digest, 0))
        except StoreError as error:
            self._changed = changed | self._changed
            logger.debug("the times of last uses are not saved: %s", error.message)
