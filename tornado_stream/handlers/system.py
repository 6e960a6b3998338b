"""For whoever keeps the server running."""

from __future__ import annotations

from tornado_stream.handlers.base import BaseHandler


class HealthHandler(BaseHandler):
    """Alive: the loop turns."""

    open_to_all = True

    def get(self) -> None:
        self.write_json({"status": "ok"})


class ReadyHandler(BaseHandler):
    """Ready for new answers; 503 while draining."""

    open_to_all = True

    def get(self) -> None:
        if self.chat.draining:
            self.set_status(503)
        self.write_json({"status": "draining" if self.chat.draining else "ready"})
