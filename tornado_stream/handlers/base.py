"""The base class of all handlers: access checks, headers, JSON in and out, errors.

The rule: every request goes through `prepare`, which refuses it if its Host is not this server's,
if it needs a login and has none, or if its body is not JSON. Before that, Tornado's
`cross_origin_protection` has refused requests from other sites. What is refused, `checks` decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from time import time
from types import TracebackType
from typing import Any

import orjson
from tornado.web import HTTPError, RequestHandler

from tornado_stream.auth.sessions import LIFETIME
from tornado_stream.chat.conversations import ConversationService
from tornado_stream.chat.service import ChatService
from tornado_stream.handlers import checks, identity
from tornado_stream.handlers.access_log import log_failure
from tornado_stream.handlers.cross_origin import preflight_headers
from tornado_stream.handlers.request_body import SMALL_BODY, check_values
from tornado_stream.handlers.request_record import AuditedEvent, RequestRecord, shown_path
from tornado_stream.handlers.response_head import default_headers
from tornado_stream.handlers.services import Services
from tornado_stream.handlers.status_errors import status_error
from tornado_stream.page.choices import names_of_page
from tornado_stream.values.errors import ChatError, UnsupportedBody
from tornado_stream.values.messages import LOCAL_OWNER

#: The methods that a handler can have (RFC 9110 section 9); HEAD comes with GET.
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

#: Seconds for which a login counts that was found when the head of the request had come. A body can
#: take longer to arrive, and a session may have ended meanwhile.
LOGIN_LASTS = 0.1

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
    #: Whether the handler takes the body as it arrives, and bounds it.
    streams_body = False
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
        return identity.client_address(self.application, self.request)

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
        return identity.request_id(self.application, self.request)

    def record(self) -> RequestRecord:
        """What the logs say of the request, as far as it has come."""
        request, status = self.request, self.get_status()
        method = request.method or ""
        record = RequestRecord(
            method,
            shown_path(request.path),
            status,
            time() - request.request_time(),
            self.request_id,
            self.client_address,
            self.owner,
            self.generation_id,
        )
        event = self.audited.get(method)
        if status == 401 and identity.sends_token(request):
            event = "token_refused"
        if event is not None:
            user = "" if status == 401 and not self.open_to_all else self.owner
            id = self.path_args[0].lower() if self.path_args else None
            record.audited = AuditedEvent(event, user, id, self.cut_off)
        return record

    def static_url(self, path: str, include_host: bool | None = None, **kwargs: Any) -> str:
        return self.application.assets.url(path)

    def get_template_namespace(self) -> dict[str, Any]:
        names = names_of_page(self.application.languages, self.request)
        base = self.application.config.base_path
        return super().get_template_namespace() | names | {"base": base}

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        origin, id = self.foreign_origin, self.request_id
        self._set_headers(default_headers(self.application, type(self), id, origin))

    @cached_property
    def foreign_origin(self) -> str:
        """The origin of another web site whose page sends the request and may send it; else ""."""
        return checks.foreign_origin(self.application, self.request, type(self))

    def initialize(self, login: str | None = None) -> None:
        """`login` is the id of the user whom `bounded` found when the head had come."""
        self._login = login
        # Without this header Tornado does not parse forms, which it would do before `prepare`; a
        # large form takes half a second.
        self._content_type = self.request.headers.pop("Content-Type", "")

    async def prepare(self) -> None:
        checks.check_host(self.application, self.request)
        if self._is_preflight():
            return
        if not self.open_to_all:
            self.owner = ""  # if it raises
            login = self._login
            if login is None or self.request.request_time() > LOGIN_LASTS:
                login = checks.owner_of(self.application, self.request, type(self))
            self.owner = login or await self._new_user()
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
        name = self.request.method or ""
        name = "GET" if name == "HEAD" else name
        if name not in METHODS or not _has_method(type(self), name):
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
        return checks.decode_object(body)

    def write_json(self, value: Any) -> None:
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.write(orjson.dumps(value))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None))[1]
        if isinstance(error, ChatError):
            status_code, code, message = error.status, error.code, error.message
            self.set_status(status_code)
            details = error.details
        else:
            (code, message), details = status_error(status_code, self.allowed_methods), {}
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
            path = shown_path(self.request.path)
            log_failure(self.request.method, path, self.request_id, value)

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

    def _is_preflight(self) -> bool:
        """Whether a browser asks for a page of another site, which it does without a login. Raises
        `HTTPError` 403 if the page may not call this route."""
        asks = "Access-Control-Request-Method" in self.request.headers
        if not asks or self.request.method != "OPTIONS":
            return False
        if checks.is_refused_site(self.application, self.request, type(self)):
            raise HTTPError(403)
        return bool(self.foreign_origin)

    def _check_body(self) -> None:
        # The error is taken out: once raised, its traceback holds the request, its key.
        if error := self.application.held_bodies.refused.pop(self.request, None):
            raise error
        checks.check_body(self.request, type(self), self._content_type)

    def _check_cross_origin(self, check: Callable[[str], bool]) -> str | None:
        """Tornado calls this for requests that could change something."""
        refused = checks.is_refused_site(self.application, self.request, type(self))
        return "the page of another site" if refused else None


class NotFoundHandler(BaseHandler):
    """Answers every URL that is not in the table with 404."""

    async def prepare(self) -> None:
        accepts = self.request.headers.get("Accept", "")
        self.page = self.request.method in ("GET", "HEAD") and "text/html" in accepts
        await super().prepare()

    def check_method(self) -> None:
        raise HTTPError(404)


def _has_method(handler: type[BaseHandler], name: str) -> bool:
    return getattr(handler, name.lower()) is not getattr(RequestHandler, name.lower())
