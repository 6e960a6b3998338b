"""JSON of which no more is decoded than the loop has time for.

The rule: values are counted before anything is made of them, for decoding a megabyte of empty
lists would hold up every other reader. Pure functions.
"""

from __future__ import annotations

from typing import Any

import orjson

from tornado_stream.values.errors import InvalidRequest

#: Values in a body, of which no request has a thousand; in a small one they are not counted.
MAX_VALUES, SMALL_BODY = 10_000, 64 * 1024


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
