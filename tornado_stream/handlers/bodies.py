"""What is taken of a request's body: JSON, and no more of it than the loop has time for.

The rule: a body is judged before anything decodes it, for decoding a megabyte of empty lists, or
of a form, would hold up every other reader. Pure functions.
"""

from __future__ import annotations

from typing import Any

import orjson

from tornado_stream.errors import InvalidRequest

#: Bytes of a body.
MAX_BODY = 1024 * 1024
#: Values in it, of which no request has a thousand; below that size their number does not matter.
MAX_VALUES, SMALL_BODY = 10_000, 64 * 1024

METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def refusal(method: str, content_type: str, body: bytes) -> int | None:
    """The status with which a body is refused, if it is."""
    if len(body) > MAX_BODY:
        return 413
    if method not in METHODS or (method == "DELETE" and not body):
        return None
    kind = content_type.partition(";")[0].strip().lower()
    return None if kind == "application/json" else 415


def decode_object(body: bytes) -> dict[str, Any]:
    """The JSON object that a body is. Raises `InvalidRequest`."""
    if len(body) > SMALL_BODY and _has_many_values(body):
        raise InvalidRequest(f"The body holds more than {MAX_VALUES} values.")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"The body is not JSON: {error}.", code="invalid_json") from None
    if not isinstance(value, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return value


def _has_many_values(body: bytes) -> bool:
    """Counted without decoding: strings, and what separates and opens values outside of them."""
    bare = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    if bare.count(b'"') > 2 * MAX_VALUES:
        return True
    outside = b"".join(bare.split(b'"')[::2])
    return sum(map(outside.count, (b",", b"[", b"{"))) > MAX_VALUES
