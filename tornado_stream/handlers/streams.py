"""Answers as server-sent events: start one, read or resume one, stop one.

The rule: a response is the sink of a subscriber. Frames arrive encoded and are written unchanged,
one write for each batch. While the socket takes no more, the subscriber waits at its cursor.
"""

from __future__ import annotations

import asyncio
import re
import socket
import uuid
from time import monotonic
from typing import Any, cast

import orjson
from tornado.http1connection import HTTP1Connection
from tornado.iostream import IOStream

from tornado_stream.chat.requests import SendRequest
from tornado_stream.generations.event_log import Sink, Subscriber
from tornado_stream.generations.generation import Generation
from tornado_stream.generations.relay import Relay
from tornado_stream.handlers.base import BaseHandler
from tornado_stream.net.client_connections import ClientStream
from tornado_stream.net.streamed_body import ChunkedBody, StreamedBody, TornadoBody
from tornado_stream.net.waiting import Watch, resumed_at
from tornado_stream.values.errors import InvalidRequest

#: Bytes of one response that the kernel may buffer; its default is megabytes.
SEND_BUFFER = 64 * 1024

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class ReadingHandler(BaseHandler):
    """A response that follows a generation until it ends or the client leaves.

    Tornado writes the head and the first bytes. The rest of an HTTP/1.1 response is written to the
    socket without Tornado, and then the connection goes back to the HTTP server. An HTTP/1.0
    response is written by Tornado to its end.
    """

    #: Bytes that are sent in silence; empty where they would become part of the text.
    ping = b""

    _subscriber: Subscriber | None = None
    _watch: Watch | None = None

    async def follow(
        self, generation: Generation | Relay, after: int, opening: bytes, *, live: bool = True
    ) -> None:
        """Write `opening`, then every event with a number above `after`. Returns when there are no
        more events, or when the client has left."""
        self.generation_id = generation.id
        if self._connection.stream.closed():
            return  # the client left while the store was reading
        self._set_stream_headers()
        if self.request.method == "HEAD":
            await self.flush()  # or Tornado adds the length of an empty body
            return
        self._open(opening)
        self.application.streams.add(self)
        try:
            self._subscriber = generation.attach(self.sink(self._body), after, live=live)
            await self._subscriber.done
        finally:
            self._close()

    def sink(self, body: StreamedBody) -> Sink:
        """The sink of the response: here it writes the frames unchanged."""
        return body.write

    def on_connection_close(self) -> None:
        if self._subscriber:
            self._subscriber.detach()

    def abandon(self) -> None:
        """Close the connection: the process is about to end, or the client takes no data."""
        self._socket.close()

    @property
    def _connection(self) -> HTTP1Connection:
        return cast(HTTP1Connection, self.request.connection)

    def _set_stream_headers(self) -> None:
        self.set_header("Cache-Control", "no-cache, no-transform")
        self.set_header("X-Accel-Buffering", "no")

    def _open(self, opening: bytes) -> None:
        self._socket = self._connection.stream
        self._socket.set_nodelay(True)
        self._socket.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux: detects a client that vanished
            limit = int(self.application.config.write_timeout * 1000)
            self._socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, limit)
        self._body: StreamedBody = TornadoBody(self, self._drained, self.on_connection_close)
        self._body.write(opening)
        if self.request.version == "HTTP/1.1" and not self._socket.closed():
            self._address = self._connection.context.address  # type: ignore[attr-defined]
            send_batch = self.application.send_batch
            self._body = ChunkedBody(
                self.detach(), send_batch, self._drained, self.on_connection_close
            )
        self._watch = Watch(self._look, self.abandon)
        if isinstance(self._socket, ClientStream):
            self._socket.ping = self._ping

    def _close(self) -> None:
        if self._watch:
            self._watch.cancel()
        if self._subscriber:
            self._subscriber.detach()
        self.application.streams.discard(self)
        if isinstance(self._body, ChunkedBody):
            self._hand_back(self._body.end())

    def _hand_back(self, stream: IOStream) -> None:
        """Do what Tornado no longer does for a detached request: log it, break its reference
        cycles, and reuse or close its connection."""
        self.application.log_request(self)
        self._break_cycles()
        if stream.closed():
            return
        if "close" in self.request.headers.get("Connection", "").lower():
            stream.write(b"").add_done_callback(lambda _: stream.close())
        else:
            self.application.keep_alive(stream, self._address)

    def _drained(self) -> None:
        if self._subscriber:
            self._subscriber.resume()

    def _ping(self) -> None:
        if self.ping and self._body.full_since is None:
            self._body.write(self.ping)

    def _look(self) -> float:
        """Send a ping in silence. Returns in how many seconds to look again; 0: the client takes no
        data, and its connection is to be closed."""
        settings, body, now = self.application.config, self._body, monotonic()
        if body.full_since is not None:
            if now >= max(body.full_since, resumed_at()) + settings.write_timeout:
                return 0.0
        if now >= body.last_write + settings.heartbeat:
            self._ping()
        due = min(body.last_write + settings.heartbeat - now, settings.write_timeout)
        return max(due, 0.05)


class EventStreamHandler(ReadingHandler):
    """An answer as server-sent events."""

    ping = b": ping\n\n"

    async def stream(
        self, generation: Generation | Relay, after: int = 0, *, live: bool = True
    ) -> None:
        self.set_header("Content-Type", "text/event-stream")
        await self.follow(generation, after, b": stream\n\n", live=live)


class StreamHandler(EventStreamHandler):
    """Starts an answer and streams it. The same request sent again gets the same answer."""

    cross_origin = True

    async def post(self) -> None:
        generation = await self.chat.send(parse_send_request(self.read_json(), self.owner))
        await asyncio.sleep(0)  # lets the upstream's request go out before the head is composed
        await self.stream(generation)


class GenerationHandler(EventStreamHandler):
    """Reads or resumes an answer."""

    cross_origin = True

    async def get(self, id: str) -> None:
        generation = await self.chat.generation(self.owner, id.lower())
        after = self._after()
        if generation.ended and after >= generation.last_number:
            self.set_status(204)
            return
        live = self.get_argument("live", "1") != "0"
        if live and after and self.request.method == "GET":
            self.application.metrics.subscriber_resumed()
        await self.stream(generation, after, live=live)

    def _after(self) -> int:
        """The number of the last event that the client has. An EventSource that reconnects sends
        it as a header, and the library event-source-polyfill as `lastEventId`."""
        text = self.request.headers.get("Last-Event-ID") or self.get_argument("lastEventId", "")
        text = text or self.get_argument("after", "0")
        if not re.fullmatch(r"\d{1,15}", text, re.ASCII):
            raise InvalidRequest("Last-Event-ID and after must be the number of an event.")
        return int(text)


class StopHandler(BaseHandler):
    """Stops an answer, in any phase. Idempotent."""

    cross_origin = True
    body_optional = True

    async def post(self, id: str) -> None:
        generation = await self.chat.stop(self.owner, id.lower())
        self.generation_id = generation.id
        end = generation.end
        self.write_json(
            {"generation_id": generation.id, "state": end["state"], "stop": end["stop"]}
        )


def parse_send_request(body: dict[str, Any], owner: str) -> SendRequest:
    """Check the body of `POST /stream`. Raises `InvalidRequest`."""
    request_id = body.get("request_id")
    if request_id is None:
        request_id = str(uuid.uuid4())
    elif not isinstance(request_id, str) or not UUID.fullmatch(request_id.lower()):
        raise InvalidRequest("request_id must be a UUID, a new one for each request.")
    message, continue_id = body.get("message"), optional_text(body, "continue")
    if continue_id is not None and message is not None:
        raise InvalidRequest("A request with continue must have no message.")
    if not ("message" in body or continue_id) or not (message is None or isinstance(message, str)):
        raise InvalidRequest("message is required: the text to send, or null to regenerate.")
    if message is not None and not message.strip():
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
        **(_temporary(body, message) if body.get("keep") is not None else {}),
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


def _temporary(body: dict[str, Any], message: str | None) -> dict[str, Any]:
    """The fields of a request that says with `keep` whether anything is stored."""
    keep, history = body["keep"], body.get("history")
    if not isinstance(keep, bool):
        raise InvalidRequest("keep must be true or false.")
    if keep:
        return {}
    for name in ("conversation_id", "parent_id", "continue"):
        if body.get(name) is not None:
            raise InvalidRequest(f"{name} names what is stored; with keep false, nothing is.")
    if message is None:
        raise InvalidRequest("With keep false, message is required: the text to send.")
    history = [] if history is None else history
    if not (isinstance(history, list) and all(map(_is_message, history))):
        raise InvalidRequest(
            'history must be a list of messages: {"role": "user" or "assistant", "content": text}.'
        )
    return {"keep": False, "history": tuple((one["role"], one["content"]) for one in history)}


def _is_message(value: Any) -> bool:
    if not isinstance(value, dict) or value.get("role") not in ("user", "assistant"):
        return False
    return isinstance(value.get("content"), str)


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
