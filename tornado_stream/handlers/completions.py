"""OpenAI's API for other programs: `POST /v1/chat/completions`.

The rule: OpenAI's own clients work unchanged. When a client leaves, its answer is cancelled,
unless the client asked to keep it.
"""

from __future__ import annotations

import asyncio
import hashlib
from functools import partial
from typing import Any

import orjson

from tornado_stream.chat.completions import CompletionRequest, StartedAnswer
from tornado_stream.chat.ids import new_id
from tornado_stream.chat.program_errors import UpstreamFailure
from tornado_stream.chat.relay import CompletionRelay
from tornado_stream.generations.relay import Relay
from tornado_stream.handlers.openai import OpenAIHandler
from tornado_stream.handlers.streams import EventStreamHandler
from tornado_stream.values.errors import InvalidRequest

#: The header that asks to keep an answer: it is saved, and continues when its client leaves.
KEEP = "Tornado-Stream-Keep"
#: The header that names servers of tools, whose tools that run unasked the model may use.
TOOLS = "Tornado-Stream-Tools"
#: The client's own name for a request, and how often the client has sent it before.
KEY, RETRIES = "Idempotency-Key", "x-stainless-retry-count"
MAX_KEY = 255
#: Members of a request that this server handles itself and does not pass on as options.
OWN = frozenset({"messages", "model", "stream", "stream_options"})
ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})


class CompletionsHandler(OpenAIHandler, EventStreamHandler):
    """One answer, streamed or whole."""

    large_body = True
    _started: StartedAnswer | None = None

    async def post(self) -> None:
        self._left = asyncio.get_running_loop().create_future()
        body = await self.read_large_json()
        request = await self.parse(body)
        start = partial(self.completions.start, request, self.relay)
        self._started = started = await self.find_here(start, body=body)
        if started is None:
            return
        del body
        self.generation_id = started.relay.id
        try:
            await self._answer(started.relay)
        finally:
            self.after_response(partial(self.completions.response_ended, request))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        self._set_answer_headers()  # an error begins with new headers
        super().write_error(status_code, **kwargs)

    async def parse(self, body: dict[str, Any]) -> CompletionRequest:
        """Check the request. Raises `ChatError`."""
        return parse_completion_request(body, **self.terms(body))

    def relay(self, request: CompletionRequest) -> Relay:
        """The log of a new answer, in the form that this route promises."""
        return CompletionRelay(request)

    def terms(self, body: dict[str, Any]) -> dict[str, Any]:
        """What the head says of a request: whether to keep its answer, and under which name it may
        come again. Raises `InvalidRequest`."""
        headers = self.request.headers
        keep = headers.get(KEEP, "").lower() in ("1", "true", "yes")
        key = headers.get(KEY)
        tools = tuple(filter(None, (name.strip() for name in headers.get(TOOLS, "").split(","))))
        if tools and (keep or body.get("tools") or body.get("functions")):
            raise InvalidRequest(
                f"{TOOLS} cannot be sent together with tools or functions of the program, or with "
                f"{KEEP}."
            )
        if key is not None and not 0 < len(key) <= MAX_KEY:
            raise InvalidRequest(f"{KEY} must have 1 to {MAX_KEY} characters.")
        return {
            "keep": keep,
            "owner": self.owner,
            "idempotency_key": key or "",
            "is_retry": headers.get(RETRIES, "0") not in ("", "0"),
            "tools": tools,
            "fingerprint": (_fingerprint(self.request.path, body, tools) if key or keep else b""),
        }

    def on_connection_close(self) -> None:
        super().on_connection_close()
        if not self._left.done():
            self._left.set_result(None)

    async def _answer(self, relay: Relay) -> None:
        """Wait for something to send, and send it. A stream that stays silent gets its head after
        one heartbeat: no proxy and no client may take it for dead."""
        silence = self.application.config.heartbeat if relay.streamed else None
        waiting = {relay.started, self._left}
        await asyncio.wait(waiting, timeout=silence, return_when=asyncio.FIRST_COMPLETED)
        if self._connection.stream.closed():
            return
        self._set_answer_headers()
        if relay.failure:
            raise UpstreamFailure(relay.failure)
        if relay.streamed:
            await self.stream(relay)
        else:
            self.set_header("Content-Type", "application/json; charset=utf-8")
            self.write(relay.frames[-1])

    def _set_answer_headers(self) -> None:
        """Tell which answer this is, if one was started, and what is special about it."""
        if self._started is None:
            return
        relay = self._started.relay
        self.set_header("X-Generation-Id", relay.id)
        if self._started.replayed:
            self.set_header("Idempotency-Replayed", "true")
        if relay.refused:
            self.set_header("Tornado-Stream-Option-Refused", ", ".join(relay.refused))


def parse_completion_request(body: dict[str, Any], **terms: Any) -> CompletionRequest:
    """Check the body of `POST /v1/chat/completions`; `terms` are what its head says, as members of
    the request. Raises `InvalidRequest`."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise _invalid("messages", "a list that is not empty")
    model = body.get("model")
    if model is not None and not (isinstance(model, str) and model):
        raise _invalid("model", "text")
    n = body.get("n")
    if n is not None and (type(n) is not int or n != 1):
        raise _invalid("n", "1: this server gives one answer to a request")
    stream, more = body.get("stream"), body.get("stream_options")
    if not (stream is None or isinstance(stream, bool)):
        raise _invalid("stream", "true or false")
    if not (more is None or isinstance(more, dict)):
        raise _invalid("stream_options", "an object")
    more = more or {}
    options = {name: value for name, value in body.items() if name not in OWN}
    # Whether the upstream is asked for the usage is this server's decision.
    if rest := {name: value for name, value in more.items() if name != "include_usage"}:
        options["stream_options"] = rest
    for number, message in enumerate(messages):
        _check_message(message, f"messages[{number}]")
    return CompletionRequest(
        id=new_id(),
        messages=messages,
        model=model,
        options=options,
        stream=bool(stream),
        include_usage=bool(more.get("include_usage")),
        **terms,
    )


def _check_message(message: Any, where: str) -> None:
    if not isinstance(message, dict):
        raise _invalid(where, "an object with a role")
    role = message.get("role")
    if not isinstance(role, str) or role not in ROLES:
        raise _invalid(f"{where}.role", f"one of {', '.join(sorted(ROLES))}")
    content = message.get("content")
    if isinstance(content, list):
        for number, part in enumerate(content):
            if not isinstance(part, dict):
                raise _invalid(f"{where}.content[{number}]", "an object")
    elif not (isinstance(content, str) or content is None):
        raise _invalid(f"{where}.content", "text, or a list of parts")


def _invalid(param: str, expected: str) -> InvalidRequest:
    return InvalidRequest(f"{param} must be {expected}.", param=param)


def _fingerprint(path: str, body: dict[str, Any], tools: tuple[str, ...]) -> bytes:
    """A digest that is the same for an equal request, whatever the order of its members."""
    try:
        data = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        raise InvalidRequest("The body is nested too deeply.") from None
    first = "\0".join((path, *tools))
    return hashlib.sha256(first.encode("utf-8", "replace") + b"\0" + data).digest()
