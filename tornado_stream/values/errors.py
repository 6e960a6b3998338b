"""The failures a person may be shown. Pure: no tornado, no asyncio.

Two families, told apart by whose failure it is: `ChatError` is this server's or the request's
and becomes an HTTP status; `ProviderError` is the upstream's and becomes the `error` of an
answer's `end` event, never an HTTP status. Anything else that is raised is a bug.
"""

from __future__ import annotations

from typing import Any


class ChatError(Exception):
    """This server or this request failed; the message is for a person.

    `status` is the HTTP status, `code` the snake_case word that programs read, `details` are
    further members of the JSON error object (for example the `generation_id` that is running).
    """

    status = 500
    code = "server_error"

    def __init__(self, message: str, *, code: str | None = None, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.details = details


class InvalidRequest(ChatError):
    """The request cannot be understood; it must be changed before it is sent again."""

    status = 400
    code = "invalid_request"


class Unauthorized(ChatError):
    """Who is asking is not known, or not allowed in."""

    status = 401
    code = "login_required"


class NotFound(ChatError):
    """What the request names does not exist."""

    status = 404
    code = "not_found"


class Conflict(ChatError):
    """The request is sound but does not fit what is there now."""

    status = 409
    code = "conflict"


class TooLarge(ChatError):
    """More than is taken; it must be made smaller before it is sent again."""

    status = 413
    code = "too_large"


class TooMany(ChatError):
    """More than is let in at a time; `retry_after` is in seconds."""

    status = 429
    code = "too_many"

    def __init__(self, message: str, *, code: str | None = None, retry_after: int) -> None:
        super().__init__(message, code=code, retry_after=retry_after)


class Unavailable(ChatError):
    """This server cannot do it now and could later."""

    status = 503
    code = "unavailable"


class NotInstalled(ChatError):
    """This server could do it with a package that is not there."""

    status = 501
    code = "not_installed"


class ProviderError(Exception):
    """Why an answer did not end well: the `error` object of its `end` event (docs/events.md).

    `state` is the state the answer ends in: `error` (no 200 came, or an error was sent inside
    the stream) or `cut_off` (a 200 came, then the stream broke before a finish). `retry_after`
    is in seconds. `unprocessed` says that the request cannot have been processed, so that it may
    be made again unasked. The message is safe to show: no key, no HTML.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        state: str = "error",
        upstream_status: int | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
        unprocessed: bool = False,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.state = state
        self.upstream_status = upstream_status
        self.retryable = retryable
        self.retry_after = retry_after
        self.unprocessed = unprocessed

    def to_json(self) -> dict[str, Any]:
        """The object as it stands in the `end` event."""
        return {
            "code": self.code,
            "message": self.message,
            "upstream_status": self.upstream_status,
            "retryable": self.retryable,
            "retry_after": self.retry_after,
        }


def in_bytes(number: int) -> str:
    """A number of bytes as a message has it."""
    return f"{number} bytes" if number % 1024 else f"{number // 1024} KiB"
