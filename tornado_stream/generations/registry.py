"""All answers: started, found, stopped, kept, drained, recovered.

The rule: readers may be ahead of the store by one tick, but `start` and `end` leave only when the
store has them, or has refused them. This is the only module that creates tasks. Everything runs
on the IOLoop's thread.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from weakref import WeakValueDictionary

from tornado_stream.generations.event_log import RECOVERED_END
from tornado_stream.generations.generation import Generation
from tornado_stream.generations.producer import Job, Producer, with_answer
from tornado_stream.observe.log import log_answer
from tornado_stream.observe.metrics import Metrics
from tornado_stream.store.base import Progress, Store, StoredGeneration, StoreError
from tornado_stream.values.errors import Conflict, TooMany, Unavailable
from tornado_stream.values.events import AnswerText, Delta, End, Notice, frame_data, frame_name
from tornado_stream.values.messages import Message

logger = logging.getLogger(__name__)

#: Seconds between two hand-overs of new frames to the store, and while it refuses them.
FLUSH_INTERVAL, RETRY_INTERVAL = 0.1, 1.0
#: Seconds after which to ask again where there are too many answers.
RETRY_AFTER = 5


class Generations:
    """All answers: starts, finds, stops, keeps and drains them."""

    def __init__(
        self,
        store: Store,
        metrics: Metrics | None = None,
        *,
        max_answers: int = sys.maxsize,
        max_answers_per_user: int = 0,
    ) -> None:
        self._store = store
        self.draining = False  # what runs goes on, and nothing is begun
        self._metrics = metrics or Metrics()
        self._max_answers = max_answers
        self._max_answers_per_user = max_answers_per_user  # 0: any
        self._owned: Counter[str] = Counter()  # how many are running
        self._running: dict[str, Producer] = {}
        self._unkept: dict[str, Producer] = {}  # ended, and the store does not have the end yet
        #: What has ended and is being read: its readers share one log.
        self._read: WeakValueDictionary[str, Generation] = WeakValueDictionary()
        self._busy: dict[str, str] = {}  # conversation → its running generation
        self._unsaved: set[Producer] = set()
        self._flush_timer: asyncio.TimerHandle | None = None
        self._flush_task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """How many are running."""
        return len(self._running)

    @property
    def unsaved_frames(self) -> int:
        """How many frames the store does not have yet."""
        return sum(len(p.generation.frames) - p.saved for p in self._open())

    @property
    def failing(self) -> bool:
        """Whether the store has refused something that it does not have yet."""
        return any(producer.failing for producer in self._open())

    async def recover(self) -> int:
        """End what a crash left running as `interrupted`, with the text that was kept; how many
        there were. To be called before anything is started."""
        left = await self._store.unfinished()
        for stored in left:
            await self._recover(stored)
        return len(left)

    async def start(self, job: Job) -> Generation:
        """Keep the turn, then begin to produce.

        Raises `Conflict` `conversation_busy`, what `admit` raises, or `StoreError`: then
        nothing was asked for.
        """
        new_answer = job.new_answer
        conversation_id = new_answer.message.conversation_id
        if busy := self._busy.get(conversation_id):
            raise Conflict(
                "An answer is still being written in this conversation.",
                code="conversation_busy",
                generation_id=busy,
            )
        self.admit(job.owner)
        self._occupy(job)
        try:
            if job.persisted:
                await self._store.for_owner(job.owner).begin(new_answer)
        except BaseException:
            self._vacate(job)
            raise
        generation = Generation(
            [new_answer.frame],
            ended=False,
            id=new_answer.generation_id,
            fingerprint=new_answer.fingerprint,
            message=new_answer.message,
            owner=job.owner,
        )
        producer = Producer(generation, job, self._has_changed)
        self._running[generation.id] = producer
        producer.task = asyncio.create_task(self._run(producer), name=f"generation {generation.id}")
        return generation

    def admit(self, owner: str) -> None:
        """Raises `TooMany` `too_many_answers`, or `Unavailable` `draining`, where no other answer
        may begin now."""
        if self.draining:
            raise Unavailable("The server is restarting. Send it again shortly.", code="draining")
        if len(self._busy) >= self._max_answers:
            raise TooMany(
                "The server is writing as many answers as it can. Send it again shortly.",
                code="too_many_answers",
                retry_after=RETRY_AFTER,
            )
        if self._max_answers_per_user and self._owned[owner] >= self._max_answers_per_user:
            raise TooMany(
                f"{self._owned[owner]} of your answers are being written, which is the most at a "
                "time. Wait for one, or stop one.",
                code="too_many_answers",
                retry_after=RETRY_AFTER,
            )

    async def get(self, owner: str, id: str) -> Generation | None:
        """The owner's generation with this id, running or kept."""
        if known := self.known(owner, id):
            return known
        stored = await self._store.for_owner(owner).generation(id)
        # It may have begun, or ended, while the store was looking.
        if known := self.known(owner, id):
            return known
        if stored and stored.message.state == "running":  # its commit was reported as failed
            stored = await self._recover(stored)
        return self._read.setdefault(id, Generation.restore(stored)) if stored else None

    async def settle(self, owner: str, messages: list[Message]) -> list[Message]:
        """The owner's messages, with every answer that the store still has as running as it has
        become: its end may have come since, or be refused by the disk."""
        settled = []
        for message in messages:
            if message.state == "running" and message.generation_id:
                generation = await self.get(owner, message.generation_id)
                message = generation.message if generation else message
            settled.append(message)
        return settled

    def known(self, owner: str, id: str) -> Generation | None:
        """The owner's generation with this id, if it is running or its end is not kept yet."""
        producer = self._running.get(id) or self._unkept.get(id)
        return producer.generation if producer and producer.generation.owner == owner else None

    def running_in(self, conversation_id: str) -> tuple[Message, int] | None:
        """The running message of a conversation as far as it has come, and the number of the last
        event that is in it: read in one step, so a reader can go on after that number."""
        if producer := self._running.get(self._busy.get(conversation_id, "")):
            return producer.snapshot(), producer.generation.last_number
        return None

    async def stop(self, id: str) -> None:
        """End a running answer as `stopped`; returns when its `end` was published."""
        if producer := self._running.get(id):
            producer.cancel("stopped")
            await asyncio.shield(producer.ended)

    def cancel(self, id: str) -> None:
        """As `stop`, for whom nobody waits."""
        if producer := self._running.get(id):
            producer.cancel("stopped")

    async def stop_in(self, conversation_id: str) -> None:
        """Stop what runs in a conversation."""
        if id := self._busy.get(conversation_id):
            await self.stop(id)

    async def drain(self, seconds: float, hurry: asyncio.Future[Any] | None = None) -> None:
        """Let running answers end by themselves, for `seconds` or until `hurry` is done."""
        due = asyncio.get_running_loop().time() + seconds
        others = {hurry} if hurry else set()
        while self._running and not (hurry and hurry.done()):
            left = due - asyncio.get_running_loop().time()
            if left <= 0:
                break
            ends = {producer.ended for producer in self._running.values()}
            await asyncio.wait(ends | others, timeout=left, return_when=asyncio.FIRST_COMPLETED)

    async def interrupt(self, seconds: float) -> None:
        """End what is still running as `interrupted`; returns when all of it was published, or
        after `seconds`. What the disk refused so far is offered to it once more."""
        for producer in tuple(self._running.values()):
            producer.cancel("interrupted")
        await self.drain(seconds)
        if self._flush_timer:
            self._flush_timer.cancel()
        await self._save(list(self._unsaved))

    def _open(self) -> Iterator[Producer]:
        """Those of which there may be something that the store does not have."""
        return itertools.chain(self._running.values(), self._unkept.values())

    def _occupy(self, job: Job) -> None:
        self._busy[job.new_answer.message.conversation_id] = job.new_answer.generation_id
        self._owned[job.owner] += 1

    def _vacate(self, job: Job) -> None:
        del self._busy[job.new_answer.message.conversation_id]
        self._owned[job.owner] -= 1
        if not self._owned[job.owner]:
            del self._owned[job.owner]

    async def _run(self, producer: Producer) -> None:
        producer.begin(producer.job.first)
        end = await producer.produce()
        producer.ending = True
        generation = producer.generation
        generation.message = producer.finished_message(end)
        frame = producer.encode_end(end)
        if producer.job.persisted and not await self._save([producer], last=frame):
            frame = producer.encode_end(replace(end, saved=False))
            self._unkept[generation.id] = producer
            self._has_changed(producer)
        generation.publish(frame, last=True)
        del self._running[generation.id]
        self._vacate(producer.job)
        producer.ended.set_result(None)
        log_answer(generation.id, generation.message.model, end, len(producer.times))
        self._metrics.answer_ended(end, producer.began, producer.times)

    def _has_changed(self, producer: Producer) -> None:
        self._unsaved.add(producer)
        if self._flush_timer is None:
            loop = asyncio.get_running_loop()
            delay = RETRY_INTERVAL if producer.failing else FLUSH_INTERVAL
            self._flush_timer = loop.call_later(delay, self._flush)

    def _flush(self) -> None:
        if self._flush_task and not self._flush_task.done():
            # The disk is slow: what is new follows at once, and no timer is needed until then.
            self._flush_task.add_done_callback(lambda _: self._flush())
            return
        self._flush_timer = None
        self._flush_task = asyncio.create_task(self._save_changed(), name="flush")

    async def _save_changed(self) -> None:
        # Looked up here: until a task begins an answer may have ended, and be saved with its end.
        await self._save(list(self._unsaved))

    async def _save(self, producers: list[Producer], last: bytes | None = None) -> bool:
        """Hand the store what it does not have; whether it took it. `last` is the end of the only
        producer, not published yet. Never raises."""
        batch = [_progress(p, last) for p in producers]
        self._unsaved.difference_update(producers)
        for producer in producers:
            producer.unsaved = False
        counts = {p: len(p.generation.frames) for p in producers}
        try:
            if batch:
                await self._store.append(batch)
        except StoreError as error:
            logger.warning("not saved: %s", error)
        except Exception:
            logger.exception("not saved")
        else:
            for producer, count in counts.items():
                producer.saved = max(producer.saved, count)
                if producer.generation.ended and producer.saved == len(producer.generation.frames):
                    self._unkept.pop(producer.generation.id, None)
                self._note(producer, failing=False)
            return True
        for producer in producers:
            self._note(producer, failing=True)
            self._has_changed(producer)
        return False

    def _note(self, producer: Producer, *, failing: bool) -> None:
        """Tell the readers of a running answer when saving begins to fail, and when it mends. An
        answer that is ending says it in its `end`."""
        if producer.failing == failing:
            return
        producer.failing = failing
        if not (producer.ending or producer.stopped_as):
            producer.publish(Notice("not_saved" if failing else "saved"))

    async def _recover(self, stored: StoredGeneration) -> StoredGeneration:
        """End a log that nobody produces any more: where it stops, an answer was interrupted."""
        answer = AnswerText()
        times = [0]
        first_token_ms = None
        for frame in stored.frames:
            data = frame_data(frame)
            times.append(data["t"])
            if frame_name(frame) == "delta":
                answer.add(_delta(data))
                first_token_ms = data["t"] if first_token_ms is None else first_token_ms
        timings: dict[str, int | None] = {"first_token_ms": first_token_ms, "total_ms": times[-1]}
        end = End("interrupted", None, None, None, None, True, timings)
        frame = end.encode(RECOVERED_END, times[-1])
        message = replace(with_answer(stored.message, answer), state="interrupted", timings=timings)
        place = len(stored.frames) + 1
        await self._store.append([Progress(stored.id, place, [frame], message, stored.owner)])
        return replace(stored, message=message, frames=[*stored.frames, frame])


def _progress(producer: Producer, last: bytes | None) -> Progress:
    generation = producer.generation
    if last is not None or generation.ended:
        frames = generation.frames if last is None else [*generation.frames, last]
        return Progress(generation.id, 1, frames, generation.message, generation.owner)
    frames = generation.frames[producer.saved :]
    return Progress(generation.id, producer.saved + 1, frames, owner=generation.owner)


def _delta(data: dict[str, Any]) -> Delta:
    return Delta(
        data.get("content", ""),
        data.get("reasoning", ""),
        data.get("refusal", ""),
        tuple(data.get("tool_calls", ())),
    )
