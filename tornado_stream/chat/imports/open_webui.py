"""Conversations as Open WebUI exports them: a list of chats, or one. Pure.

A chat's `history` has the tree: `messages` by id, each with `parentId`, and `currentId`. Reasoning
and calls of tools are `<details>` in the text of an answer, and in newer versions items of `output`
in the form of OpenAI's Responses API.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
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
    source,
    table,
    text,
)
from tornado_stream.chat.imports.node_files import add_inline
from tornado_stream.chat.imports.trees import Node, Tree
from tornado_stream.values.events import Source

SOURCE = "open-webui"
_DETAILS = re.compile(
    r'<details\b[^>]*\btype="(reasoning|tool_calls|code_interpreter)"[^>]*>(.*?)</details>\s*',
    re.S,
)
_SUMMARY = re.compile(r"\s*<summary>.*?</summary>\s*", re.S)
_QUOTED = re.compile(r"^> ?", re.M)
#: Items of `output` that are no use of a tool.
_NO_USE = ("message", "reasoning", "function_call_output")


def matches(record: dict[str, Any]) -> bool:
    return isinstance(_messages(record), dict)


def read(record: dict[str, Any], archive: Attachments) -> Tree:
    chat = _chat(record)
    history = table(chat.get("history"))
    messages = [(key, table(value)) for key, value in (_messages(record) or {}).items()]
    texts = _texts_of_files(message for _, message in messages)
    nodes = [node for key, message in messages for node in _nodes(key, message, texts)]
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


def _nodes(key: str, message: dict[str, Any], texts: Mapping[str, str]) -> list[Node]:
    """The node of a message; one for each use of a tool, which are left out and counted; and one
    for the answer that was merged of several."""
    role = text(message.get("role"))
    node = Node(text(key), identity(message.get("parentId")), role)
    node.at = moment(message.get("timestamp"))
    node.text = _content(node, message.get("content"))
    files = [table(one) for one in listed(message.get("files"))]
    if role == "assistant":
        node.model = name(message.get("model"))
        output = [table(item) for item in listed(message.get("output"))]
        uses = _read_answer(node, output)
        node.sources = _pages(message)
        _add_ending(node, message, output)
        _add_files(node, [one for one in files if one.get("type") == "image"], texts)  # it drew
        merged = text(table(message.get("merged")).get("content"))
        return [node, *uses, Node(f"{node.id}#merged", node.parent, role, merged, at=node.at)]
    if role == "user":
        _add_files(node, files, texts)
    elif role != "system":
        node.role = ""
    return [node]


def _read_answer(node: Node, output: list[dict[str, Any]]) -> list[Node]:
    """Take text and reasoning apart. Returns a node for each use of a tool."""
    thoughts: list[str] = []
    shown: list[str] = []

    def take(found: re.Match[str]) -> str:
        if found[1] == "reasoning":
            thoughts.append(unescape(_QUOTED.sub("", _SUMMARY.sub("", found[2]))).strip())
        else:
            shown.append(found[1])
        return ""

    if "<details" in node.text:
        node.text = _DETAILS.sub(take, node.text).strip()

    def written(kind: str) -> list[str]:
        contents = [item.get("content") for item in output if item.get("type") == kind]
        return [_content(node, content) for content in contents]

    node.reasoning = "\n\n".join(filter(None, written("reasoning"))) or "\n\n".join(
        filter(None, thoughts)
    )
    if not node.text:
        node.text = "\n\n".join(filter(None, written("message")))
    kinds = [text(item.get("type")) for item in output]
    uses = [kind for kind in kinds if kind and kind not in _NO_USE] or shown  # some have both
    return [Node(f"{node.id}#{at}", node.id, "", text=kind) for at, kind in enumerate(uses)]


def _add_ending(node: Node, message: dict[str, Any], output: list[dict[str, Any]]) -> None:
    """How the answer ended, if not well. One that had not begun is none."""
    state, error = None, message.get("error")
    if error:
        state = "error"
        told = _words(error)
        if error is True:  # in old versions the error is the text
            told, node.text = node.text, ""
        node.more["error"] = {
            "code": "upstream_error",
            "message": told,
            "upstream_status": None,
            "retryable": False,
            "retry_after": None,
        }
    elif output and output[-1].get("status") == "incomplete":
        state = "stopped"
    elif message.get("done") is False and (node.text or node.reasoning):
        state = "interrupted"
    if state:
        node.more |= {"state": state, "upstream": f"import:{SOURCE}"}


def _words(error: Any) -> str:
    """The text of an error, which has as many layers as servers passed it on."""
    for _ in range(4):
        if not isinstance(error, dict):
            break
        inner = (error.get(member) for member in ("content", "error", "message", "detail"))
        error = next(filter(None, inner), "")
    return text(error)


def _pages(message: dict[str, Any]) -> list[Source]:
    """The pages that an answer cites, each once."""
    found: dict[str, Source] = {}
    for one in _sources(message):
        about = table(one.get("source"))
        for place in map(table, listed(one.get("metadata"))):
            for page in source(place.get("source"), place.get("title") or place.get("name")):
                found.setdefault(page["url"], page)
        for page in source(about.get("url"), about.get("name")):
            found.setdefault(page["url"], page)
    return list(found.values())


def _texts_of_files(messages: Iterable[dict[str, Any]]) -> dict[str, str]:
    """The texts of files by their ids, from the sources of the answers that were given the whole
    file. Parts of one that are near to a question have `distances`; what a tool has read of one
    does not name the `file`."""
    texts: dict[str, str] = {}
    for message in messages:
        for one in _sources(message):
            about, documents = table(one.get("source")), listed(one.get("document"))
            is_whole = "file" in about and len(documents) == 1 and "distances" not in one
            if is_whole and (id := identity(about.get("id"))):
                texts.setdefault(id, text(documents[0]))
    return texts


def _sources(message: dict[str, Any]) -> list[dict[str, Any]]:
    sources = listed(message.get("sources")) or listed(message.get("citations"))
    return [table(one) for one in sources]


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


def _add_files(node: Node, files: list[dict[str, Any]], texts: Mapping[str, str]) -> None:
    places = [_file(node, one, texts) for one in files]
    node.text = "\n\n".join(filter(None, [node.text, *places]))


def _file(node: Node, value: dict[str, Any], texts: Mapping[str, str]) -> str:
    """What stands in the text for a file. Its text is kept beside it, as it was taken out there."""
    file = table(value.get("file"))
    named = value.get("name") or file.get("filename")
    if value.get("type") == "image":
        return add_inline(node, value.get("url"), "picture", named)
    content = text(table(file.get("data")).get("content"))
    content = content or texts.get(identity(value.get("id")) or "", "")
    if content:
        return attached(named, content)
    type = value.get("content_type") or table(file.get("meta")).get("content_type")
    return part("picture" if text(type).startswith("image/") else "file", named)
