"""The composition root: the only module that builds the services and connects them."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from tornado.httputil import HTTPServerRequest
from tornado.ioloop import PeriodicCallback
from tornado.iostream import IOStream

from tornado_stream.auth.authenticator import Authenticator
from tornado_stream.auth.last_uses import EXACTNESS, LastUses
from tornado_stream.auth.sessions import Sessions
from tornado_stream.auth.user_config import read_user_config
from tornado_stream.auth.users import FILE, Users
from tornado_stream.chat.completions import CompletionService
from tornado_stream.chat.conversations import ConversationService
from tornado_stream.chat.defaults import UserDefaults
from tornado_stream.chat.orders import Orders
from tornado_stream.chat.presets import Presets
from tornado_stream.chat.readiness import Readiness
from tornado_stream.chat.remembered_items import RememberedItems
from tornado_stream.chat.service import ChatService
from tornado_stream.chat.usage import UsageService
from tornado_stream.chat.waiting_questions import WaitingQuestions
from tornado_stream.config_file import ConfigFile, Reread
from tornado_stream.generations.budgets import Budgets
from tornado_stream.generations.registry import Generations
from tornado_stream.handlers import NotFoundHandler, plain_path, routes
from tornado_stream.handlers.access_log import log_request
from tornado_stream.handlers.audited import record_request
from tornado_stream.handlers.base import LOCAL_HOSTS, BaseHandler
from tornado_stream.handlers.request_body import BodyCounter, bounded
from tornado_stream.handlers.services import Services
from tornado_stream.net import descriptors
from tornado_stream.net.streamed_body import SendBatch
from tornado_stream.observe.metrics import Metrics
from tornado_stream.page import STATIC, TEMPLATES
from tornado_stream.page.assets import Assets
from tornado_stream.page.languages import Languages
from tornado_stream.providers import build_provider
from tornado_stream.settings import SettingError, Settings
from tornado_stream.store import open_store
from tornado_stream.store.base import Extent

if TYPE_CHECKING:
    from tornado_stream.auth.audit import AuditLog

logger = logging.getLogger(__name__)


class ChatApplication(Services):
    """The application and its services.

    `exposed` says that other machines can reach it. Raises `SettingError` where it is exposed
    without a login, and `OpenError` where the data directory or its users cannot be used.
    """

    def __init__(self, settings: Settings, *, exposed: bool = False) -> None:
        super().__init__(
            routes(settings.base_path),
            default_handler_class=NotFoundHandler,
            template_path=str(TEMPLATES),
            cross_origin_protection=True,
            log_function=self._request_ended,
        )
        self.config = settings
        self.hosts = LOCAL_HOSTS | {_as_host(settings.host)} | set(settings.allowed_hosts)
        self.assets = Assets(STATIC, settings.base_path)
        self.languages = Languages(STATIC / "lang")
        self.streams = set()
        self.send_batch = SendBatch()
        self.keep_alive = _close
        self._audit = _open_audit_log(settings)
        self.held_bodies = BodyCounter(settings.max_bodies)
        self.exposed = exposed
        self.started_at = int(time.time())
        _check_user_header(settings)
        by_proxy = settings.user_header is not None
        self.users = Users(
            settings.data_dir / FILE, settings.password, settings.token, by_proxy=by_proxy
        )
        if exposed and not self.users.anyone:
            _check_open_access(settings)
        self.metrics = Metrics()
        self.store = open_store(
            settings.data_dir,
            synchronous=settings.synchronous,
            largest=Extent(settings.max_stored_conversation, settings.max_messages),
        )
        self.store.on_commit = self.metrics.commits.observe
        sessions = Sessions(self.store)
        self._last_uses = LastUses(self.store)
        self.auth = Authenticator(self.users, sessions, self._last_uses)
        config_file = ConfigFile(settings)
        answered = self.metrics.upstream_answered
        self.provider = build_provider(settings, answered, file=config_file)
        self.presets = Presets(config_file, self.store)
        self.defaults = UserDefaults(self.store)
        people = Reread(config_file, read_user_config, "budgets and admins")
        self.generations = Generations(
            self.store,
            self.metrics,
            max_answers=descriptors.shares(settings)[1],
            max_answers_per_user=settings.max_answers_per_user,
            expected=self.provider.expected,
            budgets=Budgets(self.store, people, self.users.name_of) if config_file.path else None,
        )
        self.chat = ChatService(
            self.generations,
            self.store,
            self.provider,
            max_message=settings.max_message,
            max_conversation=settings.max_conversation,
            preset=self.presets.get,
        )
        self.waiting = WaitingQuestions(self.store, self.generations, self.chat, self.users.is_user)
        self.conversations = ConversationService(self.store, self.generations)
        self.orders = Orders(settings.data_dir / FILE, sessions, self.conversations)
        self._save_due = 0.0
        self._tick = PeriodicCallback(self._each_second, 1000)
        self.completions = CompletionService(
            self.generations, self.provider, self.presets.for_program
        )
        self.response_items = RememberedItems()
        self.usage = UsageService(self.store, people, self.users.name_of)
        self.readiness = Readiness(self.generations, self.store, self.provider)
        self._show_gauges()

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        """Tornado calls this when the head of a request has come."""
        request.path = plain_path(request.path, self.config.base_path)
        return bounded(self, request, super().find_handler(request, **kwargs))

    async def open(self) -> None:
        """Open the services, and end the answers that a crash left running. Await it before the
        first request."""
        await self.provider.open()
        await self.auth.open()
        self.users.on_change = self._start_tick
        if self.users.anyone or self.users.orders:
            self._start_tick()
        if interrupted := await self.generations.recover():
            logger.info("%d answers were interrupted when the server stopped", interrupted)

    async def close(self, grace: float) -> None:
        """Close the services; the provider's child process has `grace` seconds to exit."""
        self._tick.stop()
        self.users.on_change = lambda: None
        self.metrics.close()
        if self._audit:
            self._audit.close()
        self.auth.close()
        await self.provider.close(grace)
        await self._last_uses.save()
        await self.store.close()

    def _start_tick(self) -> None:
        if not self._tick.is_running():
            self._tick.start()

    async def _each_second(self) -> None:
        """Carry out what commands ask for, and save the times of last uses. Runs where there are
        users."""
        if orders := self.users.orders:
            await self.orders.carry_out(orders)
            self.users.check_now()
        if time.monotonic() >= self._save_due:
            self._save_due = time.monotonic() + EXACTNESS
            await self._last_uses.save()

    def _request_ended(self, handler: BaseHandler) -> None:
        log_request(handler)
        if self._audit:
            record_request(handler, self._audit)
        self.metrics.request_ended(handler.request.path, handler.get_status())

    def _show_gauges(self) -> None:
        gauge, generations = self.metrics.gauge, self.generations
        gauge("live_answers", "Answers that are being written.", lambda: len(generations))
        gauge("readers", "Responses that follow an answer.", lambda: len(self.streams))
        gauge(
            "unsaved_events",
            "Events of answers that the database does not have yet.",
            lambda: generations.unsaved_frames,
        )
        health = self.store.health
        gauge(
            "database_read_only",
            "1 while the disk of the database cannot be written.",
            lambda: health().read_only,
        )
        gauge(
            "database_replaced",
            "1 while the file of the database is not the one that was opened.",
            lambda: health().replaced,
        )
        gauge(
            "database_damaged",
            "1 if the last check of the database found damage.",
            lambda: health().damaged,
        )
        gauge(
            "database_checked_timestamp_seconds",
            "When the last whole check of the database ended.",
            lambda: health().checked_at,
        )
        gauge(
            "database_unsecured_seconds",
            "For how long commits have been in the write-ahead log alone.",
            lambda: health().unsecured,
        )
        gauge(
            "database_reserve",
            "1 while space on the disk is kept for deletions.",
            lambda: health().reserve_held,
        )


def _open_audit_log(settings: Settings) -> AuditLog | None:
    if settings.audit_log is None:
        return None
    from tornado_stream.auth.audit import AuditLog  # the others do not need its modules

    return AuditLog(settings.audit_log)


def _close(stream: IOStream, address: tuple[Any, ...]) -> None:
    stream.close()


def _check_user_header(settings: Settings) -> None:
    """The header must come from proxies alone: else anybody could name any user."""
    header, proxies = settings.user_header, settings.trusted_proxies
    if header is None:
        if settings.proxy_users != "known" or settings.logout_url:
            raise SettingError(
                "--proxy-users and --logout-url belong to the login by a proxy; name its header "
                "with --user-header"
            )
    elif not proxies or any(network.prefixlen == 0 for network in proxies):
        raise SettingError(
            f"--user-header {header} needs --trusted-proxies with the addresses of your reverse "
            "proxy alone, for example 127.0.0.1; otherwise every client could name any user"
        )


def _check_open_access(settings: Settings) -> None:
    if not settings.allow_anyone:
        raise SettingError(
            f"other machines could reach {settings.host} without a login; set a password "
            "(TORNADO_STREAM_PASSWORD, or --set-password NAME), or allow this with --allow-anyone"
        )
    logger.warning(
        "anyone who reaches %s can read every conversation and use the model", settings.host
    )


def _as_host(address: str) -> str:
    """An address in the form of a Host header."""
    return f"[{address}]" if ":" in address else address.lower()
