"""What commands read and write in the server's store, wherever that is."""

from __future__ import annotations

import asyncio

from tornado_stream.settings import SettingError, Settings
from tornado_stream.store import open_store
from tornado_stream.store.base import Session, Store, StoreError
from tornado_stream.store.extent import Extent
from tornado_stream.store.snapshot import DATABASE, BadDatabase, read_sessions


def has_store(settings: Settings) -> bool:
    """Whether there is one; without a server that has run, there is none in a data directory."""
    return bool(settings.database) or (settings.data_dir / DATABASE).exists()


async def opened_store(settings: Settings) -> Store:
    """Open the store. Raises `OpenError`: in a data directory, a running server has it."""
    store = open_store(
        settings.data_dir,
        database=settings.database,
        synchronous=settings.synchronous,
        largest=Extent(settings.max_stored_conversation, settings.max_messages),
    )
    await store.open()
    return store


def stored_sessions(settings: Settings) -> tuple[list[Session], dict[str, int]]:
    """The sessions, and the times of last uses, also beside a running server. Raises
    `SettingError` or `OpenError`."""
    if settings.database:
        return asyncio.run(_from_database(settings))
    try:
        return read_sessions(settings.data_dir / DATABASE)
    except BadDatabase as error:
        raise SettingError(str(error)) from None


async def _from_database(settings: Settings) -> tuple[list[Session], dict[str, int]]:
    store = await opened_store(settings)
    try:
        return await store.sessions(), await store.last_uses()
    except StoreError as error:
        raise SettingError(error.message) from None
    finally:
        await store.close()
