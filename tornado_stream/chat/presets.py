"""The presets of tornado-stream.toml and those of users, and what begins with one.

The rule: where a request and a preset both have a value, the request's holds.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from time import monotonic
from typing import Any

from tornado_stream.chat.completions import CompletionRequest
from tornado_stream.chat.ids import new_id
from tornado_stream.config_file import ConfigFile, Reread, Sections
from tornado_stream.store.base import Store
from tornado_stream.values.errors import Conflict, Forbidden, InvalidRequest, NotFound
from tornado_stream.values.presets import (
    MAX_PRESETS,
    MEMBERS,
    PRESET,
    InvalidPreset,
    Preset,
    parse_preset,
)

#: A program asks a preset by this and its name, as if it were a model.
PREFIX = "preset/"
NO_PRESET = "There is no preset with this id or name."
#: The ids of shared presets are made from this and their names, so that they stay the same.
NAMESPACE = uuid.UUID("0d9c8f5e-7b1a-5c43-9c7e-2f6b1d3a4e58")


class Presets:
    """The presets that users can begin a conversation with: the shared ones of the file, and each
    user's own. Raises `SettingError` if the file has a mistake."""

    def __init__(
        self, file: ConfigFile, store: Store, now: Callable[[], float] = monotonic
    ) -> None:
        self._store = store
        #: The presets and prompts of the file, in its order.
        self.shared = Reread(file, read_presets, "presets", now)

    async def all(self, owner: str) -> list[Preset]:
        """The owner's presets and prompts, then the shared ones."""
        return [*await self._store.for_owner(owner).presets(), *self.shared()]

    async def get(self, owner: str, name: str) -> Preset:
        """The preset with this id or name. Raises `NotFound` (`preset_not_found`), or
        `InvalidRequest` for a prompt."""
        if preset := await self._find(owner, name):
            if preset.kind != PRESET:
                raise InvalidRequest("preset must name a preset; this is a prompt.")
            return preset
        raise NotFound(NO_PRESET, code="preset_not_found")

    async def create(self, owner: str, given: dict[str, Any]) -> Preset:
        """Add a preset of the owner. Raises `InvalidRequest` or `Conflict`."""
        preset = _parsed(new_id(), given, 1)
        self._check_name(preset.name)
        await self._store.for_owner(owner).add_preset(preset)
        return preset

    async def change(self, owner: str, id: str, version: int, changes: dict[str, Any]) -> Preset:
        """Set some members of a preset that has this version. Raises `InvalidRequest`, `NotFound`,
        `Forbidden` for a shared one, or `Conflict` (`changed_meanwhile`, `name_in_use`)."""
        old = await self._own(owner, id)
        if changes.get("kind", old.kind) != old.kind:
            raise InvalidRequest("kind cannot be changed.")
        known = ("name", "kind", *MEMBERS[old.kind])
        preset = _parsed(id, {name: getattr(old, name) for name in known} | changes, version + 1)
        if preset.name != old.name:
            self._check_name(preset.name)
        await self._store.for_owner(owner).change_preset(preset)
        return preset

    async def delete(self, owner: str, id: str) -> None:
        """Delete a preset of the owner. Raises `NotFound`, or `Forbidden` for a shared one."""
        await self._own(owner, id)
        await self._store.for_owner(owner).delete_preset(id)

    async def for_program(self, request: CompletionRequest) -> CompletionRequest:
        """The request of a program, with the values of the preset that it names as its model. It
        gets the system prompt if none of its messages is one."""
        if not (request.model or "").startswith(PREFIX):
            return request
        preset = await self._find(request.owner, (request.model or "").removeprefix(PREFIX))
        if preset is None or preset.kind != PRESET:
            return request
        messages = request.messages
        if preset.system and not any(m.get("role") in ("system", "developer") for m in messages):
            messages = [{"role": "system", "content": preset.system}, *messages]
        options = {**preset.options, **request.options}
        return replace(request, messages=messages, model=preset.model, options=options)

    async def _own(self, owner: str, id: str) -> Preset:
        preset = next((one for one in await self.all(owner) if one.id == id), None)
        if preset is None:
            raise NotFound(NO_PRESET)
        if preset.shared:
            raise Forbidden(
                "This preset is everybody's. It stands in the file of the server's operator.",
                code="preset_is_shared",
            )
        return preset

    def _check_name(self, name: str) -> None:
        if any(one.name.casefold() == name.casefold() for one in self.shared()):
            raise Conflict("A preset of everybody has this name.", code="name_in_use")

    async def _find(self, owner: str, name: str) -> Preset | None:
        presets = await self.all(owner)
        by_id = (preset for preset in presets if preset.id == name.lower())
        return next(by_id, None) or next((one for one in presets if one.name == name), None)


def _parsed(id: str, given: dict[str, Any], version: int) -> Preset:
    # A form sends "" for what a person has left empty.
    members = {name: value for name, value in given.items() if name != "name" and value != ""}
    try:
        return parse_preset(id, given.get("name"), members, version=version)
    except InvalidPreset as error:
        raise InvalidRequest(error.sentence) from None


def read_presets(sections: Sections) -> list[Preset]:
    """The presets of the file. Raises `SettingError` for every mistake in their tables."""
    found: dict[str, Preset] = {}
    for name, table in sections.tables("preset").items():
        id = str(uuid.uuid5(NAMESPACE, name))
        try:
            preset = parse_preset(id, name, table, shared=True)
        except InvalidPreset as error:
            key = f"preset.{name}" + (f".{error.key}" if error.key else "")
            sections.refuse(key, str(error))
        if found.setdefault(name.casefold(), preset) is not preset:
            sections.refuse(f"preset.{name}", "another preset has this name, in other letter case")
    if len(found) > MAX_PRESETS:
        sections.refuse("preset", f"the file has more than {MAX_PRESETS} presets")
    return list(found.values())
