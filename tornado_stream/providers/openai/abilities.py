"""Asks servers what their models can do, where the list of models does not say it.

The rule: a server that does not answer, or in another form, says nothing. The preset names the
address; the form of the response tells how to read it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson

from tornado_stream.providers.openai.model_list import abilities_of
from tornado_stream.providers.upstream import StatusError, Timeouts, Upstream, UpstreamRequest
from tornado_stream.providers.upstream_config import UpstreamConfig, shown_url
from tornado_stream.values.errors import ProviderError

#: Limits in seconds: a page waits for the list of models.
TIMEOUTS = Timeouts(connect=3, first_byte=2, idle=2, answer=2)
#: Models that a server is asked about one by one, and at the same time.
MOST, AT_ONCE = 100, 8

Abilities = dict[str, tuple[str, ...]]


async def read_abilities(
    upstream: Upstream, config: UpstreamConfig, models: Sequence[str]
) -> Abilities:
    """What these models can do, of those that the server tells it of. Never raises."""
    path = config.preset.abilities
    if not path:
        return {}
    url = shown_url(config.base_url).removesuffix("/v1") + path
    headers = {"Accept": "application/json", **config.auth_headers}
    if config.preset.abilities_by_model:
        return await _ask_of_each(upstream, url, headers, models[:MOST])
    request = UpstreamRequest(url, headers, method="GET", timeouts=TIMEOUTS)
    return abilities_in(await _answer(upstream, request), models)


def abilities_in(answer: Any, models: Sequence[str]) -> Abilities:
    """What a response says: a list of models (LM Studio), or one object with the `modalities` of
    the only model (llama.cpp). Pure."""
    if not isinstance(answer, dict):
        return {}
    if isinstance(entries := answer.get("data"), list):
        named = [one for one in entries if isinstance(one, dict) and isinstance(one.get("id"), str)]
        return {one["id"]: _of_entry(one) for one in named if one.get("type")}
    modalities = answer.get("modalities")
    if isinstance(modalities, dict) and isinstance(modalities.get("vision"), bool):
        return dict.fromkeys(models, ("vision",) if modalities["vision"] else ())
    return {}


def _of_entry(entry: dict[str, Any]) -> tuple[str, ...]:
    """The type `vlm` is that of models that see."""
    sees = ("vision",) if entry["type"] == "vlm" else ()
    return tuple(dict.fromkeys([*sees, *abilities_of(entry)]))


async def _ask_of_each(
    upstream: Upstream, url: str, headers: dict[str, str], models: Sequence[str]
) -> Abilities:
    """Ask about each model (Ollama)."""
    headers = {**headers, "Content-Type": "application/json"}
    room = asyncio.Semaphore(AT_ONCE)

    async def ask(model: str) -> Any:
        async with room:
            body = orjson.dumps({"model": model})
            return await _answer(upstream, UpstreamRequest(url, headers, body, timeouts=TIMEOUTS))

    answers = await asyncio.gather(*map(ask, models))
    return {
        model: tuple(abilities_of(answer))
        for model, answer in zip(models, answers, strict=True)
        if isinstance(answer, dict) and isinstance(answer.get("capabilities"), list)
    }


async def _answer(upstream: Upstream, request: UpstreamRequest) -> Any:
    try:
        return await upstream.fetch_json(request)
    except (StatusError, ProviderError):
        return None
