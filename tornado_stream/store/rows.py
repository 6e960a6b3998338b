"""Values as rows and back: the columns, in the order of the values' fields."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from tornado_stream.values.messages import Message

CONVERSATION = ("id", "title", "system", "current_id", "created_at", "updated_at")
#: In the order of Message's fields.
MESSAGE = (
    *("id", "conversation_id", "parent_id", "role", "content", "created_at", "reasoning"),
    *("refusal", "tool_calls", "model", "state", "finish_reason", "usage", "error", "timings"),
    *("generation_id", "continued_from", "upstream", "cost"),
)
_JSON = [MESSAGE.index(name) for name in ("tool_calls", "usage", "error", "timings", "cost")]

CONVERSATION_COLUMNS = ", ".join(CONVERSATION)
MESSAGE_COLUMNS = ", ".join(f"m.{name}" for name in MESSAGE)


def from_message(message: Message) -> list[Any]:
    """The values of the columns `MESSAGE`."""
    values = [getattr(message, name) for name in MESSAGE]
    for place in _JSON:
        if values[place] is not None:
            values[place] = orjson.dumps(values[place]).decode()
    return values


def to_message(row: Iterable[Any]) -> Message:
    """The message of a row of the columns `MESSAGE`."""
    values = list(row)
    for place in _JSON:
        if values[place] is not None:
            values[place] = orjson.loads(values[place])
    return Message(*values)
