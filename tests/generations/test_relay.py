"""The registry gives a relay every event and its end, whatever the relay does."""

from __future__ import annotations

import pytest
from client import until
from store.memory import MemoryStore

from generations.test_registry import finish, job
from tornado_stream.generations.registry import Generations
from tornado_stream.generations.relay import Relay
from tornado_stream.values.errors import ProviderError
from tornado_stream.values.events import Delta, Finish, Notice, RelayedChunks


class Recorder(Relay):
    """Keeps what it is given; `broken` fails at the end instead."""

    def __init__(self, *, streamed: bool = True, broken: bool = False) -> None:
        super().__init__("g1", streamed=streamed)
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
