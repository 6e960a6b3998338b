"""Passes the new events of answers to the store, and offers again what the store refused.

The rule: subscribers may be ahead of the store by one flush. Whatever the store does, an answer
continues, and its `end` says the truth about whether it is saved. Every answer settles its row of
the ledger, stored or not. Everything runs on the IOLoop's thread.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from time import monotonic
from typing import Any

from tornado_stream.generations.ended_answers import EndedAnswers
from tornado_stream.generations.job import Job
from tornado_stream.generations.ledger import LedgerWriter
from tornado_stream.generations.producer import Producer
from tornado_stream.store.base import Appended, Begun, Fenced, Store, StoreError
from tornado_stream.store.tail_base import Gap
from tornado_stream.values.events import End, Notice

logger = logging.getLogger(__name__)

#: Seconds between two flushes of new frames to the store, normally and while the store fails.
FLUSH_INTERVAL, RETRY_INTERVAL = 0.1, 1.0
#: Seconds between two flushes of an answer that other instances have readers of, and for how long
#: it counts as one after they said so.
WATCHED_INTERVAL, WATCHED = 0.025, 3.0


class Saver:
    """Saves what producers publish. `spawn` creates the task of a flush.

    `unsaved_ends` are answers that have ended, and whose end the store has refused so far. `ended`
    has those that are not to be stored.
    """

    def __init__(
        self, store: Store, spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
    ) -> None:
        self.unsaved_ends: dict[str, Producer] = {}
        self.ended = EndedAnswers()
        #: Called with the id of an answer that another process was asked to stop.
        self.on_stop: Callable[[str], None] = lambda id: None
        self._store = store
        self._spawn = spawn
        self._deleting: Counter[str] = Counter()  # conversation → deletions that are on their way
        self._to_save: set[Producer] = set()
        self._ledger = LedgerWriter(store)
        self._flush_timer: asyncio.TimerHandle | None = None
        self._flush_task: asyncio.Task[None] | None = None
        #: The answers of this process, by their ids.
        self.running: Mapping[str, Producer] = {}
        self._watched: dict[str, float] = {}  # answer → until when others have readers of it
        self._watched_timer: asyncio.TimerHandle | None = None
        self._watched_task: asyncio.Task[None] | None = None
        if store.tails:
            store.hints.watched = self._watch

    @property
    def unsaved_frames(self) -> int:
        """How many frames the store does not have yet."""
        producers = self._maybe_unsaved()
        return sum((len(p.generation.frames) - p.saved) * p.job.persisted for p in producers)

    @property
    def failing(self) -> bool:
        """Whether the store has refused frames that it still does not have."""
        return any(producer.failing for producer in self._maybe_unsaved())

    def _maybe_unsaved(self) -> tuple[Producer, ...]:
        """The producers whose log may have frames that the store does not have."""
        return *self.running.values(), *self.unsaved_ends.values()

    def begin_spend(self, job: Job) -> None:
        """Begin the ledger's row of an answer of which nothing else is stored, with the next
        flush."""
        id, message = job.new_answer.generation_id, job.new_answer.message
        self._ledger.begin(Begun(job.owner, id, message.created_at, message.model))
        self._flush_in(FLUSH_INTERVAL)

    def save_soon(self, producer: Producer) -> None:
        """Save the producer's new frames with the next flush."""
        if producer.gone:
            return
        self._to_save.add(producer)
        if self._watched and not producer.failing and self._is_watched(producer):
            self._flush_watched_soon()
            return
        self._flush_in(RETRY_INTERVAL if producer.failing else FLUSH_INTERVAL)

    async def save_end(self, producer: Producer, end: End) -> bytes:
        """Save the end of an answer, and return its frame. The frame says whether it is saved."""
        frame = producer.encode_end(end)
        if not producer.job.persisted:
            self._ledger.settle(producer.spent())
            await self._ledger.save()
            if not producer.job.relay:
                self.ended.add(producer.generation)
            return frame
        conversation_id = producer.generation.message.conversation_id
        saved = not self._deleting[conversation_id] and await self._save([producer], last=frame)
        if saved and not self._deleting[conversation_id]:
            return frame
        if producer.fenced:
            return frame  # nobody gets it
        if not producer.gone:
            self.unsaved_ends[producer.generation.id] = producer
            self.save_soon(producer)
        else:
            self._ledger.settle(producer.spent())
        return producer.encode_end(replace(end, saved=False))

    async def save_rest(self) -> None:
        """Offer everything to the store once more, because the process is about to end."""
        if self._flush_timer:
            self._flush_timer.cancel()
        await self._save_changed()

    @contextmanager
    def deleting(self, conversation_id: str) -> Iterator[None]:
        """No answer of this conversation that ends within the block says that it is saved. If the
        block raises, the store gets it later; otherwise it is forgotten."""
        self._deleting[conversation_id] += 1
        try:
            yield
            for producer in tuple(self.unsaved_ends.values()):
                if producer.generation.message.conversation_id == conversation_id:
                    self._give_up(producer)
                    self._ledger.settle(producer.spent())
                    self._flush_in(FLUSH_INTERVAL)
        finally:
            self._deleting[conversation_id] -= 1
            if not self._deleting[conversation_id]:
                del self._deleting[conversation_id]

    def _give_up(self, producer: Producer, state: str = "stopped") -> None:
        """The conversation of this answer is gone: stop it, and save nothing more of it."""
        producer.gone = True
        producer.cancel(state)
        self.unsaved_ends.pop(producer.generation.id, None)
        self._to_save.discard(producer)

    def abandon(self) -> None:
        """Others have taken this process for dead, and end its answers: it writes them no more."""
        for producer in self._maybe_unsaved():
            if producer.job.persisted:
                producer.fenced = True
                self._give_up(producer, "interrupted")

    def _watch(self, ids: Collection[str]) -> None:
        until = monotonic() + WATCHED
        self._watched = {id: at for id, at in self._watched.items() if at > until - WATCHED}
        self._watched |= {id: until for id in ids if id in self.running}

    def _is_watched(self, producer: Producer) -> bool:
        return self._watched.get(producer.generation.id, 0.0) > monotonic()

    def _flush_watched_soon(self) -> None:
        if self._watched_timer is None:
            loop = asyncio.get_running_loop()
            self._watched_timer = loop.call_later(WATCHED_INTERVAL, self._flush_watched)

    def _flush_watched(self) -> None:
        self._watched_timer = None
        if producers := [p for p in self._to_save if p.generation.id in self._watched]:
            self._to_save.difference_update(producers)
            self._watched_task = self._spawn(self._save_some(producers))

    async def _save_some(self, producers: list[Producer]) -> None:
        await self._save(producers)

    def _flush_in(self, seconds: float) -> None:
        if self._flush_timer is None:
            self._flush_timer = asyncio.get_running_loop().call_later(seconds, self._flush)

    def _flush(self) -> None:
        if self._flush_task and not self._flush_task.done():
            # The disk is slow. The next flush follows the present one without a timer.
            self._flush_task.add_done_callback(lambda _: self._flush())
            return
        self._flush_timer = None
        self._flush_task = self._spawn(self._save_changed())

    async def _save_changed(self) -> None:
        # The set is read here, when the task runs: an answer that has ended since `_flush` was
        # saved together with its end and is no longer in the set.
        await self._save(list(self._to_save))
        await self._ledger.save()

    async def _save(self, producers: list[Producer], last: bytes | None = None) -> bool:
        """Pass new frames to the store; returns whether the store has saved all of them. `last` is
        the `end` of the only producer, which is not published yet. Never raises."""
        batch = [producer.progress(last) for producer in producers]
        self._to_save.difference_update(producers)
        for producer in producers:
            producer.unsaved = False
        counts = {p: len(p.generation.frames) for p in producers}
        try:
            found = await self._store.append(batch) if batch else Appended()
        except Fenced:
            self.abandon()
            return False
        except StoreError as error:
            logger.warning("new events are not saved: %s", error)
        except Gap as gap:
            logger.warning("the database has lost its last commits: %s; they are saved again", gap)
            for producer in producers:
                producer.saved = gap.ends.get(producer.generation.id, producer.saved)
        except Exception:
            logger.exception("new events are not saved")
        else:
            for producer, count in counts.items():
                if producer.generation.id in found.gone:
                    self._give_up(producer)
                    continue
                producer.saved = max(producer.saved, count)
                if producer.generation.ended and producer.saved == len(producer.generation.frames):
                    self.unsaved_ends.pop(producer.generation.id, None)
                self._set_failing(producer, failing=False)
            for id in found.asked_to_stop:
                self.on_stop(id)
            return not found.gone
        for producer in producers:
            self._set_failing(producer, failing=True)
            self.save_soon(producer)
        return False

    def _set_failing(self, producer: Producer, *, failing: bool) -> None:
        """Tell the subscribers of a running answer when saving begins to fail, and when it works
        again. The `end` of an answer says by itself whether it was saved."""
        if producer.failing == failing:
            return
        producer.failing = failing
        if not (producer.ending or producer.stopped_as):
            producer.publish(Notice("not_saved" if failing else "saved"))
