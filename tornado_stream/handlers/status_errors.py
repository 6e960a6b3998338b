"""Errors that have only an HTTP status: the code and the message that a client gets. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http.client import responses

STATUS_ERRORS = {
    400: ("invalid_request", "The request cannot be understood."),
    403: ("forbidden", "This request came from another site and was refused."),
    404: ("not_found", "There is no page or resource at this address."),
    411: ("length_required", "The request has no Content-Length, which the server needs."),
    415: ("not_json", "Send JSON: Content-Type must be application/json."),
    421: (
        "unknown_host",
        "This server does not accept requests for that host name. Open it as http://localhost, or "
        "add the name to --allowed-hosts.",
    ),
}


def status_error(status: int, methods: Sequence[str] = ()) -> tuple[str, str]:
    """The code and the message of an error; `methods` are those that the route has."""
    if known := STATUS_ERRORS.get(status):
        return known
    if status == 405:
        supported = ", ".join(methods)
        return "method_not_allowed", f"This address supports only these methods: {supported}."
    if status >= 500:
        return "server_error", "This server failed; its log says why."
    phrase = responses.get(status, "Error")
    return re.sub(r"\W+", "_", phrase.lower()), f"{phrase}."
