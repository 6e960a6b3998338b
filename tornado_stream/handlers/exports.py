"""Conversations as files: one of them in several forms, one with its files, all of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from time import time

from tornado_stream.chat.conversations import Messages
from tornado_stream.chat.export import FORMS, Form
from tornado_stream.generations.event_log import Sink
from tornado_stream.handlers.pieces import PiecesHandler
from tornado_stream.handlers.streams import ReadingHandler
from tornado_stream.net.streamed_body import StreamedBody
from tornado_stream.values.events import frame_data, frame_name, split_frames
from tornado_stream.values.file_names import content_disposition, file_name
from tornado_stream.values.messages import Conversation, Message

CONTENT_TYPES = {"json": "application/json", "md": "text/markdown", "txt": "text/plain"}


class ExportHandler(PiecesHandler, ReadingHandler):
    """A conversation as a file. Plain text of a running answer is sent until the answer ends."""

    audited = {"GET": "conversation_export"}

    async def get(self, id: str, form: str) -> None:
        conversation, messages = await self.conversations.open(
            self.owner, id.lower(), current=form != "json"
        )
        self._name(conversation, form)
        running: list[tuple[Message, int | None]] = []
        rest = await self.send_pieces(export_pieces(FORMS[form], conversation, messages, running))
        message, number = running[-1] if running else (None, None)
        if form == "txt" and message and message.generation_id:
            generation = await self.chat.generation(self.owner, message.generation_id)
            await self.follow(generation, number or 0, rest)
        else:
            self.write(rest)

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

    def _name(self, conversation: Conversation, ending: str) -> None:
        self.set_header("Content-Type", f"{CONTENT_TYPES[ending]}; charset=utf-8")
        name = file_name(conversation.title, ending, at=conversation.created_at)
        self.set_header("Content-Disposition", content_disposition(name, "inline"))


class ExportAllHandler(PiecesHandler):
    """All conversations of the user as a zip archive."""

    audited = {"GET": "conversations_export"}

    async def get(self) -> None:
        self.set_header("Content-Type", "application/zip")
        name = file_name("", "zip", at=int(1000 * time()), default="conversations")
        self.set_header("Content-Disposition", content_disposition(name))
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Accel-Buffering", "no")
        if self.request.method == "HEAD":
            return
        self.write(await self.send_pieces(self.conversations.export_all(self.owner)))


class ExportWithFilesHandler(PiecesHandler):
    """A conversation with its files as a zip archive."""

    audited = {"GET": "conversation_export"}

    async def get(self, id: str) -> None:
        conversation, pieces = await self.conversations.export_one(self.owner, id.lower())
        self.set_header("Content-Type", "application/zip")
        name = file_name(conversation.title, "zip", at=conversation.created_at)
        self.set_header("Content-Disposition", content_disposition(name))
        self.set_header("X-Accel-Buffering", "no")
        if self.request.method != "HEAD":
            self.write(await self.send_pieces(pieces))


async def export_pieces(
    form: Form,
    conversation: Conversation,
    messages: Messages,
    running: list[tuple[Message, int | None]] | None = None,
) -> AsyncGenerator[bytes, None]:
    """The pieces of an export. A running answer, as it was read, is put into `running`."""
    async with aclosing(messages):
        yield form.head(conversation)
        number = 0
        async for message, event in messages:
            number += 1
            piece = form.message(message, number, event)
            if running is not None and message.state == "running":
                running.append((message, event))
            del message
            yield piece
            del piece
        yield form.tail(number)
