"""The URL table: all routes, in the order in which Tornado tries them."""

from __future__ import annotations

import re

from tornado.routing import URLSpec

from tornado_stream.handlers.account import (
    PasswordHandler,
    SessionHandler,
    SessionsHandler,
    TokenHandler,
    TokensHandler,
)
from tornado_stream.handlers.base import BaseHandler, NotFoundHandler
from tornado_stream.handlers.completions import CompletionsHandler
from tornado_stream.handlers.conversations import (
    ConversationHandler,
    ConversationsHandler,
    ExportAllHandler,
    ExportHandler,
    WaitingHandler,
)
from tornado_stream.handlers.defaults import DefaultsHandler
from tornado_stream.handlers.index import AskHandler, IndexHandler
from tornado_stream.handlers.login import LoginHandler, LogoutHandler
from tornado_stream.handlers.models import ModelsHandler
from tornado_stream.handlers.openai import (
    OpenAIModelsHandler,
    OpenAINotFoundHandler,
    OutsideV1NotFoundHandler,
)
from tornado_stream.handlers.pages import (
    BasePathHandler,
    IconHandler,
    StaticHandler,
)
from tornado_stream.handlers.presets import PresetHandler, PresetsHandler
from tornado_stream.handlers.preview import PreviewHandler
from tornado_stream.handlers.responses import ResponsesHandler
from tornado_stream.handlers.streams import GenerationHandler, StopHandler, StreamHandler
from tornado_stream.handlers.system import (
    HealthHandler,
    MetricsHandler,
    OpenAPIHandler,
    ReadyHandler,
)
from tornado_stream.handlers.usage import UsageFileHandler, UsageHandler, UsagePageHandler

__all__ = ["NotFoundHandler", "plain_path", "routes"]

#: Ends of the addresses of OpenAI's API that programs ask most.
OPENAI = r"(?:chat/completions|completions|responses|embeddings)"
ID = r"([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"


def routes(base_path: str = "") -> list[URLSpec]:
    """The table in Tornado's form. Its paths are those that `plain_path` returns."""
    table: list[tuple[str, type[BaseHandler]]] = [
        (r"/", IndexHandler),
        (rf"/c/{ID}", IndexHandler),
        (r"/ask", AskHandler),
        (rf"/c/{ID}\.(md|json|txt)", ExportHandler),
        (r"/preview", PreviewHandler),
        (r"/stream", StreamHandler),
        (rf"/stream/{ID}", GenerationHandler),
        (rf"/stream/{ID}/stop", StopHandler),
        (r"/api/conversations", ConversationsHandler),
        (rf"/api/conversations/{ID}", ConversationHandler),
        (rf"/api/conversations/{ID}/waiting", WaitingHandler),
        (r"/api/export", ExportAllHandler),
        (r"/api/models", ModelsHandler),
        (r"/api/presets", PresetsHandler),
        (rf"/api/presets/{ID}", PresetHandler),
        (r"/api/defaults", DefaultsHandler),
        (r"/api/sessions", SessionsHandler),
        (rf"/api/sessions/{ID}", SessionHandler),
        (r"/api/tokens", TokensHandler),
        (rf"/api/tokens/{ID}", TokenHandler),
        (r"/api/password", PasswordHandler),
        (r"/api/usage", UsageHandler),
        (r"/api/usage\.csv", UsageFileHandler),
        (r"/usage", UsagePageHandler),
        (r"/v1/chat/completions", CompletionsHandler),
        (r"/v1/responses", ResponsesHandler),
        (r"/v1/models", OpenAIModelsHandler),
        (r"/v1/models/(.+)", OpenAIModelsHandler),
        (r"/v1(?:/.*)?", OpenAINotFoundHandler),
        (r"/login", LoginHandler),
        (r"/logout", LogoutHandler),
        (r"/favicon\.ico", IconHandler),
        (r"/static/(?:([0-9a-f]{16})/)?(.+)", StaticHandler),
        (r"/healthz", HealthHandler),
        (r"/readyz", ReadyHandler),
        (r"/metrics", MetricsHandler),
        (r"/openapi\.json", OpenAPIHandler),
        (rf"/(?:(?:openai/)?models|(?:.*/)?{OPENAI})/?", OutsideV1NotFoundHandler),
    ]
    if base_path:
        table.append((r"", BasePathHandler))
    return [URLSpec(*row) for row in table]


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
