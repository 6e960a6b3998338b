"""Strangers do not keep out clients that logged in before."""

from __future__ import annotations

import asyncio
import threading

import pytest
from tornado.gen import convert_yielded

from tornado_stream.auth import password_checks
from tornado_stream.auth.password_checks import KnownPlaces, PasswordChecks
from tornado_stream.auth.tries import TooManyTries


@pytest.mark.gen_test
async def test_known_clients_have_a_queue_of_their_own():
    checks, held = PasswordChecks(), threading.Event()
    waiting = []
    with pytest.raises(TooManyTries):
        for _ in range(60):
            checks.admit(known=False)
            waiting.append(convert_yielded(checks.run(held.wait, known=False)))
            await asyncio.sleep(0)  # the task starts
    assert len(waiting) == 22
    checks.admit(known=True)
    assert await checks.run(lambda: "right", known=True) == "right"
    assert not any(one.done() for one in waiting)
    held.set()
    assert all([await one for one in waiting])
    checks.admit(known=False)
    checks.close()


def test_a_bounded_number_of_places_is_remembered(monkeypatch):
    monkeypatch.setattr(password_checks, "MAX_PLACES", 3)
    places = KnownPlaces()
    for number in range(4):
        places.add("10.0.0.1", "anna")
        places.add(f"10.0.0.{number}", "ben")
    assert ("10.0.0.1", "anna") in places and ("10.0.0.3", "ben") in places
    assert ("10.0.0.0", "ben") not in places and ("10.0.0.1", "carl") not in places
