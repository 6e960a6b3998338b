"""Requests that another process of this server has to serve: for an answer that it writes, and with
passwords.

The rule: no token is relayed. The other process gets the client's connection, with the request.
"""

from __future__ import annotations

from typing import Any, cast

import orjson
from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPServerRequest
from tornado.web import RequestHandler

from tornado_stream.handlers.services import Services
from tornado_stream.net.client_connections import ClientStream

#: Headers of a body, which is not passed on.
_OF_BODY = {"content-length", "transfer-encoding", "content-type", "expect"}


def pass_on(handler: RequestHandler, instance: str, path: str = "", body: Any = None) -> bool:
    """Pass the request, with this value as the JSON of its body, to another process. False: it
    cannot be passed. With a `path`, it becomes a GET of this path: the same answer read from its
    start."""
    request, services = handler.request, cast(Services, handler.application)
    connection = cast(HTTP1Connection, request.connection)
    if not isinstance(connection.stream, ClientStream) or connection.stream.closed():
        return False
    way = services.way_to(instance)
    if way is None:
        return False
    address: tuple[Any, ...] = connection.context.address  # type: ignore[attr-defined]
    data = b"" if body is None else orjson.dumps(body)
    whole = head_of(request, path, len(data)) + data
    way(handler.detach(), address, whole)
    handler._break_cycles()
    return True


def pass_to_password_check(handler: RequestHandler, body: Any) -> bool:
    """Pass a request whose password is checked by another process. False: this one checks it."""
    instance = cast(Services, handler.application).checks_passwords()
    return bool(instance) and pass_on(handler, instance, body=body)


def head_of(request: HTTPServerRequest, path: str = "", size: int = 0) -> bytes:
    """The head of the request as a client sends it, for a body of this size."""
    method = "GET" if path else request.method
    lines = [f"{method} {path or request.uri} {request.version}"]
    for name, value in request.headers.get_all():
        if name.lower() not in _OF_BODY:
            lines.append(f"{name}: {value}")
    if method == "POST":
        lines += ["Content-Type: application/json", f"Content-Length: {size}"]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
