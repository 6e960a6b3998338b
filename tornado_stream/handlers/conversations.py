"""Conversations: the list, one conversation, its changes, its export as a file, and that of all."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import Any, cast

from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError

from tornado_stream.chat import export
from tornado_stream.generations.event_log import Sink
from tornado_stream.handlers.base import BaseHandler
from tornado_stream.handlers.streams import ReadingHandler, optional_text, parse_options
from tornado_stream.net.streamed_body import StreamedBody
from tornado_stream.store.base import CHANGEABLE, Match, StoreError
from tornado_stream.values.errors import InvalidRequest, Unavailable
from tornado_stream.values.events import frame_data, frame_name, split_frames
from tornado_stream.values.messages import branch

logger = logging.getLogger(__name__)

#: Bytes of an export that are given to the socket at once.
PIECE = 256 * 1024


class ConversationsHandler(BaseHandler):
    """The list, and creating one. Tornado's ETag makes the response 304 if nothing has changed.

    A search ends when its client leaves."""

    audited = {"DELETE": "conversations_delete"}
    _left: asyncio.Future[None] | None = None

    async def get(self) -> None:
        limit = self.get_argument("limit", "50")
        if not (limit.isascii() and limit.isdigit()) or len(limit) > 9:
            raise InvalidRequest("limit must be a number.")
        query = self.get_argument("q", "", strip=False).strip()
        before = self.get_argument("before", None)
        left = self._left = asyncio.get_running_loop().create_future()
        try:
            page = await self.conversations.search(self.owner, query, int(limit), before, left)
        except Unavailable:
            if left.done():
                return  # nobody gets a response
            raise
        self.set_header("Cache-Control", "no-cache")
        self.write_json({"conversations": [_match(m) for m in page.matches], "next": page.next})

    def on_connection_close(self) -> None:
        if self._left and not self._left.done():
            self._left.set_result(None)

    async def post(self) -> None:
        body = self.read_json()
        changes = read_changes(body)
        preset, presets = optional_text(body, "preset"), self.application.presets
        conversation = await self.conversations.create(
            self.owner,
            changes.get("title"),
            changes.get("system"),
            model=optional_text(body, "model"),
            options=parse_options(body),
            preset=await presets.get(self.owner, preset) if preset else None,
        )
        self.set_status(201)
        self.write_json(export.conversation_json(conversation))

    async def delete(self) -> None:
        if self.read_json().get("all") is not True:
            raise InvalidRequest('This deletes every conversation: the body must be {"all": true}.')
        deleted = await self.conversations.delete_all(self.owner)
        self.write_json({"deleted": deleted})


class ConversationHandler(BaseHandler):
    """One conversation with all its branches."""

    audited = {"DELETE": "conversation_delete"}

    async def get(self, id: str) -> None:
        conversation, messages, last = await self.conversations.read(self.owner, id.lower())
        data = export.conversation_json(conversation)
        data["messages"] = [export.message_json(message, last) for message in messages]
        self.write_json(data)

    async def patch(self, id: str) -> None:
        changes = read_changes(self.read_json())
        conversation = await self.conversations.change(self.owner, id.lower(), changes)
        self.write_json(export.conversation_json(conversation))

    async def delete(self, id: str) -> None:
        await self.conversations.delete(self.owner, id.lower())
        self.set_status(204)


class ExportHandler(ReadingHandler):
    """A conversation as a file. Plain text of a running answer is sent until the answer ends."""

    audited = {"GET": "conversation_export"}

    async def get(self, id: str, form: str) -> None:
        conversation, messages, last = await self.conversations.read(self.owner, id.lower())
        if form == "json":
            self._name("json", "application/json")
            self.write(export.to_json(conversation, messages))
            return
        thread = branch(messages, conversation.current_id)
        if form == "md":
            self._name("md", "text/markdown")
            self.write(export.to_markdown(conversation, thread))
            return
        self._name("txt", "text/plain")
        text = export.to_text(conversation, thread).encode()
        if thread and thread[-1].state == "running" and thread[-1].generation_id:
            generation = await self.chat.generation(self.owner, thread[-1].generation_id)
            await self.follow(generation, last or 0, text)
        else:
            self.write(text)

    def sink(self, body: StreamedBody) -> Sink:
        """A sink that writes the text of the events."""

        def write(frames: bytes) -> bool:
            parts = []
            for frame in split_frames(frames):
                if frame_name(frame) == "delta":
                    data = frame_data(frame)
                    parts.append(data.get("content") or data.get("refusal") or "")
            text = "".join(parts).encode()
            return body.write(text) if text else True

        return write

    def _name(self, ending: str, content_type: str) -> None:
        self.set_header("Content-Type", f"{content_type}; charset=utf-8")
        # The name has no title in it: a header must not hold text that a user wrote.
        self.set_header("Content-Disposition", f'inline; filename="conversation.{ending}"')


class ExportAllHandler(BaseHandler):
    """All conversations of the user as a zip archive."""

    audited = {"GET": "conversations_export"}

    async def get(self) -> None:
        self.set_header("Content-Type", "application/zip")
        self.set_header("Content-Disposition", 'attachment; filename="conversations.zip"')
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Accel-Buffering", "no")
        if self.request.method == "HEAD":
            return
        try:
            async with aclosing(self.conversations.export_all(self.owner)) as pieces:
                async for piece in pieces:
                    for first in range(0, len(piece), PIECE):
                        self.write(piece[first : first + PIECE])
                        await self.flush()
        except StreamClosedError:
            pass  # the client has left
        except StoreError as error:
            if not self._headers_written:
                raise
            logger.warning("an export was cut off: %s", error.message)
            cast(HTTP1Connection, self.request.connection).stream.close()


def read_changes(body: dict[str, Any]) -> dict[str, Any]:
    """The changes that a body asks for, checked. Raises `InvalidRequest`."""
    changes = {name: body[name] for name in CHANGEABLE if name in body}
    for name, value in changes.items():
        if not (isinstance(value, str) or (value is None and name != "title")):
            raise InvalidRequest(f"{name} must be text.")
    return changes


def _match(match: Match) -> dict[str, Any]:
    conversation = match.conversation
    data: dict[str, Any] = {
        "id": conversation.id,
        "title": conversation.title,
        "created_at": conversation.created_at,
        "updated_at": conversation.updated_at,
        "generation_id": match.generation_id,
    }
    if match.snippet is not None:
        data |= {"message_id": match.message_id, "snippet": match.snippet}
    return data
