"""Passes the new events of answers to the store, and offers again what the store refused.

The rule: subscribers may be ahead of the store by one flush. Whatever the store does, an answer
continues, and its `end` says the truth about whether it is saved. Every answer settles its row of
the ledger, stored or not. Everything runs on the IOLoop's thread.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from tornado_stream.generations.ended_answers import EndedAnswers
from tornado_stream.generations.ledger import LedgerWriter
from tornado_stream.generations.producer import Job, Producer
from tornado_stream.store.base import Begun, Store, StoreError
from tornado_stream.values.events import End, Notice

logger = logging.getLogger(__name__)

#: Seconds between two flushes of new frames to the store, normally and while the store fails.
FLUSH_INTERVAL, RETRY_INTERVAL = 0.1, 1.0


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
        self._store = store
        self._spawn = spawn
        self._deleting: Counter[str] = Counter()  # conversation → deletions that are on their way
        self._to_save: set[Producer] = set()
        self._ledger = LedgerWriter(store)
        self._flush_timer: asyncio.TimerHandle | None = None
        self._flush_task: asyncio.Task[None] | None = None

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
        await self._save(list(self._to_save))
        await self._ledger.save()

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

    def _give_up(self, producer: Producer) -> None:
        """The conversation of this answer is gone: stop it, and save nothing more of it."""
        producer.gone = True
        producer.cancel("stopped")
        self.unsaved_ends.pop(producer.generation.id, None)
        self._to_save.discard(producer)

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
            gone = await self._store.append(batch) if batch else frozenset()
        except StoreError as error:
            logger.warning("new events are not saved: %s", error)
        except Exception:
            logger.exception("new events are not saved")
        else:
            for producer, count in counts.items():
                if producer.generation.id in gone:
                    self._give_up(producer)
                    continue
                producer.saved = max(producer.saved, count)
                if producer.generation.ended and producer.saved == len(producer.generation.frames):
                    self.unsaved_ends.pop(producer.generation.id, None)
                self._set_failing(producer, failing=False)
            return not gone
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
