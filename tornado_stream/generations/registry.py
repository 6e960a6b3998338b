"""The registry of all answers: it starts, finds, stops and drains them; `Saver` saves them.

The rule: a `start` is published only after the store has saved it, and an `end` only after the
store has saved or refused it. This is the only module that creates tasks. Everything runs on the
IOLoop's thread.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

from tornado_stream.generations import refusals
from tornado_stream.generations.budgets import Budgets
from tornado_stream.generations.draining import drained
from tornado_stream.generations.generation import Generation
from tornado_stream.generations.job import Job
from tornado_stream.generations.mirrors import Mirrors
from tornado_stream.generations.neighbours import Elsewhere, Neighbours, with_states
from tornado_stream.generations.pictures import KeepPicture
from tornado_stream.generations.places import Places
from tornado_stream.generations.producer import Producer
from tornado_stream.generations.recovery import NOTHING, Recovery
from tornado_stream.generations.saver import Saver
from tornado_stream.observe.log import log_answer
from tornado_stream.observe.metrics import Metrics
from tornado_stream.store import slots
from tornado_stream.store.base import AlreadyStored, Busy, NewAnswer, Store
from tornado_stream.store.tail_base import NoPlace
from tornado_stream.values.events import Finish
from tornado_stream.values.messages import LOCAL_OWNER, Message

logger = logging.getLogger(__name__)


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
        places: Places | None = None,
        expected: Callable[[str | None], Finish] = lambda model: NOTHING,
        budgets: Budgets | None = None,
        keep_picture: KeepPicture | None = None,
    ) -> None:
        self._store = store
        self._recovery = Recovery(store, expected)
        self._budgets = budgets  # None: nobody has one
        self._keep_picture = keep_picture
        self.draining = False  # running answers continue, but no answer begins
        #: Awaited when an answer has ended and has left its conversation.
        self.on_ended: Callable[[Generation], Awaitable[None]] | None = None
        self._metrics = metrics or Metrics()
        self._places = places or Places()
        self._beginning: dict[str, _Beginning] = {}
        self._running: dict[str, Producer] = {}
        #: Ended answers from the store that somebody is reading: all their readers share one log.
        self._restored: WeakValueDictionary[str, Generation] = WeakValueDictionary()
        #: Conversation → its generations that begin or run, and the messages that they answer.
        self._busy: dict[str, dict[str, str | None]] = {}
        self._saver = Saver(store, lambda flush: asyncio.create_task(flush, name="flush"))
        self._saver.on_stop = self.cancel
        self._saver.running = self._running
        #: The answers of other processes that have the store open, too.
        spawn = partial(asyncio.create_task, name="neighbours")
        self.neighbours = Neighbours(store, self._recovery, spawn, self.cancel)
        self.neighbours.on_fenced = self._saver.abandon
        self.neighbours.has = self.has
        self.mirrors = Mirrors(store, partial(asyncio.create_task, name="mirrors"))

    def __len__(self) -> int:
        """How many answers are running."""
        return len(self._running)

    @property
    def busy(self) -> bool:
        """Whether an answer begins or runs."""
        return bool(self._beginning or self._running)

    @property
    def unsaved_frames(self) -> int:
        """How many frames the store does not have yet."""
        return self._saver.unsaved_frames

    @property
    def failing(self) -> bool:
        """Whether the store has refused frames that it still does not have."""
        return self._saver.failing

    async def recover(self) -> int:
        """End the answers that a crash left running, as `interrupted` and with the text that was
        saved. Returns how many there were. Call it before any answer starts. Those of other
        processes that are alive go on."""
        return await self.neighbours.recover()

    @contextmanager
    def admitted(self, owner: str, id: str) -> Iterator[None]:
        """Hold a place for the answer `id`, which the block prepares and passes to `begin`. The
        place is released when that answer ends, or when an exception leaves the block.

        Raises `Unavailable` `draining`, `TooMany` (`too_many_answers`, `budget_reached`), or
        `AlreadyStored` where an answer with this id is beginning already.
        """
        self._check_draining()
        self._places.check(owner)
        if self._budgets:
            self._budgets.check(owner)
        if id in self._beginning:
            raise AlreadyStored
        self._places.take(owner)
        beginning = self._beginning[id] = _Beginning()
        try:
            yield
        except BaseException:
            self._places.release(owner)
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

        Raises `Conflict` `conversation_busy`, `TooMany` (`too_many_answers`, `budget_reached`),
        `Unavailable` `draining` or `StoreError`; then the provider is not asked.
        """
        if self._budgets and await self._budgets.renew(job.owner):
            self._budgets.check(job.owner)
        self._check_draining()  # the process may have begun to drain since the answer was admitted
        beginning = self._beginning[job.new_answer.generation_id]
        self._occupy(job.new_answer)
        beginning.storing = True
        try:
            if job.persisted:
                await self._store_new(job)
            else:
                await self._check_all_places(job.owner)
                self._saver.begin_spend(job)
        except BaseException:
            self._leave(job.new_answer.message.conversation_id, job.new_answer.generation_id)
            raise
        producer = self._produce(job)
        if beginning.stopped_as:
            producer.cancel(beginning.stopped_as)
        return producer.generation

    async def get(self, owner: str, id: str) -> Generation | None:
        """The owner's generation with this id, from memory or from the store. Raises `Elsewhere`
        if another process is writing it."""
        await self._when_stored(id)
        if known := self.known(owner, id):
            return known
        stored = await self._store.for_owner(owner).generation(id)
        # The answer may have begun or ended while the store was reading.
        await self._when_stored(id)
        if known := self.known(owner, id):
            return known
        if stored and stored.message.state == "running":
            stored = await self.neighbours.present(stored)
        return self._restored.setdefault(id, Generation.restore(stored)) if stored else None

    async def with_ends(self, owner: str, messages: list[Message]) -> list[Message]:
        """The owner's messages, in which every answer that is stored as running is replaced by
        its present state: it may have ended since, or the store may have refused its end."""
        return await with_states(messages, partial(self.get, owner))

    def known(self, owner: str, id: str) -> Generation | None:
        """The owner's generation with this id, if it is running or its end is not saved (yet)."""
        producer = self._running.get(id) or self._saver.unsaved_ends.get(id)
        generation = producer.generation if producer else self._saver.ended.by_id.get(id)
        return generation if generation and generation.owner == owner else None

    def has(self, owner: str, id: str) -> bool:
        """Whether this process has an answer with this id in memory."""
        return id in self._beginning or self.known(owner, id) is not None

    def running_in(self, conversation_id: str) -> list[str]:
        """The ids of the answers that run in a conversation."""
        return [id for id in self._busy.get(conversation_id, ()) if id in self._running]

    def so_far(self, id: str) -> tuple[Message, int] | None:
        """The message of a running answer with its text so far, and the number of the last event in
        that text. Both are read in one step, so a reader can continue after the number."""
        producer = self._running.get(id)
        return (producer.snapshot(), producer.generation.last_number) if producer else None

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
    async def deleting(self, conversation_id: str, owner: str = LOCAL_OWNER) -> AsyncIterator[None]:
        """Stop the answers of a conversation that the block deletes from the store; also an answer
        that is being stored now. When the block begins, none runs and none is being stored, and
        one that the block lets begin finds no conversation.

        No answer that ends meanwhile says that it is saved. If the block raises, the store gets it
        later; otherwise it is forgotten. Raises `Unavailable` where another process does not stop
        an answer.
        """
        with self._saver.deleting(conversation_id):
            while ids := self._busy.get(conversation_id):
                for id in tuple(ids):
                    await self.stop(id)
            if not self._store.alone:
                await self.neighbours.stop_in(owner, conversation_id)
            yield

    async def drain(self, seconds: float, hurry: asyncio.Future[Any] | None = None) -> None:
        """Wait until the answers that begin or run have ended, and those of other instances that
        readers follow here, for `seconds` or until `hurry` is done."""
        await drained(lambda: self._ends() | self.mirrors.ends(), seconds, hurry)

    def _ends(self) -> set[asyncio.Future[None]]:
        """The ends of what begins and of what runs."""
        ends = {producer.ended for producer in self._running.values()}
        return ends | {beginning.done for beginning in self._beginning.values()}

    async def interrupt(self, seconds: float) -> None:
        """End the answers that begin or run as `interrupted`. Returns when all ends have been
        published, or after `seconds`. What the store has refused so far is passed to it once
        more."""
        for id in (*self._beginning, *self._running):
            self._cancel(id, "interrupted")
        await drained(self._ends, seconds, None)
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

    async def _store_new(self, job: Job) -> None:
        """Save a new answer. One that has ended does not prevent it, although it is still stored as
        running in the same conversation."""
        store = self._store.for_owner(job.owner)
        new = job.new_answer
        if most := self._places.most_per_user:
            new = replace(new, most=most)
        try:
            await store.begin(new)
        except (Busy, slots.BusyBeside) as busy:
            ended = tuple([i for i in busy.generation_ids if await self._has_ended(job.owner, i)])
            if not ended:
                raise
            await store.begin(replace(new, ended=ended))

    async def _has_ended(self, owner: str, id: str) -> bool:
        """Whether an answer that is stored as running has ended after all."""
        try:
            return (found := await self.get(owner, id)) is not None and found.ended
        except Elsewhere:
            return False

    def _check_draining(self) -> None:
        if self.draining:
            raise refusals.draining()

    async def _check_all_places(self, owner: str) -> None:
        """Count what other instances write for this user, too; for an answer that is not stored."""
        if self._store.tails and (most := self._places.most_per_user):
            if (count := await self._store.for_owner(owner).answering()) >= most:
                raise NoPlace(count)

    def _occupy(self, new: NewAnswer) -> None:
        """Raises `Busy` and `BusyBeside`. Where other processes write too, the store does so."""
        others = self._busy.setdefault(new.message.conversation_id, {})
        if others and self._store.alone:
            slots.check(new, others)
        others[new.generation_id] = new.message.parent_id

    def _leave(self, conversation_id: str, id: str) -> None:
        del self._busy[conversation_id][id]
        if not self._busy[conversation_id]:
            del self._busy[conversation_id]

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
        if self._keep_picture and (job.persisted or job.relay is None):
            producer.keep_picture = self._keep_picture
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
        if producer.fenced:
            generation.break_off()
        else:
            generation.publish(frame, last=True)
        producer.end_relay(end)
        del self._running[generation.id]
        self._leave(generation.message.conversation_id, generation.id)
        self._places.release(generation.owner)
        producer.ended.set_result(None)
        log_answer(generation.id, generation.message.model, end, len(producer.times))
        self._metrics.answer_ended(end, producer.began, producer.times)
        if self.on_ended and producer.job.persisted:
            await self.on_ended(generation)
