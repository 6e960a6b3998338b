"""Reads members of foreign objects: a value of the wrong type is none. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from tornado_stream.values.events import Source

#: Characters of the names of models, folders and pages.
MAX_NAME = 200
#: Times before this are seconds since the epoch, then milliseconds, microseconds, nanoseconds.
_UNITS = ((1e11, 1000.0), (1e14, 1.0), (1e17, 1e-3), (1e20, 1e-6))
#: The last millisecond of the year 9999.
LAST_TIME = 253_402_300_799_999
_SURROGATES = re.compile("[\ud800-\udfff]")


def text(value: Any) -> str:
    """A value as text that can be stored; "" if it is none."""
    if not isinstance(value, str):
        return ""
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a character, as JavaScript can write it
        return _SURROGATES.sub("\ufffd", value)
    return value


def name(value: Any) -> str | None:
    """The name of a model or a folder, on one line; None if it has none."""
    return " ".join(text(value)[: 4 * MAX_NAME].split())[:MAX_NAME] or None


def identity(value: Any) -> str | None:
    """An id there; None if it is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 2**63 else ""
    return text(value) or None


def moment(value: Any) -> int:
    """A time in milliseconds since the epoch, from a number or a text in the form of ISO 8601; 0 if
    it is not known."""
    if isinstance(value, str):
        try:
            then = datetime.fromisoformat(value.strip())
        except ValueError:
            try:
                value = float(value)
            except ValueError:
                return 0
        else:
            then = then if then.tzinfo else then.replace(tzinfo=UTC)
            try:
                value = then.timestamp() * 1000
            except (OverflowError, ValueError):
                return 0
            return int(value) if 0 < value <= LAST_TIME else 0
    if not isinstance(value, int | float) or isinstance(value, bool):
        return 0
    if isinstance(value, float) and not isfinite(value):
        return 0
    for below, factor in _UNITS:
        if 0 < value < below:
            return min(int(value * factor), LAST_TIME)
    return 0


def listed(value: Any) -> list[Any]:
    """The value, if it is a list; else an empty one."""
    return value if isinstance(value, list) else []


def table(value: Any) -> dict[str, Any]:
    """The value, if it is an object; else an empty one."""
    return value if isinstance(value, dict) else {}


def source(url: Any, title: Any) -> list[Source]:
    """A page that an answer refers to, in a list, which is empty for any other address."""
    if not text(url).startswith(("http://", "https://")):
        return []
    return [{"url": text(url), "title": " ".join(text(title).split())[:MAX_NAME]}]


def part(kind: str, of: Any) -> str:
    """What stands in the place of something that is not imported, such as a picture."""
    named = name(of)
    return f"[{kind}: {named}]" if named else f"[{kind}]"


def attached(of: Any, content: str) -> str:
    """The text of a file that a question had with it, in a block of its own."""
    longest = max(map(len, re.findall("`{3,}", content)), default=2)
    fence = "`" * (longest + 1)
    return f"{part('file', of)}\n{fence}\n{content}\n{fence}"
