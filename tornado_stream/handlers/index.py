"""The HTML page of the chat: what it shows without JavaScript, and the form with which it asks.

The rule: the form has the id of its request, which the server made for this page alone. So the same
form that is sent twice makes one answer, and a reload shows what is there.
"""

from __future__ import annotations

import re
from contextlib import aclosing
from dataclasses import dataclass, field, replace

import orjson
from tornado.web import HTTPError

from tornado_stream import __version__
from tornado_stream.chat.ids import new_id
from tornado_stream.chat.requests import SendRequest
from tornado_stream.handlers import identity
from tornado_stream.handlers.base import BaseHandler
from tornado_stream.handlers.security_headers import SECURITY_HEADERS
from tornado_stream.handlers.temporary import UUID
from tornado_stream.own_command import short_command
from tornado_stream.page.choices import COOKIE, read_choices, to_cookie
from tornado_stream.store.pages import Match
from tornado_stream.values.content import lines_of_parts, said
from tornado_stream.values.errors import ChatError, InvalidRequest
from tornado_stream.values.messages import Message

#: The page may frame this server's documents. All of them but the preview refuse to be framed.
POLICY = f"{SECURITY_HEADERS['Content-Security-Policy']}; frame-src 'self'"
#: How many of the newest messages and conversations are shown, and characters of each message. The
#: file of the conversation has all.
MESSAGES, CONVERSATIONS, CHARACTERS = 20, 50, 20_000
#: The cookie that the scripts set.
HAS_SCRIPTS = "ts_scripts"
#: Seconds for which a browser keeps the cookie of its choices.
LIFETIME = 365 * 24 * 3600
#: Fields of the form, with room for others.
MOST_FIELDS = 10
#: Characters of a question and of a model's name that an address can have.
MOST_ASKED, MOST_MODEL = 8_000, 200


@dataclass(frozen=True, slots=True)
class Plain:
    """What the page shows without JavaScript. `text` and `error` are those of a question that was
    refused."""

    request_id: str
    conversation_id: str = ""
    is_read: bool = True  # else only what scripts need
    messages: list[Message] = field(default_factory=list)
    conversations: list[Match] = field(default_factory=list)
    next: str | None = None
    text: str = ""
    error: ChatError | None = None
    model: str = ""  # that the question of the address is for

    @property
    def running(self) -> bool:
        return any(message.state == "running" for message in self.messages)


class PageHandler(BaseHandler):
    """Renders the page of the chat."""

    page = True

    def compute_etag(self) -> None:
        """Each page has another id for its form."""

    async def show(self, plain: Plain) -> None:
        """Respond with the page, as it is now without JavaScript."""
        login_required = self.application.users.required
        if login_required and await self.application.auth.extend(self.session_token):
            self.set_session(self.session_token)
        owner = self.owner if login_required else ""
        names = {
            "version": __version__,
            "command": short_command(),
            "modules": self.application.assets.modules("js/app.js"),
            "owner": owner,
            "user": self.application.users.name_of(owner),
            "leaves": login_required and self._can_log_out(),
            "tags": self.application.languages.tags,
            "plain": plain,
            "sharing": self.application.config.sharing,
            "defaults": await self._defaults() if owner else "",
            "tools": " ".join(self.application.tools.toolbox.names(self.owner)),
        }
        self._keep_choices()
        self.set_header("Content-Security-Policy", POLICY)
        self.render("index.html", **names)

    async def _defaults(self) -> str:
        """The user's defaults as JSON; empty where there are none, or they cannot be read now."""
        try:
            defaults = await self.application.defaults.get(self.owner)
        except ChatError:
            return ""
        return orjson.dumps(defaults.to_json()).decode() if defaults.version else ""

    def _keep_choices(self) -> None:
        """Set the cookie of the choices again: some browsers soon forget those of scripts."""
        choices = read_choices(self.get_cookie(COOKIE) or "", self.application.languages.all)
        if choices:
            path = self.application.config.base_path + "/"
            self.set_cookie(COOKIE, to_cookie(choices), path=path, max_age=LIFETIME, samesite="Lax")

    def _can_log_out(self) -> bool:
        """False where the next request would be logged in by the proxy again."""
        by_proxy = identity.proxy_user(self.application, self.request)
        return not by_proxy or self.application.config.logout_url is not None


class IndexHandler(PageHandler):
    """The page of the chat. Its scripts load everything from the API; without them it shows the
    conversation and the list itself. A browser whose scripts have run before gets neither, and the
    page leads it to `?plain` if they do not run any more."""

    async def get(self, conversation_id: str = "") -> None:
        id = conversation_id.lower()
        if self.get_cookie(HAS_SCRIPTS) and self.get_argument("plain", None) is None:
            plain = Plain(new_id(), id, is_read=False)
        else:
            plain = await read_plain(self, id)
        text = "" if id else self.get_argument("q", "", strip=False)[:MOST_ASKED]
        model = "" if id else self.get_argument("model", "")[:MOST_MODEL]
        await self.show(replace(plain, text=text, model=model))


class AskHandler(PageHandler):
    """Asks the question of the form, and leads to its conversation."""

    form = True

    async def get(self, conversation_id: str = "") -> None:
        self.redirect(f"{self.application.config.base_path}/", status=303)

    async def post(self) -> None:
        self._check_origin()
        body, self.request.body = self.request.body, b""
        fields = read_form(self._content_type, body)
        conversation_id = fields.get("conversation_id", "")
        text = fields.get("question", "").replace("\r\n", "\n")
        request_id = fields.get("request_id", "").lower()
        if not UUID.fullmatch(request_id):
            raise InvalidRequest("The form has no request_id.")
        if not text.strip():
            self.redirect(self._address(conversation_id), status=303)
            return
        request = SendRequest(
            *(request_id, text, conversation_id or None),
            model=fields.get("model") or None,
            owner=self.owner,
        )
        try:
            generation = await self.chat.send(request)
        except ChatError as error:
            self.set_status(error.status)
            plain = await read_plain(self, conversation_id)
            # The same id again: the refused request may have been stored after all.
            same = plain if error.code == "request_id_reused" else None
            kept = same or replace(plain, request_id=request_id)
            model = fields.get("model", "")
            await self.show(replace(kept, text=text, error=error, model=model))
            return
        self.generation_id = generation.id
        self.redirect(self._address(generation.message.conversation_id), status=303)

    def _address(self, conversation_id: str) -> str:
        base = self.application.config.base_path
        return f"{base}/c/{conversation_id}" if UUID.fullmatch(conversation_id) else f"{base}/"

    def _check_origin(self) -> None:
        """Raise `HTTPError` 403 unless the browser says that the form is this site's."""
        site = self.request.headers.get("Sec-Fetch-Site")
        origin = self.request.headers.get("Origin", "")
        from_here = site == "same-origin" if site else self._origin_matches_host(origin)
        if not from_here:
            raise HTTPError(403)


async def read_plain(handler: BaseHandler, conversation_id: str) -> Plain:
    """What there is to show. What cannot be read is left out: the scripts say what is wrong."""
    plain = Plain(new_id(), conversation_id)
    service, owner = handler.conversations, handler.owner
    try:
        before = handler.get_argument("before", None)
        page = await service.search(owner, "", CONVERSATIONS, before)
        plain = replace(plain, conversations=page.matches, next=page.next)
        if conversation_id:
            _, reading = await service.open(
                owner, conversation_id, current=True, newest=MESSAGES, counted=False
            )
            async with aclosing(reading):
                messages = [_shortened(message) async for message, _ in reading]
            plain = replace(plain, messages=messages)
    except ChatError:
        pass
    return plain


def _shortened(message: Message) -> Message:
    """What is shown of a message, so that the rest of a long one takes no memory."""
    text = "\n".join(filter(None, [said(message), *lines_of_parts(message)]))
    text = text if len(text) <= CHARACTERS else text[:CHARACTERS] + "…"
    return Message(
        *(message.id, message.conversation_id, None, message.role, text, message.created_at),
        state=message.state,
    )


def read_form(content_type: str, body: bytes) -> dict[str, str]:
    """The fields of a form (RFC 7578). Raises `InvalidRequest`."""
    boundary = re.search(r'boundary="?([^";\s]{1,70})', content_type)
    if not boundary:
        raise InvalidRequest("The form has no boundary.")
    fields = {}
    for part in body.split(b"--" + boundary[1].encode("latin-1"), MOST_FIELDS)[1:]:
        head, _, value = part.partition(b"\r\n\r\n")
        name = re.search(rb'name="(\w{1,40})"', head[:1000])
        if name:
            try:
                fields[name[1].decode()] = value.removesuffix(b"\r\n").decode()
            except UnicodeDecodeError:
                raise InvalidRequest("The form is not UTF-8.") from None
    return fields
