"""Connections of clients on their way from one process to another.

The rule: a connection has one reader at any time. Its sender stops reading, and closes its
descriptor when the receiver has answered; if that dies before, the sender reads on. What was read
already goes with the connection.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tornado.ioloop import IOLoop

from tornado_stream.app import ChatApplication
from tornado_stream.handlers.services import PassOn
from tornado_stream.net.client_connections import ClientStream
from tornado_stream.net.listener import Server
from tornado_stream.net.passing import (
    Answer,
    Channel,
    Message,
    Refused,
    Reply,
    close_all,
    connect,
    in_memory,
    read_whole,
)

logger = logging.getLogger(__name__)

#: Seconds to reach the process that writes an answer. It is on this machine.
CALL = 0.2
#: Seconds until a request is looked at again that the other process refused because it is ending.
AGAIN = 0.03
#: The answer to a connection that would be closed before its request is served.
ENDING = {"refused": "it is about to end"}


def pass_connection(
    stream: ClientStream,
    channel: Channel,
    head: bytes = b"",
    *,
    otherwise: Callable[[], None] | None = None,
) -> asyncio.Future[Message]:
    """Pass a connection on which no request runs, or one with the `head` of a request that another
    process is to serve. If that process does not take it, it stays here: `otherwise` is called, or
    the connection waits for a request as before."""
    data, received = stream.pause()
    data = head + data
    message = {"connection": received or bool(head), "request": bool(head)}
    try:
        descriptors = [in_memory(data)] if data else []
    except OSError as error:  # out of descriptors
        asked: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        asked.set_exception(Refused(str(error)))
    else:
        asked = channel.ask(message, [stream.socket.fileno(), *descriptors])
        close_all(descriptors)
    asked.add_done_callback(partial(_passed, stream, otherwise or stream.resume))
    return asked


def _passed(stream: ClientStream, otherwise: Callable[[], None], asked: Any) -> None:
    if asked.exception() or "refused" in asked.result():
        if not stream.closed():
            otherwise()
    else:
        stream.close()  # this descriptor alone: the client notices nothing


def adopt(
    application: ChatApplication,
    server: Server,
    message: Message,
    descriptors: list[int],
    reply: Reply,
) -> None:
    """Serve a connection that another process passes on."""
    if not descriptors:
        reply({"refused": "no connection came with it"}, ())
        return
    if server.stopped:
        close_all(descriptors)
        reply(ENDING, ())
        return
    sock = socket.socket(fileno=descriptors[0])
    sock.setblocking(False)
    data = read_whole(descriptors[1]) if len(descriptors) > 1 else b""
    close_all(descriptors[2:])
    serve = partial(_serve, server, sock, data, message, reply)
    if message.get("request"):
        # The other process has checked the login, perhaps by a session that this one does not know.
        IOLoop.current().add_callback(_refreshed, application, serve)
    else:
        serve()


async def _refreshed(application: ChatApplication, serve: Callable[[], None]) -> None:
    await application.auth.refresh()
    serve()


def _serve(
    server: Server, sock: socket.socket, data: bytes, message: Message, reply: Reply
) -> None:
    if server.stopped:  # meanwhile
        sock.close()
        reply(ENDING, ())
        return
    try:
        server.adopt(sock, data, received=bool(message["connection"]))
    except OSError:  # the client has left
        sock.close()
    reply({}, ())


def way_to(door: Path, answer: Answer, application: ChatApplication) -> PassOn | None:
    """The function that passes a request, with its connection, to the process at this door; None if
    that cannot be reached."""
    try:
        channel = Channel(connect(door, CALL), answer)
    except Refused as error:
        logger.info("a request cannot be passed to another process: %s", error)
        return None

    def pass_on(stream: Any, address: tuple[Any, ...], head: bytes) -> None:
        def serve_here() -> None:
            stream.preload(head, received=True)
            application.keep_alive(stream, address)

        def serve_later() -> None:
            asyncio.get_running_loop().call_later(AGAIN, serve_here)

        pass_connection(stream, channel, head, otherwise=serve_later).add_done_callback(
            lambda _: channel.close()
        )

    return pass_on
