"""For whoever keeps the server running."""

from __future__ import annotations

from tornado_stream.handlers.base import BaseHandler
from tornado_stream.observe.exposition import CONTENT_TYPE


class HealthHandler(BaseHandler):
    """Alive: the loop turns."""

    open_to_all = True

    def get(self) -> None:
        self.write_json({"status": "ok"})


class ReadyHandler(BaseHandler):
    """Ready for new answers; else 503, and why."""

    open_to_all = True

    async def get(self) -> None:
        status = await self.application.readiness.status()
        if status != "ready":
            self.set_status(503)
        self.write_json({"status": status})


class MetricsHandler(BaseHandler):
    """The metrics, for Prometheus."""

    async def get(self) -> None:
        text = await self.application.exposition.text()
        self.set_header("Content-Type", CONTENT_TYPE)
        self.write(text)
