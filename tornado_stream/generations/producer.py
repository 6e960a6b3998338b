"""The producer of an answer: it encodes the events of a provider into a log.

The rule: the producer appends and never waits. Whatever happens, it ends its log exactly once, in
one of the five states of docs/events.md. Everything runs on the IOLoop's thread.
"""

from __future__ import annotations

import asyncio
import logging
from array import array
from collections.abc import Callable
from dataclasses import replace
from time import monotonic
from typing import Any

import orjson

from tornado_stream.generations.answered import answered, with_answer
from tornado_stream.generations.generation import Generation
from tornado_stream.generations.job import Job
from tornado_stream.generations.pictures import AnswerPictures, KeepPicture
from tornado_stream.providers.base import Emitted, TextEmit
from tornado_stream.store.base import Progress
from tornado_stream.values.calls import ended, undecided
from tornado_stream.values.content import text_length
from tornado_stream.values.costs import cost_of, estimated_tokens
from tornado_stream.values.errors import ProviderError
from tornado_stream.values.events import (
    TEXT_FRAME,
    AnswerText,
    Delta,
    End,
    Finish,
    Notice,
    RelayedChunks,
    Step,
    Tool,
)
from tornado_stream.values.messages import Message
from tornado_stream.values.pictures import SentPicture

logger = logging.getLogger(__name__)


class Producer(TextEmit):
    """Fills the log of one generation. `on_unsaved` is called when the log has frames that should
    be saved."""

    __slots__ = (
        *("generation", "job", "saved", "unsaved", "gone", "failing", "ending", "stopped_as"),
        *("task", "ended", "began", "times", "_on_unsaved", "_stop_asked_at", "_producing"),
        *("_answer", "_add_text", "_relay", "_finish", "fenced", "keep_picture", "_pictures"),
        *("__weakref__",),
    )

    def __init__(
        self, generation: Generation, job: Job, on_unsaved: Callable[[Producer], None]
    ) -> None:
        loop = asyncio.get_running_loop()
        self.generation = generation
        self.job = job
        self.saved = 1  # frames that the store has; it saved the first with the question
        self.unsaved = False  # there are frames that were not passed to the store yet
        self.gone = False  # the store does not have its conversation any more
        self.failing = False  # subscribers were told that new events are not saved
        self.fenced = False  # others end the answer
        self.ending = False  # the `end` has its number: no event may be published before it
        self.stopped_as: str | None = None  # the state to end in, once a stop was asked for
        self.task: asyncio.Task[None] | None = None
        self.ended: asyncio.Future[None] = loop.create_future()
        self.began = monotonic()
        self.times = array("d")  # when each delta arrived, on the same clock
        self._on_unsaved = on_unsaved
        self._stop_asked_at = 0.0
        self._producing = False
        self._answer = AnswerText()
        self._add_text = self._answer.add_text
        self._relay = job.relay
        self._finish = Finish()
        self.keep_picture: KeepPicture | None = None  # None: nobody keeps any
        self._pictures: AnswerPictures | None = None

    def publish_first_events(self) -> None:
        """Publish the job's own events, before the provider is asked."""
        for event in self.job.first_events:
            if isinstance(event, Delta):
                self._answer.add(event)
            elif isinstance(event, Tool):
                self._answer.add_call(event.call.to_part())
            self.publish(event)

    def text(self, text: str, data: bytes) -> None:
        if self.stopped_as:
            return
        if relay := self._relay:
            relay.take_text(text, data)
            if not relay.begun:
                relay.begin()
        now = monotonic()
        self.times.append(now)
        self._add_text(text)
        if relay and not self.job.persisted:
            return
        log = self.generation
        t = int((now - self.began) * 1000)
        log.publish(TEXT_FRAME % (len(log.frames) + 1, orjson.dumps(text), t))
        if not self.unsaved:
            self._note_unsaved()

    def __call__(self, event: Emitted) -> None:
        """Take an event of the provider; events after a stop are ignored."""
        if self.stopped_as:
            return
        if isinstance(event, SentPicture):
            self._take_picture(event)
            return
        relay = self.job.relay
        if relay is not None and not isinstance(event, (Tool, Step)):
            relay.take(event)
            if isinstance(event, RelayedChunks):
                return
            if isinstance(event, Delta):
                if not relay.begun:
                    relay.begin()
                if not self.job.persisted:  # nobody reads the events, so they are not encoded
                    self._note(event)
                    return
        assert not isinstance(event, RelayedChunks)
        if isinstance(event, Finish):
            self._finish = self._finish.then(event)
            return
        if isinstance(event, Delta):
            self._note(event)
        elif isinstance(event, Tool):
            self._answer.add_call(event.call.to_part())
        elif isinstance(event, Step):
            self._answer.add_step(event)
        self.publish(event)

    def _take_picture(self, picture: SentPicture) -> None:
        """Keep a picture. Programs have it already, as the upstream sent it."""
        if keep := self.keep_picture:
            job, message = self.job, self.generation.message
            self._pictures = self._pictures or AnswerPictures(
                lambda one: keep(job.owner, one, message, job.persisted), self
            )
            self._pictures.add(picture)

    def _note(self, delta: Delta) -> None:
        self.times.append(monotonic())
        self._answer.add(delta)

    def publish(self, event: Delta | Notice | Tool | Step) -> None:
        """Append an event to the log."""
        log = self.generation
        t = int((monotonic() - self.began) * 1000)
        log.publish(event.encode(len(log.frames) + 1, t))
        if not self.unsaved:
            self._note_unsaved()

    def _note_unsaved(self) -> None:
        self.unsaved = True
        if self.job.persisted:
            self._on_unsaved(self)

    def encode_end(self, end: End) -> bytes:
        """The frame of the `end` event; its number is the next one."""
        return end.encode(len(self.generation.frames) + 1, self._ms())

    def end_relay(self, end: End) -> None:
        """End the relay's log, whatever happens: responses wait for it. Never raises."""
        relay = self.job.relay
        if relay is None:
            return
        try:
            relay.end(end)
        except Exception:
            logger.exception("the relay of generation %s failed", self.generation.id)
        if not relay.ended:
            relay.failure = relay.failure or end
            relay.publish(b": failed\n\n", last=True)
        relay.begin(ended=True)
        relay.on_ended(end)

    async def produce(self) -> End:
        """Ask the provider, and return how the answer ended. Never raises."""
        error: ProviderError | None = None
        state = "done"
        self._producing = True
        try:
            if not self.stopped_as:  # a stop may come before this task first runs
                await self._ask()
        except asyncio.CancelledError:
            self.stopped_as = self.stopped_as or "interrupted"
            if self._pictures:
                self._pictures.cancel()
        except ProviderError as failure:
            # The traceback refers to this frame, which refers to the error. Without the cycle
            # the answer is freed without the garbage collector.
            error, state = failure.with_traceback(None), failure.state
        except Exception:
            logger.exception("generation %s failed", self.generation.id)
            error = ProviderError("server_error", "This server failed; its log says why.")
            state = "error"
        self._producing = False
        return self._end(self.stopped_as or state, None if self.stopped_as else error)

    async def _ask(self) -> None:
        """Ask the provider, and wait for the pictures that have come. Raises `ProviderError`."""
        try:
            await self.job.provider.generate(self.job.request, self)
        finally:
            if self._pictures and not self.stopped_as:
                await self._pictures.settled()

    def cancel(self, state: str) -> None:
        """End the answer now as `state`, in any phase. Only the first call has an effect."""
        if self.stopped_as or self.ended.done():
            return
        self.stopped_as = state
        self._stop_asked_at = monotonic()
        if self._producing and self.task:
            self.task.cancel()

    def snapshot(self) -> Message:
        """The message with its text so far."""
        return with_answer(self.generation.message, self._answer)

    def finished_message(self, end: End) -> Message:
        """The message as the store saves it with the `end`."""
        message = self.generation.message
        return replace(
            message,
            **answered(self._answer) | {"parts": self._ended_parts()},
            model=message.model or end.model,
            state=end.state,
            finish_reason=end.finish_reason,
            usage=end.usage,
            error=end.error.to_json() if end.error else None,
            timings=end.timings,
            upstream=end.upstream,
            cost=end.cost,
        )

    def progress(self, last: bytes | None = None) -> Progress:
        """The frames that the store does not have; at the end the whole log and the message. `last`
        is an `end` that is not published yet."""
        log = self.generation
        if last is None and not log.ended:
            return Progress(log.id, self.saved + 1, log.frames[self.saved :], owner=log.owner)
        frames = log.frames if last is None else [*log.frames, last]
        return Progress(log.id, 1, frames, log.message, log.owner, self._estimate())

    def spent(self) -> Progress:
        """What the ledger gets of an answer that is not stored: no frame and no text."""
        log = self.generation
        message = replace(with_answer(log.message, AnswerText()), error=None, sent=None)
        return Progress(log.id, 1, [], message, log.owner, self._estimate())

    def _end(self, state: str, error: ProviderError | None) -> End:
        stop = None
        if state == "stopped":
            closed_ms = round((monotonic() - self._stop_asked_at) * 1000)
            stop = {"upstream_closed_ms": closed_ms, "received_events": len(self.times)}
        first = int((self.times[0] - self.began) * 1000) if self.times else None
        return End(
            state=state,
            finish_reason=self._finish.finish_reason,
            usage=self._finish.usage,
            error=error,
            stop=stop,
            saved=self.job.persisted,  # the saver says otherwise if the store refuses it
            timings={"first_token_ms": first, "total_ms": self._ms()},
            upstream=self._finish.upstream,
            cost=self._cost(),
            model=None if self.generation.message.model else self._finish.model,
            waiting=undecided(parts) if (parts := self._ended_parts()) else [],
        )

    def _ended_parts(self) -> list[dict[str, Any]]:
        parts = self._answer.parts
        return ended(parts) if parts else []

    def _cost(self) -> dict[str, Any] | None:
        if not self.times and not self._finish.usage:
            return None  # an upstream that sent nothing is assumed to charge nothing
        if self._finish.cost:
            return self._finish.cost
        return cost_of(self._finish.usage, self._finish.price, *self._lengths())

    def _estimate(self) -> tuple[int, int] | None:
        """The tokens of prompt and answer, where the upstream sent an answer without numbers."""
        usage = self._finish.usage or {}
        if not self.times or {"prompt_tokens", "completion_tokens"} <= usage.keys():
            return None
        prompt, answer = self._lengths()
        return estimated_tokens(prompt), estimated_tokens(answer)

    def _lengths(self) -> tuple[int, int]:
        """The characters of the prompt and of the answer."""
        return sum(map(text_length, self.job.request.messages)), self._answer.length

    def _ms(self) -> int:
        return int((monotonic() - self.began) * 1000)
