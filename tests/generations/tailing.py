"""The store in memory, whose instances read each other's answers as those of a database do."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from store.memory import MemoryStore

from tornado_stream.store.base import Appended, Fenced, Progress, StoredGeneration
from tornado_stream.store.tail_base import Gap, Hints, Tail


class TailingMemory(MemoryStore):
    """`all` are the instances that share it. What they say is heard at once."""

    tails = True
    interval = 0.1

    def __init__(self) -> None:
        super().__init__()
        self.hints = Hints()
        self.all = [self]
        self._watched: set[str] = set()

    def beside(self) -> TailingMemory:
        other = super().beside()
        assert isinstance(other, TailingMemory)
        other.hints = Hints()
        self.all.append(other)
        return other

    @property
    def alone(self) -> bool:
        return False

    def die(self) -> None:
        """End as a killed process does."""
        self._living.discard(self.instance)
        self._closed.append(True)

    def fence(self) -> None:
        """Let the others take this instance for dead."""
        self._living.discard(self.instance)

    def lose(self, id: str, count: int) -> None:
        """Lose the last frames of a log, as a standby that takes over."""
        del self._generations[id].frames[-count:]

    async def append(self, batch: list[Progress]) -> Appended:
        self._check_open()
        if batch and self.instance not in self._living:
            raise Fenced
        stored = {one.generation_id: self._generations.get(one.generation_id) for one in batch}
        lengths = {id: len(one.frames) for id, one in stored.items() if one}
        if short := {
            one.generation_id: lengths[one.generation_id]
            for one in batch
            if one.first > lengths.get(one.generation_id, one.first) + 1
        }:
            raise Gap(short)
        found = await super().append(batch)
        ids = self._watched & {progress.generation_id for progress in batch}
        for one in self.all if ids else ():
            one.hints.logs(ids)
        return found

    async def orphans(self) -> list[StoredGeneration]:
        if not self._closed and self.instance not in self._living:
            self.instance += "'"
            self._living.add(self.instance)
            raise Fenced
        return await super().orphans()

    async def ask_stop(self, id: str) -> None:
        await super().ask_stop(id)
        for one in self.all:
            one.hints.stop()

    async def watch(self, ids: Collection[str]) -> None:
        self._check_open()
        self._watched.update(ids)
        for one in self.all:
            one.hints.watched(ids)

    async def tail(self, cursors: Mapping[str, int]) -> list[Tail]:
        self._check_open()
        tails = []
        for id, cursor in cursors.items():
            stored = self._generations.get(id)
            frames = list(stored.frames[cursor:]) if stored else []
            running = stored is not None and stored.message.state == "running"
            if frames or not running:
                tails.append(Tail(id, frames, running, gone=stored is None))
        return tails

    async def generations(self, owners: Mapping[str, str]) -> list[StoredGeneration]:
        found = [await self.for_owner(owner).generation(id) for id, owner in owners.items()]
        return [stored for stored in found if stored]

    async def running_here(self) -> dict[str, str]:
        self._check_open()
        all = self._generations.values()
        mine = [one for one in all if one.instance == self.instance]
        return {one.id: one.owner for one in mine if one.message.state == "running"}

    async def answering(self) -> int:
        all = [one for one in self._generations.values() if one.owner == self.owner]
        return sum(one.message.state == "running" for one in all)
