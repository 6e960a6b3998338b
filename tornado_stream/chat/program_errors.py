"""The failure of an answer as programs of `/v1` get it: OpenAI's error object and a status. Pure.

The rule: what the upstream itself said (`code`, `type`, `param`) passes. But this server's 401 and
403 are about the program's own token, so an upstream that refused this server's key is a 502.
"""

from __future__ import annotations

from typing import Any

from tornado_stream.values.errors import ChatError, ProviderError
from tornado_stream.values.events import End

#: The names of OpenAI's API for errors of which the upstream gave no code.
_CODES = {
    "context_length": "context_length_exceeded",
    "rate_limit": "rate_limit_exceeded",
    "quota": "insufficient_quota",
}
_TYPES = {
    "rate_limit": "rate_limit_error",
    "quota": "insufficient_quota",
    "context_length": "invalid_request_error",
    "model_not_found": "invalid_request_error",
    "bad_request": "invalid_request_error",
    "images_refused": "invalid_request_error",
}
_STATUSES = {
    "context_length": 400,
    "bad_request": 400,
    "images_refused": 400,
    "model_not_found": 404,
}


#: OpenAI's clients do not wait for more seconds, but ask again at once.
LONGEST_WAIT = 60


class UpstreamFailure(ChatError):
    """The upstream failed before any text came; its error becomes this response's error.

    `unprocessed` says that the same request may safely be sent again, and soon enough.
    """

    code = "upstream_error"

    def __init__(self, end: End) -> None:
        error = error_object(end)
        failure = end.error
        self.status = _status(failure)
        self.unprocessed = bool(failure and failure.unprocessed and _may_repeat(failure))
        details = {"type": error["type"], "param": error["param"]}
        if failure and failure.retry_after is not None:
            details["retry_after"] = round(failure.retry_after)
        super().__init__(error["message"], code=error["code"], **details)


def _may_repeat(failure: ProviderError) -> bool:
    """Whether a repetition can help within the time for which OpenAI's clients wait."""
    return failure.code != "quota" and (failure.retry_after or 0) <= LONGEST_WAIT


def error_object(end: End) -> dict[str, Any]:
    """The error of an answer that did not end as `done`, in OpenAI's form."""
    error = end.error
    if error is None:
        message = f"The answer was {end.state}."
        return {"message": message, "type": "server_error", "param": None, "code": end.state}
    message = error.message
    if error.code == "auth":
        message = f"The upstream refused this server's key. {message}"
    told = error.upstream or {}
    return {
        "message": message,
        "type": told.get("type") or _TYPES.get(error.code, "upstream_error"),
        "param": told.get("param"),
        "code": told.get("code") or _CODES.get(error.code, error.code),
    }


def _status(error: ProviderError | None) -> int:
    if error is None or error.code == "auth":
        return 502
    status = error.upstream_status or _STATUSES.get(error.code, 502)
    if status in (401, 403):
        return _STATUSES.get(error.code, 502)
    return status if 400 <= status < 500 or status in (503, 529) else 502
