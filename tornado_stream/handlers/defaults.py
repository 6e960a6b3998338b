"""The defaults of the user: reading and replacing them."""

from __future__ import annotations

from tornado_stream.handlers.base import BaseHandler
from tornado_stream.values.errors import InvalidRequest, NotFound


class DefaultsHandler(BaseHandler):
    """What the page begins conversations with. Raises `NotFound` on a server without a login."""

    async def prepare(self) -> None:
        await super().prepare()
        if self.request.method != "OPTIONS" and not self.application.users.required:
            raise NotFound("This server has no login, so each browser keeps its own defaults.")

    async def get(self) -> None:
        defaults = await self.application.defaults.get(self.owner)
        self.set_header("Cache-Control", "no-cache")
        self.write_json(defaults.to_json())

    async def put(self) -> None:
        body = self.read_json()
        version = body.get("version")
        if type(version) is not int or not 0 <= version < 2**53:
            raise InvalidRequest("version is required: that of the defaults which you have read.")
        defaults = await self.application.defaults.put(self.owner, body, version)
        self.write_json(defaults.to_json())
