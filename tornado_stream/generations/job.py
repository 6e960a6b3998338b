"""What the registry is given to make an answer. A pure value."""

from __future__ import annotations

from dataclasses import dataclass

from tornado_stream.generations.relay import Relay
from tornado_stream.providers.base import Provider
from tornado_stream.store.base import NewAnswer
from tornado_stream.values.events import Delta, Notice, Tool
from tornado_stream.values.messages import LOCAL_OWNER, ChatRequest


@dataclass(frozen=True, slots=True)
class Job:
    """All that makes an answer: what the store saves first, the provider, and what it is asked.

    `first_events` follow the `start` in the log. With `persisted` False the answer is in memory
    only, and gone when it has ended. `relay` takes the same events for a program.
    """

    new_answer: NewAnswer
    provider: Provider
    request: ChatRequest
    first_events: tuple[Delta | Notice | Tool, ...] = ()
    owner: str = LOCAL_OWNER
    persisted: bool = True
    relay: Relay | None = None
