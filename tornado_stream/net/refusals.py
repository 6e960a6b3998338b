"""Whole responses to connections that have no request yet, or will have none.

The rule: the bytes are made once, and the server closes the connection after them.
"""

from __future__ import annotations

from http.client import responses
from typing import Any

import orjson


def refusal(status: int, code: str, message: str, retry_after: int = 0) -> bytes:
    """A whole response that refuses a connection before there is a request. The server closes the
    connection after it; `retry_after` is in seconds."""
    error: dict[str, Any] = {"code": code, "message": message}
    head = f"HTTP/1.1 {status} {responses[status]}\r\nConnection: close\r\n"
    if retry_after:
        error["retry_after"] = retry_after
        head += f"Retry-After: {retry_after}\r\n"
    body = orjson.dumps({"error": error})
    head += f"Content-Type: application/json; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


TOO_SLOW = refusal(408, "request_timeout", "The request took too long to arrive.")
ADDRESS_TOO_LONG = refusal(
    414, "too_large", "The address of the request, with its query, is longer than 16 KiB."
)
HEAD_TOO_LARGE = refusal(
    431, "too_large", "The headers of the request, cookies included, exceed 16 KiB."
)
FULL = refusal(503, "too_many_connections", "The server has too many connections now.", 5)
ADDRESS_FULL = refusal(
    429, "too_many_connections", "There are too many connections from your address.", 5
)
