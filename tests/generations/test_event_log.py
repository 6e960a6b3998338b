"""Subscribers miss no event, get none twice, and do not delay each other."""

from __future__ import annotations

import pytest
from sinks import Sink

from tornado_stream.generations.event_log import BATCH_BYTES, RECOVERED_END, EventLog
from tornado_stream.values.events import encode_event


def log_of(count: int, size: int = 10) -> EventLog:
    frames = [encode_event(n + 1, "delta", {"content": "x" * size, "t": n}) for n in range(count)]
    return EventLog(frames, ended=False)


@pytest.mark.gen_test
async def test_a_subscriber_gets_all_events_above_its_number():
    generation = log_of(10)
    for after in range(11):
        sink = Sink()
        generation.attach(sink, after, live=False)
        assert sink.data == b"".join(generation.frames[after:])


@pytest.mark.gen_test
async def test_a_full_subscriber_catches_up_in_batches():
    generation = log_of(300, size=1000)
    sink = Sink(room=1)
    subscriber = generation.attach(sink, 0)
    generation.publish(encode_event(301, "delta", {"content": "new", "t": 1}))
    assert len(sink.batches) == 1  # the sink gets nothing while it is full
    while sink.data != b"".join(generation.frames):
        sink.room = 1
        subscriber.resume()
    assert max(map(len, sink.batches)) <= BATCH_BYTES + 1100
    assert not subscriber.done.done()
    subscriber.detach()
    assert subscriber.done.done() and not generation.subscribers


@pytest.mark.gen_test
async def test_frames_are_encoded_once_for_all_subscribers():
    generation = log_of(1)
    sinks = [Sink() for _ in range(50)]
    for sink in sinks:
        generation.attach(sink, 1)
    frame = encode_event(2, "delta", {"content": "x", "t": 1})
    generation.publish(frame)
    assert all(sink.batches == [frame] for sink in sinks)


@pytest.mark.gen_test
async def test_a_log_that_a_crash_cut_short():
    log = log_of(3)
    end = encode_event(RECOVERED_END, "end", {"state": "interrupted", "t": 2})
    log = EventLog([*log.frames, end], ended=True)
    assert log.last_number == RECOVERED_END
    whole = b"".join(log.frames)
    for after, expected in [
        (0, whole),
        (2, b"".join(log.frames[2:])),
        (3, end),
        (4, encode_event(0, "reset", {}) + whole),
        (RECOVERED_END - 1, encode_event(0, "reset", {}) + whole),
    ]:
        sink = Sink()
        subscriber = log.attach(sink, after)
        assert sink.data == expected, after
        assert subscriber.done.done()


@pytest.mark.gen_test
async def test_a_subscriber_that_fails_does_not_affect_the_others(caplog):
    generation, sink = log_of(1), Sink()

    def broken(data: bytes) -> bool:
        raise OSError("a failure of this subscriber only")

    failing = generation.attach(broken, 1)
    generation.attach(sink, 1)
    frame = encode_event(2, "delta", {"content": "x", "t": 1})
    generation.publish(frame)
    assert failing.done.done() and sink.batches == [frame]
    assert "a subscriber failed" in caplog.text
    caplog.clear()
