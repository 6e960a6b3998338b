"""An answer in the form that a program asked for, beside the event log of the same answer.

The rule: a relay takes every event of an answer, in order, and fills its own log with bytes that
are ready to be sent: the frames of a stream, or, where the program wants the answer in one piece,
one frame that is the body of the response. It is in memory only. Everything runs on the IOLoop's
thread.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable

from tornado_stream.generations.event_log import FrameLog
from tornado_stream.values.events import Delta, End, Finish, Notice, RelayedChunks


class Relay(FrameLog, ABC):
    """The log of one answer for a program.

    `id` is the generation's. `streamed` says that the frames are those of a stream. `begun` says
    that a part of the answer came. `started` resolves when a response can be sent: for a stream
    when its first part came, else at the end. `failure` is the end of an answer that failed, if no
    part of it came or if it was wanted in one piece; a response whose head is not sent yet then
    gets an error status. (The last frames of a stream tell a failure too.) `refused` are the
    options that the model did not accept so far.
    """

    #: Whether it uses the upstream's own chunks, and the request goes out as it came.
    takes_chunks = True

    def __init__(self, id: str, *, streamed: bool) -> None:
        super().__init__([], ended=False)
        self.id = id
        self.streamed = streamed
        self.begun = False
        self.started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.failure: End | None = None
        self.refused: list[str] = []
        self.on_ended: Callable[[End], None] = lambda end: None  # called after the last frame

    @abstractmethod
    def take(self, event: Delta | Notice | Finish | RelayedChunks) -> None:
        """Take the next event. After `RelayedChunks` every `Delta` has the text of chunks that
        came before; a provider that emits none has only `Delta`s."""

    @abstractmethod
    def end(self, end: End) -> None:
        """Publish the last frame. Called exactly once, after the store has saved the end or
        refused it."""

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
