"""Who sends a request: the connection's client, the user, and the web site that asks.

The rule: what a header says about the client's own connection or its user is believed only of a
trusted proxy. A session, and a user whom the proxy names, count only for requests of this server's
own pages, never for those of another site.
"""

from __future__ import annotations

import re

from tornado.httputil import HTTPServerRequest

from tornado_stream.chat.ids import new_request_id
from tornado_stream.handlers.services import Services
from tornado_stream.net import peer
from tornado_stream.values.errors import InvalidRequest, Unauthorized

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def client_address(services: Services, request: HTTPServerRequest) -> str:
    """The client's address: of the connection, or as a trusted proxy names it."""
    forwarded = request.headers.get("X-Forwarded-For", "")
    return peer.client_address(request.remote_ip or "", forwarded, services.config.trusted_proxies)


def request_id(services: Services, request: HTTPServerRequest) -> str:
    """The request's id in the log and the response: that of a trusted proxy, or a new one."""
    forwarded = request.headers.get("X-Request-Id", "")
    if REQUEST_ID.fullmatch(forwarded) and from_proxy(services, request):
        return forwarded
    return new_request_id()


def from_proxy(services: Services, request: HTTPServerRequest) -> bool:
    """Whether a trusted proxy has passed the request on."""
    return peer.is_trusted(request.remote_ip or "", services.config.trusted_proxies)


def is_https(services: Services, request: HTTPServerRequest) -> bool:
    """Whether a trusted proxy says that the client's own connection is encrypted."""
    protocol = request.headers.get("X-Forwarded-Proto", "").rpartition(",")[2].strip()
    return protocol == "https" and from_proxy(services, request)


def session_cookie(services: Services, request: HTTPServerRequest) -> str:
    """The name of the cookie. With the prefix `__Host-`, other hosts of the domain cannot set it;
    browsers take it only for the path `/`. A base path is part of the name, because a browser also
    sends the cookie of a server at `/` of the same host."""
    if path := services.config.base_path:
        name = "ts_session" + path.replace("/", ".")
        return f"__Secure-{name}" if is_https(services, request) else name
    return "__Host-ts_session" if is_https(services, request) else "ts_session"


def session_token(services: Services, request: HTTPServerRequest) -> str:
    """The value of the session cookie; empty where the request has none."""
    cookie = request.cookies.get(session_cookie(services, request))
    return cookie.value if cookie else ""


def proxy_user(services: Services, request: HTTPServerRequest) -> str:
    """The name of the user whom a trusted proxy names; "" where it names none, and for requests
    that a browser would send without a session's cookie. Raises `InvalidRequest` if the header is
    there twice, or in a spelling that programs confuse with it."""
    header = services.config.user_header
    if header is None or not from_proxy(services, request) or _is_foreign(request):
        return ""
    like = header.lower().replace("-", "_")
    found = [name for name in request.headers if name.lower().replace("-", "_") == like]
    if any("_" in name for name in found) or len(request.headers.get_list(header)) > 1:
        raise InvalidRequest(
            f"The proxy must send the header {header} once, and remove what clients send under "
            "this name, also with _ for -.",
            code="ambiguous_user",
        )
    return request.headers.get(header, "")


def _is_foreign(request: HTTPServerRequest) -> bool:
    """Whether a page of another site sends the request, other than by a link to this server. (The
    proxy's own login page leads to such a link.)"""
    headers = request.headers
    from_here = headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")
    return not from_here and headers.get("Sec-Fetch-Mode") != "navigate"


def has_token(services: Services, request: HTTPServerRequest) -> bool:
    """Whether the request's user is that of a bearer token, so that its session does not count."""
    return sends_token(request) and not proxy_user(services, request)


def sends_token(request: HTTPServerRequest) -> bool:
    """Whether the request comes with a bearer token."""
    return request.headers.get("Authorization", "").partition(" ")[0].lower() == "bearer"


def user_of(services: Services, request: HTTPServerRequest, *, by_session: bool = True) -> str:
    """The id of the user who sends the request; "" for a user whom the proxy has named for the
    first time. Without `by_session`, only a token counts. Raises `Unauthorized`, `Forbidden` or
    `InvalidRequest`.

    Where the proxy names the user, and for other schemes than Bearer, the Authorization header is
    ignored: it is meant for the proxy.
    """
    if by_session and (name := proxy_user(services, request)):
        anyone = services.config.proxy_users == "any"
        return services.auth.with_proxy_name(name, anyone=anyone)
    if sends_token(request):
        token = request.headers["Authorization"].partition(" ")[2]
        if owner := services.auth.with_token(token.strip()):
            return owner
        raise Unauthorized("This token is not known to this server.", code="wrong_token")
    if by_session and (owner := services.auth.with_session(session_token(services, request))):
        return owner
    raise Unauthorized("Log in first, or send a token in the header Authorization: Bearer.")
