"""Gathers what is to be appended while the connection that writes is busy: many answers that end
at once share a transaction, and so does everything that came while the server was away.

Everything runs on the IOLoop's thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tornado_stream.store.base import Appended, Progress
from tornado_stream.store.postgres.logs import GONE, Ends, Written

#: Appends a batch in one transaction; see `logs.append`.
Write = Callable[[Ends, list[Progress]], Awaitable[Written]]


@dataclass(slots=True, eq=False)
class _Waiting:
    batch: list[Progress]
    written: Written | None = None
    error: Exception | None = None


class Appending:
    """`known` has where the logs end that this instance writes."""

    def __init__(self, write: Write) -> None:
        self.known: Ends = {}
        self._write = write
        self._lock = asyncio.Lock()
        self._waiting: list[_Waiting] = []

    def begun(self, generation_id: str, seq: int) -> None:
        """The log of a new answer has its first frame."""
        self.known[generation_id] = seq, 1

    async def append(self, batch: list[Progress]) -> Appended:
        """Append with others that wait."""
        mine = _Waiting(batch)
        self._waiting.append(mine)
        try:
            async with self._lock:
                if mine in self._waiting:
                    await self._write_all()
        finally:
            if mine in self._waiting:  # the caller was cancelled
                self._waiting.remove(mine)
        if mine.error:
            raise mine.error
        assert mine.written
        gone = {id for id, end in mine.written.ends.items() if end is GONE}
        gone = gone and gone & {progress.generation_id for progress in batch}
        return Appended(frozenset(gone), frozenset(mine.written.asked_to_stop))

    async def _write_all(self) -> None:
        waiting = list(self._waiting)
        try:
            await self._write_some(waiting)
        except ValueError:  # the batch of one of them does not fit
            for one in waiting:
                try:
                    await self._write_some([one])
                except ValueError as error:
                    one.error = error
        self._waiting = [one for one in self._waiting if one not in waiting]

    async def _write_some(self, waiting: list[_Waiting]) -> None:
        """Raises `ValueError`, and `CancelledError`; then the others are still waiting."""
        try:
            written = await self._write(self.known, [p for one in waiting for p in one.batch])
        except BaseException as error:
            self.known.clear()
            if isinstance(error, ValueError) or not isinstance(error, Exception):
                raise
            for one in waiting:
                one.error = error
            return
        for one in waiting:
            one.written = written
        self.known.update(written.ends)
        for id in [id for id, (seq, _) in written.ends.items() if seq <= 0]:
            del self.known[id]
