"""The signals that end or replace the process, as futures and a callback.

The rule: the first SIGTERM, SIGINT or SIGHUP asks to end, and the second to hurry.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import partial

#: Seconds after a second signal at which the process exits in any case.
HURRY = 0.8
#: Seconds in which a second SIGHUP belongs to the first: when a terminal is closed, the shell and
#: the system send one each.
HANGUP = 1.0


class Signals:
    """SIGINT, SIGTERM and SIGHUP as two futures with the signal's number: of the first signal, and
    of the second, which asks to hurry. A SIGHUP that was ignored when the process began (nohup)
    stays ignored; Windows has none."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.first: asyncio.Future[int] = self._loop.create_future()
        self.second: asyncio.Future[int] = self._loop.create_future()
        self._hung_up_at = -HANGUP
        self._handled: list[int] = []
        for number in _ending_signals():
            self._handle(number, partial(self._on_signal, number))

    def _handle(self, number: int, callback: Callable[[], None]) -> None:
        self._handled.append(number)
        try:
            self._loop.add_signal_handler(number, callback)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: self._loop.call_soon_threadsafe(callback))

    def on_replace(self, callback: Callable[[], None]) -> None:
        """Call this on SIGUSR2, which asks the process to be replaced. Windows has none."""
        if number := getattr(signal, "SIGUSR2", None):
            self._handle(number, callback)

    def end(self) -> None:
        """Do as if the first signal had come."""
        self._on_signal(signal.SIGTERM)

    def close(self, status: int) -> None:
        """The process has done everything: a further signal ends it at once, with this status. A
        loop that closes would write a traceback about it."""
        for number in self._handled:
            with suppress(NotImplementedError):  # Windows
                self._loop.remove_signal_handler(number)
            signal.signal(number, lambda *_: os._exit(status))

    def _on_signal(self, number: int) -> None:
        if number == getattr(signal, "SIGHUP", None):
            before, self._hung_up_at = self._hung_up_at, self._loop.time()
            if self._hung_up_at < before + HANGUP:
                return
        for future in (self.first, self.second):
            if not future.done():
                future.set_result(number)
                break
        if self.second.done():
            # The process exits even if something hangs. A child notices that its parent is gone.
            self._loop.call_later(HURRY, os._exit, 128 + number)


def _ending_signals() -> list[signal.Signals]:
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is None or signal.getsignal(hangup) == signal.SIG_IGN:
        return [signal.SIGINT, signal.SIGTERM]
    return [signal.SIGINT, signal.SIGTERM, hangup]
