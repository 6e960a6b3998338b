"""Values as PostgreSQL takes them, and back. Pure.

A text of PostgreSQL cannot hold the character NUL, and a conversation's can. So NUL is stored as
two characters, of which the first is rare, and is stored as two characters too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from tornado_stream.store.rows import (
    from_conversation,
    from_message,
    to_conversation,
    to_message,
)
from tornado_stream.values.messages import Conversation, Message

#: The first of the two characters.
_ESCAPE = "\x1a"
_ESCAPED = re.compile(_ESCAPE + "(.)", re.DOTALL)
_MEANING = {_ESCAPE: _ESCAPE, "0": "\0"}


def to_text(value: Any) -> Any:
    """A value as it is stored; all but texts stay as they are."""
    if isinstance(value, str) and ("\0" in value or _ESCAPE in value):
        return value.replace(_ESCAPE, _ESCAPE * 2).replace("\0", _ESCAPE + "0")
    return value


def from_text(value: Any) -> Any:
    """A value as it was before `to_text`."""
    if isinstance(value, str) and _ESCAPE in value:
        return _ESCAPED.sub(lambda found: _MEANING[found[1]], value)
    return value


def conversation_values(conversation: Conversation) -> list[Any]:
    """The values of the columns `rows.CONVERSATION`."""
    return [to_text(value) for value in from_conversation(conversation)]


def as_conversation(values: Iterable[Any]) -> Conversation:
    """The conversation of a row, whose values are those of `rows.CONVERSATION`."""
    return to_conversation(map(from_text, values))


def message_values(message: Message) -> list[Any]:
    """The values of the columns `rows.MESSAGE`."""
    return [to_text(value) for value in from_message(message)]


def as_message(values: Iterable[Any]) -> Message:
    """The message of a row, whose values are those of `rows.MESSAGE`."""
    return to_message(map(from_text, values))


def marks(count: int, first: int = 1) -> str:
    """The parameters of a statement: `$1, $2, …`."""
    return ", ".join(f"${number}" for number in range(first, first + count))


def columns_of(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    """Rows as arrays of their columns, for `unnest`."""
    return [[row[index] for row in rows] for index in range(width)]


def as_text(numbers: Sequence[int]) -> str:
    """Numbers as the text of an array of PostgreSQL, which takes a tenth of the time that the
    driver needs for a list. The statement says `$1::text::bigint[]`."""
    return "{" + orjson.dumps(numbers).decode()[1:-1] + "}"
