"""This process among those that have its data directory open: one leads, the others have left.

The process that leads accepts connections. A new one asks it for its sockets, opens the store,
says that it is ready, and leads from then on. The one before has left: it accepts nothing more,
passes each connection on when no request runs on it, and goes on with its answers. A request for
one of these comes back to it, with its connection.

The rule: whoever dies, at any step, the others go on with what they have, and no connection has no
process. Until the new one is ready, the old one has given nothing away; and if the new one dies
later, the old one leads again. Everything runs on the IOLoop's thread.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from tornado.ioloop import IOLoop

from tornado_stream.app import ChatApplication
from tornado_stream.handover.clients import adopt, way_to
from tornado_stream.handover.departure import PASS_INTERVAL, Departure
from tornado_stream.handover.notify import tell_manager
from tornado_stream.handover.offer import CONTROL, PROTOCOL, TakenOver, door_of, refusal
from tornado_stream.handover.others import Others, pass_tries
from tornado_stream.handover.questions import QUESTIONS
from tornado_stream.net.doors import Door
from tornado_stream.net.listener import Server
from tornado_stream.net.passing import (
    SUPPORTED,
    Channel,
    Message,
    Refused,
    Reply,
    close_all,
)
from tornado_stream.workers.worker import BACK, LEAD, LEAVE, LEFT, PRINT, READY, Worker

logger = logging.getLogger(__name__)

#: Seconds that a new process has from the sockets to being ready.
READY_WITHIN = 120.0
#: Seconds that the process before has to leave.
LEAVE_WITHIN = 60.0
#: Seconds after which of several that lead again at the same time one is left.
SETTLED = 1.0


class Process:
    """This process. `done` resolves when it has left, and nothing is left for it to do or the one
    that leads was told to end. A `worker` accepts connections whether or not it leads."""

    def __init__(
        self,
        application: ChatApplication,
        server: Server,
        sockets: Sequence[socket.socket],
        worker: Worker | None = None,
    ) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._application = application
        self._server = server
        self._sockets = sockets
        self._worker = worker
        #: Whether it begins as the process that leads.
        self.leads = worker is None or worker.leads
        self._directory = application.config.data_dir
        self._others: Others  # from the moment at which there is a door
        self._door: Door | None = None
        self._departure: Departure | None = None  # once another process has taken over
        self._offered: Channel | None = None  # to the process that is taking over

    async def open(self, taken: TakenOver | None) -> None:
        """Make it possible to take over from this process; take over from the one before, if there
        is one. Raises `Refused` if that does not let it."""
        store = self._application.store
        if not SUPPORTED:
            return
        try:
            if store.lock is None and not (self._worker and store.tails):
                raise OSError(0, "its data directory cannot be shared")
            # The store has its name by now.
            self._others = Others(self._directory, store, self._answer)
            self._others.remove_stale_doors()
            self._door = Door(door_of(self._directory, store.instance), self._answer)
        except OSError as error:
            if taken:
                raise Refused(f"this process cannot take over: {error.strerror}") from None
            logger.info("no other process can take over from this one: %s", error.strerror)
            return
        if taken:
            await self._take_over(taken)
        self._application.way_to = lambda instance: way_to(
            door_of(self._directory, instance), self._answer, self._application
        )
        self._application.generations.neighbours.find = self._others.who_has
        self._application.response_items.fetch = self._others.items
        if self._worker:
            self._share()
        if self.leads:
            self._become_leader()

    def _share(self) -> None:
        """Let the services know those of the other workers."""
        application, others = self._application, self._others
        if not application.store.tails:  # else the database tells them, and counts tries
            application.auth.tell(others.tell_sessions)
            application.checks_passwords = others.leader
        application.imports.on_added = others.tell_imports
        application.other_metrics = others.metrics

    def serve_as_worker(self, show: Callable[[], None], end: Callable[[], None]) -> None:
        """Do what the supervisor says from now on: `show` prints where the server is, `end` begins
        the end of this process."""
        assert self._worker
        words = {LEAD: self._lead, PRINT: show, LEAVE: self._follow, BACK: self._come_back}
        self._worker.listen(words, end)
        IOLoop.current().add_callback(self._application.begin)
        self._worker.tell(READY)

    def close(self) -> None:
        """Hear no other process any more. Idempotent."""
        if self._departure:
            self._departure.close()
        if self._door is None:
            return
        door, self._door = self._door, None
        door.close()

    async def others_end(self, seconds: float, hurry: asyncio.Future[Any]) -> None:
        """Tell the others that this process was told to end, and wait until they have ended too: a
        service manager kills them after it. Does nothing where another process leads."""
        if self._departure or not self._door:
            return
        channels = tuple(self._door.channels)
        await self._others.end(channels, seconds, hurry, beside_workers=bool(self._worker))

    async def _take_over(self, taken: TakenOver) -> None:
        before = Channel(taken.channel, self._answer)
        assert self._door
        channels = self._door.channels
        channels.add(before)
        before.on_closed.append(lambda: channels.discard(before))
        try:
            asked = before.ask({"ready": self._application.store.instance})
            answer = await asyncio.wait_for(asked, LEAVE_WITHIN)
        except TimeoutError:
            raise Refused("the process before does not let go") from None
        except Refused:
            if not await self._has_died(taken.instance):
                raise Refused("the process before has gone on by itself") from None
            # Its sockets and its lock are here.
            logger.warning("the process before has died while this one was taking over")
        else:
            if "refused" in answer:
                raise Refused(answer["refused"])
        await self._application.auth.refresh()
        await self._application.lead()

    async def _has_died(self, instance: str) -> bool:
        """Whether a process that has closed its connection has died; it may be dying just now."""
        for _ in range(50):
            if not self._application.store.is_alive(instance):
                return True
            await asyncio.sleep(PASS_INTERVAL)
        return False

    def _become_leader(self) -> None:
        """Be the process that others find."""
        if self._door is None:
            return
        link = self._directory / CONTROL
        new = link.with_name(f"{CONTROL}.new")
        with suppress(OSError):
            new.unlink(missing_ok=True)
            new.symlink_to(self._door.path.name)
            new.replace(link)
        self._application.store.lead(self._worker.supervisor if self._worker else os.getpid())

    def _answer(
        self, channel: Channel, message: Message, descriptors: list[int], reply: Reply
    ) -> None:
        application = self._application
        if "connection" in message:
            adopt(application, self._server, message, descriptors, reply)
            return
        for name, question in QUESTIONS.items():
            if name in message:
                question(application, message, descriptors, reply)
                return
        close_all(descriptors)
        if "take" in message:
            self._offer(channel, message, reply)
        elif "ready" in message:
            IOLoop.current().add_callback(self._leave, channel, reply)
        elif "ends" in message:
            if self._departure:
                self._end()
            reply({}, ())
        else:
            reply({"refused": "it does not know this question"}, ())

    def _offer(self, channel: Channel, message: Message, reply: Reply) -> None:
        """Give another process what it needs to take over, but nothing away."""
        store = self._application.store
        refused: Message | None = None
        if self._departure:
            refused = {"refused": "another process has taken over from it already"}
        elif self._offered and not self._offered.closed:
            refused = {"refused": "another process is taking over from it now"}
        elif self._application.generations.draining:
            refused = {"refused": "it is about to stop"}
        elif store.lock is None:
            refused = {"refused": "its disk is read-only", "restart": True}
        refused = refused or refusal(message, self._sockets)
        if refused:
            reply(refused, ())
            return
        assert store.lock is not None
        descriptors = [store.lock, *(sock.fileno() for sock in self._sockets)]
        reply({"protocol": PROTOCOL, "instance": store.instance}, descriptors)
        self._offered = channel
        channel.on_closed.append(self._offer_ended)
        timer = asyncio.get_running_loop().call_later(READY_WITHIN, self._give_up, channel)
        channel.on_closed.append(timer.cancel)

    def _give_up(self, channel: Channel) -> None:
        if channel is self._offered:
            logger.warning("this one goes on: the new one is not ready after %d s", READY_WITHIN)
            channel.close()

    def _offer_ended(self) -> None:
        if self._offered:
            logger.warning("the new process has not taken over, so this one goes on")
            self._offered = None

    async def _leave(self, channel: Channel, reply: Reply) -> None:
        """The new process is ready: it leads from now on."""
        if channel is not self._offered or not self._door:
            reply({"refused": "the process before has gone on by itself"}, ())
            return
        self._offered = None
        departure = self._depart(self._door)
        try:
            await self._application.leave(self._others.tell_sessions)
        except Exception:  # the new process leads all the same
            logger.exception("a service of this process has not been left to the new one")
        self._server.pause_accepting()
        await pass_tries(self._application.auth, channel)
        reply({"go": True}, ())
        if self._worker:
            self._worker.tell(LEFT, channel.peer)
        else:
            tell_manager(channel.peer)
        count = len(self._application.generations)
        logger.info("another process has taken over; %d answers are running here", count)
        departure.follow(channel)

    def _depart(self, door: Door) -> Departure:
        server, answer = self._server, self._answer
        self._departure = Departure(
            self._application, server, door, answer, self._end, self._lead_again
        )
        return self._departure

    def _end(self) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def _lead_again(self) -> None:
        if self.done.done():
            return
        logger.warning("the process that took over has died, so this one leads again")
        self._come_back()
        if self._worker:
            self._worker.tell(BACK)  # the supervisor says who leads
        else:
            self._lead()

    def _come_back(self) -> None:
        """Accept connections again."""
        if self._departure:
            self._departure.close()
            self._departure = None
            self._server.accept_again()
            IOLoop.current().add_callback(self._application.begin)

    def _lead(self) -> None:
        self._become_leader()
        IOLoop.current().add_callback(self._application.lead)
        asyncio.get_running_loop().call_later(SETTLED, self._check_lead)

    def _follow(self) -> None:
        """Another server has taken over from another worker: leave to it, too."""
        if self._departure or not self._door:
            return
        departure = self._depart(self._door)
        self._server.pause_accepting()
        IOLoop.current().add_callback(self._application.leave, self._others.tell_sessions)
        departure.find_leader()
        if self._worker:
            self._worker.tell(LEFT)

    def _check_lead(self) -> None:
        """Of several that lead again at the same time, the one goes on that others find."""
        if self._departure or not self._door or self._door.is_found(self._directory / CONTROL):
            return
        self._follow()
