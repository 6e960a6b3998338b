"""Several upstreams as one provider: finds the upstream that has a model, and retries.

The rule: a request is retried, at the same upstream or at the next one, only if the upstream
cannot have processed it (`ProviderError.unprocessed`), so that nobody pays twice. Every other
failure ends the answer, and the user decides.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from itertools import count
from time import monotonic

from tornado.gen import convert_yielded

from tornado_stream.providers.base import Emit, ModelInfo, Provider
from tornado_stream.values.errors import ProviderError
from tornado_stream.values.events import Finish, Notice
from tornado_stream.values.messages import ChatRequest

logger = logging.getLogger(__name__)

#: Seconds after which a list of models leaves out an upstream that has not answered yet.
LIST_TIMEOUT = 1.5
#: Seconds between two searches for servers on this machine.
DISCOVERY_INTERVAL = 3.0
#: Retries at one upstream.
RETRIES = 2
#: Seconds before the first retry, before jitter; doubled for each further one.
FIRST_WAIT = 1.0
#: A `Retry-After` of more seconds is not honoured: the user decides instead.
LONGEST_WAIT = 60.0

Discover = Callable[[], Awaitable[Sequence[Provider]]]


class ProviderGroup(Provider):
    """Sends each request to the upstream that lists its model, or to the first upstream if none
    lists it.

    `discover` finds servers on this machine; while there are any, they are used instead of
    `members`. `default` is the model for requests that name none. `secrets` are those of no
    single upstream.
    """

    name = "group"

    def __init__(
        self,
        members: Sequence[Provider],
        *,
        default: str | None = None,
        discover: Discover | None = None,
        secrets: tuple[str, ...] = (),
    ) -> None:
        self._secrets = secrets
        self._configured = tuple(members)
        self._discovered: tuple[Provider, ...] = ()
        self._default = default
        self._discover = discover
        self._discovery_due = 0.0
        self._lists: dict[Provider, asyncio.Future[list[ModelInfo]]] = {}
        self._in_use: Counter[Provider] = Counter()
        self._retired: set[Provider] = set()
        self._closing: set[asyncio.Future[None]] = set()

    @property
    def members(self) -> tuple[Provider, ...]:
        """The upstreams that requests can go to, the default one first."""
        return self._discovered or self._configured

    @property
    def origin(self) -> str:  # type: ignore[override]
        """Those of all upstreams."""
        return ", ".join(dict.fromkeys(member.origin for member in self.members))

    @property
    def default_model(self) -> str | None:
        return self._default or self.members[0].default_model

    @property
    def failure(self) -> ProviderError | None:
        failures = [member.failure for member in self.members]
        return failures[0] if all(failures) else None

    @property
    def secrets(self) -> tuple[str, ...]:
        members = (*self._configured, *self._retired)
        return *self._secrets, *(secret for one in members for secret in one.secrets)

    async def open(self) -> None:
        await self._discover_servers()

    def expected(self, model: str | None) -> Finish:
        model = model or self.default_model
        found = [member.expected(model) for member in self.members]
        name, _, rest = (model or "").partition("/")
        found += [member.expected(rest) for member in self.members if rest and member.name == name]
        return next((finish for finish in found if finish.price), found[0])

    def can(self, model: str | None) -> frozenset[str] | None:
        model = model or self.default_model
        name, _, rest = (model or "").partition("/")
        found = [member.can(model) for member in self.members]
        found += [member.can(rest) for member in self.members if rest and member.name == name]
        return next((can for can in found if can is not None), None)

    def start(self) -> None:
        for member in self.members:
            member.start()

    async def close(self, grace: float) -> None:
        for listing in self._lists.values():
            listing.cancel()
        for member in (*self._discovered, *self._configured, *self._retired):
            await member.close(grace)
        await asyncio.gather(*self._closing)

    def replace_members(self, members: Sequence[Provider]) -> None:
        """Use these members for the next answers. One that goes is closed when the answers that
        have begun with it have ended."""
        self._retired.update(one for one in self._configured if one not in members)
        self._retired.difference_update(members)
        self._configured = tuple(members)
        self._close_retired()

    async def models(self) -> list[ModelInfo]:
        await self._discover_servers()
        members: tuple[Provider, ...] = ()
        while members != self.members:  # else they were replaced meanwhile
            members = self.members
            lists = await self._list_all(members)
        models = [model for list in lists.values() for model in list]
        seen: set[str] = set()
        for place, model in enumerate(models):
            if model.id and model.id in seen:  # two upstreams have it: prefix the second's name
                models[place] = replace(model, id=f"{model.provider}/{model.id}")
            seen.add(model.id)
        first = [model for model in models if model.id and model.id == self.default_model]
        return first[:1] + [model for model in models if model not in first[:1]]

    async def generate(self, request: ChatRequest, emit: Emit) -> None:
        configured = self._configured
        for one in configured:
            self._in_use[one] += 1
        try:
            await self._generate(self.members, request, emit)
        finally:
            for one in configured:
                self._in_use[one] -= 1
            self._close_retired()

    async def _generate(
        self, members: Sequence[Provider], request: ChatRequest, emit: Emit
    ) -> None:
        """Generate with these members, also if others replace them meanwhile."""
        candidates = await self._candidates(members, request.model or self.default_model)
        for member, model in candidates:
            try:
                asked = request if model == request.model else replace(request, model=model)
                return await self._with_retries(member, asked, emit)
            except ProviderError as error:
                if not error.unprocessed or (member, model) == candidates[-1]:
                    if len(members) > 1:
                        error.message = f"{member.name}: {error.message}"
                    raise error from None
                logger.info("%s cannot answer (%s); trying the next", member.name, error.code)

    async def _with_retries(self, member: Provider, request: ChatRequest, emit: Emit) -> None:
        for attempt in count(1):
            try:
                return await member.generate(request, emit)
            except ProviderError as error:
                wait = retry_delay(attempt, error)
                if wait is None:
                    raise
                details = {"seconds": round(wait, 1), "reason": error.code, "attempt": attempt}
            emit(Notice("waiting", details))
            await asyncio.sleep(wait)

    async def _candidates(
        self, members: Sequence[Provider], model: str | None
    ) -> list[tuple[Provider, str | None]]:
        """The upstreams to try for a model, in order, each with its own name for the model."""
        if len(members) == 1 or model is None:
            return [(members[0], model)]
        lists = await self._list_all(members)
        having: list[tuple[Provider, str | None]] = [
            (member, model) for member, list in lists.items() if any(model == m.id for m in list)
        ]
        name, _, rest = model.partition("/")
        named = [(member, rest) for member in members if member.name == name and rest]
        return having or [*named] or [(members[0], model)]

    def _close_retired(self) -> None:
        for one in [one for one in self._retired if not self._in_use[one]]:
            self._retired.discard(one)
            del self._in_use[one]
            if listing := self._lists.pop(one, None):
                listing.cancel()
            closing: asyncio.Future[None] = convert_yielded(one.close(0))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def _discover_servers(self) -> None:
        """Update the servers on this machine, unless the last search was just now."""
        if self._discover is None or monotonic() < self._discovery_due:
            return
        self._discovery_due = monotonic() + DISCOVERY_INTERVAL
        before = {member.name: member for member in self._discovered}
        found = [before.get(member.name, member) for member in await self._discover()]
        self._discovered = tuple(found)
        if before and not found:  # all have gone: start the configured members
            self.start()

    async def _list_all(self, members: Sequence[Provider]) -> dict[Provider, list[ModelInfo]]:
        """The models of each member. A slow one gets a placeholder, and its list next time; one
        that was closed meanwhile is left out."""
        for member in members:
            listing = self._lists.get(member)
            if listing is None or listing.done():
                self._lists[member] = convert_yielded(member.models())
        lists = {member: self._lists[member] for member in members}
        await asyncio.wait(lists.values(), timeout=LIST_TIMEOUT)
        return {
            member: list.result() if list.done() else [_pending(member)]
            for member, list in lists.items()
            if not list.cancelled()
        }


def retry_delay(attempt: int, error: ProviderError) -> float | None:
    """Seconds before retry number `attempt`, from 1, with jitter; None: do not retry."""
    if not error.unprocessed or attempt > RETRIES or error.code in ("quota", "auth"):
        return None
    requested = error.retry_after or 0.0
    if requested > LONGEST_WAIT:
        return None
    wait = FIRST_WAIT * 2.0 ** (attempt - 1) * random.uniform(0.5, 1.0)
    return max(wait, requested)


def _pending(member: Provider) -> ModelInfo:
    return ModelInfo("", member.name, "loading", f"{member.name} has not answered yet.")
