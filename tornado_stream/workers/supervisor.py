"""The process that starts the workers, and starts again those that die.

It has the listening sockets and the lock of the data directory. It serves nothing, and has no event
loop and no threads, so it can fork at any time; the workers share the modules that it has imported.

The rule: a worker that has served is started again whenever it ends. The server ends only if it was
told to, if another one has taken over, or if no worker serves and none can be started.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import NoReturn

from tornado_stream.net.board import Board, Part
from tornado_stream.workers.caught_signals import CaughtSignals
from tornado_stream.workers.worker import (
    BACK,
    LEAD,
    LEAVE,
    LEFT,
    LONGEST,
    PRINT,
    READY,
    Worker,
)

logger = logging.getLogger(__name__)

#: Least seconds between two starts of a worker that serves and then dies.
INTERVAL = 0.5
#: Seconds until the next try after a start that failed. They double, up to the longest pause.
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 30.0
#: Failed starts in a row after which the server ends, if no worker serves.
MOST_FAILURES = 5
#: The exit status of a worker that a mistake in the program has ended.
MISTAKE = 70


@dataclass
class Place:
    """A place for a worker. `pid` is 0 while none is there."""

    number: int
    pid: int = 0
    socket: socket.socket | None = None
    ready: bool = False
    left: bool = False  # another server has taken over
    failures: int = 0  # starts in a row that failed
    started_at: float = 0.0
    due: float = 0.0  # the time of the next start


class Supervisor:
    """Keeps a worker for each part of the board. `serve` is what a worker does in its process; it
    returns the exit status. `on_started` is called in this process when a worker has started,
    `on_replace` when SIGUSR2 asks this server to be replaced, and `on_left` with the process id of
    the server that has taken over."""

    def __init__(
        self,
        board: Board,
        serve: Callable[[Worker], int],
        on_started: Callable[[], None] = lambda: None,
        on_replace: Callable[[], object] = lambda: None,
        on_left: Callable[[int], object] = lambda pid: None,
    ) -> None:
        self._serve = serve
        self._on_started = on_started
        self._on_replace = on_replace
        self._on_left = on_left
        self._board = board
        self._places = [Place(number) for number in range(board.processes)]
        self._leader: Place | None = None
        self.has_served = False  # a worker has
        self._printed = False  # where the server is
        self._ending = False  # it was told to end, or has given up
        self._status = 0

    @property
    def has_left(self) -> bool:
        """Whether another server has taken over."""
        return any(place.left for place in self._places)

    def run(self) -> int:
        """Serve until the end; returns the exit status."""
        self._signals = CaughtSignals()
        try:
            while self._goes_on():
                for place in self._places:
                    if self._is_due(place):
                        self._start(place)
                self._wait()
                self._reap()
                self._choose_leader()
        finally:
            self._signals.close()
        return self._status

    def _goes_on(self) -> bool:
        if any(place.pid for place in self._places):
            return True
        if all(place.failures >= MOST_FAILURES for place in self._places):
            logger.error("no worker can be started")
            return False
        return not (self._ending or self.has_left)

    def _is_due(self, place: Place) -> bool:
        if place.pid or place.left or self._ending:
            return False
        # The first worker prepares the database, and says what is wrong with it.
        return monotonic() >= place.due and (self.has_served or place is self._places[0])

    def _start(self, place: Place) -> None:
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        leads = self._leader is None
        supervisor = os.getpid()
        pid = os.fork()
        if not pid:
            mine.close()
            part = Part(self._board, place.number)
            self._become(Worker(place.number, theirs, supervisor, leads, part))
        theirs.close()
        place.pid, place.socket, place.ready = pid, mine, False
        place.started_at = monotonic()
        if leads:
            self._leader = place
        self._on_started()

    def _become(self, worker: Worker) -> NoReturn:
        """Be this worker, in the new process."""
        status = MISTAKE
        try:
            # Ctrl-C is for the supervisor, which passes it on.
            os.setpgid(0, 0)
            self._signals.close()
            signal.signal(signal.SIGUSR2, signal.SIG_IGN)  # it is for the supervisor
            for place in self._places:
                if place.socket:
                    place.socket.close()
            status = self._serve(worker)
        except Exception:
            logger.exception("a worker has ended")
        finally:
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError, ValueError):
                    stream.flush()
            os._exit(status)

    def _wait(self) -> None:
        """Wait for a word, a signal, the end of a worker, or the next start; pass on signals."""
        heard = {place.socket.fileno(): place for place in self._places if place.socket}
        poll = select.poll()
        for descriptor in (self._signals.descriptor, *heard):
            poll.register(descriptor, select.POLLIN)
        dues = [place.due for place in self._places if not (place.pid or place.left)]
        pause = None if self._ending or not dues else max(0.0, min(dues) - monotonic())
        for descriptor, _ in poll.poll(None if pause is None else int(pause * 1000) + 1):
            if place := heard.get(descriptor):
                self._hear(place)
        for number in self._signals.take():
            if number == signal.SIGUSR2:
                self._on_replace()
            else:
                self._end(number)

    def _hear(self, place: Place) -> None:
        assert place.socket
        try:
            word, _, number = place.socket.recv(LONGEST).partition(b" ")
        except OSError:
            word = number = b""
        if not word:  # it is about to end
            place.socket.close()
            place.socket = None
        elif word == READY:
            self.has_served = place.ready = True
            place.failures = 0
            self._print()
        elif word == LEFT:
            self._leave(place)
            if number:
                self._on_left(int(number))
        elif word == BACK:
            self._come_back(place)

    def _print(self) -> None:
        """Have it printed once where the server is: when all workers serve."""
        if not self._printed and all(place.ready for place in self._places):
            self._printed = True
            _tell(self._leader or self._places[0], PRINT)

    def _leave(self, place: Place) -> None:
        """Another server has taken over from this worker: let the others leave, too."""
        self._leader = None
        place.left = True
        for one in self._places:
            if not one.left and one.pid:
                _tell(one, LEAVE)
            one.left = True

    def _come_back(self, place: Place) -> None:
        """The server that had taken over has died, as this worker has noticed."""
        for one in self._places:
            if one.left and one.pid and one is not place:
                _tell(one, BACK)
            one.left = False

    def _choose_leader(self) -> None:
        if self._leader is None:
            for place in self._places:
                if place.ready and not place.left:
                    self._leader = place
                    _tell(place, LEAD)
                    return

    def _end(self, number: int) -> None:
        self._ending = True
        for place in self._places:
            if place.pid:
                with suppress(ProcessLookupError):
                    os.kill(place.pid, number)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            for place in self._places:
                if place.pid == pid:
                    self._ended(place, os.waitstatus_to_exitcode(status))

    def _ended(self, place: Place, status: int) -> None:
        """A worker has ended, with this status or, below 0, by a signal."""
        pid, place.pid = place.pid, 0
        self._board.clear(place.number)
        if place.socket:
            place.socket.close()
            place.socket = None
        if self._leader is place:
            self._leader = None
        if self._ending or place.left:
            self._status = self._status or (status if status >= 0 else 128 - status)
            return
        if not self.has_served:
            self._ending, self._status = True, status if status > 0 else 1
            return
        if place.ready:
            place.due = place.started_at + INTERVAL
        else:
            pause = min(FIRST_PAUSE * 2.0**place.failures, LONGEST_PAUSE)
            place.failures += 1
            place.due = monotonic() + pause
        place.ready = False
        how = f"signal {-status}" if status < 0 else f"status {status}"
        text = "worker %d (process %d) has ended with %s and is started again"
        logger.error(text, place.number + 1, pid, how)


def _tell(place: Place, word: bytes) -> None:
    with suppress(OSError):
        if place.socket:
            place.socket.send(word)
