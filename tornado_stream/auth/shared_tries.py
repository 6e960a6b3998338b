"""Tries to log in that all servers over one database count together.

The rule: each server also counts by itself, as if it were alone. So a key that has to wait costs
the database nothing, and where the database cannot be asked, a server's own count still holds. The
database gets digests: people type passwords into the field for the name.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from typing import NamedTuple

from tornado_stream.auth.tries import TooManyTries, Tries
from tornado_stream.store.base import Store, StoreError

logger = logging.getLogger(__name__)


class Counted(NamedTuple):
    """What is counted: the `kind` of the key, and where this server counts it."""

    kind: str
    key: str
    tries: Tries

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(f"{self.kind} {self.key}".encode()).digest()


class SharedTries:
    """Counts in a store that tails; with another one, does nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def count(self, all: Sequence[Counted]) -> None:
        """Count a try that begins now under all of these keys. Raises `TooManyTries` if one of them
        has to wait; then nothing is counted, and this server knows what the others have counted."""
        if not self._store.tails:
            return
        try:
            found = await self._store.count_try({one.digest: one.tries.limit for one in all})
        except StoreError as error:
            logger.warning("other servers do not count this try: %s", error.message)
            return
        waits = {one: found[one.digest] for one in all if one.digest in found}
        for one, (count, seconds) in waits.items():
            one.tries.wait(one.key, count, seconds)
        if waits:
            raise TooManyTries(max(seconds for _, seconds in waits.values()))

    async def forget(self, all: Sequence[Counted]) -> None:
        """Reset keys, because their try succeeded."""
        if self._store.tails:
            try:
                await self._store.forget_tries([one.digest for one in all])
            except StoreError as error:
                logger.warning("tries before a login are still counted: %s", error.message)
