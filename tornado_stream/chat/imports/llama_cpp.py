"""Conversations as the page of llama.cpp's server exports them. Pure.

Newer versions write lines of JSON: a `session`, then each `message` of it. Older ones write
`{"conv", "messages"}`, or a list of these. The root of each tree is a message of the type `root`.
"""

from __future__ import annotations

from typing import Any

from tornado_stream.chat.imports.attachments import Attachments
from tornado_stream.chat.imports.members import (
    attached,
    identity,
    listed,
    moment,
    name,
    part,
    table,
    text,
)
from tornado_stream.chat.imports.node_files import add_inline
from tornado_stream.chat.imports.trees import Node, Tree

SOURCE = "llama.cpp"
#: What stands for something that a question had with it, by its type.
_EXTRAS = {
    "audio": "recording",
    "audiofile": "recording",
    "video": "video",
    "videofile": "video",
}

#: Members of those with bytes in base64.
_BYTES = ("base64Url", "base64Data", "images")


def matches(record: dict[str, Any]) -> bool:
    return isinstance(record.get("conv"), dict) and isinstance(record.get("messages"), list)


def begins(record: dict[str, Any]) -> bool:
    """Whether a line begins a conversation."""
    return record.get("type") == "session" and "id" in record and "mapping" not in record


def follows(record: dict[str, Any]) -> bool:
    """Whether a line is a message of the conversation that began before it."""
    return record.get("type") == "message" and isinstance(record.get("message"), dict)


def bounded(message: dict[str, Any], most: int) -> dict[str, Any]:
    """A message with the bytes of its files, or without them if it would be larger than this."""
    if size_of(message) <= most:
        return message
    extras = [
        {key: value for key, value in table(one).items() if key not in _BYTES}
        for one in listed(message.get("extra"))
    ]
    return message | {"extra": extras}


def size_of(value: Any, depth: int = 4) -> int:
    """About how many bytes the texts of a value take, down to those of the files of a message."""
    if isinstance(value, str):
        return len(value)
    inner = value.values() if isinstance(value, dict) else listed(value)
    return 10 + sum(size_of(one, depth - 1) for one in inner if depth)


def read(record: dict[str, Any], archive: Attachments) -> Tree:
    conv = record["conv"]
    messages = [one for one in record["messages"] if isinstance(one, dict)]
    return Tree(
        id=identity(conv.get("id")) or "",
        title=text(conv.get("name")),
        nodes=[_node(number, one) for number, one in enumerate(messages)],
        current=identity(conv.get("currNode")),
        updated_at=moment(conv.get("lastModified")),
        more={"pinned": conv.get("pinned") is True},
    )


def _node(number: int, message: dict[str, Any]) -> Node:
    role = text(message.get("role"))
    node = Node(identity(message.get("id")) or f"#{number}", identity(message.get("parent")), role)
    node.at = moment(message.get("timestamp"))
    node.text = text(message.get("content"))
    if message.get("type") == "root" or role not in ("user", "assistant", "system"):
        node.role = ""
    elif role == "assistant":
        node.model = name(message.get("model"))
        node.reasoning = text(message.get("reasoningContent")) or text(message.get("thinking"))
    elif role == "user":
        extras = [_extra(node, table(one)) for one in listed(message.get("extra"))]
        node.text = "\n\n".join(filter(None, [node.text, *extras]))
    return node


def _extra(node: Node, value: dict[str, Any]) -> str:
    """What stands in the text for something that a question had with it."""
    kind, named = text(value.get("type")).replace("_", "").lower(), value.get("name")
    if kind in ("image", "imagefile"):
        return add_inline(node, value.get("base64Url"), "picture", named)
    if kind in _EXTRAS:
        return part(_EXTRAS[kind], named)
    if value.get("processedAsImages") is True:  # a PDF whose text the page did not take out
        return _pages(node, value)
    content = text(value.get("content"))
    return attached(named, content) if content else part("file", named)


def _pages(node: Node, value: dict[str, Any]) -> str:
    """A PDF, or the pictures of its pages, which older pages keep in its place."""
    named, images = value.get("name"), listed(value.get("images"))
    if (data := text(value.get("base64Data"))) or not images:
        return add_inline(node, f"data:;base64,{data}", "file", named)
    places = [
        add_inline(node, image, "picture", f"{text(named)} {number}")
        for number, image in enumerate(images, 1)
    ]
    return "\n\n".join(filter(None, places))
