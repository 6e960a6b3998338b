"""Conversations as LibreChat exports them: one in a file, or a list. Pure.

`messages` is a list in which each message names its parent, or with the option *recursive*
`messagesTree`, in which each has its `children`. A branch that was not exported is not there.
"""

from __future__ import annotations

from typing import Any

from tornado_stream.chat.imports.attachments import Attachments
from tornado_stream.chat.imports.members import identity, listed, moment, name, part, table, text
from tornado_stream.chat.imports.node_files import add_archived, add_inline
from tornado_stream.chat.imports.trees import Node, Tree

SOURCE = "librechat"
#: The parent of a root there.
NO_PARENT = "00000000-0000-0000-0000-000000000000"


def matches(record: dict[str, Any]) -> bool:
    return "conversationId" in record and isinstance(_messages(record), list)


def read(record: dict[str, Any], archive: Attachments) -> Tree:
    options = table(record.get("options"))
    model = name(options.get("model"))
    nodes: list[Node] = []
    waiting: list[tuple[str | None, Any]] = [(None, one) for one in reversed(_messages(record))]
    has_parents = any("parentMessageId" in table(one) for _, one in waiting)
    while waiting:
        parent, value = waiting.pop()
        message = table(value)
        given = identity(message.get("parentMessageId"))
        if parent is None and given != NO_PARENT:
            parent = given
        if not has_parents and parent is None and nodes and "messagesTree" not in record:
            parent = nodes[-1].id  # a list of one branch
        id = identity(message.get("messageId")) or f"#{len(nodes)}"
        node = _node(id, parent, message, archive)
        if node.role == "assistant":
            node.model = node.model or model
        nodes.append(node)
        waiting += [(node.id, child) for child in reversed(listed(message.get("children")))]
    prompt = text(options.get("promptPrefix")) or text(options.get("system"))
    return Tree(
        id=identity(record.get("conversationId")) or "",
        title=text(record.get("title")),
        nodes=nodes + [extra for node in nodes for extra in node.more.pop("uses", [])],
        current=max(nodes, key=lambda node: node.at).id if nodes else None,
        created_at=moment(record.get("createdAt")),
        updated_at=moment(record.get("updatedAt")),
        more={
            "archived": record.get("isArchived") is True,
            **({"system": prompt} if prompt else {}),
        },
    )


def _messages(record: dict[str, Any]) -> Any:
    return record.get("messagesTree", record.get("messages"))


def _node(id: str, parent: str | None, message: dict[str, Any], archive: Attachments) -> Node:
    is_users = message.get("isCreatedByUser")
    if not isinstance(is_users, bool):
        is_users = text(message.get("sender")).lower() == "user"
    node = Node(id, parent, "user" if is_users else "assistant")
    node.at = moment(message.get("createdAt"))
    node.model = None if is_users else name(message.get("model"))
    shown = [text(message.get("text"))]
    thoughts: list[str] = []
    uses: list[Node] = []
    for one in map(table, listed(message.get("content"))):
        kind = text(one.get("type"))
        if kind in ("text", "error"):
            value = one.get("text") or one.get("error")
            said = text(value) or text(table(value).get("value"))
            shown += [said] if said not in shown else []
        elif kind == "think":
            thoughts.append(text(one.get("think")) or text(table(one.get("think")).get("value")))
        elif kind == "image_file":
            shown.append(_file(node, table(one.get("image_file")), "picture", archive))
        elif kind == "image_url":
            shown.append(add_inline(node, table(one.get("image_url")).get("url"), "picture"))
        elif kind == "tool_call":
            uses.append(Node(f"{id}#{len(uses)}", id, "", text=kind))
    for one in map(table, listed(message.get("image_urls"))):
        shown.append(add_inline(node, table(one.get("image_url")).get("url"), "picture"))
    for one in map(table, listed(message.get("files"))):
        is_picture = text(one.get("type")).startswith("image")
        shown.append(_file(node, one, "picture" if is_picture else "file", archive))
    node.text = "\n\n".join(filter(None, shown))
    node.reasoning = "\n\n".join(filter(None, thoughts))
    if uses:
        node.more["uses"] = uses
    return node


def _file(node: Node, value: dict[str, Any], kind: str, archive: Attachments) -> str:
    """What stands in the text for a file. An export has none, but somebody may have packed it with
    the files of the server, where `filepath` says where they are."""
    path, named = text(value.get("filepath")), name(value.get("filename"))
    if path.startswith("data:"):
        return add_inline(node, path, kind, named)
    return add_archived(node, archive, path, kind, named) if path else part(kind, named)
