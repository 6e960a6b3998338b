"""The small local model as a provider.

The rule: the model's server is an upstream like any other and is reached over HTTP. Only its
process (`process`) and its small context (`context`) need code of their own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tornado_stream.providers.base import Emit, ModelInfo, Provider
from tornado_stream.providers.local.child import MODEL_ID
from tornado_stream.providers.local.context import CONTEXT, OPTIONS, TokenCounter, fit
from tornado_stream.providers.local.process import LocalModel
from tornado_stream.providers.openai.provider import OpenAIProvider
from tornado_stream.providers.upstream import Timeouts, Upstream
from tornado_stream.providers.upstream_config import UpstreamConfig
from tornado_stream.settings import Secret, Settings
from tornado_stream.values.content import plain_text
from tornado_stream.values.errors import ProviderError
from tornado_stream.values.events import Notice
from tornado_stream.values.messages import ChatRequest

ORIGIN = "a small demo model on this machine (OPENAI_API_KEY and OPENAI_BASE_URL are not set)"
#: Options of which this provider itself takes care.
LIMITS = frozenset({"max_tokens", "max_completion_tokens", "stream_options", "n"})


class LocalProvider(Provider):
    """Answers with the local model, within its context.

    Old turns that do not fit are left out, with the notice `context_trimmed`. A question that is
    too long by itself gets the error `context_length`, which says its size.
    """

    name = "local"

    def __init__(
        self,
        upstream: Upstream,
        settings: Settings,
        timeouts: Timeouts,
        *,
        model: LocalModel | None = None,
    ) -> None:
        self._upstream = upstream
        self._timeouts = timeouts
        self._model = model or LocalModel(
            settings.data_dir, settings.local_model, off=settings.no_local
        )

    @property
    def origin(self) -> str:  # type: ignore[override]
        """What the model is; after a failure the reason, and what to do."""
        return self._model.detail if self.failing else ORIGIN

    @property
    def default_model(self) -> str | None:
        return MODEL_ID

    @property
    def failure(self) -> ProviderError | None:
        failed = self._model.state == "failed"
        return ProviderError("local_model_failed", self._model.detail) if failed else None

    def can(self, model: str | None) -> frozenset[str] | None:
        return frozenset() if model in (None, MODEL_ID) else None

    def start(self) -> None:
        self._model.start()

    async def close(self, grace: float) -> None:
        await self._model.close(grace)
        await self._upstream.close()

    async def models(self) -> list[ModelInfo]:
        state = self._model.state
        code = self.failure.code if self.failure else ""
        detail = self._model.detail
        return [
            ModelInfo(
                MODEL_ID,
                self.name,
                state,
                detail,
                CONTEXT,
                offered=not code,
                code=code,
                can_known=True,
            )
        ]

    async def generate(self, request: ChatRequest, emit: Emit) -> None:
        if request.relay and request.model not in (None, MODEL_ID):
            raise _unknown_model(request.model)
        if request.relay:
            for name in request.options.keys() - OPTIONS - LIMITS:
                if request.options[name] is not None:
                    emit(Notice("option_refused", {"option": name}))
        messages = [_as_text(message) for message in request.messages]
        request = replace(request, messages=messages)
        self._model.start()
        if self._model.state == "loading":
            emit(Notice("model_loading"))
        base_url, key = await self._model.ready()
        fitted = await fit(request, emit, TokenCounter(self._upstream, base_url, key))
        config = UpstreamConfig(
            self.name, base_url, Secret(key), models=(MODEL_ID,), timeouts=self._timeouts
        )
        server = OpenAIProvider(self._upstream, config, prefill=True)
        await server.generate(fitted, emit)


def _as_text(message: dict[str, Any]) -> dict[str, str]:
    """A message with a role and content that `child.TEMPLATE` can render."""
    content = plain_text(message)
    if content is None:
        raise ProviderError("images_refused", "This demo model can read only text.")
    role = message["role"]
    role = {"developer": "system", "tool": "user", "function": "user"}.get(role, role)
    return {"role": role, "content": content}


def _unknown_model(name: str | None) -> ProviderError:
    """A program that names another model must not get this one's answer under that name."""
    return ProviderError(
        "model_not_found",
        f"The model {name!r} does not exist here. The only model is {MODEL_ID}.",
        upstream={"code": "model_not_found", "type": "invalid_request_error", "param": "model"},
    )
