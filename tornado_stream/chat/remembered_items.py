"""The latest items of responses, for requests that name them instead of sending them again.

The rule: items are in memory only. The oldest are forgotten above a number, a size or an age, and
using an item makes it new again. Vercel's AI SDK refers to its earlier answers in this way unless
it is told `store: false`. Everything runs on the IOLoop's thread.
"""

from __future__ import annotations

from collections import OrderedDict
from time import monotonic
from typing import Any

import orjson

#: The most items, bytes of them as JSON, and seconds since an item was used last.
MAX_ITEMS, MAX_BYTES, LASTS = 20_000, 32 * 1024 * 1024, 3600.0


class RememberedItems:
    """Items by owner and id."""

    def __init__(
        self, *, max_items: int = MAX_ITEMS, max_bytes: int = MAX_BYTES, lasts: float = LASTS
    ) -> None:
        self._limits = max_items, max_bytes, lasts
        self._items: OrderedDict[tuple[str, str], tuple[float, bytes]] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._items)

    def remember(self, owner: str, items: list[dict[str, Any]]) -> None:
        """Keep these items; an item that alone is above the limit of size is not kept."""
        for item in items:
            self._put((owner, item["id"]), orjson.dumps(item))

    def recall(self, owner: str, id: str) -> dict[str, Any] | None:
        """The owner's item with this id, if it is still remembered."""
        self._forget_old()
        if (entry := self._items.get((owner, id))) is None:
            return None
        self._put((owner, id), entry[1])
        item: dict[str, Any] = orjson.loads(entry[1])
        return item

    def _put(self, key: tuple[str, str], data: bytes) -> None:
        self._forget(key)
        self._items[key] = (monotonic(), data)
        self._bytes += len(data)
        self._forget_old()

    def _forget_old(self) -> None:
        max_items, max_bytes, lasts = self._limits
        due = monotonic() - lasts
        while self._items:
            oldest = next(iter(self._items))
            too_many = len(self._items) > max_items or self._bytes > max_bytes
            if not too_many and self._items[oldest][0] >= due:
                return
            self._forget(oldest)

    def _forget(self, key: tuple[str, str]) -> None:
        if entry := self._items.pop(key, None):
            self._bytes -= len(entry[1])
