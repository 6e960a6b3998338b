"""Finds servers for local models, such as Ollama, on their usual ports of this machine.

The rule: only loopback, and one small GET for each port. A server that does not answer within
`PROBE_TIMEOUTS` does not count.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from tornado_stream.providers.openai.model_list import read_models
from tornado_stream.providers.presets import Preset, presets
from tornado_stream.providers.upstream import StatusError, Timeouts, Upstream, UpstreamRequest
from tornado_stream.providers.upstream_config import UpstreamConfig
from tornado_stream.values.errors import ProviderError

#: In seconds.
PROBE_TIMEOUTS = Timeouts(connect=0.15, first_byte=0.25, idle=0.25, answer=0.3)


async def find_servers(timeouts: Timeouts, skip: Collection[int] = ()) -> list[UpstreamConfig]:
    """The servers that list at least one model, in the order of the presets. Never raises.

    Ports in `skip`, such as this server's own, get no request. `timeouts` are for later requests.
    """
    asked = [p for p in presets().values() if p.local_port and p.local_port not in skip]
    upstream = Upstream()
    answers = await asyncio.gather(*[_has_models(upstream, preset) for preset in asked])
    await upstream.close()
    return [
        UpstreamConfig(
            preset.name,
            preset.base_url,
            preset=preset,
            timeouts=timeouts,
            origin=f"{preset.title} (127.0.0.1:{preset.local_port})",
        )
        for preset, has_models in zip(asked, answers, strict=True)
        if has_models
    ]


async def _has_models(upstream: Upstream, preset: Preset) -> bool:
    request = UpstreamRequest(f"{preset.base_url}/models", method="GET", timeouts=PROBE_TIMEOUTS)
    try:
        return bool(read_models(await upstream.fetch_json(request), preset.name))
    except (ProviderError, StatusError):
        return False
