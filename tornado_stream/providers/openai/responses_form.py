"""OpenAI's Responses API as a form of requests and answers. Pure.

The rule: the provider imports this module when it first asks a model that answers in this form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tornado_stream.providers.openai.responses_decoder import ResponsesDecoder
from tornado_stream.providers.openai.responses_encoder import (
    DEFAULTS,
    SENT_NAMES,
    not_there,
    responses_body,
    with_defaults,
)
from tornado_stream.values.messages import ChatRequest


class ResponsesForm:
    """How models are asked in the Responses API, and how their answers are read."""

    #: The names of options in this API, where they have others.
    sent_names: Mapping[str, str] = SENT_NAMES

    def left_out(self, options: dict[str, Any]) -> list[str]:
        """The options that ask for what this API does not have."""
        return not_there(options)

    def options(self, options: dict[str, Any]) -> dict[str, Any]:
        """The options with those that every request has, without those that are left out."""
        return with_defaults(options)

    def is_default(self, option: str) -> bool:
        """Whether the server itself adds the option, so that nobody misses it."""
        return option in DEFAULTS

    def body(self, request: ChatRequest, model: str) -> dict[str, Any]:
        """The body of a request."""
        return responses_body(request.messages, request.options, model=model)

    def decoder(self, key: str | None) -> ResponsesDecoder:
        """The decoder of one answer."""
        return ResponsesDecoder(key=key)
