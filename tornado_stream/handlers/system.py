"""For the people and programs that operate the server: health, readiness, metrics, description."""

from __future__ import annotations

from functools import cache
from pathlib import Path

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
        status, reason = await self.application.readiness.status()
        if status == "ready":
            self.write_json({"status": status})
        else:
            self.set_status(503)
            self.write_json({"status": status, "reason": reason})


class MetricsHandler(BaseHandler):
    """The metrics in Prometheus' text format."""

    async def get(self) -> None:
        self.set_header("Content-Type", CONTENT_TYPE)
        text = self.application.metrics.text()
        if others := await self.application.other_metrics():
            from tornado_stream.observe.summed import summed  # most servers have one process

            text = summed([text.decode(), *others]).encode()
        self.write(text)


class OpenAPIHandler(BaseHandler):
    """The description of all routes, in the form of OpenAPI 3.1."""

    open_to_all = True

    def get(self) -> None:
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.set_header("Cache-Control", "no-cache")
        self.write(_description(self.application.config.base_path))


@cache
def _description(base_path: str) -> bytes:
    text = Path(__file__).with_name("openapi.json").read_bytes()
    return text.replace(
        b'"servers": [{"url": "/"}]', b'"servers": [{"url": "%b/"}]' % base_path.encode()
    )
