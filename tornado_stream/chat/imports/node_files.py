"""The files of a node of another program's tree. Pure.

The rule: a file whose bytes the export has belongs to the node. Of any other, its name stands in
the text where the file stood.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from tornado_stream.chat.imports.attachments import Attachments
from tornado_stream.chat.imports.members import name, part, text
from tornado_stream.chat.imports.trees import Node

#: A data URL up to its bytes.
_HEAD = re.compile(r"data:[\w.+/-]{0,100}(?:;[^;,]{0,100}){0,3};base64,")
#: A picture within a text in Markdown. One of fewer characters is an example of how to write one.
_PICTURE = re.compile(
    r"!\[([^\]\n]{0,300})\]\(\s*<?(data:image/[\w.+-]{1,40};base64,[A-Za-z0-9+/=_-]{200,})>?"
    r"(?:\s+\"[^\"\n]*\")?\s*\)"
)


def add_archived(node: Node, archive: Attachments, id: str, kind: str, named: Any = None) -> str:
    """Give a node the file that it calls so, if the archive has it. Returns what stands in its
    place in the text. `kind` is "picture" or "file"; without a name it has that of the archive."""
    found = archive.name(id) if id else None
    if found is None:
        return part(kind, named or id.rpartition("/")[2])
    _add(node, id, kind, name(named) or name(found))
    return ""


def add_inline(node: Node, url: Any, kind: str, named: Any = None) -> str:
    """Give a node the file whose bytes are in this data URL. Returns what stands in its place in
    the text."""
    head = _HEAD.match(text(url))
    if not head or len(url) == head.end():
        return part(kind, named)
    base64 = url[head.end() :]
    id = hashlib.sha256(base64.encode()).hexdigest()  # the same picture is sent once
    node.data[id] = base64
    _add(node, id, kind, name(named))
    return ""


def take_pictures(node: Node) -> None:
    """Make files of the pictures that stand within the text of a node, as data URLs."""
    if "data:image/" in node.text:
        node.text = _PICTURE.sub(
            lambda found: add_inline(node, found[2], "picture", found[1]), node.text
        ).strip()


def _add(node: Node, id: str, kind: str, named: str | None) -> None:
    if all(file["id"] != id for file in node.files):
        node.files.append({"id": id, "name": named or kind, "instead": part(kind, named)})
