"""The registry gives a relay every event and its end, whatever the relay does."""

from __future__ import annotations

import random

import pytest
from client import until
from store.memory import MemoryStore

from generations.test_registry import finish, job
from tornado_stream.generations import relay as relay_module
from tornado_stream.generations.registry import Generations
from tornado_stream.generations.relay import Relay
from tornado_stream.values.errors import ProviderError
from tornado_stream.values.events import Delta, Finish, Notice, RelayedChunks


class Recorder(Relay):
    """Keeps what it is given; `broken` fails at the end instead."""

    def __init__(self, *, streamed: bool = True, broken: bool = False, once: bool = False) -> None:
        super().__init__("g1", streamed=streamed, once=once)
        self.events, self.broken = [], broken
        self.ends = []
        self.on_ended = self.ends.append

    def take(self, event) -> None:
        self.events.append(event)

    def end(self, end) -> None:
        if self.broken:
            raise RuntimeError("a bug")
        self.publish(b"end\n\n", last=True)


EVENTS = [
    Notice("waiting", {}),
    RelayedChunks([b"{}"]),
    Delta("a"),
    Finish("stop"),
]


async def act(emit) -> None:
    for event in EVENTS:
        emit(event)


@pytest.mark.gen_test
@pytest.mark.parametrize("persisted", [True, False])
async def test_a_relay_takes_all_events_and_the_end(persisted):
    relay = Recorder()
    generations = Generations(MemoryStore())
    generation = await generations.start(job(act, relay=relay, persisted=persisted))
    log = await finish(generations, generation)
    # Nobody reads the events of an answer that is not kept, so its deltas are not encoded.
    assert [name for _, name, _ in log] == ["start", "notice", *["delta"] * persisted, "end"]
    await until(lambda: relay.ended)
    assert relay.events == EVENTS and relay.begun and relay.started.done()
    assert relay.frames == [b"end\n\n"] and relay.ends[0].state == "done"


@pytest.mark.gen_test
async def test_a_relay_that_fails_still_ends(caplog):
    relay = Recorder(broken=True)
    generations = Generations(MemoryStore())
    await finish(generations, await generations.start(job(act, relay=relay)))
    await until(lambda: relay.started.done() and not len(generations))
    assert relay.ended and relay.failure and relay.ends
    caplog.clear()


@pytest.mark.gen_test
@pytest.mark.parametrize("streamed", [True, False])
async def test_there_is_something_to_send_at_the_first_text_of_a_stream_only(streamed):
    relay = Recorder(streamed=streamed)
    relay.begin()
    assert relay.begun and relay.started.done() == streamed
    relay.begin(ended=True)
    assert relay.started.done()


@pytest.mark.gen_test
async def test_a_failure_without_text_has_not_begun():
    async def fail(emit) -> None:
        raise ProviderError("connect_failed", "No.")

    relay = Recorder()
    generations = Generations(MemoryStore())
    await finish(generations, await generations.start(job(fail, relay=relay)))
    await until(lambda: relay.started.done())
    assert not relay.begun and relay.ends[0].error.code == "connect_failed"


class Reader:
    """A sink that takes bytes while it is `open`."""

    def __init__(self, relay: Relay, *, open: bool = True) -> None:
        self.open, self.data = open, bytearray()
        self.subscriber = relay.attach(self.take, 0)

    def take(self, data: bytes) -> bool:
        self.data += data
        return self.open


@pytest.fixture
def small(monkeypatch) -> int:
    """A limit that answers of a few hundred kilobytes exceed."""
    monkeypatch.setattr(relay_module, "HELD_BYTES", 50_000)
    return 50_000


@pytest.mark.gen_test
@pytest.mark.parametrize("once", [True, False])
@pytest.mark.parametrize("unit", [10, 3000])
async def test_the_frames_of_a_long_answer_take_little_and_no_byte_is_lost(small, once, unit):
    """Readers stop and go on at any frame; one that comes later gets all where it may."""
    rng = random.Random(f"{once} {unit}")
    relay = Recorder(once=once)
    readers = [Reader(relay)] if once else []
    whole = bytearray()
    while len(whole) < 400_000:
        frame = b"%08d" % len(whole) * rng.randrange(1, unit)
        whole += frame
        relay.add(frame)
        assert relay.held <= small
        if not once and len(readers) < 5 and rng.random() < 0.001 * unit**0.5:
            readers.append(Reader(relay))
        for reader in readers:
            if rng.random() < 0.01:
                reader.open = not reader.open
                if reader.open:
                    reader.subscriber.resume()
                    assert reader.data == whole
    assert sum(map(len, relay.frames)) < small + len(whole) // 3
    for reader in readers:
        reader.open = True
        reader.subscriber.resume()
        assert reader.data == whole
    if not once:
        assert len(readers) > 2 and Reader(relay).data == whole
    relay.publish(b"end", last=True)
    assert all(reader.data == whole + b"end" for reader in readers)
    assert all(reader.subscriber.done.done() for reader in readers)


@pytest.mark.gen_test
async def test_what_the_only_reader_has_taken_is_forgotten(small):
    relay = Recorder(once=True)
    for _ in range(4 * small // 100):
        relay.add(b"x" * 100)
    assert len(relay.frames) < small // 50  # nobody has read any of it
    reader = Reader(relay, open=False)
    taken = len(reader.data)
    for _ in range(4 * small // 100):
        relay.add(b"x" * 100)
    assert len(reader.data) == taken
    reader.open = True
    reader.subscriber.resume()
    assert reader.data == b"x" * 8 * small
    for _ in range(small // 100 + 1):
        relay.add(b"x" * 100)
    assert sum(map(len, relay.frames)) < small
