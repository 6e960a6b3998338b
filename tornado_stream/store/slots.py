"""Which answers run in a conversation at a time: one, or several beside each other that answer the
same message. Pure; every store and the registry of answers ask here.

The rule: each running answer of a conversation has a slot of its own. An ordinary answer has slot 0
and runs alone; when it begins, none runs in any slot.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from tornado_stream.store.base import Busy, NewAnswer
from tornado_stream.values.errors import TooMany

#: Seconds after which a further answer beside others may be tried again.
RETRY_AFTER = 5


class BusyBeside(TooMany):
    """As many answers to the same message as may run beside each other: `generation_ids`."""

    code = "too_many_answers"

    def __init__(self, generation_ids: Sequence[str], most: int) -> None:
        super().__init__(
            f"{most} answers to one message are the most at a time. Wait until one has ended, or "
            "stop one.",
            retry_after=RETRY_AFTER,
        )
        self.generation_ids = generation_ids


class Running(NamedTuple):
    """A running answer of a conversation."""

    slot: int
    generation_id: str
    parent_id: str | None


def check(new: NewAnswer, running: Mapping[str, str | None]) -> None:
    """Raise `Busy` or `BusyBeside` if the new answer cannot run beside these: the ids of
    generations, and the messages that they answer."""
    if running and not (new.beside and set(running.values()) == {new.message.parent_id}):
        raise Busy(list(running))
    if new.beside and len(running) >= new.beside:
        raise BusyBeside(list(running), new.beside)


def free_slot(new: NewAnswer, running: Collection[Running]) -> int:
    """The slot of a new answer of a conversation in which these run. Raises what `check` raises."""
    check(new, {one.generation_id: one.parent_id for one in running})
    taken = {one.slot for one in running}
    return next(n for n in itertools.count(1) if n not in taken) if new.beside else 0
