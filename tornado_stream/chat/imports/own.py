"""Conversations, presets and defaults as this program exports them (`chat/export.py`). Pure.

Everything comes back as it was, but for ids, and for the tools that run unasked: a file gives no
permission. An answer that was running when it was exported is interrupted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tornado_stream.chat.imports.attachments import Attachments
from tornado_stream.chat.imports.members import (
    LAST_TIME,
    identity,
    listed,
    name,
    table,
    text,
)
from tornado_stream.chat.imports.own_parts import clean, file_of, pages, parts_of, whole_number
from tornado_stream.chat.imports.trees import Node, Tree
from tornado_stream.values.presets import InvalidPreset, parse_options

SOURCE = "tornado-stream"
#: The roles that our messages have.
ROLES = ("user", "assistant", "system", "developer", "tool", "function")
#: How an answer can have ended.
STATES = ("done", "stopped", "error", "cut_off", "interrupted")


def matches(record: dict[str, Any]) -> bool:
    return isinstance(record.get("messages"), list) and {
        "id",
        "current_id",
        "created_at",
        "updated_at",
    } <= set(record)


def is_settings(record: dict[str, Any]) -> bool:
    """Whether an object has presets and defaults."""
    return isinstance(record.get("presets"), list) and isinstance(record.get("defaults"), dict)


def read(record: dict[str, Any], archive: Attachments) -> Tree:
    messages = [one for one in record["messages"] if isinstance(one, dict)]
    nodes = [_node(number, one) for number, one in enumerate(messages)]
    return Tree(
        id=identity(record.get("id")) or "",
        title=text(record.get("title")),
        nodes=nodes,
        current=identity(record.get("current_id")),
        created_at=_time(record.get("created_at")),
        updated_at=_time(record.get("updated_at")),
        more={
            "system": text(record.get("system")) or None,
            "model": text(record.get("model")) or None,
            "options": _options(record.get("options")),
            "preset": name(record.get("preset")),
            "pinned": record.get("pinned") is True,
            "archived": record.get("archived") is True,
            "folder": name(record.get("folder")),
            "tools": _names(record.get("tools")),
        },
        own=True,
    )


def _node(number: int, message: dict[str, Any]) -> Node:
    role, state = text(message.get("role")), message.get("state")
    node = Node(
        identity(message.get("id")) or f"#{number}",
        identity(message.get("parent_id")),
        "assistant" if role == "assistant" else "user" if role in ROLES else "",
        text(message.get("content")),
        text(message.get("reasoning")),
        text(message.get("model")) or None,
        _time(message.get("created_at")),
    )
    more: dict[str, Any] = {"role": role, "refusal": text(message.get("refusal"))}
    for field, wanted in _FIELDS.items():
        if (value := wanted(message.get(field))) is not None:
            more[field] = value
    if state is not None:
        more["state"] = state if state in STATES else "interrupted"
    elif role == "assistant":
        more["state"] = None
    node.files = [file for file in map(file_of, listed(message.get("files"))) if file["id"]]
    node.more = more
    node.sources = pages(message.get("sources"))
    return node


def _time(value: Any) -> int:
    is_time = isinstance(value, int) and not isinstance(value, bool)
    return value if is_time and 0 <= value <= LAST_TIME else 0


def _options(value: Any) -> dict[str, Any] | None:
    try:
        return parse_options(value) or None
    except InvalidPreset:
        return None


def _names(value: Any) -> list[str] | None:
    return [text(one) for one in value if text(one)] if isinstance(value, list) else None


def _object(value: Any) -> dict[str, Any] | None:
    return clean(value) if isinstance(value, dict) and value else None


def _words(value: Any) -> str | None:
    return text(value)[:200] or None


def _calls(value: Any) -> list[dict[str, Any]] | None:
    """The calls of tools in an answer."""
    calls = []
    for number, one in enumerate(map(table, listed(value))):
        index = one.get("index")
        calls.append(
            {
                "index": index if isinstance(index, int) else number,
                "id": text(one.get("id")) or None,
                "name": text(one.get("name")),
                "arguments": text(one.get("arguments")),
            }
        )
    return calls or None


def _times(value: Any) -> dict[str, int | None] | None:
    known = {text(key): whole_number(one) for key, one in table(value).items()}
    return known or None


#: Fields of a message that come back as they were, and what reads each.
_FIELDS: Mapping[str, Callable[[Any], Any]] = {
    "tool_calls": _calls,
    "finish_reason": _words,
    "usage": _object,
    "error": _object,
    "timings": _times,
    "continued_from": identity,
    "upstream": _words,
    "cost": _object,
    "sent": _object,
    "parts": parts_of,
}
