"""What is logged and how: one line for each thing that happened, on standard error.

The rule: no key, no prompt, no answer and no query string is ever in a record.
"""

from __future__ import annotations

import logging
import sys

from tornado.web import RequestHandler

access = logging.getLogger("tornado_stream.access")

#: Paths that monitors ask for all the time; logged only at level debug.
QUIET = ("/healthz", "/readyz", "/metrics", "/static/")


def configure(level: str) -> None:
    """Log to standard error from `level` (a name, lower case) on."""
    logging.basicConfig(
        level=level.upper(),
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        force=True,
    )
    # What a foreign server or reader did wrong is told by the answer that it ends.
    logging.getLogger("tornado.general").setLevel(logging.WARNING)


def log_request(handler: RequestHandler) -> None:
    """One line for a request that has ended; Tornado's `log_function`."""
    status = handler.get_status()
    path = handler.request.path
    level = logging.ERROR if status == 500 else logging.INFO  # others are not of our making
    if status == 304 or (status < 400 and path.startswith(QUIET)):  # 304: pages ask for news
        level = logging.DEBUG
    milliseconds = 1000 * handler.request.request_time()
    access.log(level, "%s %s %d %.0fms", handler.request.method, _shown(path), status, milliseconds)


def _shown(path: str) -> str:
    return path if path.isprintable() else repr(path)
