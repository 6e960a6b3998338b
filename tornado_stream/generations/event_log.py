"""The event log of one answer, and those who read it.

The rule: a reader is a cursor on the log and a sink. It is handed the backlog, then each new
batch; a sink that is full falls back to its cursor and catches up later. So the log is the only
buffer, and nobody waits for a slow reader. Everything runs on the IOLoop's thread.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tornado_stream.values.events import encode_event, frame_data, frame_number

logger = logging.getLogger(__name__)

#: Bytes that a reader is handed at once while it catches up.
BATCH_BYTES = 64 * 1024
#: The number of the `end` of a log that a crash cut short: above all that readers can have seen.
RECOVERED_END = 1_000_000_000

RESET_FRAME = encode_event(0, "reset", {})

#: Takes encoded frames; False says: taken, but no more until the reader is resumed.
Sink = Callable[[bytes], bool]


@dataclass(eq=False, repr=False)
class EventLog:
    """Encoded frames in order, each once for all readers.

    Event number n is `frames[n - 1]`, but for the `end` of a log that a crash cut short, which
    is `RECOVERED_END`. When `ended`, the last frame is the `end` event and no frame follows it.
    """

    frames: list[bytes]
    ended: bool = field(kw_only=True)
    subscribers: tuple[Subscriber, ...] = field(default=(), init=False)

    @property
    def last_number(self) -> int:
        """The number of the last event."""
        return RECOVERED_END if self._recovered else len(self.frames)

    @property
    def end(self) -> dict[str, Any]:
        """The data of the `end` event; only where `ended`."""
        assert self.ended
        return frame_data(self.frames[-1])

    @property
    def _recovered(self) -> bool:
        return self.ended and frame_number(self.frames[-1]) == RECOVERED_END

    def attach(self, sink: Sink, after: int, *, live: bool = True) -> Subscriber:
        """Read every event with a number above `after`, then go on live unless told not to.

        The backlog is handed to `sink` before this returns; nothing can come in between. A reader
        ahead of the log gets `reset` and the whole log.
        """
        subscriber = Subscriber(self, sink, after, live)
        if after > len(self.frames) - self._recovered and after < RECOVERED_END:
            subscriber.restart()
        self.subscribers += (subscriber,)
        subscriber.pump()
        return subscriber

    def publish(self, frame: bytes, *, last: bool = False) -> None:
        """Append an encoded event and hand it to every reader that can take it."""
        frames = self.frames
        frames.append(frame)
        self.ended = last
        for subscriber in self.subscribers:  # as they were: readers leave in the midst of this
            try:
                if subscriber.full or last or subscriber.cursor != len(frames) - 1:
                    subscriber.pump()
                else:  # nearly always
                    subscriber.cursor += 1
                    if not subscriber.sink(frame):
                        subscriber.full = True
            except Exception:  # one reader's failure is not the answer's
                logger.exception("a reader failed")
                subscriber.detach()


class Subscriber:
    """A cursor on a log, and the sink it feeds: `cursor` is how many events it was handed, `full`
    says that it takes no more now. `done` resolves when there is nothing more to read, or when the
    reader was detached."""

    def __init__(self, log: EventLog, sink: Sink, after: int, live: bool) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._log = log
        self.sink = sink
        self.cursor = min(after, len(log.frames))
        self._live = live
        self.full = False

    def restart(self) -> None:
        """Tell the sink to forget what it has, and begin at the first event."""
        self.cursor = 0
        self.full = not self.sink(RESET_FRAME)

    def resume(self) -> None:
        """The sink can take more."""
        self.full = self.done.done()
        self.pump()

    def detach(self) -> None:
        """Leave. The producer does not notice."""
        if not self.done.done():
            self.done.set_result(None)
            self.full = True
            self._log.subscribers = tuple(r for r in self._log.subscribers if r is not self)

    def pump(self) -> None:
        """Hand over what the log holds beyond the cursor, as far as the sink takes it."""
        frames = self._log.frames
        while not self.full and self.cursor < len(frames):
            size, end = 0, self.cursor
            while end < len(frames) and size < BATCH_BYTES:
                size += len(frames[end])
                end += 1
            batch, self.cursor = b"".join(frames[self.cursor : end]), end
            self.full = not self.sink(batch) or self.done.done()
        if self.cursor == len(frames) and (self._log.ended or not self._live):
            self.detach()
