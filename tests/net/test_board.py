"""What several processes count together."""

from __future__ import annotations

import os

from tornado_stream.net.board import Board, Part


def test_parts_are_counted_together():
    board = Board(2, 3)
    one, two = Part(board, 0), Part(board, 1)
    one.hold(100)
    two.hold(20)
    assert one.bodies == two.bodies == 120
    one.hold(-100)
    assert one.bodies == 20
    for part, owner in ((one, "a"), (one, "b"), (two, "a")):
        part.take(owner)
    assert (one.answers_of("a"), two.answers_of("b"), one.answers_of("c")) == (2, 1, 0)
    assert two.answers == 3
    one.release("a")
    assert (two.answers_of("a"), two.answers) == (1, 2)
    for _ in range(20):  # a place is used again
        one.take("a")
        one.release("a")
    one.connected("10.0.0.1", 1)
    two.connected("10.0.0.1", 1)
    two.connected("10.0.0.2", 1)
    assert (one.connections_of("10.0.0.1"), one.connections) == (2, 3)
    board.clear(1)
    assert (one.connections_of("10.0.0.1"), one.connections, one.bodies) == (1, 1, 0)
    assert (one.answers_of("a"), one.answers_of("b")) == (0, 1)


def test_another_process_sees_it():
    board = Board(2, 3)
    if not (pid := os.fork()):
        part = Part(board, 1)
        part.take("a")
        part.connected("10.0.0.1", 7)
        os._exit(0)
    os.waitpid(pid, 0)
    part = Part(board, 0)
    assert (part.answers_of("a"), part.connections_of("10.0.0.1")) == (1, 7)
