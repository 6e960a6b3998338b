"""A program's messages as those of a conversation, from which they go to a model again unchanged.
Pure, except for new ids and times."""

from __future__ import annotations

from typing import Any

from tornado_stream.chat.ids import new_id
from tornado_stream.chat.requests import now_ms
from tornado_stream.values.content import content_text, is_plain, refusal_text
from tornado_stream.values.messages import Message


def leading_system(messages: list[dict[str, Any]]) -> str | None:
    """The text of a first system message that is only a text, if other messages follow it."""
    first = messages[0]
    if len(messages) > 1 and first.get("role") == "system" and is_plain(first):
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
        plain = is_plain(sent) and role != before and role in ("user", "assistant")
        chain.append(
            Message(
                id=new_id(),
                conversation_id=conversation_id,
                parent_id=chain[-1].id if chain else None,
                role=role,
                content="\n".join(filter(None, (content_text(sent), refusal_text(sent)))),
                created_at=now,
                sent=None if plain else sent,
            )
        )
        before = role
    return tuple(chain)
