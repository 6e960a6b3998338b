"""The latest items of responses, for requests that name them instead of sending them again.

The rule: items are in memory only. Another process of this machine gets those that it asks for,
and all of them before this one ends after a hand-over. The oldest are forgotten above a number, a
size or an age, and using an item makes it new again. Vercel's AI SDK refers to its earlier answers
in this way unless it is told `store: false`. Everything runs on the IOLoop's thread.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Sequence
from time import monotonic
from typing import Any

import orjson

#: The most items, bytes of them as JSON, and seconds since an item was used last.
MAX_ITEMS, MAX_BYTES, LASTS = 20_000, 32 * 1024 * 1024, 3600.0


class RememberedItems:
    """Items by owner and id. `fetch` asks other processes for an owner's items with some ids; it
    returns what they have dumped."""

    def __init__(
        self, *, max_items: int = MAX_ITEMS, max_bytes: int = MAX_BYTES, lasts: float = LASTS
    ) -> None:
        self._limits = max_items, max_bytes, lasts
        self._items: OrderedDict[tuple[str, str], tuple[float, bytes]] = OrderedDict()
        self._bytes = 0
        self.fetch: Callable[[str, Sequence[str]], Awaitable[list[bytes]]] = _alone

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

    async def look_for(self, owner: str, ids: Sequence[str]) -> None:
        """Get those of the owner's items with these ids that only other processes remember."""
        self._forget_old()
        if missing := [id for id in ids if (owner, id) not in self._items]:
            for dumped in await self.fetch(owner, missing):
                self.take(dumped)

    def dump(self, owner: str | None = None, ids: Collection[str] = ()) -> bytes:
        """Those of the owner's items with these ids that are remembered, or all items of everybody,
        for `take` of another process."""
        self._forget_old()
        keys = self._items.keys() if owner is None else [(owner, id) for id in ids]
        found = [(key[0], self._items[key][1]) for key in keys if key in self._items]
        return orjson.dumps([[owner, orjson.Fragment(data)] for owner, data in found])

    def take(self, dumped: bytes) -> None:
        """Keep the items that another process has dumped."""
        for owner, item in orjson.loads(dumped):
            self.remember(owner, [item])

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


async def _alone(owner: str, ids: Sequence[str]) -> list[bytes]:
    return []
