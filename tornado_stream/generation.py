"""Answers being produced: one append-only event log each, one task, any number of readers.

The rule: producing and reading are separate. The producer appends and never waits; a reader is a
cursor on the log and a sink, and one that is slow, leaves or returns is nobody's concern but its
own. This is the only module that creates tasks. Everything runs on the IOLoop's thread.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import orjson

from tornado_stream.errors import Conflict, ProviderError
from tornado_stream.events import Answer, Delta, End, Finish, Notice
from tornado_stream.messages import ChatRequest, Message
from tornado_stream.providers.base import Provider
from tornado_stream.sse import encode_event
from tornado_stream.store.base import Progress, Store, StoredGeneration, Turn

logger = logging.getLogger(__name__)

#: Seconds between two hand-overs of new frames to the store.
FLUSH_INTERVAL = 0.1
#: Bytes that a reader is handed at once while it catches up.
BATCH_BYTES = 64 * 1024

RESET_FRAME = encode_event(0, "reset", {})

#: Takes encoded frames; False says: taken, but no more until the reader is resumed.
Sink = Callable[[bytes], bool]


@dataclass(frozen=True, slots=True)
class Job:
    """All that makes an answer: what to keep of it first, and whom to ask for what."""

    turn: Turn
    provider: Provider
    request: ChatRequest
    notices: tuple[Notice, ...] = ()


class Generation:
    """One answer: its log, and what the log adds up to.

    Event number n is `frames[n - 1]`, encoded once for all readers. `end` is set when the last
    event has been committed and published; no frame follows it.
    """

    def __init__(self, id: str, fingerprint: bytes, message: Message, frames: list[bytes]) -> None:
        self.id = id
        self.fingerprint = fingerprint
        self.message = message
        self.frames = frames
        self.ended = False
        self.readers: set[Reader] = set()

    @classmethod
    def restore(cls, stored: StoredGeneration) -> Generation:
        """A log that has ended, from the store."""
        generation = cls(stored.id, stored.fingerprint, stored.message, stored.frames)
        generation.ended = True
        return generation

    @property
    def end(self) -> dict[str, Any]:
        """The data of the `end` event; only where `ended`."""
        data: dict[str, Any] = orjson.loads(self.frames[-1].partition(b"data: ")[2])
        return data

    @property
    def last_number(self) -> int:
        return len(self.frames)

    def attach(self, sink: Sink, after: int, *, live: bool = True) -> Reader:
        """Read every event with a number above `after`, then go on live unless told not to.

        The backlog is handed to `sink` before this returns; nothing can come in between. A reader
        ahead of the log gets `reset` and the whole log.
        """
        reader = Reader(self, sink, after, live)
        if after > self.last_number:
            reader.restart()
        self.readers.add(reader)
        reader.pump()
        return reader

    def publish(self, frame: bytes) -> None:
        """Append an encoded event and hand it to every reader that can take it."""
        self.frames.append(frame)
        for reader in tuple(self.readers):
            reader.pump()


class Reader:
    """A cursor on a log, and the sink it feeds. `done` resolves when there is nothing more to
    read, or when the reader was detached."""

    def __init__(self, generation: Generation, sink: Sink, after: int, live: bool) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._generation = generation
        self._sink = sink
        self._cursor = after
        self._live = live
        self._full = False

    def restart(self) -> None:
        """Tell the sink to forget what it has, and begin at the first event."""
        self._cursor = 0
        self._full = not self._sink(RESET_FRAME)

    def resume(self) -> None:
        """The sink can take more."""
        self._full = False
        self.pump()

    def detach(self) -> None:
        """Leave. The producer does not notice."""
        self._generation.readers.discard(self)
        if not self.done.done():
            self.done.set_result(None)

    def pump(self) -> None:
        frames = self._generation.frames
        while not self._full and self._cursor < len(frames) and not self.done.done():
            size, end = 0, self._cursor
            while end < len(frames) and size < BATCH_BYTES:
                size += len(frames[end])
                end += 1
            batch, self._cursor = b"".join(frames[self._cursor : end]), end
            self._full = not self._sink(batch)
        at_the_end = self._cursor == len(frames)
        if at_the_end and (self._generation.ended or not self._live):
            self.detach()


class _Producer:
    """The running half of a generation: emits into its log, and ends it exactly once."""

    def __init__(self, generation: Generation, job: Job, changed: Callable[[], None]) -> None:
        self.generation = generation
        self.job = job
        self.answer = Answer()
        self.saved = 1  # frames handed to the store; the first is committed with the turn
        self.stopped_as: str | None = None  # the state that a cancellation means
        self.stop: dict[str, int] | None = None
        self.task: asyncio.Task[None] | None = None
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._changed = changed
        self._now = asyncio.get_running_loop().time
        self._began = self._now()
        self._stop_asked_at = 0.0
        self._producing = False
        self._finish = Finish()
        self._first_token_ms: int | None = None
        self._deltas = 0

    def emit(self, event: Delta | Notice | Finish) -> None:
        """What the provider calls for each piece; ignored once a stop was asked for."""
        if self.stopped_as:
            return
        if isinstance(event, Finish):
            self._finish = Finish(
                event.finish_reason or self._finish.finish_reason, event.usage or self._finish.usage
            )
            return
        if isinstance(event, Delta):
            self.answer.add(event)
            self._deltas += 1
            if self._first_token_ms is None:
                self._first_token_ms = self._ms()
        self.generation.publish(self.encode(event))
        self._changed()

    def encode(self, event: Delta | Notice | End) -> bytes:
        number = self.generation.last_number + 1
        return encode_event(number, event.name, {**event.to_json(), "t": self._ms()})

    async def produce(self) -> End:
        """Ask the provider; whatever happens, say how it ended. Never raises."""
        error: ProviderError | None = None
        state = "done"
        self._producing = True
        try:
            if not self.stopped_as:  # a stop may come before the task's first step
                await self.job.provider.generate(self.job.request, self.emit)
        except asyncio.CancelledError:
            self.stopped_as = self.stopped_as or "interrupted"
        except ProviderError as failure:
            error, state = failure, failure.state
        except Exception:
            logger.exception("generation %s failed", self.generation.id)
            error = ProviderError("server_error", "This server failed; its log says why.")
            state = "error"
        self._producing = False
        return self._end(self.stopped_as or state, None if self.stopped_as else error)

    def cancel(self, state: str) -> None:
        """End the answer now as `state`, in whatever phase it is. The first call counts."""
        if self.stopped_as or self.ended.done():
            return
        self.stopped_as = state
        self._stop_asked_at = self._now()
        if self._producing and self.task:
            self.task.cancel()

    def message(self, end: End) -> Message:
        return replace(
            self.generation.message,
            content=self.answer.content,
            reasoning=self.answer.reasoning,
            refusal=self.answer.refusal,
            tool_calls=self.answer.tool_calls,
            state=end.state,
            finish_reason=end.finish_reason,
            usage=end.usage,
            error=end.error.to_json() if end.error else None,
            timings=end.timings,
        )

    def _end(self, state: str, error: ProviderError | None) -> End:
        if state == "stopped":
            closed_ms = round((self._now() - self._stop_asked_at) * 1000)
            self.stop = {"upstream_closed_ms": closed_ms, "received_events": self._deltas}
        return End(
            state=state,
            finish_reason=self._finish.finish_reason,
            usage=self._finish.usage,
            error=error,
            stop=self.stop,
            saved=True,
            timings={"first_token_ms": self._first_token_ms, "total_ms": self._ms()},
        )

    def _ms(self) -> int:
        return round((self._now() - self._began) * 1000)


class Generations:
    """All answers: starts, finds, stops, keeps and drains them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._running: dict[str, _Producer] = {}
        self._busy: dict[str, str] = {}  # conversation → its running generation
        self._unsaved: set[_Producer] = set()
        self._flush_timer: asyncio.TimerHandle | None = None
        self._flush_task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """How many are running."""
        return len(self._running)

    async def start(self, job: Job) -> Generation:
        """Keep the turn, then begin to produce. Raises `Conflict` `conversation_busy`."""
        turn = job.turn
        conversation_id = turn.message.conversation_id
        if busy := self._busy.get(conversation_id):
            raise Conflict(
                "An answer is still being written in this conversation.",
                code="conversation_busy",
                generation_id=busy,
            )
        self._busy[conversation_id] = turn.generation_id
        try:
            await self._store.begin(turn)
        except BaseException:
            del self._busy[conversation_id]
            raise
        generation = Generation(turn.generation_id, turn.fingerprint, turn.message, [turn.frame])
        producer = _Producer(generation, job, lambda: self._has_changed(producer))
        self._running[generation.id] = producer
        producer.task = asyncio.create_task(self._run(producer), name=f"generation {generation.id}")
        return generation

    async def get(self, id: str) -> Generation | None:
        """The generation with this id, running or kept."""
        if producer := self._running.get(id):
            return producer.generation
        stored = await self._store.generation(id)
        # It may have begun while the store was looking.
        if producer := self._running.get(id):
            return producer.generation
        return Generation.restore(stored) if stored else None

    async def stop(self, id: str) -> None:
        """End a running answer as `stopped`; returns when its `end` was published."""
        if producer := self._running.get(id):
            producer.cancel("stopped")
            await asyncio.shield(producer.ended)

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
        after `seconds`."""
        for producer in tuple(self._running.values()):
            producer.cancel("interrupted")
        await self.drain(seconds)

    async def _run(self, producer: _Producer) -> None:
        for notice in producer.job.notices:
            producer.emit(notice)
        end = await producer.produce()
        generation = producer.generation
        generation.message = producer.message(end)
        frame = producer.encode(end)
        try:
            await self._save([producer], last=frame)
        except Exception:
            logger.exception("the end of generation %s was not saved", generation.id)
            frame = producer.encode(replace(end, saved=False))
        # `ended` before the frame: a reader that gets the last frame must find the log closed.
        generation.ended = True
        generation.publish(frame)
        del self._running[generation.id]
        del self._busy[generation.message.conversation_id]
        producer.ended.set_result(None)

    def _has_changed(self, producer: _Producer) -> None:
        self._unsaved.add(producer)
        if self._flush_timer is None:
            loop = asyncio.get_running_loop()
            self._flush_timer = loop.call_later(FLUSH_INTERVAL, self._flush)

    def _flush(self) -> None:
        self._flush_timer = None
        producers = list(self._unsaved)
        self._flush_task = asyncio.create_task(self._save(producers), name="flush")

    async def _save(self, producers: list[_Producer], last: bytes | None = None) -> None:
        """Hand the store what is new; `last` is the end of the only producer, not published yet."""
        batch = []
        for producer in producers:
            self._unsaved.discard(producer)
            frames = producer.generation.frames[producer.saved :]
            first, producer.saved = producer.saved + 1, producer.saved + len(frames)
            if last is not None:
                batch.append(
                    Progress(
                        producer.generation.id, first, [*frames, last], producer.generation.message
                    )
                )
            elif frames:
                batch.append(Progress(producer.generation.id, first, frames))
        if batch:
            await self._store.append(batch)
