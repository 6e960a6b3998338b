"""One step of an answer with tools: what the model writes in answer to one request.

The rule: readers see one answer, whose calls are numbered through and whose ids are unique, and
otherwise exactly what the upstream sent.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tornado_stream.providers.base import Emit, Emitted, TextEmit
from tornado_stream.values import events
from tornado_stream.values.content import text_length
from tornado_stream.values.costs import cost_of
from tornado_stream.values.events import AnswerText, Delta, Finish, ToolCall
from tornado_stream.values.messages import ChatRequest

#: Stands between the texts of two steps.
BETWEEN = "\n\n"


class Step(TextEmit):
    """Takes the events of one request, and passes them on as those of the answer.

    `before` is the step before, `used` are the ids of the calls that the answer has; those of this
    step are added. Where they are `hidden`, readers do not get them.
    """

    __slots__ = (
        *("number", "finish", "usage", "cost", "_emit", "_answer", "_used", "_first_index"),
        *("_ids", "_has_text", "_passes_text", "_hidden"),
    )

    def __init__(
        self,
        emit: Emit,
        number: int,
        before: Step | None,
        used: set[str],
        *,
        hidden: bool = False,
    ) -> None:
        self.number = number
        self.finish = Finish()
        self.usage: dict[str, Any] | None = None
        self.cost: dict[str, Any] | None = None
        self._emit = emit
        self._answer = AnswerText()
        self._used = used
        self._hidden = hidden
        self._ids: dict[int, str] = {}
        self._first_index = 0
        self._has_text = False  # the steps before have
        if before:
            self._first_index = before._first_index + len(before.calls)
            self._has_text = before._has_text
        self._passes_text = isinstance(emit, TextEmit)

    @property
    def calls(self) -> list[ToolCall]:
        """The calls that the model has asked for. Their indexes are those in the answer."""
        calls = self._answer.tool_calls
        for place, call in enumerate(calls):
            call["index"] = self._first_index + place
        return calls

    @property
    def signed(self) -> dict[str, Any] | None:
        """What the upstream wants back with the message of this step."""
        return self._answer.signed

    def __call__(self, event: Emitted) -> None:
        if isinstance(event, Finish):
            self.finish = self.finish.then(event)
            event = Finish(event.finish_reason, None, event.upstream, event.price, event.model)
        elif isinstance(event, Delta):
            event = self._of_answer(event)
            if self._hidden:
                event = replace(event, tool_calls=(), signed=None)
                if not event:
                    return
            if event.content:
                self._separate()
        self._emit(event)

    def text(self, text: str, data: bytes) -> None:
        self._answer.add_text(text)
        self._separate()
        if self._passes_text:
            self._emit.text(text, data)  # type: ignore[attr-defined]
        else:
            self._emit(Delta(text))

    def message(self) -> dict[str, Any]:
        """What the model wrote, as the next request has it."""
        calls = [
            {
                "id": call["id"],
                "type": "function",
                "function": {"name": call["name"], "arguments": call["arguments"]},
            }
            for call in self.calls
        ]
        content = self._answer.content or None
        return {"role": "assistant", "content": content, "tool_calls": calls}

    def ended(self, request: ChatRequest) -> events.Step:
        """The event that tells what the step took. Gives ids to calls that got none."""
        for place, call in enumerate(self._answer.tool_calls):
            if not call["id"]:
                self(Delta(tool_calls=(_fragment(place, self._new_id()),)))
        self._has_text = self._has_text or bool(self._answer.content)
        self.usage = self.finish.usage
        lengths = sum(map(text_length, request.messages)), self._answer.length
        if self.usage or self._answer.length:
            self.cost = cost_of(self.usage, self.finish.price, *lengths)
        return events.Step(self.number, self.finish.finish_reason, self.usage, self.cost)

    def _separate(self) -> None:
        """Put an empty line before the first text of this step, if there is text before it."""
        if self._has_text:
            self._has_text = False
            self._emit(Delta(BETWEEN))

    def _of_answer(self, delta: Delta) -> Delta:
        """The delta with calls that are numbered through, and with unique ids."""
        fragments = tuple(map(self._with_id, delta.tool_calls))
        # What was written in the steps before stays what it is.
        moves = delta.was_reasoning and self.number == 1
        members = delta.content, delta.reasoning, delta.refusal
        mine = Delta(*members, fragments, delta.sources, delta.signed, delta.was_reasoning)
        self._answer.add(mine)
        if not fragments and moves == delta.was_reasoning:
            return delta
        first = self._first_index
        shifted = tuple(_shifted(fragment, first) for fragment in fragments)
        return Delta(*members, shifted, delta.sources, delta.signed, moves)

    def _with_id(self, fragment: ToolCall) -> ToolCall:
        id = fragment.get("id")
        if not id:
            return fragment
        index = fragment["index"]
        if index not in self._ids:
            self._ids[index] = self._new_id() if id in self._used else id
            self._used.add(self._ids[index])
        return {**fragment, "id": self._ids[index]}

    def _new_id(self) -> str:
        return f"call_{uuid.uuid4().hex[:24]}"


def _shifted(fragment: ToolCall, first: int) -> ToolCall:
    return {**fragment, "index": fragment["index"] + first}


def _fragment(index: int, id: str) -> ToolCall:
    return {"index": index, "id": id, "name": "", "arguments": ""}


def sum_of_usages(usages: Sequence[dict[str, Any] | None]) -> dict[str, Any] | None:
    """The sums of all numbers, with the number of `steps`; None: no step has told its usage."""
    known = [usage for usage in usages if usage]
    if not known:
        return None
    total: dict[str, Any] = {}
    for usage in known:
        total = _added(total, usage)
    return {**total, "steps": len(usages)}


def _added(total: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    new = dict(total)
    for name, value in more.items():
        known = new.get(name)
        if isinstance(value, dict):
            new[name] = _added(known if isinstance(known, dict) else {}, value)
        elif type(value) in (int, float):
            new[name] = (known if type(known) in (int, float) else 0) + value
        else:
            new[name] = value
    return new
