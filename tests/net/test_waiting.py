"""Limits of a process that did not run for a while. Sleeping on the loop's thread stands for that:
the clock goes on, and nothing is read."""

from __future__ import annotations

import asyncio
import math
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from client import until

from tornado_stream.net import waiting
from tornado_stream.net.waiting import LATE, TICK, Limit, Watch, resumed_at

#: Seconds that are certainly a pause.
PAUSE = TICK + LATE + 0.2


def pause(seconds: float = PAUSE) -> None:
    time.sleep(seconds)


@pytest.mark.gen_test
async def test_a_limit_is_over_after_its_time():
    over: list[float] = []
    began = time.monotonic()
    Limit(0.1, lambda: over.append(time.monotonic() - began))
    await until(lambda: over)
    assert over[0] >= 0.1
    await asyncio.sleep(0.1)
    assert len(over) == 1


@pytest.mark.gen_test
async def test_a_limit_that_is_cancelled_is_never_over():
    over: list[int] = []
    early, late = Limit(0.05, lambda: over.append(1)), Limit(0.05, lambda: over.append(2))
    early.cancel()
    await asyncio.sleep(0.052)
    late.cancel()  # when it seems to be over
    late.cancel()
    await asyncio.sleep(0.1)
    assert not over


@pytest.mark.gen_test
async def test_after_a_pause_every_wait_begins_anew():
    assert resumed_at() == -math.inf
    over: list[float] = []
    Limit(0.3, lambda: over.append(time.monotonic()))
    await asyncio.sleep(0.2)
    pause()
    resumed = time.monotonic()
    await until(lambda: over)
    assert over[0] - resumed >= 0.29
    assert resumed <= resumed_at() < over[0]


@pytest.mark.gen_test
async def test_a_busy_moment_is_no_pause():
    resumed_at()
    for _ in range(4):
        pause(0.2)
        await asyncio.sleep(0.1)
    assert resumed_at() == -math.inf


@pytest.mark.gen_test
async def test_what_lies_in_a_socket_is_read_before_a_limit_is_over(monkeypatch):
    """After SIGSTOP the selector reports no event at first (PEP 475), but timers are due."""
    monkeypatch.setattr(waiting, "LATE", 3600)  # no pause is noticed
    loop = asyncio.get_running_loop()
    selector = loop._selector  # type: ignore[attr-defined]
    ours, theirs = socket.socketpair()
    taken: list[bytes] = []
    over: list[int] = []

    def interrupted(timeout: float | None) -> list[Any]:
        monkeypatch.undo()
        theirs.send(b"x")
        pause(0.2)
        return []

    def read() -> None:
        taken.append(ours.recv(10))
        limit.cancel()

    with ours, theirs:
        ours.setblocking(False)
        loop.add_reader(ours, read)
        limit = Limit(0.1, lambda: over.append(1))
        monkeypatch.setattr(selector, "select", interrupted)
        await until(lambda: taken or over)
        loop.remove_reader(ours)
    assert taken == [b"x"] and not over


@pytest.mark.gen_test
async def test_a_watch_looks_again_when_it_was_told_to():
    looks: list[float] = []
    answers: list[float] = [0.05, 0.0, 0.05, 0.0, 0.0, math.inf]

    def look() -> float:
        looks.append(time.monotonic())
        return answers[len(looks) - 1]

    over: list[int] = []
    Watch(look, lambda: over.append(len(looks)))
    await until(lambda: over)
    await asyncio.sleep(0.05)
    assert over == [5] and len(looks) == 5  # one look is never enough


@pytest.mark.gen_test
async def test_a_watch_that_waits_for_ever_costs_no_timer():
    look: Callable[[], float] = lambda: math.inf  # noqa: E731
    watch = Watch(look, lambda: None)
    assert watch._timer is None
    watch.cancel()
