"""Deltas as chunks of chat completions, for providers that have no chunks of an upstream. Pure."""

from __future__ import annotations

from typing import Any

from tornado_stream.values.events import Delta, ToolCall


class DeltaChunks:
    """Makes a chunk of each delta of one answer. `head` has the members that all chunks have; they
    are read anew for each chunk."""

    def __init__(self, head: dict[str, Any]) -> None:
        self._head = head
        self._role = {"role": "assistant"}  # of the first delta
        self._named: set[int] = set()

    def chunk(self, event: Delta) -> dict[str, Any]:
        delta: dict[str, Any] = {**self._role, **(event.signed or {})}
        self._role = {}
        if event.content:
            delta["content"] = event.content
        if event.reasoning:
            delta["reasoning_content"] = event.reasoning
        if event.refusal:
            delta["refusal"] = event.refusal
        if event.tool_calls:
            delta["tool_calls"] = [self._tool_call(call) for call in event.tool_calls]
        if event.sources:
            delta["annotations"] = [
                {"type": "url_citation", "url_citation": dict(source)} for source in event.sources
            ]
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
        return {**self._head, "choices": [choice]}

    def _tool_call(self, call: ToolCall) -> dict[str, Any]:
        function = {"arguments": call["arguments"]}
        fragment: dict[str, Any] = {"index": call["index"], "function": function}
        if call["index"] not in self._named:  # only the first fragment has id and type
            self._named.add(call["index"])
            fragment |= {"id": call["id"], "type": "function"}
        if call["name"]:
            function["name"] = call["name"]
        return fragment


def says_something(delta: Any) -> bool:
    """Whether a delta has more than a role and empty members."""
    return isinstance(delta, dict) and any(delta[name] for name in delta if name != "role")


def as_delta(message: dict[str, Any]) -> dict[str, Any]:
    """A whole message as a delta, in which calls are numbered."""
    calls = message.get("tool_calls")
    if not isinstance(calls, list):
        return message
    numbered = [
        {"index": place, **call} if isinstance(call, dict) else call
        for place, call in enumerate(calls)
    ]
    return {**message, "tool_calls": numbered}
