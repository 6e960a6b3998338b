"""Shared links, for their owner: creating one, listing them, taking one back."""

from __future__ import annotations

from typing import Any

from tornado_stream.chat.shares import Shares
from tornado_stream.handlers.base import BaseHandler
from tornado_stream.handlers.streams import optional_text
from tornado_stream.values.errors import InvalidRequest
from tornado_stream.values.shares import MAX_DAYS

#: Days that a link lasts if the request does not say it.
DAYS = 7


class _OwnersHandler(BaseHandler):
    @property
    def shares(self) -> Shares:
        """The routes are there only where links can be shared."""
        assert self.application.shares
        return self.application.shares


class SharesOfConversationHandler(_OwnersHandler):
    """Creates a link to a branch of one conversation."""

    audited = {"POST": "share_create"}

    async def post(self, id: str) -> None:
        body = self.read_json()
        leaf_id = optional_text(body, "leaf_id")
        if leaf_id is None:
            raise InvalidRequest("leaf_id is required: the last message that the link shows.")
        share, token = await self.shares.add(
            self.owner,
            id.lower(),
            leaf_id.lower(),
            live=_tick(body, "live"),
            files=_tick(body, "files"),
            days=_days(body),
        )
        scheme = "https" if self.is_https else self.request.protocol
        base = f"{scheme}://{self.request.host}{self.application.config.base_path}"
        self.set_status(201)
        self.write_json(
            {"id": share.id, "url": f"{base}/s/{token}", "expires_at": share.expires_at}
        )


class SharesHandler(_OwnersHandler):
    """All links of the user. None of them tells the link again."""

    async def get(self) -> None:
        self.set_header("Cache-Control", "no-cache")
        shares = await self.shares.of(self.owner)
        self.write_json({"shares": [share.to_json() for share in shares]})


class ShareHandler(_OwnersHandler):
    """Takes a link back."""

    audited = {"DELETE": "share_revoke"}

    async def delete(self, id: str) -> None:
        await self.shares.revoke(self.owner, id.lower())
        self.set_status(204)


def _tick(body: dict[str, Any], name: str) -> bool:
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise InvalidRequest(f"{name} must be true or false.")
    return value


def _days(body: dict[str, Any]) -> int | None:
    days = body.get("days", DAYS)
    if days is not None and not (type(days) is int and 1 <= days <= MAX_DAYS):
        raise InvalidRequest(
            f"days must be a number from 1 to {MAX_DAYS}, or null for a link that lasts."
        )
    return days
