"""New ids: well-formed, different, and made without a system call each."""

from __future__ import annotations

import os
import re
import uuid
from threading import Thread

import pytest

from tornado_stream.chat import ids
from tornado_stream.chat.ids import BATCH, new_id, new_request_id


def test_ids_are_uuids_of_version_4() -> None:
    for _ in range(3 * BATCH):
        parsed = uuid.UUID(new_id())
        assert parsed.version == 4 and parsed.variant == uuid.RFC_4122
    assert str(parsed) == str(parsed).lower()
    assert re.fullmatch("[0-9a-f]{16}", new_request_id())


def test_every_digit_that_may_differ_does() -> None:
    digits = [new_id().replace("-", "") for _ in range(1000)]
    kinds = [len({one[place] for one in digits}) for place in range(32)]
    assert kinds[12] == 1 and kinds[16] == 4
    assert all(kind == 16 for place, kind in enumerate(kinds) if place not in (12, 16))


def test_ids_of_many_threads_differ() -> None:
    made: list[list[str]] = [[] for _ in range(4)]
    threads = [
        Thread(target=lambda own: own.extend(new_id() for _ in range(5000)), args=(own,))
        for own in made
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id for own in made for id in own}) == 20_000


def test_the_system_is_asked_for_many_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    real = os.urandom
    monkeypatch.setattr(os, "urandom", lambda size: asked.append(size) or real(size))
    for _ in range(10 * BATCH):
        new_id()
    assert 9 <= len(asked) <= 11


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_makes_ids_of_its_own() -> None:
    new_id()  # so that there are unused ones
    assert ids._unused
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, new_id().encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        theirs = pipe.read()
    os.waitpid(child, 0)
    assert uuid.UUID(theirs)
    assert theirs not in {new_id() for _ in range(BATCH)}
