"""What all handlers share: the doors, the headers, JSON in and out, errors by audience.

The rule: every route goes through `prepare`, which lets no request in that was made for another
host, and no body that is not JSON. Cross-origin requests are refused by Tornado's
`cross_origin_protection` before that.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from http.client import responses
from types import TracebackType
from typing import TYPE_CHECKING, Any

import orjson
from tornado.web import HTTPError, RequestHandler

from tornado_stream.errors import ChatError
from tornado_stream.handlers.bodies import decode_object
from tornado_stream.handlers.peer import client_address, is_trusted

if TYPE_CHECKING:
    from tornado_stream.app import ChatApplication
    from tornado_stream.chat import ChatService
    from tornado_stream.conversations import ConversationService

logger = logging.getLogger(__name__)

#: Bytes of a request's body.
MAX_BODY = 1024 * 1024

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
    """One request. API routes answer errors as JSON; `page` routes as a page."""

    application: ChatApplication
    page = False

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

    def initialize(self) -> None:
        # Tornado parses forms before `prepare`, and a large one takes it half a second: it is not
        # told of any.
        self._content_type = self.request.headers.pop("Content-Type", "")

    def prepare(self) -> None:
        host = _host_name(self.request.headers.get("Host", ""))
        if host not in self.application.hosts:
            raise HTTPError(421, reason="Misdirected Request")
        if self.request.method in ("POST", "PUT", "PATCH", "DELETE"):
            self._check_body()

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
        if self.page:
            self.render("error.html", code=status_code)
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
            logger.error("%s failed", where, exc_info=(typ, value, tb))  # type: ignore[arg-type]

    def _check_body(self) -> None:
        if len(self.request.body) > MAX_BODY:
            raise HTTPError(413)
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
    413: ("too_large", f"The request is too large: {MAX_BODY // 1024} KiB is the most."),
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


def _host_name(host: str) -> str:
    """The Host header without its port; empty where it is malformed (RFC 9110 section 7.2)."""
    match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\s\[\]]+)(?::\d{1,5})?", host)
    return match[1].lower().rstrip(".") if match else ""
