"""The pictures of one answer: one after the other, and none of them ends it."""

from __future__ import annotations

import asyncio

import pytest

from tornado_stream.generations.pictures import AnswerPictures
from tornado_stream.store.base import DiskFull
from tornado_stream.values.events import Delta, Notice
from tornado_stream.values.files import StoredFile
from tornado_stream.values.pictures import MAX_PICTURES, SentPicture


def stored(name: str) -> StoredFile:
    return StoredFile(name, "sum", name, 1, "image/png", "image", 0)


def told(events: list[Delta | Notice]) -> list[str]:
    return [
        event.images[0]["name"] if isinstance(event, Delta) else event.details["reason"]
        for event in events
    ]


@pytest.mark.gen_test
async def test_they_come_in_their_order_and_a_failure_is_a_notice(caplog):
    events: list[Delta | Notice] = []
    running = 0

    async def keep(picture: SentPicture) -> StoredFile:
        nonlocal running
        running += 1
        assert running == 1
        await asyncio.sleep(0)
        running -= 1
        if picture.head == "full":
            raise DiskFull
        if picture.head == "bug":
            raise ValueError
        return stored(picture.head)

    pictures = AnswerPictures(keep, events.append)
    for head in ("one", "full", "bug", "two"):
        pictures.add(SentPicture(head))
    await pictures.settled()
    assert told(events) == ["one", "not_saved", "not_saved", "two"]
    assert "ValueError" in caplog.text
    caplog.clear()
    for _ in range(MAX_PICTURES):
        pictures.add(SentPicture("more"))
    await pictures.settled()
    assert told(events)[4:].count("too_many_files") == 1 and len(events) == MAX_PICTURES + 1


@pytest.mark.gen_test
async def test_a_stop_keeps_none_of_the_rest():
    events: list[Delta | Notice] = []
    cancelled = asyncio.get_running_loop().create_future()

    async def keep(picture: SentPicture) -> StoredFile:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            cancelled.set_result(picture.head)
            raise
        raise AssertionError

    pictures = AnswerPictures(keep, events.append)
    for head in ("one", "two"):
        pictures.add(SentPicture(head))
    await asyncio.sleep(0)
    pictures.cancel()
    assert await cancelled == "one"
    await asyncio.sleep(0)
    assert events == []
