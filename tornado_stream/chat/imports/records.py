"""Objects one after the other, from JSON that is too large to be read at once. Pure.

The rule: damage costs the object that has it. A file may be a list of objects, one object, or lines
of them; what is read next is found by its braces, and behind damage by the members with which the
objects before it began.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from tornado_stream.values.json_values import too_many_values

#: The most bytes of one object, and the most values in it: it is decoded as a whole.
MAX_RECORD, MAX_VALUES = 32 * 1024 * 1024, 1_000_000
#: Bytes that are read at once, and that stay when a beginning is looked for further on.
PIECE, OVERLAP = 256 * 1024, 64 * 1024
#: Different beginnings of objects that are remembered, and bytes that are looked at for one.
MAX_BEGINNINGS, BEGINNING = 8, 4096
#: Objects without an end, after which a file is given up: each is looked through as a whole.
MAX_ENDLESS = 500

_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_FLAT = rb'(?:[^"{}\[\]]++|' + _STRING + rb")*+"
#: Up to the next brace or bracket that does not enclose plain values alone.
_BRACE = re.compile(
    rb'(?:[^"{}\[\]]++|' + _STRING + rb"|\{" + _FLAT + rb"\}|\[" + _FLAT + rb"\])*+([{}\[\]])",
    re.S,
)
#: Up to the next brace or bracket of all.
_OUTSIDE = re.compile(rb'(?:[^"{}\[\]]++|' + _STRING + rb")*+([{}\[\]])", re.S)
_KEY = rb"\s*(" + _STRING + rb")\s*:\s*"
_FIRST_KEYS = re.compile(
    rb"\{" + _KEY + rb"(?:(?:" + _STRING + rb"|[-+.\w]++)\s*,\s*(" + _STRING + rb")\s*:)?", re.S
)
#: Where an object may begin as long as none has been read.
_ANY_BEGINNING = re.compile(
    rb'\{\s*"(?:title|id|uuid|user_id|conversationId|conv|chat|create_time|harness|type|mapping)"'
    rb"\s*:"
)
_TITLE = re.compile(rb'"(?:title|name)"\s*:\s*(' + _STRING + rb")", re.S)


@dataclass(frozen=True, slots=True)
class Damaged:
    """Something that could not be read, and its title as far as it is known."""

    why: str
    title: str


class Records:
    """The objects of a file, of which `read` returns the next bytes, b"" at the end. An error of
    `read` is the end of the file. `known` says whether an object is one that is looked for."""

    def __init__(
        self, read: Callable[[int], bytes], known: Callable[[dict[str, Any]], bool]
    ) -> None:
        self._read = read
        self._known = known
        self._buffer = bytearray()
        self._at = 0
        self._ended = False
        self._error: Exception | None = None
        self._beginnings: dict[bytes, None] = {}
        self._beginning = _ANY_BEGINNING
        self._endless = 0
        self._damaged = False  # and nothing has been read behind it yet

    def __iter__(self) -> Iterator[dict[str, Any] | Damaged]:
        while (start := self._next_start()) is not None:
            end, why = self._end_of(start)
            record = self._decode(start, end) if end else None
            if isinstance(record, dict) and (not self._damaged or self._known(record)):
                self._damaged = False
                self._remember(start, record)
                self._at = end
                if end > PIECE:
                    self._drop()
                yield record
                continue
            if not self._damaged:
                self._damaged = True
                yield Damaged(why or "damaged", self._title(start))
            if not self._skip(start, end):
                break
        if self._error and not self._damaged:
            yield Damaged("damaged", "")

    def _next_start(self) -> int | None:
        """Where the next object begins; None at the end. Lists are passed into."""
        while self._endless < MAX_ENDLESS:
            if found := _OUTSIDE.match(self._buffer, self._at):
                if found[1] == b"{":
                    return found.start(1)
                self._at = found.end()
                continue
            if len(self._buffer) - self._at > MAX_RECORD:
                self._at = len(self._buffer)
            self._drop()
            if not self._fill():
                break
        return None

    def _end_of(self, start: int) -> tuple[int, str]:
        """Behind the object that begins here; 0 and why if it has no end."""
        depth, at = 1, start + 1
        while depth:
            if found := _BRACE.match(self._buffer, at):
                depth += 1 if found[1] in (b"{", b"[") else -1
                at = found.end()
            elif len(self._buffer) - start > MAX_RECORD:
                self._endless += 1
                return 0, "too_large"
            elif not self._fill():
                self._endless += 1
                return 0, "damaged"
        return (at, "") if at - start <= MAX_RECORD else (0, "too_large")

    def _decode(self, start: int, end: int) -> Any:
        data = bytes(memoryview(self._buffer)[start:end])
        if too_many_values(data, MAX_VALUES):
            return None
        return loads(data)

    def _skip(self, start: int, end: int) -> bool:
        """Go to the next object behind damage. False if there is none."""
        at = start + 1
        if end and not self._beginnings:
            self._at = end
            return True
        while True:
            if found := self._beginning.search(self._buffer, at, end or len(self._buffer)):
                self._at = found.start()
                return True
            if end:
                self._at = end
                return True
            self._at = max(at, len(self._buffer) - OVERLAP)
            self._drop()
            at = self._at
            if not self._fill():
                return False

    def _remember(self, start: int, record: dict[str, Any]) -> None:
        """Remember how an object begins that is looked for."""
        keys = _FIRST_KEYS.match(self._buffer, start, start + BEGINNING)
        if not keys or len(self._beginnings) >= MAX_BEGINNINGS or not self._known(record):
            return
        first, second = re.escape(keys[1]), keys[2] and re.escape(keys[2])
        pattern = rb"\{\s*" + first + rb"\s*:"
        if second:
            pattern += rb"\s*(?:" + _STRING + rb"|[-+.\w]++)\s*,\s*" + second + rb"\s*:"
        if pattern not in self._beginnings:
            self._beginnings[pattern] = None
            self._beginning = re.compile(b"|".join(self._beginnings), re.S)

    def _title(self, start: int) -> str:
        found = _TITLE.search(self._buffer, start, start + BEGINNING)
        title = loads(found[1]) if found else ""
        return " ".join(title.split())[:200] if isinstance(title, str) else ""

    def _fill(self) -> bool:
        """Read more; False at the end."""
        if self._ended:
            return False
        size = max(PIECE, len(self._buffer) // 4)
        try:
            piece = self._read(size)
        except Exception as error:  # whatever the library says of a damaged archive
            self._error, piece = error, b""
        self._ended = not piece
        self._buffer += piece
        return bool(piece)

    def _drop(self) -> None:
        """Forget what stands before `_at`."""
        del self._buffer[: self._at]
        self._at = 0


def loads(data: bytes) -> Any:
    """The value of JSON; None if it is none. Halves of characters, control characters and bytes
    that are no UTF-8 are read as well as they can be."""
    try:
        return orjson.loads(data)
    except ValueError:
        pass
    try:
        return json.loads(data.decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError):
        return None
