"""Tools and results as the tool host passes them on, each within its bound. Pure. Only the child
process imports this module.
"""

from __future__ import annotations

import json
from typing import Any

from tornado_stream.tools_host.child_links import Failed

#: Bytes of the text and of the pictures of a result; characters of a description; sources.
MAX_TEXT, MAX_PICTURES = 64 * 1024, 4 * 1024 * 1024
MAX_SOURCES = 50
PICTURES = ("image/png", "image/jpeg", "image/webp", "image/gif")


def told_tool(tool: Any) -> dict[str, Any]:
    hints = tool.annotations
    return {
        "name": tool.name,
        "title": tool.title or (hints and hints.title) or "",
        "description": (tool.description or "")[:MAX_TEXT],
        "schema": tool.input_schema,
        "read_only": hints and hints.read_only_hint,
    }


def told_result(done: Any) -> dict[str, Any]:
    """The parts of a result that are passed on, each within its bound."""
    if not hasattr(done, "content"):
        raise Failed("it asks its user something in between, which this server cannot pass on")
    texts: list[str] = []
    pictures: list[dict[str, str]] = []
    sources: list[dict[str, str]] = []
    left = MAX_PICTURES
    for part in done.content:
        kind = part.type
        resource = getattr(part, "resource", None)
        if kind == "text":
            texts.append(part.text)
        elif kind == "image" and part.mime_type in PICTURES and len(part.data) * 3 // 4 <= left:
            left -= len(part.data) * 3 // 4
            pictures.append({"type": part.mime_type, "data": part.data})
        elif kind == "resource" and resource is not None and getattr(resource, "text", None):
            texts.append(resource.text)
        elif kind == "resource_link":
            texts.append(f"[{part.title or part.name}]({part.uri})")
        else:
            texts.append(f"[{kind} left out: {getattr(part, 'mime_type', None) or 'not text'}]")
        uri = str(getattr(part, "uri", None) or getattr(resource, "uri", None) or "")
        if uri.startswith(("http://", "https://")) and len(sources) < MAX_SOURCES:
            sources.append({"url": uri, "title": str(getattr(part, "title", None) or "")})
    structured = done.structured_content
    size = len(json.dumps(structured)) if structured is not None else 0
    if size and not texts:
        texts.append(json.dumps(structured, ensure_ascii=False))
    data = "\n".join(texts).encode("utf-8", "replace")
    return {
        "text": data[:MAX_TEXT].decode("utf-8", "ignore"),
        "structured": structured if size <= MAX_TEXT and isinstance(structured, dict) else None,
        "pictures": pictures,
        "sources": sources,
        "shortened": len(data) > MAX_TEXT,
        "is_error": bool(done.is_error),
    }
