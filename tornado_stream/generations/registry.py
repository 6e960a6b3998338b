"""The registry of all answers: it starts, finds, stops and drains them; `Saver` saves them.

The rule: a `start` is published only after the store has saved it, and an `end` only after the
store has saved or refused it. This is the only module that creates tasks. Everything runs on the
IOLoop's thread.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from weakref import WeakValueDictionary

from tornado_stream.generations.budgets import Budgets
from tornado_stream.generations.generation import Generation
from tornado_stream.generations.producer import Job, Producer
from tornado_stream.generations.recovery import NOTHING, Recovery
from tornado_stream.generations.saver import Saver
from tornado_stream.observe.log import log_answer
from tornado_stream.observe.metrics import Metrics
from tornado_stream.store.base import AlreadyStored, Store, StoreError
from tornado_stream.values.errors import Conflict, TooMany, Unavailable
from tornado_stream.values.events import Finish
from tornado_stream.values.messages import Message

logger = logging.getLogger(__name__)

#: Seconds after which a client may try again when too many answers are running, or when the
#: server is about to stop.
RETRY_AFTER = 5


class _Beginning:
    """An answer that is admitted and does not run yet. `done` resolves when it runs, or when it
    will not."""

    def __init__(self) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.storing = False  # the store has been asked to save it
        self.stopped_as: str | None = None  # as `Producer.stopped_as`


class Generations:
    """All answers of this process.

    An answer is in `_beginning` from the moment it is admitted, then in `_running`. So a stop and a
    deletion find it in every phase.
    """

    def __init__(
        self,
        store: Store,
        metrics: Metrics | None = None,
        *,
        max_answers: int = sys.maxsize,
        max_answers_per_user: int = 0,
        expected: Callable[[str | None], Finish] = lambda model: NOTHING,
        budgets: Budgets | None = None,
    ) -> None:
        self._store = store
        self._recovery = Recovery(store, expected)
        self._budgets = budgets  # None: nobody has one
        self.draining = False  # running answers continue, but no answer begins
        #: Awaited when an answer has ended and its conversation is free for another one.
        self.on_ended: Callable[[Generation], Awaitable[None]] | None = None
        self._metrics = metrics or Metrics()
        self._max_answers = max_answers
        self._max_answers_per_user = max_answers_per_user  # 0: no limit
        self._places: Counter[str] = Counter()  # owner → answers that run or are being prepared
        self._beginning: dict[str, _Beginning] = {}
        self._running: dict[str, Producer] = {}
        #: Ended answers from the store that somebody is reading: all their readers share one log.
        self._restored: WeakValueDictionary[str, Generation] = WeakValueDictionary()
        self._busy: dict[str, str] = {}  # conversation → its generation that begins or runs
        self._saver = Saver(store, lambda flush: asyncio.create_task(flush, name="flush"))

    def __len__(self) -> int:
        """How many answers are running."""
        return len(self._running)

    @property
    def unsaved_frames(self) -> int:
        """How many frames the store does not have yet."""
        producers = self._maybe_unsaved()
        return sum((len(p.generation.frames) - p.saved) * p.job.persisted for p in producers)

    @property
    def failing(self) -> bool:
        """Whether the store has refused frames that it still does not have."""
        return any(producer.failing for producer in self._maybe_unsaved())

    async def recover(self) -> int:
        """End the answers that a crash left running, as `interrupted` and with the text that was
        saved. Returns how many there were. Call it before any answer starts."""
        try:
            unfinished = await self._store.unfinished()
        except StoreError as error:
            logger.error("answers that a crash left running cannot be read: %s", error.message)
            return 0
        for stored in unfinished:
            await self._recovery.end(stored)
        try:
            await self._store.settle_lost()
        except StoreError as error:
            logger.error("the ledger has open rows of answers before: %s", error.message)
        return len(unfinished)

    @contextmanager
    def admitted(self, owner: str, id: str) -> Iterator[None]:
        """Hold a place for the answer `id`, which the block prepares and passes to `begin`. The
        place is released when that answer ends, or when an exception leaves the block.

        Raises `Unavailable` `draining`, `TooMany` (`too_many_answers`, `budget_reached`), or
        `AlreadyStored` where an answer with this id is beginning already.
        """
        self._check_draining()
        self._check_places(owner)
        if self._budgets:
            self._budgets.check(owner)
        if id in self._beginning:
            raise AlreadyStored
        self._places[owner] += 1
        beginning = self._beginning[id] = _Beginning()
        try:
            yield
        except BaseException:
            self._release(owner)
            raise
        finally:
            del self._beginning[id]
            beginning.done.set_result(None)

    async def start(self, job: Job) -> Generation:
        """Admit and begin an answer. Raises what `admitted` and `begin` raise."""
        with self.admitted(job.owner, job.new_answer.generation_id):
            return await self.begin(job)

    async def begin(self, job: Job) -> Generation:
        """Save the new answer, then start to produce it. Call it within `admitted`. An answer that
        was stopped meanwhile begins and ends at once, and its provider is not asked.

        Raises `Conflict` `conversation_busy`, `TooMany` `budget_reached`, `Unavailable` `draining`
        or `StoreError`; then the provider is not asked.
        """
        if self._budgets and await self._budgets.renew():
            self._budgets.check(job.owner)
        self._check_draining()  # the process may have begun to drain since the answer was admitted
        conversation_id = job.new_answer.message.conversation_id
        beginning = self._beginning[job.new_answer.generation_id]
        self._occupy(conversation_id, job.new_answer.generation_id)
        beginning.storing = True
        try:
            if job.persisted:
                await self._store.for_owner(job.owner).begin(job.new_answer)
            else:
                self._saver.begin_spend(job)
        except BaseException:
            del self._busy[conversation_id]
            raise
        producer = self._produce(job)
        if beginning.stopped_as:
            producer.cancel(beginning.stopped_as)
        return producer.generation

    async def get(self, owner: str, id: str) -> Generation | None:
        """The owner's generation with this id, from memory or from the store."""
        await self._when_stored(id)
        if known := self.known(owner, id):
            return known
        stored = await self._store.for_owner(owner).generation(id)
        # The answer may have begun or ended while the store was reading.
        await self._when_stored(id)
        if known := self.known(owner, id):
            return known
        if stored and stored.message.state == "running":
            # Its first commit succeeded but was reported as failed, so nothing produces it.
            stored = await self._recovery.end(stored)
        return self._restored.setdefault(id, Generation.restore(stored)) if stored else None

    async def with_ends(self, owner: str, messages: list[Message]) -> list[Message]:
        """The owner's messages, in which every answer that is stored as running is replaced by
        its present state: it may have ended since, or the store may have refused its end."""
        current = []
        for message in messages:
            if message.state == "running" and message.generation_id:
                generation = await self.get(owner, message.generation_id)
                message = generation.message if generation else message
            current.append(message)
        return current

    def known(self, owner: str, id: str) -> Generation | None:
        """The owner's generation with this id, if it is running or its end is not saved (yet)."""
        producer = self._running.get(id) or self._saver.unsaved_ends.get(id)
        generation = producer.generation if producer else self._saver.ended.by_id.get(id)
        return generation if generation and generation.owner == owner else None

    def running_in(self, conversation_id: str) -> tuple[Message, int] | None:
        """The running message of a conversation with its text so far, and the number of the last
        event in that text. Both are read in one step, so a reader can continue after the number."""
        if producer := self._running.get(self._busy.get(conversation_id, "")):
            return producer.snapshot(), producer.generation.last_number
        return None

    async def stop(self, id: str) -> None:
        """End an answer that begins or runs as `stopped`. Returns when its `end` has been
        published, or when it is known that the answer does not begin."""
        self.cancel(id)
        if beginning := self._beginning.get(id):
            await asyncio.shield(beginning.done)
        if producer := self._running.get(id):
            await asyncio.shield(producer.ended)

    def cancel(self, id: str) -> None:
        """End an answer that begins or runs as `stopped`, without waiting for its `end`."""
        self._cancel(id, "stopped")

    @asynccontextmanager
    async def deleting(self, conversation_id: str) -> AsyncIterator[None]:
        """Stop the answer of a conversation that the block deletes from the store; also an answer
        that is being stored now. When the block begins, none runs and none is being stored, and
        one that the block lets begin finds no conversation.

        No answer that ends meanwhile says that it is saved. If the block raises, the store gets it
        later; otherwise it is forgotten.
        """
        with self._saver.deleting(conversation_id):
            while id := self._busy.get(conversation_id):
                await self.stop(id)
            yield

    async def drain(self, seconds: float, hurry: asyncio.Future[Any] | None = None) -> None:
        """Wait until the answers that begin or run have ended, for `seconds` or until `hurry` is
        done."""
        due = asyncio.get_running_loop().time() + seconds
        others = {hurry} if hurry else set()
        while (self._running or self._beginning) and not (hurry and hurry.done()):
            remaining = due - asyncio.get_running_loop().time()
            if remaining <= 0:
                break
            ends = {producer.ended for producer in self._running.values()}
            ends |= {beginning.done for beginning in self._beginning.values()}
            await asyncio.wait(
                ends | others, timeout=remaining, return_when=asyncio.FIRST_COMPLETED
            )

    async def interrupt(self, seconds: float) -> None:
        """End the answers that begin or run as `interrupted`. Returns when all ends have been
        published, or after `seconds`. What the store has refused so far is passed to it once
        more."""
        for id in (*self._beginning, *self._running):
            self._cancel(id, "interrupted")
        await self.drain(seconds)
        await self._saver.save_rest()

    def _cancel(self, id: str, state: str) -> None:
        if beginning := self._beginning.get(id):
            beginning.stopped_as = beginning.stopped_as or state
        if producer := self._running.get(id):
            producer.cancel(state)

    async def _when_stored(self, id: str) -> None:
        """Wait until the store has saved or refused an answer that is beginning."""
        beginning = self._beginning.get(id)
        if beginning and beginning.storing:
            await asyncio.shield(beginning.done)

    def _maybe_unsaved(self) -> Iterator[Producer]:
        """The producers whose log may have frames that the store does not have."""
        return itertools.chain(self._running.values(), self._saver.unsaved_ends.values())

    def _check_draining(self) -> None:
        if self.draining:
            raise Unavailable(
                "The server is restarting. Send it again shortly.",
                code="draining",
                retry_after=RETRY_AFTER,
            )

    def _check_places(self, owner: str) -> None:
        if self._places.total() >= self._max_answers:
            raise TooMany(
                "The server is writing as many answers as it can. Send it again shortly.",
                code="too_many_answers",
                retry_after=RETRY_AFTER,
            )
        if self._max_answers_per_user and self._places[owner] >= self._max_answers_per_user:
            raise TooMany(
                f"The server is writing {self._places[owner]} answers for you, which is the most "
                "at a time. Wait until one has ended, or stop one.",
                code="too_many_answers",
                retry_after=RETRY_AFTER,
            )

    def _release(self, owner: str) -> None:
        self._places[owner] -= 1
        if not self._places[owner]:
            del self._places[owner]

    def _occupy(self, conversation_id: str, generation_id: str) -> None:
        if busy := self._busy.get(conversation_id):
            raise Conflict(
                "An answer is still being written in this conversation.",
                code="conversation_busy",
                generation_id=busy,
            )
        self._busy[conversation_id] = generation_id

    def _produce(self, job: Job) -> Producer:
        generation = Generation(
            [job.new_answer.frame],
            ended=False,
            id=job.new_answer.generation_id,
            fingerprint=job.new_answer.fingerprint,
            message=job.new_answer.message,
            owner=job.owner,
        )
        producer = Producer(generation, job, self._saver.save_soon)
        self._running[generation.id] = producer
        producer.task = asyncio.create_task(self._run(producer), name=f"generation {generation.id}")
        return producer

    async def _run(self, producer: Producer) -> None:
        producer.publish_first_events()
        end = await producer.produce()
        generation = producer.generation
        generation.message = producer.finished_message(end)
        if self._budgets and (notice := self._budgets.count(producer.spent())):
            producer.publish(notice)
        producer.ending = True
        frame = await self._saver.save_end(producer, end)
        generation.publish(frame, last=True)
        producer.end_relay(end)
        del self._running[generation.id]
        del self._busy[generation.message.conversation_id]
        self._release(generation.owner)
        producer.ended.set_result(None)
        log_answer(generation.id, generation.message.model, end, len(producer.times))
        self._metrics.answer_ended(end, producer.began, producer.times)
        if self.on_ended and producer.job.persisted:
            await self.on_ended(generation)
