"""The part of a store's contract that is about shared links.

The rule: a share is there only while its conversation is. What a link is allowed to show is decided
by `chat/shares.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection

from tornado_stream.values.shares import BranchMessage, Share


class ShareStore(ABC):
    """The shared links of one owner. Methods fail as those of `Store` do."""

    @abstractmethod
    async def add_share(self, share: Share) -> None:
        """Store a new share. The owner's shares that had expired when it was created are deleted.

        Raises `NotFound` if its conversation does not exist or does not have its leaf, and
        `Conflict` `too_many_shares`.
        """

    @abstractmethod
    async def shares(self) -> list[Share]:
        """The owner's shares with the titles of their conversations, also expired ones, in the
        order in which they were added."""

    @abstractmethod
    async def delete_share(self, id: str) -> None:
        """Delete one share. Raises `NotFound`."""

    @abstractmethod
    async def delete_shares(self) -> None:
        """Delete all shares of the owner."""

    @abstractmethod
    async def share_with(self, digest: str) -> Share | None:
        """The share of any owner that has this digest; it may have expired."""

    @abstractmethod
    async def standing_shares(self, ids: Collection[str]) -> frozenset[str]:
        """Those of these shares, of all owners, that were not deleted."""

    @abstractmethod
    async def branch(self, leaf_id: str) -> list[BranchMessage]:
        """The messages from the root to this one, in order; empty if it does not exist. An answer
        that is being written has the files that `add_file` has given it so far."""
