"""What all handlers share: the doors, the headers, JSON in and out, errors by audience.

The rule: every route goes through `prepare`, which lets no request in that was made for another
host, that comes from nobody who may, or whose body is not JSON. Cross-origin requests are refused
by Tornado's `cross_origin_protection` before that.
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
    """One request. API routes answer errors as JSON; `page` routes as a page. Without a login all
    is open, and everything belongs to `owner`'s default; with one only what is `open_to_all`."""

    application: Services
    page = False
    open_to_all = False
    #: Whose conversations the request is about.
    owner: str = LOCAL_OWNER
    #: The answer that the request made or read, for the log.
    generation_id: str | None = None

    @property
    def chat(self) -> ChatService:
        return self.application.chat

    @property
    def conversations(self) -> ConversationService:
        return self.application.conversations

    @property
    def client_address(self) -> str:
        """The client's address, past the proxies that are trusted."""
        forwarded = self.request.headers.get("X-Forwarded-For", "")
        peer = self.request.remote_ip or ""
        return client_address(peer, forwarded, self.application.config.trusted_proxies)

    @property
    def is_https(self) -> bool:
        """Whether the client's own connection is encrypted, as a trusted proxy says it."""
        told = self.request.headers.get("X-Forwarded-Proto", "").rpartition(",")[2].strip()
        trusted = self.application.config.trusted_proxies
        return told == "https" and is_trusted(self.request.remote_ip or "", trusted)

    @cached_property
    def request_id(self) -> str:
        """The request's name in the log and the response: a trusted proxy's own, or a new one."""
        told = self.request.headers.get("X-Request-Id", "")
        trusted = self.application.config.trusted_proxies
        if REQUEST_ID.fullmatch(told) and is_trusted(self.request.remote_ip or "", trusted):
            return told
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
        # Tornado parses forms before `prepare`, and a large one takes it half a second: it is not
        # told of any.
        self._content_type = self.request.headers.pop("Content-Type", "")

    def prepare(self) -> None:
        host = _host_name(self.request.headers.get("Host", ""))
        if host not in self.application.hosts:
            if not (self.application.exposed and _is_address(host)):
                raise HTTPError(421, reason="Misdirected Request")
        if not self.open_to_all and self.application.users.required:
            self.owner = self._who()
        if self.request.method in ("POST", "PUT", "PATCH", "DELETE"):
            self._check_body()

    @property
    def session_cookie(self) -> str:
        """The name of the cookie. The prefix keeps others of the same domain from setting it."""
        return "__Host-ts_session" if self.is_https else "ts_session"

    @property
    def session_token(self) -> str:
        """What the browser shows of its session; empty where it shows nothing."""
        return self.get_cookie(self.session_cookie) or ""

    def set_session(self, token: str) -> None:
        """Give the browser its session, or with an empty token take it back."""
        self.set_cookie(
            self.session_cookie,
            token,
            max_age=LIFETIME if token else -1,  # over at once; Tornado leaves a 0 out
            secure=self.is_https,
            httponly=True,
            samesite="Strict",
        )

    def read_json(self) -> dict[str, Any]:
        """The request's body, a JSON object. Raises `InvalidRequest`."""
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
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        # Tornado's own text holds the request's URL with its query.
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

    def _who(self) -> str:
        """Who is asking. Raises `Unauthorized`. What is meant for a proxy before this server
        (another scheme than Bearer) is left to it."""
        scheme, _, token = self.request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            if name := self.application.auth.with_token(token.strip()):
                return name
            raise Unauthorized("This token is not known here.", code="wrong_token")
        if name := self.application.auth.with_session(self.session_token):
            return name
        raise Unauthorized("Log in first, or send a token as Authorization: Bearer.")

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
        except ValueError:  # Tornado 6.6.1 takes every Origin for a URL
            return "a malformed Origin"


class NotFoundHandler(BaseHandler):
    """Every URL that is not in the table."""

    def prepare(self) -> None:
        accepts = self.request.headers.get("Accept", "")
        self.page = self.request.method == "GET" and "text/html" in accepts
        super().prepare()
        raise HTTPError(404)


STATUS_ERRORS = {
    400: ("invalid_request", "The request cannot be understood."),
    403: ("forbidden", "This request came from another site and was refused."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take this method."),
    415: ("not_json", "Send JSON: Content-Type must be application/json."),
    421: (
        "unknown_host",
        "This server does not answer to that host name. Open it as http://localhost, or name the "
        "host with --allowed-hosts.",
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
