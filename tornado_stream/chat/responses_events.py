"""The events of OpenAI's Responses API, made from the deltas of an answer. Pure.

The rule: the final response does not depend on how the text was split into deltas, and the texts
of the `delta` events add up to the text of the `done` events. A response is `completed` only if
the answer ended as `done`.

Reasoning, text and calls become *items* of the output. One message is open until the answer ends
or a call begins. Reasoning is open until something else begins. Calls follow each other, since
clients take one at a time: a call whose predecessor may still grow waits.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from tornado_stream.chat.responses_items import Call, Item, Part
from tornado_stream.providers.openai.finish_reasons import meaning_of
from tornado_stream.values.events import Delta, Source, ToolCall

#: Why a response is `incomplete`, by what its finish reason means.
INCOMPLETE = {"length": "max_output_tokens", "filter": "content_filter"}

#: Codes of errors that a failed response calls `rate_limit_exceeded`. The API has a closed list of
#: codes there; the event `error` has the code itself.
RATE_LIMITS = frozenset({"rate_limit", "rate_limit_exceeded"})


class ResponseEvents:
    """Turns the deltas of one answer into events. `head` is the response as it begins.

    `add`, `finish` and `fail` return the new events, each with its `type` and `sequence_number`.
    One of `finish` and `fail` is called once, at the end.
    """

    def __init__(self, head: dict[str, Any]) -> None:
        self._head = head
        self._ids = head["id"].removeprefix("resp_")
        self._number = 0
        self._events: list[dict[str, Any]] = []
        self._items: list[Item] = []
        self._reasoning: Part | None = None
        self._message: Item | None = None
        self._part: Part | None = None  # the open part of the open message
        self._calls: dict[int, Call] = {}
        self._queue: deque[Call] = deque()  # calls that are not done; the first one may be open
        self._sources: dict[str, Source] = {}
        self._unplaced: list[Source] = []  # no text was open when they came

    def add(self, delta: Delta) -> list[dict[str, Any]]:
        """The events of a delta."""
        self._begin()
        if delta.reasoning:
            self._add_reasoning(delta.reasoning)
        if delta.content:
            self._add_text("output_text", delta.content)
        if delta.refusal:
            self._add_text("refusal", delta.refusal)
        for source in delta.sources:
            self._add_source(source)
        for fragment in delta.tool_calls:
            self._add_fragment(fragment)
        return self._taken()

    def finish(self, reason: str | None, usage: dict[str, Any] | None) -> list[dict[str, Any]]:
        """The last events of an answer that ended as `done`."""
        self._begin()
        incomplete = INCOMPLETE.get(meaning_of(reason or ""))
        status = "incomplete" if incomplete else "completed"
        while self._queue:
            self._close_call("completed" if len(self._queue) > 1 else status)
        if self._unplaced:
            self._add_text("output_text", "")
        self._close_reasoning(status)
        self._close_message(status)
        response = self._response(status, usage)
        if incomplete:
            response["incomplete_details"] = {"reason": incomplete}
        self._emit(f"response.{status}", response=response)
        return self._taken()

    def fail(self, error: dict[str, Any], usage: dict[str, Any] | None) -> list[dict[str, Any]]:
        """The last events of an answer that did not end as `done`; `error` has OpenAI's form.

        Nothing that is open is declared done, so that no program runs half a call. The event
        `error` has the members that OpenAI documents, and as `error` the object that its clients
        look for: they raise it.
        """
        self._begin()
        flat = {name: error.get(name) for name in ("code", "message", "param")}
        self._emit("error", **flat, error=error)
        self._keep_open_items()
        response = self._response("failed", usage)
        code = "rate_limit_exceeded" if flat["code"] in RATE_LIMITS else "server_error"
        response["error"] = {"code": code, "message": flat["message"]}
        self._emit("response.failed", response=response)
        return self._taken()

    def _begin(self) -> None:
        if not self._number:
            self._emit("response.created", response=self._head)
            self._emit("response.in_progress", response=self._head)

    def _emit(self, type: str, **members: Any) -> None:
        self._events.append({"type": type, **members, "sequence_number": self._number})
        self._number += 1

    def _taken(self) -> list[dict[str, Any]]:
        events, self._events = self._events, []
        return events

    def _response(self, status: str, usage: dict[str, Any] | None) -> dict[str, Any]:
        output = [item.members for item in self._items]
        return {**self._head, "status": status, "output": output, "usage": usage}

    # Items

    def _open(self, prefix: str, **members: Any) -> Item:
        item = self._new_item(prefix, members)
        self._items.append(item)
        # The lists of the item grow, those of the event do not.
        shown = {n: list(v) if isinstance(v, list) else v for n, v in item.members.items()}
        self._emit("response.output_item.added", output_index=item.index, item=shown)
        return item

    def _new_item(self, prefix: str, members: dict[str, Any]) -> Item:
        index = len(self._items)
        return Item(index, {"id": f"{prefix}_{self._ids}_{index}", **members})

    def _close(self, item: Item, status: str, **members: Any) -> None:
        item.members |= {"status": status, **members}
        self._emit("response.output_item.done", output_index=item.index, item=dict(item.members))

    def _add_reasoning(self, text: str) -> None:
        part = self._reasoning
        if part is None:
            item = self._open("rs", type="reasoning", summary=[], status="in_progress")
            part = self._reasoning = Part(item, {"summary_index": 0}, "summary_text", "text")
            self._emit("response.reasoning_summary_part.added", **part.where, part=part.to_json())
        part.add(text)
        self._emit("response.reasoning_summary_text.delta", **part.where, delta=text)

    def _close_reasoning(self, status: str = "completed") -> None:
        if part := self._reasoning:
            self._reasoning = None
            summary = part.to_json()
            self._emit("response.reasoning_summary_text.done", **part.where, text=part.text)
            self._emit("response.reasoning_summary_part.done", **part.where, part=summary)
            self._close(part.item, status, summary=[summary])

    def _add_text(self, kind: str, text: str) -> None:
        self._close_reasoning()
        part = self._part
        if part is None or part.kind != kind:
            part = self._open_part(kind)
        part.add(text)
        if kind == "refusal":
            self._emit("response.refusal.delta", **part.where, delta=text)
        elif text:
            self._emit("response.output_text.delta", **part.where, delta=text, logprobs=[])

    def _open_part(self, kind: str) -> Part:
        self._close_part()
        if self._message is None:
            members = {"type": "message", "role": "assistant", "content": []}
            self._message = self._open("msg", **members, status="in_progress")
        number = {"content_index": len(self._message.members["content"])}
        member = "refusal" if kind == "refusal" else "text"
        part = self._part = Part(self._message, number, kind, member)
        self._emit("response.content_part.added", **part.where, part=part.to_json())
        if kind == "output_text":
            for source in self._unplaced:
                self._annotate(part, source)
            self._unplaced = []
        return part

    def _close_part(self) -> None:
        if part := self._part:
            self._part = None
            if part.kind == "refusal":
                self._emit("response.refusal.done", **part.where, refusal=part.text)
            else:
                self._emit("response.output_text.done", **part.where, text=part.text, logprobs=[])
            done = part.to_json()
            self._emit("response.content_part.done", **part.where, part=done)
            part.item.members["content"].append(done)

    def _close_message(self, status: str = "completed") -> None:
        self._close_part()
        if message := self._message:
            self._message = None
            self._close(message, status)

    # Sources

    def _add_source(self, source: Source) -> None:
        if source["url"] in self._sources:
            return
        self._sources[source["url"]] = source
        if self._part and self._part.kind == "output_text":
            self._annotate(self._part, source)
        else:
            self._unplaced.append(source)

    def _annotate(self, part: Part, source: Source) -> None:
        """Attach a source to the place in the text that was reached when it came."""
        place = {"start_index": part.length, "end_index": part.length}
        annotation = {
            "type": "url_citation",
            "url": source["url"],
            "title": source["title"],
            **place,
        }
        self._emit(
            "response.output_text.annotation.added",
            **part.where,
            annotation_index=len(part.annotations),
            annotation=annotation,
        )
        part.annotations.append(annotation)

    # Calls

    def _add_fragment(self, fragment: ToolCall) -> None:
        call = self._calls.get(fragment["index"])
        if call is None:
            call = self._calls[fragment["index"]] = Call(fragment["index"])
            self._queue.append(call)
            self._finish_predecessors()
        call.add(fragment)
        self._go_on()

    def _finish_predecessors(self) -> None:
        """Close the calls before a new one whose arguments are complete."""
        while len(self._queue) > 1 and self._queue[0].is_complete:
            self._close_call("completed")
            self._go_on()

    def _go_on(self) -> None:
        """Send the new arguments of the first call, once its name and its id are complete."""
        call = self._queue[0] if self._queue else None
        if call and call.arguments and (call.item or call.id):
            self._send_arguments(call)

    def _send_arguments(self, call: Call) -> None:
        item = call.item or self._open_call(call)
        if text := "".join(call.arguments[call.sent :]):
            call.sent = len(call.arguments)
            self._emit("response.function_call_arguments.delta", **item.where, delta=text)

    def _open_call(self, call: Call) -> Item:
        self._close_reasoning()
        self._close_message()
        members = call.members(self._fallback(call), "in_progress") | {"arguments": ""}
        call.item = self._open("fc", **members)
        return call.item

    def _close_call(self, status: str) -> None:
        """Close the call that is first, whether or not it was opened."""
        call = self._queue.popleft()
        item = call.item or self._open_call(call)
        self._send_arguments(call)
        arguments, name = "".join(call.arguments), item.members["name"]
        type = "response.function_call_arguments.done"
        self._emit(type, **item.where, name=name, arguments=arguments)
        self._close(item, status, arguments=arguments)
        # Nothing more can belong to it, so what still comes is ignored.
        call.arguments = []

    def _fallback(self, call: Call) -> str:
        return f"call_{self._ids}_{call.index}"

    def _keep_open_items(self) -> None:
        """Put the text that came into the items that are open, for a response that failed."""
        if part := self._reasoning:
            part.item.members |= {"summary": [part.to_json()], "status": "incomplete"}
        if message := self._message:
            parts = [self._part.to_json()] if self._part else []
            content = [*message.members["content"], *parts]
            message.members |= {"content": content, "status": "incomplete"}
        for call in self._queue:
            members = call.members(self._fallback(call), "incomplete")
            if call.item:
                call.item.members |= members
            else:
                self._items.append(self._new_item("fc", members))
