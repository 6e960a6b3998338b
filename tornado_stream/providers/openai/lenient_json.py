"""JSON as servers really send it. Pure; nothing raises."""

from __future__ import annotations

import json
from typing import Any, Final

import orjson

#: What `parse_json` returns for bytes that are not JSON; no JSON value is this object.
NOT_JSON: Final = object()


def parse_json(data: bytes) -> Any:
    """The value, or `NOT_JSON`.

    orjson is the fast way and the strict one: it refuses lone surrogates, NaN, a byte order mark
    and bytes that are not UTF-8, all of which servers send. Those get a second chance, so text
    in the result may hold lone surrogates: `mend` it.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return _parse_leniently(data)


def mend(text: str) -> str:
    """`text` with the halves of surrogate pairs joined, and U+FFFD for a half that is alone."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def to_json_text(value: Any) -> str:
    """`value` as compact JSON text, "" where it cannot be written."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:  # surrogates, integers over 64 bits, depth
        try:
            return json.dumps(value, separators=(",", ":"))
        except (TypeError, ValueError, RecursionError):
            return ""


def _parse_leniently(data: bytes) -> Any:
    if data.lstrip()[:1] not in (b"{", b"[", b'"', b"\xef"):
        return NOT_JSON  # nothing that is neither object, list nor string is worth a second look
    try:
        text = data.decode("utf-8", "replace").removeprefix("\ufeff")
        return json.loads(text, parse_int=_to_number)
    except (ValueError, RecursionError):
        return NOT_JSON


def _to_number(digits: str) -> int | float:
    # int() refuses more than 4,300 digits, and no number here is worth the whole chunk.
    return int(digits) if len(digits) < 4300 else float(digits)
