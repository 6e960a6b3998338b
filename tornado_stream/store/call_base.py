"""The part of the contract of a store that is about calls of tools under way.

The rule: a call whose row says `running` may have run. So nothing sends a call before its row is on
the disk, and nothing sends it again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tornado_stream.values.calls import Call


@dataclass(frozen=True, slots=True)
class Decided:
    """What a person has decided of all undecided calls of an answer, by their ids."""

    message_id: str
    decisions: dict[str, str]


class CallStore(ABC):
    """See `Store`. A row is there until the answer has ended: then its message has the call."""

    @abstractmethod
    async def begin_call(self, generation_id: str, call: Call) -> None:
        """Store a call that is about to be sent. When this returns, the disk has it, whatever the
        setting `synchronous` says.

        Raises `NotFound` if the answer does not run (any more) or another instance writes it, and
        `AlreadyStored` if it has a call with this id. Where it raises, the call must not be sent.
        """

    @abstractmethod
    async def end_call(self, generation_id: str, call: Call) -> None:
        """Store what has become of a call. Does nothing if its row is gone."""

    @abstractmethod
    async def undecided(self, message_ids: Sequence[str]) -> frozenset[str]:
        """Which of these messages have calls that a person has to decide; at most 500."""

    @abstractmethod
    async def calls(self, generation_ids: Collection[str]) -> dict[str, list[Call]]:
        """The calls that were begun of running answers of any owner, in their order."""
