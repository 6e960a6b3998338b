"""A process that has left: it passes its connections on, goes on with its answers, and then ends.

The rule: there is always a process to pass connections to, or this one leads again. Everything runs
on the IOLoop's thread.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path

from tornado_stream.app import ChatApplication
from tornado_stream.handover.clients import pass_connection
from tornado_stream.handover.offer import CONTROL
from tornado_stream.net.doors import Door
from tornado_stream.net.listener import Server
from tornado_stream.net.passing import Answer, Channel, Refused, connect, in_memory
from tornado_stream.store.lock import lock_holder

logger = logging.getLogger(__name__)

#: Seconds between two looks at what can be passed on, and connections that are on their way at a
#: time.
PASS_INTERVAL, ON_THE_WAY = 0.02, 64
#: How often a process that leads is looked for while the server that has taken over still runs.
PATIENCE = 50
#: Seconds until an answer is given up that the store refuses, once nothing else is left.
GIVE_UP = 30.0
#: Seconds for a call to another process of the machine.
CALL = 1.0


class Departure:
    """What a process does after another has taken over. `done` is called when nothing is left to
    do, `lead_again` when no process leads any more."""

    def __init__(
        self,
        application: ChatApplication,
        server: Server,
        door: Door,
        answer: Answer,
        done: Callable[[], None],
        lead_again: Callable[[], None],
    ) -> None:
        self._application = application
        self._connections = server.connections
        self._door = door
        self._answer = answer
        self._done = done
        self._lead_again = lead_again
        self._leader: Channel | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._idle_since: float | None = None
        self._patience = PATIENCE
        self._closed = False

    def follow(self, leader: Channel) -> None:
        """Pass connections to the process at the other end, and look for another when it ends."""
        if leader.closed:
            self.find_leader()
        else:
            self._leader = leader
            leader.on_closed.append(self.find_leader)
        self._pass_soon()

    def find_leader(self) -> None:
        """Find the process that leads now, or lead again."""
        self._leader = None
        if self._closed:
            return
        link: Path = self._application.config.data_dir / CONTROL
        try:
            if self._door.is_found(link):
                raise Refused("the other died before it could be found")
            sock = connect(link, CALL)
        except Refused:
            if self._patience and _runs(lock_holder(self._application.config.data_dir)):
                self._patience -= 1  # one of its workers will lead
                asyncio.get_running_loop().call_later(PASS_INTERVAL, self.find_leader)
                return
            self.close()
            self._lead_again()
            return
        self._patience = PATIENCE
        # It may be the same one, which dies just now: then this is called again.
        channel = Channel(sock, self._answer)
        asyncio.get_running_loop().call_later(PASS_INTERVAL, self.follow, channel)

    def close(self) -> None:
        """Pass nothing more. Idempotent."""
        self._closed = True
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._leader:
            self._leader.close()

    def _pass_soon(self) -> None:
        if self._timer is None and not self._closed:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(PASS_INTERVAL, self._pass)

    def _pass(self) -> None:
        """Pass on the connections on which no request runs."""
        self._timer = None
        leader = self._leader
        if leader and not leader.closed:
            for stream in self._connections.without_request():
                if leader.waiting >= ON_THE_WAY or leader.closed:
                    break
                pass_connection(stream, leader)
        if not self._is_done():
            self._pass_soon()
        elif leader and not leader.closed and len(self._application.response_items):
            self._pass_items(leader)
        else:
            self._done()

    def _pass_items(self, leader: Channel) -> None:
        """The last thing to do: programs may go on referring to these items."""
        try:
            file = in_memory(self._application.response_items.dump())
        except OSError:  # no descriptor is left
            self._done()
        else:
            asked = leader.ask({"remember": True}, [file])
            asked.add_done_callback(lambda _: self._done())
            os.close(file)

    def _is_done(self) -> bool:
        generations = self._application.generations
        if generations.busy or self._connections.open:
            self._idle_since = None
            return False
        now = asyncio.get_running_loop().time()
        self._idle_since = self._idle_since or now
        return not generations.unsaved_frames or now > self._idle_since + GIVE_UP


def _runs(pid: int | None) -> bool:
    """Whether this is the id of another process that exists."""
    if not pid or pid in (os.getpid(), os.getppid()):
        return False
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
