"""Limits of running answers over several processes."""

from __future__ import annotations

import pytest

from tornado_stream.generations.shared_places import SharedPlaces
from tornado_stream.net.board import Board, Part
from tornado_stream.values.errors import TooMany


def full(places: SharedPlaces, owner: str) -> bool:
    try:
        places.check(owner)
    except TooMany as error:
        assert error.code == "too_many_answers"
        return True
    return False


def test_the_limits_hold_for_all_processes_together():
    board = Board(2, 10)
    one, two = (SharedPlaces(Part(board, number), 3, 2) for number in range(2))
    one.take("a")
    two.take("a")
    assert full(one, "a") and full(two, "a") and not full(one, "b")
    two.take("b")
    assert full(one, "c")
    with pytest.raises(TooMany):
        one.take("c")
    two.release("b")
    one.take("c")  # what was refused has no place
    assert full(two, "d")


def test_of_two_that_take_the_last_place_at_once_none_exceeds_the_limit(monkeypatch):
    board = Board(2, 10)
    one, two = (SharedPlaces(Part(board, number), 1, 0) for number in range(2))
    check, interrupted = one.check, []

    def after_the_other(owner: str, more: int = 1) -> None:
        if not interrupted:
            interrupted.append(True)
            with pytest.raises(TooMany):
                two.take("b")
        check(owner, more)

    monkeypatch.setattr(one, "check", after_the_other)
    one.take("a")
    assert full(one, "c") and full(two, "c")
