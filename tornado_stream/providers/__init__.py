"""Chooses the upstreams from the settings.

The first of these that exists is used: the tables [upstream.NAME] of tornado-stream.toml;
OPENAI_BASE_URL or OPENAI_API_KEY; servers for local models on this machine; the small model that
comes with it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tornado_stream.config_file import ConfigFile, Unreadable, read_key_file
from tornado_stream.net.http_client import origin_of
from tornado_stream.providers.base import Provider
from tornado_stream.providers.config import read_config
from tornado_stream.providers.discovery import find_servers
from tornado_stream.providers.openai.provider import OpenAIProvider
from tornado_stream.providers.presets import preset_for, presets
from tornado_stream.providers.provider_group import ProviderGroup
from tornado_stream.providers.reloading import ReloadingGroup
from tornado_stream.providers.upstream import OnStatus, Timeouts, Upstream
from tornado_stream.providers.upstream_config import UpstreamConfig, shown_url
from tornado_stream.settings import Secret, SettingError, Settings, parse_key

if TYPE_CHECKING:
    from tornado_stream.net.forward_proxy import ForwardProxies

PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy")


def build_provider(
    settings: Settings,
    on_status: OnStatus = lambda status: None,
    environ: Mapping[str, str] = os.environ,
    file: ConfigFile | None = None,
) -> Provider:
    """All upstreams as one provider. `on_status` is called with the status of every response.
    `file` is tornado-stream.toml; if None, it is found here.

    Raises `SettingError` if tornado-stream.toml has a mistake.
    """
    timeouts = Timeouts(
        connect=settings.connect_timeout,
        first_byte=settings.first_byte_timeout,
        idle=settings.idle_timeout,
        answer=settings.answer_timeout,
    )

    proxies = _forward_proxies(environ)

    def provider(config: UpstreamConfig) -> OpenAIProvider:
        return OpenAIProvider(Upstream(on_status, query=config.query, proxies=proxies), config)

    config_file = file or ConfigFile(settings)
    in_environment = bool(settings.base_url or settings.api_key)

    def read() -> list[UpstreamConfig]:
        configs = read_config(config_file.read(), environ, timeouts)
        if not configs and in_environment:
            configs = [_from_environment(settings, timeouts)]
        if not configs:
            raise SettingError(f"{config_file.path} names no upstream any more")
        _check_proxies(configs, proxies)
        return configs

    if in_environment or read_config(config_file.read(), environ, timeouts):
        secrets = proxies.secrets if proxies else ()
        path = config_file.path
        return ReloadingGroup(read, provider, path, default=settings.model, secrets=secrets)
    from tornado_stream.providers.local.provider import LocalProvider  # most servers never need it

    async def discover() -> list[OpenAIProvider]:
        return [provider(config) for config in await find_servers(timeouts, {settings.port})]

    local = LocalProvider(Upstream(on_status), settings, timeouts)
    return ProviderGroup([local], discover=None if settings.no_discovery else discover)


def has_upstream(settings: Settings, file: ConfigFile) -> bool:
    """Whether the settings or tornado-stream.toml name an upstream. Otherwise the answers come from
    what is found on this machine."""
    return bool(settings.base_url or settings.api_key or file.read().data.get("upstream"))


def _forward_proxies(environ: Mapping[str, str]) -> ForwardProxies | None:
    """The proxies of the environment; None: it names none."""
    if not any(name.lower() in PROXY_VARIABLES for name, value in environ.items() if value):
        return None
    from tornado_stream.net.forward_proxy import ForwardProxies

    return ForwardProxies(environ)


def _check_proxies(configs: list[UpstreamConfig], proxies: ForwardProxies | None) -> None:
    if proxies is None:
        return
    for url in (config.base_url for config in configs):
        try:
            proxies.find(origin_of(url))
        except ValueError as error:
            raise SettingError(f"{error} (needed for {shown_url(url)})") from None


def _from_environment(settings: Settings, timeouts: Timeouts) -> UpstreamConfig:
    base_url = settings.base_url or presets()["openai"].base_url
    preset = preset_for(base_url)
    named = "OPENAI_BASE_URL" if settings.base_url else "OPENAI_API_KEY"
    return UpstreamConfig(
        name=preset.name if preset.title else "openai",
        base_url=base_url,
        key=_key(settings),
        key_file=settings.api_key_file,
        preset=preset,
        default_model=settings.model or preset.default_model,
        timeouts=timeouts,
        origin=f"{preset.title or shown_url(base_url)} ({named})",
        key_origin="the file of --api-key-file" if settings.api_key_file else "OPENAI_API_KEY",
    )


def _key(settings: Settings) -> Secret | None:
    """The key of the environment; that of a file as the file is now. Raises `SettingError`."""
    if settings.api_key_file is None:
        return settings.api_key
    try:
        line = read_key_file(settings.api_key_file).partition("\n")[0].rstrip("\r")
        if not line:
            raise ValueError("its first line is empty")
        return parse_key(line)
    except OSError as error:
        why = error.strerror
        raise Unreadable(f"cannot use the key in {settings.api_key_file}: {why}") from None
    except ValueError as error:
        raise SettingError(f"cannot use the key in {settings.api_key_file}: {error}") from None
