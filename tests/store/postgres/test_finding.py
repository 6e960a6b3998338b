"""Searches in PostgreSQL find what the oracle finds, by whichever of the ways."""

from __future__ import annotations

import random

import pytest

from tornado_stream.store.pages import Which
from tornado_stream.store.postgres import finding
from tornado_stream.store.postgres.values import from_text, to_text
from tornado_stream.values.messages import Conversation

from ..answers import converse, listed, new_answer

pytestmark = pytest.mark.wide

WORDS = ["walrus", "Zürich", "50%", "a_b", "\\", "北京市中心", "Straße", "x", "yy", "abcd" * 20]


async def pages(store, query, limit, which):
    """All pages of a search."""
    found, before = [], None
    while True:
        page = await store.conversations(query=query, limit=limit, before=before, which=which)
        found += [
            (match.conversation.id, match.message_id, match.snippet) for match in page.matches
        ]
        before = page.next
        if before is None:
            return found


@pytest.mark.gen_test
async def test_pages_are_those_of_the_oracle(stores, monkeypatch):
    monkeypatch.setattr(finding, "FIRST", 3)
    monkeypatch.setattr(finding, "STEP", 4)
    rng = random.Random(7)
    both = [await stores.open("memory"), await stores.open("postgres")]
    number = 0
    for home in range(12):
        title = rng.choice(WORDS)
        for turn in range(rng.randrange(1, 4)):
            number += 1
            text, answer = (" ".join(rng.choices(WORDS, k=3)) for _ in range(2))
            for store in both:
                if turn == 0:
                    await converse(store, number, text, answer, home=f"c{home}", title=title)
                else:
                    one = new_answer(
                        number,
                        conversation=await store.conversation(f"c{home}"),
                        parent=f"a{number - 1}",
                        text=text,
                    )
                    await store.begin(one)
        for store in both:
            await store.update(f"c{home}", {"archived": home % 4 == 0})
    queries = [*WORDS, "al", "ü", "京", "%", "b x", "s" * 70, "abcd" * 19, "abcd" * 17 + "a", "zu"]
    for query in queries:
        for which in (Which(archived=None), Which()):
            for limit in (1, 2, 50):
                found = [await pages(store, query, limit, which) for store in both]
                assert found[0] == found[1], (query, limit)
                assert len({id for id, *_ in found[1]}) == len(found[1])


@pytest.mark.gen_test
async def test_a_search_without_trigrams_stops_and_goes_on(stores, monkeypatch):
    store = await stores.open("postgres")
    for number in range(12):
        title = "ab" if number == 2 else "something else"
        await store.create(Conversation(f"c{number}", title, None, None, 1, 1))
    monkeypatch.setattr(finding, "FIRST", 4)
    monkeypatch.setattr(finding, "STEP", 4)
    monkeypatch.setattr(finding, "READING", -1.0)
    page = await store.conversations(query="ab")
    assert page.matches == [] and page.next
    assert await listed(store, query="ab", before=page.next) == []
    second = await store.conversations(query="ab", before=page.next)
    assert await listed(store, query="ab", before=second.next) == ["c2"]


def test_a_text_with_nul_is_stored_and_comes_back():
    for text in ("a\0b", "\x1a", "\x1a0", "\0\x1a\0", "plain", "\x1a\x1a0\0"):
        assert "\0" not in to_text(text)
        assert from_text(to_text(text)) == text
    assert to_text(None) is None and to_text(b"\0") == b"\0" and from_text(5) == 5
