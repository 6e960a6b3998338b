"""The HTML page."""

from __future__ import annotations

from tornado_stream import __version__
from tornado_stream.handlers.base import BaseHandler


class IndexHandler(BaseHandler):
    """The page of the chat. It loads the models and the conversations from the API."""

    page = True

    async def get(self, conversation_id: str = "") -> None:
        login_required = self.application.users.required
        if login_required and await self.application.auth.extend(self.session_token):
            self.set_session(self.session_token)
        user = self.owner if login_required else ""
        modules = self.application.assets.modules("js/app.js")
        self.render("index.html", version=__version__, modules=modules, user=user)
