"""The routes of OpenAI's API that are not answers: the models, and what this server does not have.

The rule: OpenAI's own clients work unchanged, and every error has that API's form.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from tornado_stream.chat.completions import CompletionService
from tornado_stream.chat.presets import PREFIX
from tornado_stream.chat.program_errors import UpstreamFailure
from tornado_stream.handlers.base import BaseHandler
from tornado_stream.handlers.checks import decode_object
from tornado_stream.handlers.request_body import LARGE_BODY, check_many_values
from tornado_stream.providers.base import ModelInfo
from tornado_stream.values.errors import BadGateway, ChatError, NotFound, TooMany, Unavailable
from tornado_stream.values.presets import PRESET

#: Seconds after which a program may try again what was refused without a time.
RETRY_AFTER = 5
#: Characters of a path that an error repeats.
SHOWN_PATH = 100


class OpenAIHandler(BaseHandler):
    """A route of OpenAI's API: its errors have that API's form."""

    cross_origin = True

    @property
    def completions(self) -> CompletionService:
        return self.application.completions

    async def read_large_json(self) -> dict[str, Any]:
        """The JSON object in the request's body, which is then freed. Raises `InvalidRequest`.
        Other clients are served before and after it is decoded."""
        body, self.request.body = self.request.body, b""
        await check_many_values(body, self.application.config.max_v1_values)
        value = decode_object(body)
        if len(body) > LARGE_BODY:
            await asyncio.sleep(0)
        return value

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None))[1]
        # Where something may have been processed, another try might be paid twice, and this server
        # has already retried where that is safe.
        refused = isinstance(error, (TooMany, Unavailable))
        failed_safely = isinstance(error, UpstreamFailure) and error.unprocessed
        refused = refused and error.code != "budget_reached"  # a program would ask until then
        safe = refused or failed_safely or isinstance(error, BadGateway)
        self.set_header("x-should-retry", "true" if safe else "false")
        if refused:
            self.set_header("Retry-After", str(RETRY_AFTER))  # unless the error knows better
        super().write_error(status_code, **kwargs)

    def write_json(self, value: Any) -> None:
        if isinstance(value, dict) and isinstance(value.get("error"), dict):
            kind = "server_error" if self.get_status() >= 500 else "invalid_request_error"
            if value["error"].get("code") == "budget_reached":
                kind = "insufficient_quota"
            value["error"] = {"type": kind, "param": None, **value["error"]}
        super().write_json(value)


class OpenAIModelsHandler(OpenAIHandler):
    """The models in OpenAI's form."""

    async def get(self, id: str | None = None) -> None:
        listed = await self.chat.models()
        models = [model for model in listed if model.id and model.offered]
        if not models:
            _check_upstreams(listed)
        models += await self._presets()
        if id is None:
            self.write_json({"object": "list", "data": list(map(self._entry, models))})
            return
        found = next((model for model in models if model.id == id), None)
        if found is None:
            raise NotFound("There is no model with this name.", code="model_not_found")
        self.write_json(self._entry(found))

    async def _presets(self) -> list[ModelInfo]:
        """The presets, as models that can be asked."""
        presets = await self.application.presets.all(self.owner)
        names = dict.fromkeys(one.name for one in presets if one.kind == PRESET)
        return [ModelInfo(PREFIX + name, "preset") for name in names]

    def _entry(self, model: ModelInfo) -> dict[str, Any]:
        entry = {
            "id": model.id,
            "object": "model",
            "created": model.created or self.application.started_at,
            "owned_by": model.owned_by or model.provider,
        }
        if model.context:  # under both names that are in use
            entry |= {"context_length": model.context, "context_window": model.context}
        return entry


class OpenAINotFoundHandler(OpenAIHandler):
    """Answers what this server does not have of OpenAI's API, and says what it has."""

    hint = "Of OpenAI's API it has"

    def check_method(self) -> None:
        base = self.application.config.base_path
        raise NotFound(
            f"This server has no {self.request.path[:SHOWN_PATH]}. {self.hint} POST "
            f"{base}/v1/chat/completions, POST {base}/v1/responses and GET {base}/v1/models."
        )


class OutsideV1NotFoundHandler(OpenAINotFoundHandler):
    """Answers a program whose base URL lacks `/v1`, in the form that it understands."""

    hint = "OpenAI's API is below /v1, so the base URL must end in /v1. There are"


def _check_upstreams(listed: Iterable[ModelInfo]) -> None:
    """Raise the reason why there are no models, unless it is that the upstreams have none."""
    missing = [model for model in listed if model.state != "ready"]
    if missing:
        loading = any(model.state == "loading" for model in missing)
        error: type[ChatError] = Unavailable if loading else BadGateway
        reasons = (f"{model.provider}: {model.detail}" for model in missing)
        raise error(" ".join(["No model can be listed.", *reasons]), code="no_models")
