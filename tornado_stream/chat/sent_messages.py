"""A program's messages as those of a conversation, from which they go to a model again unchanged.
Pure, except for new ids and times."""

from __future__ import annotations

import uuid
from typing import Any

from tornado_stream.chat.requests import content_text, now_ms
from tornado_stream.values.messages import Message


def leading_system(messages: list[dict[str, Any]]) -> str | None:
    """The text of a first system message that is only a text, if other messages follow it."""
    first = messages[0]
    if len(messages) > 1 and first.get("role") == "system" and _is_plain(first):
        return str(first["content"])
    return None


def sent_messages(
    messages: list[dict[str, Any]], conversation_id: str, before: str | None = None
) -> tuple[Message, ...]:
    """The messages as a chain, each the parent of the next. A message has `sent` where its role and
    its text would not give it back. `before` is the role of a message that goes before the first.
    """
    now = now_ms()
    chain: list[Message] = []
    for sent in messages:
        role = str(sent["role"])
        plain = _is_plain(sent) and role != before and role in ("user", "assistant")
        chain.append(
            Message(
                id=str(uuid.uuid4()),
                conversation_id=conversation_id,
                parent_id=chain[-1].id if chain else None,
                role=role,
                content="\n".join(filter(None, (content_text(sent), _refusal(sent)))),
                created_at=now,
                sent=None if plain else sent,
            )
        )
        before = role
    return tuple(chain)


def _refusal(message: dict[str, Any]) -> str:
    """The refusal of a model, which a program sends back instead of a text or with it."""
    content = message.get("content")
    parts = content if isinstance(content, list) else [message]
    texts = (part.get("refusal") for part in parts)
    return "\n".join(text for text in texts if isinstance(text, str))


def _is_plain(message: dict[str, Any]) -> bool:
    """Whether the message is a role and a text, and nothing else."""
    content = message.get("content")
    return message.keys() == {"role", "content"} and isinstance(content, str) and content != ""


def other_parts(message: dict[str, Any]) -> list[str]:
    """What a message as a program sent it has beside its text, each as one line for a person."""
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    lines = [f"[{_kind(part)}]" for part in parts if not _has_text(part)]
    calls = message.get("tool_calls")
    legacy = {"function": message.get("function_call")}
    for call in [*(calls if isinstance(calls, list) else []), legacy]:
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict):
            lines.append(f"[{function.get('name')}({function.get('arguments')})]")
    return lines


def _has_text(part: dict[str, Any]) -> bool:
    return isinstance(part.get("text", part.get("refusal")), str)


def _kind(part: dict[str, Any]) -> str:
    """What a part is: the type of a picture that is in the message, else its own type."""
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, dict) else image
    if isinstance(url, str) and url.startswith("data:"):
        return url[5:].split(";")[0].split(",")[0][:80]
    return str(part.get("type", "part"))[:80]
