"""The items of a response while they grow, and its usage. Pure.

An item of the output is reasoning, a message or a call of a function; it has parts of text.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from tornado_stream.values.events import ToolCall

#: What opens and closes objects and lists, and the strings in which nothing does.
_STRUCTURE = re.compile(r'[{}\[\]"]')
_IN_STRING = re.compile(r'["\\]')


class Item:
    """One item of the output. `members` are its JSON without the status."""

    def __init__(self, index: int, members: dict[str, Any]) -> None:
        self.index = index
        self.members = members

    @property
    def where(self) -> dict[str, Any]:
        """The members of an event that name the item."""
        return {"item_id": self.members["id"], "output_index": self.index}


class Part:
    """A part of a message, or of a summary of reasoning: its text grows."""

    def __init__(self, item: Item, number: dict[str, int], kind: str, member: str) -> None:
        self.item = item
        self.where = item.where | number
        self.kind = kind
        self.member = member  # the member of the part that has its text
        self.texts: list[str] = []
        self.annotations: list[dict[str, Any]] = []
        self.length = 0

    def add(self, text: str) -> None:
        self.texts.append(text)
        self.length += len(text)

    @property
    def text(self) -> str:
        return "".join(self.texts)

    def to_json(self) -> dict[str, Any]:
        part: dict[str, Any] = {"type": self.kind, self.member: self.text}
        if self.kind == "output_text":
            part |= {"annotations": list(self.annotations), "logprobs": []}
        return part


class Call:
    """A call of a tool: what came of it, and how much of its arguments was sent."""

    def __init__(self, index: int) -> None:
        self.index = index  # the call's number in the answer
        self.id = ""
        self.names: list[str] = []
        self.arguments: list[str] = []
        self.sent = 0  # how many of `arguments` were sent
        self.item: Item | None = None  # None until its event `added`
        self._nesting = Nesting()
        self._looked = 0  # how many of `arguments` `_nesting` has
        self._is_object: bool | None = None  # None: not parsed yet

    def add(self, fragment: ToolCall) -> None:
        self.id = fragment.get("id") or self.id
        self.names.append(fragment.get("name") or "")
        if arguments := fragment.get("arguments"):
            self.arguments.append(arguments)

    @property
    def is_complete(self) -> bool:
        """Whether nothing can follow the arguments: they are a whole JSON object. However often it
        is asked, each piece is looked through once, and the whole is parsed at most once."""
        for piece in self.arguments[self._looked :]:
            self._nesting.feed(piece)
        self._looked = len(self.arguments)
        if self._nesting.closed and self._is_object is None:
            self._is_object = _is_object("".join(self.arguments))
        return self._nesting.closed and bool(self._is_object)

    def members(self, fallback: str, status: str) -> dict[str, Any]:
        """The members of its item; `fallback` is its id, if it has none."""
        return {
            "type": "function_call",
            "call_id": self.id or fallback,
            "name": "".join(self.names),
            "arguments": "".join(self.arguments),
            "status": status,
        }


class Nesting:
    """How deeply JSON is nested where its pieces end; `closed` says that all that was opened is
    closed again."""

    def __init__(self) -> None:
        self.closed = False
        self._depth = 0
        self._in_string = self._escaped = False

    def feed(self, piece: str) -> None:
        """Take the next piece, which is not empty."""
        place, self._escaped = int(self._escaped), False
        while found := (_IN_STRING if self._in_string else _STRUCTURE).search(piece, place):
            mark, place = found[0], found.end()
            if mark == '"':
                self._in_string = not self._in_string
            elif mark == "\\":
                place += 1
                self._escaped = place > len(piece)
            else:
                self._depth += 1 if mark in "{[" else -1
                self.closed = self._depth == 0


def _is_object(arguments: str) -> bool:
    try:
        return isinstance(orjson.loads(arguments), dict)
    except orjson.JSONDecodeError:
        return False


def response_usage(usage: dict[str, Any]) -> dict[str, Any]:
    """A chat completion's usage in the form of the Responses API. What is no number is 0."""
    prompt = _count(usage, "prompt_tokens") or _count(usage, "input_tokens")
    answer = _count(usage, "completion_tokens") or _count(usage, "output_tokens")
    total = _count(usage, "total_tokens") or prompt + answer
    converted: dict[str, Any] = {
        "input_tokens": prompt,
        "input_tokens_details": {
            "cached_tokens": _count(usage.get("prompt_tokens_details"), "cached_tokens"),
            "cache_write_tokens": _count(usage.get("prompt_tokens_details"), "cache_write_tokens"),
        },
        "output_tokens": answer,
        "output_tokens_details": {
            "reasoning_tokens": _count(usage.get("completion_tokens_details"), "reasoning_tokens")
        },
        "total_tokens": total,
    }
    return converted | ({"estimated": True} if usage.get("estimated") else {})


def _count(usage: Any, name: str) -> int:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if type(value) is int and value >= 0 else 0
