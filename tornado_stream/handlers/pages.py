"""The page."""

from __future__ import annotations

from tornado_stream import __version__
from tornado_stream.handlers.base import BaseHandler


class IndexHandler(BaseHandler):
    """The chat. What runs behind it, the page asks `/api/models`."""

    page = True

    def get(self) -> None:
        self.render("index.html", version=__version__)
