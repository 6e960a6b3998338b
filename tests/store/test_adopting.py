"""Conversations from elsewhere in SQLite: their numbers, their place in the list, their limits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tornado_stream.store.adopting import place
from tornado_stream.store.extent import ConversationFull, Extent
from tornado_stream.store.search_text import NEWEST
from tornado_stream.store.sqlite import SQLiteStore
from tornado_stream.values.messages import Conversation, Message

from .answers import listed, new_answer


def test_a_place_is_below_zero_and_grows_with_the_time():
    times = [0, 1, 1_748_779_200_000, 253_402_300_799_999]
    places = [place(at, seq) for at in times for seq in (1, 2)]
    assert places == sorted(places) and -NEWEST < places[0] and places[-1] < 0
    assert place(7, 5) != place(7, 6), "no two are equal, or a page of the list would leave one out"


@pytest.mark.gen_test
async def test_numbers_after_a_restart_are_above_those_of_adopted_conversations(tmp_path):
    """An adopted one that has no message is the only row with its number."""
    store = SQLiteStore(tmp_path)
    await store.adopt(Conversation("x", "t", None, None, 1, 1), [])
    await store.close()
    store = SQLiteStore(tmp_path)
    await store.begin(new_answer())
    assert await listed(store) == ["c", "x"]
    await store.close()


@pytest.mark.gen_test
async def test_an_adopted_conversation_that_is_too_large_is_not_stored(tmp_path):
    store = SQLiteStore(tmp_path / "data", largest=Extent(100, 3))
    many = [Message(f"m{n}", "x", None, "user", "hi", 1) for n in range(4)]
    for messages in (many, [replace(many[0], content="a" * 101)]):
        with pytest.raises(ConversationFull):
            await store.adopt(Conversation("x", "t", None, None, 1, 1), messages)
        assert await store.conversation("x") is None and await store.message("m0") is None
    assert await store.adopt(Conversation("x", "t", None, None, 1, 1), many[:3])
    with pytest.raises(ConversationFull):
        await store.adopt(Conversation("x", "t", None, None, 1, 1), many)
    assert len(await store.messages("x")) == 3
    await store.close()
