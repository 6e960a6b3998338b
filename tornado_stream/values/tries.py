"""How long a client waits that tries again and again: some tries without a wait, then waits that
double. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Seconds after the end of a key's last wait until its count begins again at 1.
FORGIVEN = 3600.0


@dataclass(frozen=True, slots=True)
class TryLimit:
    """The first `free` tries need no wait. `longest` is the longest wait, in seconds."""

    free: int
    longest: float

    def next(self, count: int, over: float) -> tuple[int, float]:
        """The count with one more try, and the seconds until the one after it. `over` are the
        seconds since the last wait ended."""
        count = 1 if over > FORGIVEN else count + 1
        if count < self.free:
            return count, 0.0
        return count, min(2.0 ** min(count - self.free, 30), self.longest)
