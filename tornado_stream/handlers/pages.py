"""The page."""

from __future__ import annotations

from tornado_stream import __version__
from tornado_stream.handlers.base import BaseHandler


class IndexHandler(BaseHandler):
    """The chat. Which models and conversations there are, the page asks the API."""

    page = True

    def get(self, conversation_id: str = "") -> None:
        modules = self.application.assets.modules("js/app.js")
        self.render("index.html", version=__version__, modules=modules)
