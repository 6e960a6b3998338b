"""The calls of `SQLiteStore`: each method is work for one of the database's threads."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from tornado_stream.store import calls
from tornado_stream.store.call_base import CallStore
from tornado_stream.values.calls import Call

if TYPE_CHECKING:
    from tornado_stream.store.database import Database


class SQLiteCalls(CallStore):
    """See `CallStore`."""

    owner: str
    instance: str
    _database: Database

    async def begin_call(self, generation_id: str, call: Call) -> None:
        await self._database.write_through(
            calls.begin, self.owner, self.instance, generation_id, call
        )

    async def end_call(self, generation_id: str, call: Call) -> None:
        await self._database.write(calls.end, self.owner, generation_id, call)

    async def undecided(self, message_ids: Sequence[str]) -> frozenset[str]:
        return await self._database.reader.transact(calls.undecided, self.owner, message_ids)

    async def calls(self, generation_ids: Collection[str]) -> dict[str, list[Call]]:
        return await self._database.reader.transact(calls.calls, generation_ids)
