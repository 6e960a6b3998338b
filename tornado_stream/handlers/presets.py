"""The presets and prompts that a conversation can begin with: listing and changing them."""

from __future__ import annotations

from tornado_stream.chat.presets import Presets
from tornado_stream.handlers.base import BaseHandler
from tornado_stream.values.errors import InvalidRequest


class PresetsHandler(BaseHandler):
    """The list, and adding one. Tornado's ETag makes the response 304 if nothing has changed."""

    @property
    def presets(self) -> Presets:
        return self.application.presets

    async def get(self) -> None:
        presets = await self.presets.all(self.owner)
        self.set_header("Cache-Control", "no-cache")
        self.write_json({"presets": [preset.to_json() for preset in presets]})

    async def post(self) -> None:
        preset = await self.presets.create(self.owner, self.read_json())
        self.set_status(201)
        self.write_json(preset.to_json())


class PresetHandler(BaseHandler):
    """Changing and deleting one of the user's own."""

    async def patch(self, id: str) -> None:
        changes = self.read_json()
        version = changes.pop("version", None)
        if type(version) is not int or not 0 < version < 2**53:
            raise InvalidRequest("version is required: that of the preset which you have read.")
        presets = self.application.presets
        preset = await presets.change(self.owner, id.lower(), version, changes)
        self.write_json(preset.to_json())

    async def delete(self, id: str) -> None:
        await self.application.presets.delete(self.owner, id.lower())
        self.set_status(204)
