"""Texts that are not in the index yet are read for a limited time, the newest first."""

from __future__ import annotations

import pytest

from tornado_stream.store import finding, open_store, search

from .answers import converse, listed


@pytest.mark.gen_test
async def test_reading_texts_that_are_not_indexed_is_limited_in_time(tmp_path, monkeypatch):
    store = open_store(tmp_path / "data")
    for number in range(3):
        await converse(store, number, "the same word", "yes", home=f"c{number}")
    monkeypatch.setattr(finding, "READING", -1)
    found, before = [], None
    for _ in range(10):  # a part reads one of nine texts
        page = await store.conversations(query="yes", before=before)
        found += [match.conversation.id for match in page.matches]
        before = page.next
        assert len(page.matches) <= 1
    assert found == ["c2", "c1", "c0"] and not before
    while await store._database.writer.transact(search.catch_up):
        pass
    assert await listed(store, query="yes") == ["c2", "c1", "c0"]
    await store.close()


@pytest.mark.parametrize("alternatives", [100, 1])
@pytest.mark.gen_test
async def test_two_characters_are_looked_up_in_the_index(tmp_path, monkeypatch, alternatives):
    """Wherever in a text they are, however short it is, and however many trigrams begin so."""
    monkeypatch.setattr(finding, "ALTERNATIVES", alternatives)
    monkeypatch.setattr(search, "SHARD", 4)
    store = open_store(tmp_path / "data")
    for number, text in enumerate(['q"', 'long text q"', 'q"uote', "qué", "日本", "x日本人"]):
        await converse(store, number, text, "", home=f"c{number}")
    while await store._database.writer.transact(search.catch_up):
        pass
    assert await listed(store, query='Q"') == ["c2", "c1", "c0"]
    assert await listed(store, query="日本") == ["c5", "c4"]
    assert await listed(store, query="ue") == ["c3"]
    await store.close()


@pytest.mark.gen_test
async def test_one_character_is_found_in_long_texts(tmp_path, monkeypatch):
    """SQLite compares only short ones with all forms of the character."""
    monkeypatch.setattr(finding, "SHORT_TEXT", 8)
    store = open_store(tmp_path / "data")
    texts = ["b é", "a long word É", "a word b d", "a word: e\u0301", "x" * 9]
    for number, text in enumerate(texts):
        await converse(store, number, text, "", home=f"c{number}")
        await store.update(f"c{number}", {"title": "a long titlé" if number == 4 else "-"})
    assert await listed(store, query="É") == ["c4", "c3", "c1", "c0"]
    await store.close()
