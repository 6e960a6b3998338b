"""Finds the pictures of an answer, wherever an upstream has them. Pure; nothing raises.

OpenRouter, LiteLLM and Vercel have a list `images` of parts `image_url` in a delta or a message
(https://openrouter.ai/docs/features/multimodal/image-generation), older LiteLLM had one `image`,
and other servers have such parts in the content. Gateways such as new-api and one-api write a
picture of Gemini into the text, as Markdown in one chunk.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

#: Members of a delta or a message that have pictures.
MEMBERS = frozenset({"images", "image"})
#: Types of content parts that are pictures.
PARTS = ("image_url", "output_image", "image")
#: Members of an entry that have the picture, or an object with it.
_INNER = ("image_url", "url", "b64_json", "data", "image")
#: Entries of one list that are looked at.
_MAX_ENTRIES = 100
#: What every text has that has a picture in Markdown.
IN_TEXT = "](data:image/"
#: A picture in Markdown, in which the mark of `picture_data` may stand for the rest. A short one is
#: text: models write them as examples.
_MARKDOWN = re.compile(
    r"!\[[^\]\n]{0,200}\]\((data:image/[\w.+-]{1,40};base64,"
    r"[A-Za-z0-9+/=_-]{2000,}(?:<picture [0-9a-f]+ [0-9]+>)?)\)"
)


def read_images(delta: dict[str, Any]) -> tuple[str, ...]:
    """The pictures of a delta or message: data URLs, base64 alone, or addresses."""
    found = [*_entries(delta.get("images")), *_entries(delta.get("image"))]
    parts = delta.get("content")
    for part in parts[:_MAX_ENTRIES] if isinstance(parts, list) else ():
        if isinstance(part, dict) and part.get("type") in PARTS:
            found.append(part)
    return tuple(url for entry in found for url in _urls(entry))


def out_of_text(text: str) -> tuple[str, tuple[str, ...]]:
    """The text without its pictures in Markdown, and their data URLs."""
    found = tuple(_MARKDOWN.findall(text))
    return (_MARKDOWN.sub("", text), found) if found else (text, ())


def is_address(image: str) -> bool:
    """Whether a picture is elsewhere: this server fetches none."""
    return image[:8].lower().startswith(("http://", "https://"))


def _entries(value: Any) -> list[Any]:
    return value[:_MAX_ENTRIES] if isinstance(value, list) else [value] if value else []


def _urls(entry: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(entry, str):
        if entry:
            yield entry
    elif isinstance(entry, dict) and depth < 3:
        inner = next((entry[name] for name in _INNER if entry.get(name)), None)
        yield from _urls(inner, depth + 1)
