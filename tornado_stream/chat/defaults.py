"""The defaults of users who log in. Without a login, each browser has its own."""

from __future__ import annotations

from typing import Any

from tornado_stream.store.base import Store
from tornado_stream.values.defaults import Defaults, parse_defaults
from tornado_stream.values.errors import InvalidRequest
from tornado_stream.values.presets import InvalidPreset


class UserDefaults:
    """What each user's conversations begin with."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, owner: str) -> Defaults:
        return await self._store.for_owner(owner).defaults()

    async def put(self, owner: str, given: dict[str, Any], version: int) -> Defaults:
        """Replace the defaults that have this version. Raises `InvalidRequest`, or `Conflict`
        `changed_meanwhile`."""
        try:
            defaults = parse_defaults(given, version + 1)
        except InvalidPreset as error:
            raise InvalidRequest(error.sentence) from None
        await self._store.for_owner(owner).save_defaults(defaults)
        return defaults
