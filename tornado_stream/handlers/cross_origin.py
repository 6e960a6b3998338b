"""Requests from pages of other web sites: the Fetch standard's CORS protocol.

The rule: only the origins that the setting names may call a route, only the routes that say so,
and never with a cookie: such a page needs a token if the server has a login.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

#: Headers that a page may send: those of OpenAI's clients, of EventSource and of this server.
TAKEN = re.compile(
    r"accept|authorization|cache-control|content-type|http-referer|idempotency-key|last-event-id|"
    r"openai-(?:beta|organization|project)|pragma|tornado-stream-(?:keep|tools)|user-agent|x-request-id|"
    r"x-stainless-[a-z0-9-]{1,40}|x-title"
)
#: Headers that a page may read, besides those that it always may.
SHOWN = (
    "X-Generation-Id, X-Request-Id, Retry-After, x-should-retry, Idempotency-Replayed, "
    "Tornado-Stream-Option-Refused, WWW-Authenticate, Allow"
)
#: Seconds for which a browser may remember a preflight.
MAX_AGE = 600


def shared_headers(origin: str) -> dict[str, str]:
    """The headers of a response that pages of this origin may read."""
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": SHOWN,
        "Cross-Origin-Resource-Policy": "cross-origin",
    }


def preflight_headers(
    methods: Iterable[str], asked: str, *, private_network: bool
) -> dict[str, str]:
    """The headers of the response to a preflight. `asked` are the headers that the page wants to
    send; those that the server does not take are left out, and the browser then refuses."""
    names = (name.strip().lower() for name in asked.split(",")[:100])
    headers = {
        "Access-Control-Allow-Methods": ", ".join(methods),
        "Access-Control-Allow-Headers": ", ".join(name for name in names if TAKEN.fullmatch(name)),
        "Access-Control-Max-Age": str(MAX_AGE),
    }
    if private_network:
        headers["Access-Control-Allow-Private-Network"] = "true"
    return headers
