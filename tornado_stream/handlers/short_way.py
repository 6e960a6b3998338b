"""The short way in: `POST /stream`, past Tornado's parser and handlers.

The rule: it takes a request only if that has come whole, is plain, passes every function of
`checks`, and has a right body; and it writes one kind of response, the stream of an answer. With
whatever else, Tornado gets the bytes of the request and answers it. No request is carried out
twice: if its answer could not begin, the handler gets the reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from functools import lru_cache
from time import time
from typing import Any

from tornado.httputil import HTTPServerRequest, format_timestamp

from tornado_stream.chat.requests import SendRequest
from tornado_stream.handlers import checks, identity
from tornado_stream.handlers.access_log import log_failure
from tornado_stream.handlers.reader import Reader
from tornado_stream.handlers.request_body import body_limit
from tornado_stream.handlers.request_record import RequestRecord
from tornado_stream.handlers.response_head import STREAM_HEADERS, default_headers, stream_head
from tornado_stream.handlers.services import Services
from tornado_stream.handlers.streams import OPENING, StreamHandler, parse_send_request
from tornado_stream.net.client_connections import ClientStream
from tornado_stream.net.connection_loop import Peer
from tornado_stream.net.request_head import PlainRequest, read_plain
from tornado_stream.net.streamed_body import chunk

#: The first bytes of the body.
FIRST = chunk(OPENING)


class ShortRequest(HTTPServerRequest):
    """What the checks look at of a request. Tornado's own constructor makes much more of one."""

    def __init__(self, plain: PlainRequest, peer: Peer) -> None:
        self.method = "POST"
        self.headers, self.body, self.remote_ip = plain.headers, plain.body, peer.remote_ip


class ShortWay:
    """Takes requests for the server; see `connection_loop.ShortWay`."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._line = f"POST {services.config.base_path}/stream HTTP/1.1\r\n".encode()

    def __call__(self, stream: ClientStream, peer: Peer, data: bytes) -> Awaitable[bool] | None:
        plain = read_plain(data, self._line)
        if plain is None:
            return None
        services, kept = self._services, [0]
        try:
            request = ShortRequest(plain, peer)
            checks.check_host(services, request)
            if checks.is_refused_site(services, request, StreamHandler):
                return None
            owner = checks.owner_of(services, request, StreamHandler)
            checks.check_body(request, StreamHandler, plain.headers.get("Content-Type", ""))
            size = len(plain.body)
            if not owner or size > body_limit(services, StreamHandler):
                return None
            send = parse_send_request(checks.decode_object(plain.body), owner)
            if not services.held_bodies.take(size, kept):
                return None
        except Exception:  # Tornado meets the same, and says so
            return None
        # While the answer begins, hundreds of other requests may come: only this is kept of each.
        id = identity.request_id(services, request)
        client = identity.client_address(services, request)
        record = RequestRecord("POST", "/stream", 200, time(), id, client, owner)
        origin = checks.foreign_origin(services, request, StreamHandler)
        address = None if plain.closing else peer.address
        return self._answer(stream, peer, send, kept, record, origin, address)

    async def _answer(
        self,
        stream: ClientStream,
        peer: Peer,
        send: SendRequest,
        kept: list[int],
        record: RequestRecord,
        origin: str,
        address: tuple[Any, ...] | None,
    ) -> bool:
        services = self._services
        stream.serve()
        try:
            generation = await services.chat.send(send)
        except Exception as error:
            peer.failure = error
            return False
        finally:
            services.held_bodies.release(kept)
        await asyncio.sleep(0)  # lets the upstream's request go out before the head is composed
        record.generation_id = generation.id
        if stream.closed():
            services.request_ended(record)
            return True
        headers = {
            "Content-Type": "text/event-stream",
            "Date": _date(int(time())),
            **default_headers(services, StreamHandler, record.id, origin),
            **STREAM_HEADERS,
        }
        reader = Reader(services, stream, StreamHandler.ping)
        reader.begin(stream_head(headers.items(), address is None) + FIRST, record, address)
        try:
            reader.follow(generation)
        except Exception as error:
            log_failure("POST", "/stream", record.id, error)
        return True


@lru_cache(maxsize=1)
def _date(seconds: int) -> str:
    return format_timestamp(seconds)
