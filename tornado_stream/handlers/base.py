"""The base class of all handlers: access checks, headers, JSON in and out, errors.

The rule: every request goes through `prepare`, which refuses it if its Host is not this server's,
if it needs a login and has none, or if its body is not JSON. Before that, Tornado's
`cross_origin_protection` has refused requests from other sites.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable
from functools import cached_property
from http.client import responses
from ipaddress import ip_address
from types import TracebackType
from typing import Any

import orjson
from tornado.web import HTTPError, RequestHandler

from tornado_stream.auth.sessions import LIFETIME
from tornado_stream.chat.conversations import ConversationService
from tornado_stream.chat.service import ChatService
from tornado_stream.handlers.services import Services
from tornado_stream.net.peer import client_address, is_trusted
from tornado_stream.values.errors import ChatError, InvalidRequest, TooLarge, Unauthorized, in_bytes
from tornado_stream.values.messages import LOCAL_OWNER

logger = logging.getLogger(__name__)

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

#: JSON values that a body may hold; the values of a body up to `SMALL_BODY` bytes are not counted.
MAX_VALUES, SMALL_BODY = 10_000, 64 * 1024

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; font-src 'self'; manifest-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types dompurify"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class BaseHandler(RequestHandler):
    """One request. Errors are JSON, or a page where `page` is set. On a server with a login every
    request needs a session or a token, unless its route is `open_to_all`."""

    application: Services
    page = False
    open_to_all = False
    #: The user whose conversations the request is about.
    owner: str = LOCAL_OWNER
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
    def is_https(self) -> bool:
        """Whether a trusted proxy says that the client's own connection is encrypted."""
        protocol = self.request.headers.get("X-Forwarded-Proto", "").rpartition(",")[2].strip()
        trusted = self.application.config.trusted_proxies
        return protocol == "https" and is_trusted(self.request.remote_ip or "", trusted)

    @cached_property
    def request_id(self) -> str:
        """The request's id in the log and the response: that of a trusted proxy, or a new one."""
        forwarded = self.request.headers.get("X-Request-Id", "")
        trusted = self.application.config.trusted_proxies
        if REQUEST_ID.fullmatch(forwarded) and is_trusted(self.request.remote_ip or "", trusted):
            return forwarded
        return secrets.token_hex(8)

    def static_url(self, path: str, include_host: bool | None = None, **kwargs: Any) -> str:
        return self.application.assets.url(path)

    def get_template_namespace(self) -> dict[str, Any]:
        header = self.request.headers.get("Accept-Language", "")
        language = self.application.languages.pick(header)
        return super().get_template_namespace() | {"language": language, "t": language.t}

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        for name, value in SECURITY_HEADERS.items():
            self.set_header(name, value)
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Request-Id", self.request_id)

    def initialize(self) -> None:
        # Without this header Tornado does not parse forms, which it would do before `prepare`; a
        # large form takes half a second.
        self._content_type = self.request.headers.pop("Content-Type", "")

    def prepare(self) -> None:
        host = _host_name(self.request.headers.get("Host", ""))
        if host not in self.application.hosts:
            if not (self.application.exposed and _is_address(host)):
                raise HTTPError(421, reason="Misdirected Request")
        if not self.open_to_all and self.application.users.required:
            self.owner = self._authenticate()
        if self.request.method in ("POST", "PUT", "PATCH", "DELETE"):
            self._check_body()

    @property
    def session_cookie(self) -> str:
        """The name of the cookie. With the prefix, other hosts of the domain cannot set it."""
        return "__Host-ts_session" if self.is_https else "ts_session"

    @property
    def session_token(self) -> str:
        """The value of the session cookie; empty where the request has none."""
        return self.get_cookie(self.session_cookie) or ""

    def set_session(self, token: str) -> None:
        """Set the session cookie, or delete it if the token is empty."""
        self.set_cookie(
            self.session_cookie,
            token,
            max_age=LIFETIME if token else -1,  # negative: Tornado does not send a max-age of 0
            secure=self.is_https,
            httponly=True,
            samesite="Strict",
        )

    def read_json(self) -> dict[str, Any]:
        """The JSON object in the request's body. Raises `InvalidRequest`."""
        return decode_object(self.request.body)

    def write_json(self, value: Any) -> None:
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.write(orjson.dumps(value))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None))[1]
        if isinstance(error, ChatError):
            status_code, code, message = error.status, error.code, error.message
            self.set_status(status_code)
        else:
            code, message = STATUS_ERRORS.get(status_code) or _plain_error(status_code)
        details = error.details if isinstance(error, ChatError) else {}
        if "retry_after" in details:
            self.set_header("Retry-After", str(details["retry_after"]))
        if status_code == 401:
            self.set_header("WWW-Authenticate", "Bearer")
        if self.page:
            self._write_error_page(status_code)
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

    def _write_error_page(self, status: int) -> None:
        if status == 401:
            modules = self.application.assets.modules("js/login.js")
            self.render("login.html", modules=modules, named=self.application.auth.asks_for_name)
        else:
            self.render("error.html", code=status)

    def _authenticate(self) -> str:
        """The user who sends the request. Raises `Unauthorized`. An Authorization header with
        another scheme than Bearer is ignored: it is meant for a proxy before this server."""
        scheme, _, token = self.request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            if name := self.application.auth.with_token(token.strip()):
                return name
            raise Unauthorized("This token is not known to this server.", code="wrong_token")
        if name := self.application.auth.with_session(self.session_token):
            return name
        raise Unauthorized("Log in first, or send a token in the header Authorization: Bearer.")

    def _check_body(self) -> None:
        max_body = self.application.config.max_body
        if len(self.request.body) > max_body:
            raise TooLarge(f"The request is too large: {in_bytes(max_body)} is the most.")
        if self.request.method == "DELETE" and not self.request.body:
            return
        content_type = self._content_type.partition(";")[0]
        if content_type.strip().lower() != "application/json":
            raise HTTPError(415)

    def _check_cross_origin(self, check: Callable[[str], bool]) -> str | None:
        try:
            return super()._check_cross_origin(check)
        except ValueError:  # Tornado 6.6.1 does not catch urlsplit's error
            return "a malformed Origin"


class NotFoundHandler(BaseHandler):
    """Answers every URL that is not in the table with 404."""

    def prepare(self) -> None:
        accepts = self.request.headers.get("Accept", "")
        self.page = self.request.method == "GET" and "text/html" in accepts
        super().prepare()
        raise HTTPError(404)


STATUS_ERRORS = {
    400: ("invalid_request", "The request cannot be understood."),
    403: ("forbidden", "This request came from another site and was refused."),
    404: ("not_found", "There is no page or resource at this address."),
    405: ("method_not_allowed", "This address does not support this method."),
    415: ("not_json", "Send JSON: Content-Type must be application/json."),
    421: (
        "unknown_host",
        "This server does not accept requests for that host name. Open it as http://localhost, or "
        "add the name to --allowed-hosts.",
    ),
}


def _plain_error(status: int) -> tuple[str, str]:
    if status >= 500:
        return "server_error", "This server failed; its log says why."
    phrase = responses.get(status, "Error")
    return re.sub(r"\W+", "_", phrase.lower()), f"{phrase}."


def decode_object(body: bytes) -> dict[str, Any]:
    """The JSON object that a body is. Raises `InvalidRequest`.

    The values are counted first, because decoding a megabyte of empty lists would block the loop.
    """
    if len(body) > SMALL_BODY and _has_many_values(body):
        raise InvalidRequest(f"The body holds more than {MAX_VALUES} values.")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"The body is not JSON: {error}.", code="invalid_json") from None
    if not isinstance(value, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return value


def _has_many_values(body: bytes) -> bool:
    """Count without decoding: the strings, and the separators and brackets outside of strings."""
    bare = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    if bare.count(b'"') > 2 * MAX_VALUES:
        return True
    outside = b"".join(bare.split(b'"')[::2])
    return sum(map(outside.count, (b",", b"[", b"{"))) > MAX_VALUES


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
