"""Conversations as ChatGPT exports them: `conversations.json`, or `conversations-NNN.json` in large
archives. Pure.

The form is not documented by its maker. Its `mapping` is a tree of nodes, of which `current_node`
is shown; the kinds of `content` are those that public readers of such exports describe. Custom
instructions, hidden prompts, calls of tools and their results are left out.
"""

from __future__ import annotations

import re
from typing import Any

from tornado_stream.chat.imports.attachments import Attachments
from tornado_stream.chat.imports.members import (
    identity,
    listed,
    moment,
    name,
    part,
    source,
    table,
    text,
)
from tornado_stream.chat.imports.node_files import add_archived
from tornado_stream.chat.imports.trees import Node, Tree
from tornado_stream.values.events import Source

SOURCE = "chatgpt"
#: Sources of an answer.
MAX_SOURCES = 100
#: Kinds of content that people read there as text.
_SHOWN = ("text", "multimodal_text", "code", "execution_output", "tether_quote")
#: Marks within a text that stand for its sources, in characters of private use.
_MARKS = re.compile("\ue200[^\ue201]*\ue201")
#: What stands for a part that is no text, by its `content_type`.
_PARTS = {
    "image_asset_pointer": "picture",
    "audio_asset_pointer": "recording",
    "real_time_user_audio_video_asset_pointer": "recording",
    "video_container_asset_pointer": "video",
}


def matches(record: dict[str, Any]) -> bool:
    return isinstance(record.get("mapping"), dict)


def read(record: dict[str, Any], archive: Attachments) -> Tree:
    nodes = [_node(key, table(value), archive) for key, value in record["mapping"].items()]
    return Tree(
        id=identity(record.get("conversation_id")) or identity(record.get("id")) or "",
        title=text(record.get("title")),
        nodes=nodes,
        current=identity(record.get("current_node")),
        created_at=moment(record.get("create_time")),
        updated_at=moment(record.get("update_time")),
        more={
            "archived": record.get("is_archived") is True,
            "pinned": record.get("is_starred") is True,
        },
    )


def _node(key: str, value: dict[str, Any], archive: Attachments) -> Node:
    message = table(value.get("message"))
    node = Node(text(key), identity(value.get("parent")), "", at=moment(message.get("create_time")))
    content, metadata = table(message.get("content")), table(message.get("metadata"))
    kind = content.get("content_type")
    role = table(message.get("author")).get("role")
    files = _Files(node, archive, metadata)
    node.text = _text(content, files)
    is_hidden = metadata.get("is_visually_hidden_from_conversation") is True
    if role == "user" and not is_hidden and kind in _SHOWN:
        node.role = "user"
        node.text = "\n\n".join(filter(None, [node.text, *files.attached(node.text)]))
    elif role == "assistant" and not is_hidden:
        _read_answer(node, message, content, metadata)
    elif role == "tool" and not is_hidden and _has_pictures_alone(content):
        node.role = "assistant"  # it drew them
    return node


def _has_pictures_alone(content: dict[str, Any]) -> bool:
    parts = [one for one in listed(content.get("parts")) if one != ""]
    return bool(parts) and all(
        table(one).get("content_type") == "image_asset_pointer" for one in parts
    )


def _read_answer(
    node: Node, message: dict[str, Any], content: dict[str, Any], metadata: dict[str, Any]
) -> None:
    kind, channel = content.get("content_type"), message.get("channel")
    node.model = name(metadata.get("model_slug"))
    if message.get("recipient", "all") not in ("all", None):
        return  # a call of a tool
    if kind == "thoughts":
        thoughts = [table(one) for one in listed(content.get("thoughts"))]
        paragraphs = [[text(one.get("summary")), text(one.get("content"))] for one in thoughts]
        node.reasoning = "\n\n".join(filter(None, sum(paragraphs, [])))
        node.role, node.text = "assistant", ""
    elif kind == "reasoning_recap":
        node.seen = False  # "Thought for 12 seconds"
    elif channel == "analysis":
        node.role, node.reasoning, node.text = "assistant", node.text, ""
    elif kind in _SHOWN:
        node.role = "assistant"
        node.text = _MARKS.sub("", node.text)
        node.sources = _sources(metadata)
        if kind == "code" and node.text:
            language = text(content.get("language"))
            node.text = f"```{'' if language == 'unknown' else language}\n{node.text}\n```"


def _sources(metadata: dict[str, Any]) -> list[Source]:
    """The pages that an answer cites, each once."""
    found: list[Source] = []
    for reference in map(table, listed(metadata.get("content_references"))):
        pages = [reference, *map(table, listed(reference.get("items")))]
        found += sum([source(one.get("url"), one.get("title")) for one in pages], [])
    for citation in map(table, listed(metadata.get("citations"))):
        about = table(citation.get("metadata"))
        found += source(about.get("url"), about.get("title"))
    return list({one["url"]: one for one in found}.values())[:MAX_SOURCES]


def _text(content: dict[str, Any], files: _Files) -> str:
    if "parts" in content:
        return "\n\n".join(filter(None, map(files.part, listed(content["parts"]))))
    for member in ("text", "content", "result"):
        if found := text(content.get(member)):
            return found
    return ""


class _Files:
    """The files that a message refers to."""

    def __init__(self, node: Node, archive: Attachments, metadata: dict[str, Any]) -> None:
        self._node = node
        self._archive = archive
        files = map(table, listed(metadata.get("attachments")))
        self._names = [(identity(one.get("id")) or "", one.get("name")) for one in files]

    def part(self, value: Any) -> str:
        """The text of a part of a message, or what stands for its file."""
        if isinstance(value, str):
            return text(value)
        value = table(value)
        kind = value.get("content_type")
        if kind == "audio_transcription" or (kind is None and "text" in value):
            return text(value.get("text"))
        return self._pointed(_PARTS[kind], _pointer(value)) if kind in _PARTS else ""

    def _pointed(self, kind: str, pointer: str) -> str:
        if kind != "picture":
            return part(kind, pointer.rpartition("/")[2])
        names = [name for id, name in self._names if id and id in pointer]
        if self._archive.name(pointer) is None:
            names = []  # the text has the name that the archive should have had
        return add_archived(self._node, self._archive, pointer, kind, names[0] if names else None)

    def attached(self, shown: str) -> list[str]:
        """What stands for the files that a question had with it. A picture has its place in the
        text already."""
        pointers = shown + "".join(file["id"] for file in self._node.files)
        others = [(id, name) for id, name in self._names if not (id and id in pointers)]
        return [add_archived(self._node, self._archive, id, "file", name) for id, name in others]


def _pointer(value: dict[str, Any]) -> str:
    """What a part calls its file: `file-service://file-XXX` or `sediment://file_XXX`."""
    return text(value.get("asset_pointer")) or text(
        table(value.get("audio_asset_pointer")).get("asset_pointer")
    )
