"""Parses JSON with the mistakes that real upstreams make. Pure; nothing raises."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any, Final

import orjson

from tornado_stream.values.json_values import MAX_VALUES, too_many_values

#: The result of `parse_json` for bytes that are not JSON. No JSON value is this object.
NOT_JSON: Final = object()
#: The depth to which `parse_bounded` goes.
MAX_DEPTH = 200


def parse_json(data: bytes) -> Any:
    """The parsed value, or `NOT_JSON`, also for more values than may be decoded at once.

    orjson is fast but refuses lone surrogates, NaN, a byte order mark, invalid UTF-8 and control
    characters in strings, all of which upstreams send. A slower parser then tries again, so text in
    the result may have lone surrogates: call `mend` on it. Numbers that JSON cannot write are None
    in the result.
    """
    if len(data) > MAX_VALUES and too_many_values(data):
        return NOT_JSON
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return _parse_leniently(data)


def parse_bounded(data: bytes) -> tuple[Any, bool]:
    """The parsed value without what is nested deeper than `MAX_DEPTH`, so that any function can
    visit it and it can be encoded; and whether `data` is JSON that every parser takes."""
    try:
        value, strict = orjson.loads(data), True
    except orjson.JSONDecodeError:
        value, strict = _parse_leniently(data), False
    if data.count(b"{") + data.count(b"[") > MAX_DEPTH:  # rarely
        value = _cut(value, MAX_DEPTH)
    return value, strict


def mend(text: str) -> str:
    """`text` with surrogate pairs joined, and each lone surrogate replaced by U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def to_json_text(value: Any) -> str:
    """`value` as compact JSON text; "" if it cannot be encoded."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:  # surrogates, integers over 64 bits, depth
        try:
            return json.dumps(value, separators=(",", ":"))
        except (TypeError, ValueError, RecursionError):
            return ""


def _parse_leniently(data: bytes) -> Any:
    if data.lstrip()[:1] not in (b"{", b"[", b'"', b"\xef"):
        return NOT_JSON  # callers need only objects, lists and strings
    try:
        text = data.decode("utf-8", "replace").removeprefix("\ufeff")
        return _LENIENT.decode(text)
    except (ValueError, RecursionError):
        return NOT_JSON


def _cut(value: Any, depth: int) -> Any:
    if isinstance(value, dict):
        return {name: _cut(member, depth - 1) for name, member in value.items()} if depth else None
    if isinstance(value, list):
        return [_cut(entry, depth - 1) for entry in value] if depth else None
    return value


def _to_int(digits: str) -> int | float | None:
    # int() refuses more than 4,300 digits. The chunk matters more than such a number.
    return int(digits) if len(digits) < 4300 else _to_float(digits)


def _to_float(digits: str) -> float | None:
    number = float(digits)
    return number if isfinite(number) else None


def _to_null(name: str) -> None:
    """NaN and the infinities are no JSON, so that a client could not read them."""


_LENIENT = json.JSONDecoder(
    parse_int=_to_int, parse_float=_to_float, parse_constant=_to_null, strict=False
)
