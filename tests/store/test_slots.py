"""Which answers of a conversation may run at a time. The contract has the same over every store."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tornado_stream.store.base import Busy
from tornado_stream.store.slots import BusyBeside, Running, free_slot

from .answers import new_answer

ORDINARY = new_answer(9)
BESIDE = replace(ORDINARY, beside=3)


def running(*taken: int, parent: str = "u9") -> list[Running]:
    return [Running(slot, f"g{slot}", parent) for slot in taken]


def test_an_ordinary_answer_runs_alone_in_slot_0():
    assert free_slot(ORDINARY, []) == 0
    for others in (running(0), running(2)):
        with pytest.raises(Busy):
            free_slot(ORDINARY, others)


def test_an_answer_beside_others_gets_the_first_free_slot_after_0():
    assert [free_slot(BESIDE, running(*taken)) for taken in ((), (0,), (0, 2), (1,))] == [
        1,
        1,
        1,
        2,
    ]


def test_what_it_cannot_run_beside():
    with pytest.raises(Busy):
        free_slot(BESIDE, running(0, parent="u1"))
    with pytest.raises(Busy) as caught:
        free_slot(BESIDE, [*running(0), *running(1, parent="u1")])
    assert caught.value.generation_ids == ["g0", "g1"]
    with pytest.raises(BusyBeside, match="3 answers to one message"):
        free_slot(BESIDE, running(0, 1, 2))
