"""The signals that come to a process without an event loop, for one that waits with `poll`."""

from __future__ import annotations

import signal
import socket
from contextlib import suppress
from typing import Any


class CaughtSignals:
    """Collects SIGTERM, SIGINT, SIGUSR2 and SIGHUP from now on; `descriptor` can be read when one
    has come, or a child has ended. A SIGHUP that is ignored (nohup) stays ignored."""

    def __init__(self) -> None:
        self._awake, self._alarm = socket.socketpair()
        self._awake.setblocking(False)
        self._alarm.setblocking(False)
        self._caught: list[int] = []
        self._before: dict[int, Any] = {}
        numbers = [signal.SIGTERM, signal.SIGINT, signal.SIGUSR2]
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            numbers.append(signal.SIGHUP)
        for number in numbers:
            self._before[number] = signal.signal(number, lambda one, _: self._caught.append(one))
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._alarm.fileno(), warn_on_full_buffer=False)

    @property
    def descriptor(self) -> int:
        return self._awake.fileno()

    def take(self) -> list[int]:
        """The signals that have come since the last call."""
        with suppress(BlockingIOError):
            while self._awake.recv(64):
                pass
        caught, self._caught = self._caught, []
        return caught

    def close(self) -> None:
        """Handle signals as before."""
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._awake.close()
        self._alarm.close()
