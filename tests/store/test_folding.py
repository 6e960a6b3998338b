"""Folding: what counts for a search. What is found is in tests/store/test_contract.py."""

from __future__ import annotations

import random
import time
from unicodedata import normalize

import pytest

from tornado_stream.store import folding, search_text
from tornado_stream.store.folding import SLICE, fold, fold_in_pieces, original
from tornado_stream.store.search_text import Matcher

POOL = "aéßİıГй한각がｶﾞ\u0301\u0308 \u1100\u1161مَّ日x\u00adﬁ"


def test_every_character_is_folded_once_and_in_every_form():
    for code in [*range(0x3400), *range(0xA640, 0xD800, 9), *range(0xF900, 0x20000, 3)]:
        folded = fold(chr(code))
        assert fold(folded) == folded, hex(code)
        assert fold(normalize("NFD", chr(code))) == folded, hex(code)


def test_a_part_of_a_folded_text_has_its_place_in_the_text():
    chance = random.Random(1)
    for _ in range(500):
        text = "".join(chance.choices(POOL, k=chance.choice([5, 30, 3 * SLICE])))
        folded = fold(text)
        begin = chance.randrange(len(folded)) if folded else 0
        end = min(len(folded), begin + chance.randint(1, 5))
        first, last = original(text, begin, end)
        assert folded[begin:end] in fold(text[first:last]), text
        if begin < end:
            assert len(fold(text[first:last])) <= end - begin + 3, text


def test_a_long_text_is_folded_and_matched_in_pieces_as_a_whole(monkeypatch):
    monkeypatch.setattr(folding, "PIECE", SLICE)
    monkeypatch.setattr(search_text, "PIECE", SLICE)
    chance = random.Random(2)
    for _ in range(60):
        text = "".join(chance.choices(POOL, k=chance.choice([5, 2 * SLICE, 9 * SLICE])))
        pieces = list(fold_in_pieces(text))
        folded = fold(text)
        assert "".join(piece for _, piece in pieces) == folded
        for place, _ in pieces:  # a text goes on in pieces wherever one of them began
            assert "".join(piece for _, piece in fold_in_pieces(text[place:])) in folded
        begin = chance.randrange(len(folded)) if folded else 0
        query = folded[begin : begin + chance.choice([1, 3, 2 * SLICE])]
        if folded and fold(query) == query:
            found = folded.find(query)
            assert Matcher(query).find(text) == original(text, found, found + len(query))
            assert Matcher(query).is_in(text) and not Matcher(query + "!").is_in(text)


@pytest.mark.parametrize(
    "text", ["\u3099\u0e38" * 100_000, "x" + "\u0301\u0327" * 100_000, "é日" * 100_000]
)
def test_runs_of_marks_take_a_time_in_proportion(text):
    began = time.thread_time()
    fold(text)
    assert time.thread_time() - began < 3
