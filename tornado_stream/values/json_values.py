"""Counts the values of JSON before they are decoded. Pure.

The rule: a text of JSON is decoded only if it has few enough values, because decoding holds the
event loop, and a value can take thirty times the memory of its text.
"""

from __future__ import annotations

#: Values that are decoded at once, of an upstream. They take up to 50 ms and some 10 MB.
MAX_VALUES = 100_000
#: Bytes whose values are counted in one step.
PIECE = 64 * 1024


class ValueCounter:
    """Counts the values of JSON without decoding it.

    It counts the separators and brackets outside of strings. It is fed piece by piece, and the
    pieces may be cut anywhere. `too_many` says that there are more than `limit`.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._count = self._quotes = 0
        self._backslash = b""  # an escape that began at the end of the last piece

    @property
    def too_many(self) -> bool:
        # Between two strings there is a separator, or a colon after every other separator.
        return self._count > self._limit or self._quotes > 4 * self._limit + 4

    def feed(self, piece: bytes) -> None:
        if self._backslash or b"\\" in piece:  # the data of pictures has none, and is large
            piece = (self._backslash + piece).replace(b"\\\\", b"").replace(b'\\"', b"")
            self._backslash = b"\\" if piece.endswith(b"\\") else b""
        parts = piece.split(b'"')
        outside = b"".join(parts[self._quotes % 2 :: 2])
        self._quotes += len(parts) - 1
        self._count += sum(map(outside.count, (b",", b"[", b"{")))


def too_many_values(data: bytes | bytearray, limit: int = MAX_VALUES) -> bool:
    """Whether `data` has more values than `limit`. Counting takes 1 ms for each MiB, or more."""
    if len(data) <= limit:  # each value but the first has a separator or a bracket
        return False
    counter = ValueCounter(limit)
    for start in range(0, len(data), PIECE):
        counter.feed(bytes(data[start : start + PIECE]))
        if counter.too_many:
            return True
    return False
