"""The registry of all answers: it starts, finds, stops, saves and drains them.

The rule: subscribers may be ahead of the store by one flush. But a `start` is published only
after the store has saved it, and an `end` only after the store has saved or refused it. This is
the only module that creates tasks. Everything runs on the IOLoop's thread.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from weakref import WeakValueDictionary

from tornado_stream.generations.generation import Generation
from tornado_stream.generations.producer import Job, Producer
from tornado_stream.generations.recovery import end_as_interrupted
from tornado_stream.observe.log import log_answer
from tornado_stream.observe.metrics import Metrics
from tornado_stream.store.base import Store, StoredGeneration, StoreError
from tornado_stream.values.errors import Conflict, TooMany, Unavailable
from tornado_stream.values.events import Notice
from tornado_stream.values.messages import Message

logger = logging.getLogger(__name__)

#: Seconds between two flushes of new frames to the store, normally and while the store fails.
FLUSH_INTERVAL, RETRY_INTERVAL = 0.1, 1.0
#: Seconds after which a client may try again when too many answers are running, or when the
#: server is about to stop.
RETRY_AFTER = 5


class Generations:
    """All answers of this process."""

    def __init__(
        self,
        store: Store,
        metrics: Metrics | None = None,
        *,
        max_answers: int = sys.maxsize,
        max_answers_per_user: int = 0,
    ) -> None:
        self._store = store
        self.draining = False  # running answers continue, but no answer begins
        self._metrics = metrics or Metrics()
        self._max_answers = max_answers
        self._max_answers_per_user = max_answers_per_user  # 0: no limit
        self._places: Counter[str] = Counter()  # owner → answers that run or are being prepared
        self._running: dict[str, Producer] = {}
        self._unsaved_ends: dict[str, Producer] = {}  # ended, but the store refused the end
        #: Ended answers from the store that somebody is reading: all their readers share one log.
        self._restored: WeakValueDictionary[str, Generation] = WeakValueDictionary()
        self._busy: dict[str, str] = {}  # conversation → its running generation
        self._to_save: set[Producer] = set()
        self._flush_timer: asyncio.TimerHandle | None = None
        self._flush_task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """How many answers are running."""
        return len(self._running)

    @property
    def unsaved_frames(self) -> int:
        """How many frames the store does not have yet."""
        return sum(len(p.generation.frames) - p.saved for p in self._maybe_unsaved())

    @property
    def failing(self) -> bool:
        """Whether the store has refused frames that it still does not have."""
        return any(producer.failing for producer in self._maybe_unsaved())

    async def recover(self) -> int:
        """End the answers that a crash left running, as `interrupted` and with the text that was
        saved. Returns how many there were. Call it before any answer starts."""
        unfinished = await self._store.unfinished()
        for stored in unfinished:
            await self._recover(stored)
        return len(unfinished)

    @contextmanager
    def admitted(self, owner: str) -> Iterator[None]:
        """Hold a place for an answer that the block prepares and passes to `begin`. The place is
        released when that answer ends, or when an exception leaves the block.

        Raises `Unavailable` `draining`, or `TooMany` `too_many_answers`.
        """
        self._check_draining()
        self._check_places(owner)
        self._places[owner] += 1
        try:
            yield
        except BaseException:
            self._release(owner)
            raise

    async def start(self, job: Job) -> Generation:
        """Admit and begin an answer. Raises what `admitted` and `begin` raise."""
        with self.admitted(job.owner):
            return await self.begin(job)

    async def begin(self, job: Job) -> Generation:
        """Save the new answer, then start to produce it. Call it within `admitted`.

        Raises `Conflict` `conversation_busy`, `Unavailable` `draining` or `StoreError`; then the
        provider is not asked.
        """
        self._check_draining()  # the process may have begun to drain since the answer was admitted
        conversation_id = job.new_answer.message.conversation_id
        self._occupy(conversation_id, job.new_answer.generation_id)
        try:
            if job.persisted:
                await self._store.for_owner(job.owner).begin(job.new_answer)
        except BaseException:
            del self._busy[conversation_id]
            raise
        return self._produce(job)

    async def get(self, owner: str, id: str) -> Generation | None:
        """The owner's generation with this id, from memory or from the store."""
        if known := self.known(owner, id):
            return known
        stored = await self._store.for_owner(owner).generation(id)
        # The answer may have begun or ended while the store was reading.
        if known := self.known(owner, id):
            return known
        if stored and stored.message.state == "running":
            # Its first commit succeeded but was reported as failed, so nothing produces it.
            stored = await self._recover(stored)
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
        """The owner's generation with this id, if it is running or its end is not saved yet."""
        producer = self._running.get(id) or self._unsaved_ends.get(id)
        return producer.generation if producer and producer.generation.owner == owner else None

    def running_in(self, conversation_id: str) -> tuple[Message, int] | None:
        """The running message of a conversation with its text so far, and the number of the last
        event in that text. Both are read in one step, so a reader can continue after the number."""
        if producer := self._running.get(self._busy.get(conversation_id, "")):
            return producer.snapshot(), producer.generation.last_number
        return None

    async def stop(self, id: str) -> None:
        """End a running answer as `stopped`. Returns when its `end` has been published."""
        if producer := self._running.get(id):
            producer.cancel("stopped")
            await asyncio.shield(producer.ended)

    def cancel(self, id: str) -> None:
        """End a running answer as `stopped`, without waiting for its `end`."""
        if producer := self._running.get(id):
            producer.cancel("stopped")

    async def stop_in(self, conversation_id: str) -> None:
        """Stop the running answer of a conversation, if there is one."""
        if id := self._busy.get(conversation_id):
            await self.stop(id)

    async def drain(self, seconds: float, hurry: asyncio.Future[Any] | None = None) -> None:
        """Wait until the running answers have ended, for `seconds` or until `hurry` is done."""
        due = asyncio.get_running_loop().time() + seconds
        others = {hurry} if hurry else set()
        while self._running and not (hurry and hurry.done()):
            remaining = due - asyncio.get_running_loop().time()
            if remaining <= 0:
                break
            ends = {producer.ended for producer in self._running.values()}
            await asyncio.wait(
                ends | others, timeout=remaining, return_when=asyncio.FIRST_COMPLETED
            )

    async def interrupt(self, seconds: float) -> None:
        """End the running answers as `interrupted`. Returns when all ends have been published, or
        after `seconds`. What the store has refused so far is passed to it once more."""
        for producer in tuple(self._running.values()):
            producer.cancel("interrupted")
        await self.drain(seconds)
        if self._flush_timer:
            self._flush_timer.cancel()
        await self._save(list(self._to_save))

    def _maybe_unsaved(self) -> Iterator[Producer]:
        """The producers whose log may have frames that the store does not have."""
        return itertools.chain(self._running.values(), self._unsaved_ends.values())

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

    def _produce(self, job: Job) -> Generation:
        generation = Generation(
            [job.new_answer.frame],
            ended=False,
            id=job.new_answer.generation_id,
            fingerprint=job.new_answer.fingerprint,
            message=job.new_answer.message,
            owner=job.owner,
        )
        producer = Producer(generation, job, self._save_soon)
        self._running[generation.id] = producer
        producer.task = asyncio.create_task(self._run(producer), name=f"generation {generation.id}")
        return generation

    async def _run(self, producer: Producer) -> None:
        producer.publish_first_events()
        end = await producer.produce()
        producer.ending = True
        generation = producer.generation
        generation.message = producer.finished_message(end)
        frame = producer.encode_end(end)
        if producer.job.persisted and not await self._save([producer], last=frame):
            frame = producer.encode_end(replace(end, saved=False))
            self._unsaved_ends[generation.id] = producer
            self._save_soon(producer)
        generation.publish(frame, last=True)
        producer.end_relay(end)
        del self._running[generation.id]
        del self._busy[generation.message.conversation_id]
        self._release(generation.owner)
        producer.ended.set_result(None)
        log_answer(generation.id, generation.message.model, end, len(producer.times))
        self._metrics.answer_ended(end, producer.began, producer.times)

    def _save_soon(self, producer: Producer) -> None:
        self._to_save.add(producer)
        if self._flush_timer is None:
            loop = asyncio.get_running_loop()
            delay = RETRY_INTERVAL if producer.failing else FLUSH_INTERVAL
            self._flush_timer = loop.call_later(delay, self._flush)

    def _flush(self) -> None:
        if self._flush_task and not self._flush_task.done():
            # The disk is slow. The next flush follows the present one without a timer.
            self._flush_task.add_done_callback(lambda _: self._flush())
            return
        self._flush_timer = None
        self._flush_task = asyncio.create_task(self._save_changed(), name="flush")

    async def _save_changed(self) -> None:
        # The set is read here, when the task runs: an answer that has ended since `_flush` was
        # saved together with its end and is no longer in the set.
        await self._save(list(self._to_save))

    async def _save(self, producers: list[Producer], last: bytes | None = None) -> bool:
        """Pass new frames to the store; returns whether the store has saved them. `last` is the
        `end` of the only producer, which is not published yet. Never raises."""
        batch = [producer.progress(last) for producer in producers]
        self._to_save.difference_update(producers)
        for producer in producers:
            producer.unsaved = False
        counts = {p: len(p.generation.frames) for p in producers}
        try:
            if batch:
                await self._store.append(batch)
        except StoreError as error:
            logger.warning("new events are not saved: %s", error)
        except Exception:
            logger.exception("new events are not saved")
        else:
            for producer, count in counts.items():
                producer.saved = max(producer.saved, count)
                if producer.generation.ended and producer.saved == len(producer.generation.frames):
                    self._unsaved_ends.pop(producer.generation.id, None)
                self._set_failing(producer, failing=False)
            return True
        for producer in producers:
            self._set_failing(producer, failing=True)
            self._save_soon(producer)
        return False

    def _set_failing(self, producer: Producer, *, failing: bool) -> None:
        """Tell the subscribers of a running answer when saving begins to fail, and when it works
        again. The `end` of an answer says by itself whether it was saved."""
        if producer.failing == failing:
            return
        producer.failing = failing
        if not (producer.ending or producer.stopped_as):
            producer.publish(Notice("not_saved" if failing else "saved"))

    async def _recover(self, stored: StoredGeneration) -> StoredGeneration:
        """End a log that nothing produces any more."""
        ended, progress = end_as_interrupted(stored)
        await self._store.append([progress])
        return ended
