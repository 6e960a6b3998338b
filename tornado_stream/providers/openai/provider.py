"""Any OpenAI-compatible server as a provider: the wire form of openai_wire over upstream.

The rule: one request for one answer. It is made again only where the server refused it before it
did anything, with a 400 that names a parameter: then without that, and at most twice.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from time import monotonic
from typing import Any

from tornado_stream.providers.base import Emit, ModelInfo, Provider
from tornado_stream.providers.config import UpstreamConfig
from tornado_stream.providers.openai.answer_decoder import (
    AnswerDecoder,
    decode_error,
    encode_request,
)
from tornado_stream.providers.openai.continuation import OverlapTrimmer, continuation
from tornado_stream.providers.openai.error_classifier import refused_option
from tornado_stream.providers.openai.model_list import read_models
from tornado_stream.providers.upstream import (
    StatusError,
    Timeouts,
    Upstream,
    UpstreamRequest,
)
from tornado_stream.values.errors import ProviderError
from tornado_stream.values.events import Delta, Finish, Notice
from tornado_stream.values.messages import ChatRequest

logger = logging.getLogger(__name__)

#: Seconds an upstream that said `[DONE]` has to end its response in good form.
DONE_GRACE = 0.25
#: Seconds after a finish_reason or an error in which usage, an error or `[DONE]` may still come.
FINISH_GRACE = 5.0

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
        return (self.config.secret,) if self.config.secret else ()

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
        options = self.config.preset.adapt(model, {**self.config.parameters, **set_options})
        if (model, "max_tokens") in self._refused and "max_tokens" in options:
            options["max_completion_tokens"] = options.pop("max_tokens")
        return {n: value for n, value in options.items() if (model, n) not in self._refused}

    async def _answer(self, request: ChatRequest, model: str, emit: Emit) -> None:
        """One request, to its end; raises `StatusError` before anything was emitted."""
        decoder = AnswerDecoder(key=self.config.secret)
        joiner = OverlapTrimmer("" if self._prefill else request.continued_text)
        answer = _Answer(decoder, joiner, emit)
        if request.continued_text:
            messages = continuation(request.messages, request.continued_text, prefill=self._prefill)
            request = replace(request, messages=messages)
        body = encode_request(request, model=model, include_usage=self._include_usage)
        path = self.config.chat_path(model)
        try:
            await self._upstream.fetch_stream(self._request(path, body), self._on_head, answer.feed)
        except ProviderError as error:
            answer.close()
            if not decoder.complete:  # after a finish it does not matter how the stream ended
                raise decoder.error or error from None
        else:
            answer.close()
        if decoder.skipped:
            logger.warning("%d of %d chunks were not understood", decoder.skipped, decoder.chunks)
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

    def _on_head(self, status: int, headers: Mapping[str, str]) -> None:
        if headers.get("Server") == "llama.cpp":
            self._prefill = True

    async def _find_model(self) -> str:
        if self._model is None:
            models = await self._fetch_list()
            if not models:
                raise ProviderError(
                    "model_not_found",
                    f"{self.config.url} lists no models. Set one with --model or OPENAI_MODEL.",
                )
            self._model = models[0].id
        return self._model

    async def _read_list(self) -> list[ModelInfo]:
        """The models, the default one first; those that the file names where there is no list."""
        config = self.config
        named = [ModelInfo(id, self.name, detail=config.origin) for id in config.models]
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
            first = [ModelInfo(default, self.name, detail=config.origin)]
        return first + [model for model in named if model.id != default]

    async def _fetch_list(self) -> list[ModelInfo]:
        request = self._request("/models", None, "GET", MODELS_TIMEOUTS)
        try:
            answer = await self._upstream.fetch_json(request)
        except StatusError as error:
            raise self._decode_error(error) from None
        models = read_models(answer, self.name, self.config.origin)
        if models is None:
            raise ProviderError(
                "not_an_api",
                f"{self.config.url}/models is not a list of models.",
                retryable=True,
            )
        return models

    def _request(
        self, path: str, body: bytes | None, method: str = "POST", timeouts: Timeouts | None = None
    ) -> UpstreamRequest:
        headers = {"Accept": "text/event-stream" if body else "application/json"}
        if body:
            headers["Content-Type"] = "application/json"
        headers |= self.config.auth_headers
        url = self.config.url + path
        return UpstreamRequest(url, headers, body, method, timeouts or self.config.timeouts)

    def _decode_error(self, error: StatusError) -> ProviderError:
        config = self.config
        return decode_error(
            error.status, error.headers, error.body, url=config.base_url, key=config.secret
        )


class _Answer:
    """Carries what the decoder makes of the bytes to `emit`."""

    def __init__(self, decoder: AnswerDecoder, joiner: OverlapTrimmer, emit: Emit) -> None:
        self._decoder = decoder
        self._joiner = joiner
        self._emit = emit
        self._finish = Finish()

    def feed(self, data: bytes) -> float | None:
        """Take bytes; returns how many seconds it makes sense to wait for more, None: the usual."""
        decoder = self._decoder
        if (delta := decoder.feed(data)) is not None:
            if self._joiner.open:
                self._join(delta)
            else:
                self._emit(delta)
        if not decoder.ending:
            return None
        self._note_finish()
        if decoder.failed:
            return 0.0
        if decoder.done:
            return DONE_GRACE
        return FINISH_GRACE if decoder.finish_reason or decoder.error else None

    def close(self) -> None:
        if delta := self._decoder.close():
            self._join(delta)
        if rest := self._joiner.close(cut_off=not self._decoder.complete):
            self._emit(Delta(rest))
        self._note_finish()

    def check(self) -> None:
        if self._decoder.error:
            raise self._decoder.error
        if not self._decoder.complete:
            raise ProviderError(
                "connection_closed",
                "The server ended the stream before the answer was finished.",
                state="cut_off",
                upstream_status=200,
                retryable=True,
            )

    def _join(self, delta: Delta) -> None:
        if delta := replace(delta, content=self._joiner.feed(delta.content)):
            self._emit(delta)

    def _note_finish(self) -> None:
        finish = Finish(self._decoder.finish_reason, self._decoder.usage)
        if finish != self._finish:
            self._finish = finish
            self._emit(finish)
