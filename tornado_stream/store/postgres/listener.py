"""What the instances of a database say to each other, by PostgreSQL's NOTIFY: hints, in words.

    stop INSTANCE   an answer of this instance is to be stopped
    watch ID …      the sender has readers of these answers
    log ID …        these logs have grown or ended, and somebody watches them
    sessions INSTANCE NUMBER   sessions have begun or ended, says this instance
    file            a shared file has changed
    read INSTANCE NUMBER       the sender has read them

The rule: nobody relies on a hint. A connection that broke is noticed with the next look.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from functools import partial
from itertools import count
from time import monotonic

import asyncpg

from tornado_stream.store.postgres import instances
from tornado_stream.store.postgres.connections import Server
from tornado_stream.store.tail_base import Hints

CHANNEL = "tornado_stream"
#: Bytes of one notification; PostgreSQL takes less than 8000.
LARGEST = 7000
#: Seconds to wait until all others have read the sessions.
READING = 3.0
#: Seconds for which a watch holds.
WATCHED = 3.0


async def notify(db: asyncpg.Connection, *words: str) -> None:
    """Tell all instances, once the transaction is committed. Ids may need several messages."""
    for message in _messages(words):
        await db.execute("SELECT pg_notify($1, $2)", CHANNEL, message)


def _messages(words: Iterable[str]) -> list[str]:
    kind, *ids = words
    messages = [kind]
    for id in ids:
        if len(messages[-1]) + len(id) > LARGEST:
            messages.append(kind)
        messages[-1] += f" {id}"
    return messages


async def _nobody_waits() -> None: ...


class Listener:
    """The connection that listens, and says that this instance lives. `instance` is the name of
    this one; `say` sends the words of a message to all."""

    def __init__(self, server: Server, say: Callable[..., Awaitable[None]]) -> None:
        self.hints = Hints()
        self.instance = ""
        self._server = server
        self._db: asyncpg.Connection | None = None
        self._renewing = asyncio.Lock()
        self._watched: dict[str, float] = {}  # answer → until when somebody else reads it
        self._say = say
        #: By the number of each message: who has not read the sessions yet.
        self._unread: dict[str, tuple[set[str], asyncio.Future[None]]] = {}
        self._numbers = count(1)

    async def renew(self) -> None:
        """Say that this instance lives, which also shows whether the connection works. Nothing else
        waits on this one, however long the others take. Raises whatever is in the way."""
        async with self._renewing:
            if self._db and not self._db.is_closed():
                try:
                    await instances.renew(self._db, self.instance)
                    return
                except Exception:
                    self._db.terminate()
            is_first = self._db is None
            self._db = await self._server.connect()
            await self._db.add_listener(CHANNEL, self._hear)
            if not is_first:  # nobody knows what was said meanwhile
                self.hints.stop()
                self.hints.sessions(_nobody_waits)
                self.hints.file()
            await instances.renew(self._db, self.instance)

    def watched(self, ids: Iterable[str]) -> list[str]:
        """Those of these answers that others read."""
        if not self._watched:
            return []
        now = monotonic()
        self._watched = {id: until for id, until in self._watched.items() if until > now}
        return [*self._watched.keys() & set(ids)]

    async def tell_sessions(self, others: Collection[str]) -> None:
        """See `TailStore.tell_sessions`."""
        number = str(next(self._numbers))
        reading = asyncio.get_running_loop().create_future()
        self._unread[number] = set(others), reading
        try:
            await self._say("sessions", self.instance, number)
            if others:
                await asyncio.wait({reading}, timeout=READING)
        finally:
            del self._unread[number]

    async def close(self) -> None:
        if self._db:
            try:
                await asyncio.wait_for(self._db.close(), instances.PROMPT)
            except Exception:  # it was broken, and is closed now
                self._db.terminate()

    def _hear(self, _: object, pid: int, channel: str, message: str) -> None:
        kind, *ids = message.split()
        if kind == "stop" and ids == [self.instance]:
            self.hints.stop()
        elif kind == "log":
            self.hints.logs(ids)
        elif kind == "watch":
            self._watched.update(dict.fromkeys(ids, monotonic() + WATCHED))
            self.hints.watched(ids)
        elif kind == "sessions" and ids[0] != self.instance:
            self.hints.sessions(partial(self._say, "read", *ids, self.instance))
        elif kind == "file":
            self.hints.file()
        elif kind == "read" and ids[0] == self.instance:
            unread, reading = self._unread.get(ids[1], (set(), None))
            unread.discard(ids[2])
            if reading and not unread and not reading.done():
                reading.set_result(None)
