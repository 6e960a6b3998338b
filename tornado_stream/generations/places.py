"""Places for running answers: how many may run, in all and for each user.

The rule: an answer holds its place from the moment it is admitted until it has ended.
"""

from __future__ import annotations

import sys
from collections import Counter

from tornado_stream.generations import refusals
from tornado_stream.store.tail_base import NoPlace


class Places:
    """Places for `most` answers of this process, and for `most_per_user` of one owner (0: no
    limit)."""

    def __init__(self, most: int = sys.maxsize, most_per_user: int = 0) -> None:
        self.most = most
        self.most_per_user = most_per_user
        self.taken: Counter[str] = Counter()  # by owner

    def check(self, owner: str) -> None:
        """Raise `TooMany` `too_many_answers` if there is no place for one more."""
        if self.taken.total() >= self.most:
            raise refusals.no_place()
        if self.most_per_user and self.taken[owner] >= self.most_per_user:
            raise NoPlace(self.taken[owner])

    def take(self, owner: str) -> None:
        """Take a place. Raises as `check`."""
        self.check(owner)
        self.taken[owner] += 1

    def release(self, owner: str) -> None:
        self.taken[owner] -= 1
        if not self.taken[owner]:
            del self.taken[owner]
