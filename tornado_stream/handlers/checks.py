"""What every request passes before it is served: its Host, the site that asks, its user, its body.

The rule: these functions alone decide it, whoever has read the request and whoever answers it. They
look at the request's head and at the attributes of its route, and change nothing.
"""

from __future__ import annotations

import re
import urllib.parse
from ipaddress import ip_address
from typing import Any, Protocol

import orjson
from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError

from tornado_stream.handlers import identity
from tornado_stream.handlers.services import Services
from tornado_stream.values.errors import InvalidRequest, UnsupportedBody
from tornado_stream.values.messages import LOCAL_OWNER

FORM = "multipart/form-data"
#: A name or an address, with or without a port.
HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:\s\[\]]+)(?::\d{1,5})?")


class Route(Protocol):
    """What is checked of a route. `BaseHandler` has the meaning of each attribute."""

    open_to_all: bool
    cross_origin: bool
    body_optional: bool
    form: bool


def check_host(services: Services, request: HTTPServerRequest) -> None:
    """Raises `HTTPError` 421 if the request is for another server."""
    host = _host_name(request.headers.get("Host", ""))
    if host not in services.hosts and not (services.exposed and _is_address(host)):
        raise HTTPError(421, reason="Misdirected Request")


def foreign_origin(services: Services, request: HTTPServerRequest, route: type[Route]) -> str:
    """The origin of another web site whose page sends the request and may send it; else ""."""
    headers = request.headers
    origin = headers.get("Origin", "")
    if not route.cross_origin or origin not in services.config.allowed_origins:
        return ""
    from_here = headers.get("Sec-Fetch-Site") == "same-origin"
    return "" if from_here or _is_host(request, origin) else origin


def is_refused_site(services: Services, request: HTTPServerRequest, route: type[Route]) -> bool:
    """Whether the request comes from a page of another site that may not send it. Browsers say
    with `Sec-Fetch-Site` where a request comes from, older ones with `Origin`; programs say
    nothing."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site in ("same-origin", "none"):
        return False
    if site is None and (origin is None or _is_host(request, origin)):
        return False
    return not foreign_origin(services, request, route)


def owner_of(services: Services, request: HTTPServerRequest, route: type[Route]) -> str:
    """The id of the user who sends the request; "" for a user whom the proxy has named for the
    first time. Raises `Unauthorized`, `Forbidden` or `InvalidRequest`."""
    if route.open_to_all or not services.users.required:
        return LOCAL_OWNER
    by_session = not foreign_origin(services, request, route)
    return identity.user_of(services, request, by_session=by_session)


def check_body(request: HTTPServerRequest, route: type[Route], content_type: str) -> None:
    """Raises `UnsupportedBody`, or `HTTPError` 415, if the route does not take such a body."""
    headers = request.headers
    size = max(len(request.body), int(headers.get("Content-Length", 0)))
    if not size and (request.method == "DELETE" or route.body_optional):
        return
    encoding = headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise UnsupportedBody("Send the body without Content-Encoding: it is not unpacked.")
    expected = FORM if route.form else "application/json"
    if content_type.partition(";")[0].strip().lower() != expected:
        raise HTTPError(415)


def decode_object(body: bytes) -> dict[str, Any]:
    """The JSON object that a body is. Raises `InvalidRequest`."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"The body is not JSON: {error}.", code="invalid_json") from None
    if not isinstance(value, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return value


def _is_host(request: HTTPServerRequest, origin: str) -> bool:
    try:
        return urllib.parse.urlsplit(origin).netloc.lower() == request.headers["Host"].lower()
    except ValueError:  # a malformed origin
        return False


def _is_address(host: str) -> bool:
    """Whether a Host is an IP address rather than a name."""
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _host_name(host: str) -> str:
    """The Host header without its port; empty where it is malformed (RFC 9110 section 7.2)."""
    match = HOST.fullmatch(host)
    return match[1].lower().rstrip(".") if match else ""
