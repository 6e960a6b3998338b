"""Presets and defaults of an export of this program come back.

The rule: nothing that is there is overwritten.
"""

from __future__ import annotations

from typing import Any

from tornado_stream.chat.imports.members import text
from tornado_stream.chat.imports.results import OwnSettings, Skipped
from tornado_stream.chat.presets import Presets
from tornado_stream.store.base import Store
from tornado_stream.values.defaults import parse_defaults
from tornado_stream.values.errors import Conflict, InvalidRequest
from tornado_stream.values.presets import MAX_PRESETS, InvalidPreset

#: The members of a preset that a person has given.
_MEMBERS = ("name", "kind", "text", "system", "model", "options", "tools")


async def add_settings(
    settings: OwnSettings, owner: str, store: Store, presets: Presets
) -> tuple[int, list[Skipped]]:
    """Add the presets whose names are free, and the defaults if there are none. Returns how many
    presets were added, and those that could not be. Raises `StoreError`."""
    count, skipped = 0, []
    for one in settings.presets[:MAX_PRESETS]:
        given = {name: one.get(name) for name in _MEMBERS} if isinstance(one, dict) else {}
        try:
            await presets.create(owner, {name: value for name, value in given.items() if value})
            count += 1
        except Conflict as error:
            if error.code != "name_in_use":
                skipped.append(Skipped(text(given.get("name"))[:200], "full"))
        except InvalidRequest:
            skipped.append(Skipped(text(given.get("name"))[:200], "damaged"))
    await _add_defaults(settings.defaults, store.for_owner(owner))
    return count, skipped


async def _add_defaults(given: dict[str, Any], store: Store) -> None:
    if not (given.get("system") or given.get("options")) or (await store.defaults()).version:
        return
    try:
        await store.save_defaults(parse_defaults(given, 1))
    except (InvalidPreset, Conflict):
        pass  # it is damaged, or was saved meanwhile
