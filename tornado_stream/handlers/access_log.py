"""The access log: one line for each request that has ended; and the errors of those that failed."""

from __future__ import annotations

import logging
from time import time

from tornado_stream.handlers.request_record import RequestRecord

logger = logging.getLogger(__name__)
access = logging.getLogger("tornado_stream.access")

#: Monitors and pages ask for these paths all the time, so they are logged only at level debug.
QUIET = ("/healthz", "/readyz", "/metrics", "/static/")


def log_request(request: RequestRecord) -> None:
    """Log one line for a request that has ended. A query string is never part of it."""
    method, path, status = request.method, request.path, request.status
    level = logging.ERROR if status == 500 else logging.INFO  # 502 and 503 are not bugs
    if status == 304 or (status < 400 and path.startswith(QUIET)):  # 304: a page polls the list
        level = logging.DEBUG
    if not access.isEnabledFor(level):
        return
    ms = round(1000 * (time() - request.began))
    fields = {
        "request": request.id,
        "client": request.client,
        "owner": request.owner,
        "generation": request.generation_id,
    }
    # The JSON format shows the parts of the message as members of their own.
    parts = {"method": method, "path": path, "status": status, "ms": ms}
    extra = {"fields": fields, "parts": parts}
    access.log(level, "%s %s %d %dms", method, path, status, ms, extra=extra)


def log_failure(
    method: str | None, path: str, request_id: str, error: BaseException | None
) -> None:
    """Log a bug that a request met, without its query string."""
    fields = {"request": request_id}
    logger.error("%s %r failed", method, path, exc_info=error, extra={"fields": fields})
