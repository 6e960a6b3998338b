"""Shared links: what their owner has allowed, and which messages they may show. Pure.

The rule: nobody can compute a link from a `Share`. It has the digest of the link's token alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

#: Shared links of one owner, and the most days that one lasts.
MAX_SHARES, MAX_DAYS = 200, 365


@dataclass(frozen=True, slots=True)
class Share:
    """A link to one branch of a conversation: the messages from the root to `leaf_id`. If it is
    `live`, also what follows these in the branch that the owner sees. `with_files`: with the files
    of the messages. `digest` is the SHA-256 of the token. Times are in milliseconds since the
    epoch; `expires_at` is None for a link that lasts until it is revoked. `title` is that of the
    conversation, for the owner, where the share was read in a list.
    """

    id: str
    digest: str
    owner: str
    conversation_id: str
    leaf_id: str
    live: bool
    with_files: bool
    created_at: int
    expires_at: int | None
    title: str = ""

    def is_over(self, now: int) -> bool:
        """Whether the link has expired at this time, in milliseconds since the epoch."""
        return self.expires_at is not None and self.expires_at <= now

    def to_json(self) -> dict[str, Any]:
        """The share as its owner sees it. The link itself is told only once."""
        return {
            "id": self.id,
            "conversation_id": self.conversation_id,
            "title": self.title,
            "leaf_id": self.leaf_id,
            "live": self.live,
            "files": self.with_files,
            "created_at": self.created_at,
            "expires_at": self.expires_at,
        }


class BranchMessage(NamedTuple):
    """A message of a branch without its text: its place (see `Store.messages_at`), its id, the
    answer that it is, the ids of its files, and whether it is being written."""

    place: int
    id: str
    generation_id: str | None
    files: tuple[str, ...]
    running: bool
