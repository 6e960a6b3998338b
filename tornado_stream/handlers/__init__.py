"""The URL table: all routes, in the order in which Tornado tries them."""

from __future__ import annotations

import logging
import re
from importlib import import_module
from typing import Any

from tornado.routing import URLSpec
from tornado.web import HTTPError

from tornado_stream.handlers.base import BaseHandler, NotFoundHandler
from tornado_stream.handlers.completions import CompletionsHandler
from tornado_stream.handlers.openai import (
    OpenAIModelsHandler,
    OpenAINotFoundHandler,
    OutsideV1NotFoundHandler,
)
from tornado_stream.handlers.streams import GenerationHandler, StopHandler, StreamHandler
from tornado_stream.handlers.system import (
    HealthHandler,
    MetricsHandler,
    OpenAPIHandler,
    ReadyHandler,
)

__all__ = ["NotFoundHandler", "plain_path", "routes"]

logger = logging.getLogger(__name__)

#: Ends of the addresses of OpenAI's API that programs ask most.
OPENAI = r"(?:chat/completions|completions|responses|embeddings)"
ID = r"([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"

#: A pattern of paths and its handler. Where the name of the handler is enough, its module is
#: imported with the first request for it; so the first answer waits for none of these.
Row = tuple[str, type[BaseHandler] | str]
#: The rows of shared links.
SHARED: list[Row] = [
    (rf"/api/conversations/{ID}/shares", "shares.SharesOfConversationHandler"),
    (r"/api/shares", "shares.SharesHandler"),
    (rf"/api/shares/{ID}", "shares.ShareHandler"),
    (r"/s/([^/]+)\.(json|md|txt)", "shared.SharedExportHandler"),
    (r"/s/([^/]+)", "shared.SharedPageHandler"),
    (rf"/s/([^/.]+)/stream/{ID}", "shared.SharedStreamHandler"),
    (rf"/s/([^/.]+)/files/{ID}", "shared.SharedFileHandler"),
    (r"/s(?:/.*)?", "shared.SharedNotFoundHandler"),
]


class LateRoute(URLSpec):
    """A row that has the name of its handler: its module in this package, a dot, its class."""

    def __init__(self, pattern: str, name: str) -> None:
        super().__init__(pattern, NotFoundHandler)
        del self.target, self.handler_class  # `__getattr__` is asked for what is missing
        self._module, _, self._class = name.partition(".")

    def __getattr__(self, name: str) -> Any:
        if name not in ("target", "handler_class"):
            raise AttributeError(name)
        try:
            module = import_module(f"{__name__}.{self._module}")
            self.target = self.handler_class = getattr(module, self._class)
        except (ImportError, AttributeError, SyntaxError):
            logger.exception("the program's files have changed since the server began; restart it")
            return FailedHandler
        return self.target


class FailedHandler(NotFoundHandler):
    """Answers with 500 where the handler could not be imported."""

    def check_method(self) -> None:
        raise HTTPError(500)


def routes(base_path: str = "", *, sharing: bool = False) -> list[URLSpec]:
    """The table in Tornado's form. Its paths are those that `plain_path` returns. Without `sharing`
    it has no shared links."""
    table: list[Row] = [
        (r"/", "index.IndexHandler"),
        (rf"/c/{ID}", "index.IndexHandler"),
        (r"/ask", "index.AskHandler"),
        (rf"/c/{ID}\.(md|json|txt)", "exports.ExportHandler"),
        (rf"/c/{ID}\.zip", "exports.ExportWithFilesHandler"),
        (r"/preview", "preview.PreviewHandler"),
        (r"/stream", StreamHandler),
        (rf"/stream/{ID}", GenerationHandler),
        (rf"/stream/{ID}/stop", StopHandler),
        (r"/api/conversations", "conversations.ConversationsHandler"),
        (rf"/api/conversations/{ID}", "conversations.ConversationHandler"),
        (rf"/api/conversations/{ID}/waiting", "conversations.WaitingHandler"),
        (r"/api/export", "exports.ExportAllHandler"),
        (r"/api/files", "files.FilesHandler"),
        (rf"/api/files/{ID}", "files.FileHandler"),
        (rf"/api/files/{ID}/text", "files.FileTextHandler"),
        (r"/api/imports", "imports.ImportsHandler"),
        (rf"/api/imports/{ID}", "imports.ImportHandler"),
        (r"/api/models", "models.ModelsHandler"),
        (r"/api/tools", "tools.ToolsHandler"),
        (r"/api/presets", "presets.PresetsHandler"),
        (rf"/api/presets/{ID}", "presets.PresetHandler"),
        (r"/api/defaults", "defaults.DefaultsHandler"),
        (r"/api/sessions", "account.SessionsHandler"),
        (rf"/api/sessions/{ID}", "account.SessionHandler"),
        (r"/api/tokens", "account.TokensHandler"),
        (rf"/api/tokens/{ID}", "account.TokenHandler"),
        (r"/api/password", "account.PasswordHandler"),
        (r"/api/usage", "usage.UsageHandler"),
        (r"/api/usage\.csv", "usage.UsageFileHandler"),
        (r"/usage", "usage.UsagePageHandler"),
        (r"/v1/chat/completions", CompletionsHandler),
        (r"/v1/responses", "responses.ResponsesHandler"),
        (r"/v1/models", OpenAIModelsHandler),
        (r"/v1/models/(.+)", OpenAIModelsHandler),
        (r"/v1(?:/.*)?", OpenAINotFoundHandler),
        (r"/login", "login.LoginHandler"),
        (r"/logout", "login.LogoutHandler"),
        (r"/favicon\.ico", "pages.IconHandler"),
        (r"/static/(?:([0-9a-f]{16})/)?(.+)", "pages.StaticHandler"),
        (r"/healthz", HealthHandler),
        (r"/readyz", ReadyHandler),
        (r"/metrics", MetricsHandler),
        (r"/openapi\.json", OpenAPIHandler),
        (rf"/(?:(?:openai/)?models|(?:.*/)?{OPENAI})/?", OutsideV1NotFoundHandler),
    ]
    if sharing:
        table += SHARED
    if base_path:
        table.append((r"", "pages.BasePathHandler"))
    return [
        LateRoute(pattern, handler) if isinstance(handler, str) else URLSpec(pattern, handler)
        for pattern, handler in table
    ]


def plain_path(path: str, base_path: str = "") -> str:
    """The path that the table knows: without the base path, if the path begins with it.

    A path below `/v1` is also without double slashes and without one at its end: base URLs of
    programs end with a slash or not. All other paths stay as they are.
    """
    if base_path and f"{path}/".startswith(f"{base_path}/"):
        path = path[len(base_path) :]
    if "//" not in path and not path.endswith("/"):
        return path
    plain = re.sub("/{2,}", "/", path).rstrip("/")
    return plain if f"{plain}/".startswith("/v1/") else path
