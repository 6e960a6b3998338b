"""What the store has besides conversations: presets, defaults, waiting questions, calls of tools,
the ledger and sessions.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import asyncpg

from tornado_stream.store.base import (
    Begun,
    Progress,
    Session,
    Store,
    StoredGeneration,
    UsageRow,
    WaitingQuestion,
)
from tornado_stream.store.postgres import (
    calls,
    ledger,
    presets,
    prompts,
    sessions,
    tries,
    waiting_questions,
)
from tornado_stream.store.postgres.connections import Pool, Server
from tornado_stream.values.calls import Call
from tornado_stream.values.defaults import Defaults
from tornado_stream.values.presets import Preset
from tornado_stream.values.tries import TryLimit


class PersonalStore(Store):
    """The part of `PostgresStore` that this module is about."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._writer = Pool(server, 1, lambda seconds: self.on_commit(seconds))
        self._reader = Pool(server, 2)

    async def settle(self, spent: list[Progress], begun: Sequence[Begun] = ()) -> None:
        await self._writer.transact(self._settle, spent, begun)

    async def _settle(
        self, db: asyncpg.Connection, spent: list[Progress], begun: Sequence[Begun]
    ) -> None:
        await ledger.begin(db, self.instance, begun)
        await ledger.settle(db, spent)

    async def settle_lost(self) -> None:
        await self._writer.repeat(ledger.settle_lost)

    async def usage(
        self, by: str, first: int, last: int, *, currency: str = "", everybody: bool = False
    ) -> list[UsageRow]:
        owner = None if everybody else self.owner
        return await self._reader.read(ledger.usage, owner, by, first, last, currency)

    async def spent_since(self, day: int, owner: str | None = None) -> dict[str, tuple[int, int]]:
        return await self._reader.read(ledger.spent_since, day, owner)

    async def prompt_lengths(self, answers: Sequence[StoredGeneration]) -> list[int]:
        return await self._reader.read(prompts.lengths, answers)

    async def answering(self) -> int:
        return await self._reader.read(ledger.answering, self.owner)

    async def begin_call(self, generation_id: str, call: Call) -> None:
        await self._writer.transact(calls.begin, self.owner, self.instance, generation_id, call)

    async def end_call(self, generation_id: str, call: Call) -> None:
        await self._writer.repeat(calls.end, self.owner, generation_id, call)

    async def undecided(self, message_ids: Sequence[str]) -> frozenset[str]:
        return await self._reader.read(calls.undecided, self.owner, message_ids)

    async def calls(self, generation_ids: Collection[str]) -> dict[str, list[Call]]:
        return await self._reader.read(calls.calls, generation_ids)

    async def presets(self) -> list[Preset]:
        return await self._reader.read(presets.presets, self.owner)

    async def add_preset(self, preset: Preset) -> None:
        await self._writer.transact(presets.add, self.owner, preset)

    async def change_preset(self, preset: Preset) -> None:
        await self._writer.transact(presets.change, self.owner, preset)

    async def delete_preset(self, id: str) -> None:
        await self._writer.transact(presets.delete, self.owner, id)

    async def delete_presets(self) -> None:
        await self._writer.repeat(presets.delete_all, self.owner)

    async def defaults(self) -> Defaults:
        return await self._reader.read(presets.defaults, self.owner)

    async def save_defaults(self, new: Defaults) -> None:
        await self._writer.transact(presets.save_defaults, self.owner, new)

    async def delete_defaults(self) -> None:
        await self._writer.repeat(presets.delete_defaults, self.owner)

    async def waiting(self, conversation_id: str) -> WaitingQuestion | None:
        return await self._reader.read(waiting_questions.waiting, self.owner, conversation_id)

    async def put_waiting(self, question: WaitingQuestion) -> WaitingQuestion:
        return await self._writer.repeat(waiting_questions.put, self.owner, question)

    async def delete_waiting(
        self, conversation_id: str, request_id: str | None = None, version: int | None = None
    ) -> None:
        arguments = self.owner, conversation_id, request_id, version
        await self._writer.repeat(waiting_questions.delete, *arguments)

    async def sessions(self) -> list[Session]:
        return await self._reader.read(sessions.sessions)

    async def save_session(self, session: Session) -> None:
        await self._writer.repeat(sessions.save, session)

    async def delete_sessions(self, ids: list[str]) -> None:
        await self._writer.repeat(sessions.delete, ids)

    async def count_try(self, limits: Mapping[bytes, TryLimit]) -> dict[bytes, tuple[int, float]]:
        return await self._writer.transact(tries.count, limits)

    async def forget_tries(self, keys: Sequence[bytes]) -> None:
        await self._writer.repeat(tries.forget, keys)

    async def last_uses(self) -> dict[str, int]:
        return await self._reader.read(sessions.last_uses)

    async def save_last_uses(self, uses: dict[str, int | None]) -> None:
        await self._writer.repeat(sessions.save_last_uses, uses)
