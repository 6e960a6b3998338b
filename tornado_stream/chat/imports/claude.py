"""Conversations as Claude exports them: `conversations.json` with `chat_messages`. Pure.

The form is not documented by its maker. `content` has blocks; `text` has the same in exports of
earlier years. Messages name the one before them; where none does, they are one branch, in order.
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
from tornado_stream.chat.imports.trees import Node, Tree

SOURCE = "claude"
_ROLES = {"human": "user", "user": "user", "assistant": "assistant"}


def matches(record: dict[str, Any]) -> bool:
    return isinstance(record.get("chat_messages"), list)


def read(record: dict[str, Any], archive: Attachments) -> Tree:
    messages = [one for one in record["chat_messages"] if isinstance(one, dict)]
    model = name(record.get("model"))
    has_tree = any(one.get("parent_message_uuid") for one in messages)
    nodes: list[Node] = []
    for number, one in enumerate(messages):
        before = nodes[-1].id if nodes else None
        parent = identity(one.get("parent_message_uuid")) if has_tree else before
        node = _node(identity(one.get("uuid")) or f"#{number}", parent, one)
        node.model = model if node.role == "assistant" else None
        nodes.append(node)
        nodes += _tools(node, one)
    tips = [node for node in nodes if node.role]
    newest = max(tips, key=lambda node: node.at).id if has_tree and tips else None
    return Tree(
        id=identity(record.get("uuid")) or "",
        title=text(record.get("name")),
        nodes=nodes,
        current=identity(record.get("current_leaf_message_uuid")) or newest,
        created_at=moment(record.get("created_at")),
        updated_at=moment(record.get("updated_at")),
        more={"pinned": record.get("is_starred") is True},
    )


def _node(id: str, parent: str | None, message: dict[str, Any]) -> Node:
    role = _ROLES.get(text(message.get("sender")), "")
    blocks = _blocks(message)
    texts = [text(block.get("text")) for block in blocks if block.get("type") == "text"]
    thoughts = [text(b.get("thinking")) for b in blocks if b.get("type") == "thinking"]
    shown = "\n\n".join(filter(str.strip, texts)) or text(message.get("text"))
    parts = [shown, *map(_attachment, listed(message.get("attachments"))), *_files(message)]
    return Node(
        id,
        parent,
        role,
        "\n\n".join(filter(None, parts)),
        "\n\n".join(filter(None, thoughts)),
        at=moment(message.get("created_at")),
    )


def _tools(node: Node, message: dict[str, Any]) -> list[Node]:
    """A node for each call of a tool and each result, which are left out and counted."""
    kinds = [block.get("type") for block in _blocks(message)]
    used = [kind for kind in kinds if kind in ("tool_use", "tool_result")]
    return [
        Node(f"{node.id}#{number}", node.id, "", text=text(kind))
        for number, kind in enumerate(used)
    ]


def _blocks(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [block for block in listed(message.get("content")) if isinstance(block, dict)]


def _attachment(value: Any) -> str:
    value = table(value)
    content = text(value.get("extracted_content"))
    return (
        attached(value.get("file_name"), content)
        if content
        else part("file", value.get("file_name"))
    )


def _files(message: dict[str, Any]) -> list[str]:
    files = [table(one) for one in listed(message.get("files"))]
    names = {text(table(one).get("file_name")) for one in listed(message.get("attachments"))}
    shown = [one for one in files if text(one.get("file_name")) not in names]
    return [
        part("picture" if one.get("file_kind") == "image" else "file", one.get("file_name"))
        for one in shown
    ]
