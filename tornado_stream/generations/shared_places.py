"""Places for running answers where several processes serve: the limits hold for all of them.

The rule: a process takes a place before it looks whether there are too many. So two that take the
last one at the same moment may both be refused, but never both get it.
"""

from __future__ import annotations

from tornado_stream.generations import refusals
from tornado_stream.generations.places import Places
from tornado_stream.net.board import Part
from tornado_stream.store.tail_base import NoPlace


class SharedPlaces(Places):
    """`Places` of all processes together."""

    def __init__(self, part: Part, most: int, most_per_user: int) -> None:
        super().__init__(most, most_per_user)
        self._part = part

    def check(self, owner: str, more: int = 1) -> None:
        """Raise `TooMany` `too_many_answers` if there are no places for so many more."""
        if self._part.answers + more > self.most:
            raise refusals.no_place()
        if self.most_per_user and self._part.answers_of(owner) + more > self.most_per_user:
            raise NoPlace(self.most_per_user)

    def take(self, owner: str) -> None:
        """Take a place. Raises as `check`."""
        self._part.take(owner)
        try:
            self.check(owner, more=0)
        except BaseException:
            self._part.release(owner)
            raise

    def release(self, owner: str) -> None:
        self._part.release(owner)
