"""Passes open descriptors to other processes on this machine, over Unix sockets.

The rule: only processes of the same user are heard, and what was passed stays with its sender until
the receiver has answered: if that dies before, nothing is lost. Each packet is one JSON object with
its descriptors. Everything but `connect` and `call` runs on the IOLoop's thread.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
import sys
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import orjson

logger = logging.getLogger(__name__)

#: Whether this system has all that is needed: sockets that keep packets apart, the user at the
#: other end, and files that are only in memory.
SUPPORTED = sys.platform == "linux"
#: Bytes of a packet, and descriptors in it.
MAX_PACKET, MAX_DESCRIPTORS = 64 * 1024, 64
#: Packets that are read in one iteration of the loop.
READS = 32
#: Bytes of an address of a Unix socket, less a few.
LONGEST_ADDRESS = 100

Message = dict[str, Any]
#: Sends the answer to a message, with duplicates of descriptors.
Reply = Callable[[Message, Sequence[int]], None]
#: Answers a message: gets its channel, the message, its descriptors (which it closes), and what it
#: answers with.
Answer = Callable[["Channel", Message, list[int], Reply], None]


class Refused(Exception):
    """Nobody answers, or the other process says no. The message is for a person."""


class Channel:
    """A connection to another process, over which both sides ask and answer. `answer` gets what the
    other asks; `peer` is its process id."""

    def __init__(self, sock: socket.socket, answer: Answer) -> None:
        sock.setblocking(False)
        #: Called when the other process has closed the connection, or has ended.
        self.on_closed: list[Callable[[], None]] = []
        self.peer = peer_of(sock)[0]
        self._sock = sock
        self._answer = answer
        self._loop = asyncio.get_running_loop()
        self._asked: dict[int, asyncio.Future[Message]] = {}
        self._last = 0
        self._unsent: deque[tuple[bytes, list[int]]] = deque()
        self.closed = False
        self._loop.add_reader(sock, self._read)

    @property
    def waiting(self) -> int:
        """How many questions have no answer yet."""
        return len(self._asked)

    def ask(self, message: Message, descriptors: Sequence[int] = ()) -> asyncio.Future[Message]:
        """Send a message, with duplicates of these descriptors. The future has the answer, or fails
        with `Refused`."""
        answered: asyncio.Future[Message] = self._loop.create_future()
        answered.add_done_callback(_retrieve)
        if self.closed:
            answered.set_exception(Refused("the other process has closed the connection"))
            return answered
        self._last += 1
        self._asked[self._last] = answered
        self._send({**message, "id": self._last}, descriptors)
        return answered

    def close(self) -> None:
        """Idempotent. What was asked fails."""
        if self.closed:
            return
        self.closed = True
        self._loop.remove_reader(self._sock)
        self._loop.remove_writer(self._sock)
        self._sock.close()
        for _, descriptors in self._unsent:
            close_all(descriptors)
        self._unsent.clear()
        asked, self._asked = self._asked, {}
        for answered in asked.values():
            if not answered.done():
                answered.set_exception(Refused("the other process has closed the connection"))
        for callback in self.on_closed:
            callback()

    def _send(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        packet = orjson.dumps(message)
        if not self._unsent and self._try_send(packet, descriptors):
            return
        if not self.closed:
            self._unsent.append((packet, [os.dup(one) for one in descriptors]))
            self._loop.add_writer(self._sock, self._write)

    def _try_send(self, packet: bytes, descriptors: Sequence[int]) -> bool:
        try:
            send_packet(self._sock, packet, descriptors)
        except BlockingIOError:
            return False
        except OSError:
            self.close()
        return True

    def _write(self) -> None:
        while self._unsent:
            packet, descriptors = self._unsent[0]
            if not self._try_send(packet, descriptors):
                return
            if self.closed:
                return
            self._unsent.popleft()
            close_all(descriptors)
        self._loop.remove_writer(self._sock)

    def _read(self) -> None:
        for _ in range(READS):
            try:
                found = receive_packet(self._sock)
            except BlockingIOError:
                return
            except (OSError, ValueError):
                found = None
            if found is None:
                return self.close()
            self._take(*found)
            if self.closed:
                return

    def _take(self, message: Message, descriptors: list[int]) -> None:
        if (number := message.get("answers")) is not None:
            close_all(descriptors)
            answered = self._asked.pop(number, None)
            if answered and not answered.done():
                answered.set_result(message)
            return
        number = message.get("id")

        def reply(answer: Message, passed: Sequence[int]) -> None:
            if not self.closed:
                self._send({**answer, "answers": number}, passed)

        try:
            self._answer(self, message, descriptors, reply)
        except Exception:
            logger.exception("another process cannot be answered")
            self.close()


def _retrieve(answered: asyncio.Future[Message]) -> None:
    """Not everybody waits for an answer; asyncio would log its error."""
    if not answered.cancelled():
        answered.exception()


def connect(path: Path, seconds: float) -> socket.socket:
    """A connection to the door at `path`, with this limit for each call. Blocks for a moment at
    most. Raises `Refused` if no process of this user answers."""
    if not SUPPORTED:
        raise Refused("this system cannot pass connections to another process")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.settimeout(seconds)
    try:
        with address_of(path) as address:
            sock.connect(address)
        if not is_ours(sock):
            raise Refused("it runs as another user")
    except OSError as error:
        sock.close()
        raise Refused(error.strerror or str(error)) from None
    except Refused:
        sock.close()
        raise
    return sock


def call(sock: socket.socket, message: Message) -> tuple[Message, list[int]]:
    """Ask and wait for the answer, before there is a loop. Raises `Refused`."""
    try:
        send_packet(sock, orjson.dumps({**message, "id": 0}))
        found = receive_packet(sock)
    except (OSError, ValueError) as error:
        raise Refused(str(error) or "it does not answer") from None
    if found is None:
        raise Refused("it has ended meanwhile")
    return found


def send_packet(sock: socket.socket, packet: bytes, descriptors: Sequence[int] = ()) -> None:
    rights = array("i", descriptors).tobytes()
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)] if descriptors else []
    sock.sendmsg([packet], ancillary)


def receive_packet(sock: socket.socket) -> tuple[Message, list[int]] | None:
    """The next message and its descriptors; None if the other process has closed the connection.
    Raises `ValueError` if a packet is malformed."""
    size = socket.CMSG_SPACE(MAX_DESCRIPTORS * array("i").itemsize)
    flags = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
    packet, ancillary, received, _ = sock.recvmsg(MAX_PACKET, size, flags)
    descriptors = array("i")
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
    try:
        if received & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
            raise ValueError("a packet is too large")
        if not packet:
            return None
        message = orjson.loads(packet)
        if not isinstance(message, dict):
            raise ValueError("a packet is no object")
    except ValueError:
        close_all(descriptors)
        raise
    return message, list(descriptors)


def is_ours(sock: socket.socket) -> bool:
    """Whether the process at the other end belongs to the same user."""
    return peer_of(sock)[1] == os.geteuid()


def peer_of(sock: socket.socket) -> tuple[int, int]:
    """The id of the process at the other end, and that of its user, as the kernel knows them."""
    if sys.platform != "linux":
        return 0, -1
    found = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid, user, _ = struct.unpack("3i", found)
    return pid, user


def in_memory(data: bytes) -> int:
    """A descriptor of a file that is only in memory, with this content: bytes of any number can be
    passed with it."""
    if sys.platform != "linux":
        raise OSError("this system has no files that are only in memory")
    descriptor = os.memfd_create("passed")
    with open(descriptor, "wb", closefd=False) as file:
        file.write(data)
    return descriptor


def read_whole(descriptor: int) -> bytes:
    """The content of such a file. Closes it."""
    with open(descriptor, "rb") as file:
        file.seek(0)
        return file.read()


def close_all(descriptors: Sequence[int]) -> None:
    for one in descriptors:
        with suppress(OSError):
            os.close(one)


@contextmanager
def address_of(path: Path) -> Iterator[str]:
    """The address of a socket at `path`, which may be longer than addresses can be."""
    if len(os.fsencode(path)) <= LONGEST_ADDRESS:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)
