"""How `SQLiteStore` adopts conversations: as work for the thread that writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tornado_stream.store import adopting
from tornado_stream.store.extent import Extent
from tornado_stream.values.messages import Conversation, Message

if TYPE_CHECKING:
    from tornado_stream.store.database import Database


class SQLiteAdopting:
    """See `Store.adopt`. What is adopted is indexed slowly as long as more of it comes."""

    owner: str
    _database: Database
    _largest: Extent

    async def adopt(
        self,
        conversation: Conversation,
        messages: Sequence[Message],
        before: Callable[[bool], None] = lambda is_new: None,
    ) -> bool:
        self._database.tidy_seldom()
        return await self._database.write(
            adopting.adopt, self.owner, self._largest, conversation, messages, before
        )
