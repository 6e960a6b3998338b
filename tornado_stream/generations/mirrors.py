"""Answers that other instances write, for readers of this one.

The rule: a mirror has what the store has, and nothing else. All readers of an answer share one, and
one look at the store serves all mirrors of the process. While the store cannot be read, the readers
wait. Everything runs on the IOLoop's thread.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from tornado_stream.generations.event_log import Sink, Subscriber
from tornado_stream.generations.generation import Generation
from tornado_stream.generations.neighbours import RETRY_AFTER, STOP_WAIT, Elsewhere
from tornado_stream.store.base import Store, StoredGeneration, StoreError
from tornado_stream.store.tail_base import Tail
from tornado_stream.values.errors import Unavailable

logger = logging.getLogger(__name__)

#: Seconds between two looks at the store where nothing was heard, and while it fails.
INTERVAL, RETRY_INTERVAL = 0.25, 1.0
#: Seconds between two calls of `Store.watch`.
WATCH_INTERVAL = 1.0
#: Logs that are read at once when their answers have ended.
TOGETHER = 50
#: Seconds that a mirror waits for its first reader.
UNREAD = 5.0


@dataclass(eq=False, repr=False, kw_only=True)
class Mirror(Generation):
    """The log of an answer that another instance writes. `over` resolves when nothing more comes:
    the answer has ended, or was deleted."""

    over: asyncio.Future[None] = field(default_factory=lambda: asyncio.Future())
    #: Coroutines that wait for `over`.
    waiting: int = 0
    made_at: float = field(default_factory=monotonic)

    @classmethod
    def of(cls, stored: StoredGeneration) -> Mirror:
        return cls(
            list(stored.frames),
            ended=False,
            id=stored.id,
            fingerprint=stored.fingerprint,
            message=stored.message,
            owner=stored.owner,
        )

    def attach(self, sink: Sink, after: int, *, live: bool = True) -> Subscriber:
        """See `EventLog.attach`. A subscriber may have more than the store has, from the instance
        that writes. It then waits until the store has that too."""
        if self.ended or after <= len(self.frames) or not live:
            return super().attach(sink, after, live=live)
        subscriber = Subscriber(self, sink, after, live)
        subscriber.cursor = after
        self.subscribers += (subscriber,)
        return subscriber

    def extend(self, frames: list[bytes]) -> None:
        """Append frames and pass them to every subscriber."""
        self.frames.extend(frames)
        for subscriber in self.subscribers:
            try:
                subscriber.pump()
            except Exception:  # the other subscribers continue
                logger.exception("a subscriber failed")
                subscriber.detach()

    def finish(self, stored: StoredGeneration | None) -> None:
        """Append the rest of a log that has ended. None: the answer was deleted, and its readers
        get no `end`."""
        if stored:
            self.message = stored.message
            *before, end = stored.frames
            self.frames[:] = before
            for subscriber in self.subscribers:
                if subscriber.cursor > len(self.frames):  # what it had was never stored
                    subscriber.restart()
            self.publish(end, last=True)
        else:
            self.break_off()
        if not self.over.done():
            self.over.set_result(None)


class Mirrors:
    """All mirrors of this process. `spawn` creates a task."""

    def __init__(
        self, store: Store, spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
    ) -> None:
        self._store = store
        self._spawn = spawn
        self._mirrors: dict[str, Mirror] = {}
        self._following: asyncio.Task[None] | None = None
        self._heard = asyncio.Event()
        self._watched_at = 0.0
        if store.tails:
            store.hints.logs = self._hear

    def follow(self, elsewhere: Elsewhere) -> Mirror:
        """The mirror of an answer. Raises `elsewhere` where the store cannot tail, or does not have
        the answer."""
        stored = elsewhere.stored
        if stored is None or not self._store.tails:
            raise elsewhere
        mirror = self._mirrors.get(stored.id)
        if mirror is None:
            mirror = self._mirrors[stored.id] = Mirror.of(stored)
            self._watched_at = 0.0
            self._heard.set()
        if self._following is None or self._following.done():
            self._following = self._spawn(self._follow())
        return mirror

    def ends(self) -> set[asyncio.Future[None]]:
        """What a server that ends waits for: the ends of the answers that are read here, or that
        their readers leave."""
        read = [one for one in self._mirrors.values() if one.subscribers and not one.over.done()]
        return {one.over for one in read} | {who.done for one in read for who in one.subscribers}

    async def stop(self, mirror: Mirror) -> None:
        """Have the answer stopped where it is written. Returns when its `end` is stored. Raises
        `Unavailable` where that takes too long, and `StoreError`."""
        mirror.waiting += 1
        try:
            await self._store.for_owner(mirror.owner).ask_stop(mirror.id)
            async with asyncio.timeout(STOP_WAIT):
                await asyncio.shield(mirror.over)
        except TimeoutError:
            raise Unavailable(
                "The answer cannot be stopped now. Try again shortly.", retry_after=RETRY_AFTER
            ) from None
        finally:
            mirror.waiting -= 1

    def _hear(self, ids: Collection[str]) -> None:
        if not self._mirrors.keys().isdisjoint(ids):
            self._heard.set()

    async def _follow(self) -> None:
        """Look at the store again and again, until nobody reads any mirror."""
        pause = 0.0
        while self._drop_unread():
            try:
                async with asyncio.timeout(pause):
                    await self._heard.wait()
            except TimeoutError:
                pass
            self._heard.clear()
            try:
                await self._look()
                pause = INTERVAL
            except StoreError as error:
                logger.debug("answers of other instances cannot be read: %s", error.message)
                pause = RETRY_INTERVAL

    def _drop_unread(self) -> bool:
        """Forget the mirrors that nobody reads. Returns whether others are left."""
        for id, mirror in list(self._mirrors.items()):
            if not (mirror.subscribers or mirror.waiting) and mirror.made_at < monotonic() - UNREAD:
                del self._mirrors[id]
        return bool(self._mirrors)

    async def _look(self) -> None:
        if self._watched_at + WATCH_INTERVAL <= monotonic():
            self._watched_at = monotonic()
            await self._store.watch(self._mirrors)
        cursors = {id: len(mirror.frames) for id, mirror in self._mirrors.items()}
        over: list[str] = []
        for tail in await self._store.tail(cursors):
            mirror = self._mirrors[tail.generation_id]
            if tail.running:
                self._extend(mirror, tail, cursors[mirror.id])
            else:
                over.append(mirror.id)
        for first in range(0, len(over), TOGETHER):
            await self._finish(over[first : first + TOGETHER])

    async def _finish(self, ids: list[str]) -> None:
        """Finish mirrors of answers that have ended, or were deleted."""
        found = await self._store.generations({id: self._mirrors[id].owner for id in ids})
        logs = {stored.id: stored for stored in found}
        for id in ids:
            self._mirrors.pop(id).finish(logs.get(id))

    def _extend(self, mirror: Mirror, tail: Tail, cursor: int) -> None:
        if tail.frames and len(mirror.frames) == cursor:
            mirror.extend(tail.frames)
