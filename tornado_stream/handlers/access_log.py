"""The access log: one line for each request that has ended."""

from __future__ import annotations

import logging

from tornado_stream.handlers.base import BaseHandler

logger = logging.getLogger("tornado_stream.access")

#: Monitors and pages ask for these paths all the time, so they are logged only at level debug.
QUIET = ("/healthz", "/readyz", "/metrics", "/static/")


def log_request(handler: BaseHandler) -> None:
    """Log one line for a request that has ended. A query string is never part of it."""
    status = handler.get_status()
    path = handler.request.path
    level = logging.ERROR if status == 500 else logging.INFO  # 502 and 503 are not bugs
    if status == 304 or (status < 400 and path.startswith(QUIET)):  # 304: a page polls the list
        level = logging.DEBUG
    if not logger.isEnabledFor(level):
        return
    ms = round(1000 * handler.request.request_time())
    method = handler.request.method
    fields = {
        "request": handler.request_id,
        "client": handler.client_address,
        "owner": handler.owner,
        "generation": handler.generation_id,
    }
    # The JSON format shows the parts of the message as members of their own.
    parts = {"method": method, "path": path, "status": status, "ms": ms}
    extra = {"fields": fields, "parts": parts}
    logger.log(level, "%s %s %d %dms", method, path, status, ms, extra=extra)
