"""Which upstreams answer: decided here, from the settings, once.

The order: a file that names them; the environment; servers on this machine; the local model.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tornado_stream.providers.base import Provider
from tornado_stream.providers.config import FILE_NAME, UpstreamConfig, read_config
from tornado_stream.providers.discovery import find_servers
from tornado_stream.providers.fleet import Fleet
from tornado_stream.providers.openai import OpenAIProvider
from tornado_stream.providers.presets import preset_for, presets
from tornado_stream.providers.upstream import Timeouts, Upstream
from tornado_stream.settings import Settings


def build_provider(settings: Settings, environ: Mapping[str, str] = os.environ) -> Provider:
    """The upstreams there are, as one. Raises `SettingError` for a file that is not right."""
    timeouts = Timeouts(
        connect=settings.connect_timeout,
        first_byte=settings.first_byte_timeout,
        idle=settings.idle_timeout,
        answer=settings.answer_timeout,
    )
    upstream = Upstream()
    if file := _config_file(settings):
        configs = read_config(file, environ, timeouts)
        members = [OpenAIProvider(upstream, config) for config in configs]
        return Fleet(members, default=settings.model)
    if settings.base_url or settings.api_key:
        config = _from_environment(settings, timeouts)
        return Fleet([OpenAIProvider(upstream, config)], default=settings.model)
    from tornado_stream.providers.local import LocalProvider  # most set-ups never need it

    async def discover() -> list[OpenAIProvider]:
        found = await find_servers(upstream, timeouts, {settings.port})
        return [OpenAIProvider(upstream, config) for config in found]

    local = LocalProvider(upstream, settings, timeouts)
    return Fleet([local], discover=None if settings.no_discovery else discover)


def _config_file(settings: Settings) -> Path | None:
    if settings.config:
        return settings.config
    here = Path(FILE_NAME)
    return here if here.is_file() else None


def _from_environment(settings: Settings, timeouts: Timeouts) -> UpstreamConfig:
    base_url = settings.base_url or presets()["openai"].base_url
    preset = preset_for(base_url)
    return UpstreamConfig(
        name=preset.name if preset.title else "openai",
        base_url=base_url,
        key=settings.api_key,
        preset=preset,
        default_model=settings.model or preset.default_model,
        timeouts=timeouts,
        why=f"{base_url}, from OPENAI_BASE_URL"
        if settings.base_url
        else "OpenAI, from OPENAI_API_KEY",
    )
