"""The services that handlers may use, as typed attributes of the application.

The rule: handlers know the application only as this class. `app.ChatApplication` fills it in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary

from tornado.httputil import HTTPServerRequest
from tornado.iostream import IOStream
from tornado.web import Application

from tornado_stream.auth.authenticator import Authenticator
from tornado_stream.auth.users import Users
from tornado_stream.chat.completions import CompletionService
from tornado_stream.chat.conversations import ConversationService
from tornado_stream.chat.defaults import UserDefaults
from tornado_stream.chat.imports.service import Imports
from tornado_stream.chat.presets import Presets
from tornado_stream.chat.readiness import Readiness
from tornado_stream.chat.remembered_items import RememberedItems
from tornado_stream.chat.service import ChatService
from tornado_stream.chat.tool_answers import ToolAnswers
from tornado_stream.chat.usage import UsageService
from tornado_stream.chat.waiting_questions import WaitingQuestions
from tornado_stream.files.service import Files
from tornado_stream.handlers.request_record import RequestRecord
from tornado_stream.net.streamed_body import SendBatch
from tornado_stream.observe.metrics import Metrics
from tornado_stream.page.assets import Assets
from tornado_stream.page.languages import Languages
from tornado_stream.settings import Settings
from tornado_stream.values.errors import ChatError

if TYPE_CHECKING:
    from tornado_stream.chat.shares import Shares


class HeldBodies(Protocol):
    """See `request_body.BodyCounter`."""

    refused: WeakKeyDictionary[HTTPServerRequest, ChatError]

    def take(self, size: int, kept: list[int]) -> bool: ...

    def release(self, kept: list[int]) -> None: ...


class OpenResponse(Protocol):
    """A response that is still being streamed."""

    def abandon(self) -> None:
        """Close its connection at once."""


#: Passes the connection of a request that has no response yet to the process that is to serve it:
#: the connection, the client's address, and the head of the request.
PassOn = Callable[[IOStream, tuple[Any, ...], bytes], None]


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
    files: Files
    presets: Presets
    imports: Imports
    defaults: UserDefaults
    #: None without `--sharing`: then nothing of it is imported.
    shares: Shares | None
    response_items: RememberedItems
    readiness: Readiness
    tools: ToolAnswers
    usage: UsageService
    metrics: Metrics
    #: The texts of the metrics of the other processes.
    other_metrics: Callable[[], Awaitable[list[str]]]
    streams: set[OpenResponse]
    send_batch: SendBatch
    held_bodies: HeldBodies
    #: Gives a connection back to the HTTP server, for the next request on it.
    keep_alive: Callable[[IOStream, tuple[Any, ...]], None]
    #: The instance of the process that checks passwords, so that tries are counted in one place; ""
    #: if it is this one.
    checks_passwords: Callable[[], str]
    #: The way to another process, by the name of its instance; None if it cannot be reached.
    way_to: Callable[[str], PassOn | None]

    def request_ended(self, request: RequestRecord) -> None:
        """Write a request that has ended into the logs, and count it."""
        raise NotImplementedError
