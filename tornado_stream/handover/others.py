"""The other processes of a data directory, by their doors."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from tornado_stream.auth.authenticator import Authenticator
from tornado_stream.handover.departure import CALL
from tornado_stream.handover.offer import CONTROL, door_of
from tornado_stream.handover.questions import metrics_of
from tornado_stream.net.passing import (
    Answer,
    Channel,
    Message,
    Refused,
    connect,
    in_memory,
    read_whole,
)
from tornado_stream.store.base import Store

#: The doors of all processes.
DOORS = "control-*.sock"
#: Seconds between two looks whether the others have ended.
PAUSE = 0.05
#: Seconds that a client waits until the others know what it has changed.
PATIENCE = 5.0


class Others:
    """The processes beside this one, which has this `store` open. `answer` is for what they ask."""

    def __init__(self, directory: Path, store: Store, answer: Answer) -> None:
        self._directory = directory
        self._store = store
        self._answer = answer
        self._name = store.instance

    @property
    def names(self) -> list[str]:
        """The instances of the processes that have a door."""
        names = [path.stem.removeprefix("control-") for path in self._directory.glob(DOORS)]
        return [name for name in names if name != self._name]

    async def end(
        self,
        channels: Sequence[Channel],
        seconds: float,
        hurry: asyncio.Future[Any],
        *,
        beside_workers: bool,
    ) -> None:
        """Tell the processes that have left, over these channels from them, to end; wait for it for
        so many seconds, or until `hurry` is done. The other workers are not waited for."""
        for channel in channels:
            channel.ask({"ends": True})

        def lives() -> bool:
            if beside_workers:
                return not all(channel.closed for channel in channels)
            return any(map(self._store.is_alive, self.names))

        now = asyncio.get_running_loop().time
        due = now() + seconds
        while lives() and not hurry.done() and now() < due:  # noqa: ASYNC110
            await asyncio.sleep(PAUSE)

    async def who_has(self, owner: str, id: str) -> str:
        """The instance of the process that has an answer only in memory; "" if none has."""
        for name in self.names:
            answer = await self.ask(name, {"knows": [owner, id]})
            if answer and answer["knows"]:
                return name
        return ""

    async def tell_sessions(self) -> None:
        """Let them read the users and the sessions, before a client uses one of this process."""
        await self._ask_all({"sessions": True}, PATIENCE)

    async def tell_imports(self) -> None:
        """Let them see an import, before its client asks for it."""
        await self._ask_all({"imports": True}, PATIENCE)

    async def metrics(self) -> list[str]:
        """Their metrics, as texts."""
        return [metrics_of(answer) for answer in await self._ask_all({"metrics": True}, CALL)]

    async def items(self, owner: str, ids: Sequence[str]) -> list[bytes]:
        """What they remember of an owner's items of responses, as `RememberedItems.dump` makes it.
        They write it into the file in which the question comes."""
        found = []
        for name in self.names:
            with suppress(OSError):
                file = in_memory(orjson.dumps([owner, ids]))
                answer = await self.ask(name, {"items": True}, CALL, [file])
                dumped = read_whole(file)
                if answer and "refused" not in answer:
                    found.append(dumped)
        return found

    def leader(self) -> str:
        """The instance of the process that leads; "" if it is this one, or none can be found."""
        try:
            name = Path(os.readlink(self._directory / CONTROL)).stem.removeprefix("control-")
        except OSError:
            return ""
        return "" if name == self._name else name

    async def _ask_all(self, message: Message, seconds: float) -> list[Message]:
        answers = await asyncio.gather(*(self.ask(name, message, seconds) for name in self.names))
        return [answer for answer in answers if answer is not None and "refused" not in answer]

    async def ask(
        self, name: str, message: Message, seconds: float = CALL, files: Sequence[int] = ()
    ) -> Message | None:
        """What the process answers; None if it does not within this time."""
        with suppress(Refused, TimeoutError):
            channel = Channel(connect(door_of(self._directory, name), CALL), self._answer)
            try:
                return await asyncio.wait_for(channel.ask(message, files), seconds)
            finally:
                channel.close()
        return None

    def remove_stale_doors(self) -> None:
        """Remove the doors of processes that are dead."""
        is_alive = self._listens if self._store.tails else self._store.is_alive
        for name in self.names:
            if not is_alive(name):
                with suppress(OSError):
                    os.unlink(door_of(self._directory, name))

    def _listens(self, name: str) -> bool:
        """The same for a store that does not know at once who is alive."""
        try:
            connect(door_of(self._directory, name), CALL).close()
        except Refused:
            return False
        return True


async def pass_tries(auth: Authenticator, channel: Channel) -> None:
    """Let the process at the other end go on with the waits after wrong passwords."""
    known = auth.known_tries()
    if any(known):
        with suppress(Refused, OSError):
            descriptor = in_memory(orjson.dumps(known))
            asked = channel.ask({"tries": True}, [descriptor])
            os.close(descriptor)
            await asked
