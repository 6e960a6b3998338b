"""Carries out what commands have left in the users' file to the process that has the database.

A command cannot delete conversations or end sessions beside a running server. It writes an order
into the users' file; the server, or the command itself where no server runs, carries it out.

The rule: an order stays in the file until nothing is left to do, so no crash loses it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from tornado_stream.auth.sessions import Sessions
from tornado_stream.auth.users_file import (
    DELETE_CONVERSATIONS,
    Order,
    changing_users,
    read_users,
)
from tornado_stream.chat.conversations import ConversationService
from tornado_stream.store.base import OpenError, StoreError

logger = logging.getLogger(__name__)


class Orders:
    """The orders in the users' file at `path`."""

    def __init__(
        self,
        path: Path,
        sessions: Sessions,
        conversations: ConversationService,
        stop_imports: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self._path = path
        self._sessions = sessions
        self._conversations = conversations
        self._stop_imports = stop_imports
        self._failed = False  # the last try failed, and the log says why

    async def carry_out(self, orders: list[Order]) -> bool:
        """Carry out the orders, and remove them from the file. Returns whether all are done; the
        log says why one is not. An order is tried again with the next call."""
        try:
            for order in orders:
                await self._sessions.end_those_of(order.owner, order.session, before=order.given_at)
                if order.action == DELETE_CONVERSATIONS:
                    await self._delete_conversations(order.owner)
            if orders:
                await asyncio.to_thread(self._remove, list(orders))
        except (StoreError, OpenError) as error:
            if not self._failed:
                logger.warning("an order of a command is not carried out yet: %s", error)
            self._failed = True
            return False
        self._failed = False
        return True

    async def _delete_conversations(self, owner: str) -> None:
        """A request that had passed the login may add one more conversation meanwhile."""
        if self._stop_imports:
            await self._stop_imports(owner)
        total = 0
        while count := await self._conversations.forget(owner):
            total += count
        logger.info("%d conversations of the removed user %s are deleted", total, owner)

    def _remove(self, orders: list[Order]) -> None:
        if read_users(self._path).orders:
            with changing_users(self._path) as users:
                users.orders = [order for order in users.orders if order not in orders]
