"""Any OpenAI-compatible server as a provider: the wire form of openai_wire over upstream.

The rule: one request for one answer. It is made again only where the server refused it before it
did anything, with a 400 that names a parameter: then without that, and at most twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from time import monotonic
from typing import Any

import orjson

from tornado_stream.net.http_client import OnChunk
from tornado_stream.providers.base import Emit, ModelInfo, Provider
from tornado_stream.providers.config import UpstreamConfig
from tornado_stream.providers.openai.answer_decoder import AnswerEmitter
from tornado_stream.providers.openai.continuation import continuation
from tornado_stream.providers.openai.error_classifier import refused_option
from tornado_stream.providers.openai.errors import decode_error
from tornado_stream.providers.openai.lenient_json import to_json_text
from tornado_stream.providers.openai.model_list import read_models
from tornado_stream.providers.upstream import StatusError, Timeouts, Upstream, UpstreamRequest
from tornado_stream.values.errors import ProviderError
from tornado_stream.values.events import Finish, Notice
from tornado_stream.values.messages import ChatRequest

#: Seconds that the list of models may take: a page waits for it.
MODELS_TIMEOUTS = Timeouts(connect=3, first_byte=5, idle=5, answer=8)
#: Seconds that a list is good for, and that a failure to get one is.
LIST_KEPT, FAILURE_KEPT = 60.0, 3.0
#: How often a request is made again in another form.
FORMS = 2


class OpenAIProvider(Provider):
    """Streams answers from one server, as its configuration says.

    The key is in no message this raises. `prefill` says that the server goes on with an
    assistant's message that comes last; llama.cpp, which does, is known by its own word.
    """

    def __init__(
        self, upstream: Upstream, config: UpstreamConfig, *, prefill: bool = False
    ) -> None:
        self.name = config.name
        self.config = config
        self._upstream = upstream
        # Computed once: each question needs these.
        self._url = config.url
        self._key = config.secret
        self._headers = {"Accept": "application/json", **config.auth_headers}
        self._chat_headers = {
            "Accept": "text/event-stream",
            "Content-Type": "application/json",
            **config.auth_headers,
        }
        self._chat_path = lru_cache(config.chat_path)
        self._adapts = bool(config.preset.completion_tokens or config.preset.no_sampling)
        self._model = config.default_model or next(iter(config.models), None)
        self._include_usage = config.preset.asks_usage
        self._prefill = prefill
        #: What models refused: their name, and the option's.
        self._refused: set[tuple[str, str]] = set()
        self._listed: list[ModelInfo] = []
        self._list_due = 0.0

    @property
    def default_model(self) -> str | None:
        return self._model

    @property
    def failing(self) -> bool:
        return self._upstream.failing

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self._key,) if self._key else ()

    async def generate(self, request: ChatRequest, emit: Emit) -> None:
        model = request.model or await self._find_model()
        emit(Finish(upstream=self.name, price=self.config.prices.get(model)))
        options = self._options(model, request.options)
        refusals = 0
        while True:
            try:
                return await self._answer(replace(request, options=options), model, emit)
            except StatusError as error:
                refusals += 1
                mended = self._mend(model, options, error, emit) if refusals <= FORMS else None
                if mended is None:
                    raise self._decode_error(error) from None
                options = mended

    async def models(self) -> list[ModelInfo]:
        if monotonic() >= self._list_due:
            self._listed = await self._read_list()
            failed = any(model.state == "failed" for model in self._listed)
            self._list_due = monotonic() + (FAILURE_KEPT if failed else LIST_KEPT)
        return self._listed

    async def close(self, grace: float) -> None:
        await self._upstream.close()

    def _options(self, model: str, given: dict[str, Any]) -> dict[str, Any]:
        """What to send: what the file says, what the user set, without what this model refuses."""
        set_options = {name: value for name, value in given.items() if value is not None}
        options = {**self.config.parameters, **set_options}
        if self._adapts:
            options = self.config.preset.adapt(model, options)
        if (model, "max_tokens") in self._refused and "max_tokens" in options:
            options["max_completion_tokens"] = options.pop("max_tokens")
        return {n: value for n, value in options.items() if (model, n) not in self._refused}

    async def _answer(self, request: ChatRequest, model: str, emit: Emit) -> None:
        """Make one request, to its end; raises `StatusError` before anything was emitted."""
        kept, prefill = request.continued_text, self._prefill
        if kept:
            messages = continuation(request.messages, kept, prefill=prefill)
            request = replace(request, messages=messages)
        answer: AnswerEmitter | None = None

        def on_head(status: int, headers: Mapping[str, str]) -> OnChunk:
            nonlocal answer
            if headers.get("Server") == "llama.cpp":
                self._prefill = True
            repeated = "" if prefill else kept
            answer = AnswerEmitter(emit, key=self._key, continued_text=repeated)
            return answer.feed

        body = encode_request(request, model=model, include_usage=self._include_usage)
        url = self._url + self._chat_path(model)
        sent = UpstreamRequest(url, self._chat_headers, body, timeouts=self.config.timeouts)
        try:
            await self._upstream.fetch_stream(sent, on_head)
        except ProviderError as error:
            if answer is None:
                raise
            answer.close()
            if not answer.complete:  # after a finish it does not matter how the stream ended
                raise answer.error or error from None
        else:
            assert answer is not None
            answer.close()
        answer.check()

    def _mend(
        self, model: str, options: dict[str, Any], error: StatusError, emit: Emit
    ) -> dict[str, Any] | None:
        """The options as this server may take them, where what it refused has another form."""
        if error.status not in (400, 422):
            return None
        if self._include_usage and b"stream_options" in error.body:
            self._include_usage = False
            return options
        if "max_tokens" in options and b"max_completion_tokens" in error.body:
            self._refused.add((model, "max_tokens"))
            limit = options["max_tokens"]
            rest = {name: value for name, value in options.items() if name != "max_tokens"}
            return {**rest, "max_completion_tokens": limit}
        # A limit that was just given its other name is not what is refused.
        if name := refused_option(error.body, options.keys() - {"max_completion_tokens"}):
            self._refused.add((model, name))
            emit(Notice("option_refused", {"option": name}))
            return {n: value for n, value in options.items() if n != name}
        return None

    async def _find_model(self) -> str:
        if self._model is None:
            models = await self._fetch_list()
            if not models:
                raise ProviderError(
                    "model_not_found",
                    f"{self._url} lists no models. Set one with --model or OPENAI_MODEL.",
                )
            self._model = models[0].id
        return self._model

    async def _read_list(self) -> list[ModelInfo]:
        """The models, the default one first; those that the file names where there is no list."""
        config = self.config
        named = [ModelInfo(id, self.name, detail=config.why) for id in config.models]
        if not named:
            try:
                named = await self._fetch_list()
            except ProviderError as error:
                if not self._model:
                    return [ModelInfo("", self.name, "failed", error.message)]
                # Not every server lists what it has.
        default = self._model or (named[0].id if named else "")
        first = [model for model in named if model.id == default]
        if default and not first:
            first = [ModelInfo(default, self.name, detail=config.why)]
        return first + [model for model in named if model.id != default]

    async def _fetch_list(self) -> list[ModelInfo]:
        url = f"{self._url}/models"
        try:
            answer = await self._upstream.fetch_json(
                UpstreamRequest(url, self._headers, method="GET", timeouts=MODELS_TIMEOUTS)
            )
        except StatusError as error:
            raise self._decode_error(error) from None
        models = read_models(answer, self.name, self.config.why)
        if models is None:
            raise ProviderError(
                "not_an_api",
                f"{url} is not a list of models.",
                retryable=True,
            )
        return models

    def _decode_error(self, error: StatusError) -> ProviderError:
        url = self.config.base_url
        return decode_error(error.status, error.headers, error.body, url=url, key=self._key)


def encode_request(request: ChatRequest, *, model: str, include_usage: bool) -> bytes:
    """The body of `POST /chat/completions`.

    Only the options that the user set are sent, and none of them replaces the model, the messages
    or the streaming. `include_usage` asks for the usage as a last chunk (`stream_options`). Raises
    `ProviderError` for options that cannot be written as JSON (nested too deeply).
    """
    body: dict[str, Any] = {"model": model, "messages": request.messages, "stream": True}
    for name, value in request.options.items():
        if value is not None:
            body.setdefault(name, value)
    if include_usage:
        given = body.get("stream_options")
        given = given if isinstance(given, dict) else {}
        body["stream_options"] = {**given, "include_usage": True}
    try:
        return bytes(memoryview(orjson.dumps(body)))  # a copy: orjson's has kilobytes to spare
    except orjson.JSONEncodeError as error:
        if text := to_json_text(body):
            return text.encode()
        raise ProviderError("bad_request", "The request cannot be written as JSON.") from error
