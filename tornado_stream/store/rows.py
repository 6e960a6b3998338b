"""Converts conversations and messages to rows of the database, and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

import orjson

from tornado_stream.values.messages import Conversation, Message

#: The columns are in the order of the fields of `Conversation`.
CONVERSATION = (
    *("id", "title", "system", "current_id", "created_at", "updated_at"),
    *("model", "options", "preset", "pinned", "archived", "folder"),
    *("tools", "always"),
)
#: The indexes of the columns that hold JSON.
_JSON_OF_CONVERSATION = [CONVERSATION.index(name) for name in ("options", "tools", "always")]
_PINNED, _ARCHIVED = CONVERSATION.index("pinned"), CONVERSATION.index("archived")
#: The columns are in the order of the fields of `Message`.
MESSAGE = (
    *("id", "conversation_id", "parent_id", "role", "content", "created_at", "reasoning"),
    *("refusal", "tool_calls", "model", "state", "finish_reason", "usage", "error", "timings"),
    *("generation_id", "continued_from", "upstream", "cost", "sources", "signed", "sent"),
    *("files", "parts"),
)
#: The columns whose bytes are the size of a message.
SIZED = ("content", "reasoning", "refusal", "tool_calls", "sources", "signed", "sent", "parts")
#: The indexes of the columns that hold JSON.
_JSON = [
    MESSAGE.index(name)
    for name in (
        *("tool_calls", "usage", "error", "timings", "cost", "sources", "signed", "sent"),
        *("files", "parts"),
    )
]

_SIZED = [MESSAGE.index(name) for name in SIZED]

_conversation_values, _message_values = attrgetter(*CONVERSATION), attrgetter(*MESSAGE)

CONVERSATION_COLUMNS = ", ".join(CONVERSATION)
MESSAGE_COLUMNS = ", ".join(f"m.{name}" for name in MESSAGE)


def from_conversation(conversation: Conversation) -> list[Any]:
    """The row of a conversation: the values of the columns `CONVERSATION`."""
    return [from_value(value) for value in _conversation_values(conversation)]


def from_value(value: Any) -> Any:
    """The value of a column: an object or a list as JSON."""
    return orjson.dumps(value).decode() if isinstance(value, dict | list | tuple) else value


def to_conversation(row: Iterable[Any]) -> Conversation:
    """The conversation of a row, whose values are those of the columns `CONVERSATION`."""
    values = list(row)
    for index in _JSON_OF_CONVERSATION:
        if values[index] is not None:
            values[index] = orjson.loads(values[index])
    for index in (_PINNED, _ARCHIVED):
        values[index] = bool(values[index])
    return Conversation(*values)


def from_message(message: Message) -> list[Any]:
    """The row of a message: the values of the columns `MESSAGE`."""
    values = list(_message_values(message))
    for index in _JSON:
        if values[index] is not None:
            values[index] = orjson.dumps(values[index]).decode()
    return values


def size(values: Sequence[Any]) -> int:
    """The bytes of text in the row of a message."""
    texts = [text for index in _SIZED if (text := values[index])]
    return sum(len(text) if text.isascii() else len(text.encode()) for text in texts)


def to_message(row: Iterable[Any]) -> Message:
    """The message of a row, whose values are those of the columns `MESSAGE`."""
    values = list(row)
    for index in _JSON:
        if values[index] is not None:
            values[index] = orjson.loads(values[index])
    return Message(*values)
