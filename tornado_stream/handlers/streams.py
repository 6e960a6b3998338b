"""Answers as server-sent events: start one, read or resume one, stop one.

The rule: a handler finds the answer and writes the head; a `Reader` follows the answer without it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar, cast

import orjson
from tornado.http1connection import HTTP1Connection

from tornado_stream.chat.ids import new_id
from tornado_stream.chat.requests import SendRequest
from tornado_stream.generations.event_log import Sink
from tornado_stream.generations.generation import Generation
from tornado_stream.generations.neighbours import Elsewhere
from tornado_stream.generations.relay import Relay
from tornado_stream.handlers.base import BaseHandler
from tornado_stream.handlers.elsewhere import pass_on
from tornado_stream.handlers.reader import Reader
from tornado_stream.handlers.response_head import STREAM_HEADERS, stream_head
from tornado_stream.handlers.temporary import UUID, is_id, temporary_fields
from tornado_stream.handlers.tools import parse_decide, parse_tools
from tornado_stream.net.connection_loop import Peer
from tornado_stream.net.streamed_body import StreamedBody, TornadoBody, chunk
from tornado_stream.values.errors import InvalidRequest

T = TypeVar("T")

#: How often, and after how many seconds, an answer is looked for again whose process cannot be
#: reached: if it is dying, the system has closed its sockets, and frees its lock in a moment.
TRIES, PAUSE = 10, 0.03
#: The first bytes of a stream: a comment, so that proxies pass on the head.
OPENING = b": stream\n\n"


class AnswerHandler(BaseHandler):
    """A request for an answer that another process of this server may be writing."""

    async def find_here(
        self, find: Callable[[], Awaitable[T]], path: str = "", body: Any = None
    ) -> T | None:
        """What `find` returns. Where it raises `Elsewhere`, the request is passed on, see
        `pass_on`, and None is returned. Where the other process cannot be reached, `find` is called
        again for a moment. Raises what it raises, in the end `Elsewhere` too."""
        for _ in range(TRIES):
            try:
                return await find()
            except Elsewhere as elsewhere:
                if pass_on(self, elsewhere.instance, path, body):
                    return None
            await asyncio.sleep(PAUSE)
        return await find()


class ReadingHandler(AnswerHandler):
    """A response that follows an answer until it ends or the client leaves.

    The connection of an HTTP/1.1 request is detached from Tornado before the head is sent, and the
    handler is not needed any more. An HTTP/1.0 response is written by Tornado to its end.
    """

    #: Bytes that are sent in silence; empty where they would become part of the text.
    ping = b""

    _reading: asyncio.Future[None] | None = None

    async def follow(
        self, generation: Generation | Relay, after: int, opening: bytes, *, live: bool = True
    ) -> None:
        """Send `opening`, then every event with a number above `after`, or begin to do so."""
        self.generation_id = generation.id
        connection = self._connection
        stream = connection.stream
        if stream.closed():
            return  # the client left while the store was reading
        for name, value in STREAM_HEADERS.items():
            self.set_header(name, value)
        if self.request.method == "HEAD":
            await self.flush()  # or Tornado adds the length of an empty body
            return
        reader = Reader(self.application, stream, self.ping)
        if self.request.version != "HTTP/1.1":
            reader.begin_with(partial(TornadoBody, self), opening)
            self._reading = reader.follow(generation, after, live=live, sink=self.sink)
            await self._reading
            return
        closing = "close" in self.request.headers.get("Connection", "").lower()
        address = None if closing else cast(Peer, connection.context).address
        # A part of the text may have been sent already, and with it the head.
        head = b"" if self._headers_written else stream_head(self._headers.get_all(), closing)
        record = self.record()
        self.detach()
        self._break_cycles()
        reader.begin(head + chunk(opening), record, address)
        self._reading = reader.follow(generation, after, live=live, sink=self.sink)

    def after_response(self, callback: Callable[[], None]) -> None:
        """Call this when no more events are followed, or now if none were."""
        if self._reading is None:
            callback()
        else:
            self._reading.add_done_callback(lambda _: callback())

    def sink(self, body: StreamedBody) -> Sink:
        """The sink of the response: here it writes the frames unchanged."""
        return body.write

    @property
    def _connection(self) -> HTTP1Connection:
        return cast(HTTP1Connection, self.request.connection)


class EventStreamHandler(ReadingHandler):
    """An answer as server-sent events."""

    ping = b": ping\n\n"

    async def stream(
        self, generation: Generation | Relay, after: int = 0, *, live: bool = True
    ) -> None:
        self.set_header("Content-Type", "text/event-stream")
        await self.follow(generation, after, OPENING, live=live)


class StreamHandler(EventStreamHandler):
    """Starts an answer and streams it. The same request sent again gets the same answer."""

    cross_origin = True

    async def post(self) -> None:
        request = parse_send_request(self.read_json(), self.owner)
        peer = cast(Peer, self._connection.context)

        async def send() -> Generation:
            if peer.failure:  # the short way in has tried it
                peer.raise_failure()
            return await self.chat.send(request)

        path = f"{self.application.config.base_path}/stream/{request.request_id}"
        generation = await self.find_here(send, path)
        if generation is None:
            return
        await asyncio.sleep(0)  # lets the upstream's request go out before the head is composed
        await self.stream(generation)


class GenerationHandler(EventStreamHandler):
    """Reads or resumes an answer."""

    cross_origin = True

    async def get(self, id: str) -> None:
        find = partial(self.chat.generation, self.owner, id.lower())
        generation = await self.find_here(find)
        if generation is None:
            return
        after = read_after(self)
        if generation.ended and after >= generation.last_number:
            self.set_status(204)
            return
        live = self.get_argument("live", "1") != "0"
        if live and after and self.request.method == "GET":
            self.application.metrics.subscriber_resumed()
        await self.stream(generation, after, live=live)


class StopHandler(AnswerHandler):
    """Stops an answer, in any phase. Idempotent."""

    cross_origin = True
    body_optional = True

    async def post(self, id: str) -> None:
        generation = await self.find_here(partial(self.chat.stop, self.owner, id.lower()))
        if generation is None:
            return
        self.generation_id = generation.id
        end = generation.end
        self.write_json(
            {"generation_id": generation.id, "state": end["state"], "stop": end["stop"]}
        )


def read_after(handler: BaseHandler) -> int:
    """The number of the last event that the client has. An EventSource that reconnects sends
    it as a header, and the library event-source-polyfill as `lastEventId`. Raises
    `InvalidRequest`."""
    text = handler.request.headers.get("Last-Event-ID") or handler.get_argument("lastEventId", "")
    text = text or handler.get_argument("after", "0")
    if not re.fullmatch(r"\d{1,15}", text, re.ASCII):
        raise InvalidRequest("Last-Event-ID and after must be the number of an event.")
    return int(text)


def parse_send_request(body: dict[str, Any], owner: str) -> SendRequest:
    """Check the body of `POST /stream`. Raises `InvalidRequest`."""
    request_id = body.get("request_id")
    if request_id is None:
        request_id = new_id()
    elif not isinstance(request_id, str) or not UUID.fullmatch(request_id.lower()):
        raise InvalidRequest("request_id must be a UUID, a new one for each request.")
    message, continue_id = body.get("message"), optional_text(body, "continue")
    if continue_id is not None and message is not None:
        raise InvalidRequest("A request with continue must have no message.")
    decide = parse_decide(body, message) if body.get("decide") is not None else None
    has_purpose = "message" in body or continue_id or decide is not None
    if not has_purpose or not (message is None or isinstance(message, str)):
        raise InvalidRequest("message is required: the text to send, or null to regenerate.")
    files = parse_files(body, message)
    if message is not None and not message.strip() and not files:
        raise InvalidRequest("message must not be empty.")
    leave_out = body.get("leave_out", 0)
    if type(leave_out) is not int or leave_out < 0:
        raise InvalidRequest("leave_out must be a number of turns, 0 or more.")
    return SendRequest(
        request_id=request_id.lower(),
        message=message,
        conversation_id=optional_text(body, "conversation_id"),
        parent_id=optional_text(body, "parent_id"),
        parent_given="parent_id" in body,
        model=optional_text(body, "model"),
        options=parse_options(body),
        leave_out=leave_out,
        continue_id=continue_id,
        owner=owner,
        preset=_of_new(body, "preset"),
        system=_of_new(body, "system"),
        summary_id=_summary(body),
        files=files,
        pictures=_pictures(body),
        beside=_beside(body, message, continue_id),
        tools=None if body.get("tools") is None else parse_tools(body),
        decide=decide,
        **(temporary_fields(body, message) if body.get("keep") is not None else {}),
    )


def _of_new(body: dict[str, Any], name: str) -> str | None:
    """A member that a request may have only if it begins a conversation."""
    value = optional_text(body, name)
    if value and not (body.get("conversation_id") is body.get("continue") is None):
        raise InvalidRequest(f"{name} is for a new conversation, without conversation_id.")
    return value


def _summary(body: dict[str, Any]) -> str | None:
    summary = optional_text(body, "summary")
    fits = body.get("conversation_id") and body.get("message") and "parent_id" not in body
    if summary and not fits:
        raise InvalidRequest(
            "summary is for a new message of a conversation: with message and conversation_id, "
            "and without parent_id."
        )
    return summary and summary.lower()


def parse_files(body: dict[str, Any], message: str | None) -> tuple[str, ...]:
    """The ids of the files of a message, each once. Raises `InvalidRequest`."""
    files = body.get("files")
    if not files:
        return ()
    if not (isinstance(files, list) and all(map(is_id, files))):
        raise InvalidRequest("files must be a list of ids of files.")
    if message is None:
        raise InvalidRequest("files belong to a new message: send them with message.")
    return tuple(dict.fromkeys(id.lower() for id in files))


def _pictures(body: dict[str, Any]) -> bool:
    pictures = body.get("pictures")
    if not (pictures is None or isinstance(pictures, bool)):
        raise InvalidRequest("pictures must be true, or false to send only their names.")
    return pictures is not False


def _beside(body: dict[str, Any], message: str | None, continue_id: str | None) -> bool:
    beside = body.get("beside")
    if not (beside is None or isinstance(beside, bool)):
        raise InvalidRequest("beside must be true or false.")
    if beside and (message is not None or not (continue_id or body.get("parent_id"))):
        raise InvalidRequest(
            "beside is for another answer to a stored message: with message null and the parent_id "
            "of that message, or with continue."
        )
    return bool(beside)


def parse_options(body: dict[str, Any]) -> dict[str, Any]:
    """The member `options` of a body; empty if it has none. Raises `InvalidRequest`."""
    options = body.get("options")
    if options is None:
        return {}
    if not isinstance(options, dict):
        raise InvalidRequest("options must be an object.")
    try:
        orjson.dumps([[options]])  # nested deeper than in any JSON that will contain the options
    except TypeError:
        raise InvalidRequest("options are nested too deeply.") from None
    return options


def optional_text(body: dict[str, Any], name: str) -> str | None:
    """A member of a body that may be absent. Raises `InvalidRequest`."""
    value = body.get(name)
    if value is not None and not (isinstance(value, str) and value):
        raise InvalidRequest(f"{name} must be text.")
    return value
