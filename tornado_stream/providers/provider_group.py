"""Several upstreams as one provider: whose model it is, and who is asked next if one fails.

The rule: an upstream is asked again, or another one instead, only while nothing of the answer has
come and where the request cannot have been processed. Everything else is told, and the person
decides.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from time import monotonic

from tornado.gen import convert_yielded

from tornado_stream.providers.base import Emit, ModelInfo, Provider
from tornado_stream.providers.retry import wait_before
from tornado_stream.values.errors import ProviderError
from tornado_stream.values.events import Notice
from tornado_stream.values.messages import ChatRequest

logger = logging.getLogger(__name__)

#: Seconds that a list waits for an upstream that has not answered yet.
LIST_TIMEOUT = 1.5
#: Seconds until this machine is looked over again.
DISCOVERY_INTERVAL = 3.0

Discover = Callable[[], Awaitable[Sequence[Provider]]]


class ProviderGroup(Provider):
    """Asks the upstream that has the model; one that nobody lists goes to the first.

    `discover` finds upstreams on this machine, which come before `members`; None: it is not
    looked. `default` is the model that is asked for where nobody names one.
    """

    name = "group"

    def __init__(
        self,
        members: Sequence[Provider],
        *,
        default: str | None = None,
        discover: Discover | None = None,
    ) -> None:
        self._configured = tuple(members)
        self._discovered: tuple[Provider, ...] = ()
        self._default = default
        self._discover = discover
        self._discovery_due = 0.0
        self._lists: dict[Provider, asyncio.Future[list[ModelInfo]]] = {}

    @property
    def members(self) -> tuple[Provider, ...]:
        """Who can be asked, the first being the default."""
        return self._discovered or self._configured

    @property
    def default_model(self) -> str | None:
        return self._default or self.members[0].default_model

    @property
    def failing(self) -> bool:
        return all(member.failing for member in self.members)

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(secret for member in self._configured for secret in member.secrets)

    async def open(self) -> None:
        await self._discover_servers()

    def start(self) -> None:
        for member in self.members:
            member.start()

    async def close(self, grace: float) -> None:
        for listing in self._lists.values():
            listing.cancel()
        for member in (*self._discovered, *self._configured):
            await member.close(grace)

    async def models(self) -> list[ModelInfo]:
        await self._discover_servers()
        lists = await self._list_all()
        models = [model for member in self.members for model in lists[member]]
        seen: set[str] = set()
        for place, model in enumerate(models):
            if model.id and model.id in seen:  # the same name elsewhere is asked for by both names
                models[place] = replace(model, id=f"{model.provider}/{model.id}")
            seen.add(model.id)
        first = [model for model in models if model.id and model.id == self.default_model]
        return first[:1] + [model for model in models if model not in first[:1]]

    async def generate(self, request: ChatRequest, emit: Emit) -> None:
        *others, last = await self._candidates(request.model or self.default_model)
        for member, model in others:
            try:
                return await self._generate_with_retries(
                    member, replace(request, model=model), emit
                )
            except ProviderError as error:
                if not error.unprocessed:
                    raise self._name_member(member, error) from None
                logger.info("%s cannot answer (%s); the next is asked", member.name, error.code)
        member, model = last
        try:
            await self._generate_with_retries(member, replace(request, model=model), emit)
        except ProviderError as error:
            raise self._name_member(member, error) from None

    async def _generate_with_retries(
        self, member: Provider, request: ChatRequest, emit: Emit
    ) -> None:
        """One upstream, as often as it makes sense."""
        attempt = 0
        while True:
            try:
                return await member.generate(request, emit)
            except ProviderError as error:
                attempt += 1
                wait = wait_before(attempt, error)
                if wait is None:
                    raise
                details = {"seconds": round(wait, 1), "reason": error.code, "attempt": attempt}
            emit(Notice("waiting", details))
            await asyncio.sleep(wait)

    async def _candidates(self, model: str | None) -> list[tuple[Provider, str | None]]:
        """Who is to be asked for the model, in order, and by which name."""
        if len(self.members) == 1 or model is None:
            return [(self.members[0], model)]
        lists = await self._list_all()
        having: list[tuple[Provider, str | None]] = [
            (member, model) for member, list in lists.items() if any(model == m.id for m in list)
        ]
        name, _, rest = model.partition("/")
        named = [(member, rest) for member in self.members if member.name == name and rest]
        return having or [*named] or [(self.members[0], model)]

    async def _discover_servers(self) -> None:
        """See which servers there are on this machine, unless that was seen just now."""
        if self._discover is None or monotonic() < self._discovery_due:
            return
        self._discovery_due = monotonic() + DISCOVERY_INTERVAL
        kept = {member.name: member for member in self._discovered}
        found = [kept.get(member.name, member) for member in await self._discover()]
        self._discovered = tuple(found)
        if kept and not found:  # they have gone
            self.start()

    async def _list_all(self) -> dict[Provider, list[ModelInfo]]:
        """The models of each; who takes long is not waited for, and is there the next time."""
        members = self.members
        for member in members:
            listing = self._lists.get(member)
            if listing is None or listing.done():
                self._lists[member] = convert_yielded(member.models())
        lists = {member: self._lists[member] for member in members}
        await asyncio.wait(lists.values(), timeout=LIST_TIMEOUT)
        return {
            member: list.result() if list.done() else [_pending(member)]
            for member, list in lists.items()
        }

    def _name_member(self, member: Provider, error: ProviderError) -> ProviderError:
        if len(self.members) > 1:
            error.message = f"{member.name}: {error.message}"
        return error


def _pending(member: Provider) -> ModelInfo:
    return ModelInfo("", member.name, "loading", f"{member.name} has not answered yet.")
