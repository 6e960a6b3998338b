"""What everybody sees who has a shared link: the page, its other forms, its answers and its files.

The rule: a request is served for its link alone. Who sends it does not matter, so neither a login
nor a cookie is looked at. Whatever the link does not show is as if there were nothing.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import orjson

from tornado_stream import __version__
from tornado_stream.chat.export import FORMS, Form, MarkdownForm
from tornado_stream.chat.shared_events import for_readers
from tornado_stream.chat.shares import NothingShared, Shares
from tornado_stream.generations.event_log import Sink
from tornado_stream.handlers.base import BaseHandler
from tornado_stream.handlers.exports import CONTENT_TYPES, export_pieces
from tornado_stream.handlers.files import send_file
from tornado_stream.handlers.index import POLICY
from tornado_stream.handlers.pieces import PiecesHandler
from tornado_stream.handlers.streams import EventStreamHandler, read_after
from tornado_stream.net.streamed_body import StreamedBody
from tornado_stream.values.messages import Conversation, Message
from tornado_stream.values.shares import Share

#: Characters of all messages that the page shows without JavaScript; the other forms have all.
CHARACTERS = 1_000_000
HEADERS = {"X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer"}


class SharedHandler(BaseHandler):
    """A request with a link. `share` is what the link shows."""

    open_to_all = True
    owner = ""
    share: Share

    @property
    def shares(self) -> Shares:
        """The routes are there only where links can be shared."""
        assert self.application.shares
        return self.application.shares

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self._set_headers(HEADERS)

    def get_template_namespace(self) -> dict[str, Any]:
        accepted = self.request.headers.get("Accept-Language", "")
        language = self.application.languages.pick(accepted)
        names = {"language": language, "t": language.t, "look": {}}
        return super().get_template_namespace() | names

    async def prepare(self) -> None:
        await super().prepare()
        if self.request.method in ("GET", "HEAD"):
            self.share = await self.shares.open(self.token, self.client_address)

    @property
    def token(self) -> str:
        return self.path_args[0]

    @property
    def address(self) -> str:
        """The path of the link."""
        return f"{self.application.config.base_path}/s/{self.token}"


@dataclass(slots=True)
class SharedPage:
    """What the page shows. `has_more`: the messages are the first of more."""

    title: str
    is_live: bool
    messages: list[Message] = field(default_factory=list)
    has_more: bool = False

    @property
    def running(self) -> bool:
        return any(message.state == "running" for message in self.messages)


class SharedPageHandler(SharedHandler):
    """The page, which can be read without JavaScript."""

    page = True

    async def get(self, token: str) -> None:
        conversation, messages = await self.shares.read(self.share)
        page = SharedPage(conversation.title, self.share.live)
        left = CHARACTERS
        async with aclosing(messages):
            async for message, _ in messages:
                left -= len(message.content) + len(message.reasoning) + len(message.refusal)
                if left < 0:
                    page.has_more = True
                    break
                page.messages.append(message)
        modules = self.application.assets.modules("js/shared.js")
        self.set_header("Content-Security-Policy", POLICY)
        self.render("shared.html", shared=page, address=self.address, modules=modules)


class SharedForm(Form):
    """The JSON of a shared link."""

    def __init__(self, share: Share) -> None:
        self._share = share

    def head(self, conversation: Conversation) -> bytes:
        share = self._share
        data = {"title": conversation.title, "live": share.live, "expires_at": share.expires_at}
        return orjson.dumps(data)[:-1] + b',"messages":['

    def message(self, message: Message, number: int, last_event_id: int | None = None) -> bytes:
        data = {name: getattr(message, name) for name in SHOWN}
        if message.state == "running":
            data["last_event_id"] = last_event_id
        return b"," * (number > 1) + orjson.dumps(data)

    def tail(self, count: int) -> bytes:
        return b"]}"


#: The members of a message in that JSON. `shown_message` decides what they hold.
SHOWN = (
    *("id", "role", "content", "created_at", "reasoning", "refusal", "tool_calls", "model"),
    *("state", "finish_reason", "error", "generation_id", "sources", "files"),
)


class SharedExportHandler(PiecesHandler, SharedHandler):
    """The same as JSON, Markdown or plain text."""

    _tag: str | None = None

    def compute_etag(self) -> str | None:
        return self._tag or super().compute_etag()

    async def get(self, token: str, form: str) -> None:
        if version := await self.shares.version(self.share):
            self._tag = f'"{__version__}.{version}"'
            self.set_header("ETag", self._tag)
            if self.check_etag_header():  # a page that follows asks again and again
                self.set_status(304)
                return
        conversation, messages = await self.shares.read(self.share)
        self.set_header("Content-Type", f"{CONTENT_TYPES[form]}; charset=utf-8")
        self.set_header("Cache-Control", "no-cache")
        pieces = export_pieces(self._form(form), conversation, messages)
        self.write(await self.send_pieces(pieces))

    def _form(self, name: str) -> Form:
        if name == "json":
            return SharedForm(self.share)
        if name == "md":
            return MarkdownForm(lambda file: f"{self.token}/files/{file['id']}")
        return FORMS[name]


class SharedStreamHandler(EventStreamHandler, SharedHandler):
    """Reads or resumes an answer. The connection is closed when the link is taken back."""

    async def get(self, token: str, id: str) -> None:
        generation = await self.find_here(partial(self.shares.answer, self.share, id.lower()))
        if generation is None:
            return
        after = read_after(self)
        if generation.ended and after >= generation.last_number:
            self.set_status(204)
            return
        left = self.shares.readers.enter(self.share, self._connection.stream.close)
        try:
            live = self.get_argument("live", "1") != "0"
            await self.stream(generation, after, live=live)
        finally:
            self.after_response(left)

    def sink(self, body: StreamedBody) -> Sink:
        """A sink that writes what readers may have of the events."""

        def write(frames: bytes) -> bool:
            shown = for_readers(frames, with_files=self.share.with_files)
            return body.write(shown) if shown else True

        return write


class SharedFileHandler(PiecesHandler, SharedHandler):
    """The bytes of a file of the branch."""

    async def get(self, token: str, id: str) -> None:
        file = await self.shares.file(self.share, id.lower())
        # A browser asks again each time, because the link may have been taken back.
        await send_file(self, file, self.shares.file_pieces(file), cache="no-cache")


class SharedNotFoundHandler(SharedHandler):
    """Every other address below `/s`."""

    async def prepare(self) -> None:
        await BaseHandler.prepare(self)

    def get(self) -> None:
        raise NothingShared
