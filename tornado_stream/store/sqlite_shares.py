"""The shared links of `SQLiteStore`: each method is work for one of the database's threads."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from tornado_stream.store import shares
from tornado_stream.store.share_base import ShareStore
from tornado_stream.values.shares import BranchMessage, Share

if TYPE_CHECKING:
    from tornado_stream.store.database import Database


class SQLiteShares(ShareStore):
    """See `ShareStore`. A deletion works on a full disk too (`_with_room`)."""

    owner: str
    _database: Database
    _with_room: Callable[..., Any]

    async def add_share(self, share: Share) -> None:
        await self._database.write(shares.add, self.owner, share)

    async def shares(self) -> list[Share]:
        return await self._database.reader.transact(shares.shares, self.owner)

    async def delete_share(self, id: str) -> None:
        await self._with_room(shares.delete, self.owner, id)

    async def delete_shares(self) -> None:
        await self._with_room(shares.delete_all, self.owner)

    async def share_with(self, digest: str) -> Share | None:
        return await self._database.reader.transact(shares.with_digest, digest)

    async def standing_shares(self, ids: Collection[str]) -> frozenset[str]:
        return await self._database.reader.transact(shares.standing, ids)

    async def branch(self, leaf_id: str) -> list[BranchMessage]:
        return await self._database.reader.transact(shares.branch, self.owner, leaf_id)
