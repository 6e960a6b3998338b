"""An answer in the form that a program asked for, beside the event log of the same answer.

The rule: a relay takes every event of an answer, in order, and fills its own log with bytes that
are ready to be sent: the frames of a stream, or, where the program wants the answer in one piece,
one frame that is the body of the response. It is in memory only. Everything runs on the IOLoop's
thread.
"""

from __future__ import annotations

import asyncio
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable

from tornado_stream.generations.event_log import BATCH_BYTES, FrameLog
from tornado_stream.values.events import Delta, End, Finish, Notice, RelayedChunks

#: Bytes of frames that a relay holds as they are.
HELD_BYTES = 512 * 1024
#: Bytes of frames that are data of a picture, which compressing would not make smaller.
LARGE_FRAME = 32 * 1024


class Relay(FrameLog, ABC):
    """The log of one answer for a program.

    `id` is the generation's. `streamed` says that the frames are those of a stream. `begun` says
    that a part of the answer came. `started` resolves when a response can be sent: for a stream
    when its first part came, else at the end. `failure` is the end of an answer that failed, if no
    part of it came or if it was wanted in one piece; a response whose head is not sent yet then
    gets an error status. (The last frames of a stream tell a failure too.) `refused` are the
    options that the model did not accept so far.

    The frames of an answer can take many times as much memory as the chunks of the upstream. So of
    a long answer, those that its only reader has taken are forgotten, and the rest is compressed.
    An answer that can be read again (`once` is False) loses none.
    """

    #: Whether it uses the upstream's own chunks, and the request goes out as it came.
    takes_chunks = True

    def __init__(self, id: str, *, streamed: bool, once: bool = False) -> None:
        super().__init__([], ended=False)
        self.id = id
        self.streamed = streamed
        self.held = 0  # bytes of the frames that are not compressed
        self._once = once
        self._packed = 0  # so many of the frames, the first, are compressed batches
        self.begun = False
        self.started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.failure: End | None = None
        self.refused: list[str] = []
        self.on_ended: Callable[[End], None] = lambda end: None  # called after the last frame

    @abstractmethod
    def take(self, event: Delta | Notice | Finish | RelayedChunks) -> None:
        """Take the next event. After `RelayedChunks` every `Delta` has the text of chunks that
        came before; a provider that emits none has only `Delta`s."""

    def take_text(self, text: str, data: bytes) -> None:
        """Take the text of usual chunks: `data` are the events of the upstream (see `TextEmit`).
        The same as those chunks and `Delta(text)`, as far as it takes chunks."""
        if self.takes_chunks:
            self.take(RelayedChunks([event[6:] for event in data.split(b"\n\n")[:-1]]))
        self.take(Delta(text))

    @abstractmethod
    def end(self, end: End) -> None:
        """Publish the last frame. Called exactly once, after the store has saved the end or
        refused it."""

    def add(self, frame: bytes) -> None:
        """Publish a frame that is not the last one."""
        self.publish(frame)
        self.held += len(frame)
        if self.held > HELD_BYTES:
            self.pack()

    def pack(self) -> None:
        """Forget or compress the frames that are there. Call it when `held` is above the limit."""
        if self._once and self.subscribers:
            self._forget(min(subscriber.cursor for subscriber in self.subscribers))
        if self.held > HELD_BYTES // 2:
            self._compress()

    def batch(self, start: int) -> tuple[bytes, int]:
        if start < self._packed:
            return zlib.decompress(self.frames[start]), start + 1
        return super().batch(start)

    def _forget(self, count: int) -> None:
        """Forget this many frames, the first, which every reader has taken."""
        self.held -= sum(map(len, self.frames[self._packed : count]))
        del self.frames[:count]
        self._packed = max(0, self._packed - count)
        for subscriber in self.subscribers:
            subscriber.cursor -= count

    def _compress(self) -> None:
        """Make compressed batches of the frames. A batch ends where a reader's cursor is."""
        frames, start = self.frames, self._packed
        cursors = {subscriber.cursor for subscriber in self.subscribers}
        batches: list[bytes] = []
        moved = {start: start}
        while start < len(frames):
            end, size = start, 0
            while end < len(frames) and size < BATCH_BYTES and (end == start or end not in cursors):
                size += len(frames[end])
                end += 1
            level = 0 if size > LARGE_FRAME * (end - start) else 1
            batches.append(zlib.compress(b"".join(frames[start:end]), level))
            start, moved[end] = end, self._packed + len(batches)
        frames[self._packed :] = batches
        for subscriber in self.subscribers:
            subscriber.cursor = moved.get(subscriber.cursor, subscriber.cursor)
        self._packed, self.held = len(frames), 0

    def begin(self, *, ended: bool = False) -> None:
        """Remember that a part of the answer came; with `ended`, that nothing more comes."""
        self.begun = self.begun or not ended
        if (self.streamed or ended) and not self.started.done():
            self.started.set_result(None)

    def note(self, event: Notice) -> None:
        """Remember an option that was refused."""
        if event.code == "option_refused" and event.details["option"] not in self.refused:
            self.refused.append(event.details["option"])

    def warnings(self) -> list[str]:
        """What the program is told of the options that were left out."""
        return [f"The model does not accept {name}; it was left out." for name in self.refused]
