"""For the people and programs that operate the server: health, readiness, metrics."""

from __future__ import annotations

from tornado_stream.handlers.base import BaseHandler
from tornado_stream.observe.metrics import CONTENT_TYPE


class HealthHandler(BaseHandler):
    """200 while the process is alive and its loop runs."""

    open_to_all = True

    def get(self) -> None:
        self.write_json({"status": "ok"})


class ReadyHandler(BaseHandler):
    """200 while new questions can be answered; else 503 with the reason."""

    open_to_all = True

    async def get(self) -> None:
        status = await self.application.readiness.status()
        if status != "ready":
            self.set_status(503)
        self.write_json({"status": status})


class MetricsHandler(BaseHandler):
    """The metrics in Prometheus' text format."""

    def get(self) -> None:
        self.set_header("Content-Type", CONTENT_TYPE)
        self.write(self.application.metrics.text())
