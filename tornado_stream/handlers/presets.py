"""The presets and prompts that a conversation can begin with."""

from __future__ import annotations

from tornado_stream.handlers.base import BaseHandler


class PresetsHandler(BaseHandler):
    """The list. Tornado's ETag makes the response 304 if nothing has changed."""

    def get(self) -> None:
        presets = self.application.presets.all()
        self.set_header("Cache-Control", "no-cache")
        self.write_json({"presets": [preset.to_json() for preset in presets]})
