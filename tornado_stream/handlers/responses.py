"""OpenAI's API of responses for other programs: `POST /v1/responses`, over chat completions.

The rule: it is another form of `/v1/chat/completions`. Whatever holds there of clients that leave,
of kept answers, of requests that come again and of failures holds here too.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from tornado_stream.chat.completions import CompletionRequest
from tornado_stream.chat.requests import now_ms
from tornado_stream.chat.responses import ResponseRelay
from tornado_stream.chat.responses_input import referred_to
from tornado_stream.chat.responses_request import chat_body, response_head
from tornado_stream.generations.relay import Relay
from tornado_stream.handlers.completions import CompletionsHandler, parse_completion_request


class ResponsesHandler(CompletionsHandler):
    """One answer as a response, streamed or whole."""

    async def parse(self, body: dict[str, Any]) -> CompletionRequest:
        items = self.application.response_items
        await items.look_for(self.owner, referred_to(body.get("input")))
        self._asked = body
        chat = chat_body(body, partial(items.recall, self.owner))
        return parse_completion_request(chat, **self.terms(body))

    def relay(self, request: CompletionRequest) -> Relay:
        model = request.model or self.completions.default_model or ""
        head = response_head(self._asked, request.id, now_ms() // 1000, model)
        if self._asked.get("store") is False:
            return ResponseRelay(request, head)
        items = self.application.response_items
        return ResponseRelay(request, head, partial(items.remember, self.owner))
