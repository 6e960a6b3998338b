"""The base class of all handlers: access checks, headers, JSON in and out, errors.

The rule: every request goes through `prepare`, which refuses it if its Host is not this server's,
if it needs a login and has none, or if its body is not JSON. Before that, Tornado's
`cross_origin_protection` has refused requests from other sites.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable, Mapping
from functools import cached_property
from ipaddress import ip_address
from types import TracebackType
from typing import Any

import orjson
from tornado.web import HTTPError, RequestHandler

from tornado_stream.auth.sessions import LIFETIME
from tornado_stream.chat.conversations import ConversationService
from tornado_stream.chat.service import ChatService
from tornado_stream.handlers import identity
from tornado_stream.handlers.cross_origin import preflight_headers, shared_headers
from tornado_stream.handlers.request_body import SMALL_BODY, check_values
from tornado_stream.handlers.security_headers import SECURITY_HEADERS
from tornado_stream.handlers.services import Services
from tornado_stream.handlers.status_errors import status_error
from tornado_stream.net.peer import client_address
from tornado_stream.page.choices import names_of_page
from tornado_stream.values.errors import (
    ChatError,
    InvalidRequest,
    UnsupportedBody,
)
from tornado_stream.values.messages import LOCAL_OWNER

logger = logging.getLogger(__name__)

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

#: The methods that a handler can have (RFC 9110 section 9); HEAD comes with GET.
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

FORM = "multipart/form-data"

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})


class BaseHandler(RequestHandler):
    """One request. Errors are JSON, or a page where `page` is set. On a server with a login every
    request needs a session or a token, unless its route is `open_to_all`."""

    application: Services
    page = False
    open_to_all = False
    #: Whether pages of the web sites that `--allowed-origins` names may call the route.
    cross_origin = False
    #: Whether the limits of `/v1` hold for the body, rather than those of all other routes.
    large_body = False
    #: Whether no body is as good as `{}`.
    body_optional = False
    #: Whether a body is a form of the page rather than JSON.
    form = False
    #: The user whose conversations the request is about.
    owner: str = LOCAL_OWNER
    #: The names of events of the audit log, by the method of the request.
    audited: Mapping[str, str] = {}
    #: Whether the client has only a part of a large response.
    cut_off = False
    #: The answer that the request started or read, for the log.
    generation_id: str | None = None

    @property
    def chat(self) -> ChatService:
        return self.application.chat

    @property
    def conversations(self) -> ConversationService:
        return self.application.conversations

    @property
    def client_address(self) -> str:
        """The client's address: of the connection, or as a trusted proxy names it."""
        forwarded = self.request.headers.get("X-Forwarded-For", "")
        peer = self.request.remote_ip or ""
        return client_address(peer, forwarded, self.application.config.trusted_proxies)

    @property
    def client_agent(self) -> str:
        """What the client says it is."""
        return self.request.headers.get("User-Agent", "")

    @property
    def is_https(self) -> bool:
        """Whether a trusted proxy says that the client's own connection is encrypted."""
        return identity.is_https(self.application, self.request)

    @cached_property
    def request_id(self) -> str:
        """The request's id in the log and the response: that of a trusted proxy, or a new one."""
        forwarded = self.request.headers.get("X-Request-Id", "")
        if REQUEST_ID.fullmatch(forwarded) and identity.from_proxy(self.application, self.request):
            return forwarded
        return secrets.token_hex(8)

    def static_url(self, path: str, include_host: bool | None = None, **kwargs: Any) -> str:
        return self.application.assets.url(path)

    def get_template_namespace(self) -> dict[str, Any]:
        names = names_of_page(self.application.languages, self.request)
        base = self.application.config.base_path
        return super().get_template_namespace() | names | {"base": base}

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        for name, value in SECURITY_HEADERS.items():
            self.set_header(name, value)
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Request-Id", self.request_id)
        if self.cross_origin and self.application.config.allowed_origins:
            self.set_header("Vary", "Origin")
        if origin := self.foreign_origin:
            self._set_headers(shared_headers(origin))

    @cached_property
    def foreign_origin(self) -> str:
        """The origin of another web site whose page sends the request and may send it; else ""."""
        origin = self.request.headers.get("Origin", "")
        if not self.cross_origin or origin not in self.application.config.allowed_origins:
            return ""
        from_here = self.request.headers.get("Sec-Fetch-Site") == "same-origin"
        return "" if from_here or self._origin_matches_host(origin) else origin

    def check_trusted_origin(self, origin: str) -> bool:
        """Tornado calls this for requests from other sites that could change something."""
        return bool(self.foreign_origin)

    def initialize(self) -> None:
        # Without this header Tornado does not parse forms, which it would do before `prepare`; a
        # large form takes half a second.
        self._content_type = self.request.headers.pop("Content-Type", "")

    async def prepare(self) -> None:
        self._check_host()
        if self._is_preflight():
            return
        if not self.open_to_all and self.application.users.required:
            by_session = not self.foreign_origin
            self.owner = ""  # if it raises
            self.owner = identity.user_of(self.application, self.request, by_session=by_session)
            self.owner = self.owner or await self._new_user()
        self.check_method()
        if self.request.method in ("POST", "PUT", "PATCH", "DELETE"):
            self._check_body()

    async def _new_user(self) -> str:
        """The id of a user whom the proxy has named for the first time."""
        self.audited = {self.request.method or "": "user_add"}
        name = identity.proxy_user(self.application, self.request)
        return await self.application.auth.add_proxy_user(name)

    def head(self, *args: str) -> Any:
        """What GET returns, without the body, which Tornado leaves out (RFC 9110 section 9.3.2)."""
        return self.get(*args)

    def options(self, *args: str) -> None:
        """The methods of the route, and the answer to a preflight (RFC 9110 section 9.3.7)."""
        self.set_status(204)
        self.set_header("Allow", ", ".join(self.allowed_methods))
        if self._is_preflight():
            headers = self.request.headers
            private = headers.get("Access-Control-Request-Private-Network") == "true"
            asked = headers.get("Access-Control-Request-Headers", "")
            methods = self.allowed_methods
            self._set_headers(preflight_headers(methods, asked, private_network=private))

    @property
    def allowed_methods(self) -> list[str]:
        """The methods that this route has."""
        names = [name for name in METHODS if _has_method(type(self), name)]
        return [name for name in names if name != "HEAD" or "GET" in names]

    def check_method(self) -> None:
        """Raise `HTTPError` 405 if the route does not have the request's method."""
        if self.request.method not in self.allowed_methods:
            raise HTTPError(405)

    @property
    def session_cookie(self) -> str:
        """The name of the session's cookie."""
        return identity.session_cookie(self.application, self.request)

    @property
    def session_token(self) -> str:
        """The value of the session cookie; empty where the request has none."""
        return identity.session_token(self.application, self.request)

    def set_session(self, token: str) -> None:
        """Set the session cookie, or delete it if the token is empty."""
        self.set_cookie(
            self.session_cookie,
            token,
            path=self.application.config.base_path or "/",
            max_age=LIFETIME if token else -1,  # negative: Tornado does not send a max-age of 0
            secure=self.is_https,
            httponly=True,
            samesite="Strict",
        )

    def read_json(self) -> dict[str, Any]:
        """The JSON object in the request's body, which is then freed. Raises `InvalidRequest`."""
        body, self.request.body = self.request.body, b""
        if len(body) > SMALL_BODY:
            check_values(body)
        return decode_object(body)

    def write_json(self, value: Any) -> None:
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.write(orjson.dumps(value))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None))[1]
        if isinstance(error, ChatError):
            status_code, code, message = error.status, error.code, error.message
            self.set_status(status_code)
        else:
            code, message = status_error(status_code, self.allowed_methods)
        details = error.details if isinstance(error, ChatError) else {}
        if "retry_after" in details:
            self.set_header("Retry-After", str(details["retry_after"]))
        if status_code == 401:
            self.set_header("WWW-Authenticate", "Bearer")
        if status_code == 405:
            self.set_header("Allow", ", ".join(self.allowed_methods))
        if code == UnsupportedBody.code:
            self.set_header("Accept-Encoding", "identity")
        if self.page:
            self._write_error_page(status_code, code)
        else:
            self.write_json({"error": {"code": code, "message": message, **details}})
            self.finish()

    def log_exception(
        self, typ: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> None:
        # Tornado's own message has the URL with its query string, which must not be logged.
        if not isinstance(value, (ChatError, HTTPError)):
            where = f"{self.request.method} {self.request.path!r}"
            fields = {"request": self.request_id}
            logger.error("%s failed", where, exc_info=value, extra={"fields": fields})

    def _write_error_page(self, status: int, code: str) -> None:
        if status == 401:
            modules = self.application.assets.modules("js/login.js")
            self.render("login.html", modules=modules, named=self.application.auth.asks_for_name)
        else:
            leave = self.application.config.logout_url if code == "not_a_user" else None
            self.render("error.html", status=status, code=code, leave=leave)

    def _set_headers(self, headers: dict[str, str]) -> None:
        for name, value in headers.items():
            self.set_header(name, value)

    def _check_host(self) -> None:
        host = _host_name(self.request.headers.get("Host", ""))
        if host not in self.application.hosts:
            if not (self.application.exposed and _is_address(host)):
                raise HTTPError(421, reason="Misdirected Request")

    def _is_preflight(self) -> bool:
        """Whether a browser asks for a page of another site, which it does without a login. Raises
        `HTTPError` 403 if the page may not call this route."""
        asks = "Access-Control-Request-Method" in self.request.headers
        if not asks or self.request.method != "OPTIONS":
            return False
        if self._check_cross_origin(self.check_trusted_origin):
            raise HTTPError(403)
        return bool(self.foreign_origin)

    def _check_body(self) -> None:
        # The error is taken out: once raised, its traceback holds the request, its key.
        if error := self.application.held_bodies.refused.pop(self.request, None):
            raise error
        headers = self.request.headers
        size = max(len(self.request.body), int(headers.get("Content-Length", 0)))
        if not size:
            if self.request.method == "DELETE" or self.body_optional:
                return
        encoding = headers.get("Content-Encoding", "").strip().lower()
        if encoding not in ("", "identity"):
            raise UnsupportedBody("Send the body without Content-Encoding: it is not unpacked.")
        content_type = self._content_type.partition(";")[0]
        if content_type.strip().lower() != (FORM if self.form else "application/json"):
            raise HTTPError(415)

    def _check_cross_origin(self, check: Callable[[str], bool]) -> str | None:
        try:
            return super()._check_cross_origin(check)
        except ValueError:  # Tornado 6.6.1 does not catch urlsplit's error
            return "a malformed Origin"


class NotFoundHandler(BaseHandler):
    """Answers every URL that is not in the table with 404."""

    async def prepare(self) -> None:
        accepts = self.request.headers.get("Accept", "")
        self.page = self.request.method in ("GET", "HEAD") and "text/html" in accepts
        await super().prepare()

    def check_method(self) -> None:
        raise HTTPError(404)


def decode_object(body: bytes) -> dict[str, Any]:
    """The JSON object that a body is. Raises `InvalidRequest`."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"The body is not JSON: {error}.", code="invalid_json") from None
    if not isinstance(value, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return value


def _has_method(handler: type[BaseHandler], name: str) -> bool:
    method = getattr(handler, name.lower())
    return method is not getattr(RequestHandler, name.lower())


def _is_address(host: str) -> bool:
    """Whether a Host is an IP address rather than a name."""
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _host_name(host: str) -> str:
    """The Host header without its port; empty where it is malformed (RFC 9110 section 7.2)."""
    match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\s\[\]]+)(?::\d{1,5})?", host)
    return match[1].lower().rstrip(".") if match else ""
