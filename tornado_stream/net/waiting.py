"""Limits on waits, which stay fair when the process did not run for a while.

A process can be stopped (SIGSTOP), its machine can sleep, a virtual machine can be paused. The
clock then goes on, or jumps afterwards, and what arrived meanwhile lies in the sockets. The rule:
no limit is over before the loop has read its sockets once more, and after a pause every wait
begins anew. Everything runs on the IOLoop's thread.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic
from weakref import WeakKeyDictionary

#: Seconds between two looks at the clock. A look that is so much later was delayed by a pause.
TICK, LATE = 0.5, 0.5
#: Seconds in which the loop reads its sockets, after a limit seems to be over.
SETTLE = 0.02
#: Seconds between two looks of a `Watch`, at least.
SHORTEST = 0.001


def resumed_at() -> float:
    """When the process last went on after a pause (seconds of `monotonic`; minus infinity: it had
    none since this was first called)."""
    loop = asyncio.get_running_loop()
    pulse = _pulses.get(loop)
    if pulse is None:
        pulse = _pulses[loop] = _Pulse()
    return pulse.look()


class Watch:
    """Calls `expired` once, when `look` returns 0 or less and does so again after the loop has read
    its sockets. `look` returns in how many seconds to ask it again."""

    __slots__ = ("_expired", "_look", "_loop", "_seems_over", "_timer")

    def __init__(self, look: Callable[[], float], expired: Callable[[], None]) -> None:
        self._look = look
        self._expired = expired
        self._timer: asyncio.TimerHandle | None = None
        self._seems_over = False
        # Asking for the running loop costs a call of the system before Python 3.12.
        self._loop = asyncio.get_running_loop()
        self._check()

    def cancel(self) -> None:
        """Call nothing any more. Idempotent."""
        if self._timer:
            self._timer.cancel()
        self._look, self._expired = lambda: math.inf, lambda: None  # breaks reference cycles

    def _check(self) -> None:
        seconds = self._look()
        if seconds <= 0 and self._seems_over:
            expired = self._expired
            self.cancel()
            expired()
            return
        self._seems_over = seconds <= 0
        delay = SETTLE if self._seems_over else max(seconds, SHORTEST)
        if math.isfinite(delay):
            self._timer = self._loop.call_later(delay, self._check)


class Limit(Watch):
    """Calls `expired` after `seconds`, counted from now or from the last pause."""

    __slots__ = ()

    def __init__(self, seconds: float, expired: Callable[[], None]) -> None:
        since = monotonic()
        super().__init__(lambda: max(since, resumed_at()) + seconds - monotonic(), expired)


@asynccontextmanager
async def time_limit(seconds: float | None) -> AsyncIterator[None]:
    """Raises `TimeoutError` where the block takes longer, as `asyncio.timeout` does, but with the
    fairness of a `Limit`. None or 0: no limit."""
    async with asyncio.timeout(None) as timeout:
        limit = Limit(seconds, lambda: timeout.reschedule(0.0)) if seconds else None
        try:
            yield
        finally:
            if limit:
                limit.cancel()


class _Pulse:
    """Looks at the clock so often that a gap between two looks means a pause."""

    def __init__(self) -> None:
        self._resumed_at = -math.inf
        self._seen = _clock()
        self._tick()

    def look(self) -> float:
        now = _clock()
        if now > self._seen + TICK + LATE:
            self._resumed_at = monotonic()
        self._seen = now
        return self._resumed_at

    def _tick(self) -> None:
        self.look()
        asyncio.get_running_loop().call_later(TICK, self._tick)


def _clock() -> float:
    """A clock that also counts the time in which the machine slept, where there is one."""
    if hasattr(time, "CLOCK_BOOTTIME"):  # Linux: `monotonic` stands still while it sleeps
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return monotonic()


_pulses: WeakKeyDictionary[asyncio.AbstractEventLoop, _Pulse] = WeakKeyDictionary()
