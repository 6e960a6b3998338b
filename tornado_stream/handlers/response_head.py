"""The headers that every response begins with, and the head of a streamed one.

The rule: `stream_head` is the only head that Tornado does not write: that of a response on a
connection which Tornado has given away.
"""

from __future__ import annotations

from collections.abc import Iterable

from tornado_stream.handlers.checks import Route
from tornado_stream.handlers.cross_origin import shared_headers
from tornado_stream.handlers.security_headers import SECURITY_HEADERS
from tornado_stream.handlers.services import Services

#: Headers of a response that is sent as it comes: no cache keeps it, and no proxy holds it back.
STREAM_HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}


def default_headers(
    services: Services, route: type[Route], request_id: str, foreign_origin: str
) -> dict[str, str]:
    """The headers that every response of this route begins with."""
    headers = {**SECURITY_HEADERS, "Cache-Control": "no-store", "X-Request-Id": request_id}
    if route.cross_origin and services.config.allowed_origins:
        headers["Vary"] = "Origin"
    if foreign_origin:
        headers |= shared_headers(foreign_origin)
    return headers


def stream_head(headers: Iterable[tuple[str, str]], closing: bool) -> bytes:
    """The head of a chunked response with status 200. `closing` says that the connection ends with
    it. The headers hold no line breaks."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
    end = "Connection: close\r\n\r\n" if closing else "\r\n"
    return f"HTTP/1.1 200 OK\r\n{lines}Transfer-Encoding: chunked\r\n{end}".encode("latin-1")
