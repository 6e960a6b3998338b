"""The part of a store's contract that lets any instance serve the readers of any answer.

The rule: the log in the store is the truth. What an instance hears from others (`Hints`) only makes
it look sooner, and may be lost.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tornado_stream.values.errors import TooMany
from tornado_stream.values.messages import LOCAL_OWNER, Message
from tornado_stream.values.tries import TryLimit

#: Seconds after which a client may try again.
RETRY_AFTER = 5


class NoPlace(TooMany):
    """A user has as many running answers as one may have: `count`."""

    code = "too_many_answers"

    def __init__(self, count: int) -> None:
        super().__init__(
            f"The server is writing {count} answers for you, which is the most at a time. Wait "
            "until one has ended, or stop one.",
            retry_after=RETRY_AFTER,
        )


class Gap(ValueError):
    """Logs are shorter than they were: the server's place was taken by a standby that did not have
    the last commits. `ends` has the number of the last frame of each. Nothing was appended."""

    def __init__(self, ends: Mapping[str, int]) -> None:
        super().__init__(f"{len(ends)} logs have lost their last events")
        self.ends = ends


@dataclass(frozen=True, slots=True)
class StoredGeneration:
    """A log as the store has it. `message` is the answer as it was last written; `instance` names
    the process that writes the answer, or wrote it."""

    id: str
    fingerprint: bytes
    message: Message
    frames: list[bytes]
    owner: str = LOCAL_OWNER
    instance: str = ""


@dataclass(frozen=True, slots=True)
class Tail:
    """What the store has of a log beyond a reader's cursor, without a gap. `running` is False once
    the answer has ended; then its whole log is to be read. `gone`: it was deleted."""

    generation_id: str
    frames: list[bytes]
    running: bool
    gone: bool


def _nothing(ids: Collection[str] = ()) -> None:
    pass


@dataclass(slots=True)
class Hints:
    """Who wants to know what other instances say. `stop`: an answer of this instance is to be
    stopped. `logs`: these logs have grown or ended. `watched`: others have readers of these answers
    of this instance. `sessions`: sessions have begun or ended; what it is given is awaited when
    they have been read. `file`: a file has changed of which each instance has a copy. All are
    called on the loop's thread.
    """

    stop: Callable[[], None] = field(default=_nothing)
    file: Callable[[], None] = field(default=_nothing)
    logs: Callable[[Collection[str]], None] = field(default=_nothing)
    watched: Callable[[Collection[str]], None] = field(default=_nothing)
    sessions: Callable[[Callable[[], Awaitable[None]]], None] = field(default=lambda read: None)


class TailStore:
    """A store whose instances cannot `tail` hand a client to the instance that has its answer."""

    #: Seconds between two looks at the other instances.
    interval = 0.15
    #: Whether `tail` works.
    tails = False
    hints: Hints

    async def renew(self) -> None:
        """Say that this instance lives; call it every `interval`. It does not wait for anything
        else that this instance asks of the store. Never raises."""

    async def tail(self, cursors: Mapping[str, int]) -> list[Tail]:
        """What has come to these logs behind their first frames, as many as each cursor says: one
        look for all of them, whoever owns them."""
        raise NotImplementedError

    async def running_here(self) -> dict[str, str]:
        """The answers that this instance runs, as the store has it: the owner of each id."""
        raise NotImplementedError

    async def generations(self, owners: Mapping[str, str]) -> list[StoredGeneration]:
        """The whole logs of these answers; `owners` has the owner of each id."""
        raise NotImplementedError

    async def answering(self) -> int:
        """How many answers of the owner all instances are writing. One that is not stored counts
        once its row of the ledger has begun."""
        raise NotImplementedError

    async def count_try(self, limits: Mapping[bytes, TryLimit]) -> dict[bytes, tuple[int, float]]:
        """Count a try under all of these keys, unless some of them have to wait: returns the counts
        of those, and the seconds until the next try. Then nothing is counted."""
        raise NotImplementedError

    async def forget_tries(self, keys: Sequence[bytes]) -> None:
        """Reset the counts of these keys."""
        raise NotImplementedError

    async def tell_sessions(self) -> None:
        """Tell the other instances that sessions have begun or ended, and wait until they have
        read them, for some seconds at most."""
        raise NotImplementedError

    async def watch(self, ids: Collection[str]) -> None:
        """Tell other instances that this one has readers of these answers. It holds for some
        seconds."""
        raise NotImplementedError
