"""Encodes a request for a chat completion, as OpenAI-compatible servers take it. Pure."""

from __future__ import annotations

from typing import Any

import orjson

from tornado_stream.providers.openai.lenient_json import to_json_text
from tornado_stream.values.errors import ProviderError
from tornado_stream.values.messages import ChatRequest

#: Bytes of a request above which each step of sending it has an iteration of the loop.
LARGE_BODY = 1024 * 1024


def encode_request(request: ChatRequest, *, model: str, include_usage: bool) -> bytes:
    """The body of `POST /chat/completions`.

    Only the options that the user set are sent, and none of them replaces the model, the messages
    or the streaming. `include_usage` asks for the usage as a last chunk (`stream_options`). Raises
    `ProviderError` for options that cannot be written as JSON (nested too deeply).
    """
    body: dict[str, Any] = {"model": model, "messages": request.messages, "stream": True}
    for name, value in request.options.items():
        if value is not None or request.relay:
            body.setdefault(name, value)
    if include_usage:
        given = body.get("stream_options")
        given = given if isinstance(given, dict) else {}
        body["stream_options"] = {**given, "include_usage": True}
    return encode_body(body)


def encode_body(body: dict[str, Any]) -> bytes:
    """The body as JSON. Raises `ProviderError` if it cannot be written as such."""
    try:
        data = orjson.dumps(body)
        # A copy if it is small: orjson's has kilobytes to spare.
        return data if len(data) > LARGE_BODY else bytes(memoryview(data))
    except orjson.JSONEncodeError as error:
        if text := to_json_text(body):
            return text.encode()
        raise ProviderError("bad_request", "The request cannot be written as JSON.") from error
