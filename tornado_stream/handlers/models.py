"""The list of models."""

from __future__ import annotations

from tornado_stream.handlers.base import BaseHandler

#: The provider whose details have no address.
LOCAL = "local"


class ModelsHandler(BaseHandler):
    """The models that can be asked, and the default one."""

    async def get(self) -> None:
        models = await self.chat.models()
        default = models[0].id if models and models[0].id else None
        listed = [model.to_json() for model in models]
        if self.application.users.required:
            # Addresses of upstreams are for the person who runs the server.
            for model in listed:
                model["detail"] = model["detail"] if model["provider"] == LOCAL else ""
        self.write_json({"models": listed, "default": default})
