"""The provider for any server that speaks OpenAI's API: chat completions, or the Responses API
where the configuration says so.

The rule: one answer takes one request. The provider repeats the request only after a 400 or 422
that names a parameter or may mean signed members, since that server has done nothing yet: without
them, or with the parameter under its other name, and at most twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

from tornado_stream.net.http_client import OnChunk
from tornado_stream.providers.base import Emit, ModelInfo, Provider, TextEmit
from tornado_stream.providers.openai.answer_emitter import AnswerEmitter
from tornado_stream.providers.openai.continuation import continuation
from tornado_stream.providers.openai.dialects import CHAT_COMPLETIONS, RESPONSES, Dialect
from tornado_stream.providers.openai.error_classifier import names_pictures, refused_option
from tornado_stream.providers.openai.errors import decode_error
from tornado_stream.providers.openai.lenient_json import to_json_text
from tornado_stream.providers.openai.listing import Listing
from tornado_stream.providers.openai.usual_chunks import UsualChunks
from tornado_stream.providers.upstream import StatusError, Upstream, UpstreamRequest
from tornado_stream.providers.upstream_config import UpstreamConfig, shown_url
from tornado_stream.values.content import picture_count
from tornado_stream.values.errors import ProviderError
from tornado_stream.values.events import Finish, Notice
from tornado_stream.values.messages import ChatRequest, SignedMembers
from tornado_stream.values.urls import url_secrets

if TYPE_CHECKING:
    from tornado_stream.providers.openai.pieces import PiecedBody
    from tornado_stream.providers.openai.responses_form import ResponsesForm

#: How often a request is repeated in another form.
REPEATS = 2
#: Options that are never left out: without them, the answer would be to another question.
ESSENTIAL = frozenset("tools tool_choice functions function_call response_format".split())
#: Bytes of a request above which each step of sending it has an iteration of the loop.
LARGE_BODY = 1024 * 1024


class OpenAIProvider(Provider):
    """Streams answers from one server, as its configuration says.

    No error message contains the key. `prefill` says that the server continues an assistant's
    message that comes last; llama.cpp does, and its responses name it.
    """

    def __init__(
        self, upstream: Upstream, config: UpstreamConfig, *, prefill: bool = False
    ) -> None:
        self.name, self.origin = config.name, config.origin
        self.config = config
        self._upstream = upstream
        # Computed once, since each request needs these.
        self._url = shown_url(config.base_url)
        self._key = config.secret
        self._chat_headers = {
            "Accept": "text/event-stream",
            "Content-Type": "application/json",
            **config.auth_headers,
        }
        self._answer_path = lru_cache(config.answer_path)
        self._expected = lru_cache(config.expected)
        self._in_responses = lru_cache(config.answers_in_responses)
        self._adapts = bool(config.preset.completion_tokens or config.preset.no_sampling)
        self._model = config.default_model or next(iter(config.models), None)
        self._include_usage = config.preset.asks_usage
        self._prefill = prefill
        #: Options that models refused: name of the model, name of the option.
        self._refused: set[tuple[str, str]] = set()
        #: Models that take `max_tokens` only as `max_completion_tokens`.
        self._limit_renamed: set[str] = set()
        self._listing = Listing(upstream, config, self._decode_error)

    @property
    def default_model(self) -> str | None:
        return self._model

    @property
    def failure(self) -> ProviderError | None:
        return self._upstream.failure

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(filter(None, {self._key, *url_secrets(self.config.base_url)}))

    def expected(self, model: str | None) -> Finish:
        return self._expected(model or self._model)

    def can(self, model: str | None) -> frozenset[str] | None:
        return self._listing.can(model or self._model)

    async def generate(self, request: ChatRequest, emit: Emit) -> None:
        model = request.model or await self._find_model()
        emit(self._expected(model))
        repeats_left = REPEATS + 1
        while True:
            repeats_left -= 1
            options = self._options(model, request)
            if request.relay:
                self._tell_left_out(request.options, options, emit)
            elif repeats_left == REPEATS and (form := self._form(model)):
                for name in form.left_out(request.options):
                    emit(Notice("option_refused", {"option": name}))
            try:
                asked = request if options == request.options else replace(request, options=options)
                return await self._answer(asked, model, emit)
            except StatusError as error:
                if repeats_left and self._learn_refusal(model, options, error, emit):
                    continue
                may_be_signed = error.status in (400, 422) and self._signed(request, model)
                if not (repeats_left and may_be_signed):
                    raise self._answer_error(error, model, request) from None
                # It may be the signed members that the server refuses. It has done nothing yet.
                request = replace(request, signed=())

    async def models(self) -> list[ModelInfo]:
        return await self._listing.models(self._model)

    async def close(self, grace: float) -> None:
        await self._upstream.close()

    def _options(self, model: str, request: ChatRequest) -> dict[str, Any]:
        """The options to send: the file's and the user's, without those that the model refuses. Of
        a program those that are null are sent too, where the file has no value."""
        given, file = request.options, self.config.parameters
        options = dict(file) | {
            name: value
            for name, value in given.items()
            if value is not None or (request.relay and name not in file)
        }
        if form := self._form(model):
            options = form.options(options)
        if self._adapts:
            options = self.config.preset.adapt(model, options)
        if model in self._limit_renamed and "max_tokens" in options:
            options["max_completion_tokens"] = options.pop("max_tokens")
        return {n: value for n, value in options.items() if (model, n) not in self._refused}

    def _tell_left_out(self, given: dict[str, Any], sent: dict[str, Any], emit: Emit) -> None:
        """Tell a program which of its options are left out: it asks for each answer anew."""
        for name, value in given.items():
            renamed = name == "max_tokens" and "max_completion_tokens" in sent
            if value is not None and name not in sent and not renamed:
                emit(Notice("option_refused", {"option": name}))

    async def _answer(self, request: ChatRequest, model: str, emit: Emit) -> None:
        """Make one request and read its answer. Raises `StatusError` before anything is emitted."""
        request = self._with_signed(request, model)
        form = self._form(model)
        # In the Responses API a model cannot go on with a message of its own.
        continued, prefill = request.continued_text, self._prefill and not form
        if continued:
            messages = continuation(request.messages, continued, prefill=prefill)
            request = replace(request, messages=messages)
        answer: AnswerEmitter | UsualChunks | None = None
        answered = 200

        def on_head(status: int, headers: Mapping[str, str]) -> OnChunk:
            nonlocal answer, answered
            answered = status
            if headers.get("Server") == "llama.cpp":
                self._prefill = True
            answer = AnswerEmitter(
                emit,
                decoder=form.decoder(self._key) if form else None,
                key=self._key,
                text_so_far=continued,
                repeats=not prefill,
                relay=request.relay,
            )
            if isinstance(emit, TextEmit) and not form:
                answer = UsualChunks(answer, emit, relay=request.relay)
            return answer.feed

        if form:
            body = _encode(form.body(request, model))
        else:
            body = encode_request(request, model=model, include_usage=self._include_usage)
        if len(body) > LARGE_BODY:
            await asyncio.sleep(0)  # encoding and sending hold the loop one after the other
        url = self._url + self._answer_path(model)
        sent = UpstreamRequest(url, self._chat_headers, body, timeouts=self.config.timeouts)
        failure: ProviderError | None = None
        try:
            await self._upstream.fetch_stream(sent, on_head)
        except ProviderError as error:
            if answer is None:
                raise
            failure = error.with_traceback(None)  # which refers to this frame
        assert answer is not None
        try:
            answer.close(failure)
        except ProviderError as error:
            if error.upstream_status == 200:  # the decoder does not know of another success
                error.upstream_status = answered
            raise

    def _signed(self, request: ChatRequest, model: str) -> list[SignedMembers]:
        """What this upstream signed with this model."""
        names = model, f"{self.name}/{model}"
        return [one for one in request.signed if one.upstream == self.name and one.model in names]

    def _with_signed(self, request: ChatRequest, model: str) -> ChatRequest:
        """The request, whose messages have again the members that this upstream signed."""
        messages = list(request.messages)
        for one in (signed := self._signed(request, model)):
            messages[one.index] = {**one.members, **messages[one.index]}
        return replace(request, messages=messages) if signed else request

    def _learn_refusal(
        self, model: str, options: dict[str, Any], error: StatusError, emit: Emit
    ) -> bool:
        """Remember which option the server refuses; False: the error names none of `options`."""
        if error.status not in (400, 422):
            return False
        form = self._form(model)
        if self._include_usage and not form and b"stream_options" in error.body:
            self._include_usage = False
        elif "max_tokens" in options and b"max_completion_tokens" in error.body:
            self._limit_renamed.add(model)
        elif name := self._find_refused(model, options, error.body):
            self._refused.add((model, name))
            if not (form and form.is_default(name)):
                emit(Notice("option_refused", {"option": name}))
        else:
            return False
        return True

    def _find_refused(self, model: str, options: dict[str, Any], body: bytes) -> str | None:
        """The one of the options that the body of an error names."""
        form = self._form(model)
        sent_names = form.sent_names if form else {}
        names = {sent_names.get(n, n): n for n in options if n not in ESSENTIAL}
        # A server does not refuse a limit that has just got its other name.
        names.pop("max_completion_tokens", None)
        return names.get(refused_option(body, names) or "")

    async def _find_model(self) -> str:
        if self._model is None:
            models = await self._listing.fetch()
            if not models:
                hint = "Set one with --model or OPENAI_MODEL."
                raise ProviderError("model_not_found", f"{self._url} lists no models. {hint}")
            self._model = models[0].id
        return self._model

    def _form(self, model: str) -> ResponsesForm | None:
        """The form of the Responses API, if the model answers in it; None: chat completions."""
        if not self._in_responses(model):
            return None
        from tornado_stream.providers.openai.responses_form import ResponsesForm

        return ResponsesForm()

    def _answer_error(self, error: StatusError, model: str, request: ChatRequest) -> ProviderError:
        """The error for a status in place of an answer."""
        asked = RESPONSES if self._in_responses(model) else CHAT_COMPLETIONS
        told = self._decode_error(error, asked)
        if told.code == "auth":
            self._upstream.fail(told)
        elif names_pictures(error.body) and picture_count(request.messages):
            told.code, told.retryable = "images_refused", False
        return told

    def _decode_error(self, error: StatusError, asked: Dialect | None = None) -> ProviderError:
        config = self.config
        told = decode_error(
            error.status,
            error.headers,
            error.body,
            url=config.base_url,
            key=self._key,
            key_origin=config.key_origin,
            asked=asked,
        )
        told.message += error.note
        return told


def encode_request(request: ChatRequest, *, model: str, include_usage: bool) -> bytes | PiecedBody:
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
    return _encode(body)


def _encode(body: dict[str, Any]) -> bytes | PiecedBody:
    try:
        data = orjson.dumps(body, option=orjson.OPT_PASSTHROUGH_DATACLASS)
        # A copy if it is small: orjson's has kilobytes to spare.
        return data if len(data) > LARGE_BODY else bytes(memoryview(data))
    except orjson.JSONEncodeError as error:
        if body_in_pieces := _in_pieces(body):
            return body_in_pieces
        if text := to_json_text(body):
            return text.encode()
        raise ProviderError("bad_request", "The request cannot be written as JSON.") from error


def _in_pieces(body: dict[str, Any]) -> PiecedBody | None:
    """The body of a request that has pictures; None if it has none, or cannot be written."""
    from tornado_stream.providers.openai.pieces import encode_pieces

    try:
        return encode_pieces(body)
    except orjson.JSONEncodeError:
        return None
