"""OpenAI's API for other programs: `/v1/chat/completions` and `/v1/models`.

The rule: OpenAI's own clients work unchanged. When a client leaves, its answer is cancelled,
unless the client asked to keep it.
"""

from __future__ import annotations

import uuid
from typing import Any

import orjson

from tornado_stream.chat.completions import (
    Chunks,
    CompletionRequest,
    CompletionService,
    completion,
    error_object,
)
from tornado_stream.generations.event_log import Sink
from tornado_stream.generations.generation import Generation
from tornado_stream.handlers.base import BaseHandler
from tornado_stream.handlers.streams import EventStreamHandler
from tornado_stream.net.streamed_body import StreamedBody
from tornado_stream.values.errors import ChatError, InvalidRequest, NotFound
from tornado_stream.values.events import frame_data, frame_name, split_frames

#: The header that asks to keep an answer: it is saved, and continues when its client leaves.
KEEP = "Tornado-Stream-Keep"
#: Members of a request that this server handles itself and does not pass on as options.
OWN = frozenset({"messages", "model", "stream", "stream_options", "n"})
ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})


class UpstreamFailure(ChatError):
    """The upstream failed before any text came; its error becomes this response's error."""

    code = "upstream_error"

    def __init__(self, end: dict[str, Any]) -> None:
        object = error_object(end)
        error = end["error"] or {}
        status = error.get("upstream_status") or 0
        self.status = status if 400 <= status < 500 or status in (503, 529) else 502
        details = {"type": object["type"], "param": None}
        if error.get("retry_after") is not None:
            details["retry_after"] = round(error["retry_after"])
        super().__init__(object["message"], code=object["code"], **details)


class OpenAIHandler(BaseHandler):
    """A route of OpenAI's API: its errors have that API's form."""

    @property
    def completions(self) -> CompletionService:
        return self.application.completions

    def write_json(self, value: Any) -> None:
        if isinstance(value, dict) and isinstance(value.get("error"), dict):
            value["error"] = {"type": "invalid_request_error", "param": None, **value["error"]}
            # This server has already retried where that is safe; another try might be paid twice.
            self.set_header("x-should-retry", "false")
        super().write_json(value)


class CompletionsHandler(OpenAIHandler, EventStreamHandler):
    """One answer, streamed or whole."""

    async def post(self) -> None:
        keep = self.request.headers.get(KEEP, "").lower() in ("1", "true", "yes")
        request = parse_completion_request(self.read_json(), keep=keep, owner=self.owner)
        generation = await self.completions.start(request)
        self.set_header("X-Generation-Id", generation.id)
        try:
            await self._answer(request, generation)
        finally:
            self.completions.response_ended(request)

    async def _answer(self, request: CompletionRequest, generation: Generation) -> None:
        await self._wait(generation, for_end=not request.stream)
        if self._connection.stream.closed():
            return
        has_text = any(frame_name(frame) == "delta" for frame in generation.frames[1:])
        if generation.ended and generation.end["state"] != "done":
            if not (request.stream and has_text):
                raise UpstreamFailure(generation.end)
        if request.stream:
            self._chunks = Chunks(request, generation)
            await self.stream(generation)
        else:
            self.write_json(completion(request, generation))

    async def _wait(self, generation: Generation, *, for_end: bool) -> None:
        """Wait for the first delta, or for the end; or until the client leaves."""

        def notice(frames: bytes) -> bool:
            if not for_end and b"\nevent: delta\n" in frames:
                subscriber.detach()
            return True

        subscriber = self._subscriber = generation.attach(lambda _: True, len(generation.frames))
        subscriber.sink = notice
        await subscriber.done

    def sink(self, body: StreamedBody) -> Sink:
        """A sink that writes the events as OpenAI's chunks."""
        chunks, tools = self._chunks, False

        def write(frames: bytes) -> bool:
            nonlocal tools
            parts: list[bytes] = []
            for frame in split_frames(frames):
                name = frame_name(frame)
                if name == "delta":
                    data = frame_data(frame)
                    tools = tools or "tool_calls" in data
                    parts.append(_event(chunks.delta(data)))
                elif name == "end":
                    parts += [_event(chunk) for chunk in chunks.end(frame_data(frame), tools)]
                    parts.append(b"data: [DONE]\n\n")
            return body.write(b"".join(parts)) if parts else True

        return write


class OpenAIModelsHandler(OpenAIHandler):
    """The models in OpenAI's form."""

    async def get(self, id: str | None = None) -> None:
        models = [
            {"id": model.id, "object": "model", "created": 0, "owned_by": model.provider}
            for model in await self.chat.models()
            if model.id and model.state != "failed"
        ]
        if id is None:
            self.write_json({"object": "list", "data": models})
            return
        found = next((model for model in models if model["id"] == id), None)
        if found is None:
            raise NotFound("There is no model with this name.", code="model_not_found")
        self.write_json(found)


def parse_completion_request(body: dict[str, Any], *, keep: bool, owner: str) -> CompletionRequest:
    """Check the body of `POST /v1/chat/completions`. Raises `InvalidRequest`."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise InvalidRequest("messages is required: a list that is not empty.")
    model = body.get("model")
    if model is not None and not (isinstance(model, str) and model):
        raise InvalidRequest("model must be text.")
    if body.get("n") not in (None, 1):
        raise InvalidRequest("n must be 1: this server gives one answer to a request.")
    stream, more = body.get("stream") or False, body.get("stream_options") or {}
    if not isinstance(stream, bool) or not isinstance(more, dict):
        raise InvalidRequest("stream must be true or false, and stream_options an object.")
    return CompletionRequest(
        id=str(uuid.uuid4()),
        messages=[_message(message) for message in messages],
        model=model,
        options={name: value for name, value in body.items() if name not in OWN},
        stream=stream,
        include_usage=bool(more.get("include_usage")),
        keep=keep,
        owner=owner,
    )


def _message(message: Any) -> dict[str, Any]:
    """A message whose text parts are joined; a content with other parts stays as it is."""
    if not isinstance(message, dict) or message.get("role") not in ROLES:
        roles = ", ".join(sorted(ROLES))
        raise InvalidRequest(f"A message must be an object with a role: {roles}.")
    content = message.get("content")
    if isinstance(content, list):
        if not all(isinstance(part, dict) for part in content):
            raise InvalidRequest("The parts of a content must be objects.")
        texts = [part["text"] for part in content if isinstance(part.get("text"), str)]
        if len(texts) == len(content):
            content = "".join(texts)
    elif not (isinstance(content, str) or content is None):
        raise InvalidRequest("content must be text, or a list of parts.")
    return {**message, "content": content}


def _event(value: Any) -> bytes:
    return b"data: %b\n\n" % orjson.dumps(value)
