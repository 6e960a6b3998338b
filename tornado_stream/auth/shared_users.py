"""Logins of several servers over one database: what one of them changes counts at all.

Each has a copy of the users' file, see `store.shared_file`, and the sessions in memory.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from tornado.ioloop import IOLoop

from tornado_stream.auth.authenticator import Authenticator
from tornado_stream.auth.users_file import share_users
from tornado_stream.store import shared_file
from tornado_stream.store.base import OpenError, Store, StoreError

logger = logging.getLogger(__name__)


def share_users_file(database: str | None, path: Path) -> Callable[[], None]:
    """Bring the users' file up to date, and let every change of it go to the database first.
    Returns what brings it up to date again. Without a database, does nothing. Raises `OpenError`.
    """
    if database is None:
        return lambda: None
    shared = shared_file(database, path)
    shared.fetch()
    share_users(path, shared.changing)
    return shared.fetch


def follow_others(store: Store, auth: Authenticator, fetch_users: Callable[[], None]) -> None:
    """Tell the other servers of sessions, and read what they tell of sessions and users."""

    async def read_sessions(read: Callable[[], Awaitable[None]]) -> None:
        await auth.refresh()
        with suppress(StoreError):
            await read()

    async def read_users() -> None:
        try:
            await asyncio.to_thread(fetch_users)
        except OpenError as error:
            logger.warning("the users cannot be read: %s", error)

    if store.tails:
        call = IOLoop.current().add_callback
        auth.tell(store.tell_sessions)
        store.hints.sessions = partial(call, read_sessions)
        store.hints.file = partial(call, read_users)
