"""The list of models."""

from __future__ import annotations

from tornado_stream.handlers.base import BaseHandler


class ModelsHandler(BaseHandler):
    """The models that can be asked, and the default one."""

    async def get(self) -> None:
        models = await self.chat.models()
        default = models[0].id if models and models[0].id else None
        self.write_json({"models": [model.to_json() for model in models], "default": default})
