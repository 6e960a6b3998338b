"""The event log of one answer, and its subscribers.

The rule: a subscriber is a cursor on the log and a sink. The log passes it the backlog, then each
new frame. A subscriber whose sink is full stays at its cursor and catches up later. So the log is
the only buffer, and a slow subscriber delays nothing. Everything runs on the IOLoop's thread.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tornado_stream.values.events import encode_event, frame_data, frame_number

logger = logging.getLogger(__name__)

#: Bytes, about, that a subscriber gets in one call of its sink while it catches up.
BATCH_BYTES = 64 * 1024
#: The number of the `end` of a log that a crash cut short. A subscriber may have seen events that
#: were not saved; this number is above all of them.
RECOVERED_END = 1_000_000_000

RESET_FRAME = encode_event(0, "reset", {})

#: Takes encoded frames. False means that it took them, but takes no more until `resume`.
Sink = Callable[[bytes], bool]


@dataclass(eq=False, repr=False, slots=True)
class FrameLog:
    """Frames in order, whatever they encode; all subscribers share them. When `ended`, no frame
    follows."""

    frames: list[bytes]
    ended: bool = field(kw_only=True)
    subscribers: tuple[Subscriber, ...] = field(default_factory=tuple, init=False)

    def attach(self, sink: Sink, after: int, *, live: bool = True) -> Subscriber:
        """Subscribe to the frames behind the first `after`; without `live`, only to those that are
        there now. The backlog is passed to `sink` before this returns, so no frame is missed."""
        subscriber = Subscriber(self, sink, after, live)
        self.subscribers += (subscriber,)
        subscriber.pump()
        return subscriber

    def batch(self, start: int) -> tuple[bytes, int]:
        """About `BATCH_BYTES` of the frames from this one on, and the number of frames up to their
        end."""
        frames = self.frames
        size, end = 0, start
        while end < len(frames) and size < BATCH_BYTES:
            size += len(frames[end])
            end += 1
        return b"".join(frames[start:end]), end

    def break_off(self) -> None:
        """Let all subscribers go, although the log has not ended."""
        for subscriber in self.subscribers:
            subscriber.detach()

    def publish(self, frame: bytes, *, last: bool = False) -> None:
        """Append a frame and pass it to every subscriber whose sink is not full."""
        frames = self.frames
        frames.append(frame)
        self.ended = last
        for subscriber in self.subscribers:  # a tuple: a subscriber may detach meanwhile
            try:
                if subscriber.full or last or subscriber.cursor != len(frames) - 1:
                    subscriber.pump()
                else:  # the usual case
                    subscriber.cursor += 1
                    if not subscriber.sink(frame):
                        subscriber.full = True
            except Exception as error:  # the answer and the other subscribers continue
                self.drop(subscriber, error)

    def drop(self, subscriber: Subscriber, error: Exception) -> None:
        """Detach a subscriber whose sink has failed."""
        logger.error("a subscriber failed", exc_info=error)
        subscriber.detach()


@dataclass(eq=False, repr=False)
class EventLog(FrameLog):
    """Encoded events in order.

    Event number n is `frames[n - 1]`, except the `end` of a log that a crash cut short, whose
    number is `RECOVERED_END`. When `ended`, the last frame is the `end` event.
    """

    @property
    def last_number(self) -> int:
        """The number of the last event."""
        return RECOVERED_END if self._recovered else len(self.frames)

    @property
    def end(self) -> dict[str, Any]:
        """The data of the `end` event, for a log that has `ended`."""
        assert self.ended
        return frame_data(self.frames[-1])

    @property
    def _recovered(self) -> bool:
        return self.ended and frame_number(self.frames[-1]) == RECOVERED_END

    def attach(self, sink: Sink, after: int, *, live: bool = True) -> Subscriber:
        """Subscribe to the events with a number above `after`; without `live`, only to those that
        are there now.

        The backlog is passed to `sink` before this returns, so no event is missed. A subscriber
        that is ahead of the log gets `reset` and the whole log.
        """
        subscriber = Subscriber(self, sink, after, live)
        if after > len(self.frames) - self._recovered and after < RECOVERED_END:
            subscriber.restart()
        self.subscribers += (subscriber,)
        subscriber.pump()
        return subscriber


class Subscriber:
    """A cursor on a log, and its sink. `cursor` is how many events the sink has taken, `full` says
    that it takes no more now. `done` resolves when there is nothing more to read, or when the
    subscriber is detached."""

    __slots__ = ("done", "_log", "sink", "cursor", "_live", "full", "__weakref__")

    def __init__(self, log: FrameLog, sink: Sink, after: int, live: bool) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._log = log
        self.sink = sink
        self.cursor = min(after, len(log.frames))
        self._live = live
        self.full = False

    def restart(self) -> None:
        """Send `reset`, and begin again at the first event."""
        self.cursor = 0
        self.full = not self.sink(RESET_FRAME)

    def resume(self) -> None:
        """Continue, because the sink can take more."""
        self.full = self.done.done()
        self.pump()

    def detach(self) -> None:
        """Stop reading. The producer is not affected."""
        if not self.done.done():
            self.done.set_result(None)
            self.full = True
            self._log.subscribers = tuple(r for r in self._log.subscribers if r is not self)

    def pump(self) -> None:
        """Pass on the frames beyond the cursor, until the sink is full."""
        frames = self._log.frames
        while not self.full and self.cursor < len(frames):
            batch, self.cursor = self._log.batch(self.cursor)
            self.full = not self.sink(batch) or self.done.done()
        if self.cursor == len(frames) and (self._log.ended or not self._live):
            self.detach()
