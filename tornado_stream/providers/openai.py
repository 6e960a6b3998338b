"""Any OpenAI-compatible server as a provider: the wire form of openai_wire over upstream.

The rule: one request for one answer. It is repeated only where the server refused it before it
did anything: a 400 that names `stream_options`, which some servers do not know, or that wants
`max_tokens` to be called `max_completion_tokens`, as OpenAI's reasoning models do.
"""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import unquote, urlsplit

from tornado_stream.errors import ProviderError
from tornado_stream.events import Delta, Finish
from tornado_stream.messages import ChatRequest
from tornado_stream.providers.base import Emit, ModelInfo, Provider
from tornado_stream.providers.joining import Joiner, continuation
from tornado_stream.providers.openai_wire import AnswerDecoder, decode_error, encode_request
from tornado_stream.providers.upstream import (
    StatusError,
    Timeouts,
    Upstream,
    UpstreamRequest,
)

logger = logging.getLogger(__name__)

#: Seconds an upstream that said `[DONE]` has to end its response in good form.
DONE_GRACE = 0.25
#: Seconds after a finish_reason or an error in which usage, an error or `[DONE]` may still come.
FINISH_GRACE = 5.0

#: Seconds that the list of models may take: a page waits for it.
MODELS_TIMEOUTS = Timeouts(connect=3, first_byte=5, idle=5, answer=8)


class OpenAIProvider(Provider):
    """Streams answers from `{base_url}/chat/completions`.

    `model` is the default one, listed first; None: the first that the server lists. `api_key` None
    sends the user and password of the base URL, if it has any, else no `Authorization`; what is
    sent is in no message this raises. `prefill` says that the server
    goes on with an assistant's message that comes last; llama.cpp, which does, is known by its own
    word.
    """

    def __init__(
        self,
        upstream: Upstream,
        *,
        base_url: str,
        api_key: str | None,
        model: str | None,
        timeouts: Timeouts,
        name: str = "openai",
        prefill: bool = False,
    ) -> None:
        self.name = name
        self._upstream = upstream
        self._base_url, self._key, self._authorization = _split_login(base_url.rstrip("/"), api_key)
        self._model = model
        self._timeouts = timeouts
        self._include_usage = True
        self._prefill = prefill

    @property
    def default_model(self) -> str | None:
        return self._model

    @property
    def failing(self) -> bool:
        return self._upstream.failing

    async def generate(self, request: ChatRequest, emit: Emit) -> None:
        model = request.model or await self._find_model()
        try:
            await self._answer(request, model, emit)
        except StatusError as error:
            mended = self._mend(request, error)
            if mended is None:
                raise self._decode_error(error) from None
            try:
                await self._answer(mended, model, emit)
            except StatusError as second:
                raise self._decode_error(second) from None

    async def models(self) -> list[ModelInfo]:
        first = [self._model] if self._model else []
        try:
            ids = await self._list_models()
        except ProviderError as error:
            if first:  # not every server lists what it has
                return [ModelInfo(id, self.name) for id in first]
            return [ModelInfo("", self.name, "failed", error.message)]
        return [ModelInfo(id, self.name) for id in dict.fromkeys([*first, *ids])]

    async def close(self, grace: float) -> None:
        await self._upstream.close()

    async def _answer(self, request: ChatRequest, model: str, emit: Emit) -> None:
        """One request, to its end; raises `StatusError` before anything was emitted."""
        decoder = AnswerDecoder(key=self._key)
        joiner = Joiner("" if self._prefill else request.kept)
        answer = _Answer(decoder, joiner, emit)
        if request.kept:
            messages = continuation(request.messages, request.kept, prefill=self._prefill)
            request = replace(request, messages=messages)
        body = encode_request(request, model=model, include_usage=self._include_usage)
        try:
            await self._upstream.fetch_stream(
                self._request("/chat/completions", body), self._on_head, answer.feed
            )
        except ProviderError as error:
            answer.close()
            if not decoder.complete:  # after a finish it does not matter how the stream ended
                raise decoder.error or error from None
        else:
            answer.close()
        if decoder.skipped:
            logger.warning("%d of %d chunks were not understood", decoder.skipped, decoder.chunks)
        answer.check()

    def _mend(self, request: ChatRequest, error: StatusError) -> ChatRequest | None:
        """The request as this server may take it, where what it refused has another form."""
        if error.status not in (400, 422):
            return None
        if self._include_usage and b"stream_options" in error.body:
            self._include_usage = False
            return request
        options = dict(request.options)
        if "max_tokens" in options and b"max_completion_tokens" in error.body:
            options["max_completion_tokens"] = options.pop("max_tokens")
            return replace(request, options=options)
        return None

    def _on_head(self, status: int, headers: Mapping[str, str]) -> None:
        if headers.get("Server") == "llama.cpp":
            self._prefill = True

    async def _find_model(self) -> str:
        if self._model is None:
            ids = await self._list_models()
            if not ids:
                raise ProviderError(
                    "model_not_found",
                    f"{self._base_url} lists no models. Set one with --model or OPENAI_MODEL.",
                )
            self._model = ids[0]
        return self._model

    async def _list_models(self) -> list[str]:
        request = self._request("/models", None, "GET", MODELS_TIMEOUTS)
        try:
            answer = await self._upstream.fetch_json(request)
        except StatusError as error:
            raise self._decode_error(error) from None
        entries = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(entries, list):
            raise ProviderError(
                "not_an_api", f"{self._base_url}/models is not a list of models.", retryable=True
            )
        ids = [entry.get("id") for entry in entries if isinstance(entry, dict)]
        return [id for id in ids if isinstance(id, str) and id]

    def _request(
        self, path: str, body: bytes | None, method: str = "POST", timeouts: Timeouts | None = None
    ) -> UpstreamRequest:
        headers = {"Accept": "text/event-stream" if body else "application/json"}
        if body:
            headers["Content-Type"] = "application/json"
        if self._authorization:
            headers["Authorization"] = self._authorization
        url = self._base_url + path
        return UpstreamRequest(url, headers, body, method, timeouts or self._timeouts)

    def _decode_error(self, error: StatusError) -> ProviderError:
        return decode_error(
            error.status, error.headers, error.body, url=self._base_url, key=self._key
        )


def _split_login(url: str, api_key: str | None) -> tuple[str, str | None, str]:
    """The URL without user and password, the secret that is sent, and the header it is sent in."""
    parts = urlsplit(url)
    login, _, host = parts.netloc.rpartition("@")
    url = parts._replace(netloc=host).geturl()
    if api_key:
        return url, api_key, f"Bearer {api_key}"
    if not login:
        return url, None, ""
    user, _, password = login.partition(":")
    user, password = unquote(user), unquote(password)
    encoded = b64encode(f"{user}:{password}".encode()).decode()
    return url, password or user, f"Basic {encoded}"


class _Answer:
    """Carries what the decoder makes of the bytes to `emit`."""

    def __init__(self, decoder: AnswerDecoder, joiner: Joiner, emit: Emit) -> None:
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
