"""What every provider is: something that turns a chat request into events."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from tornado_stream.values.events import Delta, Finish, Notice
from tornado_stream.values.messages import ChatRequest

Emit = Callable[[Delta | Notice | Finish], None]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model that can be asked for. `state` is `ready`, `loading` or `failed`; `detail` is for a
    person: what it is, or why it failed and what to do. `context` is in tokens; `can` has what the
    server says of `vision`, `tools` and `reasoning`. `id` is "" for a server without a list."""

    id: str
    provider: str
    state: str = "ready"
    detail: str = ""
    context: int | None = None
    can: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class Provider(ABC):
    """Turns chat requests into events. All methods run on the IOLoop's thread."""

    #: `openai`, `local` …, as `/api/models` names it.
    name: str

    @property
    @abstractmethod
    def default_model(self) -> str | None:
        """The model that is used where a request names none; None while it is not known."""

    @property
    def failing(self) -> bool:
        """Whether an answer would fail as far as is known: its server cannot be reached or refuses
        the key, or its model did not start."""
        return False

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be read nowhere."""
        return ()

    @abstractmethod
    async def generate(self, request: ChatRequest, emit: Emit) -> None:
        """Produce one answer: call `emit` for each piece, in order, and return when it is whole.

        Returning means that the upstream said it was finished. Raises `ProviderError` when it
        did not, with the state the answer ends in. Cancelling the call closes the upstream's
        socket before the cancellation leaves here. `emit` never blocks and never raises.
        """

    @abstractmethod
    async def models(self) -> list[ModelInfo]:
        """The models there are, the default one first. Never raises: a failure is a `ModelInfo`
        in state `failed`."""

    async def open(self) -> None:  # noqa: B027  (most providers have nothing to look for)
        """Find out what is there, in a fraction of a second, before the server serves."""

    def start(self) -> None:  # noqa: B027  (most providers have nothing to start)
        """Begin what takes time, without waiting for it."""

    async def close(self, grace: float) -> None:  # noqa: B027
        """Release everything, within `grace` seconds; after it no child and no socket is left."""
