"""The errors that a user may see. Pure: no tornado, no asyncio.

There are two families. A `ChatError` is a failure of this server or of the request, and becomes
an HTTP status. A `ProviderError` is a failure of the upstream, and becomes the `error` of an
answer's `end` event, never an HTTP status. Any other exception is a bug.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any


class ChatError(Exception):
    """A failure of this server or of the request; the message is for a person.

    `status` is the HTTP status, `code` the snake_case word for programs. `details` are further
    members of the JSON error object, for example the `generation_id` of the running answer.
    """

    status = 500
    code = "server_error"

    def __init__(self, message: str, *, code: str | None = None, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.details = details


class InvalidRequest(ChatError):
    """The request is malformed; the client must change it before it sends it again."""

    status = 400
    code = "invalid_request"


class Unauthorized(ChatError):
    """The request has no valid session or token."""

    status = 401
    code = "login_required"


class Forbidden(ChatError):
    """The user may not do this, or not in this way."""

    status = 403
    code = "forbidden"


class NotFound(ChatError):
    """The resource that the request names does not exist."""

    status = 404
    code = "not_found"


class Conflict(ChatError):
    """The request is valid, but not in the present state of the resource."""

    status = 409
    code = "conflict"


class TooLarge(ChatError):
    """The request is above a limit of size; the client must make it smaller."""

    status = 413
    code = "too_large"


class UnsupportedBody(ChatError):
    """The body is compressed or encoded in another way, and the server does not decode it."""

    status = 415
    code = "unsupported_encoding"


class TooMany(ChatError):
    """Too many requests, answers or tries at a time; `retry_after` is in seconds."""

    status = 429
    code = "too_many"

    def __init__(
        self, message: str, *, code: str | None = None, retry_after: int, **details: Any
    ) -> None:
        super().__init__(message, code=code, retry_after=retry_after, **details)


class Unavailable(ChatError):
    """This server cannot do it now; the client may try again later."""

    status = 503
    code = "unavailable"


class BadGateway(ChatError):
    """No upstream could tell what the request asks for. Nothing was processed."""

    status = 502
    code = "upstream_error"


@dataclass(eq=False, repr=False)
class ProviderError(Exception):
    """A failure of the upstream: the `error` object of an `end` event (docs/events.md).

    `state` is the state in which the answer ends: `error` (the upstream sent no 2xx, or an error
    inside the stream) or `cut_off` (it sent a 2xx, and the stream broke before a finish reason).
    `retry_after` is in seconds. `unprocessed` says that the upstream cannot have processed the
    request, so that a retry is safe. The message is safe to show: it has no key and no HTML.
    `upstream` has the upstream's own `code`, `type` and `param`, as far as it sent them: programs
    of `/v1` get these, readers of events do not.
    """

    code: str
    message: str
    _: KW_ONLY
    state: str = "error"
    upstream_status: int | None = None
    retryable: bool = False
    retry_after: float | None = None
    unprocessed: bool = False
    upstream: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        super().__init__(self.message)

    def to_json(self) -> dict[str, Any]:
        """The `error` object of the `end` event."""
        members = ("code", "message", "upstream_status", "retryable", "retry_after")
        return {name: getattr(self, name) for name in members}


def in_bytes(number: int) -> str:
    """A number of bytes, as error messages write it."""
    for size, unit in ((1024 * 1024, "MiB"), (1024, "KiB")):
        if number and number % size == 0:
            return f"{number // size} {unit}"
    return f"{number} bytes"
