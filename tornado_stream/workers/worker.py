"""A worker as it sees itself, and the words that it exchanges with the supervisor.

The rule: a word says what has happened or what is to be done, and is said once. Whoever hears no
more of the other knows that it has died: the system closes the socket between them.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tornado_stream.net.board import Part

#: A worker says that it serves, that another server has taken over from it (the one that gave it
#: the sockets also says which process that is), and that this server has died, so that it serves
#: again. The supervisor passes the last word on to the others.
READY, LEFT, BACK = b"ready", b"left", b"back"
#: The supervisor tells a worker to do what only one process does, to print where the server is, and
#: to leave to the server that has taken over.
LEAD, PRINT, LEAVE = b"lead", b"print", b"leave"
#: Bytes of the longest word.
LONGEST = 32


@dataclass(frozen=True)
class Worker:
    """One of the processes that serve: its number, from 0 on, and the socket to the supervisor,
    whose process id is `supervisor`. `leads` says that it begins as the one that leads. `part`
    counts what all workers count together."""

    number: int
    socket: socket.socket
    supervisor: int
    leads: bool
    part: Part

    def tell(self, word: bytes, number: int = 0) -> None:
        """Say a word to the supervisor, if it is still there, and perhaps a process id."""
        with suppress(OSError):
            self.socket.send(b"%b %d" % (word, number) if number else word)

    def listen(self, on: Mapping[bytes, Callable[[], object]], on_end: Callable[[], None]) -> None:
        """From now on, call what belongs to each word of the supervisor, and `on_end` when it has
        died. Call it on the loop."""
        self.socket.setblocking(False)
        loop = asyncio.get_running_loop()

        def read() -> None:
            try:
                word = self.socket.recv(LONGEST)
            except BlockingIOError:
                return
            except OSError:
                word = b""
            if not word:
                loop.remove_reader(self.socket)
                on_end()
            elif call := on.get(word):
                call()

        loop.add_reader(self.socket, read)
