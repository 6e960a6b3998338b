"""An answer in the form of OpenAI's Responses API, streamed or whole.

The rule: it is made from the answer's deltas, so every provider can answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from tornado_stream.chat.completions import CompletionRequest, estimated_usage
from tornado_stream.chat.program_errors import error_object
from tornado_stream.chat.responses_events import ResponseEvents
from tornado_stream.chat.responses_items import response_usage
from tornado_stream.generations.relay import Relay
from tornado_stream.values.events import Delta, End, Finish, Notice, RelayedChunks

#: Takes the items of a response that has ended.
Remember = Callable[[list[dict[str, Any]]], None]


class ResponseRelay(Relay):
    """The log of an answer as the events of a response, or as one response.

    `head` is the response as it begins. When the answer has ended as `done`, `remember` gets the
    items that a later request may refer to.
    """

    takes_chunks = False

    def __init__(
        self,
        request: CompletionRequest,
        head: dict[str, Any],
        remember: Remember = lambda items: None,
    ) -> None:
        super().__init__(request.id, streamed=request.stream, once=not request.is_named)
        self._request = request
        self._events = ResponseEvents(head)
        self._remember = remember
        self._length = 0  # characters of the answer, for an estimate

    def take(self, event: Delta | Notice | Finish | RelayedChunks) -> None:
        if isinstance(event, Delta):
            self._length += event.length
            events = self._events.add(event)
            if self.streamed and events:  # an empty frame would end a chunked body
                self.add(encode(events))
            self.begin()
        elif isinstance(event, Notice):
            self.note(event)

    def end(self, end: End) -> None:
        if end.state == "done":
            usage = response_usage(end.usage or estimated_usage(self._request, self._length))
            events = self._events.finish(end.finish_reason, usage)
            response = events[-1]["response"]
            if self.refused:
                response["warnings"] = self.warnings()
            output = response["output"]
            self._remember([item for item in output if item["type"] != "reasoning"])
        else:
            if not (self.streamed and self.begun):
                self.failure = end
            so_far = response_usage(end.usage) if end.usage else None
            events = self._events.fail(error_object(end), so_far)
        whole = orjson.dumps(events[-1]["response"])
        self.publish(encode(events) if self.streamed else whole, last=True)


def encode(events: list[dict[str, Any]]) -> bytes:
    """Events as server-sent events, which have their type as name."""
    return b"".join(
        b"event: %b\ndata: %b\n\n" % (event["type"].encode(), orjson.dumps(event))
        for event in events
    )
