"""Which provider answers: decided here, from the settings, once."""

from __future__ import annotations

from tornado_stream.providers.base import Provider
from tornado_stream.providers.openai import OpenAIProvider
from tornado_stream.providers.upstream import OnStatus, Timeouts, Upstream, ignore_status
from tornado_stream.settings import Settings

OPENAI_URL = "https://api.openai.com/v1"
OPENAI_MODEL = "gpt-5-mini"


def build_provider(settings: Settings, on_status: OnStatus = ignore_status) -> Provider:
    """The configured server; with none, the local model. `on_status` is told the status of every
    response."""
    timeouts = Timeouts(
        connect=settings.connect_timeout,
        first_byte=settings.first_byte_timeout,
        idle=settings.idle_timeout,
        answer=settings.answer_timeout,
    )
    upstream = Upstream(on_status)
    if settings.base_url or settings.api_key:
        base_url = settings.base_url or OPENAI_URL
        default = OPENAI_MODEL if base_url == OPENAI_URL else None
        return OpenAIProvider(
            upstream,
            base_url=base_url,
            api_key=settings.api_key,
            model=settings.model or default,
            timeouts=timeouts,
        )
    from tornado_stream.providers.local import LocalProvider  # most set-ups never need it

    return LocalProvider(upstream, settings, timeouts)
