"""Conversations as Open WebUI exports them: a list of chats, or one. Pure.

A chat's `history` has the tree: `messages` by id, each with `parentId`, and `currentId`. Reasoning
and calls of tools are `<details>` in the text of an answer, and in newer versions also items of
`output` in the form of OpenAI's Responses API.
"""

from __future__ import annotations

import re
from html import unescape
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

SOURCE = "open-webui"
_DETAILS = re.compile(
    r'<details\b[^>]*\btype="(reasoning|tool_calls|code_interpreter)"[^>]*>(.*?)</details>\s*',
    re.S,
)
_SUMMARY = re.compile(r"\s*<summary>.*?</summary>\s*", re.S)
_QUOTED = re.compile(r"^> ?", re.M)


def matches(record: dict[str, Any]) -> bool:
    return isinstance(_messages(record), dict)


def read(record: dict[str, Any], archive: Attachments) -> Tree:
    chat = _chat(record)
    history = table(chat.get("history"))
    messages = [(key, table(value)) for key, value in (_messages(record) or {}).items()]
    nodes = [node for key, message in messages for node in _nodes(key, message)]
    prompt = text(chat.get("system")) or text(table(chat.get("params")).get("system"))
    return Tree(
        id=identity(record.get("id")) or identity(chat.get("id")) or "",
        title=text(record.get("title")) or text(chat.get("title")),
        nodes=nodes,
        current=identity(history.get("currentId")),
        created_at=moment(record.get("created_at")) or moment(chat.get("timestamp")),
        updated_at=moment(record.get("updated_at")),
        more={
            "archived": record.get("archived") is True,
            "pinned": record.get("pinned") is True,
            **({"system": prompt} if prompt else {}),
        },
    )


def _chat(record: dict[str, Any]) -> dict[str, Any]:
    """The chat in its record, or a chat that was exported alone."""
    chat = record.get("chat")
    return chat if isinstance(chat, dict) else record


def _messages(record: dict[str, Any]) -> Any:
    return table(_chat(record).get("history")).get("messages")


def _nodes(key: str, message: dict[str, Any]) -> list[Node]:
    """The node of a message, and one for each use of a tool, which are left out and counted."""
    role = text(message.get("role"))
    node = Node(text(key), identity(message.get("parentId")), role)
    node.at = moment(message.get("timestamp"))
    node.text = _content(node, message.get("content"))
    files = [table(one) for one in listed(message.get("files"))]
    if role == "assistant":
        node.model = name(message.get("model"))
        uses = _read_answer(node, listed(message.get("output")))
        if not node.text:
            node.text = text(table(message.get("error")).get("content"))
        _add_files(node, [one for one in files if one.get("type") == "image"])  # it drew them
        return [node, *uses]
    if role == "user":
        _add_files(node, files)
    elif role != "system":
        node.role = ""
    return [node]


def _read_answer(node: Node, output: list[Any]) -> list[Node]:
    thoughts: list[str] = []
    uses: list[Node] = []

    def take(found: re.Match[str]) -> str:
        if found[1] == "reasoning":
            thoughts.append(unescape(_QUOTED.sub("", _SUMMARY.sub("", found[2]))).strip())
        else:
            uses.append(Node(f"{node.id}#{len(uses)}", node.id, "", text=found[1]))
        return ""

    if "<details" in node.text:
        node.text = _DETAILS.sub(take, node.text).strip()
    items = [table(item) for item in output]

    def written(kind: str) -> list[str]:
        contents = [item.get("content") for item in items if item.get("type") == kind]
        return [_content(node, content) for content in contents]

    node.reasoning = "\n\n".join(filter(None, written("reasoning"))) or "\n\n".join(
        filter(None, thoughts)
    )
    if not node.text:
        node.text = "\n\n".join(filter(None, written("message")))
    return uses


def _content(node: Node, value: Any) -> str:
    """The text of a content, which may be a list of parts."""
    if isinstance(value, str):
        return text(value)
    parts = [table(one) for one in listed(value)]
    shown = [
        add_inline(node, table(one.get("image_url")).get("url"), "picture")
        if one.get("type") == "image_url"
        else text(one.get("text"))
        for one in parts
    ]
    return "\n\n".join(filter(None, shown))


def _add_files(node: Node, files: list[dict[str, Any]]) -> None:
    places = [_file(node, one) for one in files]
    node.text = "\n\n".join(filter(None, [node.text, *places]))


def _file(node: Node, value: dict[str, Any]) -> str:
    """What stands in the text for a file. Its text is kept beside it, as it was taken out there."""
    file = table(value.get("file"))
    named = value.get("name") or file.get("filename")
    if value.get("type") == "image":
        return add_inline(node, value.get("url"), "picture", named)
    content = text(table(file.get("data")).get("content"))
    return attached(named, content) if content else part("file", named)
