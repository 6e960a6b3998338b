"""Who sends a request: the connection's client, the user, and the web site that asks.

The rule: what a header says about the client's own connection is believed only of a trusted proxy,
and a session counts only for requests of this server's own pages, never for those of another site.
"""

from __future__ import annotations

from tornado.httputil import HTTPServerRequest

from tornado_stream.handlers.services import Services
from tornado_stream.net.peer import is_trusted
from tornado_stream.values.errors import Unauthorized


def from_proxy(services: Services, request: HTTPServerRequest) -> bool:
    """Whether a trusted proxy has passed the request on."""
    return is_trusted(request.remote_ip or "", services.config.trusted_proxies)


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


def has_token(request: HTTPServerRequest) -> bool:
    """Whether the request comes with a bearer token, so that its session does not count."""
    return request.headers.get("Authorization", "").partition(" ")[0].lower() == "bearer"


def user_of(services: Services, request: HTTPServerRequest, *, by_session: bool = True) -> str:
    """The id of the user who sends the request. Raises `Unauthorized`. An Authorization header with
    another scheme than Bearer is ignored: it is meant for a proxy before this server."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        if owner := services.auth.with_token(token.strip()):
            return owner
        raise Unauthorized("This token is not known to this server.", code="wrong_token")
    if by_session and (owner := services.auth.with_session(session_token(services, request))):
        return owner
    raise Unauthorized("Log in first, or send a token in the header Authorization: Bearer.")
