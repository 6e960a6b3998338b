"""The shared links of `PostgresStore`: work for the instance's connections."""

from __future__ import annotations

from collections.abc import Collection

from tornado_stream.store.postgres import shares
from tornado_stream.store.postgres.connections import Pool
from tornado_stream.store.share_base import ShareStore
from tornado_stream.values.shares import BranchMessage, Share


class PostgresShares(ShareStore):
    """See `ShareStore`."""

    owner: str
    _writer: Pool
    _reader: Pool

    async def add_share(self, share: Share) -> None:
        await self._writer.transact(shares.add, self.owner, share)

    async def shares(self) -> list[Share]:
        return await self._reader.read(shares.shares, self.owner)

    async def delete_share(self, id: str) -> None:
        await self._writer.transact(shares.delete, self.owner, id)

    async def delete_shares(self) -> None:
        await self._writer.repeat(shares.delete_all, self.owner)

    async def share_with(self, digest: str) -> Share | None:
        return await self._reader.read(shares.with_digest, digest)

    async def standing_shares(self, ids: Collection[str]) -> frozenset[str]:
        return await self._reader.read(shares.standing, ids)

    async def branch(self, leaf_id: str) -> list[BranchMessage]:
        return await self._reader.read(shares.branch, self.owner, leaf_id)
