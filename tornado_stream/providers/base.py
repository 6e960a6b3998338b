"""The interface of a provider, which turns a chat request into events."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from tornado_stream.values.costs import Price
from tornado_stream.values.errors import ProviderError
from tornado_stream.values.events import Delta, Finish, Notice, RelayedChunks, Step, Tool
from tornado_stream.values.messages import ChatRequest
from tornado_stream.values.pictures import SentPicture

#: What a provider emits. Chunks (`RelayedChunks`) come only where the request has `relay`, and
#: before the `Delta` and the pictures of the same bytes.
Emitted = Delta | Notice | Finish | RelayedChunks | SentPicture | Tool | Step
#: Takes the events of an answer.
Emit = Callable[[Emitted], None]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model that a request can name.

    `state` is `ready`, `loading` or `failed`. `detail` is for a person: what the model is, or why
    it failed and what to do; `code` is the code of that failure. `context` is in tokens. `can` has
    those of `vision`, `tools` and `reasoning` that the upstream lists; if `can_known`, the model
    can do none of the others. `maker` is "" and `price` is None where nobody says them. `id` is ""
    where an upstream has no list of models. `created` (seconds since the epoch) and `owned_by` are
    0 and "" where the upstream names none. `offered` is False for a model that programs are not
    told of.
    """

    id: str
    provider: str
    state: str = "ready"
    detail: str = ""
    context: int | None = None
    can: tuple[str, ...] = ()
    created: int = 0
    owned_by: str = ""
    offered: bool = True
    code: str = ""
    maker: str = ""
    price: Price | None = None
    can_known: bool = False

    def to_json(self) -> dict[str, Any]:
        """The model as `/api/models` shows it."""
        members = "id provider maker state code detail context can can_known".split()
        price = self.price and asdict(self.price)
        return {name: getattr(self, name) for name in members} | {"price": price}


class TextEmit(ABC):
    """An `Emit` that also takes a text without an event, in less time. A provider may use it."""

    __slots__ = ()

    @abstractmethod
    def __call__(self, event: Emitted) -> None:
        """Take an event."""

    @abstractmethod
    def text(self, text: str, data: bytes) -> None:
        """Take a text that is not empty: the same as `Delta(text)`. `data` are the server-sent
        events of which it was read, whole ones that differ in their texts alone. Where the request
        has `relay`, their chunks are taken too: they have content and nothing else that matters."""


class Provider(ABC):
    """Turns chat requests into events. All methods run on the IOLoop's thread."""

    #: The name that `/api/models` shows, for example `openai` or `local`.
    name: str
    #: Tells a person which server has the models, and where that is set.
    origin: str = ""

    #: Called when `secrets` has changed.
    on_new_secrets: Callable[[], None] = staticmethod(lambda: None)

    @property
    @abstractmethod
    def default_model(self) -> str | None:
        """The model for requests that name none; None while it is not known."""

    @property
    def failure(self) -> ProviderError | None:
        """Why the next answer is expected to fail: the upstream could not be reached or refused
        the key, or the local model did not start. None: nothing of this kind is known."""
        return None

    @property
    def failing(self) -> bool:
        """Whether the next answer is expected to fail."""
        return self.failure is not None

    @property
    def secrets(self) -> tuple[str, ...]:
        """Keys and passwords, which logs and messages must not show."""
        return ()

    @abstractmethod
    async def generate(self, request: ChatRequest, emit: Emit) -> None:
        """Produce one answer: call `emit` for each piece, in order, and return at its end.

        A return means that the upstream declared the answer finished. Otherwise the call raises
        `ProviderError`, with the state that the answer ends in. Cancelling the call closes the
        upstream's socket before `CancelledError` reaches the caller. `emit` never blocks and
        never raises.
        """

    @abstractmethod
    async def models(self) -> list[ModelInfo]:
        """All models, the default one first. Never raises: a failure is a `ModelInfo` in state
        `failed`."""

    async def open(self) -> None:  # noqa: B027  (most providers have nothing to discover)
        """Discover upstreams before the server listens. Takes a fraction of a second."""

    def expected(self, model: str | None) -> Finish:
        """What an answer of this model will most likely say of its upstream and price, as far as
        the configuration tells."""
        return Finish()

    def can(self, model: str | None) -> frozenset[str] | None:
        """What a model can (`ModelInfo.can`), as far as it was asked or configured; None: it is
        not known. Asks nobody."""
        return None

    def start(self) -> None:  # noqa: B027  (most providers have nothing to start)
        """Begin slow work, such as loading a model, and return at once."""

    async def close(self, grace: float) -> None:  # noqa: B027
        """End all child processes and close all sockets, within `grace` seconds."""
