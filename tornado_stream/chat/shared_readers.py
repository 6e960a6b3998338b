"""The responses that follow an answer for readers of shared links, and when they are closed.

The rule: a response lasts no longer than its link. Where the link was taken back here, it is closed
at once. Whatever else has ended a link, in this process or another, is noticed with the next look
at the store; while the store cannot be read, nobody is served.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import time

from tornado.ioloop import PeriodicCallback

from tornado_stream.store.base import Store, StoreError
from tornado_stream.values.errors import TooMany
from tornado_stream.values.shares import Share

logger = logging.getLogger(__name__)

#: Milliseconds between two looks while there are readers, and seconds after which a reader that
#: was refused may try again.
LOOK, RETRY = 400, 5


class SharedReaders:
    """At most `most` readers. `is_user` says whether there still is such an owner."""

    def __init__(self, store: Store, is_user: Callable[[str], bool], most: int) -> None:
        self._store = store
        self._is_user = is_user
        self._most = most
        self._open: dict[Callable[[], None], Share] = {}
        self._looking = PeriodicCallback(self._look, LOOK)

    def __len__(self) -> int:
        return len(self._open)

    def enter(self, share: Share, close: Callable[[], None]) -> Callable[[], None]:
        """Count a reader. `close` closes its connection at once. Call what this returns when it has
        left. Raises `TooMany` `too_many_shared_readers`."""
        if len(self._open) >= self._most:
            raise TooMany(
                "Too many people are reading shared answers. Try again shortly.",
                code="too_many_shared_readers",
                retry_after=RETRY,
            )

        def once() -> None:
            close()

        self._open[once] = share
        if not self._looking.is_running():
            self._looking.start()
        return lambda: self._leave(once)

    def end(self, id: str) -> None:
        """Close the readers of a share."""
        self._close(lambda share: share.id == id)

    def close(self) -> None:
        """Look no more. Idempotent."""
        self._looking.stop()

    def _leave(self, once: Callable[[], None]) -> None:
        self._open.pop(once, None)
        if not self._open:
            self._looking.stop()

    async def _look(self) -> None:
        ids = {share.id for share in self._open.values()}
        try:
            standing = await self._store.standing_shares(ids)
        except StoreError as error:
            logger.warning("readers of shared links were closed: %s", error.message)
            standing = frozenset()
        now = int(time() * 1000)
        self._close(
            lambda share: (
                share.id in ids
                and not (
                    share.id in standing and self._is_user(share.owner) and not share.is_over(now)
                )
            )
        )

    def _close(self, is_over: Callable[[Share], bool]) -> None:
        for close in [close for close, share in self._open.items() if is_over(share)]:
            self._leave(close)
            close()
