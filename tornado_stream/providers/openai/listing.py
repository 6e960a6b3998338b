"""Asks a server for its models, and remembers the list for a while.

The rule: a list never fails. What could not be listed, and what could not be asked when it was
last tried, is in it as a model in state `failed`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import monotonic

from tornado_stream.providers.base import ModelInfo
from tornado_stream.providers.openai.model_list import maker_of, read_models
from tornado_stream.providers.upstream import StatusError, Timeouts, Upstream, UpstreamRequest
from tornado_stream.providers.upstream_config import UpstreamConfig, shown_url
from tornado_stream.values.errors import ProviderError

#: Limits for the list of models, in seconds: a page waits for it.
MODELS_TIMEOUTS = Timeouts(connect=3, first_byte=5, idle=5, answer=8)
#: Seconds after which the server is asked for the list again, and after a failure to get one.
LIST_LASTS, FAILURE_LASTS = 60.0, 3.0


class Listing:
    """The models of one upstream. `decode_error` makes the error for a status."""

    def __init__(
        self,
        upstream: Upstream,
        config: UpstreamConfig,
        decode_error: Callable[[StatusError], ProviderError],
    ) -> None:
        self._upstream = upstream
        self._config = config
        self._decode_error = decode_error
        self._listed: list[ModelInfo] = []
        self._due = 0.0
        self._told: dict[str, tuple[str, ...]] = {}  # what the server said that models can do
        self._asked: set[str] = set()

    async def models(self, default: str | None) -> list[ModelInfo]:
        """The models of the file, else those that the server lists; the default one first."""
        if monotonic() >= self._due:
            self._listed = await self._with_abilities(await self._read(default))
            incomplete = any(one.state == "failed" for one in self._listed)
            has_failed = incomplete or self._upstream.failure
            self._due = monotonic() + (FAILURE_LASTS if has_failed else LIST_LASTS)
        if failure := self._upstream.failure:
            code, detail = failure.code, failure.message
            return [replace(m, state="failed", code=code, detail=detail) for m in self._listed]
        return self._listed

    def can(self, model: str | None) -> frozenset[str] | None:
        """What the model can, if the configuration, the last list or the server says it."""
        if model and model in self._config.can:
            return frozenset(self._config.can[model])
        found = next((one for one in self._listed if one.id == model and one.can_known), None)
        return frozenset(found.can) if found else None

    async def fetch(self) -> list[ModelInfo]:
        """The models that the server lists. Raises `ProviderError`."""
        url = f"{shown_url(self._config.base_url)}/models"
        headers = {"Accept": "application/json", **self._config.auth_headers}
        request = UpstreamRequest(url, headers, method="GET", timeouts=MODELS_TIMEOUTS)
        try:
            answer = await self._upstream.fetch_json(request)
        except StatusError as error:
            raise self._decode_error(error) from None
        models = read_models(answer, self._config.name, self._config.origin)
        if models is None:
            raise ProviderError("not_an_api", f"{url} is not a list of models.", retryable=True)
        prices = self._config.prices
        return [replace(one, price=prices.get(one.id, one.price)) for one in models]

    async def _with_abilities(self, models: list[ModelInfo]) -> list[ModelInfo]:
        """The models with what they can do: as the configuration says it, else as the list or the
        server does. The server is asked once for each model."""
        known = {"", *self._asked, *self._config.can}
        new = [one.id for one in models if not one.can_known and one.id not in known]
        if new and self._config.preset.abilities:
            from tornado_stream.providers.openai.abilities import read_abilities

            self._told |= await read_abilities(self._upstream, self._config, new)
            self._asked |= set(new)
        told = {**self._told, **self._config.can}
        return [
            replace(one, can=told[one.id], can_known=True) if one.id in told else one
            for one in models
        ]

    def _named(self, id: str) -> ModelInfo:
        """A model of which only the configuration tells something."""
        config = self._config
        price = config.prices.get(id)
        return ModelInfo(id, config.name, detail=config.origin, maker=maker_of(id), price=price)

    async def _read(self, default: str | None) -> list[ModelInfo]:
        config = self._config
        named = [self._named(id) for id in config.models]
        if not named:
            try:
                named = await self.fetch()
            except ProviderError as error:
                if not default:
                    return [ModelInfo("", config.name, "failed", error.message, code=error.code)]
                # Not every server has a list.
        default = default or (named[0].id if named else "")
        first = [model for model in named if model.id == default]
        if default and not first:
            first = [self._named(default)]
        return first + [model for model in named if model.id != default]
