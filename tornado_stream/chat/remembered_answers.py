"""Answers that may be asked for again, so that a request that is sent twice makes one answer.

The rule: an answer is remembered while it runs and for ten minutes after. What cannot have been
processed is not remembered, so that asking again asks again. Everything is bounded: the answers
that ended first are forgotten first, and a running one never is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tornado_stream.generations.relay import Relay
from tornado_stream.values.errors import ChatError, Conflict
from tornado_stream.values.events import End

#: Seconds for which an ended answer is remembered.
LASTS = 600.0
#: How many ended answers are remembered, and how many bytes they have together.
MAX_ANSWERS, MAX_BYTES = 1000, 64 * 1024 * 1024

Name = tuple[str, ...]


@dataclass(eq=False, slots=True)
class _Entry:
    name: Name
    fingerprint: bytes
    started: asyncio.Future[Relay]
    size: int = 0
    timer: asyncio.TimerHandle | None = field(default=None)


class RememberedAnswers:
    """The answers by their names. Everything runs on the IOLoop's thread."""

    def __init__(self) -> None:
        self._entries: dict[Name, _Entry] = {}
        self._ended: dict[_Entry, None] = {}  # in the order in which they ended
        self._bytes = 0

    def find(self, name: Name | None, fingerprint: bytes) -> asyncio.Future[Relay] | None:
        """The answer with this name. Await it: it raises what the start of the answer raises.

        Raises `Conflict` `idempotency_key_reused` where the answer is to another request.
        """
        entry = self._entries.get(name) if name else None
        if entry is None:
            return None
        if entry.fingerprint != fingerprint:
            raise Conflict(
                "This Idempotency-Key was used for another request: its body or its route was "
                "another. Make a new one.",
                code="idempotency_key_reused",
            )
        return asyncio.shield(entry.started)

    def has(self, name: Name) -> bool:
        """Whether there is an answer with this name."""
        return name in self._entries

    @contextmanager
    def remembering(self, name: Name | None, fingerprint: bytes, relay: Relay) -> Iterator[None]:
        """Remember the answer that the block starts, unless the block raises."""
        if name is None:
            yield
            return
        started = asyncio.get_running_loop().create_future()
        entry = self._entries[name] = _Entry(name, fingerprint, started)
        relay.on_ended = lambda end: self._answer_ended(entry, relay, end)
        try:
            yield
        except BaseException as error:
            self._forget(entry)
            if isinstance(error, ChatError):
                started.set_exception(error)
                started.exception()  # mark as retrieved: nobody may be waiting
            else:
                started.cancel()
            raise
        if not started.done():
            started.set_result(relay)

    def _answer_ended(self, entry: _Entry, relay: Relay, end: End) -> None:
        if end.error and end.error.unprocessed:
            self._forget(entry)
            return
        entry.size = sum(map(len, relay.frames))
        self._bytes += entry.size
        self._ended[entry] = None
        entry.timer = asyncio.get_running_loop().call_later(LASTS, self._forget, entry)
        while len(self._ended) > MAX_ANSWERS or self._bytes > MAX_BYTES:
            self._forget(next(iter(self._ended)))

    def _forget(self, entry: _Entry) -> None:
        if self._entries.get(entry.name) is entry:
            del self._entries[entry.name]
        if entry in self._ended:
            del self._ended[entry]
            self._bytes -= entry.size
        if entry.timer:
            entry.timer.cancel()
