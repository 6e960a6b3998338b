"""The services that handlers may use, as typed attributes of the application.

The rule: handlers know the application only as this class. `app.ChatApplication` fills it in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from tornado.httputil import HTTPServerRequest
from tornado.iostream import IOStream
from tornado.web import Application

from tornado_stream.auth.authenticator import Authenticator
from tornado_stream.auth.users import Users
from tornado_stream.chat.completions import CompletionService
from tornado_stream.chat.conversations import ConversationService
from tornado_stream.chat.defaults import UserDefaults
from tornado_stream.chat.presets import Presets
from tornado_stream.chat.readiness import Readiness
from tornado_stream.chat.remembered_items import RememberedItems
from tornado_stream.chat.service import ChatService
from tornado_stream.chat.usage import UsageService
from tornado_stream.chat.waiting_questions import WaitingQuestions
from tornado_stream.net.streamed_body import SendBatch
from tornado_stream.observe.metrics import Metrics
from tornado_stream.page.assets import Assets
from tornado_stream.page.languages import Languages
from tornado_stream.settings import Settings
from tornado_stream.values.errors import ChatError


class HeldBodies(Protocol):
    """See `request_body.BodyCounter`."""

    refused: WeakKeyDictionary[HTTPServerRequest, ChatError]

    def take(self, size: int, kept: list[int]) -> bool: ...

    def release(self, kept: list[int]) -> None: ...


class OpenResponse(Protocol):
    """A response that is still being streamed."""

    def abandon(self) -> None:
        """Close its connection at once."""


class Services(Application):
    """The application as its handlers see it."""

    config: Settings
    #: The hosts that requests may name, in lower case and without a port.
    hosts: frozenset[str]
    #: Other machines can reach this server. Then any IP address is accepted as Host, because DNS
    #: rebinding needs a name.
    exposed: bool
    #: When the server started, in seconds since the epoch.
    started_at: int
    assets: Assets
    languages: Languages
    users: Users
    auth: Authenticator
    chat: ChatService
    waiting: WaitingQuestions
    conversations: ConversationService
    completions: CompletionService
    presets: Presets
    defaults: UserDefaults
    response_items: RememberedItems
    readiness: Readiness
    usage: UsageService
    metrics: Metrics
    streams: set[OpenResponse]
    send_batch: SendBatch
    held_bodies: HeldBodies
    #: Gives a connection back to the HTTP server, for the next request on it.
    keep_alive: Callable[[IOStream, tuple[Any, ...]], None]
