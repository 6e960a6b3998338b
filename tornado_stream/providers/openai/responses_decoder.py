"""Decodes an answer in the form of OpenAI's Responses API into deltas.

The form is that of "Streaming events" in OpenAI's API reference
(https://platform.openai.com/docs/api-reference/responses-streaming), or one JSON object. The rule
is that of `AnswerDecoder`: the result never depends on how the bytes were split. Pure.
"""

from __future__ import annotations

from typing import Any

import orjson

from tornado_stream.providers.openai.answer_decoder import AnswerDecoder
from tornado_stream.providers.openai.dialects import (
    CHAT_COMPLETIONS,
    RESPONSES,
    UNKNOWN,
    foreign_dialect,
)
from tornado_stream.providers.openai.error_classifier import find_error
from tornado_stream.providers.openai.errors import (
    reason_error,
    stream_error,
    web_page_error,
)
from tornado_stream.providers.openai.finish_reasons import meaning_of
from tornado_stream.providers.openai.lenient_json import NOT_JSON, parse_bounded
from tornado_stream.providers.openai.responses_output import Kind, Place, ResponseOutput
from tornado_stream.values.events import Delta
from tornado_stream.values.sse import MAX_LINE, MAX_TOTAL, ServerSentEvent

#: What the events `response.{name}.delta` and `response.{name}.done` bring, and the member of the
#: second one with the whole text.
_TEXTS: dict[str, tuple[Kind, str]] = {
    "output_text": ("content", "text"),
    "refusal": ("refusal", "refusal"),
    "reasoning_summary_text": ("summary", "text"),
    "reasoning_text": ("reasoning", "text"),
    "function_call_arguments": ("arguments", "arguments"),
    "custom_tool_call_input": ("arguments", "input"),
}
#: Names of events `response.{name}.done` with a whole part.
_PARTS = frozenset({"content_part", "reasoning_summary_part", "reasoning_part"})
#: How a response ends: as a status, and in the event `response.{status}`.
_ENDS = frozenset({"completed", "incomplete", "failed", "cancelled"})
#: The finish reason of chat completions for the meaning of an incomplete response's reason.
_REASONS = {"length": "length", "filter": "content_filter"}
#: The members of a usage that have another name in chat completions.
_USAGE: dict[str, str] = {
    "input_tokens": "prompt_tokens",
    "input_tokens_details": "prompt_tokens_details",
    "output_tokens": "completion_tokens",
    "output_tokens_details": "completion_tokens_details",
}


class ResponsesDecoder(AnswerDecoder):
    """Turns the bytes of one response into deltas, as `AnswerDecoder` does for a chat completion.

    The answer is complete only if the upstream said that the response is, or that a limit or a
    filter ended it: `[DONE]` alone does not count. The finish reason and the usage are in the form
    of chat completions. There are no chunks to relay.
    """

    form = RESPONSES.name

    def __init__(
        self, *, key: str | None = None, max_line: int = MAX_LINE, max_total: int = MAX_TOTAL
    ) -> None:
        super().__init__(key=key, max_line=max_line, max_total=max_total)
        self._name = ""  # of the event, which is its type where its data has none
        self._output = ResponseOutput(self._parts)

    @property
    def complete(self) -> bool:
        return bool(self.finish_reason) and not self.error

    def feed(self, data: bytes) -> Delta | None:
        if self.done or self.failed:
            return None
        if self._is_stream:
            self._take_events(self._feed_sse(data))
        elif self._body is not None:
            self._take_body(data)
        else:
            self._begin(data)
        return self._parts.take()

    def _read_body(self, body: bytes) -> None:
        body = self._pictures.restored(body, self._max_body)
        value, strict = parse_bounded(body)
        if value is NOT_JSON:
            self._take_lines(body)
            return
        self.chunks += 1
        if not isinstance(value, dict) or not self._take_value(value, lone=not strict):
            self._fail(web_page_error(self.form))
        else:
            self._take_pictures(body, _images(value))

    def _take_event(self, event: ServerSentEvent) -> None:
        self._name = event.event
        self._take_data(event.data)
        self._name = ""

    def _take_object(self, data: bytes) -> None:
        data = self._pictures.restored(data, self._max_body)
        value, strict = parse_bounded(data)
        if value is NOT_JSON and b"\n" in data:
            self._take_lines(data)
            return
        self.chunks += 1
        if value is NOT_JSON and self._name == "error":
            self._note(stream_error(data.decode("utf-8", "replace"), key=self._key))
        elif not isinstance(value, dict):
            self.skipped += 1
            self._damaged |= data[:1] == b"{"
        else:
            self._take_value(value, lone=not strict)
            preview = value.get("partial_image_b64")
            previews = [preview] if isinstance(preview, str) else []
            self._take_pictures(data, _images(value), *previews)

    def _take_value(self, value: dict[str, Any], *, lone: bool) -> bool:
        """Take an event or a whole response; False if it is neither, nor an error."""
        kind = value.get("type") or self._name
        kind = kind if isinstance(kind, str) else ""
        if kind.startswith("response."):
            self._in_form = True
            self._take_known(kind.removeprefix("response."), value, lone)
        elif value.get("object") == "response" or isinstance(value.get("output"), list):
            self._in_form = True
            status = value.get("status")
            self._end(status if isinstance(status, str) else "completed", value, lone)
        elif kind == "error" or find_error(value):
            self._in_form = True
            self._note_failure(value)
        elif "choices" in value:
            self._take_foreign(CHAT_COMPLETIONS)
        elif dialect := foreign_dialect(value):
            self._take_foreign(dialect)
            return dialect is not UNKNOWN
        return True

    def _take_known(self, kind: str, value: dict[str, Any], lone: bool) -> None:
        name, _, step = kind.rpartition(".")
        if kind in _ENDS or kind == "done":
            response = value.get("response")
            response = response if isinstance(response, dict) else {}
            status = response.get("status")
            if kind not in ("completed", "done") or status not in _ENDS:
                status = "completed" if kind == "done" else kind
            self._end(status, response, lone)
        elif kind == "error":
            self._note_failure(value)
        elif step == "delta" and name in _TEXTS:
            if isinstance(text := value.get("delta"), str):
                self._output.add(_TEXTS[name][0], _place(value), text, lone=lone)
        elif step == "done" and name in _TEXTS:
            text_kind, member = _TEXTS[name]
            if isinstance(text := value.get(member), str):
                self._output.fill(text_kind, _place(value), text, lone=lone)
        elif step == "done" and name in _PARTS:
            self._output.fill_part(_place(value), value.get("part"), lone=lone)
        elif kind == "output_item.added":
            self._output.begin_item(_place(value), value.get("item"))
        elif kind == "output_item.done":
            self._output.end_item(_place(value), value.get("item"), lone=lone)
        elif kind == "output_text.annotation.added":
            self._output.add_source(value.get("annotation"))

    def _note_failure(self, value: dict[str, Any]) -> None:
        """Note an event `error`, or an error object. The type of the event is none of the error."""
        if value.get("type") in ("error", "response.error"):
            value = {name: member for name, member in value.items() if name != "type"}
        self._note(stream_error(value, key=self._key))

    def _end(self, status: str, response: dict[str, Any], lone: bool) -> None:
        """Take a response that has ended. What it has that no event has had is not lost."""
        self._output.end(response.get("output"), lone=lone)
        self.usage = chat_usage(response.get("usage")) or self.usage
        self.done = self.ending = True
        details = response.get("incomplete_details")
        why = details.get("reason") if isinstance(details, dict) else None
        why = why if isinstance(why, str) else ""
        if (error := response.get("error")) or status == "failed":
            self._note(stream_error(error, key=self._key))
        elif status == "completed":
            self.finish_reason = "tool_calls" if self._output.has_calls else "stop"
        elif status == "incomplete" and (reason := _REASONS.get(meaning_of(why))):
            self.finish_reason = reason
        elif status == "incomplete" and meaning_of(why) == "error":
            self._note(reason_error(why, key=self._key))
        else:
            what = "cancelled" if status == "cancelled" else "incomplete"
            self._note(reason_error(f"{what}: {why}" if why else what, key=self._key))


def chat_usage(usage: Any) -> dict[str, Any] | None:
    """The usage of a response in the form of chat completions; None if it is none. A member that
    this server does not know stays as it is."""
    if not isinstance(usage, dict) or not usage:
        return None
    try:
        orjson.dumps(usage)
    except orjson.JSONEncodeError:
        return None
    converted: dict[str, Any] = usage
    return {_USAGE.get(name, name): value for name, value in converted.items()}


def _images(value: dict[str, Any]) -> tuple[str, ...]:
    """The pictures that the tool `image_generation` made: in an item that is whole, and again in
    the final response."""
    response = value.get("response", value)
    output = response.get("output") if isinstance(response, dict) else None
    items = [value.get("item"), *(output if isinstance(output, list) else ())]
    results = [
        item.get("result")
        for item in items
        if isinstance(item, dict) and item.get("type") == "image_generation_call"
    ]
    return tuple(result for result in results if isinstance(result, str) and result)


def _place(value: dict[str, Any]) -> Place:
    index, id = value.get("output_index"), value.get("item_id")
    part = value.get("content_index", value.get("summary_index"))
    return Place(
        index if isinstance(index, int) else None,
        id if isinstance(id, str) else "",
        part if isinstance(part, int) else 0,
    )
