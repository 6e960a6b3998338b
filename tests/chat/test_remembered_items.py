"""Items of responses are found again for a while, by their owner only."""

from __future__ import annotations

from typing import Any

import pytest

from tornado_stream.chat.remembered_items import RememberedItems


def item(number: int, text: str = "") -> dict[str, Any]:
    return {"id": f"msg_{number}", "text": text}


def test_an_item_is_found_by_its_owner_only():
    items = RememberedItems()
    items.remember("ann", [item(1), item(2)])
    assert items.recall("ann", "msg_2") == item(2)
    assert items.recall("bob", "msg_2") is None
    assert items.recall("ann", "msg_3") is None


def test_above_the_number_the_one_that_was_not_used_for_longest_goes():
    items = RememberedItems(max_items=2)
    items.remember("ann", [item(1), item(2)])
    assert items.recall("ann", "msg_1")
    items.remember("ann", [item(3)])
    assert [bool(items.recall("ann", f"msg_{n}")) for n in (1, 2, 3)] == [True, False, True]


def test_the_size_is_bounded_and_a_replaced_item_counts_once():
    items = RememberedItems(max_bytes=100)
    for _ in range(9):
        items.remember("ann", [item(1, "x" * 40)])
    items.remember("ann", [item(2)])
    assert len(items) == 2
    items.remember("ann", [item(3, "x" * 200)])
    assert len(items) == 0


def test_old_items_are_forgotten():
    items = RememberedItems(lasts=-1)
    items.remember("ann", [item(1)])
    assert items.recall("ann", "msg_1") is None
    assert len(items) == 0


@pytest.mark.gen_test
async def test_another_process_gets_what_it_looks_for_or_all():
    items, other, later = RememberedItems(), RememberedItems(), RememberedItems()
    items.remember("ann", [item(1), item(2, "ä"), item(3)])
    items.remember("bob", [item(4)])
    other.remember("ann", [item(1, "its own")])
    asked = []

    async def fetch(owner, ids):
        asked.append(list(ids))
        return [items.dump(owner, ids)]

    other.fetch = fetch
    await other.look_for("ann", ["msg_1", "msg_2", "msg_4"])
    await other.look_for("ann", ["msg_2"])
    await items.look_for("ann", ["msg_5"])  # there is nobody to ask
    assert asked == [["msg_2", "msg_4"]]
    assert other.recall("ann", "msg_1") == item(1, "its own")
    assert other.recall("ann", "msg_2") == item(2, "ä")
    assert len(other) == 2 and other.recall("bob", "msg_4") is None
    later.take(items.dump())
    assert len(later) == 4 and later.recall("bob", "msg_4") == item(4)
