"""Passes the ledger's rows of answers that are not stored to the store: many in one commit.

The rule: a row's beginning waits for the next flush of the saver, and the client of an answer gets
its `end` only after its row was settled or refused. Answers that end while a commit is on its way
share the next one. Everything runs on the IOLoop's thread.
"""

from __future__ import annotations

import asyncio
import logging

from tornado_stream.store.base import Begun, Progress, Store

logger = logging.getLogger(__name__)

#: Most rows of the ledger, each below 1 KiB, that wait in memory for a store that fails.
MOST_UNSETTLED = 10_000


class LedgerWriter:
    """Rows that the store refuses are offered again with the next ones."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._begun: dict[str, Begun] = {}
        self._spent: list[Progress] = []
        self._commits = 0  # that have begun
        self._turn = asyncio.Lock()

    def begin(self, begun: Begun) -> None:
        """Begin a row with the next `save`. If the answer ends before that, its row is added when
        it is settled."""
        self._begun[begun.generation_id] = begun

    def settle(self, spent: Progress) -> None:
        """Settle a row with the next `save`."""
        self._begun.pop(spent.generation_id, None)
        self._spent.append(spent)

    async def save(self) -> None:
        """Pass on everything that waits now. Never raises."""
        mine = self._commits + 1
        async with self._turn:
            if self._commits < mine and (self._begun or self._spent):
                self._commits += 1
                await self._commit()

    async def _commit(self) -> None:
        begun, self._begun = self._begun, {}
        spent, self._spent = self._spent, []
        try:
            await self._store.settle(spent, list(begun.values()))
        except Exception as error:
            logger.warning("the ledger does not have %d answers yet: %s", len(spent), error)
            self._spent = [*spent, *self._spent][-MOST_UNSETTLED:]
            ended = {progress.generation_id for progress in self._spent}
            rest = {id: row for id, row in begun.items() if id not in ended}
            self._begun = {**rest, **self._begun}
