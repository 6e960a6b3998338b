"""The answers of other processes that have the same store open.

The rule: the row of a running answer names its instance. While that lives, nothing here ends the
answer or writes into it; once it is dead, one of the others ends it as `interrupted`. Whether an
instance is alive is asked at the moment at which it matters, never remembered.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from time import monotonic
from typing import Any

from tornado_stream.generations.generation import Generation
from tornado_stream.generations.recovery import Recovery, text_so_far
from tornado_stream.store.base import Fenced, Store, StoredGeneration, StoreError
from tornado_stream.values.errors import Unavailable
from tornado_stream.values.messages import Message

logger = logging.getLogger(__name__)

#: Seconds that a deletion waits until another process has stopped an answer, and between two looks.
STOP_WAIT, STOP_PAUSE = 10.0, 0.03
#: Seconds between two looks for answers that this process has in the store only.
LOST_INTERVAL = 5.0
#: Answers of dead processes that are ended at once.
TOGETHER = 50
#: Seconds after which a client may try again what another process is to do.
RETRY_AFTER = 1


class Elsewhere(Unavailable):
    """The answer is in another process, which alone can serve and stop it: `instance`. `stored` is
    what the store has of it; None for an answer that is not stored."""

    code = "answer_elsewhere"

    def __init__(self, instance: str, stored: StoredGeneration | None = None) -> None:
        super().__init__(
            "Another process of this server is writing the answer. Try again shortly.",
            retry_after=RETRY_AFTER,
        )
        self.instance = instance
        self.stored = stored

    def so_far(self) -> tuple[Message, int]:
        """The message with the text that the store has, and the number of the last event in it. For
        an answer that is stored."""
        assert self.stored
        return text_so_far(self.stored), len(self.stored.frames)


class Neighbours:
    """The other processes. `spawn` creates a task; `on_stop` is called with the id of an answer of
    this process that another one was asked to stop."""

    def __init__(
        self,
        store: Store,
        recovery: Recovery,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        on_stop: Callable[[str], None],
    ) -> None:
        self._store = store
        self._recovery = recovery
        self._spawn = spawn
        self._on_stop = on_stop
        #: Finds the process that has an answer only in memory, by its owner and its id; "" if there
        #: is none.
        self.find: Callable[[str, str], Awaitable[str]] | None = None
        #: Awaited when no other process writes in a conversation any more, for which `await_end`
        #: was called: with its owner and its id.
        self.on_free: Callable[[str, str], Awaitable[None]] = _ignore
        #: Whether this process has an answer in memory, by its owner and its id.
        self.has: Callable[[str, str], bool] = lambda owner, id: True
        #: Called when others have taken this process for dead.
        self.on_fenced: Callable[[], None] = lambda: None
        if store.tails:
            store.hints.stop = self._look_now
        self._looked_for_lost = monotonic()
        self._awaited: dict[str, str] = {}  # conversation → owner
        self._timer: asyncio.TimerHandle | None = None
        self._renewal: asyncio.TimerHandle | None = None
        self._closed = False
        self._failing = False
        self._hurry = False  # look again at once

    def watch(self) -> None:
        """Look at the others again and again, until there are none. Call it when one is known."""
        if self._timer is None and not self._closed:
            self._look_in(self._store.interval)
        if self._renewal is None and self._store.tails:
            self._renew_soon()

    def _renew_soon(self) -> None:
        if not self._closed:
            loop = asyncio.get_running_loop()
            self._renewal = loop.call_later(
                self._store.interval, lambda: self._spawn(self._renew())
            )

    async def _renew(self) -> None:
        """A look may take long: it waits for other work of this process, and ends answers."""
        await self._store.renew()
        self._renew_soon()

    def _look_in(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(seconds, lambda: self._spawn(self._look()))

    def _look_now(self) -> None:
        """An answer is to be stopped: do not wait for the next look. If one is on its way, another
        one follows."""
        self._hurry = True
        if self._timer and not self._closed:
            self._timer.cancel()  # without effect on a look that is on its way
            if self._timer.when() > asyncio.get_running_loop().time():
                self._look_in(0.0)

    async def recover(self) -> int:
        """See `Generations.recover`."""
        level = logging.ERROR
        if not self._store.alone:
            self.watch()  # also if the store cannot be read now
            level = logging.WARNING  # the next look tries again
        try:
            count = await self.end_orphans()
        except StoreError as error:
            logger.log(level, "answers that a crash left running cannot be read: %s", error.message)
            return 0
        try:
            await self._store.settle_lost()
        except StoreError as error:
            logger.log(level, "the ledger has open rows of answers before: %s", error.message)
        return count

    def close(self) -> None:
        """Look no more. Idempotent."""
        self._closed = True
        for timer in filter(None, (self._timer, self._renewal)):
            timer.cancel()

    async def end_orphans(self) -> int:
        """End the answers whose processes are dead as `interrupted`, with the text that was saved.
        Returns how many there were. Raises `StoreError`."""
        orphans = [*self._recovery.refused.values(), *await self._store.orphans()]
        for first in range(0, len(orphans), TOGETHER):
            await self._recovery.end(orphans[first : first + TOGETHER])
        return len(orphans)

    async def _end_lost(self) -> None:
        """End the answers of this process that it does not have in memory: their first commit was
        reported as failed, or a standby of the database does not have their last one."""
        if not self._store.tails or monotonic() < self._looked_for_lost + LOST_INTERVAL:
            return
        running = await self._store.running_here()
        lost = [(id, owner) for id, owner in running.items() if not self.has(owner, id)]
        if len(lost) <= TOGETHER:
            self._looked_for_lost = monotonic()
        for stored in await self._store.generations(dict(lost[:TOGETHER])) if lost else ():
            if stored.message.state == "running" and not self.has(stored.owner, stored.id):
                logger.warning("the answer %s was interrupted: its commit was lost", stored.id)
                await self._recovery.end([stored])

    async def present(self, stored: StoredGeneration) -> StoredGeneration | None:
        """The state of an answer that is stored as running, and that this process does not run. If
        no living process does, it is ended. None: it was deleted meanwhile. Raises `Elsewhere`."""
        me, found = self._store.instance, stored
        if stored.instance != me and not self._store.is_alive(stored.instance):
            await self.end_orphans()
            again = await self._store.for_owner(stored.owner).generation(stored.id)
            if again is None or again.message.state != "running":
                return again
            found = again  # its end is refused, or yet another process has taken it over
        if found.instance != me and self._store.is_alive(found.instance):
            self.watch()
            raise Elsewhere(found.instance, found)
        # Its first commit succeeded but was reported as failed, or the disk refuses its end.
        (ended,) = await self._recovery.end([found])
        return ended

    async def check_unstored(self, owner: str, id: str) -> None:
        """Raise `Elsewhere` if another process has an answer with this id that is not stored."""
        if self.find and not self._store.alone:
            if instance := await self.find(owner, id):
                raise Elsewhere(instance)

    async def await_end(self, owner: str, conversation_id: str) -> bool:
        """Have `on_free` called when no other process writes in a conversation any more. Returns
        whether one does."""
        if self._store.alone:
            return False
        if not await self._running_elsewhere(self._store.for_owner(owner), conversation_id):
            return False
        self._awaited[conversation_id] = owner
        self.watch()
        return True

    async def stop_in(self, owner: str, conversation_id: str) -> None:
        """Have the others stop their answers in a conversation, and wait for the ends. Raises
        `Unavailable` where one is not stopped in time, or `StoreError`."""
        store = self._store.for_owner(owner)
        loop = asyncio.get_running_loop()
        due = loop.time() + STOP_WAIT
        asked: set[str] = set()
        while theirs := await self._running_elsewhere(store, conversation_id):
            for id in theirs - asked:
                await store.ask_stop(id)
            asked |= theirs
            if loop.time() > due:
                raise Unavailable(
                    "The answer in this conversation cannot be stopped now. Try again shortly.",
                    retry_after=RETRY_AFTER,
                )
            await asyncio.sleep(STOP_PAUSE)

    async def _running_elsewhere(self, store: Store, conversation_id: str) -> set[str]:
        """The answers in a conversation that living processes other than this one run."""
        running = await store.running(conversation_id)
        theirs = {id: name for id, name in running.items() if name != self._store.instance}
        return {id for id, name in theirs.items() if self._store.is_alive(name)}

    async def _look(self) -> None:
        self._hurry = False
        try:
            if count := await self.end_orphans():
                logger.warning("%d answers were interrupted: their process has ended", count)
                await self._store.settle_lost()
                self._hurry = True  # there may be more of them
            await self._end_lost()
            for id in (await self._store.append([])).asked_to_stop:
                self._on_stop(id)
            for conversation_id, owner in tuple(self._awaited.items()):
                store = self._store.for_owner(owner)
                if not await self._running_elsewhere(store, conversation_id):
                    del self._awaited[conversation_id]
                    await self.on_free(owner, conversation_id)
            self._failing = False
        except Fenced:
            logger.warning("this process was away for too long; others end its answers")
            self.on_fenced()
        except StoreError as error:
            if not (self._failing or self._closed):
                logger.warning("the answers of other processes cannot be read: %s", error.message)
            self._failing = True
        finally:
            self._timer = None
            if self._hurry and not self._closed:
                self._look_in(0.0)
            elif self._awaited or not self._store.alone:
                self.watch()


async def _ignore(owner: str, conversation_id: str) -> None: ...


async def with_states(
    messages: list[Message], get: Callable[[str], Awaitable[Generation | None]]
) -> list[Message]:
    """The messages, in which every answer that is stored as running is replaced by its present
    state. `get` is `Generations.get` for their owner."""
    current = []
    for message in messages:
        if message.state == "running" and message.generation_id:
            try:
                generation = await get(message.generation_id)
                message = generation.message if generation else message
            except Elsewhere as elsewhere:
                message, _ = elsewhere.so_far()
        current.append(message)
    return current
