"""The composition root: the only module that builds the services and connects them."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from tornado.httputil import HTTPServerRequest
from tornado.ioloop import PeriodicCallback
from tornado.iostream import IOStream

from tornado_stream.auth.access import check_open_access, check_user_header
from tornado_stream.auth.authenticator import Authenticator
from tornado_stream.auth.last_uses import EXACTNESS, LastUses
from tornado_stream.auth.sessions import Sessions
from tornado_stream.auth.shared_tries import SharedTries
from tornado_stream.auth.shared_users import follow_others, share_users_file
from tornado_stream.auth.user_config import read_user_config
from tornado_stream.auth.users import FILE, Users
from tornado_stream.chat.completions import CompletionService
from tornado_stream.chat.conversations import ConversationService
from tornado_stream.chat.defaults import UserDefaults
from tornado_stream.chat.imports.service import Imports
from tornado_stream.chat.orders import Orders
from tornado_stream.chat.presets import Presets
from tornado_stream.chat.readiness import Readiness
from tornado_stream.chat.remembered_items import RememberedItems
from tornado_stream.chat.service import ChatService
from tornado_stream.chat.tool_answers import ToolAnswers
from tornado_stream.chat.usage import UsageService
from tornado_stream.chat.waiting_questions import WaitingQuestions
from tornado_stream.config_file import ConfigFile, Reread
from tornado_stream.files.service import Files
from tornado_stream.generations.budgets import Budgets
from tornado_stream.generations.places import Places
from tornado_stream.generations.registry import Generations
from tornado_stream.handlers import NotFoundHandler, plain_path, routes
from tornado_stream.handlers.access_log import log_request
from tornado_stream.handlers.audited import record_request
from tornado_stream.handlers.base import LOCAL_HOSTS
from tornado_stream.handlers.gauges import show_gauges
from tornado_stream.handlers.request_body import BodyCounter, bounded
from tornado_stream.handlers.request_record import RequestRecord
from tornado_stream.handlers.services import Services
from tornado_stream.net import descriptors
from tornado_stream.net.streamed_body import SendBatch
from tornado_stream.observe.metrics import Metrics
from tornado_stream.page import STATIC, TEMPLATES
from tornado_stream.page.assets import Assets
from tornado_stream.page.languages import Languages
from tornado_stream.providers import build_provider
from tornado_stream.settings import Settings
from tornado_stream.store import open_store
from tornado_stream.store.extent import Extent
from tornado_stream.tools_host.toolbox import Toolbox

if TYPE_CHECKING:
    from tornado_stream.auth.audit import AuditLog
    from tornado_stream.chat.shares import Shares
    from tornado_stream.net.board import Part

logger = logging.getLogger(__name__)


class ChatApplication(Services):
    """The application and its services.

    `exposed` says that other machines can reach it; `lock` is the data directory's, if another
    process has given it; `part` counts what several processes count together. Raises `SettingError`
    where it is exposed without a login, and `OpenError` where the data directory or its users
    cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        exposed: bool = False,
        lock: int | None = None,
        part: Part | None = None,
    ) -> None:
        super().__init__(
            default_handler_class=NotFoundHandler,
            template_path=str(TEMPLATES),
            cross_origin_protection=True,
            log_function=lambda handler: self.request_ended(handler.record()),
        )
        # Not with `add_rules`, which asks each row for its handler.
        self.wildcard_router.rules += routes(settings.base_path, sharing=settings.sharing)
        self.config = settings
        self.part = part
        self.hosts = LOCAL_HOSTS | {_as_host(settings.host)} | set(settings.allowed_hosts)
        self.assets = Assets(STATIC, settings.base_path)
        self.languages = Languages(STATIC / "lang")
        self.streams = set()
        self.send_batch = SendBatch()
        self.keep_alive = _close
        self.way_to = lambda instance: None
        self.checks_passwords = lambda: ""
        self.other_metrics = _none
        self._audit = _open_audit_log(settings)
        self.held_bodies = BodyCounter(settings.max_bodies, part)
        self.exposed = exposed
        self.started_at = int(time.time())
        check_user_header(settings)
        by_proxy = settings.user_header is not None
        self._fetch_users = share_users_file(settings.database, settings.data_dir / FILE)
        self.users = Users(
            settings.data_dir / FILE, settings.password, settings.token, by_proxy=by_proxy
        )
        if exposed and not self.users.anyone:
            check_open_access(settings)
        self.metrics = Metrics()
        self.store = open_store(
            settings.data_dir,
            database=settings.database,
            synchronous=settings.synchronous,
            largest=Extent(settings.max_stored_conversation, settings.max_messages),
            lock=lock,
        )
        self.store.on_commit = self.metrics.commits.observe
        self.files = Files(
            self.store,
            settings.data_dir,
            max_file=settings.max_file,
            max_files=settings.max_files,
            max_user_files=settings.max_user_files,
            max_file_text=settings.max_file_text,
        )
        self.files.on_upload = self.metrics.uploaded
        sessions = Sessions(self.store)
        self._last_uses = LastUses(self.store)
        self.auth = Authenticator(self.users, sessions, self._last_uses, SharedTries(self.store))
        config_file = ConfigFile(settings)
        self.provider = build_provider(settings, self.metrics.upstream_answered, file=config_file)
        self.presets = Presets(config_file, self.store)
        self.defaults = UserDefaults(self.store)
        people = Reread(config_file, read_user_config, "budgets and admins")
        self.generations = Generations(
            self.store,
            self.metrics,
            places=_places(settings, part),
            expected=self.provider.expected,
            budgets=Budgets(self.store, people, self.users.name_of) if config_file.path else None,
            keep_picture=self.files.keep_picture,
        )
        toolbox = Toolbox(config_file, self.users.name_of)
        self.tools = ToolAnswers(toolbox, self.store, self.provider, self.files, settings.max_steps)
        self.chat = ChatService(
            self.generations,
            self.store,
            self.provider,
            max_message=settings.max_message,
            max_conversation=settings.max_conversation,
            max_beside=settings.max_beside,
            preset=self.presets.get,
            files=self.files,
            tools=self.tools,
        )
        self.waiting = WaitingQuestions(self.store, self.generations, self.chat, self.users.is_user)
        self.conversations = ConversationService(self.store, self.generations, files=self.files)
        self.shares = self._open_shares() if settings.sharing else None
        self.imports = Imports(
            self.store,
            self.presets,
            self.files,
            settings.data_dir,
            max_import=settings.max_import,
            is_user=self.users.is_user,
        )
        self.orders = Orders(
            settings.data_dir / FILE, sessions, self.conversations, self.imports.forget
        )
        self._save_due = 0.0
        self._leads = False
        self._tick = PeriodicCallback(self._each_second, 1000)
        self.completions = CompletionService(
            self.generations, self.provider, self.presets.for_program, self.tools.for_program
        )
        self.response_items = RememberedItems()
        self.usage = UsageService(self.store, people, self.users.name_of)
        self.readiness = Readiness(self.generations, self.store, self.provider)
        show_gauges(self.metrics, self.generations, self.streams, self.store.health)

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        """Tornado calls this when the head of a request has come."""
        request.path = plain_path(request.path, self.config.base_path)
        return bounded(self, request, super().find_handler(request, **kwargs))

    async def open(self, *, leads: bool = True) -> None:
        """Open the services, and end the answers that a crash left running. Await it before the
        first request. Where another process leads, this one does not (yet). Raises `OpenError`."""
        await self.store.open()
        follow_others(self.store, self.auth, self._fetch_users)
        await self.provider.open()
        await self.auth.open()
        await self.files.open()
        if interrupted := await self.generations.recover():
            logger.info("%d answers were interrupted when the server stopped", interrupted)
        if leads:
            await self.lead()

    async def close(self, grace: float) -> None:
        """Close the services; the provider's child process has `grace` seconds to exit."""
        self._tick.stop()
        self.generations.neighbours.close()
        self.users.on_change = lambda: None
        self.metrics.close()
        if self._audit:
            self._audit.close()
        self.auth.close()
        self.files.close()
        if self.shares:
            self.shares.readers.close()
        await self.imports.close()
        await self.tools.toolbox.close(grace)
        await self.provider.close(grace)
        await self._last_uses.save()
        await self.store.close()

    async def lead(self) -> None:
        """Do what only one of several processes does, and what each does that accepts requests."""
        self._leads = True
        await self.begin()

    async def begin(self) -> None:
        """Do what each process does that accepts requests. Idempotent."""
        self.users.on_change = self._start_tick
        if self.users.anyone or self.users.orders:
            self._start_tick()
        await self.imports.open()

    async def leave(self, sessions_changed: Callable[[], Awaitable[None]]) -> None:
        """Leave to another process what only one does. It reads the sessions anew when
        `sessions_changed` is awaited."""
        self._leads = False
        self._tick.stop()
        self.users.on_change = lambda: None
        self.auth.tell(sessions_changed)
        self.generations.neighbours.watch()
        await self.imports.leave()

    def _open_shares(self) -> Shares:
        from tornado_stream.chat.shares import Shares  # the others do not need its modules

        services = self.store, self.conversations, self.chat, self.files, self.users.is_user
        return Shares(*services, max_readers=self.config.max_shared_readers)

    def _start_tick(self) -> None:
        if not self._tick.is_running():
            self._tick.start()

    async def _each_second(self) -> None:
        """Carry out what commands ask for, and save the times of last uses. Runs where there are
        users."""
        if self._leads and (orders := self.users.orders):
            await self.orders.carry_out(orders)
            self.users.check_now()
        if time.monotonic() >= self._save_due:
            self._save_due = time.monotonic() + EXACTNESS
            await self._last_uses.save()
            if self.store.tails:  # a message of another server may have been lost
                await self.auth.refresh()

    def request_ended(self, request: RequestRecord) -> None:
        log_request(request)
        if self._audit:
            record_request(request, self._audit)
        self.metrics.request_ended(request.path, request.status)


def _places(settings: Settings, part: Part | None) -> Places:
    limits = descriptors.most_answers(settings), settings.max_answers_per_user
    if part is None:
        return Places(*limits)
    from tornado_stream.generations.shared_places import SharedPlaces  # most have one process

    return SharedPlaces(part, *limits)


def _open_audit_log(settings: Settings) -> AuditLog | None:
    if settings.audit_log is None:
        return None
    from tornado_stream.auth.audit import AuditLog  # the others do not need its modules

    return AuditLog(settings.audit_log)


async def _none() -> list[str]:
    return []


def _close(stream: IOStream, address: tuple[Any, ...]) -> None:
    stream.close()


def _as_host(address: str) -> str:
    """An address in the form of a Host header."""
    return f"[{address}]" if ":" in address else address.lower()
